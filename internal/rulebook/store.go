package rulebook

import "rochdale/internal/kit/db"

const versionColumns = `id, line, number, data, from_at, until_at, source_kind, source_id FROM rules`

var (
	insertVersion = db.Stmt(`INSERT INTO rules (id, line, number, data, from_at, until_at, source_kind, source_id) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)`)
	endVersion    = db.Stmt(`UPDATE rules SET until_at = $2 WHERE id = $1 AND until_at = 0`)

	getVersion   = db.Def[row](`SELECT ` + versionColumns + ` WHERE id = $1`)
	getCurrent   = db.Def[row](`SELECT ` + versionColumns + ` WHERE line = $1 AND until_at = 0`)
	getNewest    = db.Def[row](`SELECT ` + versionColumns + ` WHERE line = $1 ORDER BY number DESC LIMIT 1`)
	listCurrent  = db.Def[row](`SELECT ` + versionColumns + ` WHERE until_at = 0 ORDER BY id`)
	listVersions = db.Def[row](`SELECT ` + versionColumns + ` WHERE line = $1 ORDER BY number DESC`)
	listAll      = db.Def[row](`SELECT ` + versionColumns + ` ORDER BY id`)
)
