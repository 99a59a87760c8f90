package witness

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const (
	voteColumns     = `id, agreement_id, host, vote, title, url, private_key, public_key, roll, papers, question, first_closes, closes_at, taken_at, opened_at, closed_at, file, found`
	registerColumns = `voter_id, name, mail, code_hash, taken, blinded, signed, wrong, locked_until, lettered_at`
	askedColumns    = `subject_kind, subject_id, host, remote_id, key, roll_hash, title, url, closes_at`
)

var (
	getSelf    = db.Def[string](`SELECT seed FROM witness_self WHERE id = 1`)
	insertSelf = db.Stmt(`INSERT INTO witness_self (id, seed) VALUES (1, $1) ON CONFLICT (id) DO NOTHING`)

	insertServed = db.Stmt(`INSERT INTO witness_served (id, host, key, since) VALUES ($1, $2, $3, $4)`)
	endServed    = db.Stmt(`UPDATE witness_served SET ended_at = $2 WHERE id = $1 AND ended_at = 0`)
	getServed    = db.Def[Agreement](`SELECT id, host, key, since, ended_at FROM witness_served WHERE id = $1`)
	findServed   = db.Def[Agreement](`SELECT id, host, key, since, ended_at FROM witness_served WHERE host = $1 AND ended_at = 0`)
	listServed   = db.Def[Agreement](`SELECT id, host, key, since, ended_at FROM witness_served ORDER BY id`)

	insertEngaged = db.Stmt(`INSERT INTO witness_engaged (id, host, since) VALUES ($1, $2, $3)`)
	endEngaged    = db.Stmt(`UPDATE witness_engaged SET ended_at = $2 WHERE id = $1 AND ended_at = 0`)
	getEngaged    = db.Def[Engagement](`SELECT id, host, since, ended_at FROM witness_engaged WHERE ended_at = 0`)
	listEngaged   = db.Def[Engagement](`SELECT id, host, since, ended_at FROM witness_engaged ORDER BY id`)

	insertVote = db.Stmt(`INSERT INTO witness_votes (id, agreement_id, host, vote, title, url, private_key, public_key, roll, first_closes, closes_at, taken_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)`)
	moveVote  = db.Stmt(`UPDATE witness_votes SET title = $2, url = $3, first_closes = $4, closes_at = $4 WHERE id = $1 AND opened_at = 0 AND closed_at = 0`)
	openVote  = db.Stmt(`UPDATE witness_votes SET question = $2, opened_at = $3 WHERE id = $1 AND opened_at = 0 AND closed_at = 0`)
	moveClose = db.Stmt(`UPDATE witness_votes SET closes_at = $2 WHERE id = $1 AND closed_at = 0 AND closes_at < $2`)
	addPaper  = db.Stmt(`UPDATE witness_votes SET papers = papers + 1 WHERE id = $1`)
	closeVote = db.Stmt(`UPDATE witness_votes SET closed_at = $2, private_key = '' WHERE id = $1 AND closed_at = 0`)
	setFile   = db.Stmt(`UPDATE witness_votes SET file = $2, found = '' WHERE id = $1`)
	setFound  = db.Stmt(`UPDATE witness_votes SET found = $2 WHERE id = $1`)
	// The lock makes papers and the close take turns on PostgreSQL; SQLite has one writer.
	lockVote  = db.Def[Vote](`UPDATE witness_votes SET papers = papers WHERE id = $1 RETURNING ` + voteColumns)
	getVote   = db.Def[Vote](`SELECT ` + voteColumns + ` FROM witness_votes WHERE id = $1`)
	findVote  = db.Def[Vote](`SELECT ` + voteColumns + ` FROM witness_votes WHERE host = $1 AND vote = $2`)
	listVotes = db.Def[Vote](`SELECT ` + voteColumns + ` FROM witness_votes ORDER BY id`)
	lastVotes = db.Def[Vote](`SELECT ` + voteColumns + ` FROM witness_votes ORDER BY id DESC LIMIT $1`)
	listOver  = db.Def[id.ID](`SELECT id FROM witness_votes WHERE closed_at = 0 AND closes_at <= $1 ORDER BY id LIMIT 100`)
	countOpen = db.Def[int](`SELECT COUNT(*) FROM witness_votes WHERE agreement_id = $1 AND closed_at = 0`)

	insertRoll = db.StmtTwin(`INSERT INTO witness_register (vote_id, voter_id, name, mail)
			SELECT $1, CAST(json_extract(value, '$.id') AS INTEGER), json_extract(value, '$.name'), json_extract(value, '$.mail') FROM json_each($2)`,
		`INSERT INTO witness_register (vote_id, voter_id, name, mail)
			SELECT $1, CAST(v->>'id' AS BIGINT), v->>'name', v->>'mail' FROM jsonb_array_elements(CAST($2 AS JSONB)) AS v`)
	listRegister = db.Def[line](`SELECT ` + registerColumns + ` FROM witness_register WHERE vote_id = $1 ORDER BY voter_id`)
	nextLines    = db.Def[line](`SELECT ` + registerColumns + ` FROM witness_register WHERE vote_id = $1 AND voter_id > $2 ORDER BY voter_id LIMIT $3`)
	getLine      = db.Def[line](`SELECT ` + registerColumns + ` FROM witness_register WHERE vote_id = $1 AND voter_id = $2`)
	findMail     = db.Def[line](`SELECT ` + registerColumns + ` FROM witness_register WHERE vote_id = $1 AND LOWER(mail) = $2`)
	setCode      = db.Stmt(`UPDATE witness_register SET code_hash = $3, lettered_at = $4, wrong = 0, locked_until = 0 WHERE vote_id = $1 AND voter_id = $2`)
	setWrong     = db.Stmt(`UPDATE witness_register SET wrong = $3, locked_until = $4 WHERE vote_id = $1 AND voter_id = $2`)
	tick         = db.Stmt(`UPDATE witness_register SET taken = TRUE, blinded = $3, signed = $4, wrong = 0, locked_until = 0 WHERE vote_id = $1 AND voter_id = $2`)
	clearLines   = db.Stmt(`UPDATE witness_register SET mail = '', code_hash = '', blinded = '', signed = '', wrong = 0, locked_until = 0, lettered_at = 0 WHERE vote_id = $1`)

	// PostgreSQL keeps rows in the order in which they were written, each marked with its transaction.
	stirRegister = db.StmtTwin(`UPDATE witness_register SET taken = taken WHERE vote_id = $1`,
		`WITH old AS (DELETE FROM witness_register WHERE vote_id = $1 RETURNING *)
			INSERT INTO witness_register (vote_id, `+registerColumns+`) SELECT vote_id, `+registerColumns+` FROM old ORDER BY voter_id`)

	saveAsked = db.Stmt(`INSERT INTO witness_asked (` + askedColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (subject_kind, subject_id) DO UPDATE SET title = EXCLUDED.title, url = EXCLUDED.url, closes_at = EXCLUDED.closes_at`)
	getAsked = db.Def[asked](`SELECT ` + askedColumns + ` FROM witness_asked WHERE subject_kind = $1 AND subject_id = $2`)
)
