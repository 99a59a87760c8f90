package election

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const fields = `id, number, kind, body_id, voters_id, title, text, plan, rule_id, rules, waiting_days, mode, mode_reason, state, cause, extended, origin_kind, origin_id,
	announced_at, final_at, opens_at, closes_at, counted_at, accept_by, reminded_at, due_at, roll_size, roll_hash, result, revision, prolonged, prolonged_vote, vacancies`

const columns = fields + ` FROM elections`

const candidate = `SELECT id, election_id, member_id, nominated_by, title, cost, statement, affiliation, reserved, state, cause, at, place, mandate, vacated, ballot_name FROM election_candidates`

const named = `SELECT id, election_id, member_id, choice, reason, salt, version, at FROM election_votes`

// signature is a member's name under a nomination.
type signature struct {
	Candidate id.ID `db:"candidate_id"`
	Member    id.ID `db:"member_id"`
}

var (
	// The number is taken under the lock of the table on PostgreSQL; SQLite has one writer.
	lockNumbers = db.StmtTwin(`UPDATE elections SET revision = revision WHERE id = -1`, `LOCK TABLE elections IN SHARE ROW EXCLUSIVE MODE`)
	nextNumber  = db.Def[int64](`SELECT CAST(COALESCE(MAX(number), 0) + 1 AS BIGINT) FROM elections`)

	insertElection = db.Stmt(`INSERT INTO elections (id, number, kind, body_id, voters_id, title, text, plan, rule_id, rules, waiting_days, mode, mode_reason, state, origin_kind, origin_id,
		announced_at, final_at, opens_at, closes_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`)
	updateElection = db.Stmt(`UPDATE elections SET mode = $3, mode_reason = $4, state = $5, cause = $6, extended = $7, final_at = $8, opens_at = $9, closes_at = $10, counted_at = $11,
		accept_by = $12, reminded_at = $13, due_at = $14, roll_size = $15, roll_hash = $16, result = $17, revision = revision + 1 WHERE id = $1 AND revision = $2`)
	setPlan       = db.Stmt(`UPDATE elections SET plan = $2, title = $3 WHERE id = $1`)
	setProlonged  = db.Stmt(`UPDATE elections SET prolonged = $2, prolonged_vote = $3 WHERE id = $1`)
	setVacancies  = db.Stmt(`UPDATE elections SET vacancies = $2 WHERE id = $1`)
	listWaiting   = db.Def[Election](`SELECT ` + columns + ` WHERE body_id = $1 AND vacancies <> '' ORDER BY number`)
	getElection   = db.Def[Election](`SELECT ` + columns + ` WHERE id = $1`)
	getByNumber   = db.Def[Election](`SELECT ` + columns + ` WHERE number = $1`)
	listElections = db.Def[Election](`SELECT ` + columns + ` WHERE number < $1 ORDER BY number DESC LIMIT $2`)
	listRunning   = db.Def[Election](`SELECT ` + columns + ` WHERE state IN ('nominations', 'candidates final', 'open', 'sealed', 'counted') ORDER BY closes_at, number LIMIT 200`)
	listForBody   = db.Def[Election](`SELECT ` + columns + ` WHERE body_id = $1 ORDER BY number DESC LIMIT 100`)
	listDue       = db.Def[Election](`SELECT ` + columns + ` WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at, id LIMIT 100`)
	listAll       = db.Def[Election](`SELECT ` + columns + ` ORDER BY id`)
	listToRemind  = db.Def[Election](`SELECT ` + columns + ` WHERE reminded_at = 0 AND (state = 'open' AND closes_at > $1 OR state = 'sealed' AND due_at > $1) ORDER BY closes_at LIMIT 100`)
	setReminded   = db.Stmt(`UPDATE elections SET reminded_at = $2 WHERE id = $1`)
	listToVote    = db.Def[Election](`SELECT ` + columns + ` WHERE state = 'open' AND closes_at > $2 AND id IN (SELECT election_id FROM election_roll WHERE member_id = $1)
		AND id NOT IN (SELECT election_id FROM election_votes WHERE member_id = $1) ORDER BY closes_at LIMIT 50`)
	// The lock makes the steps of an election take turns on PostgreSQL; SQLite has one writer.
	lockElection = db.Def[Election](`UPDATE elections SET revision = revision WHERE id = $1 RETURNING ` + fields)

	insertCandidate = db.Stmt(`INSERT INTO election_candidates (id, election_id, member_id, nominated_by, title, cost, statement, affiliation, reserved, state, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
	updateCandidate = db.Stmt(`UPDATE election_candidates SET state = $2, cause = $3, statement = $4, affiliation = $5, reserved = $6, place = $7, mandate = $8, vacated = $9, ballot_name = $10 WHERE id = $1`)
	getCandidate    = db.Def[Candidate](candidate + ` WHERE id = $1`)
	listCandidates  = db.Def[Candidate](candidate + ` WHERE election_id = $1 ORDER BY id`)

	insertName = db.Stmt(`INSERT INTO election_names (candidate_id, member_id, purpose, at) VALUES ($1, $2, $3, $4)`)
	listNames  = db.Def[signature](`SELECT n.candidate_id, n.member_id FROM election_names n JOIN election_candidates c ON c.id = n.candidate_id
		WHERE c.election_id = $1 AND n.purpose = $2 ORDER BY n.candidate_id, n.at, n.member_id`)

	insertQuestion = db.Stmt(`INSERT INTO election_questions (id, election_id, member_id, text, at) VALUES ($1, $2, $3, $4, $5)`)
	getQuestion    = db.Def[Question](`SELECT id, election_id, member_id, text, at FROM election_questions WHERE id = $1`)
	listQuestions  = db.Def[Question](`SELECT id, election_id, member_id, text, at FROM election_questions WHERE election_id = $1 ORDER BY id LIMIT 500`)
	countQuestions = db.Def[int](`SELECT COUNT(*) FROM election_questions WHERE election_id = $1 AND member_id = $2`)
	deleteReply    = db.Stmt(`DELETE FROM election_replies WHERE question_id = $1 AND candidate_id = $2`)
	insertReply    = db.Stmt(`INSERT INTO election_replies (question_id, candidate_id, text, at) VALUES ($1, $2, $3, $4)`)
	listReplies    = db.Def[Reply](`SELECT r.question_id, r.candidate_id, r.text, r.at FROM election_replies r JOIN election_questions q ON q.id = r.question_id
		WHERE q.election_id = $1 ORDER BY r.question_id, r.candidate_id`)

	insertOffer = db.Stmt(`INSERT INTO election_scrutineers (election_id, member_id, public_key, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (election_id, member_id) DO UPDATE SET public_key = excluded.public_key`)
	deleteOffer = db.Stmt(`DELETE FROM election_scrutineers WHERE election_id = $1 AND member_id = $2`)
	listOffers  = db.Def[Offered](`SELECT member_id, public_key, at FROM election_scrutineers WHERE election_id = $1 ORDER BY at, member_id`)
	setDue      = db.Stmt(`UPDATE elections SET due_at = $2 WHERE id = $1`)

	insertObserver = db.Stmt(`INSERT INTO election_observers (election_id, member_id, at) VALUES ($1, $2, $3) ON CONFLICT (election_id, member_id) DO NOTHING`)
	listObservers  = db.Def[id.ID](`SELECT member_id FROM election_observers WHERE election_id = $1 ORDER BY at, member_id`)

	insertRoll  = db.Stmt(`INSERT INTO election_roll (election_id, member_id) SELECT $1, v FROM $2[] AS v`)
	onRoll      = db.Def[int](`SELECT COUNT(*) FROM election_roll WHERE election_id = $1 AND member_id = $2`)
	listRoll    = db.Def[id.ID](`SELECT member_id FROM election_roll WHERE election_id = $1 ORDER BY member_id`)
	listUnvoted = db.Def[id.ID](`SELECT member_id FROM election_roll WHERE election_id = $1
		AND member_id NOT IN (SELECT member_id FROM election_votes WHERE election_id = $1) ORDER BY member_id`)
	insertNamed  = db.Stmt(`INSERT INTO election_votes (id, election_id, member_id, choice, reason, salt, version, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	updateNamed  = db.Stmt(`UPDATE election_votes SET choice = $2, reason = $3, salt = $4, version = $5, at = $6 WHERE id = $1`)
	getNamed     = db.Def[Named](named + ` WHERE election_id = $1 AND member_id = $2`)
	listNamed    = db.Def[Named](named + ` WHERE election_id = $1 ORDER BY id`)
	listAllNamed = db.Def[Named](named + ` ORDER BY id`)
	countNamed   = db.Def[int](`SELECT COUNT(*) FROM election_votes WHERE election_id = $1`)

	nominationsOf = db.Def[Candidate](candidate + ` WHERE member_id = $1 OR nominated_by = $1 ORDER BY id`)
	questionsOf   = db.Def[Question](`SELECT id, election_id, member_id, text, at FROM election_questions WHERE member_id = $1 ORDER BY id`)
	repliesOf     = db.Def[Reply](`SELECT question_id, candidate_id, text, at FROM election_replies WHERE candidate_id IN (SELECT id FROM election_candidates WHERE member_id = $1)
		ORDER BY question_id, candidate_id`)
	namedOf = db.Def[Named](named + ` WHERE member_id = $1 ORDER BY id`)

	eraseStatements = db.Stmt(`UPDATE election_candidates SET statement = '' WHERE member_id = $1`)
	// What another member said of somebody who has not accepted it, they said as their own.
	eraseNominations = db.Stmt(`UPDATE election_candidates SET statement = '' WHERE nominated_by = $1 AND member_id <> $1 AND state IN ('asked', 'declined', 'dropped')`)
	// An affiliation counts while the election runs: see state.
	eraseAffiliations = db.Stmt(`UPDATE election_candidates SET affiliation = '' WHERE member_id = $1
		AND election_id NOT IN (SELECT id FROM elections WHERE state IN ('nominations', 'candidates final', 'open'))`)
	eraseReasons   = db.Stmt(`UPDATE election_votes SET reason = '' WHERE member_id = $1`)
	eraseQuestions = db.Stmt(`UPDATE election_questions SET text = '' WHERE member_id = $1`)
	eraseReplies   = db.Stmt(`UPDATE election_replies SET text = '' WHERE candidate_id IN (SELECT id FROM election_candidates WHERE member_id = $1)`)
)
