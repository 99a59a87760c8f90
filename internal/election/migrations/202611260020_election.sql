-- +goose Up
CREATE TABLE elections (
  id BIGINT PRIMARY KEY,
  number BIGINT NOT NULL UNIQUE,
  kind TEXT NOT NULL,              -- office, panel, budget
  body_id BIGINT NOT NULL,
  voters_id BIGINT NOT NULL,
  title TEXT NOT NULL,
  text TEXT NOT NULL,
  plan TEXT NOT NULL,              -- JSON: office, seats, powers, term; or a sum
  rule_id BIGINT NOT NULL,
  rules TEXT NOT NULL,             -- JSON: how it is held, frozen at the announcement
  waiting_days INTEGER NOT NULL,
  mode TEXT NOT NULL,              -- secret, by name
  mode_reason TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL,
  cause TEXT NOT NULL DEFAULT '',
  extended BOOLEAN NOT NULL DEFAULT FALSE,
  origin_kind TEXT NOT NULL,       -- decision, mandate, vacancy
  origin_id BIGINT NOT NULL,
  announced_at BIGINT NOT NULL,
  final_at BIGINT NOT NULL,
  opens_at BIGINT NOT NULL,
  closes_at BIGINT NOT NULL,
  counted_at BIGINT NOT NULL DEFAULT 0,
  accept_by BIGINT NOT NULL DEFAULT 0,
  reminded_at BIGINT NOT NULL DEFAULT 0,
  due_at BIGINT NOT NULL DEFAULT 0,
  roll_size INTEGER NOT NULL DEFAULT 0,
  roll_hash TEXT NOT NULL DEFAULT '',
  result TEXT NOT NULL DEFAULT '', -- JSON of the count
  revision INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX elections_state ON elections (state, number);
CREATE INDEX elections_body ON elections (body_id, number);
CREATE INDEX elections_due ON elections (due_at) WHERE due_at > 0;
CREATE TABLE election_candidates (
  id BIGINT PRIMARY KEY,
  election_id BIGINT NOT NULL REFERENCES elections(id),
  member_id BIGINT NOT NULL,
  nominated_by BIGINT NOT NULL,
  title TEXT NOT NULL,
  cost BIGINT NOT NULL,
  statement TEXT NOT NULL,
  affiliation TEXT NOT NULL,
  reserved TEXT NOT NULL,
  state TEXT NOT NULL,
  cause TEXT NOT NULL DEFAULT '',
  at BIGINT NOT NULL,
  place INTEGER NOT NULL DEFAULT 0,
  mandate BIGINT NOT NULL DEFAULT 0,
  vacated BOOLEAN NOT NULL DEFAULT FALSE,
  ballot_name TEXT NOT NULL DEFAULT ''
);
CREATE INDEX election_candidates_election ON election_candidates (election_id, id);
CREATE INDEX election_candidates_member ON election_candidates (member_id, state);
CREATE TABLE election_names (
  candidate_id BIGINT NOT NULL REFERENCES election_candidates(id),
  member_id BIGINT NOT NULL,
  purpose TEXT NOT NULL, -- endorse, object
  at BIGINT NOT NULL,
  PRIMARY KEY (candidate_id, purpose, member_id)
);
CREATE TABLE election_questions (
  id BIGINT PRIMARY KEY,
  election_id BIGINT NOT NULL REFERENCES elections(id),
  member_id BIGINT NOT NULL,
  text TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX election_questions_election ON election_questions (election_id, id);
CREATE TABLE election_replies (
  question_id BIGINT NOT NULL REFERENCES election_questions(id),
  candidate_id BIGINT NOT NULL REFERENCES election_candidates(id),
  text TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (question_id, candidate_id)
);
CREATE TABLE election_observers (
  election_id BIGINT NOT NULL REFERENCES elections(id),
  member_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (election_id, member_id)
);
-- Of elections by name only: the roll of a secret ballot is its marked register.
CREATE TABLE election_roll (
  election_id BIGINT NOT NULL REFERENCES elections(id),
  member_id BIGINT NOT NULL,
  PRIMARY KEY (election_id, member_id)
);
CREATE INDEX election_roll_member ON election_roll (member_id, election_id);
CREATE TABLE election_votes (
  id BIGINT PRIMARY KEY,
  election_id BIGINT NOT NULL REFERENCES elections(id),
  member_id BIGINT NOT NULL,
  choice TEXT NOT NULL,
  reason TEXT NOT NULL,
  salt TEXT NOT NULL,
  version INTEGER NOT NULL,
  at BIGINT NOT NULL,
  UNIQUE (election_id, member_id)
);
