-- +goose Up
ALTER TABLE members ADD COLUMN ended TEXT NOT NULL DEFAULT ''; -- resigned, lapsed, expelled, died; '' while a member
ALTER TABLE members ADD COLUMN suspended_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN suspended_until BIGINT NOT NULL DEFAULT 0; -- 0: until it is lifted
ALTER TABLE members ADD COLUMN founder BOOLEAN NOT NULL DEFAULT FALSE; -- put on the register by the genesis
ALTER TABLE members ADD COLUMN version BIGINT NOT NULL DEFAULT 1; -- the seq of the last fact
ALTER TABLE members ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0; -- when it happened
ALTER TABLE members ADD COLUMN erased_at BIGINT NOT NULL DEFAULT 0; -- the personal data is gone
UPDATE members SET changed_at = since_at, founder = (number = 1);
CREATE INDEX members_login ON members (login_id);
CREATE INDEX members_username ON members (username);

-- What happened to each membership, in order: the past is answered from here.
CREATE TABLE member_facts (
  member_id BIGINT NOT NULL REFERENCES members(id),
  seq BIGINT NOT NULL,
  kind TEXT NOT NULL, -- joined, ended, reinstated, suspended, restored
  at BIGINT NOT NULL, -- never before that of the fact before
  until_at BIGINT NOT NULL DEFAULT 0, -- of a suspension that ends by itself
  how TEXT NOT NULL DEFAULT '', -- of an end
  PRIMARY KEY (member_id, seq)
);
INSERT INTO member_facts (member_id, seq, kind, at) SELECT id, 1, 'joined', since_at FROM members;

CREATE TABLE application_questions (
  id BIGINT PRIMARY KEY,
  place INTEGER NOT NULL UNIQUE,
  question TEXT NOT NULL
);
ALTER TABLE applications ADD COLUMN answers TEXT NOT NULL DEFAULT ''; -- JSON list of questions and answers
ALTER TABLE applications ADD COLUMN member_id BIGINT NOT NULL DEFAULT 0; -- who came of it
UPDATE applications SET member_id = COALESCE((SELECT MIN(m.id) FROM members m WHERE m.username = applications.username), 0) WHERE state = 'accepted';
CREATE INDEX applications_member ON applications (member_id);
