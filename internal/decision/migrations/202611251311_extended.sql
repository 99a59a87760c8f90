-- +goose Up
ALTER TABLE decisions ADD COLUMN extended_at BIGINT NOT NULL DEFAULT 0; -- when its mover moved the close
