-- +goose Up
CREATE TABLE decisions (
  id BIGINT PRIMARY KEY,
  number BIGINT NOT NULL UNIQUE,
  body_id BIGINT NOT NULL,
  mover_id BIGINT NOT NULL,       -- 0: a rule, by itself
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  text_version INTEGER NOT NULL DEFAULT 1,
  method TEXT NOT NULL,
  settings TEXT NOT NULL,         -- JSON: options, ranges
  petition BOOLEAN NOT NULL DEFAULT FALSE,
  urgent TEXT NOT NULL DEFAULT '', -- why it is urgent
  state TEXT NOT NULL,
  outcome TEXT NOT NULL DEFAULT '',
  execution TEXT NOT NULL DEFAULT '', -- done, stale, failed
  cause TEXT NOT NULL DEFAULT '',
  rule_id BIGINT NOT NULL DEFAULT 0, -- frozen at the call
  again BOOLEAN NOT NULL DEFAULT FALSE, -- a second call after one without a quorum
  roll_size INTEGER NOT NULL DEFAULT 0,
  quorum_base INTEGER NOT NULL DEFAULT 0,
  roll_hash TEXT NOT NULL DEFAULT '',
  votes_count INTEGER NOT NULL DEFAULT 0,
  result TEXT NOT NULL DEFAULT '',  -- JSON of the count
  statement TEXT NOT NULL DEFAULT '', -- the outcome in the mover's words
  origin_kind TEXT NOT NULL DEFAULT '', -- reopens, called in, ratifies, second call, rescinds
  origin_id BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  published_at BIGINT NOT NULL DEFAULT 0,
  called_at BIGINT NOT NULL DEFAULT 0,
  opens_at BIGINT NOT NULL DEFAULT 0,
  closes_at BIGINT NOT NULL DEFAULT 0,
  counted_at BIGINT NOT NULL DEFAULT 0,
  window_ends_at BIGINT NOT NULL DEFAULT 0,
  in_force_at BIGINT NOT NULL DEFAULT 0,
  review_at BIGINT NOT NULL DEFAULT 0,
  reviewed_at BIGINT NOT NULL DEFAULT 0,
  reminded_at BIGINT NOT NULL DEFAULT 0,
  due_at BIGINT NOT NULL DEFAULT 0, -- when something next happens by itself
  revision INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX decisions_state ON decisions (state, number);
CREATE INDEX decisions_body ON decisions (body_id, number);
CREATE INDEX decisions_due ON decisions (due_at) WHERE due_at > 0;
CREATE INDEX decisions_origin ON decisions (origin_id) WHERE origin_id > 0;
CREATE TABLE decision_effects (
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  position INTEGER NOT NULL,
  option INTEGER NOT NULL DEFAULT -1, -- the alternative it belongs to; -1: the motion
  kind TEXT NOT NULL,
  args TEXT NOT NULL,
  base TEXT NOT NULL DEFAULT '',
  change TEXT NOT NULL DEFAULT '', -- what it changes, in words, as shown to the voters
  inverse TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (decision_id, position)
);
CREATE TABLE decision_texts (
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  version INTEGER NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  member_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (decision_id, version)
);
CREATE TABLE decision_collaborators (
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  member_id BIGINT NOT NULL,
  PRIMARY KEY (decision_id, member_id)
);
CREATE TABLE decision_roll (
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  member_id BIGINT NOT NULL,
  PRIMARY KEY (decision_id, member_id)
);
CREATE INDEX decision_roll_member ON decision_roll (member_id, decision_id);
CREATE TABLE decision_votes (
  id BIGINT PRIMARY KEY,
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  member_id BIGINT NOT NULL,
  choice TEXT NOT NULL, -- JSON
  reason TEXT NOT NULL,
  salt TEXT NOT NULL,
  digest TEXT NOT NULL,
  version INTEGER NOT NULL,
  at BIGINT NOT NULL,
  UNIQUE (decision_id, member_id)
);
CREATE INDEX decision_votes_member ON decision_votes (member_id, at);
CREATE TABLE decision_supports (
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  member_id BIGINT NOT NULL,
  kind TEXT NOT NULL, -- second, petition, call in
  reason TEXT NOT NULL DEFAULT '',
  at BIGINT NOT NULL,
  PRIMARY KEY (decision_id, kind, member_id)
);
CREATE TABLE decision_amendments (
  id BIGINT PRIMARY KEY,
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  member_id BIGINT NOT NULL,
  base INTEGER NOT NULL, -- version of the text it amends
  text TEXT NOT NULL,    -- the whole text as it would be
  reason TEXT NOT NULL,
  state TEXT NOT NULL,   -- open, accepted, declined, withdrawn
  answer TEXT NOT NULL DEFAULT '',
  at BIGINT NOT NULL,
  answered_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX decision_amendments_decision ON decision_amendments (decision_id, id);
CREATE TABLE decision_comments (
  id BIGINT PRIMARY KEY,
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  parent_id BIGINT NOT NULL DEFAULT 0,
  member_id BIGINT NOT NULL,
  text TEXT NOT NULL,
  at BIGINT NOT NULL,
  edited_at BIGINT NOT NULL DEFAULT 0,
  deleted_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX decision_comments_decision ON decision_comments (decision_id, id);
CREATE TABLE decision_reactions (
  comment_id BIGINT NOT NULL REFERENCES decision_comments(id),
  member_id BIGINT NOT NULL,
  emoji TEXT NOT NULL,
  PRIMARY KEY (comment_id, member_id, emoji)
);
-- The posts in which the co-op's or the body's account told of a motion: replies to them are discussion.
CREATE TABLE decision_posts (
  decision_id BIGINT NOT NULL REFERENCES decisions(id),
  post_id BIGINT NOT NULL,
  PRIMARY KEY (decision_id, post_id)
);
