-- +goose Up
ALTER TABLE ballot_votes ADD COLUMN seed TEXT NOT NULL DEFAULT '';          -- of the lots, once it is counted
ALTER TABLE ballot_votes ADD COLUMN voided BOOLEAN NOT NULL DEFAULT FALSE;  -- called off: the ballots were destroyed
-- Whom the ballots of a vote are sealed to. The private keys are revealed after the close, for everybody.
CREATE TABLE ballot_scrutineers (
  vote_id BIGINT NOT NULL REFERENCES ballot_votes(id),
  place INTEGER NOT NULL,
  member_id BIGINT NOT NULL,
  private_key TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (vote_id, place)
);
CREATE INDEX ballot_scrutineers_member ON ballot_scrutineers (member_id, vote_id);
