-- +goose Up
CREATE TABLE ballot_votes (
  id BIGINT PRIMARY KEY,
  subject_kind TEXT NOT NULL, -- election, decision
  subject_id BIGINT NOT NULL,
  question TEXT NOT NULL,     -- canonical JSON: all that was fixed at the opening
  hash TEXT NOT NULL,
  private_key TEXT NOT NULL,  -- erased at the close
  receipt_key TEXT NOT NULL,  -- erased at the close
  roll INTEGER NOT NULL,
  papers INTEGER NOT NULL DEFAULT 0,
  ballots INTEGER NOT NULL DEFAULT 0,
  opens_at BIGINT NOT NULL,
  closes_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL DEFAULT 0,
  result TEXT NOT NULL DEFAULT '',
  UNIQUE (subject_kind, subject_id)
);
-- Rows lie in the order of their keys, not in the order in which they came.
CREATE TABLE ballot_register (
  vote_id BIGINT NOT NULL REFERENCES ballot_votes(id),
  member_id BIGINT NOT NULL,
  taken BOOLEAN NOT NULL DEFAULT FALSE,
  blinded TEXT NOT NULL DEFAULT '', -- erased at the close
  signed TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (vote_id, member_id)
) WITHOUT ROWID;
CREATE INDEX ballot_register_member ON ballot_register (member_id, vote_id);
-- The box knows no member, no time, no address.
CREATE TABLE ballot_box (
  vote_id BIGINT NOT NULL REFERENCES ballot_votes(id),
  ballot_key TEXT NOT NULL,
  ballot TEXT NOT NULL,
  PRIMARY KEY (vote_id, ballot_key)
) WITHOUT ROWID;
