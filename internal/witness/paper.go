package witness

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

// After mostWrong wrong codes in a row a voter's code is not looked at for lockedFor.
const (
	mostWrong = 10
	lockedFor = time.Hour
)

// errLocked marks the refusal to look at a voter's code for a while.
var errLocked = errors.New("locked")

func locked(until time.Time) error {
	return errors.Join(fault.New(fault.Conflict, "Too many wrong witness codes were given for this voter. Another can be tried after %s.", until.UTC().Format("15:04 UTC")), errLocked)
}

// sign gives a voter the witness's half of a ballot paper, once, for their code: it signs what was blinded and
// ticks the register. The same blinded message again has the same answer.
func (s *Service) sign(ctx context.Context, vote id.ID, b papersBody) ([]byte, error) {
	v, err := s.Get(ctx, s.db, vote)
	if err != nil {
		return nil, err
	}
	l, err := s.maySign(ctx, s.db, &v, b.Voter)
	if err != nil {
		return nil, err
	}
	if !l.fits(v.ID, readCode(b.Code)) {
		return nil, s.wrong(ctx, &v, b.Voter)
	}
	asked := b.Blinded.String()
	if l.Taken {
		return l.answer(asked)
	}
	// Signing takes milliseconds: it is done before others have to wait for the transaction.
	signature, err := blindSign(&v, b.Blinded)
	if err != nil {
		return nil, err
	}
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, vote)
		if err := orNone(err, ok); err != nil {
			return err
		}
		l, err := s.maySign(ctx, tx, &v, b.Voter)
		if err != nil {
			return err
		}
		if l.Taken { // the same voter in another tab was faster
			signature, err = l.answer(asked)
			return err
		}
		if _, err := tick.Run(ctx, tx, v.ID, l.Voter, asked, base64.RawURLEncoding.EncodeToString(signature)); err != nil {
			return err
		}
		if _, err := addPaper.Run(ctx, tx, v.ID); err != nil {
			return err
		}
		return s.mailTaken(ctx, tx, &v, &l)
	})
	return signature, err
}

// maySign is the line of a voter, if papers are signed for them now.
func (s *Service) maySign(ctx context.Context, h db.Handle, v *Vote, voter id.ID) (line, error) {
	now := s.db.Now() // the lock may have been waited for: what counts is the time at which it was had
	switch {
	case v.OpenedAt.IsZero() && v.ClosedAt.IsZero():
		return line{}, fault.New(fault.Conflict, "This vote has not been opened here yet: no papers are signed.")
	case !v.Open(now):
		return line{}, fault.New(fault.Conflict, "This vote is closed: no papers are signed.")
	}
	l, ok, err := getLine.Find(ctx, h, v.ID, voter)
	switch {
	case err != nil:
		return l, err
	case !ok:
		return l, fault.New(fault.Forbidden, "This voter is not on the roll.")
	case now.Before(l.Locked):
		return l, locked(l.Locked)
	}
	return l, nil
}

// wrong counts a wrong code.
func (s *Service) wrong(ctx context.Context, v *Vote, voter id.ID) error {
	refusal := error(fault.New(fault.Forbidden, "This is not the witness code of this voter. It is in the letter from %s.", s.host))
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, v.ID)
		if err := orNone(err, ok); err != nil || !v.ClosedAt.IsZero() {
			return err
		}
		l, ok, err := getLine.Find(ctx, tx, v.ID, voter)
		if err != nil || !ok {
			return err
		}
		var until time.Time
		if l.Wrong++; l.Wrong >= mostWrong {
			l.Wrong, until = 0, tx.Now().Add(lockedFor)
			refusal = locked(until)
		}
		_, err = setWrong.Run(ctx, tx, v.ID, voter, l.Wrong, until)
		return err
	})
	if err != nil {
		return err
	}
	return refusal
}

func (l *line) answer(asked string) ([]byte, error) {
	if l.Blinded != asked {
		return nil, fault.New(fault.Conflict, "The witness has signed a paper for this voter already, and signs no other.")
	}
	return base64.RawURLEncoding.DecodeString(l.Signed)
}

func blindSign(v *Vote, blinded []byte) ([]byte, error) {
	der, err := base64.RawURLEncoding.DecodeString(v.Private)
	if err != nil {
		return nil, fmt.Errorf("read key of the papers: %w", err)
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

// Look says whether the paper of whoever holds a code was taken; ok is false where no voter has this code, and
// always after the close, when the codes are erased.
func (s *Service) Look(ctx context.Context, vote id.ID, code string) (name string, taken, ok bool, err error) {
	letters := readCode(code)
	if letters == "" {
		return "", false, false, nil
	}
	lines, err := listRegister.All(ctx, s.db, vote)
	for i := range lines {
		if lines[i].fits(vote, letters) {
			name, taken, ok = lines[i].Name, lines[i].Taken, true
		}
	}
	return name, taken, ok, err
}
