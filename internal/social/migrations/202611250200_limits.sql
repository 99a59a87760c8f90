-- +goose Up
-- Other servers that the co-op limits or blocks. A row stays when that ends: the record speaks of it.
CREATE TABLE domains (
  id BIGINT PRIMARY KEY, -- made from the name
  name TEXT NOT NULL UNIQUE, -- lower case, as ASCII; it covers its subdomains
  level TEXT NOT NULL DEFAULT '', -- '', limit or block
  version INTEGER NOT NULL DEFAULT 0, -- one more with every change
  since_at BIGINT NOT NULL -- of the level
);

ALTER TABLE accounts ADD COLUMN suspended_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN limited_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN level_version INTEGER NOT NULL DEFAULT 0; -- one more with every change of the two
CREATE INDEX accounts_levels ON accounts (id) WHERE level_version > 0 OR suspended_at > 0 OR limited_at > 0;

-- Follows and requests that a block ended: what was lost can be told when it is lifted.
CREATE TABLE severed_follows (
  cause_id BIGINT NOT NULL, -- the domain or the account that was blocked
  account_id BIGINT NOT NULL REFERENCES accounts(id),
  target_id BIGINT NOT NULL REFERENCES accounts(id),
  local BOOLEAN NOT NULL, -- account_id is ours
  follow SMALLINT NOT NULL, -- 1 asked, 2 followed
  cut_id BIGINT NOT NULL, -- all that ended at once have the same; its time is when
  PRIMARY KEY (cause_id, account_id, target_id)
);
CREATE INDEX severed_follows_cut ON severed_follows (cut_id);
