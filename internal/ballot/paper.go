package ballot

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

// Take gives the actor a ballot paper: it signs what the voter's browser blinded, once, and ticks the marked
// register. Members on the roll may, while the vote is open. Asking again with the same blinded message (the
// voter has the code still) gives the same answer; another one is refused, for a voter has one paper.
func (s *Service) Take(ctx context.Context, by authz.Actor, vote id.ID, blinded []byte) (signature []byte, err error) {
	if by.Member == 0 {
		return nil, fault.New(fault.Forbidden, "Members can vote.")
	}
	v, err := s.Get(ctx, s.db, vote)
	if err != nil {
		return nil, err
	}
	entry, err := s.mayTake(ctx, s.db, &v, by.Member)
	if err != nil {
		return nil, err
	}
	asked := base64.RawURLEncoding.EncodeToString(blinded)
	if entry.Taken {
		return entry.answer(asked)
	}
	// Signing takes milliseconds: it is done before others have to wait for the transaction.
	if signature, err = s.sign(&v, blinded); err != nil {
		return nil, err
	}
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, vote)
		if err != nil || !ok {
			return orNone(err)
		}
		entry, err := s.mayTake(ctx, tx, &v, by.Member)
		if err != nil {
			return err
		}
		if entry.Taken { // another tab was faster
			signature, err = entry.answer(asked)
			return err
		}
		if _, err := tick.Run(ctx, tx, vote, by.Member, asked, base64.RawURLEncoding.EncodeToString(signature)); err != nil {
			return err
		}
		if _, err := addPaper.Run(ctx, tx, vote); err != nil {
			return err
		}
		return s.Taken.Emit(ctx, tx, Taken{Vote: v, Member: by.Member})
	})
	return signature, err
}

func (s *Service) sign(v *Vote, blinded []byte) ([]byte, error) {
	der, err := base64.RawURLEncoding.DecodeString(v.Key)
	if err != nil {
		return nil, err
	}
	signer, err := ballotbox.ParseSigner(der)
	if err != nil {
		return nil, err
	}
	signature, err := signer.BlindSign(rand.Reader, blinded)
	if err != nil {
		return nil, fault.Field("blinded", "This is not a blinded ballot paper of this vote.")
	}
	return signature, nil
}

// mayTake is the entry of a member in the marked register, if papers are given out now.
func (s *Service) mayTake(ctx context.Context, h db.Handle, v *Vote, member id.ID) (entry registered, err error) {
	if !v.Open(s.db.Now()) { // the lock may have been waited for: what counts is the time at which it was had
		return entry, fault.New(fault.Conflict, "This vote is not open: no papers are given out.")
	}
	entry, ok, err := getEntry.Find(ctx, h, v.ID, member)
	if err == nil && !ok {
		err = fault.New(fault.Forbidden, "You are not on the roll of this vote: it was fixed when voting opened.")
	}
	return entry, err
}

// registered is a line of the marked register. What was signed stays until the close, so that a member
// who comes back with the code has the paper again; it is blind, and says nothing of the ballot.
type registered struct {
	Member  id.ID  `db:"member_id"`
	Taken   bool   `db:"taken"`
	Blinded string `db:"blinded"`
	Signed  string `db:"signed"`
}

func (r *registered) answer(asked string) ([]byte, error) {
	if r.Blinded != asked {
		return nil, errTaken
	}
	return base64.RawURLEncoding.DecodeString(r.Signed)
}

var errTaken = fault.New(fault.Conflict, "You have taken your ballot paper already. With the code you were given you can use it again; without the code it is spoilt, and nobody can give you another.")

// TakeWitnessed is Take for a vote with a witness: code is what the voter has from there, and forWitness what
// their browser blinded for it. The witness is asked first, so that a mistyped code ticks nothing here; but not
// for who has another paper already.
func (s *Service) TakeWitnessed(ctx context.Context, by authz.Actor, vote id.ID, blinded []byte, code string, forWitness []byte) (signature, witness []byte, err error) {
	v, err := s.Get(ctx, s.db, vote)
	if err != nil {
		return nil, nil, err
	}
	q, err := v.Question()
	if err != nil {
		return nil, nil, err
	}
	switch {
	case q.Witness == nil && len(forWitness) == 0:
		signature, err = s.Take(ctx, by, vote, blinded)
		return signature, nil, err
	case q.Witness == nil:
		return nil, nil, fault.Field("witness_blinded", "This vote has no witness.")
	case len(forWitness) == 0:
		return nil, nil, fault.Field("witness_blinded", "This vote has a witness, who signs ballot papers too.")
	case code == "":
		return nil, nil, fault.Field("witness_code", "Type the code that you have from the witness, %s.", q.Witness.Host)
	case s.Countersign == nil:
		return nil, nil, fault.New(fault.Conflict, "The witness cannot be reached from here.")
	}
	if by.Member == 0 {
		return nil, nil, fault.New(fault.Forbidden, "Members can vote.")
	}
	entry, err := s.mayTake(ctx, s.db, &v, by.Member)
	if err == nil && entry.Taken {
		_, err = entry.answer(base64.RawURLEncoding.EncodeToString(blinded))
	}
	if err != nil {
		return nil, nil, err
	}
	if witness, err = s.Countersign(ctx, v.Subject(), by.Member, code, forWitness); err != nil {
		return nil, nil, err
	}
	signature, err = s.Take(ctx, by, vote, blinded)
	return signature, witness, err
}

// Tick is a line of the marked register as members see it.
type Tick struct {
	Member id.ID `db:"member_id"`
	Taken  bool  `db:"taken"`
}

// Register is the marked register: who may vote, and who has taken a paper. It is for members, as at a
// polling station.
func (s *Service) Register(ctx context.Context, by authz.Actor, vote id.ID) ([]Tick, error) {
	if by.Member == 0 {
		return nil, fault.New(fault.Forbidden, "The marked register is for members to see.")
	}
	return listTicks.All(ctx, s.db, vote)
}

// Entry tells whether the actor is on the roll of a vote and has taken a paper.
func (s *Service) Entry(ctx context.Context, by authz.Actor, vote id.ID) (onRoll, taken bool, err error) {
	if by.Member == 0 {
		return false, false, nil
	}
	e, ok, err := getEntry.Find(ctx, s.db, vote, by.Member)
	return ok, e.Taken, err
}

// OnRoll lists who may vote.
func (s *Service) OnRoll(ctx context.Context, h db.Handle, vote id.ID) ([]id.ID, error) {
	return listRoll.All(ctx, h, vote)
}

// Untaken lists those on the roll who have not taken a paper, for reminders.
func (s *Service) Untaken(ctx context.Context, h db.Handle, vote id.ID) ([]id.ID, error) {
	return listUntaken.All(ctx, h, vote)
}

func orNone(err error) error {
	if err != nil {
		return err
	}
	return errNone
}
