-- +goose Up
ALTER TABLE decisions ADD COLUMN secret TEXT NOT NULL DEFAULT ''; -- the rule asks for a secret ballot: "secret", or why it is by name all the same
