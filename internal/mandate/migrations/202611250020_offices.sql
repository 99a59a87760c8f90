-- +goose Up
ALTER TABLE bodies ADD COLUMN domain TEXT NOT NULL DEFAULT '[]'; -- JSON list of patterns of powers
ALTER TABLE bodies ADD COLUMN seats INTEGER NOT NULL DEFAULT 0;
ALTER TABLE bodies ADD COLUMN joining TEXT NOT NULL DEFAULT 'closed'; -- open, closed
ALTER TABLE bodies ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE bodies SET domain = '["*"]' WHERE parent_id = 0;
ALTER TABLE mandates ADD COLUMN accepted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE mandates ADD COLUMN reminded INTEGER NOT NULL DEFAULT 0; -- days before the end of the last reminder
UPDATE mandates SET accepted_at = from_at;
CREATE INDEX mandates_to ON mandates (to_at);
CREATE INDEX mandates_body ON mandates (body_id, to_at);
CREATE TABLE seats (
  id BIGINT PRIMARY KEY,
  body_id BIGINT NOT NULL REFERENCES bodies(id),
  member_id BIGINT NOT NULL,
  from_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX seats_taken ON seats (body_id, member_id) WHERE until_at = 0;
CREATE INDEX seats_member ON seats (member_id);
-- What one holder of an office hands to the next.
CREATE TABLE handovers (
  id BIGINT PRIMARY KEY,
  body_id BIGINT NOT NULL REFERENCES bodies(id),
  office TEXT NOT NULL,
  text TEXT NOT NULL,
  added_by BIGINT NOT NULL,
  added_at BIGINT NOT NULL,
  done_by BIGINT NOT NULL DEFAULT 0,
  done_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX handovers_body ON handovers (body_id, office, id);
-- Acts done before a decision: undone by themselves unless ratified in time.
CREATE TABLE emergencies (
  act_id BIGINT PRIMARY KEY REFERENCES acts(id),
  due_at BIGINT NOT NULL,
  ratified_at BIGINT NOT NULL DEFAULT 0,
  ended_at BIGINT NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT '', -- ratified, undone, review
  decision_id BIGINT NOT NULL DEFAULT 0 -- the motion that asks the members
);
CREATE INDEX emergencies_due ON emergencies (due_at) WHERE ended_at = 0;
