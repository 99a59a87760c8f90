package social

import (
	"context"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const accountColumns = `id, username, domain, kind, member_id, uri, url, inbox, shared_inbox, outbox, followers_uri, following_uri,
	featured_uri, display_name, note, note_source, fields, avatar, header, locked, bot, discoverable, indexable,
	default_visibility, default_sensitive, default_language, followers_count, following_count, posts_count,
	last_post_at, created_at, updated_at, fetched_at, gone_at, suspended_at, limited_at, level_version`

const postColumns = `id, account_id, uri, url, local, listed, boost_of_id, in_reply_to_id, in_reply_to_account_id, in_reply_to_uri,
	thread_id, content, source, summary, sensitive, language, visibility, replies_count, boosts_count, favourites_count,
	media_count, pinned_at, created_at, edited_at`

// Accounts.
var (
	insertAccount = db.Stmt(`INSERT INTO accounts (handle, ` + accountColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
		$13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38)`)
	getAccount         = db.Def[Account](`SELECT ` + accountColumns + ` FROM accounts WHERE id = $1`)
	getAccountByHandle = db.Def[Account](`SELECT ` + accountColumns + ` FROM accounts WHERE handle = $1`)
	getAccountByURI    = db.Def[Account](`SELECT ` + accountColumns + ` FROM accounts WHERE uri = $1`)
	listAccounts       = db.Def[Account](`SELECT ` + accountColumns + ` FROM accounts WHERE id IN $1[]`)
	updateRemote       = db.Stmt(`UPDATE accounts SET username = $2, handle = $3, kind = $4, url = $5, inbox = $6, shared_inbox = $7, outbox = $8,
		followers_uri = $9, following_uri = $10, featured_uri = $11, display_name = $12, note = $13, fields = $14, avatar = $15, header = $16,
		locked = $17, bot = $18, discoverable = $19, indexable = $20, updated_at = $21, fetched_at = $21, domain = $22, gone_at = 0 WHERE id = $1`)
	updateProfile = db.Stmt(`UPDATE accounts SET display_name = $2, note = $3, note_source = $4, fields = $5, avatar = $6, header = $7,
		locked = $8, bot = $9, discoverable = $10, indexable = $11, default_visibility = $12, default_sensitive = $13,
		default_language = $14, updated_at = $15 WHERE id = $1`)
	retireHandle  = db.Stmt(`UPDATE accounts SET handle = handle || '#' || CAST(id AS TEXT) WHERE handle = $1`)
	retireAccount = db.Stmt(`UPDATE accounts SET gone_at = $2, display_name = '', note = '', fields = '[]', avatar = '', header = '',
		followers_count = 0, following_count = 0, posts_count = 0 WHERE id = $1`)
	searchAccounts = db.Def[id.ID](`SELECT a.id FROM accounts a
		LEFT JOIN relations r ON r.account_id = $3 AND r.target_id = a.id AND r.follow = 2
		WHERE (a.handle LIKE $1 ESCAPE '\' OR LOWER(a.display_name) LIKE $2 ESCAPE '\') AND a.gone_at = 0
		AND a.kind <> 'Application' AND ($4 = FALSE OR r.follow = 2)
		ORDER BY CASE WHEN r.follow = 2 THEN 0 ELSE 1 END, CASE WHEN a.domain = '' THEN 0 ELSE 1 END, a.followers_count DESC, a.id LIMIT $5 OFFSET $6`)
	listDirectory = db.Def[id.ID](`SELECT id FROM accounts WHERE domain = '' AND discoverable AND gone_at = 0 AND kind <> 'Application'
		AND suspended_at = 0 AND limited_at = 0
		ORDER BY last_post_at DESC, id DESC LIMIT $1 OFFSET $2`)
	countPost = db.Stmt(`UPDATE accounts SET posts_count = posts_count + $2,
		last_post_at = CASE WHEN $3 > last_post_at THEN $3 ELSE last_post_at END WHERE id = $1`)
	addFollowing     = db.Stmt(`UPDATE accounts SET following_count = following_count + $2 WHERE id = $1`)
	addFollowers     = db.Stmt(`UPDATE accounts SET followers_count = followers_count + $2 WHERE id = $1`)
	uncountFollowers = db.Stmt(`UPDATE accounts SET followers_count = followers_count - 1
		WHERE id IN (SELECT target_id FROM relations WHERE account_id = $1 AND follow = 2)`)
	uncountFollowing = db.Stmt(`UPDATE accounts SET following_count = following_count - 1
		WHERE id IN (SELECT account_id FROM relations WHERE target_id = $1 AND follow = 2)`)
	deleteRelationsOf = db.Stmt(`DELETE FROM relations WHERE account_id = $1 OR target_id = $1`)
	deleteMarksBy     = db.Stmt(`DELETE FROM marks WHERE account_id = $1`)
	listDomains       = db.Def[string](`SELECT DISTINCT domain FROM accounts WHERE domain <> '' ORDER BY domain LIMIT 5000`)
	countAll          = db.Def[Numbers](`SELECT
		(SELECT COUNT(*) FROM accounts WHERE domain = '' AND member_id <> 0 AND gone_at = 0) AS accounts,
		(SELECT CAST(COALESCE(SUM(posts_count), 0) AS BIGINT) FROM accounts WHERE domain = '') AS posts,
		(SELECT COUNT(*) FROM accounts WHERE domain = '' AND member_id <> 0 AND last_post_at >= $1) AS active_month,
		(SELECT COUNT(*) FROM accounts WHERE domain = '' AND member_id <> 0 AND last_post_at >= $2) AS active_half,
		(SELECT COUNT(DISTINCT domain) FROM accounts WHERE domain <> '') AS domains`)
)

func insertAccountRow(ctx context.Context, tx *db.Tx, a *Account) error {
	_, err := insertAccount.Run(ctx, tx, handleOf(a.Username, a.Domain), a.ID, a.Username, a.Domain, a.Kind, a.MemberID, a.URI, a.URL, a.Inbox,
		a.SharedInbox, a.Outbox, a.Followers, a.Following, a.Featured, a.DisplayName, a.Note, a.NoteSource, a.FieldsJSON, a.Avatar,
		a.Header, a.Locked, a.Bot, a.Discoverable, a.Indexable, a.DefaultVisibility, a.DefaultSensitive, a.DefaultLanguage,
		a.FollowersCount, a.FollowingCount, a.PostsCount, a.LastPostAt, a.CreatedAt, a.UpdatedAt, a.FetchedAt, a.GoneAt,
		a.SuspendedAt, a.LimitedAt, a.LevelVersion)
	return err
}

// Posts.
var (
	insertPost = db.Stmt(`INSERT INTO posts (` + postColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
		$16, $17, $18, $19, $20, $21, $22, $23, $24)`)
	getPost      = db.Def[Post](`SELECT ` + postColumns + ` FROM posts WHERE id = $1`)
	getPostByURI = db.Def[Post](`SELECT ` + postColumns + ` FROM posts WHERE uri = $1`)
	listPosts    = db.Def[Post](`SELECT ` + postColumns + ` FROM posts WHERE id IN $1[]`)
	updatePost   = db.Stmt(`UPDATE posts SET content = $2, source = $3, summary = $4, sensitive = $5, language = $6, media_count = $7, edited_at = $8 WHERE id = $1`)
	deletePost   = db.Stmt(`DELETE FROM posts WHERE id = $1`)
	listAllOf    = db.Def[id.ID](`SELECT id FROM posts WHERE account_id = $1`)

	addReplies    = db.Stmt(`UPDATE posts SET replies_count = replies_count + $2 WHERE id = $1`)
	addBoosts     = db.Stmt(`UPDATE posts SET boosts_count = boosts_count + $2 WHERE id = $1`)
	addFavourites = db.Stmt(`UPDATE posts SET favourites_count = favourites_count + $2 WHERE id = $1`)
	setPinned     = db.Stmt(`UPDATE posts SET pinned_at = $2 WHERE id = $1`)
	listPins      = db.Def[id.ID](`SELECT id FROM posts WHERE account_id = $1 AND pinned_at > 0 ORDER BY pinned_at DESC`)

	insertEdit   = db.Stmt(`INSERT INTO post_edits (id, post_id, content, source, summary, sensitive, media, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	listVersions = db.Def[Version](`SELECT content, summary, sensitive, created_at FROM post_edits WHERE post_id = $1 ORDER BY id`)

	insertMention  = db.Stmt(`INSERT INTO mentions (post_id, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
	deleteMentions = db.Stmt(`DELETE FROM mentions WHERE post_id = $1`)
	listMentioned  = db.Def[id.ID](`SELECT account_id FROM mentions WHERE post_id = $1 ORDER BY account_id`)
	listMentioning = db.Def[id.ID](`SELECT post_id FROM mentions WHERE account_id = $1 AND post_id IN $2[]`)
	listMentionsOf = db.Def[Mention](`SELECT m.post_id, a.id, a.username, a.domain, a.url, a.uri FROM mentions m JOIN accounts a ON a.id = m.account_id
		WHERE m.post_id IN $1[] ORDER BY m.post_id, a.id`)

	upsertTag      = db.Def[id.ID](`INSERT INTO tags (id, name) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id`)
	insertPostTag  = db.Stmt(`INSERT INTO post_tags (post_id, tag_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
	deletePostTags = db.Stmt(`DELETE FROM post_tags WHERE post_id = $1`)
	listTagsOf     = db.Def[struct {
		PostID id.ID  `db:"post_id"`
		Name   string `db:"name"`
	}](`SELECT pt.post_id, t.name FROM post_tags pt JOIN tags t ON t.id = pt.tag_id WHERE pt.post_id IN $1[] ORDER BY pt.post_id, t.id`)
	listFindable = db.Def[findable](`SELECT p.id, p.account_id FROM posts p JOIN accounts a ON a.id = p.account_id WHERE p.id IN $2[] AND ($3 = CAST(0 AS BIGINT) OR p.account_id = $3)
		AND (p.account_id = $1 OR p.visibility = 0 AND a.indexable
			OR EXISTS (SELECT 1 FROM mentions m WHERE m.post_id = p.id AND m.account_id = $1)
			OR EXISTS (SELECT 1 FROM marks k WHERE k.post_id = p.id AND k.account_id = $1))
		ORDER BY p.id DESC`)
	searchTags = db.Def[string](`SELECT t.name FROM tags t WHERE t.name LIKE $1 ESCAPE '\' AND EXISTS (SELECT 1 FROM post_tags pt WHERE pt.tag_id = t.id)
		ORDER BY t.name LIMIT $2 OFFSET $3`)

	insertTombstone = db.Stmt(`INSERT INTO tombstones (uri, deleted_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
	getTombstone    = db.Def[time.Time](`SELECT deleted_at FROM tombstones WHERE uri = $1`)

	orphanReplies = db.Stmt(`UPDATE posts SET in_reply_to_id = 0 WHERE in_reply_to_id = $1`)
	listOrphans   = db.Def[Post](`SELECT ` + postColumns + ` FROM posts WHERE in_reply_to_uri = $1 AND in_reply_to_uri <> '' AND in_reply_to_id = 0`)
	adoptReply    = db.Stmt(`UPDATE posts SET in_reply_to_id = $2, in_reply_to_account_id = $3 WHERE id = $1`)
	moveThread    = db.Stmt(`UPDATE posts SET thread_id = $2 WHERE thread_id = $1`)
	listThread    = db.Def[struct {
		ID     id.ID `db:"id"`
		Parent id.ID `db:"in_reply_to_id"`
	}](`SELECT id, in_reply_to_id FROM posts WHERE thread_id = $1 AND boost_of_id = 0 ORDER BY id LIMIT $2`)
	listReplies = db.Def[Post](`SELECT ` + postColumns + ` FROM posts WHERE in_reply_to_id = $1 AND in_reply_to_id <> 0 AND id > $2 AND visibility <= 1 ORDER BY id LIMIT $3`)

	insertIdempotent = db.Stmt(`INSERT INTO idempotency_keys (account_id, key, post_id, created_at) VALUES ($1, $2, $3, $4)`)
	getIdempotent    = db.Def[Post](`SELECT p.id, p.account_id, p.uri, p.url, p.visibility FROM idempotency_keys k JOIN posts p ON p.id = k.post_id
		WHERE k.account_id = $1 AND k.key = $2`)
	deleteIdempotent = db.Stmt(`DELETE FROM idempotency_keys WHERE created_at < $1`)
)

func insertPostRow(ctx context.Context, tx *db.Tx, p *Post) error {
	_, err := insertPost.Run(ctx, tx, p.ID, p.AccountID, p.URI, p.URL, p.Local, p.Listed, p.BoostOfID, p.InReplyToID, p.InReplyToAccountID,
		p.InReplyToURI, p.ThreadID, p.Content, p.Source, p.Summary, p.Sensitive, p.Language, p.Visibility, p.RepliesCount, p.BoostsCount,
		p.FavouritesCount, p.MediaCount, p.PinnedAt, p.CreatedAt, p.EditedAt)
	return err
}

// Marks.
type markRow struct {
	PostID id.ID  `db:"post_id"`
	Kind   int    `db:"kind"`
	ID     id.ID  `db:"id"`
	URI    string `db:"uri"`
}

var (
	insertMark        = db.Stmt(`INSERT INTO marks (account_id, post_id, kind, id, uri) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`)
	deleteMark        = db.Stmt(`DELETE FROM marks WHERE account_id = $1 AND post_id = $2 AND kind = $3`)
	getMark           = db.Def[markRow](`SELECT post_id, kind, id, uri FROM marks WHERE account_id = $1 AND post_id = $2 AND kind = $3`)
	listMarks         = db.Def[markRow](`SELECT post_id, kind, id, uri FROM marks WHERE account_id = $1 AND post_id IN $2[]`)
	threadMuted       = db.Def[int](`SELECT 1 FROM marks m JOIN posts p ON p.id = m.post_id WHERE m.account_id = $1 AND m.kind = 4 AND p.thread_id = $2 LIMIT 1`)
	getBoost          = db.Def[Post](`SELECT ` + postColumns + ` FROM posts WHERE boost_of_id = $1 AND boost_of_id <> 0 AND account_id = $2`)
	listLocalBoosters = db.Def[id.ID](`SELECT account_id FROM posts WHERE boost_of_id = $1 AND boost_of_id <> 0 AND local`)
	listBoosts        = db.Def[Post](`SELECT ` + postColumns + ` FROM posts WHERE boost_of_id = $1 AND boost_of_id <> 0`)
)

// Relations.
var (
	listRelations = db.Def[relationRow](`SELECT target_id AS other_id, TRUE AS outgoing, follow, boosts, notify, blocking, muting, mute_notices, mute_until, note
		FROM relations WHERE account_id = $1 AND target_id IN $2[]
		UNION ALL SELECT account_id AS other_id, FALSE AS outgoing, follow, boosts, notify, blocking, muting, mute_notices, mute_until, note
		FROM relations WHERE target_id = $1 AND account_id IN $2[]`)
	getRelation = db.Def[struct {
		Follow    int    `db:"follow"`
		FollowID  id.ID  `db:"follow_id"`
		FollowURI string `db:"follow_uri"`
		Boosts    bool   `db:"boosts"`
		Notify    bool   `db:"notify"`
		Blocking  bool   `db:"blocking"`
		BlockID   id.ID  `db:"block_id"`
	}](`SELECT follow, follow_id, follow_uri, boosts, notify, blocking, block_id FROM relations WHERE account_id = $1 AND target_id = $2`)
	insertRelation      = db.Stmt(`INSERT INTO relations (account_id, target_id, local) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`)
	setFollow           = db.Stmt(`UPDATE relations SET follow = $3, follow_id = $4, follow_uri = $5 WHERE account_id = $1 AND target_id = $2`)
	setFollowURI        = db.Stmt(`UPDATE relations SET follow_uri = $3 WHERE account_id = $1 AND target_id = $2`)
	setFollowOptions    = db.Stmt(`UPDATE relations SET boosts = $3, notify = $4 WHERE account_id = $1 AND target_id = $2`)
	setBlock            = db.Stmt(`UPDATE relations SET blocking = $3, block_id = $4, block_uri = $5 WHERE account_id = $1 AND target_id = $2`)
	setMute             = db.Stmt(`UPDATE relations SET muting = $3, mute_id = $4, mute_notices = $5, mute_until = $6 WHERE account_id = $1 AND target_id = $2`)
	setNote             = db.Stmt(`UPDATE relations SET note = $3 WHERE account_id = $1 AND target_id = $2`)
	listWantingNews     = db.Def[id.ID](`SELECT account_id FROM relations WHERE target_id = $1 AND follow = 2 AND local AND notify`)
	anyLocalFollower    = db.Def[int](`SELECT 1 FROM relations WHERE target_id = $1 AND follow = 2 AND local LIMIT 1`)
	listFollowerInboxes = db.Def[string](`SELECT DISTINCT CASE WHEN a.shared_inbox <> '' THEN a.shared_inbox ELSE a.inbox END AS inbox
		FROM relations r JOIN accounts a ON a.id = r.account_id WHERE r.target_id = $1 AND r.follow = 2 AND NOT r.local AND a.gone_at = 0`)
)
