package activitypub

import (
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

// Our keys.
type keyRow struct {
	RSA     []byte `db:"rsa"`
	Ed25519 []byte `db:"ed25519"`
}

var (
	getKey    = db.Def[keyRow](`SELECT rsa, ed25519 FROM actor_keys WHERE account_id = $1`)
	insertKey = db.Stmt(`INSERT INTO actor_keys (account_id, rsa, ed25519, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`)
)

// Keys of others.
type remoteKeyRow struct {
	KeyID     string    `db:"key_id"`
	AccountID id.ID     `db:"account_id"`
	ActorURI  string    `db:"actor_uri"`
	PublicKey string    `db:"public_key"`
	FetchedAt time.Time `db:"fetched_at"`
}

var (
	getRemoteKey    = db.Def[remoteKeyRow](`SELECT key_id, account_id, actor_uri, public_key, fetched_at FROM remote_keys WHERE key_id = $1`)
	listRemoteKeys  = db.Def[string](`SELECT key_id FROM remote_keys WHERE account_id = $1`)
	deleteRemoteKey = db.Stmt(`DELETE FROM remote_keys WHERE account_id = $1`)
	insertRemoteKey = db.Stmt(`INSERT INTO remote_keys (key_id, account_id, actor_uri, public_key, fetched_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (key_id) DO UPDATE SET account_id = excluded.account_id, actor_uri = excluded.actor_uri,
		public_key = excluded.public_key, fetched_at = excluded.fetched_at`)
)

// The inbox.
type queued struct {
	ID       id.ID  `db:"id"`
	ActorURI string `db:"actor_uri"`
	Type     string `db:"type"`
	Body     []byte `db:"body"`
	Attempts int    `db:"attempts"`
}

var (
	insertSeen = db.Stmt(`INSERT INTO seen_activities (hash, seen_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
	getSeen    = db.Def[int](`SELECT 1 FROM seen_activities WHERE hash = $1`)
	deleteSeen = db.Stmt(`DELETE FROM seen_activities WHERE hash IN (SELECT hash FROM seen_activities WHERE seen_at < $1 LIMIT 1000)`)

	insertInbox = db.Stmt(`INSERT INTO inbox_activities (id, actor_uri, type, body, next_at) VALUES ($1, $2, $3, $4, $5)`)
	anyInbox    = db.Def[int](`SELECT 1 FROM inbox_activities WHERE next_at <= $1 AND leased_until <= $1 LIMIT 1`)
	// $1 now, $2 until when it is ours, $3 how many, $4 which node we are.
	claimInbox = db.DefTwin[queued](
		`UPDATE inbox_activities SET leased_until = $2, leased_by = $4 WHERE id IN (SELECT id FROM inbox_activities
			WHERE next_at <= $1 AND leased_until <= $1 ORDER BY next_at, id LIMIT $3)
			RETURNING id, actor_uri, type, body, attempts`,
		`UPDATE inbox_activities SET leased_until = $2, leased_by = $4 WHERE id IN (SELECT id FROM inbox_activities
			WHERE next_at <= $1 AND leased_until <= $1 ORDER BY next_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
			RETURNING id, actor_uri, type, body, attempts`)
	deleteInbox    = db.Stmt(`DELETE FROM inbox_activities WHERE id = $1`)
	deleteInboxAll = db.Stmt(`DELETE FROM inbox_activities WHERE id IN $1[]`)
	postponeInbox  = db.Stmt(`UPDATE inbox_activities SET attempts = attempts + 1, next_at = $2, leased_until = 0 WHERE id = $1`)
	releaseInbox   = db.Stmt(`UPDATE inbox_activities SET leased_until = 0 WHERE leased_until > 0 AND leased_by = $1`)
)

// The outbox.
type due struct {
	ID         id.ID  `db:"id"`
	OutgoingID id.ID  `db:"outgoing_id"`
	Inbox      string `db:"inbox"`
	Attempts   int    `db:"attempts"`
	AccountID  id.ID  `db:"account_id"`
	Body       []byte `db:"body"`
	Digest     string `db:"digest"`
}

// peer is a host that is due.
type peer struct {
	Host     string `db:"host"`
	Failures int    `db:"failures"`
}

// $1 is a JSON list of {"d": delivery id, "h": host, "i": inbox}: one statement writes them all.
var (
	insertOutgoing   = db.Stmt(`INSERT INTO outgoing (id, account_id, body, digest, created_at) VALUES ($1, $2, $3, $4, $5)`)
	insertDeliveries = db.StmtTwin(
		`INSERT INTO deliveries (id, outgoing_id, host, inbox, next_at)
			SELECT value ->> 'd', CAST($2 AS BIGINT), value ->> 'h', value ->> 'i', CAST($3 AS BIGINT) FROM json_each($1)
			WHERE NOT EXISTS (SELECT 1 FROM peers p WHERE p.host = value ->> 'h' AND p.first_failed_at > 0 AND p.first_failed_at < $4)`,
		`INSERT INTO deliveries (id, outgoing_id, host, inbox, next_at)
			SELECT v.d, CAST($2 AS BIGINT), v.h, v.i, CAST($3 AS BIGINT) FROM jsonb_to_recordset(CAST($1 AS JSONB)) AS v(d BIGINT, h TEXT, i TEXT)
			WHERE NOT EXISTS (SELECT 1 FROM peers p WHERE p.host = v.h AND p.first_failed_at > 0 AND p.first_failed_at < $4)`)
	// A host that is being served or that failed keeps its time. $2 now.
	wakePeers = db.StmtTwin(
		`INSERT INTO peers (host, next_at) SELECT DISTINCT value ->> 'h', CAST($2 AS BIGINT) FROM json_each($1) WHERE TRUE ORDER BY 1
			ON CONFLICT (host) DO UPDATE SET next_at = excluded.next_at WHERE peers.leased_until = 0 AND peers.failures = 0`,
		`INSERT INTO peers (host, next_at) SELECT DISTINCT v.h, CAST($2 AS BIGINT) FROM jsonb_to_recordset(CAST($1 AS JSONB)) AS v(h TEXT) ORDER BY 1
			ON CONFLICT (host) DO UPDATE SET next_at = excluded.next_at WHERE peers.leased_until = 0 AND peers.failures = 0`)
	wakePeer = db.Stmt(`UPDATE peers SET failures = 0, first_failed_at = 0, next_at = CASE WHEN next_at > 0 AND leased_until = 0 THEN $2 ELSE next_at END
		WHERE host = $1 AND failures > 0`)
	wakeDeliveries = db.Stmt(`UPDATE deliveries SET next_at = $2 WHERE host = $1 AND next_at > $2`)

	anyPeerDue = db.Def[int](`SELECT 1 FROM peers WHERE next_at > 0 AND next_at <= $1 LIMIT 1`)
	// $1 now, $2 until when they are ours, $3 how many, $4 which node we are.
	claimPeers = db.DefTwin[peer](
		`UPDATE peers SET leased_until = $2, next_at = $2, leased_by = $4 WHERE host IN (SELECT host FROM peers
			WHERE next_at > 0 AND next_at <= $1 ORDER BY next_at LIMIT $3) RETURNING host, failures`,
		`UPDATE peers SET leased_until = $2, next_at = $2, leased_by = $4 WHERE host IN (SELECT host FROM peers
			WHERE next_at > 0 AND next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING host, failures`)
	renewPeer = db.Stmt(`UPDATE peers SET leased_until = $2, next_at = $2 WHERE host = $1`)
	// Locking the row before looking for what is left closes the gap in which somebody could add a
	// delivery that nobody then sees. SQLite has one writer and needs no lock.
	lockPeer = db.DefTwin[struct {
		Failures      int       `db:"failures"`
		FirstFailedAt time.Time `db:"first_failed_at"`
	}](`SELECT failures, first_failed_at FROM peers WHERE host = $1`, `SELECT failures, first_failed_at FROM peers WHERE host = $1 FOR UPDATE`)
	nextOfHost   = db.Def[time.Time](`SELECT next_at FROM deliveries WHERE host = $1 ORDER BY next_at LIMIT 1`)
	settlePeer   = db.Stmt(`UPDATE peers SET next_at = $2, leased_until = 0, failures = $3, first_failed_at = $4, last_ok_at = CASE WHEN $5 > last_ok_at THEN $5 ELSE last_ok_at END WHERE host = $1`)
	releasePeers = db.Stmt(`UPDATE peers SET leased_until = 0, next_at = $1 WHERE leased_until > 0 AND leased_by = $2`)

	listDue = db.Def[due](`SELECT d.id, d.outgoing_id, d.inbox, d.attempts, o.account_id, o.body, o.digest
		FROM deliveries d JOIN outgoing o ON o.id = d.outgoing_id WHERE d.host = $1 AND d.next_at <= $2 ORDER BY d.next_at, d.id LIMIT $3`)
	deleteDelivery   = db.Stmt(`DELETE FROM deliveries WHERE id = $1`)
	deleteToInbox    = db.Stmt(`DELETE FROM deliveries WHERE host = $1 AND inbox = $2`)
	deleteStale      = db.Stmt(`DELETE FROM deliveries WHERE host = $1 AND id < $2`)
	postponeDelivery = db.Stmt(`UPDATE deliveries SET attempts = attempts + 1, next_at = $2 WHERE id = $1`)
	deleteHeard      = db.Stmt(`DELETE FROM outgoing WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE outgoing_id = $1)`)
	deleteOrphans    = db.Stmt(`DELETE FROM outgoing WHERE id < $1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE outgoing_id = outgoing.id)`)
)
