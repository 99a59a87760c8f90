-- +goose Up
-- The home timeline, written when a post is: one row per reader, and one tree that holds them: each
-- further index would cost a page per reader and post.
CREATE TABLE home_entries (
  owner_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL,
  author_id BIGINT NOT NULL,
  PRIMARY KEY (owner_id, post_id)
);
