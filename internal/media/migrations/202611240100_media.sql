-- +goose Up
CREATE TABLE attachments (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL DEFAULT 0,
  position INTEGER NOT NULL DEFAULT 0,
  kind TEXT NOT NULL,
  content_type TEXT NOT NULL DEFAULT '',
  blob_key TEXT NOT NULL DEFAULT '',
  preview_key TEXT NOT NULL DEFAULT '',
  remote_url TEXT NOT NULL DEFAULT '',
  width INTEGER NOT NULL DEFAULT 0,
  height INTEGER NOT NULL DEFAULT 0,
  preview_width INTEGER NOT NULL DEFAULT 0,
  preview_height INTEGER NOT NULL DEFAULT 0,
  blurhash TEXT NOT NULL DEFAULT '',
  alt TEXT NOT NULL DEFAULT '',
  focus_x DOUBLE PRECISION NOT NULL DEFAULT 0,
  focus_y DOUBLE PRECISION NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE INDEX attachments_post ON attachments (post_id, position);
CREATE INDEX attachments_account ON attachments (account_id, id);

-- Pictures that are not attachments: avatars and headers of remote accounts, kept in our own cache.
CREATE TABLE remote_pictures (
  id BIGINT PRIMARY KEY,
  url TEXT NOT NULL UNIQUE,
  blob_key TEXT NOT NULL DEFAULT '',
  content_type TEXT NOT NULL DEFAULT '',
  fetched_at BIGINT NOT NULL DEFAULT 0,
  failed_at BIGINT NOT NULL DEFAULT 0
);
