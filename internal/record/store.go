package record

import (
	"time"

	"rochdale/internal/kit/db"
)

type headRow struct {
	Seq  int64     `db:"seq"`
	At   time.Time `db:"at"`
	Hash string    `db:"hash"`
}

type treeRow struct {
	Index int64  `db:"idx"`
	Hash  string `db:"hash"`
}

type checkpointRow struct {
	Size int64     `db:"size"`
	Note string    `db:"note"`
	At   time.Time `db:"at"`
}

type keyRow struct {
	Signer   string `db:"signer"`
	Verifier string `db:"verifier"`
}

type privateRow struct {
	Salt string `db:"salt"`
	Data string `db:"data"`
}

const eventColumns = `seq, at, kind, body, prev, hash`

var (
	nextHead = db.Def[headRow](`UPDATE record_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, at, hash`)
	setHead  = db.Stmt(`UPDATE record_head SET hash = $1, at = $2 WHERE id = 1`)
	getHead  = db.Def[headRow](`SELECT seq, at, hash FROM record_head WHERE id = 1`)
	headSeq  = db.Def[int64](`SELECT seq FROM record_head WHERE id = 1`)

	insertEvent = db.Stmt(`INSERT INTO record_events (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6)`)
	getEvent    = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE seq = $1`)
	listEvents  = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE seq < $1 AND kind LIKE $2 ORDER BY seq DESC LIMIT $3`)
	listFrom    = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE seq > $1 ORDER BY seq LIMIT $2`)

	insertPrivate      = db.Stmt(`INSERT INTO record_private (seq, salt, data) VALUES ($1, $2, $3)`)
	getPrivate         = db.Def[privateRow](`SELECT salt, data FROM record_private WHERE seq = $1`)
	deletePrivate      = db.Stmt(`DELETE FROM record_private WHERE seq = $1`)
	countPrivateBeyond = db.Def[int](`SELECT COUNT(*) FROM record_private WHERE seq > $1`)

	insertTree    = db.Stmt(`INSERT INTO record_tree (idx, hash) VALUES ($1, $2)`)
	listTree      = db.Def[treeRow](`SELECT idx, hash FROM record_tree WHERE idx IN $1[]`)
	listTreeRange = db.Def[treeRow](`SELECT idx, hash FROM record_tree WHERE idx >= $1 AND idx < $2 ORDER BY idx`)

	insertCheckpoint = db.Stmt(`INSERT INTO record_checkpoints (size, note, at) VALUES ($1, $2, $3)`)
	getCheckpoint    = db.Def[checkpointRow](`SELECT size, note, at FROM record_checkpoints WHERE size = $1`)
	listCheckpoints  = db.Def[checkpointRow](`SELECT size, note, at FROM record_checkpoints ORDER BY size`)

	getKey    = db.Def[keyRow](`SELECT signer, verifier FROM record_keys WHERE id = 1`)
	insertKey = db.Stmt(`INSERT INTO record_keys (id, signer, verifier) VALUES (1, $1, $2)`)
)
