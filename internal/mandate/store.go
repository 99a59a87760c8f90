package mandate

import "rochdale/internal/kit/db"

const (
	bodyColumns    = `id, parent_id, kind, handle, name, aim, domain, seats, joining, account_id, created_at, dissolved_at, version`
	mandateColumns = `m.id, m.member_id, m.body_id, b.name AS body_name, b.handle AS body_handle, b.domain AS body_domain, b.dissolved_at AS body_dissolved,
	m.office, m.powers, m.from_at, m.to_at, m.source_kind, m.source_id, m.accepted_at, m.reminded, m.ended_at, m.ended_by
	FROM mandates m JOIN bodies b ON b.id = m.body_id`
	actColumns       = `id, power, target_kind, target_id, args, inverse, reason, member_id, via, authority_kind, authority_id, record_seq, at`
	emergencyColumns = `e.act_id, e.due_at, e.ratified_at, e.ended_at, e.refused_at, e.outcome, e.decision_id, a.power, a.target_kind, a.target_id, a.inverse,
	CASE WHEN v.act_id IS NULL THEN a.reason ELSE '' END AS reason, COALESCE(v.class, '') AS class, COALESCE(v.until_at, 0) AS until_at,
	a.member_id, a.via, a.authority_kind, a.authority_id, a.record_seq, a.at FROM emergencies e JOIN acts a ON a.id = e.act_id
	LEFT JOIN veils v ON v.act_id = e.act_id AND v.published_at = 0`
)

var (
	insertBody = db.Stmt(`INSERT INTO bodies (` + bodyColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
	updateBody = db.Stmt(`UPDATE bodies SET name = $2, aim = $3, domain = $4, seats = $5, joining = $6, dissolved_at = $7, version = version + 1
		WHERE id = $1 AND version = $8`)
	setBodyAccount  = db.Stmt(`UPDATE bodies SET account_id = $2 WHERE id = $1`)
	getBody         = db.Def[Body](`SELECT ` + bodyColumns + ` FROM bodies WHERE id = $1`)
	getBodyByHandle = db.Def[Body](`SELECT ` + bodyColumns + ` FROM bodies WHERE handle = $1`)
	getRoot         = db.Def[Body](`SELECT ` + bodyColumns + ` FROM bodies WHERE parent_id = 0`)
	listBodies      = db.Def[Body](`SELECT ` + bodyColumns + ` FROM bodies ORDER BY id`)

	insertSeat  = db.Stmt(`INSERT INTO seats (id, body_id, member_id, from_at) VALUES ($1, $2, $3, $4)`)
	endSeat     = db.Stmt(`UPDATE seats SET until_at = $2 WHERE id = $1 AND until_at = 0`)
	getSeat     = db.Def[Seat](`SELECT id, body_id, member_id, from_at, until_at FROM seats WHERE body_id = $1 AND member_id = $2 AND until_at = 0`)
	listSeats   = db.Def[Seat](`SELECT id, body_id, member_id, from_at, until_at FROM seats WHERE body_id = $1 AND until_at = 0 ORDER BY id`)
	listSeatsOf = db.Def[Seat](`SELECT id, body_id, member_id, from_at, until_at FROM seats WHERE member_id = $1 AND until_at = 0 ORDER BY id`)
	listSeatsAt = db.Def[Seat](`SELECT id, body_id, member_id, from_at, until_at FROM seats WHERE body_id = $1 AND from_at <= $2 AND (until_at = 0 OR until_at > $2) ORDER BY id`)
	allSeats    = db.Def[Seat](`SELECT id, body_id, member_id, from_at, until_at FROM seats ORDER BY id`)
	lockBody    = db.Stmt(`UPDATE bodies SET seats = seats WHERE id = $1`)

	insertMandate = db.Stmt(`INSERT INTO mandates (id, member_id, body_id, office, powers, from_at, to_at, source_kind, source_id, accepted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`)
	acceptMandate  = db.Stmt(`UPDATE mandates SET accepted_at = $2 WHERE id = $1 AND accepted_at = 0 AND ended_at = 0`)
	endMandate     = db.Stmt(`UPDATE mandates SET ended_at = $2, ended_by = $3 WHERE id = $1 AND ended_at = 0`)
	extendMandate  = db.Stmt(`UPDATE mandates SET to_at = $2, reminded = 0 WHERE id = $1 AND ended_at = 0 AND to_at = $3`)
	remindMandate  = db.Stmt(`UPDATE mandates SET reminded = $2 WHERE id = $1`)
	getMandate     = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.id = $1`)
	listMandates   = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.from_at <= $1 AND m.to_at > $1 ORDER BY m.id`)
	listMandatesOf = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.member_id = $1 AND m.from_at <= $2 AND m.to_at > $2 ORDER BY m.id`)
	listComing     = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.to_at > $1 AND m.ended_at = 0 ORDER BY m.to_at, m.id`)
	listInBody     = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.body_id = $1 ORDER BY m.id DESC LIMIT 200`)
	listOver       = db.Def[Mandate](`SELECT ` + mandateColumns + ` WHERE m.to_at <= $1 AND m.ended_at = 0 ORDER BY m.to_at, m.id LIMIT 100`)
	allMandates    = db.Def[Mandate](`SELECT ` + mandateColumns + ` ORDER BY m.id`)

	insertHandover = db.Stmt(`INSERT INTO handovers (id, body_id, office, text, added_by, added_at) VALUES ($1, $2, $3, $4, $5, $6)`)
	doneHandover   = db.Stmt(`UPDATE handovers SET done_by = $2, done_at = $3 WHERE id = $1 AND done_at = 0`)
	getHandover    = db.Def[Handover](`SELECT id, body_id, office, text, added_by, added_at, done_by, done_at FROM handovers WHERE id = $1`)
	listHandovers  = db.Def[Handover](`SELECT id, body_id, office, text, added_by, added_at, done_by, done_at FROM handovers WHERE body_id = $1 ORDER BY office, id`)

	insertAct = db.Stmt(`INSERT INTO acts (` + actColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`)
	listActs  = db.Def[Done](`SELECT ` + actColumns + ` FROM acts WHERE authority_kind = $1 AND authority_id IN $2[] ORDER BY id DESC LIMIT $3`)

	insertEmergency = db.Stmt(`INSERT INTO emergencies (act_id, due_at) VALUES ($1, $2)`)
	endEmergency    = db.Stmt(`UPDATE emergencies SET ended_at = $2, outcome = $3, ratified_at = $4 WHERE act_id = $1 AND ended_at = 0`)
	moveEmergency   = db.Stmt(`UPDATE emergencies SET due_at = $2, refused_at = $3 WHERE act_id = $1 AND ended_at = 0`)
	setEmergency    = db.Stmt(`UPDATE emergencies SET decision_id = $2 WHERE act_id = $1`)
	getEmergency    = db.Def[Emergency](`SELECT ` + emergencyColumns + ` WHERE e.act_id = $1`)
	listEmergencies = db.Def[Emergency](`SELECT ` + emergencyColumns + ` WHERE e.ended_at = 0 ORDER BY e.act_id`)
	listAsked       = db.Def[Emergency](`SELECT ` + emergencyColumns + ` WHERE e.ended_at = 0 AND e.decision_id = $1 ORDER BY e.act_id`)
	// What was done later to the same target by the same powers: the two that an act and its inverse need.
	listLater = db.Def[laterAct](`SELECT a.id, a.authority_kind, a.record_seq, COALESCE(e.ended_at, 1) AS ended_at, COALESCE(e.outcome, '') AS outcome
		FROM acts a LEFT JOIN emergencies e ON e.act_id = a.id
		WHERE a.target_kind = $1 AND a.target_id = $2 AND a.id > $3 AND a.power IN $4[] ORDER BY a.id DESC`)
	// The last emergency act of a power on a target that the members did not let stand since an instant.
	getFallen = db.Def[Emergency](`SELECT ` + emergencyColumns + ` WHERE a.power = $1 AND a.target_kind = $2 AND a.target_id = $3
		AND (e.outcome = 'undone' AND e.ended_at > $4 OR e.refused_at > $4) ORDER BY e.act_id DESC LIMIT 1`)
	listDue        = db.Def[Emergency](`SELECT ` + emergencyColumns + ` WHERE e.ended_at = 0 AND e.due_at <= $1 ORDER BY e.act_id LIMIT 100`)
	listUnreported = db.Def[Emergency](`SELECT ` + emergencyColumns + ` WHERE e.ended_at = 0 AND e.decision_id = 0 ORDER BY e.act_id LIMIT 500`)
	allEmergencies = db.Def[Emergency](`SELECT ` + emergencyColumns + ` ORDER BY e.act_id`)

	insertVeil  = db.Stmt(`INSERT INTO veils (act_id, record_seq, target_kind, target_id, class, until_at, private) VALUES ($1, $2, $3, $4, $5, $6, $7)`)
	endVeil     = db.Stmt(`UPDATE veils SET published_at = $2, private = '' WHERE act_id = $1 AND published_at = 0`)
	listUnveil  = db.Def[veil](`SELECT act_id, record_seq, class, until_at, private FROM veils WHERE published_at = 0 AND until_at <= $1 ORDER BY act_id LIMIT 100`)
	listVeilsOf = db.Def[veil](`SELECT act_id, record_seq, class, until_at, private FROM veils WHERE published_at = 0 AND target_kind = $1 AND target_id = $2 ORDER BY act_id`)
)
