-- +goose Up
CREATE TABLE coop (
  id INTEGER PRIMARY KEY, -- one row
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  preset TEXT NOT NULL,
  joining TEXT NOT NULL, -- application, invitation, closed
  conduct TEXT NOT NULL, -- one rule a line
  contact TEXT NOT NULL,
  account_id BIGINT NOT NULL,
  founded_at BIGINT NOT NULL
);
CREATE TABLE founding_code (
  id INTEGER PRIMARY KEY,
  code_hash TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
