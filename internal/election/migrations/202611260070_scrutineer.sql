-- +goose Up
-- Who offers to be a scrutineer, with the public key that ballots would be sealed to.
CREATE TABLE election_scrutineers (
  election_id BIGINT NOT NULL REFERENCES elections(id),
  member_id BIGINT NOT NULL,
  public_key TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (election_id, member_id)
);
