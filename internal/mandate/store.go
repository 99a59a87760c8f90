package mandate

import "rochdale/internal/kit/db"

const mandateColumns = `m.id, m.member_id, m.body_id, b.name AS body_name, m.office, m.powers, m.from_at, m.to_at, m.source_kind, m.source_id,
	m.ended_at, m.ended_by FROM mandates m JOIN bodies b ON b.id = m.body_id`

var (
	insertBody = db.Stmt(`INSERT INTO bodies (id, parent_id, kind, handle, name, aim, account_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`)

	insertMandate = db.Stmt(`INSERT INTO mandates (id, member_id, body_id, office, powers, from_at, to_at, source_kind, source_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`)
	getMandate     = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.id = $1`)
	listMandates   = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.from_at <= $1 AND m.to_at > $1 ORDER BY m.id`)
	listMandatesOf = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.member_id = $1 AND m.from_at <= $2 AND m.to_at > $2 ORDER BY m.id`)

	insertAct = db.Stmt(`INSERT INTO acts (id, power, target_kind, target_id, args, inverse, reason, member_id, via, authority_kind, authority_id,
		record_seq, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
)
