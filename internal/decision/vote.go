package decision

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/rulebook"
)

// Vote is a member's vote on a motion: one each, the last one counts.
type Vote struct {
	ID         id.ID     `db:"id"`
	Decision   id.ID     `db:"decision_id"`
	Member     id.ID     `db:"member_id"`
	ChoiceJSON string    `db:"choice"`
	Reason     string    `db:"reason"`
	Salt       string    `db:"salt"`
	Digest     string    `db:"digest"`
	Version    int       `db:"version"`
	At         time.Time `db:"at"`
}

// Choice is what was voted.
func (v *Vote) Choice() Choice {
	var c Choice
	_ = json.Unmarshal([]byte(v.ChoiceJSON), &c) // written by us
	return c
}

// voteState is public: it commits to the vote without telling it, since results may be hidden until
// the close, and so that the reason can be erased.
type voteState struct {
	Decision id.ID  `json:"decision"`
	Member   id.ID  `json:"member"`
	Version  int    `json:"version"`
	Digest   string `json:"digest"`
}

// state takes the digest anew from what is kept, so that a changed vote does not fit.
func (v *Vote) state() voteState {
	return voteState{v.Decision, v.Member, v.Version, digest(v.Salt, v.ChoiceJSON)}
}

func digest(salt, choice string) string {
	h := sha256.Sum256([]byte(salt + "\n" + choice))
	return hex.EncodeToString(h[:])
}

// Receipt says that a vote is in.
type Receipt struct {
	Vote   Vote
	Seq    int64  // its entry in the record
	Digest string // what the record commits to
}

// Cast puts the actor's vote in, or changes it. Those on the roll may, from the opening until the
// close; one transaction decides whether a vote at the last instant is in or out.
func (s *Service) Cast(ctx context.Context, by authz.Actor, motion id.ID, c Choice, reason string) (Receipt, error) {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > 2000 {
		return Receipt{}, fault.Field("reason", "Please keep the reason to 2000 characters.")
	}
	if by.Member == 0 {
		return Receipt{}, fault.New(fault.Forbidden, "Members can vote.")
	}
	var out Receipt
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		m, ok, err := lockOpen.Find(ctx, tx, motion)
		if err != nil || !ok {
			return orNone(err)
		}
		if m.State == Draft {
			return errNone
		}
		// The lock may have been waited for: what counts is the time at which it was had.
		if m.State != Open || !s.db.Now().Before(m.ClosesAt) {
			return fault.New(fault.Conflict, "Voting on this motion is not open.")
		}
		if m.Secret() {
			return fault.New(fault.Conflict, "This is a secret ballot: take your ballot paper and cast it without your name.")
		}
		if n, err := onRoll.One(ctx, tx, motion, by.Member); err != nil || n == 0 {
			if err == nil {
				err = fault.New(fault.Forbidden, "You are not on the roll of this vote: it was fixed when voting opened.")
			}
			return err
		}
		rule, err := s.rules.Get(ctx, tx, m.RuleID)
		if err != nil {
			return err
		}
		old, again, err := getVote.Find(ctx, tx, motion, by.Member)
		if err != nil {
			return err
		}
		var before *Choice
		if again {
			x := old.Choice()
			before = &x
		}
		if err := c.check(&m, &rule.Rule, before); err != nil {
			return err
		}
		if c.NeedsReason() && reason == "" {
			return fault.Field("reason", "Please give the reason, so that others can answer it.")
		}
		out, err = s.cast(ctx, tx, by, &m, old, again, c, reason)
		return err
	})
	return out, err
}

func (s *Service) cast(ctx context.Context, tx *db.Tx, by authz.Actor, m *Motion, old Vote, again bool, c Choice, reason string) (Receipt, error) {
	text, err := c.marshal()
	if err != nil {
		return Receipt{}, err
	}
	v := Vote{ID: old.ID, Decision: m.ID, Member: by.Member, ChoiceJSON: text, Reason: reason, Salt: rand.Text(), Version: old.Version + 1, At: tx.Now()}
	v.Digest = digest(v.Salt, text)
	if again {
		_, err = updateVote.Run(ctx, tx, v.ID, v.ChoiceJSON, v.Reason, v.Salt, v.Digest, v.Version, v.At)
	} else {
		v.ID = id.New(tx.Now())
		if _, err = insertVote.Run(ctx, tx, v.ID, v.Decision, v.Member, v.ChoiceJSON, v.Reason, v.Salt, v.Digest, v.Version, v.At); err == nil {
			_, err = addVote.Run(ctx, tx, m.ID)
		}
	}
	if err != nil {
		return Receipt{}, err
	}
	e := entry("voted", by)
	e.Subject, e.State = ref.Ref{Kind: "vote", ID: v.ID}, v.state()
	e.Data = map[string]any{"decision": m.ID, "version": v.Version}
	e.Private = map[string]string{"choice": text, "reason": reason}
	ev, err := s.record.Append(ctx, tx, e)
	return Receipt{v, ev.Seq, v.Digest}, err
}

// Seen is what a reader may see of the votes.
type Seen struct {
	Results bool // whether numbers may be shown now
	Names   bool // whether who voted what may be shown: to members, once results are
	Mine    *Vote
	OnRoll  bool
}

// Sees tells what the actor may see of a motion's votes now.
func (s *Service) Sees(ctx context.Context, by authz.Actor, m *Motion) (Seen, error) {
	var out Seen
	if by.Member != 0 {
		v, ok, err := getVote.Find(ctx, s.db, m.ID, by.Member)
		if err != nil {
			return out, err
		}
		if ok {
			out.Mine = &v
		}
		n, err := onRoll.One(ctx, s.db, m.ID, by.Member)
		if err != nil {
			return out, err
		}
		out.OnRoll = n > 0
	}
	switch {
	case m.State != Open:
		out.Results = !m.CountedAt.IsZero()
	default:
		rule, err := s.rules.Get(ctx, s.db, m.RuleID)
		if err != nil {
			return out, err
		}
		when := rule.Rule.Results
		if r := m.Settings().Results; r != "" && when != rulebook.AfterClose {
			when = r
		}
		out.Results = when == rulebook.Always || when == rulebook.AfterVote && out.Mine != nil
	}
	if m.Secret() && m.State == Open { // only the number of sealed ballots is shown
		out.Results = false
	}
	out.Names = out.Results && by.Member != 0 && !m.Secret()
	return out, nil
}

// Standing is the count as it is now, for a vote whose results may be shown while it is open.
func (s *Service) Standing(ctx context.Context, h db.Handle, m *Motion) (Counting, error) {
	rule, err := s.rules.Get(ctx, h, m.RuleID)
	if err != nil {
		return Counting{}, err
	}
	papers, err := countPaper.All(ctx, h, m.ID)
	if err != nil {
		return Counting{}, err
	}
	if m.Method == rulebook.Questions {
		papers = nil // words are not counted
		n := m.Votes
		papers = append(papers, paper{Choice: "{}", N: n})
	}
	return Counting{Method: m.Method, Rule: rule.Rule, Again: m.Again, Options: m.Options(), Settings: m.Settings(), Roll: m.QuorumBase, Papers: papers, Seed: seed(m, papers)}, nil
}

// Votes lists the votes on a motion, the newest first, up to a limit. Callers ask Sees first.
func (s *Service) Votes(ctx context.Context, motion id.ID, limit int) ([]Vote, error) {
	return pageVotes.All(ctx, s.db, motion, limit)
}

// ballots are the papers as the record publishes them: without names.
func ballots(papers []paper) (json.RawMessage, error) {
	b, err := json.Marshal(papers)
	if err != nil {
		return nil, fmt.Errorf("publish votes: %w", err)
	}
	return b, nil
}
