package decision

import (
	"context"
	"fmt"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/rulebook"
)

// openSecret opens the ballot of a motion whose rule asks for one. In a small electorate the vote is by name
// all the same, and the motion says why.
func (s *Service) openSecret(ctx context.Context, tx *db.Tx, m *Motion, r *rulebook.Rule, roll []id.ID) error {
	if m.Method != rulebook.Proposal {
		m.SecretWords = "Only proposals are decided by secret ballot."
		return nil
	}
	if tooFew := ballot.MayBeSecret(len(roll)); tooFew != nil {
		m.SecretWords = tooFew.Error()
		return nil //nolint:nilerr // it is why the vote is by name
	}
	quorum, base := r.Quorum, len(roll)
	if m.Again {
		quorum = r.AgainQuorum
	}
	if r.ActiveRoll { // who was active is not known of secret ballots: the quorum is of all who may vote
		m.QuorumBase = base
	}
	_, err := s.ballot.Start(ctx, tx, ballot.Opening{Subject: m.Ref(), Title: m.Title, Body: m.Text, Method: ballotbox.Vote, Rule: "majority/v1", Roll: roll, Closes: m.ClosesAt,
		Settings: ballotbox.Settings{Quorum: quorum, Threshold: r.Threshold, Strict: r.Strict, Block: r.Block, Override: r.Override}})
	if err != nil {
		return fmt.Errorf("open the secret ballot of motion %d: %w", m.Number, err)
	}
	m.SecretWords = secret
	return nil
}

// prepare makes the key of a secret ballot ahead of the transaction that opens it, which others wait for.
func (s *Service) prepare(ctx context.Context, motion id.ID) error {
	m, ok, err := getMotion.Find(ctx, s.db, motion)
	if err != nil || !ok {
		return err
	}
	rule, err := s.Rule(ctx, s.db, &m)
	if err != nil || !rule.Rule.Secret {
		return nil //nolint:nilerr // the call itself says what is wrong
	}
	return s.ballot.Prepare()
}

// counted is the result of an open vote, with the papers that the record publishes.
func (s *Service) counted(ctx context.Context, tx *db.Tx, m *Motion) (tally.Result, []paper, error) {
	if !m.Secret() {
		counting, err := s.Standing(ctx, tx, m)
		if err != nil {
			return tally.Result{}, nil, err
		}
		result, err := Count(counting)
		return result, counting.Papers, err
	}
	v, err := s.ballotOf(ctx, tx, m)
	if err != nil {
		return tally.Result{}, nil, err
	}
	result, err := s.ballot.Finish(ctx, tx, v.ID)
	if err != nil {
		return tally.Result{}, nil, err
	}
	m.Votes = v.Ballots
	_, err = setVotes.Run(ctx, tx, m.ID, m.Votes)
	return *result, nil, err // no motion is sealed
}

// ballotOf is the secret ballot of a motion that has one.
func (s *Service) ballotOf(ctx context.Context, h db.Handle, m *Motion) (ballot.Vote, error) {
	v, ok, err := s.ballot.Of(ctx, h, m.Ref())
	if err == nil && !ok {
		err = fmt.Errorf("motion %d is secret and has no ballot", m.Number)
	}
	return v, err
}

func (s *Service) extendSecret(ctx context.Context, tx *db.Tx, m *Motion) error {
	if !m.Secret() {
		return nil
	}
	v, err := s.ballotOf(ctx, tx, m)
	if err != nil {
		return err
	}
	return s.ballot.Extend(ctx, tx, v.ID, m.ClosesAt)
}

// endSecret ends the ballot of a motion that is withdrawn while it is open: its keys are erased, and what was
// cast is destroyed unread.
func (s *Service) endSecret(ctx context.Context, tx *db.Tx, m *Motion, from State) error {
	if !m.Secret() || from != Open {
		return nil
	}
	v, err := s.ballotOf(ctx, tx, m)
	if err != nil {
		return err
	}
	return s.ballot.Void(ctx, tx, v.ID)
}

// hasPaper reports whether the actor has taken the paper of a secret ballot.
func (s *Service) hasPaper(ctx context.Context, by authz.Actor, m *Motion) (bool, error) {
	v, err := s.ballotOf(ctx, s.db, m)
	if err != nil {
		return false, err
	}
	_, taken, err := s.ballot.Entry(ctx, by, v.ID)
	return taken, err
}

// unvoted are those on the roll who have not voted, or taken no paper.
func (s *Service) unvoted(ctx context.Context, h db.Handle, motion id.ID) ([]id.ID, error) {
	m, ok, err := getMotion.Find(ctx, h, motion)
	if err != nil || !ok {
		return nil, orNone(err)
	}
	if !m.Secret() {
		return listUnvoted.All(ctx, h, motion)
	}
	v, err := s.ballotOf(ctx, h, &m)
	if err != nil {
		return nil, err
	}
	return s.ballot.Untaken(ctx, h, v.ID)
}

// Turnout is how many votes are in: of a secret ballot the number of ballots in its box.
func (s *Service) Turnout(ctx context.Context, h db.Handle, m *Motion) (int, error) {
	if !m.Secret() || m.State != Open {
		return m.Votes, nil
	}
	v, err := s.ballotOf(ctx, h, m)
	return v.Ballots, err
}
