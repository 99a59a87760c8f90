package ballot

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

// Receipt says that a ballot is in the box, signed by the vote's receipt key.
type Receipt struct {
	Ballot    ballotbox.Hash   `json:"ballot"`
	Signature ballotbox.Base64 `json:"receipt"`
}

// Cast puts a ballot into the box, or replaces the one that the same paper cast before. It takes no actor:
// the paper is what entitles. It is in before the close, with the receipt, or refused.
func (s *Service) Cast(ctx context.Context, vote id.ID, b ballotbox.Ballot) (Receipt, error) {
	v, err := s.Get(ctx, s.db, vote)
	if err != nil {
		return Receipt{}, err
	}
	q, err := v.Question()
	if err != nil {
		return Receipt{}, err
	}
	_, hash, err := q.CheckBallot(b)
	if err != nil {
		return Receipt{}, refused(err)
	}
	key := base64.RawURLEncoding.EncodeToString(b.Key)
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, vote)
		if err != nil || !ok {
			return orNone(err)
		}
		if !v.Open(s.db.Now()) {
			return fault.New(fault.Conflict, "This vote is closed: the ballot was not taken.")
		}
		old, again, err := getBallot.Find(ctx, tx, vote, key)
		if err != nil {
			return err
		}
		if again {
			return s.replace(ctx, tx, vote, key, old, b)
		}
		if v.Ballots >= v.Papers { // no honest server signed this paper
			return fault.New(fault.Conflict, "There are as many ballots in the box as papers were given out.")
		}
		if _, err := insertBallot.Run(ctx, tx, vote, key, string(b.JSON())); err != nil {
			return err
		}
		_, err = addBallot.Run(ctx, tx, vote)
		return err
	})
	if err != nil {
		return Receipt{}, err
	}
	question, err := q.Hash()
	if err != nil {
		return Receipt{}, err
	}
	seed, err := base64.RawURLEncoding.DecodeString(v.ReceiptKey)
	if err != nil || len(seed) != ed25519.SeedSize {
		return Receipt{}, fault.New(fault.Conflict, "The vote closed while the receipt was being signed; the ballot is in the box.")
	}
	return Receipt{Ballot: hash, Signature: ballotbox.SignReceipt(ed25519.NewKeyFromSeed(seed), question, hash)}, nil
}

func (s *Service) replace(ctx context.Context, tx *db.Tx, vote id.ID, key, old string, b ballotbox.Ballot) error {
	before, err := ballotbox.ParseBallot([]byte(old))
	if err != nil {
		return err
	}
	if b.Sequence == before.Sequence && string(b.JSON()) == old {
		return nil // sent twice
	}
	if b.Sequence <= before.Sequence {
		return fault.New(fault.Conflict, "A later ballot of this paper is in the box: the sequence must rise.")
	}
	_, err = updateBallot.Run(ctx, tx, vote, key, string(b.JSON()))
	return err
}

// refused says why a ballot cannot be taken, in words for who sent it.
func refused(err error) error {
	switch {
	case errors.Is(err, ballotbox.ErrWitness):
		return fault.New(fault.Forbidden, "The paper of this ballot was not signed by the witness.")
	case errors.Is(err, ballotbox.ErrPaper):
		return fault.New(fault.Forbidden, "The paper of this ballot was not signed for this vote.")
	case errors.Is(err, ballotbox.ErrSignature):
		return fault.New(fault.Forbidden, "The ballot is not signed by its own key.")
	case errors.Is(err, ballotbox.ErrChoice):
		return fault.Field("choice", "This is not a vote that can be cast here: %s", err)
	case errors.Is(err, ballotbox.ErrForm):
		return fault.New(fault.Invalid, "This is not a ballot of this vote: %s", err)
	}
	return err
}

// VoteFor votes for a member whose browser runs no script: the server itself takes the paper and casts the
// ballot, by the code that the member keeps. Nothing is stored that joins the two, but the server sees the
// choice in passing: the page says so. Sending it again with the same code replaces the ballot.
func (s *Service) VoteFor(ctx context.Context, by authz.Actor, vote id.ID, code ballotbox.Code, witnessCode string, c ballotbox.Choice) (Receipt, error) {
	v, err := s.Get(ctx, s.db, vote)
	if err != nil {
		return Receipt{}, err
	}
	q, err := v.Question()
	if err != nil {
		return Receipt{}, err
	}
	if err := q.CheckChoice(c); err != nil {
		return Receipt{}, fault.Field("choice", "This is not a vote that can be cast here: %s", err)
	}
	request, err := code.Blind(q)
	if err != nil {
		return Receipt{}, err
	}
	signature, witness, err := s.TakeWitnessed(ctx, by, vote, request.Blinded, witnessCode, request.Witness)
	if err != nil {
		return Receipt{}, err
	}
	paper, err := request.Finish(signature, witness)
	if err != nil {
		return Receipt{}, err
	}
	sequence, err := s.next(ctx, vote, code, q)
	if err != nil {
		return Receipt{}, err
	}
	b, err := code.Seal(q, paper, sequence, c)
	if err != nil {
		return Receipt{}, err
	}
	return s.Cast(ctx, vote, b)
}

// next is the sequence after that of the ballot a code has in the box.
func (s *Service) next(ctx context.Context, vote id.ID, code ballotbox.Code, q *ballotbox.Question) (uint64, error) {
	key, err := code.Key(q)
	if err != nil {
		return 0, err
	}
	return s.Sequence(ctx, vote, key)
}

// Sequence is the one that the next ballot of a key must have at the least: whoever holds the code asks with
// the key, which tells nothing to anybody else.
func (s *Service) Sequence(ctx context.Context, vote id.ID, key ballotbox.Base64) (uint64, error) {
	old, ok, err := getBallot.Find(ctx, s.db, vote, base64.RawURLEncoding.EncodeToString(key))
	if err != nil || !ok {
		return 1, err
	}
	b, err := ballotbox.ParseBallot([]byte(old))
	return b.Sequence + 1, err
}

func (s *Service) box(ctx context.Context, h db.Handle, vote id.ID) ([]ballotbox.Ballot, error) {
	rows, err := listBallots.All(ctx, h, vote)
	if err != nil {
		return nil, err
	}
	ballots := make([]ballotbox.Ballot, len(rows))
	for i, r := range rows {
		if err := json.Unmarshal([]byte(r), &ballots[i]); err != nil { // verify must be able to name a damaged one
			ballots[i] = ballotbox.Ballot{Choice: r}
		}
	}
	return ballots, nil
}

func (s *Service) boxHashes(ctx context.Context, h db.Handle, v *Vote) ([]ballotbox.Hash, error) {
	ballots, err := s.box(ctx, h, v.ID)
	if err != nil {
		return nil, err
	}
	question, err := ballotbox.ParseHash(v.Hash)
	if err != nil {
		return nil, err
	}
	out := make([]ballotbox.Hash, len(ballots))
	for i := range ballots {
		out[i] = ballots[i].Hash(question)
	}
	slices.SortFunc(out, func(a, b ballotbox.Hash) int { return slices.Compare(a[:], b[:]) })
	return out, nil
}

// stir writes the rows of a vote anew, sorted, where the database keeps them in the order in which they came
// and marks each with its transaction: PostgreSQL. SQLite keeps them sorted by their keys from the first.
func (s *Service) stir(ctx context.Context, tx *db.Tx, vote id.ID) error {
	if tx.Dialect() != db.Postgres {
		return nil
	}
	if _, err := stirBox.Run(ctx, tx, vote); err != nil {
		return err
	}
	_, err := stirRegister.Run(ctx, tx, vote)
	return err
}

// Stir does so for all open votes. A job runs it every minute, so that a copy of the database shows the order
// of no more than the last minute's papers and ballots.
func (s *Service) Stir(ctx context.Context) error {
	if s.db.Dialect() != db.Postgres {
		return nil
	}
	open, err := listOpen.All(ctx, s.db)
	if err != nil {
		return err
	}
	for _, vote := range open {
		if err := s.db.InTx(ctx, func(tx *db.Tx) error {
			if _, _, err := lockVote.Find(ctx, tx, vote); err != nil {
				return err
			}
			return s.stir(ctx, tx, vote)
		}); err != nil {
			return err
		}
	}
	return nil
}
