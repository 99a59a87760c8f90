-- +goose Up
-- When the login lost its account: it still opens the door to its own data, and to nothing else.
ALTER TABLE logins ADD COLUMN former_at BIGINT NOT NULL DEFAULT 0;
