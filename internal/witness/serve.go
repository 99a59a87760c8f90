package witness

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/record"
)

// Vote is a secret vote of another co-op that we witness.
type Vote struct {
	ID          id.ID     `db:"id"`
	Agreement   id.ID     `db:"agreement_id"`
	Host        string    `db:"host"`
	Name        string    `db:"vote"` // theirs: "election:123"
	Title       string    `db:"title"`
	URL         string    `db:"url"`
	Private     string    `db:"private_key"`
	Public      string    `db:"public_key"` // SPKI, base64url
	Roll        int       `db:"roll"`
	Papers      int       `db:"papers"`
	Question    string    `db:"question"` // hash
	FirstCloses time.Time `db:"first_closes"`
	ClosesAt    time.Time `db:"closes_at"`
	TakenAt     time.Time `db:"taken_at"`
	OpenedAt    time.Time `db:"opened_at"`
	ClosedAt    time.Time `db:"closed_at"`
	File        string    `db:"file"`
	FoundJSON   string    `db:"found"`
}

// Open reports whether papers are signed at an instant.
func (v *Vote) Open(at time.Time) bool {
	return !v.OpenedAt.IsZero() && v.ClosedAt.IsZero() && at.Before(v.ClosesAt)
}

func (v *Vote) key() (ballotbox.Base64, error) {
	return base64.RawURLEncoding.DecodeString(v.Public)
}

// line is a line of the roll and marked register.
type line struct {
	Voter   id.ID     `db:"voter_id"`
	Name    string    `db:"name"`
	Mail    string    `db:"mail"`
	Hash    string    `db:"code_hash"`
	Taken   bool      `db:"taken"`
	Blinded string    `db:"blinded"`
	Signed  string    `db:"signed"`
	Wrong   int       `db:"wrong"`
	Locked  time.Time `db:"locked_until"`
	Letter  time.Time `db:"lettered_at"`
}

// voteState is what the record carries of a vote. While it is open it says nothing that changes with a paper.
type voteState struct {
	Coop     string     `json:"coop"`
	Vote     string     `json:"vote"`
	Question string     `json:"question"` // hash
	Key      string     `json:"key"`
	Roll     int        `json:"roll"`
	RollHash string     `json:"roll_hash"`
	Closed   *time.Time `json:"closed,omitempty"`
	Papers   int        `json:"papers,omitempty"`
}

// stateOf reckons the state from the rows: a changed roll or tick must not fit, nor a key that is still there.
func (s *Service) stateOf(ctx context.Context, h db.Handle, v *Vote) (voteState, error) {
	lines, err := listRegister.All(ctx, h, v.ID)
	out := voteState{Coop: v.Host, Vote: v.Name, Question: v.Question, Key: v.Public, Roll: len(lines), RollHash: ballotbox.RollHash(v.Name, voters(lines)).String()}
	if err != nil || v.ClosedAt.IsZero() {
		return out, err
	}
	at := v.ClosedAt
	out.Closed, out.Papers = &at, v.Papers
	taken, left := 0, v.Private != ""
	for _, l := range lines {
		if l.Taken {
			taken++
		}
		left = left || l.Mail != "" || l.Hash != "" || l.Blinded != "" || l.Signed != ""
	}
	if taken != v.Papers || left { // the number is known twice, and secrets are known to nobody
		out.Papers = -1
	}
	return out, nil
}

func voters(lines []line) []id.ID {
	out := make([]id.ID, len(lines))
	for i, l := range lines {
		out[i] = l.Voter
	}
	return out
}

// Get is one vote that we witness.
func (s *Service) Get(ctx context.Context, h db.Handle, vote id.ID) (Vote, error) {
	v, ok, err := getVote.Find(ctx, h, vote)
	return v, orNone(err, ok)
}

func orNone(err error, ok bool) error {
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no such vote here.")
	}
	return err
}

// takeOn begins to witness a vote of a co-op. The same vote with the same roll gives the same answer; until its
// question is known it may be given another close.
func (s *Service) takeOn(ctx context.Context, a *Agreement, b votesBody) (votesAnswer, error) {
	if err := b.check(s.base(a.Host), s.db.Now()); err != nil {
		return votesAnswer{}, err
	}
	if _, ok, err := findVote.Find(ctx, s.db, a.Host, b.Vote); err != nil {
		return votesAnswer{}, err
	} else if ok {
		return s.again(ctx, a, &b)
	}
	// It takes up to a second, and no transaction should.
	signer, err := ballotbox.GenerateKey()
	if err != nil {
		return votesAnswer{}, err
	}
	public, err := signer.PublicKey()
	if err != nil {
		return votesAnswer{}, err
	}
	private, err := signer.Marshal()
	if err != nil {
		return votesAnswer{}, err
	}
	roll, err := json.Marshal(b.Roll)
	if err != nil {
		return votesAnswer{}, fmt.Errorf("take on vote: %w", err)
	}
	var out votesAnswer
	there := false
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		if _, there, err = findVote.Find(ctx, tx, a.Host, b.Vote); err != nil || there {
			return err
		}
		if n, err := countOpen.One(ctx, tx, a.ID); err != nil {
			return err
		} else if n >= maxOpen {
			return fault.New(fault.Conflict, "We witness %d votes of this co-op already: one of them must close first.", n)
		}
		out = votesAnswer{ID: id.New(tx.Now()), Key: public}
		if _, err := insertVote.Run(ctx, tx, out.ID, a.ID, a.Host, b.Vote, b.Title, b.URL, base64.RawURLEncoding.EncodeToString(private), public.String(),
			len(b.Roll), b.Closes, tx.Now()); err != nil {
			return err
		}
		if _, err := insertRoll.Run(ctx, tx, out.ID, string(roll)); err != nil {
			return err
		}
		return s.Enqueue(ctx, tx, Letters, letters{Vote: out.ID})
	})
	if err == nil && there || errors.Is(err, db.ErrExists) { // the same request came twice at once
		return s.again(ctx, a, &b)
	}
	return out, err
}

// again answers for a vote that was taken on before.
func (s *Service) again(ctx context.Context, a *Agreement, b *votesBody) (out votesAnswer, err error) {
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := findVote.Find(ctx, tx, a.Host, b.Vote)
		if err == nil && ok {
			v, ok, err = lockVote.Find(ctx, tx, v.ID)
		}
		if err := orNone(err, ok); err != nil {
			return err
		}
		if !v.ClosedAt.IsZero() {
			return fault.New(fault.Conflict, "This vote is closed.")
		}
		lines, err := listRegister.All(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		same := len(lines) == len(b.Roll)
		for i := 0; same && i < len(lines); i++ { // a name may have been mended since
			same = lines[i].Voter == b.Roll[i].ID && lines[i].Mail == b.Roll[i].Mail
		}
		if !same {
			return fault.New(fault.Conflict, "This vote is witnessed with another roll.")
		}
		if out.Key, err = v.key(); err != nil {
			return err
		}
		out.ID = v.ID
		if !v.OpenedAt.IsZero() {
			return nil
		}
		_, err = moveVote.Run(ctx, tx, v.ID, b.Title, b.URL, b.Closes)
		return err
	})
	return out, err
}

// open fixes the question of a vote: from now on papers are signed.
func (s *Service) open(ctx context.Context, vote id.ID, question []byte) error {
	q, err := ballotbox.ParseQuestion(question)
	if err != nil {
		return fault.New(fault.Invalid, "This is not a question that can be voted on: %s", err)
	}
	hash, err := q.Hash()
	if err != nil {
		return err
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, vote)
		if err := orNone(err, ok); err != nil {
			return err
		}
		switch {
		case v.Question == hash.String():
			return nil
		case v.Question != "":
			return fault.New(fault.Conflict, "This vote has another question.")
		case !v.ClosedAt.IsZero() || !tx.Now().Before(v.ClosesAt):
			return fault.New(fault.Conflict, "This vote is closed.")
		}
		lines, err := listRegister.All(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		roll := ballotbox.RollHash(v.Name, voters(lines))
		if err := s.fits(&v, q, roll); err != nil {
			return err
		}
		v.Question, v.OpenedAt = hash.String(), tx.Now()
		if _, err := openVote.Run(ctx, tx, v.ID, v.Question, v.OpenedAt); err != nil {
			return err
		}
		state, err := s.stateOf(ctx, tx, &v)
		if err != nil {
			return err
		}
		_, err = s.record.Append(ctx, tx, record.Entry{Kind: "witness.opened", Subject: about(v.ID), Via: authz.Federation,
			Data: map[string]any{"coop": v.Host, "vote": v.Name, "question": v.Question, "key": v.Public, "roll": v.Roll, "roll_hash": roll}, State: state})
		return err
	})
}

// fits refuses a question that is not of this vote.
func (s *Service) fits(v *Vote, q *ballotbox.Question, roll ballotbox.Hash) error {
	switch {
	case q.Coop != v.Host:
		return fault.New(fault.Invalid, "The question is of the co-op %.253s, and the vote of %s.", q.Coop, v.Host)
	case q.Vote != v.Name:
		return fault.New(fault.Invalid, "The question is of the vote %s, and not of %s.", q.Vote, v.Name)
	case q.Roll != v.Roll || q.RollHash != roll:
		return fault.New(fault.Invalid, "The question has another roll than we were given.")
	case !q.Closes.Equal(v.FirstCloses):
		return fault.New(fault.Invalid, "The question closes at another time than we were told.")
	case q.Witness == nil || q.Witness.Host != s.host || q.Witness.Key.String() != v.Public:
		return fault.New(fault.Invalid, "The question does not name us and our key of this vote as its witness.")
	}
	return nil
}

// prolong moves the close, later only.
func (s *Service) prolong(ctx context.Context, vote id.ID, closes time.Time) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, vote)
		if err := orNone(err, ok); err != nil {
			return err
		}
		switch {
		case v.ClosesAt.Equal(closes):
			return nil
		case !v.ClosedAt.IsZero():
			return fault.New(fault.Conflict, "This vote is closed.")
		case closes.Before(v.ClosesAt):
			return fault.New(fault.Conflict, "The close of a vote can be moved to a later time only.")
		}
		if err := checkCloses(closes, tx.Now()); err != nil {
			return err
		}
		_, err = moveClose.Run(ctx, tx, vote, closes)
		return err
	})
}
