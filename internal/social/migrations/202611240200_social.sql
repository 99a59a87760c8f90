-- +goose Up
CREATE TABLE accounts (
  id BIGINT PRIMARY KEY,
  username TEXT NOT NULL,
  handle TEXT NOT NULL UNIQUE, -- folded "name" for our own, "name@domain" for others
  domain TEXT NOT NULL DEFAULT '',
  kind TEXT NOT NULL,
  member_id BIGINT NOT NULL DEFAULT 0,
  uri TEXT NOT NULL UNIQUE,
  url TEXT NOT NULL,
  inbox TEXT NOT NULL DEFAULT '',
  shared_inbox TEXT NOT NULL DEFAULT '',
  outbox TEXT NOT NULL DEFAULT '',
  followers_uri TEXT NOT NULL DEFAULT '',
  following_uri TEXT NOT NULL DEFAULT '',
  featured_uri TEXT NOT NULL DEFAULT '',
  display_name TEXT NOT NULL DEFAULT '',
  note TEXT NOT NULL DEFAULT '',
  note_source TEXT NOT NULL DEFAULT '',
  fields TEXT NOT NULL DEFAULT '[]',
  avatar TEXT NOT NULL DEFAULT '',
  header TEXT NOT NULL DEFAULT '',
  locked BOOLEAN NOT NULL DEFAULT FALSE,
  bot BOOLEAN NOT NULL DEFAULT FALSE,
  discoverable BOOLEAN NOT NULL DEFAULT TRUE,
  indexable BOOLEAN NOT NULL DEFAULT FALSE,
  default_visibility SMALLINT NOT NULL DEFAULT 0,
  default_sensitive BOOLEAN NOT NULL DEFAULT FALSE,
  default_language TEXT NOT NULL DEFAULT '',
  followers_count INTEGER NOT NULL DEFAULT 0,
  following_count INTEGER NOT NULL DEFAULT 0,
  posts_count INTEGER NOT NULL DEFAULT 0,
  last_post_at BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  fetched_at BIGINT NOT NULL DEFAULT 0,
  gone_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX accounts_member ON accounts (member_id) WHERE member_id <> 0;
CREATE INDEX accounts_local ON accounts (id) WHERE domain = '';

CREATE TABLE posts (
  id BIGINT PRIMARY KEY,
  account_id BIGINT NOT NULL REFERENCES accounts(id),
  uri TEXT NOT NULL UNIQUE,
  url TEXT NOT NULL,
  local BOOLEAN NOT NULL,
  listed BOOLEAN NOT NULL, -- shown in the public timelines: public, no boost, no reply to others
  boost_of_id BIGINT NOT NULL DEFAULT 0,
  in_reply_to_id BIGINT NOT NULL DEFAULT 0,
  in_reply_to_account_id BIGINT NOT NULL DEFAULT 0,
  in_reply_to_uri TEXT NOT NULL DEFAULT '',
  thread_id BIGINT NOT NULL, -- the first post of the thread as far as known here
  content TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '',
  summary TEXT NOT NULL DEFAULT '',
  sensitive BOOLEAN NOT NULL DEFAULT FALSE,
  language TEXT NOT NULL DEFAULT '',
  visibility SMALLINT NOT NULL,
  replies_count INTEGER NOT NULL DEFAULT 0,
  boosts_count INTEGER NOT NULL DEFAULT 0,
  favourites_count INTEGER NOT NULL DEFAULT 0,
  media_count INTEGER NOT NULL DEFAULT 0,
  pinned_at BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  edited_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX posts_account ON posts (account_id, id);
CREATE INDEX posts_pinned ON posts (account_id, pinned_at) WHERE pinned_at > 0;
CREATE INDEX posts_listed ON posts (id) WHERE listed;
CREATE INDEX posts_listed_local ON posts (id) WHERE listed AND local;
CREATE INDEX posts_thread ON posts (thread_id, id);
CREATE INDEX posts_boost ON posts (boost_of_id, account_id) WHERE boost_of_id <> 0;
CREATE INDEX posts_reply ON posts (in_reply_to_id, id) WHERE in_reply_to_id <> 0;
CREATE INDEX posts_orphan ON posts (in_reply_to_uri) WHERE in_reply_to_uri <> '' AND in_reply_to_id = 0;

-- What a post looked like before it was edited, newest last.
CREATE TABLE post_edits (
  id BIGINT PRIMARY KEY,
  post_id BIGINT NOT NULL REFERENCES posts(id) ON DELETE CASCADE,
  content TEXT NOT NULL,
  source TEXT NOT NULL,
  summary TEXT NOT NULL,
  sensitive BOOLEAN NOT NULL,
  media TEXT NOT NULL, -- JSON list of attachment ids
  created_at BIGINT NOT NULL
);
CREATE INDEX post_edits_post ON post_edits (post_id, id);

CREATE TABLE mentions (
  post_id BIGINT NOT NULL REFERENCES posts(id) ON DELETE CASCADE,
  account_id BIGINT NOT NULL REFERENCES accounts(id),
  PRIMARY KEY (post_id, account_id)
);
CREATE INDEX mentions_account ON mentions (account_id, post_id);

CREATE TABLE tags (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE -- folded
);
CREATE TABLE post_tags (
  post_id BIGINT NOT NULL REFERENCES posts(id) ON DELETE CASCADE,
  tag_id BIGINT NOT NULL REFERENCES tags(id),
  PRIMARY KEY (tag_id, post_id)
);
CREATE INDEX post_tags_post ON post_tags (post_id);

-- Favourites, bookmarks, boosts: one row per account, post and kind, so that a page of posts asks once.
CREATE TABLE marks (
  account_id BIGINT NOT NULL REFERENCES accounts(id),
  post_id BIGINT NOT NULL REFERENCES posts(id) ON DELETE CASCADE,
  kind SMALLINT NOT NULL, -- 1 favourite, 2 boost, 3 bookmark, 4 muted thread
  id BIGINT NOT NULL,
  uri TEXT NOT NULL DEFAULT '', -- the activity that a remote account sent
  PRIMARY KEY (account_id, post_id, kind)
);
CREATE INDEX marks_account ON marks (account_id, kind, id);
CREATE INDEX marks_post ON marks (post_id, kind, id);

-- One row holds all that account_id has decided about target_id.
CREATE TABLE relations (
  account_id BIGINT NOT NULL REFERENCES accounts(id),
  target_id BIGINT NOT NULL REFERENCES accounts(id),
  local BOOLEAN NOT NULL, -- account_id is ours
  follow SMALLINT NOT NULL DEFAULT 0, -- 0 no, 1 asked, 2 follows
  follow_id BIGINT NOT NULL DEFAULT 0,
  follow_uri TEXT NOT NULL DEFAULT '',
  boosts BOOLEAN NOT NULL DEFAULT TRUE,
  notify BOOLEAN NOT NULL DEFAULT FALSE,
  blocking BOOLEAN NOT NULL DEFAULT FALSE,
  block_id BIGINT NOT NULL DEFAULT 0,
  block_uri TEXT NOT NULL DEFAULT '',
  muting BOOLEAN NOT NULL DEFAULT FALSE,
  mute_id BIGINT NOT NULL DEFAULT 0,
  mute_notices BOOLEAN NOT NULL DEFAULT FALSE,
  mute_until BIGINT NOT NULL DEFAULT 0,
  note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (account_id, target_id)
);
CREATE INDEX relations_followers ON relations (target_id, follow, follow_id);
CREATE INDEX relations_news ON relations (target_id) WHERE notify;
CREATE INDEX relations_following ON relations (account_id, follow, follow_id);
CREATE INDEX relations_blocks ON relations (account_id, block_id) WHERE blocking;
CREATE INDEX relations_mutes ON relations (account_id, mute_id) WHERE muting;

-- A client may repeat a request whose answer it did not see.
CREATE TABLE idempotency_keys (
  account_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  post_id BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
);

-- Posts that were deleted: they answer 410 and never come back.
CREATE TABLE tombstones (
  uri TEXT PRIMARY KEY,
  deleted_at BIGINT NOT NULL
);
