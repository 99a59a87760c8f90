-- +goose Up
ALTER TABLE notices ADD COLUMN comment_id BIGINT NOT NULL DEFAULT 0; -- in the discussion of a motion
DROP INDEX notices_once;
CREATE UNIQUE INDEX notices_once ON notices (account_id, kind, from_id, post_id, comment_id);
