package webhook

import "rochdale/internal/kit/db"

const (
	hookColumns     = `id, url, secret, events, created_by, created_at, disabled_at, failures, failing_since`
	deliveryColumns = `d.id, d.webhook_id, w.url, d.event, d.body, d.created_at, d.tries, d.tried_at, d.status, d.problem, d.done_at`
)

var (
	insertHook = db.Stmt(`INSERT INTO webhooks (id, url, secret, events, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)`)
	getHook    = db.Def[Hook](`SELECT ` + hookColumns + ` FROM webhooks WHERE id = $1`)
	listHooks  = db.Def[Hook](`SELECT ` + hookColumns + ` FROM webhooks ORDER BY id`)
	countHooks = db.Def[int](`SELECT COUNT(*) FROM webhooks`)
	deleteHook = db.Stmt(`DELETE FROM webhooks WHERE id = $1`)
	enableHook = db.Stmt(`UPDATE webhooks SET disabled_at = 0, failures = 0, failing_since = 0 WHERE id = $1 AND disabled_at <> 0`)
	failHook   = db.Def[Hook](`UPDATE webhooks SET failures = failures + 1, failing_since = CASE WHEN failures = 0 THEN $2 ELSE failing_since END
		WHERE id = $1 RETURNING ` + hookColumns)
	healHook    = db.Stmt(`UPDATE webhooks SET failures = 0, failing_since = 0 WHERE id = $1 AND failures <> 0`)
	disableHook = db.Stmt(`UPDATE webhooks SET disabled_at = $2 WHERE id = $1 AND disabled_at = 0`)

	insertDelivery = db.Stmt(`INSERT INTO webhook_deliveries (id, webhook_id, event, body, created_at) VALUES ($1, $2, $3, $4, $5)`)
	insertRemark   = db.Stmt(`INSERT INTO webhook_deliveries (id, webhook_id, event, body, created_at, problem, done_at) VALUES ($1, $2, $3, '', $4, $5, $4)`)
	getDelivery    = db.Def[Delivery](`SELECT ` + deliveryColumns + ` FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id WHERE d.id = $1`)
	lastDeliveries = db.Def[Delivery](`SELECT ` + deliveryColumns + ` FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id ORDER BY d.id DESC LIMIT $1`)
	setTry         = db.Stmt(`UPDATE webhook_deliveries SET tries = tries + 1, tried_at = $2, status = $3, problem = $4, done_at = $5 WHERE id = $1 AND done_at = 0`)
	dropDelivery   = db.Stmt(`UPDATE webhook_deliveries SET problem = $2, done_at = $3 WHERE id = $1 AND done_at = 0`)
	deleteOld      = db.Stmt(`DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE created_at < $1 ORDER BY created_at LIMIT $2)`)
)
