-- +goose Up
-- Our key, with which we sign what we ask of a witness. One row.
CREATE TABLE witness_self (
  id BIGINT PRIMARY KEY,
  seed TEXT NOT NULL
);
-- For whom we witness.
CREATE TABLE witness_served (
  id BIGINT PRIMARY KEY,
  host TEXT NOT NULL,
  key TEXT NOT NULL, -- Ed25519, base64url
  since BIGINT NOT NULL,
  ended_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX witness_served_host ON witness_served (host) WHERE ended_at = 0;
-- Who witnesses for us.
CREATE TABLE witness_engaged (
  id BIGINT PRIMARY KEY,
  host TEXT NOT NULL,
  since BIGINT NOT NULL,
  ended_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX witness_engaged_one ON witness_engaged (ended_at) WHERE ended_at = 0;
-- Votes of others that we witness.
CREATE TABLE witness_votes (
  id BIGINT PRIMARY KEY,
  agreement_id BIGINT NOT NULL REFERENCES witness_served(id),
  host TEXT NOT NULL,
  vote TEXT NOT NULL,         -- theirs: election:123
  title TEXT NOT NULL,
  url TEXT NOT NULL,
  private_key TEXT NOT NULL,  -- erased at the close
  public_key TEXT NOT NULL,
  roll INTEGER NOT NULL,
  papers INTEGER NOT NULL DEFAULT 0,
  question TEXT NOT NULL DEFAULT '', -- hash
  first_closes BIGINT NOT NULL, -- as the question has it
  closes_at BIGINT NOT NULL,
  taken_at BIGINT NOT NULL,
  opened_at BIGINT NOT NULL DEFAULT 0,
  closed_at BIGINT NOT NULL DEFAULT 0,
  file TEXT NOT NULL DEFAULT '',  -- address of the published ballots
  found TEXT NOT NULL DEFAULT '', -- JSON: what we found in them
  UNIQUE (host, vote)
);
-- Rows lie in the order of their keys, not in the order in which they came.
CREATE TABLE witness_register (
  vote_id BIGINT NOT NULL REFERENCES witness_votes(id),
  voter_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  mail TEXT NOT NULL,                 -- erased at the close, like all below but taken
  code_hash TEXT NOT NULL DEFAULT '',
  taken BOOLEAN NOT NULL DEFAULT FALSE,
  blinded TEXT NOT NULL DEFAULT '',
  signed TEXT NOT NULL DEFAULT '',
  wrong INTEGER NOT NULL DEFAULT 0,   -- codes in a row
  locked_until BIGINT NOT NULL DEFAULT 0,
  lettered_at BIGINT NOT NULL DEFAULT 0, -- when the last letter with a code was written
  PRIMARY KEY (vote_id, voter_id)
) WITHOUT ROWID;
-- Votes of ours that another co-op witnesses.
CREATE TABLE witness_asked (
  subject_kind TEXT NOT NULL,
  subject_id BIGINT NOT NULL,
  host TEXT NOT NULL,
  remote_id BIGINT NOT NULL, -- the witness's
  key TEXT NOT NULL,
  roll_hash TEXT NOT NULL,
  title TEXT NOT NULL,
  url TEXT NOT NULL,
  closes_at BIGINT NOT NULL,
  PRIMARY KEY (subject_kind, subject_id)
);
