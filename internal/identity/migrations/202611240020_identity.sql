-- +goose Up
CREATE TABLE logins (
  id BIGINT PRIMARY KEY,
  email TEXT NOT NULL,
  email_folded TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  member_id BIGINT NOT NULL DEFAULT 0,
  account_id BIGINT NOT NULL DEFAULT 0,
  language TEXT NOT NULL DEFAULT '',
  theme TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  closed_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX logins_account ON logins (account_id);
CREATE TABLE sessions (
  id BIGINT PRIMARY KEY,
  login_id BIGINT NOT NULL REFERENCES logins(id),
  secret_hash TEXT NOT NULL UNIQUE,
  agent TEXT NOT NULL,
  address TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_login ON sessions (login_id);
CREATE TABLE resets (
  secret_hash TEXT PRIMARY KEY,
  login_id BIGINT NOT NULL REFERENCES logins(id),
  expires_at BIGINT NOT NULL
);
CREATE TABLE apps (
  id BIGINT PRIMARY KEY,
  client_id TEXT NOT NULL UNIQUE,
  secret_hash TEXT NOT NULL,
  name TEXT NOT NULL,
  website TEXT NOT NULL,
  redirect_uris TEXT NOT NULL, -- one a line
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE TABLE codes (
  code_hash TEXT PRIMARY KEY,
  app_id BIGINT NOT NULL REFERENCES apps(id),
  login_id BIGINT NOT NULL REFERENCES logins(id),
  redirect_uri TEXT NOT NULL,
  scopes TEXT NOT NULL,
  challenge TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  used_token_id BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE tokens (
  id BIGINT PRIMARY KEY,
  token_hash TEXT NOT NULL UNIQUE,
  app_id BIGINT NOT NULL REFERENCES apps(id),
  login_id BIGINT NOT NULL, -- 0: the app itself (client_credentials)
  scopes TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  used_at BIGINT NOT NULL,
  revoked_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_login ON tokens (login_id);
