-- +goose Up
-- What entries are found by, taken out of the hashed body; verifying compares them with it.
ALTER TABLE record_events ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE record_events ADD COLUMN member TEXT NOT NULL DEFAULT '';
ALTER TABLE record_events ADD COLUMN authority TEXT NOT NULL DEFAULT '';
UPDATE record_events SET subject = COALESCE(CAST(body AS JSONB) ->> 'subject', ''), member = COALESCE(CAST(body AS JSONB) ->> 'member', ''),
  authority = COALESCE(CAST(body AS JSONB) ->> 'authority', '');
CREATE INDEX record_events_subject ON record_events (subject, seq);
CREATE INDEX record_events_member ON record_events (member, seq);
CREATE INDEX record_events_authority ON record_events (authority, seq);
