package member

import "rochdale/internal/kit/db"

const (
	memberColumns      = `id, number, name, username, login_id, account_id, invited_by, since_at, until_at`
	applicationColumns = `id, name, username, email, password_hash, answer, state, reason, decided_by, created_at, decided_at`
	invitationColumns  = `id, code, member_id, note, uses, max_uses, created_at, expires_at, withdrawn_at`
)

var (
	// On PostgreSQL two people who join at once would read the same highest number; SQLite has one writer anyway.
	lockMembers  = db.StmtTwin(`UPDATE members SET number = number WHERE id = 0`, `LOCK TABLE members IN SHARE ROW EXCLUSIVE MODE`)
	nextNumber   = db.Def[int64](`SELECT COALESCE(MAX(number), 0) + 1 FROM members`)
	insertMember = db.Stmt(`INSERT INTO members (id, number, name, username, login_id, invited_by, since_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	getMember    = db.Def[Member](`SELECT ` + memberColumns + ` FROM members WHERE id = $1`)
	listMembers  = db.Def[Member](`SELECT ` + memberColumns + ` FROM members WHERE number > $1 AND until_at = 0 ORDER BY number LIMIT $2`)
	countMembers = db.Def[int](`SELECT COUNT(*) FROM members WHERE until_at = 0`)
	setAccount   = db.Stmt(`UPDATE members SET account_id = $2 WHERE id = $1`)

	insertApplication = db.Stmt(`INSERT INTO applications (id, name, username, email, password_hash, answer, state, pending_username, pending_email, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
	getApplication    = db.Def[Application](`SELECT ` + applicationColumns + ` FROM applications WHERE id = $1`)
	listWaiting       = db.Def[Application](`SELECT ` + applicationColumns + ` FROM applications WHERE state = 'waiting' ORDER BY id`)
	countWaiting      = db.Def[int](`SELECT COUNT(*) FROM applications WHERE state = 'waiting'`)
	countWaitingFor   = db.Def[int](`SELECT COUNT(*) FROM applications WHERE pending_username = $1 AND pending_email <> $2`)
	decideApplication = db.Stmt(`UPDATE applications SET state = $2, reason = $3, decided_by = $4, decided_at = $5, pending_username = NULL, pending_email = NULL,
		password_hash = '' WHERE id = $1 AND state = 'waiting'`)

	forgetApplicants = db.Stmt(`UPDATE applications SET name = '', email = '', answer = '' WHERE state <> 'waiting' AND decided_at < $1`)

	insertInvitation   = db.Stmt(`INSERT INTO invitations (id, code, member_id, note, max_uses, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	getInvitation      = db.Def[Invitation](`SELECT ` + invitationColumns + ` FROM invitations WHERE code = $1`)
	listInvitations    = db.Def[Invitation](`SELECT ` + invitationColumns + ` FROM invitations WHERE member_id = $1 ORDER BY id DESC`)
	withdrawInvitation = db.Stmt(`UPDATE invitations SET withdrawn_at = $3 WHERE id = $1 AND member_id = $2 AND withdrawn_at = 0`)
	useInvitation      = db.Def[Invitation](`UPDATE invitations SET uses = uses + 1 WHERE code = $1 AND uses < max_uses AND expires_at > $2 AND withdrawn_at = 0
		RETURNING ` + invitationColumns)
)
