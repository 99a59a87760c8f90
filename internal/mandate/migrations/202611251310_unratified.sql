-- +goose Up
ALTER TABLE emergencies ADD COLUMN refused_at BIGINT NOT NULL DEFAULT 0; -- when the members voted it down
CREATE INDEX emergencies_decision ON emergencies (decision_id) WHERE ended_at = 0;
