package member

import (
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const (
	memberColumns = `id, number, name, username, login_id, account_id, invited_by, since_at, until_at, ended, suspended_at, suspended_until,
	founder, version, changed_at, erased_at`
	applicationColumns = `id, name, username, email, password_hash, answer, answers, state, reason, decided_by, member_id, created_at, decided_at`
	invitationColumns  = `id, code, member_id, note, uses, max_uses, created_at, expires_at, withdrawn_at`
)

var (
	// On PostgreSQL two people who join at once would read the same highest number; SQLite has one writer anyway.
	lockMembers  = db.StmtTwin(`UPDATE members SET number = number WHERE id = 0`, `LOCK TABLE members IN SHARE ROW EXCLUSIVE MODE`)
	nextNumber   = db.Def[int64](`SELECT COALESCE(MAX(number), 0) + 1 FROM members`)
	listNumbers  = db.Def[int64](`SELECT number FROM members`)
	insertMember = db.Stmt(`INSERT INTO members (id, number, name, username, login_id, invited_by, since_at, founder, version, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
	getMember     = db.Def[Member](`SELECT ` + memberColumns + ` FROM members WHERE id = $1`)
	getByNumber   = db.Def[Member](`SELECT ` + memberColumns + ` FROM members WHERE number = $1`)
	getByLogin    = db.Def[Member](`SELECT ` + memberColumns + ` FROM members WHERE login_id = $1`)
	listMembers   = db.Def[Member](`SELECT ` + memberColumns + ` FROM members WHERE number > $1 AND until_at = 0 ORDER BY number LIMIT $2`)
	listEver      = db.Def[Member](`SELECT ` + memberColumns + ` FROM members WHERE number > $1 ORDER BY number LIMIT $2`)
	countMembers  = db.Def[int](`SELECT COUNT(*) FROM members WHERE until_at = 0`)
	countUsername = db.Def[int](`SELECT COUNT(*) FROM members WHERE username = $1`)
	setAccount    = db.Stmt(`UPDATE members SET account_id = $2 WHERE id = $1`)
	changeMember  = db.Stmt(`UPDATE members SET until_at = $3, ended = $4, suspended_at = $5, suspended_until = $6, changed_at = $7, version = version + 1
		WHERE id = $1 AND version = $2`)
	eraseMember = db.Stmt(`UPDATE members SET name = '', erased_at = $2 WHERE id = $1 AND erased_at = 0`)

	insertFact = db.Stmt(`INSERT INTO member_facts (member_id, seq, kind, at, until_at, how) VALUES ($1, $2, $3, $4, $5, $6)`)
	listFacts  = db.Def[Fact](`SELECT kind, at, until_at, how FROM member_facts WHERE member_id = $1 ORDER BY seq`)
	// f is the fact by which somebody is a member at $1: the last of those that begin or end a membership.
	// Suspensions are another matter of which the last fact counts. $2 is when the membership began at the latest.
	listGood = db.Def[id.ID](`SELECT m.id FROM members m JOIN member_facts f ON f.member_id = m.id AND f.at <= $1 AND f.kind IN ('joined', 'reinstated')
		WHERE (f.at <= $2 OR m.founder AND f.kind = 'joined')
		AND NOT EXISTS (SELECT 1 FROM member_facts l WHERE l.member_id = m.id AND l.seq > f.seq AND l.at <= $1 AND l.kind IN ('ended', 'reinstated'))
		AND NOT EXISTS (SELECT 1 FROM member_facts s WHERE s.member_id = m.id AND s.kind = 'suspended' AND s.at <= $1 AND (s.until_at = 0 OR s.until_at > $1)
			AND NOT EXISTS (SELECT 1 FROM member_facts r WHERE r.member_id = m.id AND r.seq > s.seq AND r.at <= $1 AND r.kind IN ('suspended', 'restored')))
		ORDER BY m.number`)

	insertApplication = db.Stmt(`INSERT INTO applications (id, name, username, email, password_hash, answer, answers, state, pending_username, pending_email, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
	getApplication    = db.Def[Application](`SELECT ` + applicationColumns + ` FROM applications WHERE id = $1`)
	listWaiting       = db.Def[Application](`SELECT ` + applicationColumns + ` FROM applications WHERE state = 'waiting' ORDER BY id`)
	listOf            = db.Def[Application](`SELECT ` + applicationColumns + ` FROM applications WHERE member_id = $1 ORDER BY id`)
	countWaiting      = db.Def[int](`SELECT COUNT(*) FROM applications WHERE state = 'waiting'`)
	countWaitingFor   = db.Def[int](`SELECT COUNT(*) FROM applications WHERE pending_username = $1 AND pending_email <> $2`)
	decideApplication = db.Stmt(`UPDATE applications SET state = $2, reason = $3, decided_by = $4, decided_at = $5, pending_username = NULL, pending_email = NULL,
		password_hash = '' WHERE id = $1 AND state = 'waiting'`)
	takeUpApplication = db.Stmt(`UPDATE applications SET state = 'waiting', reason = '', decided_by = 0, decided_at = 0, pending_username = $2, pending_email = $3
		WHERE id = $1 AND state = 'declined'`)
	setApplicant = db.Stmt(`UPDATE applications SET member_id = $2 WHERE id = $1`)

	forgetApplicants = db.Stmt(`UPDATE applications SET name = '', username = '', email = '', answer = '', answers = '' WHERE state <> 'waiting' AND decided_at < $1`)
	eraseApplicant   = db.Stmt(`UPDATE applications SET name = '', username = '', email = '', answer = '', answers = '', reason = '' WHERE member_id = $1`)

	listQuestions  = db.Def[Question](`SELECT id, question FROM application_questions ORDER BY place`)
	dropQuestions  = db.Stmt(`DELETE FROM application_questions`)
	insertQuestion = db.Stmt(`INSERT INTO application_questions (id, place, question) VALUES ($1, $2, $3)`)

	insertInvitation   = db.Stmt(`INSERT INTO invitations (id, code, member_id, note, max_uses, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	getInvitation      = db.Def[Invitation](`SELECT ` + invitationColumns + ` FROM invitations WHERE code = $1`)
	listInvitations    = db.Def[Invitation](`SELECT ` + invitationColumns + ` FROM invitations WHERE member_id = $1 ORDER BY id DESC`)
	withdrawInvitation = db.Stmt(`UPDATE invitations SET withdrawn_at = $3 WHERE id = $1 AND member_id = $2 AND withdrawn_at = 0`)
	withdrawAll        = db.Stmt(`UPDATE invitations SET withdrawn_at = $2 WHERE member_id = $1 AND withdrawn_at = 0`)
	eraseInvitations   = db.Stmt(`UPDATE invitations SET note = '' WHERE member_id = $1`)
	useInvitation      = db.Def[Invitation](`UPDATE invitations SET uses = uses + 1 WHERE code = $1 AND uses < max_uses AND expires_at > $2 AND withdrawn_at = 0
		RETURNING ` + invitationColumns)
)
