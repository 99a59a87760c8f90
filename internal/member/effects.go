package member

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
)

// Effects are the changes of the register that a decision can carry. What they say in words names the
// person, for those who vote; what is stored of them does not.
func (s *Service) Effects() effect.Registry {
	who := effect.Field{Name: "member", Label: i18n.Key("Member"), Kind: "member"}
	return effect.Registry{
		{Name: Admit, What: i18n.Key("Admit an applicant as a member"), New: func() effect.Effect { return &admitEffect{s: s} },
			Fields: []effect.Field{{Name: "application", Label: i18n.Key("Number of the application"), Hint: i18n.Key("It stands beside the application that waits."), Kind: "text"}}},
		{Name: Ask, What: i18n.Key("Change what applicants are asked"), New: func() effect.Effect { return &askEffect{s: s} },
			Fields: []effect.Field{{Name: "questions", Label: i18n.Key("Questions, one a line"), Kind: "area", Optional: true}}},
		{Name: Suspension, What: i18n.Key("Suspend the rights of a member"), New: func() effect.Effect { return &suspendEffect{s: s} }, Concerns: concerns,
			Fields: []effect.Field{who, {Name: "until", Label: i18n.Key("Until"), Hint: i18n.Key("The rights come back by themselves on this day; without one, until the members give them back."), Kind: "date", Optional: true}}},
		{Name: Expulsion, What: i18n.Key("Expel a member"), New: func() effect.Effect { return &expelEffect{s: s} }, Concerns: concerns, Fields: []effect.Field{who}},
		{Name: Reinstatement, What: i18n.Key("Reinstate a member"), New: func() effect.Effect { return &reinstateEffect{s: s} }, Concerns: concerns,
			Fields: []effect.Field{who, {Name: "from", Label: i18n.Key("From"), Hint: i18n.Key("The end of the membership (ended), or the suspension of rights (suspended)."), Kind: "select", Options: []string{fromEnd, fromSuspension}, Optional: true}}},
	}
}

func concerns(_ context.Context, _ db.Handle, e effect.Effect) (authz.Target, error) {
	return e.Target(), nil
}

// dayForm is how effects write a day; a moment within one is written out.
const dayForm = time.DateOnly

func day(at time.Time) string {
	switch {
	case at.IsZero():
		return ""
	case at.Equal(at.Truncate(24 * time.Hour)):
		return at.Format(dayForm)
	}
	return at.Format(time.RFC3339Nano)
}

func parseDay(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{dayForm, time.RFC3339Nano} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, fault.Field("until", "Write the day as 2027-12-31.")
}

// base is the version of a member that an effect is bound to.
func base(m Member) string { return strconv.FormatInt(m.Version, 10) }

// lines describe a member as the effects change one.
func lines(ctx context.Context, m Member, now time.Time) []effect.Line {
	membership := i18n.T(ctx, "member since %s", i18n.Date(ctx, m.Since))
	if !m.Present() {
		membership = i18n.T(ctx, "ended on %s: %s", i18n.Date(ctx, m.Until), EndWords(ctx, m.Ended))
	}
	rights := i18n.T(ctx, "all rights of a member")
	switch {
	case !m.Present():
		rights = i18n.T(ctx, "none")
	case m.Suspended(now) && m.SuspendedUntil.IsZero():
		rights = i18n.T(ctx, "suspended")
	case m.Suspended(now):
		rights = i18n.T(ctx, "suspended until %s", i18n.Date(ctx, m.SuspendedUntil))
	}
	return []effect.Line{{Name: i18n.T(ctx, "Membership"), Text: membership}, {Name: i18n.T(ctx, "Rights"), Text: rights}}
}

// EndWords say how a membership ended.
func EndWords(ctx context.Context, how string) string {
	switch how {
	case Resigned:
		return i18n.T(ctx, "resigned")
	case Lapsed:
		return i18n.T(ctx, "lapsed")
	case Expelled:
		return i18n.T(ctx, "expelled")
	case Died:
		return i18n.T(ctx, "died")
	}
	return how
}

// change is what an effect would make of a member.
func change(ctx context.Context, title string, m, then Member, now time.Time) effect.Change {
	return effect.Change{Base: base(m), Title: title, Before: lines(ctx, m, now), After: lines(ctx, then, now)}
}

func called(m Member) string {
	if m.Name == "" {
		return "?"
	}
	return m.Name
}

type admitEffect struct {
	s           *Service
	Application id.ID  `json:"application"`
	Answer      string `json:"answer,omitempty"` // Waiting takes a declined one up again, Declined undoes that; "" admits
}

// Target implements effect.Effect.
func (e *admitEffect) Target() authz.Target { return applicationOf(e.Application) }

// Check implements effect.Effect.
func (e *admitEffect) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	a, err := e.s.application(ctx, h, e.Application)
	if err != nil {
		return effect.Change{}, err
	}
	waits, declined := i18n.T(ctx, "waits for an answer"), i18n.T(ctx, "declined")
	title, before, after := i18n.T(ctx, "Admit %s (@%s) as a member", a.Name, a.Username), waits, i18n.T(ctx, "accepted")
	switch e.Answer {
	case "":
	case Waiting:
		if err := e.s.mayTakeUp(ctx, h, &a); err != nil {
			return effect.Change{}, err
		}
		title, before, after = i18n.T(ctx, "Take up the application of %s (@%s) again", a.Name, a.Username), declined, waits
	case Declined:
		title, after = i18n.T(ctx, "Decline the application of %s (@%s)", a.Name, a.Username), declined
	default:
		return effect.Change{}, fault.Field("answer", "An application is accepted, declined or taken up again.")
	}
	if a.State != Waiting && e.Answer != Waiting {
		return effect.Change{}, errAnswered
	}
	name := i18n.T(ctx, "Application")
	return effect.Change{Base: a.State, Title: title, Before: []effect.Line{{Name: name, Text: before}}, After: []effect.Line{{Name: name, Text: after}}}, nil
}

// Apply implements effect.Effect.
func (e *admitEffect) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (inverse effect.Stored, err error) {
	switch e.Answer {
	case Waiting:
		return e.s.takeUp(ctx, tx, by, e.Application, reason)
	case Declined:
		return e.s.decline(ctx, tx, by, e.Application, reason)
	}
	_, inverse, err = e.s.accept(ctx, tx, by, e.Application, reason)
	return inverse, err
}

type askEffect struct {
	s         *Service
	Questions string `json:"questions"` // one a line
}

// Target implements effect.Effect.
func (e *askEffect) Target() authz.Target { return register }

// Check implements effect.Effect.
func (e *askEffect) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	clean, err := checkQuestions(strings.Split(e.Questions, "\n"))
	if err != nil {
		return effect.Change{}, err
	}
	old, err := listQuestions.All(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	before := texts(old)
	if slices.Equal(before, clean) {
		return effect.Change{}, errAsked
	}
	name := i18n.T(ctx, "Questions")
	return effect.Change{Base: strings.Join(before, "\n"), Title: i18n.T(ctx, "Change what applicants are asked"),
		Before: []effect.Line{{Name: name, Text: strings.Join(before, "\n")}}, After: []effect.Line{{Name: name, Text: strings.Join(clean, "\n")}}}, nil
}

// Apply implements effect.Effect.
func (e *askEffect) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	clean, err := checkQuestions(strings.Split(e.Questions, "\n"))
	if err != nil {
		return effect.Stored{}, err
	}
	return e.s.setQuestions(ctx, tx, by, clean, reason)
}

type suspendEffect struct {
	s      *Service
	Member id.ID  `json:"member"`
	Until  string `json:"until,omitempty"` // a day, or a moment where a lifted suspension is put back
}

// Target implements effect.Effect.
func (e *suspendEffect) Target() authz.Target { return targetOf(e.Member) }

// Check implements effect.Effect.
func (e *suspendEffect) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	until, err := parseDay(e.Until)
	if err != nil {
		return effect.Change{}, err
	}
	m, err := e.s.Get(ctx, h, e.Member)
	if err != nil {
		return effect.Change{}, err
	}
	if err := maySuspend(m, h.Now(), until); err != nil {
		return effect.Change{}, err
	}
	then := m
	then.SuspendedAt, then.SuspendedUntil = h.Now(), until
	return change(ctx, i18n.T(ctx, "Suspend the rights of %s (member %d)", called(m), m.Number), m, then, h.Now()), nil
}

// Apply implements effect.Effect.
func (e *suspendEffect) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	until, err := parseDay(e.Until)
	if err != nil {
		return effect.Stored{}, err
	}
	return e.s.suspend(ctx, tx, by, e.Member, until, reason)
}

type expelEffect struct {
	s      *Service
	Member id.ID  `json:"member"`
	As     string `json:"as,omitempty"` // how the membership had ended that a reinstatement began anew, where that is undone
}

// Target implements effect.Effect.
func (e *expelEffect) Target() authz.Target { return targetOf(e.Member) }

func (e *expelEffect) how(ctx context.Context, h db.Handle) (string, error) {
	if e.As == "" {
		return Expelled, nil
	}
	facts, err := e.s.History(ctx, h, e.Member)
	if err != nil {
		return "", err
	}
	for _, f := range slices.Backward(facts) {
		if f.Kind == EndedThen {
			if f.How == e.As {
				return e.As, nil
			}
			break
		}
	}
	return "", fault.Field("as", "This membership has not ended in this way before.")
}

// Check implements effect.Effect.
func (e *expelEffect) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	m, err := e.s.Get(ctx, h, e.Member)
	if err != nil {
		return effect.Change{}, err
	}
	if !m.Present() {
		return effect.Change{}, errGone
	}
	how, err := e.how(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	then := m
	then.Until, then.Ended = h.Now(), how
	title := i18n.T(ctx, "Expel %s (member %d)", called(m), m.Number)
	if how != Expelled {
		title = i18n.T(ctx, "End the membership of %s (member %d) again", called(m), m.Number)
	}
	return change(ctx, title, m, then, h.Now()), nil
}

// Apply implements effect.Effect.
func (e *expelEffect) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	how, err := e.how(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	return e.s.expel(ctx, tx, by, e.Member, how, reason)
}

type reinstateEffect struct {
	s      *Service
	Member id.ID  `json:"member"`
	From   string `json:"from,omitempty"` // "ended" or "suspended"; "" is whatever lies on top
}

// Target implements effect.Effect.
func (e *reinstateEffect) Target() authz.Target { return targetOf(e.Member) }

// Check implements effect.Effect.
func (e *reinstateEffect) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	m, err := e.s.Get(ctx, h, e.Member)
	if err != nil {
		return effect.Change{}, err
	}
	from, err := mayReinstate(m, h.Now(), e.From)
	if err != nil {
		return effect.Change{}, err
	}
	then := m
	if from == fromEnd {
		then.Until, then.Ended = time.Time{}, ""
		return change(ctx, i18n.T(ctx, "Take %s back as member %d", called(m), m.Number), m, then, h.Now()), nil
	}
	then.SuspendedAt, then.SuspendedUntil = time.Time{}, time.Time{}
	return change(ctx, i18n.T(ctx, "Give %s (member %d) all rights back", called(m), m.Number), m, then, h.Now()), nil
}

// Apply implements effect.Effect.
func (e *reinstateEffect) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	return e.s.reinstate(ctx, tx, by, e.Member, e.From, reason)
}
