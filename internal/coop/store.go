package coop

import "rochdale/internal/kit/db"

var (
	insertCoop = db.Stmt(`INSERT INTO coop (id, name, description, preset, joining, conduct, contact, account_id, founded_at) VALUES (1, $1, $2, $3, $4, $5, $6, 0, $7)`)
	getCoop    = db.Def[Coop](`SELECT name, description, preset, joining, conduct, contact, account_id, founded_at FROM coop WHERE id = 1`)
	setAccount = db.Stmt(`UPDATE coop SET account_id = $1 WHERE id = 1`)
	updateCoop = db.Stmt(`UPDATE coop SET name = $1, description = $2, joining = $3, conduct = $4, contact = $5 WHERE id = 1`)

	setFoundingCode = db.Stmt(`INSERT INTO founding_code (id, code_hash, created_at) VALUES (1, $1, $2)
		ON CONFLICT (id) DO UPDATE SET code_hash = excluded.code_hash, created_at = excluded.created_at`)
	getFoundingCode  = db.Def[string](`SELECT code_hash FROM founding_code WHERE id = 1`)
	dropFoundingCode = db.Stmt(`DELETE FROM founding_code`)
)
