package ballot

import (
	"context"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/record"
)

// Finish closes a vote at the transaction's time: it erases the private keys and what was signed, puts the
// hashes of all ballots into the record, and counts them. Where they are sealed there is no result yet, and
// it returns nil: the scrutineers reveal their keys (Reveal), and Unseal counts.
func (s *Service) Finish(ctx context.Context, tx *db.Tx, vote id.ID) (*tally.Result, error) {
	v, err := s.shut(ctx, tx, vote, false)
	if err != nil {
		return nil, err
	}
	f, damaged, err := s.file(ctx, tx, &v)
	if err != nil {
		return nil, err
	}
	entries, err := f.Entries()
	if err != nil {
		return nil, err
	}
	data := map[string]any{"vote": v.Subject().String(), "papers": v.Papers, "ballots": entries, "keys": "erased"}
	if damaged > 0 {
		data["damaged"] = damaged
	}
	var result *tally.Result
	if f.Question.Scrutineers == nil {
		result = &f.Result
		if err := s.result(ctx, tx, &v, f); err != nil {
			return nil, err
		}
		data["seed"] = f.Seed
	}
	hashes, err := f.Hashes()
	if err != nil {
		return nil, err
	}
	return result, s.note(ctx, tx, &v, hashes, record.Entry{Kind: "ballot.closed", Via: authz.Job, Data: data})
}

// Void ends a vote that is called off, or whose ballots the scrutineers have not opened in time: the keys are
// erased, and the ballots are destroyed unread. Who has taken a paper stays on the marked register.
func (s *Service) Void(ctx context.Context, tx *db.Tx, vote id.ID) error {
	v, ok, err := lockVote.Find(ctx, tx, vote)
	if err != nil || !ok {
		return orNone(err)
	}
	if v.Sealed() {
		v.Voided = true
		_, err = voidVote.Run(ctx, tx, vote)
	} else {
		v, err = s.shut(ctx, tx, vote, true)
	}
	if err != nil {
		return err
	}
	if _, err := deleteBox.Run(ctx, tx, vote); err != nil {
		return err
	}
	return s.note(ctx, tx, &v, nil, record.Entry{Kind: "ballot.void", Via: authz.Job, Data: map[string]any{"vote": v.Subject().String(), "papers": v.Papers, "ballots": v.Ballots,
		"keys": "erased"}})
}

// shut ends the taking of papers and ballots.
func (s *Service) shut(ctx context.Context, tx *db.Tx, vote id.ID, void bool) (Vote, error) {
	v, ok, err := lockVote.Find(ctx, tx, vote)
	if err != nil || !ok {
		return v, orNone(err)
	}
	if !v.ClosedAt.IsZero() {
		return v, fault.New(fault.Conflict, "This vote is closed already.")
	}
	v.ClosedAt, v.Voided, v.Key, v.ReceiptKey = tx.Now(), void, "", ""
	if _, err := closeVote.Run(ctx, tx, vote, v.ClosedAt, void); err != nil {
		return v, err
	}
	if _, err := clearSigned.Run(ctx, tx, vote); err != nil {
		return v, err
	}
	return v, s.stir(ctx, tx, vote)
}

// result keeps what was counted.
func (s *Service) result(ctx context.Context, tx *db.Tx, v *Vote, f *ballotbox.File) error {
	v.ResultJSON, v.Seed = string(f.Result.JSON()), f.Seed.String()
	_, err := setResult.Run(ctx, tx, v.ID, v.ResultJSON, v.Seed)
	return err
}

// note appends an entry with the state that the vote is in; boxed are the hashes of the ballots that were in the
// box at the close.
func (s *Service) note(ctx context.Context, tx *db.Tx, v *Vote, boxed []ballotbox.Hash, entry record.Entry) error {
	roll, err := listRoll.All(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	scrutineers, err := listScrutineers.All(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	entry.Subject, entry.State = v.Ref(), v.state(roll, boxed, scrutineers)
	_, err = s.record.Append(ctx, tx, entry)
	return err
}

// recorded are the hashes of the ballots as the record had them at the close, not as they are now: what was
// changed since must not be made good by a later entry.
func (s *Service) recorded(ctx context.Context, vote id.ID) ([]ballotbox.Hash, error) {
	c, err := s.closing(ctx, vote)
	if err != nil {
		return nil, err
	}
	entries, err := c.Entries()
	if err != nil {
		return nil, err
	}
	out := make([]ballotbox.Hash, len(entries))
	for i, e := range entries {
		out[i] = e.Hash
	}
	return out, nil
}

// file is the published file of what is in the box. Ballots that no voter can have cast, because somebody
// was at the tables, are not counted and stay where they are: verify names them, and the vote closes.
func (s *Service) file(ctx context.Context, h db.Handle, v *Vote) (f *ballotbox.File, damaged int, err error) {
	q, err := v.Question()
	if err != nil {
		return nil, 0, err
	}
	all, err := s.box(ctx, h, v.ID)
	if err != nil {
		return nil, 0, err
	}
	good, err := q.Good(all)
	if err != nil {
		return nil, 0, err
	}
	scrutineers, err := listScrutineers.All(ctx, h, v.ID)
	if err != nil {
		return nil, 0, err
	}
	f, err = ballotbox.Publish(q, v.Papers, good, reveals(scrutineers))
	return f, len(all) - len(good), err
}
