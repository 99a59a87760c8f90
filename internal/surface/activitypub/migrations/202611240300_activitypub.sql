-- +goose Up
-- What our actors sign with. Account 0 is the instance actor.
CREATE TABLE actor_keys (
  account_id BIGINT PRIMARY KEY,
  rsa BYTEA NOT NULL,     -- PKCS #8
  ed25519 BYTEA NOT NULL, -- seed
  created_at BIGINT NOT NULL
);

-- What actors of other servers sign with.
CREATE TABLE remote_keys (
  key_id TEXT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  actor_uri TEXT NOT NULL,
  public_key TEXT NOT NULL, -- PEM, or multibase
  fetched_at BIGINT NOT NULL
);
CREATE INDEX remote_keys_account ON remote_keys (account_id);

-- Accepted and not yet worked through, in the order of arrival. A row whose type is "thread" is a
-- reminder of ours to fetch what a post answers.
CREATE TABLE inbox_activities (
  id BIGINT PRIMARY KEY,
  actor_uri TEXT NOT NULL,
  type TEXT NOT NULL,
  body BYTEA NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL,
  leased_until BIGINT NOT NULL DEFAULT 0,
  leased_by INTEGER NOT NULL DEFAULT 0 -- the node that has it in hand
);
CREATE INDEX inbox_activities_next ON inbox_activities (next_at, id);

-- Activities that were accepted lately, by a hash of their id: a second one changes nothing.
CREATE TABLE seen_activities (
  hash BIGINT PRIMARY KEY,
  seen_at BIGINT NOT NULL
);
CREATE INDEX seen_activities_at ON seen_activities (seen_at);

-- What our accounts have to say to other servers, kept until the last of them has heard it.
CREATE TABLE outgoing (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  body BYTEA NOT NULL,
  digest TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE deliveries (
  id BIGINT PRIMARY KEY,
  outgoing_id BIGINT NOT NULL,
  host TEXT NOT NULL,
  inbox TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at BIGINT NOT NULL
);
CREATE INDEX deliveries_host ON deliveries (host, next_at, id);
CREATE INDEX deliveries_outgoing ON deliveries (outgoing_id);

-- Other servers, as far as something waits for them or went wrong with them.
CREATE TABLE peers (
  host TEXT PRIMARY KEY,
  next_at BIGINT NOT NULL DEFAULT 0, -- when to go there next; 0: nothing waits
  leased_until BIGINT NOT NULL DEFAULT 0,
  leased_by INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  first_failed_at BIGINT NOT NULL DEFAULT 0,
  last_ok_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX peers_next ON peers (next_at) WHERE next_at > 0;
CREATE INDEX peers_leased ON peers (leased_until) WHERE leased_until > 0;
