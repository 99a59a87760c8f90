-- +goose Up
CREATE TABLE members (
  id BIGINT PRIMARY KEY,
  number BIGINT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  username TEXT NOT NULL,
  login_id BIGINT NOT NULL DEFAULT 0,
  account_id BIGINT NOT NULL DEFAULT 0,
  invited_by BIGINT NOT NULL DEFAULT 0,
  since_at BIGINT NOT NULL,
  until_at BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE applications (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL,
  username TEXT NOT NULL,
  email TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  answer TEXT NOT NULL,
  state TEXT NOT NULL, -- waiting, accepted, declined
  pending_username TEXT UNIQUE, -- set while waiting: nobody else can ask for the name
  pending_email TEXT UNIQUE,
  reason TEXT NOT NULL DEFAULT '',
  decided_by BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  decided_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX applications_state ON applications (state, id);
CREATE TABLE invitations (
  id BIGINT PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  member_id BIGINT NOT NULL REFERENCES members(id),
  note TEXT NOT NULL DEFAULT '',
  uses INTEGER NOT NULL DEFAULT 0,
  max_uses INTEGER NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  withdrawn_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX invitations_member ON invitations (member_id, id);
