-- +goose Up
CREATE TABLE bodies (
  id BIGINT PRIMARY KEY,
  parent_id BIGINT NOT NULL DEFAULT 0, -- the general meeting is the one root
  kind TEXT NOT NULL,                  -- general meeting, working group, circle, board
  handle TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  aim TEXT NOT NULL DEFAULT '',
  account_id BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  dissolved_at BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE mandates (
  id BIGINT PRIMARY KEY,
  member_id BIGINT NOT NULL,
  body_id BIGINT NOT NULL REFERENCES bodies(id),
  office TEXT NOT NULL,
  powers TEXT NOT NULL, -- JSON list of power names
  from_at BIGINT NOT NULL,
  to_at BIGINT NOT NULL,
  source_kind TEXT NOT NULL,
  source_id BIGINT NOT NULL,
  ended_at BIGINT NOT NULL DEFAULT 0,
  ended_by TEXT NOT NULL DEFAULT ''
);
CREATE INDEX mandates_member ON mandates (member_id, to_at);
CREATE TABLE acts (
  id BIGINT PRIMARY KEY,
  power TEXT NOT NULL,
  target_kind TEXT NOT NULL,
  target_id BIGINT NOT NULL,
  args TEXT NOT NULL,
  inverse TEXT NOT NULL,
  reason TEXT NOT NULL,
  member_id BIGINT NOT NULL, -- 0: the operator
  via TEXT NOT NULL,
  authority_kind TEXT NOT NULL,
  authority_id BIGINT NOT NULL,
  record_seq BIGINT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX acts_target ON acts (target_kind, target_id, id);
CREATE INDEX acts_authority ON acts (authority_kind, authority_id, id);
