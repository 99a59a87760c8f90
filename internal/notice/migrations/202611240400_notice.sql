-- +goose Up
CREATE TABLE notices (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  kind TEXT NOT NULL,
  from_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE INDEX notices_account ON notices (account_id, id);
CREATE INDEX notices_post ON notices (post_id) WHERE post_id <> 0;
CREATE UNIQUE INDEX notices_once ON notices (account_id, kind, from_id, post_id);
CREATE TABLE markers (
  account_id BIGINT NOT NULL,
  timeline TEXT NOT NULL,
  last_read_id BIGINT NOT NULL,
  version INTEGER NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, timeline)
);
