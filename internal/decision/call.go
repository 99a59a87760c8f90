package decision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// Support is a member's name under a motion: to second it, to petition for it, or to call it in.
type Support struct {
	Member id.ID     `db:"member_id"`
	Kind   string    `db:"kind"`
	Reason string    `db:"reason"`
	At     time.Time `db:"at"`
}

// Kinds of support.
const (
	Second   = "second"
	Petition = "petition"
	CallIn   = "call in"
)

// Support puts the actor's name under a motion. To second is for members of the body beside the mover,
// to petition for any member in good standing, to call in for those who could vote. A petition that has
// enough names is called at once, whatever the rules ask for otherwise (invariant 13); a motion that
// enough members call in goes to the general meeting.
func (s *Service) Support(ctx context.Context, by authz.Actor, motion id.ID, kind, reason string) (Motion, error) {
	var m Motion
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		if _, err := s.visible(ctx, tx, by, motion); err != nil {
			return err
		}
		var err error
		if m, err = lockOpen.One(ctx, tx, motion); err != nil {
			return err
		}
		rule, err := s.Rule(ctx, tx, &m)
		if err != nil {
			return err
		}
		if err := s.maySupport(ctx, tx, by, &m, kind); err != nil {
			return err
		}
		_, err = insertSupport.Run(ctx, tx, motion, by.Member, kind, strings.TrimSpace(reason), tx.Now())
		if errors.Is(err, db.ErrExists) {
			return fault.New(fault.Conflict, "Your name is there already.")
		}
		if err != nil {
			return err
		}
		e := entry(map[string]string{Second: "seconded", Petition: "petitioned", CallIn: "call-in-asked"}[kind], by)
		e.Subject, e.Private = ref.Ref{Kind: "decision", ID: m.ID}, map[string]string{"reason": reason}
		if _, err := s.record.Append(ctx, tx, e); err != nil {
			return err
		}
		return s.supported(ctx, tx, &m, kind, &rule)
	})
	return m, err
}

func (s *Service) maySupport(ctx context.Context, tx *db.Tx, by authz.Actor, m *Motion, kind string) error {
	root, err := s.mandate.Root(ctx, tx)
	if err != nil {
		return err
	}
	body := m.Body
	switch kind {
	case Second:
		if m.State != Discussion {
			return fault.New(fault.Conflict, "Motions are seconded while they are in discussion.")
		}
		if m.Mover == by.Member {
			return fault.New(fault.Forbidden, "Somebody else must second a motion.")
		}
	case Petition:
		if !m.Petition || m.State != Discussion {
			return fault.New(fault.Conflict, "This motion is not a petition that can be signed.")
		}
		body = root.ID
	case CallIn:
		if m.State != Window || !tx.Now().Before(m.WindowEndsAt) {
			return fault.New(fault.Conflict, "A motion can be called in during its window only.")
		}
		body = root.ID
	default:
		return fault.Field("kind", "A motion is seconded, petitioned for or called in.")
	}
	return s.mayMove(ctx, tx, by, body)
}

// supported does what follows when enough names are there.
func (s *Service) supported(ctx context.Context, tx *db.Tx, m *Motion, kind string, rule *rulebook.Version) error {
	n, err := countSupports.One(ctx, tx, m.ID, kind)
	if err != nil {
		return err
	}
	switch kind {
	case Petition:
		members, err := s.member.InGoodStanding(ctx, tx, tx.Now())
		if err != nil {
			return err
		}
		if n >= max(1, rulebook.Needed(rule.Rule.Petition, len(members))) {
			e := record.Entry{Kind: "decision.called", Via: authz.Job, Reason: "enough members asked for it"}
			return s.call(ctx, tx, m, Calling{}, rule, e)
		}
	case CallIn:
		// It goes to all members, so all of them are the measure, also for a small body's motion.
		members, err := s.member.InGoodStanding(ctx, tx, tx.Now())
		if err != nil {
			return err
		}
		if n >= rule.Rule.CallInNeeded(len(members)) {
			return s.callIn(ctx, tx, m)
		}
	}
	return nil
}

// PetitionNeeded is how many names call a motion to the general meeting now.
func (s *Service) PetitionNeeded(ctx context.Context, rule *rulebook.Rule) (int, error) {
	members, err := s.member.InGoodStanding(ctx, s.db, s.db.Now())
	return max(1, rulebook.Needed(rule.Petition, len(members))), err
}

// Calling is how a motion is put to the vote.
type Calling struct {
	Opens  time.Time     // zero: at once
	For    time.Duration // how long voting is open; 0: as the rule says
	Urgent string        // why the urgent procedure is needed
}

// Call freezes the text, the effects with what they change, the rule and the day of the roll, and sets
// when voting opens and closes. The mover may, once it was discussed and seconded as the rule asks.
func (s *Service) Call(ctx context.Context, by authz.Actor, motion id.ID, c Calling) (Motion, error) {
	if err := s.prepare(ctx, motion); err != nil {
		return Motion{}, err
	}
	c.Urgent = strings.TrimSpace(c.Urgent) // blanks are no reason, and lift no other condition
	return s.step(ctx, by, motion, func(tx *db.Tx, m *Motion) error {
		if err := s.mayMove(ctx, tx, by, m.Body); err != nil {
			return err
		}
		rule, err := s.Rule(ctx, tx, m)
		if err != nil {
			return err
		}
		if err := s.ready(ctx, tx, m, c, &rule.Rule); err != nil {
			return err
		}
		return s.call(ctx, tx, m, c, &rule, entry("called", by))
	})
}

// ready refuses a call before its time.
func (s *Service) ready(ctx context.Context, tx *db.Tx, m *Motion, c Calling, r *rulebook.Rule) error {
	if m.State != Discussion {
		return fault.New(fault.Conflict, "A motion is called from the discussion.")
	}
	if m.Petition {
		return fault.New(fault.Conflict, "A petition is called when enough members have signed it.")
	}
	if c.Urgent != "" {
		if r.Urgent == nil {
			return fault.Field("urgent", "This rule has no urgent procedure.")
		}
		return nil
	}
	if from := m.PublishedAt.Add(time.Duration(r.Discussion) * day); tx.Now().Before(from) {
		return fault.New(fault.Conflict, "The rule asks for %d days of discussion: this motion can be called from %s on.", r.Discussion, from.Format("2 January, 15:04 UTC"))
	}
	if r.Seconds > 0 {
		n, err := countSupports.One(ctx, tx, m.ID, Second)
		if err != nil {
			return err
		}
		if n < r.Seconds {
			return fault.New(fault.Conflict, "The rule asks for %d members to second it; %d have.", r.Seconds, n)
		}
	}
	return nil
}

// call is for every door: the mover, a petition, a call-in, a rule.
func (s *Service) call(ctx context.Context, tx *db.Tx, m *Motion, c Calling, rule *rulebook.Version, e record.Entry) error {
	r := &rule.Rule
	if !slices.Contains(r.Methods, m.Method) {
		return fault.Field("method", "Under the rule “%s” motions are not decided this way.", r.Title)
	}
	least := least(r, c.Urgent)
	if c.For == 0 {
		c.For = least
	}
	if c.For < least || c.For > 60*day {
		return fault.Field("for", "Voting is open for %s at least, and 60 days at most.", words(least))
	}
	if c.Opens, c.For = instant(c.Opens), c.For.Truncate(time.Millisecond); c.Opens.Before(tx.Now()) {
		c.Opens = tx.Now()
	}
	if c.Opens.After(tx.Now().Add(90 * day)) {
		return fault.Field("opens", "Voting can be scheduled up to 90 days ahead.")
	}
	if err := s.freeze(ctx, tx, m); err != nil {
		return err
	}
	from := m.State
	if m.ReviewAt.IsZero() && r.Review > 0 {
		m.ReviewAt = c.Opens.Add(c.For + time.Duration(r.Review)*day)
	}
	m.State, m.RuleID, m.Urgent, m.CalledAt, m.OpensAt, m.ClosesAt, m.DueAt = Called, rule.ID, c.Urgent, tx.Now(), c.Opens, c.Opens.Add(c.For), c.Opens
	if e.Data == nil {
		e.Data = map[string]any{"rule": rule.String(), "urgent": c.Urgent}
	}
	if err := s.save(ctx, tx, m, from, e); err != nil {
		return err
	}
	if err := s.stillGoverns(ctx, tx, m, rule.ID); err != nil {
		return err
	}
	if err := s.await(ctx, tx, m, r); err != nil {
		return err
	}
	if m.OpensAt.After(tx.Now()) {
		return s.Changed.Emit(ctx, tx, *m)
	}
	return s.open(ctx, tx, m, rule)
}

// stillGoverns begins the transaction anew if the rule has changed while the entry of the call waited for
// others in the record: a decision runs under the rule in force when it was called (invariant 5).
func (s *Service) stillGoverns(ctx context.Context, tx *db.Tx, m *Motion, rule id.ID) error {
	called := *m
	called.RuleID = 0
	now, err := s.Rule(ctx, tx, &called)
	if err == nil && now.ID != rule {
		err = fmt.Errorf("call motion %d: %w", m.Number, db.ErrRetry)
	}
	return err
}

// instant is a moment as the tables keep it: what the record says must be what they say.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

func words(d time.Duration) string {
	if d%day == 0 && d > 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d hours", d/time.Hour)
}

// freeze checks the effects once more and binds each to what it would change.
func (s *Service) freeze(ctx context.Context, tx *db.Tx, m *Motion) error {
	root, err := s.mandate.Root(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := listEffects.All(ctx, tx, m.ID)
	if err != nil {
		return err
	}
	if err := s.checkEffects(ctx, tx, m.Body, root.ID, proposed(rows)); err != nil {
		return err
	}
	for _, r := range rows {
		e, err := s.effects.Load(r.stored())
		if err != nil {
			return err
		}
		ch, err := e.Check(i18n.WithLocale(ctx, nil), tx) // kept for all readers, so in English
		if err != nil {
			return err
		}
		words, err := json.Marshal(ch)
		if err != nil {
			return fmt.Errorf("freeze effect %s: %w", r.Kind, err)
		}
		if _, err := setBase.Run(ctx, tx, m.ID, r.Position, ch.Base, string(words)); err != nil {
			return err
		}
	}
	return nil
}

// open fixes the roll and lets the voting begin: those in good standing on the day of the call (so that
// nobody joins for a vote that was announced) who still are today, and whom the rule lets vote.
func (s *Service) open(ctx context.Context, tx *db.Tx, m *Motion, rule *rulebook.Version) error {
	roll, err := s.rollOf(ctx, tx, m, &rule.Rule)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(roll, 5000) {
		if _, err := insertRoll.Run(ctx, tx, m.ID, part); err != nil {
			return err
		}
	}
	// Voting lasts as long as was called for, also if nobody was there to open it in time.
	if late := tx.Now().Sub(m.OpensAt); late > 0 {
		m.OpensAt, m.ClosesAt = tx.Now(), m.ClosesAt.Add(late)
	}
	if rule.Rule.Secret {
		if err := s.openSecret(ctx, tx, m, &rule.Rule, roll); err != nil {
			return err
		}
	}
	m.State, m.RollSize, m.QuorumBase, m.RollHash, m.DueAt = Open, len(roll), len(roll), rollHash(m.ID, roll), m.ClosesAt
	if rule.Rule.ActiveRoll {
		if m.QuorumBase, err = countLive.One(ctx, tx, m.ID, tx.Now().AddDate(-1, 0, 0)); err != nil {
			return err
		}
	}
	if err := s.save(ctx, tx, m, Called, record.Entry{Kind: "decision.opened", Via: authz.Job, Data: map[string]any{"roll": len(roll)}}); err != nil {
		return err
	}
	if err := s.await(ctx, tx, m, &rule.Rule); err != nil {
		return err
	}
	return s.Opened.Emit(ctx, tx, *m)
}

func (s *Service) rollOf(ctx context.Context, tx *db.Tx, m *Motion, r *rulebook.Rule) ([]id.ID, error) {
	then, err := s.member.Roll(ctx, tx, m.CalledAt, time.Duration(r.Waiting)*day)
	if err != nil {
		return nil, err
	}
	now, err := s.member.InGoodStanding(ctx, tx, tx.Now())
	if err != nil {
		return nil, err
	}
	may := make(map[id.ID]bool, len(now))
	for _, x := range now {
		may[x] = true
	}
	b, err := s.mandate.Body(ctx, tx, m.Body)
	if err != nil {
		return nil, err
	}
	if !b.Root() {
		seats, err := s.mandate.SeatsIn(ctx, tx, b.ID, m.CalledAt)
		if err != nil {
			return nil, err
		}
		sits := map[id.ID]bool{}
		for _, x := range seats {
			sits[x.Member] = x.Until.IsZero()
		}
		for x := range may {
			may[x] = sits[x]
		}
	}
	if r.Interest {
		concerned, err := s.concerned(ctx, tx, m)
		if err != nil {
			return nil, err
		}
		for _, x := range concerned {
			may[x] = false
		}
	}
	return slices.DeleteFunc(then, func(x id.ID) bool { return !may[x] }), nil
}

// Concerned are the members whom the effects of a motion are about: they are told of it, and where the rule
// says so they may speak and not vote.
func (s *Service) Concerned(ctx context.Context, h db.Handle, m *Motion) ([]id.ID, error) {
	return s.concerned(ctx, h, m)
}

// concerned are the members whom the effects of a motion are about.
func (s *Service) concerned(ctx context.Context, h db.Handle, m *Motion) ([]id.ID, error) {
	rows, err := listEffects.All(ctx, h, m.ID)
	if err != nil {
		return nil, err
	}
	var out []id.ID
	for _, r := range rows {
		k, ok := s.effects.Kind(r.Kind)
		if !ok || k.Concerns == nil {
			continue
		}
		e, err := s.effects.Load(r.stored())
		if err != nil {
			return nil, err
		}
		t, err := k.Concerns(ctx, h, e)
		if err != nil {
			return nil, err
		}
		if t.Kind == "member" && t.ID != 0 {
			out = append(out, t.ID)
		}
	}
	return out, nil
}

func rollHash(motion id.ID, roll []id.ID) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "rochdale roll v1\n%s\n", motion)
	for _, x := range roll {
		_, _ = fmt.Fprintln(h, x)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// lastHour is the end of a vote in which its close stays where it is: whoever sees how it goes must not
// buy time then.
const lastHour = time.Hour

// Extend moves the close of an open vote to a later instant: once, by no more than the days that the rule
// gives a vote, and not in the last hour. The mover may, and says why on the public record.
func (s *Service) Extend(ctx context.Context, by authz.Actor, motion id.ID, closes time.Time, reason string) (Motion, error) {
	closes = instant(closes)
	return s.step(ctx, by, motion, func(tx *db.Tx, m *Motion) error {
		if m.State != Open || !tx.Now().Before(m.ClosesAt) {
			return fault.New(fault.Conflict, "Only an open vote can be extended.")
		}
		rule, err := s.rules.Get(ctx, tx, m.RuleID)
		if err != nil {
			return err
		}
		most := least(&rule.Rule, m.Urgent)
		switch {
		case !m.ExtendedAt.IsZero():
			return fault.New(fault.Conflict, "This vote was extended on %s. A vote is extended once.", m.ExtendedAt.Format("2 January, 15:04 UTC"))
		case tx.Now().After(m.ClosesAt.Add(-lastHour)):
			return fault.New(fault.Conflict, "In its last hour a vote is not extended any more.")
		case !closes.After(m.ClosesAt) || closes.After(m.ClosesAt.Add(most)) || closes.After(m.OpensAt.Add(60*day)):
			return fault.Field("closes", "The new close is later than the present one, by %s at most, and at most 60 days after the opening.", words(most))
		case strings.TrimSpace(reason) == "":
			return fault.Field("reason", "Please say why.")
		}
		m.ClosesAt, m.DueAt, m.ExtendedAt = closes, closes, tx.Now()
		if err := s.extendSecret(ctx, tx, m); err != nil {
			return err
		}
		e := entry("extended", by)
		e.Reason = reason
		if err := s.save(ctx, tx, m, Open, e); err != nil {
			return err
		}
		return s.Changed.Emit(ctx, tx, *m)
	})
}

// least is how long a vote under a rule is open at the least.
func least(r *rulebook.Rule, urgent string) time.Duration {
	if urgent != "" && r.Urgent != nil {
		return time.Duration(r.Urgent.Hours) * time.Hour
	}
	return time.Duration(r.Open) * day
}

// callIn takes a carried motion to the general meeting: it does not come into force, and the same text
// with the same effects is voted on again by all members.
func (s *Service) callIn(ctx context.Context, tx *db.Tx, m *Motion) error {
	m.State, m.DueAt = CalledIn, time.Time{}
	if err := s.save(ctx, tx, m, Window, record.Entry{Kind: "decision.called-in", Via: authz.Job, Reason: "enough members asked for it"}); err != nil {
		return err
	}
	root, err := s.mandate.Root(ctx, tx)
	if err != nil {
		return err
	}
	// What cannot be put to all members as one motion does not come into force either: the call-in stands.
	if _, err := s.putAgain(ctx, tx, m, root.ID, FromCallIn, time.Time{}); err != nil && fault.KindOf(err) == fault.Internal {
		return err
	}
	return s.Changed.Emit(ctx, tx, *m)
}

// putAgain makes a new motion of an old one and calls it: a rule does so, not a member.
func (s *Service) putAgain(ctx context.Context, tx *db.Tx, old *Motion, body id.ID, why string, opens time.Time) (Motion, error) {
	rows, err := listEffects.All(ctx, tx, old.ID)
	if err != nil {
		return Motion{}, err
	}
	by := authz.Actor{Via: authz.Job, Member: old.Mover}
	n, err := s.draft(ctx, tx, by, Drafting{Body: body, Title: old.Title, Text: old.Text, Method: old.Method, Settings: old.Settings(), Effects: proposed(rows)}, why, old.ID)
	if err != nil {
		return n, err
	}
	if err := s.mandate.AskAgain(ctx, tx, old.ID, n.ID); err != nil {
		return n, err
	}
	return n, s.putByRule(ctx, tx, &n, opens)
}

// putByRule publishes and calls a motion without anybody asking.
func (s *Service) putByRule(ctx context.Context, tx *db.Tx, m *Motion, opens time.Time) error {
	if err := s.publish(ctx, tx, m, record.Entry{Kind: "decision.published", Via: authz.Job, Reason: m.OriginKind}); err != nil {
		return err
	}
	rule, err := s.Rule(ctx, tx, m)
	if err != nil {
		return err
	}
	if !slices.Contains(rule.Rule.Methods, m.Method) {
		m.Method = rule.Rule.Methods[0]
	}
	return s.call(ctx, tx, m, Calling{Opens: opens}, &rule, record.Entry{Kind: "decision.called", Via: authz.Job, Reason: m.OriginKind})
}
