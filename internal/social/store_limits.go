package social

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const domainColumns = `id, name, level, version, since_at`

// Levels of other servers and of accounts.
var (
	insertDomain = db.Stmt(`INSERT INTO domains (id, name, since_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING`)
	setDomain    = db.Def[Domain](`UPDATE domains SET level = $2, since_at = $3, version = version + 1 WHERE name = $1 AND level <> $2
		RETURNING ` + domainColumns)
	getDomain        = db.Def[Domain](`SELECT ` + domainColumns + ` FROM domains WHERE name = $1`)
	listDomainLevels = db.Def[Domain](`SELECT ` + domainColumns + ` FROM domains WHERE level <> '' ORDER BY name`)
	listKnownDomains = db.Def[Domain](`SELECT ` + domainColumns + ` FROM domains ORDER BY name`)

	setSuspended      = db.Stmt(`UPDATE accounts SET suspended_at = $2, level_version = level_version + 1 WHERE id = $1`)
	setLimited        = db.Stmt(`UPDATE accounts SET limited_at = $2, level_version = level_version + 1 WHERE id = $1`)
	listAccountLevels = db.Def[Account](`SELECT id, suspended_at, limited_at FROM accounts WHERE level_version > 0 OR suspended_at > 0 OR limited_at > 0`)
	listLeveled       = db.Def[Account](`SELECT ` + accountColumns + ` FROM accounts WHERE level_version > 0 ORDER BY id`)
)

// Severed follows. A cut is everything that ended at once.
var (
	listAccountsNear = db.Def[struct {
		ID     id.ID  `db:"id"`
		Domain string `db:"domain"`
		URI    string `db:"uri"`
	}](`SELECT id, domain, uri FROM accounts WHERE domain <> '' AND (LOWER(domain) LIKE $1 ESCAPE '\' OR LOWER(uri) LIKE $2 ESCAPE '\')`)
	rememberSevered = db.Stmt(`INSERT INTO severed_follows (cause_id, account_id, target_id, local, follow, cut_id)
		SELECT CAST($1 AS BIGINT), account_id, target_id, local, follow, CAST($2 AS BIGINT) FROM relations WHERE follow > 0 AND account_id IN $3[]
		UNION SELECT CAST($1 AS BIGINT), account_id, target_id, local, follow, CAST($2 AS BIGINT) FROM relations WHERE follow > 0 AND target_id IN $3[]
		ON CONFLICT (cause_id, account_id, target_id) DO UPDATE SET follow = excluded.follow, cut_id = excluded.cut_id`)
	uncountSeveredFollowers = db.Stmt(`UPDATE accounts SET followers_count = followers_count -
		(SELECT COUNT(*) FROM severed_follows f WHERE f.cut_id = $1 AND f.follow = 2 AND f.target_id = accounts.id)
		WHERE id IN (SELECT target_id FROM severed_follows WHERE cut_id = $1 AND follow = 2)`)
	uncountSeveredFollowing = db.Stmt(`UPDATE accounts SET following_count = following_count -
		(SELECT COUNT(*) FROM severed_follows f WHERE f.cut_id = $1 AND f.follow = 2 AND f.account_id = accounts.id)
		WHERE id IN (SELECT account_id FROM severed_follows WHERE cut_id = $1 AND follow = 2)`)
	// Whoever followed one of them has lost all of them, so the two lists may be combined freely.
	deleteHomeOfSevered = db.Stmt(`DELETE FROM home_entries WHERE owner_id IN (SELECT account_id FROM severed_follows WHERE cut_id = $1 AND follow = 2 AND local)
		AND author_id IN (SELECT target_id FROM severed_follows WHERE cut_id = $1 AND follow = 2 AND local)`)
	endSevered = db.Stmt(`UPDATE relations SET follow = 0, follow_id = 0, follow_uri = ''
		WHERE (account_id, target_id) IN (SELECT account_id, target_id FROM severed_follows WHERE cut_id = $1)`)

	countTies = db.Def[Ties](`SELECT (SELECT COUNT(*) FROM relations WHERE account_id IN $1[] AND follow = 2 AND NOT local) AS followers,
		(SELECT COUNT(*) FROM relations WHERE target_id IN $1[] AND follow = 2 AND local) AS following`)
	countSevered = db.Def[Ties](`SELECT CAST(COALESCE(SUM(CASE WHEN f.local THEN 0 ELSE 1 END), 0) AS BIGINT) AS followers,
		CAST(COALESCE(SUM(CASE WHEN f.local THEN 1 ELSE 0 END), 0) AS BIGINT) AS following
		FROM severed_follows f LEFT JOIN relations r ON r.account_id = f.account_id AND r.target_id = f.target_id AND r.follow > 0
		WHERE f.cause_id = $1 AND f.follow = 2 AND r.account_id IS NULL`)
)
