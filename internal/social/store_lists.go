package social

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

// The home timeline. Every list has two queries: down from the newest, up from the oldest.
// $1 newest (exclusive), $2 oldest (exclusive), $3 limit.
var (
	insertHome = db.Stmt(`INSERT INTO home_entries (owner_id, post_id, author_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`)

	fanOutPost = db.Stmt(`INSERT INTO home_entries (owner_id, post_id, author_id)
		SELECT account_id, CAST($1 AS BIGINT), target_id FROM relations
		WHERE target_id = $2 AND follow = 2 AND local AND NOT muting ON CONFLICT DO NOTHING`)
	// An answer goes to whoever follows both.
	fanOutReply = db.Stmt(`INSERT INTO home_entries (owner_id, post_id, author_id)
		SELECT r.account_id, CAST($1 AS BIGINT), r.target_id FROM relations r
		WHERE r.target_id = $2 AND r.follow = 2 AND r.local AND NOT r.muting
		AND (r.account_id = $3 OR EXISTS (SELECT 1 FROM relations o WHERE o.account_id = r.account_id AND o.target_id = $3 AND o.follow = 2))
		ON CONFLICT DO NOTHING`)
	// A boost goes to whoever wants boosts of the booster, has nothing against the author and has not
	// got the post already, from its author or ($4: since when) by another's boost.
	fanOutBoost = db.Stmt(`INSERT INTO home_entries (owner_id, post_id, author_id)
		SELECT r.account_id, CAST($1 AS BIGINT), r.target_id FROM relations r JOIN posts p ON p.id = $3
		WHERE r.target_id = $2 AND r.follow = 2 AND r.local AND NOT r.muting AND r.boosts AND p.account_id <> r.account_id
		AND NOT EXISTS (SELECT 1 FROM relations o WHERE o.account_id = r.account_id AND o.target_id = p.account_id AND (o.muting OR o.blocking))
		AND NOT EXISTS (SELECT 1 FROM relations o WHERE o.account_id = p.account_id AND o.target_id = r.account_id AND o.blocking)
		AND NOT EXISTS (SELECT 1 FROM home_entries h WHERE h.owner_id = r.account_id AND h.post_id = p.id)
		AND NOT EXISTS (SELECT 1 FROM posts b JOIN home_entries h ON h.owner_id = r.account_id AND h.post_id = b.id
			WHERE b.boost_of_id = $3 AND b.boost_of_id <> 0 AND b.id > $4)
		ON CONFLICT DO NOTHING`)
	backfillHome = db.Stmt(`INSERT INTO home_entries (owner_id, post_id, author_id)
		SELECT CAST($1 AS BIGINT), p.id, p.account_id FROM posts p WHERE p.account_id = $2 AND p.visibility <= 2
		AND (p.in_reply_to_uri = '' OR p.in_reply_to_account_id = p.account_id)
		AND NOT EXISTS (SELECT 1 FROM posts b JOIN relations o ON o.account_id = $1 AND o.target_id = b.account_id AND (o.blocking OR o.muting)
			OR o.account_id = b.account_id AND o.target_id = $1 AND o.blocking WHERE b.id = p.boost_of_id AND p.boost_of_id <> 0)
		ORDER BY p.id DESC LIMIT 40 ON CONFLICT DO NOTHING`)
	// Whoever has a post in the home timeline follows its author, or is the author.
	deleteHomeOfPost = db.Stmt(`DELETE FROM home_entries WHERE post_id = $1 AND owner_id IN
		(SELECT account_id FROM relations WHERE target_id = $2 AND follow = 2 AND local UNION ALL SELECT CAST($2 AS BIGINT))`)
	deleteHomeOfAuthor = db.Stmt(`DELETE FROM home_entries WHERE owner_id = $1 AND author_id = $2`)
	deleteHomeBoostsOf = db.Stmt(`DELETE FROM home_entries WHERE owner_id = $1 AND post_id IN (SELECT b.id FROM home_entries h
		JOIN posts b ON b.id = h.post_id JOIN posts o ON o.id = b.boost_of_id WHERE h.owner_id = $1 AND b.boost_of_id <> 0 AND o.account_id = $2)`)
	listHomeOwners = db.Def[id.ID](`SELECT owner_id FROM home_entries WHERE post_id = $1 AND owner_id IN $2[]`)

	homeDown = db.Def[id.ID](`SELECT post_id FROM home_entries WHERE owner_id = $4 AND post_id < $1 AND post_id > $2 ORDER BY post_id DESC LIMIT $3`)
	homeUp   = db.Def[id.ID](`SELECT post_id FROM home_entries WHERE owner_id = $4 AND post_id < $1 AND post_id > $2 ORDER BY post_id LIMIT $3`)
)

const hasMedia = ` AND (NOT CAST($4 AS BOOLEAN) OR p.media_count > 0)`

// Public lists; $4 only with pictures.
var (
	publicDown = db.Def[id.ID](`SELECT p.id FROM posts p WHERE p.listed AND p.id < $1 AND p.id > $2` + hasMedia + ` ORDER BY p.id DESC LIMIT $3`)
	publicUp   = db.Def[id.ID](`SELECT p.id FROM posts p WHERE p.listed AND p.id < $1 AND p.id > $2` + hasMedia + ` ORDER BY p.id LIMIT $3`)
	localDown  = db.Def[id.ID](`SELECT p.id FROM posts p WHERE p.listed AND p.local AND p.id < $1 AND p.id > $2` + hasMedia + ` ORDER BY p.id DESC LIMIT $3`)
	localUp    = db.Def[id.ID](`SELECT p.id FROM posts p WHERE p.listed AND p.local AND p.id < $1 AND p.id > $2` + hasMedia + ` ORDER BY p.id LIMIT $3`)
	remoteDown = db.Def[id.ID](`SELECT p.id FROM posts p WHERE p.listed AND NOT p.local AND p.id < $1 AND p.id > $2` + hasMedia + ` ORDER BY p.id DESC LIMIT $3`)
	remoteUp   = db.Def[id.ID](`SELECT p.id FROM posts p WHERE p.listed AND NOT p.local AND p.id < $1 AND p.id > $2` + hasMedia + ` ORDER BY p.id LIMIT $3`)
)

// $4 tag, $5 only local, $6 only with pictures.
const tagged = `SELECT p.id FROM tags t JOIN post_tags pt ON pt.tag_id = t.id JOIN posts p ON p.id = pt.post_id
	WHERE t.name = $4 AND pt.post_id < $1 AND pt.post_id > $2 AND p.visibility = 0 AND (NOT CAST($5 AS BOOLEAN) OR p.local)
	AND (NOT CAST($6 AS BOOLEAN) OR p.media_count > 0)`

// $4 account, $5 widest visibility, $6 viewer, $7 no replies, $8 no boosts, $9 only with pictures, $10 tag.
const ofAccount = `SELECT p.id FROM posts p WHERE p.account_id = $4 AND p.id < $1 AND p.id > $2
	AND (p.visibility <= $5 OR EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = p.id AND m.account_id = $6))
	AND (NOT CAST($7 AS BOOLEAN) OR p.in_reply_to_uri = '' OR p.in_reply_to_account_id = p.account_id)
	AND (NOT CAST($8 AS BOOLEAN) OR p.boost_of_id = 0)
	AND (NOT CAST($9 AS BOOLEAN) OR p.media_count > 0)
	AND (CAST($10 AS TEXT) = '' OR EXISTS (SELECT 1 FROM post_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.post_id = p.id AND t.name = $10))`

// $4 account.
const direct = `SELECT p.id FROM posts p WHERE p.id < $1 AND p.id > $2 AND p.visibility = 3
	AND p.id IN (SELECT post_id FROM mentions WHERE account_id = $4 UNION SELECT id FROM posts WHERE account_id = $4 AND visibility = 3)`

var (
	tagDown     = db.Def[id.ID](tagged + ` ORDER BY pt.post_id DESC LIMIT $3`)
	tagUp       = db.Def[id.ID](tagged + ` ORDER BY pt.post_id LIMIT $3`)
	accountDown = db.Def[id.ID](ofAccount + ` ORDER BY p.id DESC LIMIT $3`)
	accountUp   = db.Def[id.ID](ofAccount + ` ORDER BY p.id LIMIT $3`)
	directDown  = db.Def[id.ID](direct + ` ORDER BY p.id DESC LIMIT $3`)
	directUp    = db.Def[id.ID](direct + ` ORDER BY p.id LIMIT $3`)
)

// Lists whose cursor is the id of what put the entry there.
const (
	marked    = `SELECT id AS cursor, post_id AS id FROM marks WHERE account_id = $4 AND kind = $5 AND id < $1 AND id > $2 ORDER BY id`
	markers   = `SELECT id AS cursor, account_id AS id FROM marks WHERE post_id = $4 AND kind = $5 AND id < $1 AND id > $2 ORDER BY id`
	followers = `SELECT follow_id AS cursor, account_id AS id FROM relations WHERE target_id = $4 AND follow = $5 AND follow_id < $1 AND follow_id > $2 ORDER BY follow_id`
	following = `SELECT follow_id AS cursor, target_id AS id FROM relations WHERE account_id = $4 AND follow = $5 AND follow_id < $1 AND follow_id > $2 ORDER BY follow_id`
	blocked   = `SELECT block_id AS cursor, target_id AS id FROM relations WHERE account_id = $4 AND blocking AND block_id < $1 AND block_id > $2 ORDER BY block_id`
	muted     = `SELECT mute_id AS cursor, target_id AS id FROM relations WHERE account_id = $4 AND muting AND mute_id < $1 AND mute_id > $2 ORDER BY mute_id`
	downward  = ` DESC LIMIT $3`
	upward    = ` LIMIT $3`
)

var (
	markedDown    = db.Def[cursorRow](marked + downward)
	markedUp      = db.Def[cursorRow](marked + upward)
	markersDown   = db.Def[cursorRow](markers + downward)
	markersUp     = db.Def[cursorRow](markers + upward)
	followersDown = db.Def[cursorRow](followers + downward)
	followersUp   = db.Def[cursorRow](followers + upward)
	followingDown = db.Def[cursorRow](following + downward)
	followingUp   = db.Def[cursorRow](following + upward)
	blocksDown    = db.Def[cursorRow](blocked + downward)
	blocksUp      = db.Def[cursorRow](blocked + upward)
	mutesDown     = db.Def[cursorRow](muted + downward)
	mutesUp       = db.Def[cursorRow](muted + upward)
)
