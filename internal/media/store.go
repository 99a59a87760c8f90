package media

import (
	"rochdale/internal/kit/db"
)

const columns = `id, account_id, post_id, kind, content_type, blob_key, preview_key, remote_url, width, height,
	preview_width, preview_height, blurhash, alt, focus_x, focus_y, created_at`

var (
	insertAttachment = db.Stmt(`INSERT INTO attachments (id, account_id, post_id, position, kind, content_type, blob_key, preview_key,
		remote_url, width, height, preview_width, preview_height, blurhash, alt, focus_x, focus_y, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`)
	listAttachments = db.Def[Attachment](`SELECT ` + columns + ` FROM attachments WHERE id IN $1[]`)
	listOfPosts     = db.Def[Attachment](`SELECT ` + columns + ` FROM attachments WHERE post_id IN $1[] ORDER BY post_id, position`)
	attach          = db.Stmt(`UPDATE attachments SET post_id = $2, position = $3 WHERE id = $1`)
	detachAll       = db.Stmt(`UPDATE attachments SET post_id = 0 WHERE post_id = $1`)
	deleteOfPost    = db.Stmt(`DELETE FROM attachments WHERE post_id = $1`)
)
