-- +goose Up
CREATE TABLE attachments (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  post_id BIGINT NOT NULL DEFAULT 0, -- 0 not (or no longer) attached, -1 being swept away
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
  created_at BIGINT NOT NULL,
  fetched_at BIGINT NOT NULL DEFAULT 0, -- of a remote file: when it came into our cache
  failed_at BIGINT NOT NULL DEFAULT 0   -- of a remote file: when fetching it last failed
);
CREATE INDEX attachments_post ON attachments (post_id, position);
CREATE INDEX attachments_account ON attachments (account_id, id);
CREATE INDEX attachments_loose ON attachments (created_at) WHERE post_id <= 0;
CREATE INDEX attachments_cached ON attachments (fetched_at) WHERE fetched_at > 0;

-- Pictures that are not attachments: avatars and headers of remote accounts, kept in our own cache.
CREATE TABLE remote_pictures (
  id BIGINT PRIMARY KEY,
  url TEXT NOT NULL,
  size TEXT NOT NULL, -- avatar, header
  blob_key TEXT NOT NULL DEFAULT '',
  fetched_at BIGINT NOT NULL DEFAULT 0,
  failed_at BIGINT NOT NULL DEFAULT 0,
  UNIQUE (url, size)
);
CREATE INDEX remote_pictures_age ON remote_pictures (fetched_at);

-- Avatars and headers of our own accounts; shown_at is set once the profile shows the picture.
CREATE TABLE profile_pictures (
  blob_key TEXT PRIMARY KEY,
  account_id BIGINT NOT NULL,
  size TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  shown_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX profile_pictures_account ON profile_pictures (account_id, size);

-- Signs the addresses of cached remote pictures, so that nobody else can make us fetch anything.
CREATE TABLE media_secret (secret TEXT NOT NULL);
INSERT INTO media_secret VALUES (replace(CAST(gen_random_uuid() AS TEXT) || CAST(gen_random_uuid() AS TEXT), '-', ''));
