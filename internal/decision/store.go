package decision

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const fields = `id, number, body_id, mover_id, title, text, text_version, method, settings, petition, urgent, state, outcome, execution, cause, rule_id, again,
	roll_size, quorum_base, roll_hash, votes_count, result, statement, origin_kind, origin_id, created_at, published_at, called_at, opens_at, closes_at,
	counted_at, window_ends_at, in_force_at, review_at, reviewed_at, reminded_at, due_at, extended_at, secret, revision`

const columns = fields + ` FROM decisions`

var (
	// The number is taken under the lock of this row on PostgreSQL; SQLite has one writer.
	lockNumbers = db.StmtTwin(`UPDATE decisions SET revision = revision WHERE id = -1`, `LOCK TABLE decisions IN SHARE ROW EXCLUSIVE MODE`)
	nextNumber  = db.Def[int64](`SELECT CAST(COALESCE(MAX(number), 0) + 1 AS BIGINT) FROM decisions`)

	insertMotion = db.Stmt(`INSERT INTO decisions (id, number, body_id, mover_id, title, text, method, settings, petition, urgent, state, again, origin_kind, origin_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`)
	updateMotion = db.Stmt(`UPDATE decisions SET title = $3, text = $4, text_version = $5, method = $6, settings = $7, petition = $8, urgent = $9, state = $10,
		outcome = $11, execution = $12, cause = $13, rule_id = $14, roll_size = $15, quorum_base = $16, roll_hash = $17, result = $18, statement = $19,
		published_at = $20, called_at = $21, opens_at = $22, closes_at = $23, counted_at = $24, window_ends_at = $25, in_force_at = $26, review_at = $27,
		reviewed_at = $28, reminded_at = $29, due_at = $30, body_id = $31, extended_at = $32, secret = $33, revision = revision + 1 WHERE id = $1 AND revision = $2`)
	getMotion         = db.Def[Motion](`SELECT ` + columns + ` WHERE id = $1`)
	getMotionByNumber = db.Def[Motion](`SELECT ` + columns + ` WHERE number = $1`)
	listMotions       = db.Def[Motion](`SELECT ` + columns + ` WHERE number < $1 AND published_at > 0 ORDER BY number DESC LIMIT $2`)
	listInStates      = db.Def[Motion](`SELECT ` + columns + ` WHERE state IN $1[] AND number < $2 AND published_at > 0 ORDER BY number DESC LIMIT $3`)
	listInBody        = db.Def[Motion](`SELECT ` + columns + ` WHERE body_id = $1 AND number < $2 AND published_at > 0 ORDER BY number DESC LIMIT $3`)
	listOrigin        = db.Def[Motion](`SELECT ` + columns + ` WHERE origin_id = $1 AND published_at > 0 ORDER BY number`)
	listDraftsOf      = db.Def[Motion](`SELECT ` + columns + ` WHERE state = 'draft' AND (mover_id = $1 OR id IN (SELECT decision_id FROM decision_collaborators WHERE member_id = $1)) ORDER BY number DESC LIMIT 100`)
	listMovedBy       = db.Def[Motion](`SELECT ` + columns + ` WHERE mover_id = $1 AND state IN $2[] ORDER BY number DESC LIMIT 100`)
	listDue           = db.Def[Motion](`SELECT ` + columns + ` WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at, id LIMIT 100`)
	listToVote        = db.Def[Motion](`SELECT ` + columns + ` WHERE state = 'open' AND id IN (SELECT decision_id FROM decision_roll WHERE member_id = $1)
		AND id NOT IN (SELECT decision_id FROM decision_votes WHERE member_id = $1) AND closes_at > $2 ORDER BY closes_at, number LIMIT 50`)
	listAllMotions = db.Def[Motion](`SELECT ` + columns + ` WHERE id > $1 ORDER BY id LIMIT $2`)

	insertEffect  = db.Stmt(`INSERT INTO decision_effects (decision_id, position, option, kind, args) VALUES ($1, $2, $3, $4, $5)`)
	deleteEffects = db.Stmt(`DELETE FROM decision_effects WHERE decision_id = $1`)
	setBase       = db.Stmt(`UPDATE decision_effects SET base = $3, change = $4 WHERE decision_id = $1 AND position = $2`)
	setInverse    = db.Stmt(`UPDATE decision_effects SET inverse = $3 WHERE decision_id = $1 AND position = $2`)
	listEffects   = db.Def[effectRow](`SELECT decision_id, position, option, kind, args, base, change, inverse FROM decision_effects WHERE decision_id = $1 ORDER BY position`)

	insertText = db.Stmt(`INSERT INTO decision_texts (decision_id, version, title, text, member_id, at) VALUES ($1, $2, $3, $4, $5, $6)`)
	listTexts  = db.Def[Text](`SELECT version, title, text, member_id, at FROM decision_texts WHERE decision_id = $1 ORDER BY version DESC`)

	insertCollaborator = db.Stmt(`INSERT INTO decision_collaborators (decision_id, member_id) VALUES ($1, $2) ON CONFLICT (decision_id, member_id) DO NOTHING`)
	deleteCollaborator = db.Stmt(`DELETE FROM decision_collaborators WHERE decision_id = $1 AND member_id = $2`)
	listCollaborators  = db.Def[id.ID](`SELECT member_id FROM decision_collaborators WHERE decision_id = $1 ORDER BY member_id`)

	insertRoll = db.Stmt(`INSERT INTO decision_roll (decision_id, member_id) SELECT $1, v FROM $2[] AS v`)
	onRoll     = db.Def[int](`SELECT COUNT(*) FROM decision_roll WHERE decision_id = $1 AND member_id = $2`)
	listRoll   = db.Def[id.ID](`SELECT member_id FROM decision_roll WHERE decision_id = $1 ORDER BY member_id`)
	countLive  = db.Def[int](`SELECT COUNT(*) FROM decision_roll r WHERE r.decision_id = $1
		AND EXISTS (SELECT 1 FROM decision_votes v WHERE v.member_id = r.member_id AND v.at >= $2)`)
	listUnvoted = db.Def[id.ID](`SELECT member_id FROM decision_roll WHERE decision_id = $1
		AND member_id NOT IN (SELECT member_id FROM decision_votes WHERE decision_id = $1) ORDER BY member_id`)

	insertVote = db.Stmt(`INSERT INTO decision_votes (id, decision_id, member_id, choice, reason, salt, digest, version, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
	updateVote = db.Stmt(`UPDATE decision_votes SET choice = $2, reason = $3, salt = $4, digest = $5, version = $6, at = $7 WHERE id = $1`)
	getVote    = db.Def[Vote](`SELECT id, decision_id, member_id, choice, reason, salt, digest, version, at FROM decision_votes WHERE decision_id = $1 AND member_id = $2`)
	pageVotes  = db.Def[Vote](`SELECT id, decision_id, member_id, choice, reason, salt, digest, version, at FROM decision_votes WHERE decision_id = $1 ORDER BY at DESC, id DESC LIMIT $2`)
	allVotes   = db.Def[Vote](`SELECT id, decision_id, member_id, choice, reason, salt, digest, version, at FROM decision_votes WHERE id > $1 ORDER BY id LIMIT $2`)
	votesOf    = db.Def[Vote](`SELECT id, decision_id, member_id, choice, reason, salt, digest, version, at FROM decision_votes WHERE member_id = $1 ORDER BY id`)
	commentsOf = db.Def[Comment](`SELECT id, decision_id, parent_id, member_id, text, at, edited_at, deleted_at FROM decision_comments WHERE member_id = $1 AND deleted_at = 0 ORDER BY id`)
	countPaper = db.Def[paper](`SELECT choice, COUNT(*) AS n FROM decision_votes WHERE decision_id = $1 GROUP BY choice ORDER BY choice`)
	setVotes   = db.Stmt(`UPDATE decisions SET votes_count = $2 WHERE id = $1`) // of a secret ballot, at its close
	addVote    = db.Stmt(`UPDATE decisions SET votes_count = votes_count + 1 WHERE id = $1`)
	// The lock makes a vote and the close of its motion take turns on PostgreSQL; SQLite has one writer.
	lockOpen = db.Def[Motion](`UPDATE decisions SET revision = revision WHERE id = $1 RETURNING ` + fields)

	insertSupport = db.Stmt(`INSERT INTO decision_supports (decision_id, member_id, kind, reason, at) VALUES ($1, $2, $3, $4, $5)`)
	countSupports = db.Def[int](`SELECT COUNT(*) FROM decision_supports WHERE decision_id = $1 AND kind = $2`)
	listSupports  = db.Def[Support](`SELECT member_id, kind, reason, at FROM decision_supports WHERE decision_id = $1 ORDER BY at, member_id`)

	insertAmendment = db.Stmt(`INSERT INTO decision_amendments (id, decision_id, member_id, base, text, reason, state, at) VALUES ($1, $2, $3, $4, $5, $6, 'open', $7)`)
	answerAmendment = db.Stmt(`UPDATE decision_amendments SET state = $2, answer = $3, answered_at = $4 WHERE id = $1 AND state = 'open'`)
	getAmendment    = db.Def[Amendment](`SELECT id, decision_id, member_id, base, text, reason, state, answer, at, answered_at FROM decision_amendments WHERE id = $1`)
	listAmendments  = db.Def[Amendment](`SELECT id, decision_id, member_id, base, text, reason, state, answer, at, answered_at FROM decision_amendments WHERE decision_id = $1 ORDER BY id`)

	insertPost = db.Stmt(`INSERT INTO decision_posts (decision_id, post_id) VALUES ($1, $2)`)
	listPosts  = db.Def[id.ID](`SELECT post_id FROM decision_posts WHERE decision_id = $1 ORDER BY post_id`)

	insertComment = db.Stmt(`INSERT INTO decision_comments (id, decision_id, parent_id, member_id, text, at) VALUES ($1, $2, $3, $4, $5, $6)`)
	updateComment = db.Stmt(`UPDATE decision_comments SET text = $2, edited_at = $3, deleted_at = $4 WHERE id = $1`)
	getComment    = db.Def[Comment](`SELECT id, decision_id, parent_id, member_id, text, at, edited_at, deleted_at FROM decision_comments WHERE id = $1`)
	listComments  = db.Def[Comment](`SELECT id, decision_id, parent_id, member_id, text, at, edited_at, deleted_at FROM decision_comments WHERE decision_id = $1 ORDER BY id LIMIT 2000`)

	insertReaction = db.Stmt(`INSERT INTO decision_reactions (comment_id, member_id, emoji) VALUES ($1, $2, $3) ON CONFLICT (comment_id, member_id, emoji) DO NOTHING`)
	deleteReaction = db.Stmt(`DELETE FROM decision_reactions WHERE comment_id = $1 AND member_id = $2 AND emoji = $3`)
	listReactions  = db.Def[Reaction](`SELECT r.comment_id, r.member_id, r.emoji FROM decision_reactions r JOIN decision_comments c ON c.id = r.comment_id WHERE c.decision_id = $1 ORDER BY r.comment_id, r.emoji, r.member_id`)
	eraseComments  = db.Stmt(`UPDATE decision_comments SET text = '', deleted_at = $2 WHERE member_id = $1`)
	eraseChanges   = db.Stmt(`UPDATE decision_effects SET change = '' WHERE args LIKE $1`)
	eraseReasons   = db.Stmt(`UPDATE decision_votes SET reason = '' WHERE member_id = $1`)
	eraseSupports  = db.Stmt(`UPDATE decision_supports SET reason = '' WHERE member_id = $1`)
	eraseAmending  = db.Stmt(`UPDATE decision_amendments SET reason = '' WHERE member_id = $1`)
)
