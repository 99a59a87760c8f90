-- +goose Up
-- Requests that came with an Idempotency-Key in the last day, and what they were answered.
CREATE TABLE coopapi_answers (
  member_id BIGINT NOT NULL,
  request_key TEXT NOT NULL,
  request TEXT NOT NULL, -- SHA-256 of method, address and body
  status INTEGER NOT NULL DEFAULT 0, -- 0: in hand, or ended without an answer
  location TEXT NOT NULL DEFAULT '',
  body TEXT NOT NULL DEFAULT '',
  begun_at BIGINT NOT NULL,
  PRIMARY KEY (member_id, request_key)
);
CREATE INDEX coopapi_answers_begun ON coopapi_answers (begun_at);
