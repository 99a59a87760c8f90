-- +goose Up
CREATE TABLE rules (
  id BIGINT PRIMARY KEY,
  line TEXT NOT NULL,
  number INTEGER NOT NULL,
  data TEXT NOT NULL, -- the rule as JSON
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL DEFAULT 0,
  source_kind TEXT NOT NULL,
  source_id BIGINT NOT NULL,
  UNIQUE (line, number)
);
CREATE UNIQUE INDEX rules_current ON rules (line) WHERE until_at = 0;
