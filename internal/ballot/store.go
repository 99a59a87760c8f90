package ballot

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const columns = `id, subject_kind, subject_id, question, hash, private_key, receipt_key, roll, papers, ballots, opens_at, closes_at, closed_at, result, seed, voided`

var (
	insertVote = db.Stmt(`INSERT INTO ballot_votes (id, subject_kind, subject_id, question, hash, private_key, receipt_key, roll, opens_at, closes_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
	getVote   = db.Def[Vote](`SELECT ` + columns + ` FROM ballot_votes WHERE id = $1`)
	getVoteOf = db.Def[Vote](`SELECT ` + columns + ` FROM ballot_votes WHERE subject_kind = $1 AND subject_id = $2`)
	listVotes = db.Def[Vote](`SELECT ` + columns + ` FROM ballot_votes ORDER BY id`)
	listOpen  = db.Def[id.ID](`SELECT id FROM ballot_votes WHERE closed_at = 0`)
	// The lock makes papers, ballots and the close take turns on PostgreSQL; SQLite has one writer.
	lockVote  = db.Def[Vote](`UPDATE ballot_votes SET papers = papers WHERE id = $1 RETURNING ` + columns)
	addPaper  = db.Stmt(`UPDATE ballot_votes SET papers = papers + 1 WHERE id = $1`)
	addBallot = db.Stmt(`UPDATE ballot_votes SET ballots = ballots + 1 WHERE id = $1`)
	moveClose = db.Stmt(`UPDATE ballot_votes SET closes_at = $2 WHERE id = $1 AND closed_at = 0 AND closes_at < $2`)
	closeVote = db.Stmt(`UPDATE ballot_votes SET closed_at = $2, voided = $3, private_key = '', receipt_key = '' WHERE id = $1 AND closed_at = 0`)
	voidVote  = db.Stmt(`UPDATE ballot_votes SET voided = TRUE WHERE id = $1 AND closed_at > 0 AND result = ''`)
	setResult = db.Stmt(`UPDATE ballot_votes SET result = $2, seed = $3 WHERE id = $1`)

	insertRoll  = db.Stmt(`INSERT INTO ballot_register (vote_id, member_id) SELECT $1, v FROM $2[] AS v`)
	getEntry    = db.Def[registered](`SELECT member_id, taken, blinded, signed FROM ballot_register WHERE vote_id = $1 AND member_id = $2`)
	tick        = db.Stmt(`UPDATE ballot_register SET taken = TRUE, blinded = $3, signed = $4 WHERE vote_id = $1 AND member_id = $2`)
	listTicks   = db.Def[Tick](`SELECT member_id, taken FROM ballot_register WHERE vote_id = $1 ORDER BY member_id`)
	listRoll    = db.Def[id.ID](`SELECT member_id FROM ballot_register WHERE vote_id = $1 ORDER BY member_id`)
	listUntaken = db.Def[id.ID](`SELECT member_id FROM ballot_register WHERE vote_id = $1 AND NOT taken ORDER BY member_id`)
	countTaken  = db.Def[int](`SELECT COUNT(*) FROM ballot_register WHERE vote_id = $1 AND taken`)
	clearSigned = db.Stmt(`UPDATE ballot_register SET blinded = '', signed = '' WHERE vote_id = $1`)
	toVote      = db.Def[Vote](`SELECT ` + columns + ` FROM ballot_votes WHERE closed_at = 0 AND closes_at > $2
		AND id IN (SELECT vote_id FROM ballot_register WHERE member_id = $1 AND NOT taken) ORDER BY closes_at LIMIT 50`)

	insertBallot = db.Stmt(`INSERT INTO ballot_box (vote_id, ballot_key, ballot) VALUES ($1, $2, $3)`)
	updateBallot = db.Stmt(`UPDATE ballot_box SET ballot = $3 WHERE vote_id = $1 AND ballot_key = $2`)
	getBallot    = db.Def[string](`SELECT ballot FROM ballot_box WHERE vote_id = $1 AND ballot_key = $2`)
	listBallots  = db.Def[string](`SELECT ballot FROM ballot_box WHERE vote_id = $1 ORDER BY ballot_key`)

	deleteBox = db.Stmt(`DELETE FROM ballot_box WHERE vote_id = $1`)

	insertScrutineer = db.Stmt(`INSERT INTO ballot_scrutineers (vote_id, place, member_id) VALUES ($1, $2, $3)`)
	listScrutineers  = db.Def[Scrutineer](`SELECT place, member_id, private_key FROM ballot_scrutineers WHERE vote_id = $1 ORDER BY place`)
	setRevealed      = db.Stmt(`UPDATE ballot_scrutineers SET private_key = $3 WHERE vote_id = $1 AND place = $2`)
	toReveal         = db.Def[Vote](`SELECT ` + columns + ` FROM ballot_votes WHERE closed_at > 0 AND result = '' AND NOT voided
		AND id IN (SELECT vote_id FROM ballot_scrutineers WHERE member_id = $1 AND private_key = '') ORDER BY closes_at LIMIT 50`)

	// PostgreSQL keeps rows in the order in which they were written, each marked with its transaction.
	stirBox = db.StmtTwin(`UPDATE ballot_box SET ballot = ballot WHERE vote_id = $1`,
		`WITH old AS (DELETE FROM ballot_box WHERE vote_id = $1 RETURNING vote_id, ballot_key, ballot) INSERT INTO ballot_box SELECT vote_id, ballot_key, ballot FROM old ORDER BY ballot_key`)
	stirRegister = db.StmtTwin(`UPDATE ballot_register SET taken = taken WHERE vote_id = $1`,
		`WITH old AS (DELETE FROM ballot_register WHERE vote_id = $1 RETURNING vote_id, member_id, taken, blinded, signed) INSERT INTO ballot_register SELECT vote_id, member_id, taken, blinded, signed FROM old ORDER BY member_id`)
)
