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

type withinRow struct {
	Thing string `db:"thing"`
	Seq   int64  `db:"seq"`
}

type savedRow struct {
	Seq  int64  `db:"seq"`
	Salt string `db:"salt"`
	Data string `db:"data"`
}

const eventColumns = `seq, at, kind, body, prev, hash, subject, member, authority`

// narrowed are the conditions of a search beside the one whose index is used: bounds of the number,
// member, authority, kinds if there are any, and what the events belong to.
const narrowed = ` AND seq < $2 AND seq >= $3 AND ($4 = '' OR member = $4) AND ($5 = '' OR authority = $5) AND (CAST($6 AS BIGINT) = 0 OR kind IN $7[])
	AND ($9 = '' OR EXISTS (SELECT 1 FROM record_within w WHERE w.seq = record_events.seq AND w.thing = $9)) ORDER BY seq DESC LIMIT $8`

var (
	nextHead = db.Def[headRow](`UPDATE record_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, at, hash`)
	setHead  = db.Stmt(`UPDATE record_head SET hash = $1, at = $2 WHERE id = 1`)
	getHead  = db.Def[headRow](`SELECT seq, at, hash FROM record_head WHERE id = 1`)
	headSeq  = db.Def[int64](`SELECT seq FROM record_head WHERE id = 1`)

	insertEvent = db.Stmt(`INSERT INTO record_events (` + eventColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
	getEvent    = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE seq = $1`)
	listEvents  = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE seq < $1 AND seq >= $2 ORDER BY seq DESC LIMIT $3`)
	listSeqs    = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE seq IN $1[] ORDER BY seq DESC`)
	listFrom    = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE seq > $1 ORDER BY seq LIMIT $2`)

	listAbout = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE subject = $1` + narrowed)
	listUnder = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE authority = $1` + narrowed)
	listBy    = db.Def[Event](`SELECT ` + eventColumns + ` FROM record_events WHERE member = $1` + narrowed)
	// The numbers come from the index of what belongs to the thing, in their order.
	listWithin = db.Def[Event](`SELECT ` + eventColumns + ` FROM (SELECT w.seq AS n FROM record_within w WHERE w.thing = $1 AND w.seq < $2 AND w.seq >= $3) AS own
		JOIN record_events ON seq = n WHERE ($4 = '' OR member = $4) AND ($5 = '' OR authority = $5) AND (CAST($6 AS BIGINT) = 0 OR kind IN $7[]) ORDER BY n DESC LIMIT $8`)
	listKind  = db.Def[int64](`SELECT seq FROM record_events WHERE kind = $1 AND seq < $2 AND seq >= $3 ORDER BY seq DESC LIMIT $4`)
	listKinds = db.Def[string](`WITH RECURSIVE k(kind) AS (SELECT MIN(kind) FROM record_events
		UNION ALL SELECT (SELECT MIN(e.kind) FROM record_events e WHERE e.kind > k.kind) FROM k WHERE k.kind IS NOT NULL)
		SELECT kind FROM k WHERE kind IS NOT NULL`)
	getAt = db.Def[time.Time](`SELECT at FROM record_events WHERE seq = $1`)

	insertWithin = db.Stmt(`INSERT INTO record_within (thing, seq) VALUES ($1, $2)`)
	rangeWithin  = db.Def[withinRow](`SELECT thing, seq FROM record_within WHERE seq > $1 AND seq <= $2 ORDER BY seq, thing`)

	insertPrivate      = db.Stmt(`INSERT INTO record_private (seq, salt, data) VALUES ($1, $2, $3)`)
	getPrivate         = db.Def[privateRow](`SELECT salt, data FROM record_private WHERE seq = $1`)
	listPrivate        = db.Def[savedRow](`SELECT seq, salt, data FROM record_private WHERE seq > $1 AND seq <= $2 ORDER BY seq`)
	deletePrivate      = db.Stmt(`DELETE FROM record_private WHERE seq = $1`)
	countPrivateBeyond = db.Def[int](`SELECT COUNT(*) FROM record_private WHERE seq > $1`)

	insertTree    = db.Stmt(`INSERT INTO record_tree (idx, hash) VALUES ($1, $2)`)
	listTree      = db.Def[treeRow](`SELECT idx, hash FROM record_tree WHERE idx IN $1[]`)
	listTreeRange = db.Def[treeRow](`SELECT idx, hash FROM record_tree WHERE idx >= $1 AND idx < $2 ORDER BY idx`)

	insertCheckpoint = db.Stmt(`INSERT INTO record_checkpoints (size, note, at) VALUES ($1, $2, $3)`)
	getCheckpoint    = db.Def[checkpointRow](`SELECT size, note, at FROM record_checkpoints WHERE size = $1`)
	lastCheckpoint   = db.Def[checkpointRow](`SELECT size, note, at FROM record_checkpoints ORDER BY size DESC LIMIT 1`)
	listCheckpoints  = db.Def[checkpointRow](`SELECT size, note, at FROM record_checkpoints ORDER BY size`)

	getKey    = db.Def[keyRow](`SELECT signer, verifier FROM record_keys WHERE id = 1`)
	insertKey = db.Stmt(`INSERT INTO record_keys (id, signer, verifier) VALUES (1, $1, $2)`)
)
