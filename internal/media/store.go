package media

import (
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const columns = `id, account_id, post_id, kind, content_type, blob_key, preview_key, remote_url, width, height,
	preview_width, preview_height, blurhash, alt, focus_x, focus_y, created_at, fetched_at, failed_at`

// Attachments.
var (
	insertAttachment = db.Stmt(`INSERT INTO attachments (id, account_id, post_id, position, kind, content_type, blob_key, preview_key,
		remote_url, width, height, preview_width, preview_height, blurhash, alt, focus_x, focus_y, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`)
	getAttachment    = db.Def[Attachment](`SELECT ` + columns + ` FROM attachments WHERE id = $1`)
	listAttachments  = db.Def[Attachment](`SELECT ` + columns + ` FROM attachments WHERE id IN $1[]`)
	listOfPosts      = db.Def[Attachment](`SELECT ` + columns + ` FROM attachments WHERE post_id > 0 AND post_id IN $1[] ORDER BY post_id, position`)
	attach           = db.Stmt(`UPDATE attachments SET post_id = $2, position = $3 WHERE id = $1`)
	describe         = db.Stmt(`UPDATE attachments SET alt = $2, focus_x = $3, focus_y = $4 WHERE id = $1`)
	detachAll        = db.Stmt(`UPDATE attachments SET post_id = 0 WHERE post_id = $1 AND post_id > 0`)
	countLoose       = db.Def[int](`SELECT COUNT(*) FROM attachments WHERE account_id = $1 AND post_id = 0`)
	deleteAttachment = db.Stmt(`DELETE FROM attachments WHERE id = $1`)

	setFetched = db.Stmt(`UPDATE attachments SET blob_key = $2, preview_key = $3, width = $4, height = $5, preview_width = $6,
		preview_height = $7, blurhash = $8, fetched_at = $9, failed_at = 0 WHERE id = $1 AND post_id > 0 AND blob_key = ''`)
	setFailed = db.Stmt(`UPDATE attachments SET failed_at = $2 WHERE id = $1`)
)

// What the sweep takes away. It marks first, so that nothing that is being removed can be attached.
var (
	markLoose  = db.Stmt(`UPDATE attachments SET post_id = -1 WHERE id IN (SELECT id FROM attachments WHERE post_id = 0 AND created_at < $1 LIMIT $2)`)
	listMarked = db.Def[Attachment](`SELECT ` + columns + ` FROM attachments WHERE post_id = -1 LIMIT $1`)
	listStale  = db.Def[Attachment](`SELECT ` + columns + ` FROM attachments WHERE fetched_at > 0 AND fetched_at < $1 AND blob_key <> '' LIMIT $2`)
	forget     = db.Stmt(`UPDATE attachments SET blob_key = '', preview_key = '', fetched_at = 0 WHERE id = $1`)
)

// remotePicture is an avatar or header of another server in our cache.
type remotePicture struct {
	ID       id.ID     `db:"id"`
	BlobKey  string    `db:"blob_key"`
	FailedAt time.Time `db:"failed_at"`
}

// Pictures of profiles.
var (
	getRemotePicture    = db.Def[remotePicture](`SELECT id, blob_key, failed_at FROM remote_pictures WHERE url = $1 AND size = $2`)
	upsertRemotePicture = db.Stmt(`INSERT INTO remote_pictures (id, url, size, blob_key, fetched_at, failed_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (url, size) DO UPDATE SET blob_key = excluded.blob_key, fetched_at = excluded.fetched_at, failed_at = excluded.failed_at`)
	listStalePictures   = db.Def[remotePicture](`SELECT id, blob_key, failed_at FROM remote_pictures WHERE fetched_at < $1 AND failed_at < $1 LIMIT $2`)
	deleteRemotePicture = db.Stmt(`DELETE FROM remote_pictures WHERE id = $1`)

	insertProfilePicture = db.Stmt(`INSERT INTO profile_pictures (blob_key, account_id, size, created_at) VALUES ($1, $2, $3, $4)`)
	showProfilePicture   = db.Stmt(`UPDATE profile_pictures SET shown_at = $3 WHERE blob_key = $2 AND account_id = $1`)
	listReplaced         = db.Def[string](`SELECT p.blob_key FROM profile_pictures p WHERE EXISTS (SELECT 1 FROM profile_pictures q
		WHERE q.account_id = p.account_id AND q.size = p.size AND q.created_at > p.created_at AND q.shown_at > p.shown_at AND q.shown_at < $1) LIMIT $2`)
	deleteProfilePicture = db.Stmt(`DELETE FROM profile_pictures WHERE blob_key = $1`)

	getSecret = db.Def[string](`SELECT secret FROM media_secret`)
)
