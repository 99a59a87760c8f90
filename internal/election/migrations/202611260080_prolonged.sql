-- +goose Up
-- The calendar extends nominations once; a returning officer may prolong them once, and the vote once.
ALTER TABLE elections ADD COLUMN prolonged BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE elections ADD COLUMN prolonged_vote BOOLEAN NOT NULL DEFAULT FALSE;
-- JSON: seats that fell vacant while another election for their office was under way.
ALTER TABLE elections ADD COLUMN vacancies TEXT NOT NULL DEFAULT '';
