-- +goose Up
CREATE TABLE webhooks (
  id BIGINT PRIMARY KEY,
  url TEXT NOT NULL, -- may hold a secret of the receiver's: for holders of the power only
  secret TEXT NOT NULL,
  events TEXT NOT NULL, -- JSON list
  created_by BIGINT NOT NULL, -- the member, 0 if none
  created_at BIGINT NOT NULL,
  disabled_at BIGINT NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0, -- in a row
  failing_since BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE webhook_deliveries (
  id BIGINT PRIMARY KEY,
  webhook_id BIGINT NOT NULL REFERENCES webhooks(id) ON DELETE CASCADE,
  event TEXT NOT NULL,
  body TEXT NOT NULL, -- the same bytes at every try
  created_at BIGINT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  tried_at BIGINT NOT NULL DEFAULT 0,
  status INTEGER NOT NULL DEFAULT 0, -- of the last answer, 0 if there was none
  problem TEXT NOT NULL DEFAULT '',
  done_at BIGINT NOT NULL DEFAULT 0 -- delivered, or given up if there is a problem
);
CREATE INDEX webhook_deliveries_hook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);
