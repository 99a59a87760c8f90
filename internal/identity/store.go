package identity

import (
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const loginColumns = `id, email, password_hash, member_id, account_id, language, theme, created_at, closed_at, former_at`

const loginOf = `l.id AS login_id, l.email AS login_email, l.member_id AS login_member_id, l.account_id AS login_account_id,
	l.language AS login_language, l.theme AS login_theme, l.closed_at AS login_closed_at, l.former_at AS login_former_at`

var (
	insertLogin       = db.Stmt(`INSERT INTO logins (id, email, email_folded, password_hash, member_id, created_at) VALUES ($1, $2, $3, $4, $5, $6)`)
	getLogin          = db.Def[Login](`SELECT ` + loginColumns + ` FROM logins WHERE id = $1`)
	getLoginByEmail   = db.Def[Login](`SELECT ` + loginColumns + ` FROM logins WHERE email_folded = $1`)
	getLoginByAccount = db.Def[Login](`SELECT ` + loginColumns + ` FROM logins WHERE account_id = $1 AND account_id <> 0`)
	setAccount        = db.Stmt(`UPDATE logins SET account_id = $2 WHERE id = $1`)
	setLook           = db.Stmt(`UPDATE logins SET language = $2, theme = $3 WHERE id = $1`)
	setPassword       = db.Stmt(`UPDATE logins SET password_hash = $2 WHERE id = $1`)
	setFormer         = db.Stmt(`UPDATE logins SET former_at = $2 WHERE id = $1`)
	clearFormer       = db.Stmt(`UPDATE logins SET former_at = 0 WHERE id = $1`)
	eraseLogin        = db.Stmt(`UPDATE logins SET email = '', email_folded = $2, password_hash = '', language = '', theme = '', closed_at = $3 WHERE id = $1`)

	insertSession = db.Stmt(`INSERT INTO sessions (id, login_id, secret_hash, agent, address, created_at, used_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	getSession    = db.Def[sessionActor](`SELECT s.id, s.used_at, s.expires_at, ` + loginOf + ` FROM sessions s JOIN logins l ON l.id = s.login_id
		WHERE s.secret_hash = $1 AND s.expires_at > $2`)
	touchSession  = db.Stmt(`UPDATE sessions SET used_at = $2, expires_at = $3 WHERE id = $1`)
	listSessions  = db.Def[Session](`SELECT id, login_id, agent, address, created_at, used_at, expires_at FROM sessions WHERE login_id = $1 AND expires_at > $2 ORDER BY used_at DESC, id DESC`)
	deleteSession = db.Stmt(`DELETE FROM sessions WHERE id = $1 AND login_id = $2`)
	endSessions   = db.Def[id.ID](`DELETE FROM sessions WHERE login_id = $1 AND id <> $2 RETURNING id`)
	sweepSessions = db.Stmt(`DELETE FROM sessions WHERE expires_at < $1`)

	insertReset = db.Stmt(`INSERT INTO resets (secret_hash, login_id, expires_at) VALUES ($1, $2, $3)`)
	takeReset   = db.Def[id.ID](`DELETE FROM resets WHERE secret_hash = $1 AND expires_at > $2 RETURNING login_id`)
	dropResets  = db.Stmt(`DELETE FROM resets WHERE login_id = $1`)
	sweepResets = db.Stmt(`DELETE FROM resets WHERE expires_at < $1`)
)

type codeRow struct {
	AppID       id.ID     `db:"app_id"`
	LoginID     id.ID     `db:"login_id"`
	RedirectURI string    `db:"redirect_uri"`
	Scopes      string    `db:"scopes"`
	Challenge   string    `db:"challenge"`
	ExpiresAt   time.Time `db:"expires_at"`
	UsedTokenID id.ID     `db:"used_token_id"`
}

const appColumns = `id, client_id, secret_hash, name, website, redirect_uris, scopes, created_at`

var (
	insertApp     = db.Stmt(`INSERT INTO apps (` + appColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)
	getApp        = db.Def[App](`SELECT ` + appColumns + ` FROM apps WHERE client_id = $1`)
	getAppOfToken = db.Def[App](`SELECT a.id, a.client_id, a.secret_hash, a.name, a.website, a.redirect_uris, a.scopes, a.created_at
		FROM tokens t JOIN apps a ON a.id = t.app_id WHERE t.id = $1 AND t.revoked_at = 0`)

	insertCode  = db.Stmt(`INSERT INTO codes (code_hash, app_id, login_id, redirect_uri, scopes, challenge, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	getCode     = db.Def[codeRow](`SELECT app_id, login_id, redirect_uri, scopes, challenge, expires_at, used_token_id FROM codes WHERE code_hash = $1`)
	useCode     = db.Stmt(`UPDATE codes SET used_token_id = $2 WHERE code_hash = $1 AND used_token_id = 0`)
	dropCodesOf = db.Stmt(`DELETE FROM codes WHERE login_id = $1`)
	sweepCodes  = db.Stmt(`DELETE FROM codes WHERE expires_at < $1`)

	// The last use of any session or token of a login that still stands; 0 if there is none.
	lastUse = db.Def[time.Time](`SELECT COALESCE(MAX(used_at), 0) FROM (SELECT used_at FROM sessions WHERE login_id = $1
		UNION ALL SELECT used_at FROM tokens WHERE login_id = $1 AND revoked_at = 0) AS uses`)

	insertToken = db.Stmt(`INSERT INTO tokens (id, token_hash, app_id, login_id, scopes, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	getToken    = db.Def[tokenRow](`SELECT t.id, t.app_id, t.scopes, t.used_at, ` + loginOf + `
		FROM tokens t LEFT JOIN logins l ON l.id = t.login_id WHERE t.token_hash = $1 AND t.revoked_at = 0`)
	touchToken     = db.Stmt(`UPDATE tokens SET used_at = $2 WHERE id = $1`)
	revokeToken    = db.Stmt(`UPDATE tokens SET revoked_at = $2 WHERE id = $1`)
	revokeTokensOf = db.Def[id.ID](`UPDATE tokens SET revoked_at = $2 WHERE login_id = $1 AND revoked_at = 0 RETURNING id`)
	dropTokensOf   = db.Stmt(`DELETE FROM tokens WHERE login_id = $1`)
	tokenOwner     = db.Def[id.ID](`SELECT login_id FROM tokens WHERE id = $1 AND revoked_at = 0`)
	listTokens     = db.Def[Authorised](`SELECT t.id, a.name, a.website, t.scopes, t.created_at, t.used_at FROM tokens t JOIN apps a ON a.id = t.app_id
		WHERE t.login_id = $1 AND t.revoked_at = 0 ORDER BY t.used_at DESC, t.id DESC`)
)
