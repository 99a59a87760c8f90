package notice

import (
	"rochdale/internal/kit/db"
)

const columns = `id, account_id, kind, from_id, post_id, created_at, comment_id`

const window = `SELECT ` + columns + ` FROM notices WHERE account_id = $4 AND id < $1 AND id > $2 AND kind IN $5[] AND (from_id = $6 OR CAST($6 AS BIGINT) = 0) ORDER BY id`

var (
	insertNotice = db.Stmt(`INSERT INTO notices (` + columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`)
	deleteNotice = db.Stmt(`DELETE FROM notices WHERE account_id = $1 AND kind = $2 AND from_id = $3 AND post_id = $4`)
	deleteOfPost = db.Stmt(`DELETE FROM notices WHERE post_id = $1 AND post_id <> 0`)
	deleteFrom   = db.Stmt(`DELETE FROM notices WHERE account_id = $1 AND from_id = $2`)
	deleteAll    = db.Stmt(`DELETE FROM notices WHERE account_id = $1`)
	deleteOne    = db.Stmt(`DELETE FROM notices WHERE id = $1 AND account_id = $2`)
	getNotice    = db.Def[Notice](`SELECT ` + columns + ` FROM notices WHERE id = $1 AND account_id = $2`)
	listDown     = db.Def[Notice](window + ` DESC LIMIT $3`)
	listUp       = db.Def[Notice](window + ` LIMIT $3`)
	countUnread  = db.Def[int](`SELECT COUNT(*) FROM (SELECT 1 FROM notices WHERE account_id = $1 AND kind IN $3[]
		AND id > COALESCE((SELECT last_read_id FROM markers WHERE account_id = $1 AND timeline = 'notifications'), 0) LIMIT $2) AS unread`)
	unreadOf = db.Def[int](`SELECT COUNT(*) FROM notices WHERE account_id = $1 AND kind = $2 AND comment_id = $3
		AND id > COALESCE((SELECT last_read_id FROM markers WHERE account_id = $1 AND timeline = 'notifications'), 0)`)

	upsertMarker = db.Stmt(`INSERT INTO markers (account_id, timeline, last_read_id, version, updated_at) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (account_id, timeline) DO UPDATE SET last_read_id = excluded.last_read_id, version = markers.version + 1, updated_at = excluded.updated_at
		WHERE excluded.last_read_id > markers.last_read_id`)
	listMarkers = db.Def[Marker](`SELECT timeline, last_read_id, version, updated_at FROM markers WHERE account_id = $1 AND timeline IN $2[]`)
)
