-- +goose Up
CREATE TABLE record_events (
  seq BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL, -- the exact bytes that were hashed
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE INDEX record_events_kind ON record_events (kind, seq);
CREATE TABLE record_private (
  seq BIGINT PRIMARY KEY REFERENCES record_events(seq),
  salt TEXT NOT NULL,
  data TEXT NOT NULL
);
-- The head is one row: updating it is the lock that puts appends in order on every engine.
CREATE TABLE record_head (
  id INTEGER PRIMARY KEY,
  seq BIGINT NOT NULL,
  at BIGINT NOT NULL,
  hash TEXT NOT NULL
);
INSERT INTO record_head (id, seq, at, hash) VALUES (1, 0, 0, '');
-- Stored hashes of the Merkle tree, numbered as golang.org/x/mod/sumdb/tlog does.
CREATE TABLE record_tree (
  idx BIGINT PRIMARY KEY,
  hash TEXT NOT NULL
);
CREATE TABLE record_checkpoints (
  size BIGINT PRIMARY KEY,
  note TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE TABLE record_keys (
  id INTEGER PRIMARY KEY,
  signer TEXT NOT NULL,
  verifier TEXT NOT NULL
);
