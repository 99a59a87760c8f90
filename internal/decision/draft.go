package decision

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// Limits of what a mover writes.
const (
	MaxTitle   = 120
	MaxText    = 20_000
	MaxOptions = 30
	MaxEffects = 10
)

// Proposed is an effect as a mover puts it: for the motion, or for one of its alternatives.
type Proposed struct {
	Option int // the alternative, from 0; -1 for the motion
	effect.Stored
}

// Drafting is what a mover writes.
type Drafting struct {
	Body     id.ID // 0: the general meeting
	Title    string
	Text     string
	Method   string // "" is a proposal
	Settings Settings
	Effects  []Proposed
	Review   time.Time // when the members look at it again; zero: as the rule says
	Petition bool      // put to the general meeting by a share of the members, whatever the rules say
}

func (d *Drafting) check() error {
	d.Title = strings.Join(strings.Fields(d.Title), " ")
	d.Text = strings.TrimSpace(strings.ReplaceAll(d.Text, "\r\n", "\n"))
	if d.Method == "" {
		d.Method = rulebook.Proposal
	}
	if l := utf8.RuneCountInString(d.Title); l == 0 || l > MaxTitle {
		return fault.Field("title", "A title has 1 to %d characters.", MaxTitle)
	}
	if utf8.RuneCountInString(d.Text) > MaxText {
		return fault.Field("text", "Please keep the text to %d characters.", MaxText)
	}
	if !slices.Contains(rulebook.Methods, d.Method) {
		return fault.Field("method", "There is no method called %q.", d.Method)
	}
	if len(d.Effects) > MaxEffects {
		return fault.Field("effects", "A motion has at most %d effects.", MaxEffects)
	}
	if err := d.checkOptions(); err != nil {
		return err
	}
	d.Review = instant(d.Review)
	if len(d.Effects) > 0 && !slices.Contains([]string{rulebook.Proposal, rulebook.Consent, rulebook.Ranking}, d.Method) {
		return fault.Field("effects", "What changes something is decided by a proposal, by consent or by a ranking, where members can also say no.")
	}
	for _, e := range d.Effects {
		if e.Option < -1 || e.Option >= len(d.Settings.Options) || e.Option >= 0 && d.Method != rulebook.Ranking {
			return fault.Field("effects", "An effect belongs to the motion or to one of its alternatives.")
		}
	}
	return nil
}

func (d *Drafting) checkOptions() error {
	s := &d.Settings
	for i := range s.Options {
		s.Options[i].Title = strings.Join(strings.Fields(s.Options[i].Title), " ")
		if l := utf8.RuneCountInString(s.Options[i].Title); l == 0 || l > 200 || utf8.RuneCountInString(s.Options[i].Text) > 5000 {
			return fault.Field("options", "An option has a title of 1 to 200 characters.")
		}
		if slices.ContainsFunc(s.Options[:i], func(o Option) bool { return o.Title == s.Options[i].Title }) || d.Method == rulebook.Ranking && s.Options[i].Title == StatusQuo {
			return fault.Field("options", "“%s” is there twice.", s.Options[i].Title)
		}
	}
	least := map[string]int{rulebook.Choose: 2, rulebook.Score: 2, rulebook.Dots: 2, rulebook.Ranking: 1, rulebook.Times: 1, rulebook.Questions: 1, rulebook.Count: 1}[d.Method]
	if d.Method == rulebook.Count && len(s.Options) == 0 {
		s.Options = []Option{{Title: d.Title}}
	}
	switch {
	case least == 0:
		*s = Settings{Results: s.Results}
	case len(s.Options) < least || len(s.Options) > MaxOptions:
		return fault.Field("options", "This method needs %d to %d options.", least, MaxOptions)
	}
	switch d.Method {
	case rulebook.Choose:
		if s.Max == 0 {
			s.Max = 1
		}
		if s.Max < 1 || s.Max > len(s.Options) {
			return fault.Field("max", "Between one and all options can be chosen.")
		}
	case rulebook.Score:
		if s.Low == 0 && s.High == 0 {
			s.High = 5
		}
		if s.Low >= s.High || s.Low < -100 || s.High > 100 {
			return fault.Field("high", "Scores run from a lower to a higher number, within -100 and 100.")
		}
	case rulebook.Dots:
		if s.Dots == 0 {
			s.Dots = 10
		}
		if s.Dots < 1 || s.Dots > 1000 {
			return fault.Field("dots", "Each member has 1 to 1000 dots.")
		}
	}
	if s.Results != "" && s.Results != rulebook.AfterClose && s.Results != rulebook.AfterVote {
		return fault.Field("results", "Results can be shown later than the rule says, not earlier.")
	}
	return nil
}

// Draft begins a motion of the actor's, which only the mover and the collaborators see.
func (s *Service) Draft(ctx context.Context, by authz.Actor, d Drafting) (Motion, error) {
	var m Motion
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) (err error) {
		m, err = s.draft(ctx, tx, by, d, "", 0)
		return err
	})
	return m, err
}

func (s *Service) draft(ctx context.Context, tx *db.Tx, by authz.Actor, d Drafting, originKind string, origin id.ID) (Motion, error) {
	if err := d.check(); err != nil {
		return Motion{}, err
	}
	root, err := s.mandate.Root(ctx, tx)
	if err != nil {
		return Motion{}, err
	}
	if d.Body == 0 {
		d.Body = root.ID
	}
	if d.Petition && d.Body != root.ID {
		return Motion{}, fault.Field("body", "A petition puts a motion to the general meeting.")
	}
	if by.Via != authz.Job {
		if err := s.mayMove(ctx, tx, by, d.Body); err != nil {
			return Motion{}, err
		}
	}
	if err := s.checkEffects(ctx, tx, d.Body, root.ID, d.Effects); err != nil {
		return Motion{}, err
	}
	settings, err := json.Marshal(d.Settings)
	if err != nil {
		return Motion{}, fmt.Errorf("draft motion: %w", err)
	}
	if _, err := lockNumbers.Run(ctx, tx); err != nil {
		return Motion{}, err
	}
	number, err := nextNumber.One(ctx, tx)
	if err != nil {
		return Motion{}, err
	}
	m := Motion{ID: id.New(tx.Now()), Number: number, Body: d.Body, Mover: by.Member, Title: d.Title, Text: d.Text, TextVersion: 1, Method: d.Method,
		SettingsJSON: string(settings), Petition: d.Petition, State: Draft, OriginKind: originKind, OriginID: origin, CreatedAt: tx.Now(), ReviewAt: d.Review, Revision: 1}
	if _, err := insertMotion.Run(ctx, tx, m.ID, m.Number, m.Body, m.Mover, m.Title, m.Text, m.Method, m.SettingsJSON, m.Petition, m.Urgent, m.State,
		originKind == SecondCall, originKind, origin, m.CreatedAt); err != nil {
		return m, err
	}
	if err := s.putEffects(ctx, tx, m.ID, d.Effects); err != nil {
		return m, err
	}
	if _, err := insertText.Run(ctx, tx, m.ID, 1, m.Title, m.Text, by.Member, tx.Now()); err != nil {
		return m, err
	}
	if !m.ReviewAt.IsZero() {
		err = s.save(ctx, tx, &m, Draft, record.Entry{})
	}
	m.Again = originKind == SecondCall
	return m, err
}

func (s *Service) putEffects(ctx context.Context, tx *db.Tx, motion id.ID, effects []Proposed) error {
	if _, err := deleteEffects.Run(ctx, tx, motion); err != nil {
		return err
	}
	for i, e := range effects {
		args := string(e.Args)
		if args == "" {
			args = "{}"
		}
		if _, err := insertEffect.Run(ctx, tx, motion, i, e.Option, e.Kind, args); err != nil {
			return err
		}
	}
	return nil
}

// checkEffects refuses effects that make no sense, that the body may not decide, or that fall under
// different rules.
func (s *Service) checkEffects(ctx context.Context, h db.Handle, body, root id.ID, effects []Proposed) error {
	for _, p := range effects {
		e, err := s.effects.Load(p.Stored)
		if err != nil {
			return err
		}
		if _, err := e.Check(ctx, h); err != nil {
			return err
		}
		ok, err := s.mandate.MayDecide(ctx, h, body, p.Kind, e.Target())
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.Forbidden, "This is outside the domain of the body that would decide it (%s). Put it to the body above.", p.Kind)
		}
	}
	_, err := s.ruleFor(ctx, h, body, root, effects)
	return err
}

func (s *Service) ruleFor(ctx context.Context, h db.Handle, body, root id.ID, effects []Proposed) (rulebook.Version, error) {
	scope := rulebook.Bodies
	if body == root {
		scope = rulebook.Meeting
	}
	var kinds []string
	for _, e := range effects {
		kinds = append(kinds, e.Kind)
	}
	return s.rules.For(ctx, h, scope, kinds)
}

// Rule is the rule a motion runs under: the frozen version once it is called, before that the one
// that would be frozen now.
func (s *Service) Rule(ctx context.Context, h db.Handle, m *Motion) (rulebook.Version, error) {
	if m.RuleID != 0 {
		return s.rules.Get(ctx, h, m.RuleID)
	}
	root, err := s.mandate.Root(ctx, h)
	if err != nil {
		return rulebook.Version{}, err
	}
	effects, err := listEffects.All(ctx, h, m.ID)
	if err != nil {
		return rulebook.Version{}, err
	}
	return s.ruleFor(ctx, h, m.Body, root.ID, proposed(effects))
}

func proposed(rows []effectRow) []Proposed {
	out := make([]Proposed, len(rows))
	for i := range rows {
		out[i] = Proposed{rows[i].Option, rows[i].stored()}
	}
	return out
}

// mayMove refuses those who cannot put a motion to a body: members in good standing to the general
// meeting, members of a body to that.
func (s *Service) mayMove(ctx context.Context, h db.Handle, by authz.Actor, body id.ID) error {
	ok, err := s.belongs(ctx, h, body, by.Member)
	if err == nil && !ok {
		err = fault.New(fault.Forbidden, "Members of the body in good standing can do that.")
	}
	return err
}

func (s *Service) belongs(ctx context.Context, h db.Handle, body, who id.ID) (bool, error) {
	if who == 0 {
		return false, nil
	}
	standing, err := s.member.StandingOn(ctx, h, who, h.Now())
	if err != nil || !slices.Contains([]member.Standing{member.Current, member.DueSoon, member.Grace, member.Waived}, standing) {
		return false, err
	}
	b, err := s.mandate.Body(ctx, h, body)
	if err != nil || !b.DissolvedAt.IsZero() {
		return false, err
	}
	if b.Root() {
		return true, nil
	}
	return s.mandate.Sits(ctx, h, body, who)
}

// Edit changes a motion that has not been called. The mover and, for a draft, the collaborators may.
// Once it is published each change of the text is a version that anyone can read.
func (s *Service) Edit(ctx context.Context, by authz.Actor, motion id.ID, d Drafting) (Motion, error) {
	if err := d.check(); err != nil {
		return Motion{}, err
	}
	var m Motion
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) (err error) {
		if m, err = s.ours(ctx, tx, by, motion); err != nil {
			return err
		}
		if m.State != Draft && m.State != Discussion {
			return fault.New(fault.Conflict, "The text is frozen once a motion is called.")
		}
		if err := s.unsigned(ctx, tx, &m); err != nil {
			return err
		}
		root, err := s.mandate.Root(ctx, tx)
		if err != nil {
			return err
		}
		if d.Body == 0 {
			d.Body = root.ID
		}
		if m.State != Draft && (d.Body != m.Body || d.Petition != m.Petition) {
			return fault.Field("body", "A published motion stays with the body it was put to.")
		}
		if d.Body != m.Body {
			if err := s.mayMove(ctx, tx, by, d.Body); err != nil {
				return err
			}
		}
		if err := s.checkEffects(ctx, tx, d.Body, root.ID, d.Effects); err != nil {
			return err
		}
		settings, err := json.Marshal(d.Settings)
		if err != nil {
			return fmt.Errorf("edit motion: %w", err)
		}
		if err := s.putEffects(ctx, tx, m.ID, d.Effects); err != nil {
			return err
		}
		m.Body, m.Method, m.SettingsJSON, m.Petition, m.ReviewAt = d.Body, d.Method, string(settings), d.Petition, d.Review
		if err := s.retext(ctx, tx, by, &m, d.Title, d.Text); err != nil {
			return err
		}
		return s.save(ctx, tx, &m, m.State, entry("edited", by))
	})
	return m, err
}

// unsigned refuses to change a petition under the names of those who signed it.
func (s *Service) unsigned(ctx context.Context, h db.Handle, m *Motion) error {
	if !m.Petition {
		return nil
	}
	list, err := listSupports.All(ctx, h, m.ID)
	if err == nil && slices.ContainsFunc(list, func(x Support) bool { return x.Kind == Petition && x.Member != m.Mover }) {
		err = fault.New(fault.Conflict, "Members have signed this petition as it is. Withdraw it and put another one.")
	}
	return err
}

func (s *Service) retext(ctx context.Context, tx *db.Tx, by authz.Actor, m *Motion, title, text string) error {
	if m.Title == title && m.Text == text {
		return nil
	}
	m.Title, m.Text = title, text
	m.TextVersion++
	_, err := insertText.Run(ctx, tx, m.ID, m.TextVersion, title, text, by.Member, tx.Now())
	return err
}

// ours loads a motion that the actor moved or, as a draft, works on.
func (s *Service) ours(ctx context.Context, tx *db.Tx, by authz.Actor, motion id.ID) (Motion, error) {
	m, ok, err := lockOpen.Find(ctx, tx, motion)
	if err != nil {
		return m, err
	}
	if !ok {
		return m, errNone
	}
	if by.Member != 0 && m.Mover == by.Member {
		return m, nil
	}
	if m.State == Draft {
		list, err := listCollaborators.All(ctx, tx, motion)
		if err != nil {
			return m, err
		}
		if by.Member != 0 && slices.Contains(list, by.Member) {
			return m, nil
		}
		return m, errNone // others do not see a draft
	}
	return m, fault.New(fault.Forbidden, "Only the mover can do that.")
}

var errNone = fault.New(fault.NotFound, "There is no such motion.")

// Collaborate lets another member work on a draft, or no longer.
func (s *Service) Collaborate(ctx context.Context, by authz.Actor, motion, who id.ID, in bool) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		m, err := s.ours(ctx, tx, by, motion)
		if err != nil {
			return err
		}
		if m.State != Draft || m.Mover != by.Member {
			return fault.New(fault.Conflict, "The mover of a draft chooses who works on it.")
		}
		if _, err := s.member.Get(ctx, tx, who); err != nil {
			return err
		}
		if !in {
			_, err = deleteCollaborator.Run(ctx, tx, motion, who)
			return err
		}
		_, err = insertCollaborator.Run(ctx, tx, motion, who)
		return err
	})
}

// Publish opens the discussion. The affected are told (event Published).
func (s *Service) Publish(ctx context.Context, by authz.Actor, motion id.ID) (Motion, error) {
	return s.step(ctx, by, motion, func(tx *db.Tx, m *Motion) error {
		if err := s.mayMove(ctx, tx, by, m.Body); err != nil {
			return err
		}
		return s.publish(ctx, tx, m, entry("published", by))
	})
}

func (s *Service) publish(ctx context.Context, tx *db.Tx, m *Motion, e record.Entry) error {
	if m.State != Draft {
		return fault.New(fault.Conflict, "This motion is published already.")
	}
	m.State, m.PublishedAt = Discussion, tx.Now()
	if err := s.save(ctx, tx, m, Draft, e); err != nil {
		return err
	}
	return s.Published.Emit(ctx, tx, *m)
}

// step runs one change of a motion by its mover.
func (s *Service) step(ctx context.Context, by authz.Actor, motion id.ID, f func(tx *db.Tx, m *Motion) error) (Motion, error) {
	var m Motion
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) (err error) {
		if m, err = s.ours(ctx, tx, by, motion); err != nil {
			return err
		}
		return f(tx, &m)
	})
	return m, err
}

// Withdraw takes a motion back before its close. Only the mover may.
func (s *Service) Withdraw(ctx context.Context, by authz.Actor, motion id.ID, reason string) (Motion, error) {
	return s.step(ctx, by, motion, func(tx *db.Tx, m *Motion) error {
		if m.Over() || m.State == Window || m.State == Open && !tx.Now().Before(m.ClosesAt) {
			return fault.New(fault.Conflict, "It is too late to withdraw this motion.")
		}
		from := m.State
		m.State, m.DueAt = Withdrawn, time.Time{}
		if err := s.endSecret(ctx, tx, m, from); err != nil {
			return err
		}
		e := entry("withdrawn", by)
		e.Private = map[string]string{"reason": strings.TrimSpace(reason)}
		if err := s.save(ctx, tx, m, from, e); err != nil || m.PublishedAt.IsZero() { // of a draft nobody else knows
			return err
		}
		return s.Changed.Emit(ctx, tx, *m)
	})
}

// Reopen drafts a new motion with the text and effects of one that is over: re-opening makes a new
// decision (invariant 3).
func (s *Service) Reopen(ctx context.Context, by authz.Actor, motion id.ID) (Motion, error) {
	var m Motion
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		old, ok, err := getMotion.Find(ctx, tx, motion)
		if err != nil || !ok {
			return orNone(err)
		}
		if !old.Over() {
			return fault.New(fault.Conflict, "This motion is not over yet.")
		}
		effects, err := listEffects.All(ctx, tx, motion)
		if err != nil {
			return err
		}
		m, err = s.draftLoosely(ctx, tx, by, Drafting{Body: old.Body, Title: old.Title, Text: old.Text, Method: old.Method, Settings: old.Settings(), Effects: proposed(effects)}, Reopens, old.ID)
		return err
	})
	return m, err
}

// draftLoosely drafts with those effects only that still make sense: the mover sees what is left.
func (s *Service) draftLoosely(ctx context.Context, tx *db.Tx, by authz.Actor, d Drafting, kind string, origin id.ID) (Motion, error) {
	var good []Proposed
	for _, p := range d.Effects {
		e, err := s.effects.Load(p.Stored)
		if err == nil {
			_, err = e.Check(ctx, tx)
		}
		if fault.KindOf(err) == fault.Internal && err != nil {
			return Motion{}, err
		}
		if err == nil {
			good = append(good, p)
		}
	}
	d.Effects = good
	return s.draft(ctx, tx, by, d, kind, origin)
}

func orNone(err error) error {
	if err != nil {
		return err
	}
	return errNone
}

// Undo drafts a motion that would undo a decision in force, by the inverses of its effects.
func (s *Service) Undo(ctx context.Context, by authz.Actor, motion id.ID) (Motion, error) {
	var m Motion
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		old, ok, err := getMotion.Find(ctx, tx, motion)
		if err != nil || !ok {
			return orNone(err)
		}
		if old.State != InForce {
			return fault.New(fault.Conflict, "Only a decision in force can be rescinded.")
		}
		effects, err := listEffects.All(ctx, tx, motion)
		if err != nil {
			return err
		}
		var undo []Proposed
		for _, e := range slices.Backward(effects) {
			if inv := e.inverse(); inv.Kind != "" {
				undo = append(undo, Proposed{-1, inv})
			}
		}
		title := fmt.Sprintf("Rescind decision %d", old.Number)
		m, err = s.draft(ctx, tx, by, Drafting{Body: old.Body, Title: title, Text: old.Title, Effects: undo}, Rescinds, old.ID)
		return err
	})
	return m, err
}
