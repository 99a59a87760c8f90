-- +goose Up
-- Emergency acts of which the record publishes later what was done, to whom and why.
CREATE TABLE veils (
  act_id BIGINT PRIMARY KEY REFERENCES acts(id),
  record_seq BIGINT NOT NULL,
  target_kind TEXT NOT NULL,
  target_id BIGINT NOT NULL,
  class TEXT NOT NULL,     -- legal, safety
  until_at BIGINT NOT NULL,
  private TEXT NOT NULL,   -- JSON: personal data for the entry that publishes it; '' is none
  published_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX veils_until ON veils (until_at) WHERE published_at = 0;
CREATE INDEX veils_target ON veils (target_kind, target_id) WHERE published_at = 0;
