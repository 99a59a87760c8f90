package election

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// MaxTitle and MaxText bound what people write, in characters.
const (
	MaxTitle = 150
	MaxText  = 10_000
	maxSeats = 100
)

// Effects are the changes of this feature that a decision can carry.
func (s *Service) Effects() effect.Registry {
	kinds := func(list ...string) []string { return list }
	return append(effect.Registry{
		{Name: Hold, What: i18n.Key("Hold an election"), New: func() effect.Effect { return &hold{s: s, Kind: Office, Seats: 1} }, Fields: []effect.Field{
			{Name: "body", Label: i18n.Key("Of which body"), Kind: "body"},
			{Name: "voters", Label: i18n.Key("Who votes"), Kind: "body", Optional: true, Empty: i18n.Key("All members")},
			{Name: "kind", Label: i18n.Key("What for"), Hint: i18n.Key("An office that members vote on, a panel drawn by lot, or a sum of money that members spend."), Kind: "select", Options: kinds(Office, Panel, Budget)},
			{Name: "office", Label: i18n.Key("Name of the office"), Hint: i18n.Key("Treasurer, moderator, member of the panel."), Kind: "text", Optional: true},
			{Name: "seats", Label: i18n.Key("Seats"), Kind: "number", Optional: true},
			{Name: "powers", Label: i18n.Key("Powers of the office"), Kind: "powers", Optional: true},
			{Name: "days", Label: i18n.Key("Days of a term"), Hint: i18n.Key("Empty: as the rule says."), Kind: "number", Optional: true},
			{Name: "terms", Label: i18n.Key("Staggered terms"), Hint: i18n.Key("Where not all seats have the same term: one a line, the longest first, as in “1 for 730 days”. Who is elected first has the first."),
				Kind: "rows", Row: i18n.Key("{seats} for {days} days"), Numbers: []string{"seats", "days"}, Example: i18n.Key("1 for 730 days"), Optional: true},
			{Name: "reserved", Label: i18n.Key("Reserved seats"), Hint: i18n.Key("Seats for candidates who declare something: one a line, as in “1 for the young”."),
				Kind: "rows", Row: i18n.Key("{seats} for {for}"), Numbers: []string{"seats"}, Example: i18n.Key("1 for the young"), Optional: true},
			{Name: "sum", Label: i18n.Key("Sum to be spent"), Hint: i18n.Key("Budgets only: in the smallest unit, such as cents."), Kind: "number", Optional: true},
			{Name: "text", Label: i18n.Key("What candidates should know"), Kind: "area", Optional: true},
		}},
		{Name: CallOff, What: i18n.Key("Call an election off"), New: func() effect.Effect { return &callOff{s: s} }, Fields: []effect.Field{
			{Name: "election", Label: i18n.Key("Number of the election"), Kind: "number"},
		}},
	}, s.officerEffects()...)
}

// hold is the effect "hold an election".
type hold struct {
	s        *Service
	Body     id.ID    `json:"body"`
	Voters   id.ID    `json:"voters,omitempty"` // 0: all members
	Kind     string   `json:"kind,omitempty"`
	Office   string   `json:"office,omitempty"`
	Seats    int      `json:"seats,omitempty"`
	Powers   []string `json:"powers,omitempty"`
	Days     int      `json:"days,omitempty"`
	Terms    []Term   `json:"terms,omitempty"`
	Reserved []Seat   `json:"reserved,omitempty"`
	Sum      int64    `json:"sum,omitempty"`
	Decimals int      `json:"decimals,omitempty"`
	Greedy   bool     `json:"greedy,omitempty"`
	Text     string   `json:"text,omitempty"`
}

func (e *hold) Target() authz.Target { return authz.Target{Kind: "body", ID: e.Body} }

// announcement reads the effect as what Announce takes.
func (e *hold) announcement(ctx context.Context, h db.Handle) (Announcement, error) {
	a := Announcement{Body: e.Body, Voters: e.Voters, Kind: e.Kind, Text: tidyText(e.Text), Plan: Plan{Office: tidy(e.Office), Seats: e.Seats,
		Powers: e.Powers, Days: e.Days, Terms: e.Terms, Reserved: e.Reserved, Sum: e.Sum, Decimals: e.Decimals, Greedy: e.Greedy}}
	return a, e.s.complete(ctx, h, &a)
}

func (e *hold) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	a, err := e.announcement(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	b, err := e.s.mandate.Body(ctx, h, a.Body)
	if err != nil {
		return effect.Change{}, err
	}
	t := func(s string, args ...any) string { return i18n.T(ctx, s, args...) }
	lines := []effect.Line{{Name: t("Body"), Text: b.Name}}
	if v, err := e.s.mandate.Body(ctx, h, a.Voters); err != nil {
		return effect.Change{}, err
	} else if !v.Root() {
		lines = append(lines, effect.Line{Name: t("Who votes"), Text: v.Name})
	}
	if a.Kind == Budget {
		lines = append(lines, effect.Line{Name: t("Sum"), Text: amount(a.Plan.Sum, a.Plan.Decimals)})
	} else {
		lines = append(lines, effect.Line{Name: t("Office"), Text: a.Plan.Office}, effect.Line{Name: t("Seats"), Text: fmt.Sprint(a.Plan.Seats)},
			effect.Line{Name: t("Powers"), Text: strings.Join(a.Plan.Powers, ", ")}, effect.Line{Name: t("Term"), Text: i18n.N(ctx, "%d day", "%d days", a.Plan.Days, a.Plan.Days)})
		lines = append(lines, a.Plan.seatLines(ctx)...)
	}
	how := t("by ballot")
	if a.Kind == Panel {
		how = t("by lot among those who stand")
	}
	lines = append(lines, effect.Line{Name: t("Method"), Text: how})
	return effect.Change{Base: "none", Title: t("Hold an election: %s", titleOf(a.Plan, b, a.Kind)), After: lines}, nil
}

// seatLines say of the seats what is not the same for all.
func (p *Plan) seatLines(ctx context.Context) []effect.Line {
	var terms, reserved []string
	for _, x := range p.Terms {
		terms = append(terms, i18n.T(ctx, "%d for %s", x.Seats, i18n.N(ctx, "%d day", "%d days", x.Days, x.Days)))
	}
	for _, x := range p.Reserved {
		reserved = append(reserved, i18n.T(ctx, "%d for %s", x.Seats, x.For))
	}
	var out []effect.Line
	if len(terms) > 0 {
		out = append(out, effect.Line{Name: i18n.T(ctx, "Staggered terms"), Text: strings.Join(terms, ", ")})
	}
	if len(reserved) > 0 {
		out = append(out, effect.Line{Name: i18n.T(ctx, "Reserved seats"), Text: strings.Join(reserved, ", ")})
	}
	return out
}

func (e *hold) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	a, err := e.announcement(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	a.OriginKind, a.OriginID = ByDecision, by.Decision
	return e.s.announceBy(ctx, tx, by, a, e, reason)
}

// callOff is the effect "call an election off".
type callOff struct {
	s        *Service
	Election int64 `json:"election"` // number
}

func (e *callOff) Target() authz.Target { return authz.Target{Kind: "election"} }

func (e *callOff) find(ctx context.Context, h db.Handle) (Election, error) {
	x, ok, err := getByNumber.Find(ctx, h, e.Election)
	switch {
	case err != nil:
		return x, err
	case !ok:
		return x, errNone
	case x.State != Nominations && x.State != Final && x.State != Open:
		return x, fault.New(fault.Conflict, "This election is over.")
	}
	return x, nil
}

func (e *callOff) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	x, err := e.find(ctx, h)
	if err != nil {
		return effect.Change{}, err
	}
	return effect.Change{Base: fmt.Sprintf("election:%s", x.ID), Title: i18n.T(ctx, "Call the election %d off: %s", x.Number, x.Title),
		Before: []effect.Line{{Name: i18n.T(ctx, "State"), Text: string(x.State)}}, After: []effect.Line{{Name: i18n.T(ctx, "State"), Text: string(Cancelled)}}}, nil
}

func (e *callOff) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	x, err := e.find(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	return e.s.cancel(ctx, tx, by, CallOff, &x, reason)
}

// Announcement is an election to be held.
type Announcement struct {
	Body, Voters id.ID
	Kind         string
	Text         string
	Plan         Plan
	OriginKind   string
	OriginID     id.ID
}

// complete fills what was left to the rule and refuses what cannot be held.
func (s *Service) complete(ctx context.Context, h db.Handle, a *Announcement) error {
	root, err := s.mandate.Root(ctx, h)
	if err != nil {
		return err
	}
	if a.Voters == 0 {
		a.Voters = root.ID
	}
	if a.Kind == "" {
		a.Kind = Office
	}
	if utf8.RuneCountInString(a.Text) > MaxText {
		return fault.Field("text", "Please keep the text to %d characters.", MaxText)
	}
	rule, err := s.rules.ForElection(ctx, h, a.Voters == root.ID)
	if err != nil {
		return err
	}
	rules := rule.Rule.ElectionIn()
	p := &a.Plan
	switch a.Kind {
	case Budget:
		if p.Sum < 1 || p.Sum > 1e14 || p.Decimals < 0 || p.Decimals > 4 {
			return fault.Field("sum", "Say how much there is to be spent.")
		}
		p.Office, p.Seats, p.Powers, p.Days, p.Terms, p.Reserved = "", 0, nil, 0, nil, nil
		_, err := s.mandate.Body(ctx, h, a.Body)
		return err
	case Office, Panel:
		p.Sum, p.Decimals, p.Greedy = 0, 0, false
	default:
		return fault.Field("kind", "An election is for an office, a panel or a budget.")
	}
	if p.Seats == 0 {
		p.Seats = 1
	}
	if p.Seats < 1 || p.Seats > maxSeats {
		return fault.Field("seats", "An office has 1 to %d seats.", maxSeats)
	}
	if p.Days == 0 {
		p.Days = rules.Term
	}
	if rules.Method == "irv/v1" && p.Seats > 1 {
		return fault.Field("seats", "The rule elects by %s, which fills one seat.", rules.Method)
	}
	if err := p.checkTerms(); err != nil {
		return err
	}
	may, err := s.mandate.MayDecide(ctx, h, a.Voters, mandate.Appoint, authz.Target{Kind: "body", ID: a.Body})
	if err != nil {
		return err
	}
	if !may {
		return fault.Field("voters", "The members of this body cannot give this office: it is not theirs to give.")
	}
	from := h.Now()
	return s.mandate.CheckOffice(ctx, h, mandate.Office{Body: a.Body, Name: p.Office, Powers: p.Powers, From: from, To: from.Add(time.Duration(p.Days) * day)})
}

func (p *Plan) checkTerms() error {
	seats := 0
	for i, t := range p.Terms {
		if t.Days < 1 || t.Days > p.Days || t.Seats < 1 || i > 0 && t.Days > p.Terms[i-1].Days {
			return fault.Field("terms", "Staggered terms have seats and days, the longest first, and none is longer than the term of the office.")
		}
		seats += t.Seats
	}
	if len(p.Terms) > 0 && seats != p.Seats {
		return fault.Field("terms", "The terms are for %d seats, and there are %d.", seats, p.Seats)
	}
	reserved := 0
	for i := range p.Reserved {
		p.Reserved[i].For = tidy(p.Reserved[i].For)
	}
	for i, r := range p.Reserved {
		if slices.ContainsFunc(p.Reserved[:i], func(x Seat) bool { return x.For == r.For }) {
			return fault.Field("reserved", "Seats for the same are reserved once.")
		}
		if r.For == "" || utf8.RuneCountInString(r.For) > 60 || r.Seats < 1 {
			return fault.Field("reserved", "A reserved seat says for whom, in up to 60 characters.")
		}
		reserved += r.Seats
	}
	if reserved > p.Seats {
		return fault.Field("reserved", "More seats are reserved than there are.")
	}
	return nil
}

// announceBy announces an election by authority, with its act.
func (s *Service) announceBy(ctx context.Context, tx *db.Tx, by authz.Actor, a Announcement, args any, reason string) (effect.Stored, error) {
	e, err := s.insert(ctx, tx, a)
	if err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(CallOff, &callOff{Election: e.Number})
	if err != nil {
		return inverse, err
	}
	authority, err := s.mandate.Perform(ctx, tx, by, authz.Act{Power: Hold, Target: authz.Target{Kind: "body", ID: a.Body}, Args: args, Inverse: inverse, Reason: reason})
	if err != nil {
		return inverse, err
	}
	return inverse, s.announced(ctx, tx, &e, record.Entry{Kind: "election.announced", Via: by.Via, Authority: authority})
}

// announce is for the calendar, which opens what was elected before.
func (s *Service) announce(ctx context.Context, tx *db.Tx, a Announcement) (Election, error) {
	if err := s.complete(ctx, tx, &a); err != nil {
		return Election{}, err
	}
	e, err := s.insert(ctx, tx, a)
	if err != nil {
		return e, err
	}
	entry := itself("announced")
	entry.Authority = authz.Authority{Kind: authz.Mandate, ID: a.OriginID}
	if a.OriginKind != Ending {
		entry.Authority = authz.Authority{Kind: authz.Election, ID: a.OriginID}
	}
	return e, s.announced(ctx, tx, &e, entry)
}

func (s *Service) announced(ctx context.Context, tx *db.Tx, e *Election, entry record.Entry) error {
	if err := s.note(ctx, tx, e, entry); err != nil {
		return err
	}
	return s.Announced.Emit(ctx, tx, *e)
}

func (s *Service) insert(ctx context.Context, tx *db.Tx, a Announcement) (Election, error) {
	body, err := s.mandate.Body(ctx, tx, a.Body)
	if err != nil {
		return Election{}, err
	}
	root, err := s.mandate.Root(ctx, tx)
	if err != nil {
		return Election{}, err
	}
	rule, err := s.rules.ForElection(ctx, tx, a.Voters == root.ID)
	if err != nil {
		return Election{}, err
	}
	rules := rule.Rule.ElectionIn()
	plan, err := json.Marshal(a.Plan)
	if err != nil {
		return Election{}, fmt.Errorf("announce election: %w", err)
	}
	frozen, err := json.Marshal(rules)
	if err != nil {
		return Election{}, fmt.Errorf("announce election: %w", err)
	}
	now := tx.Now()
	e := Election{ID: id.New(now), Kind: a.Kind, Body: a.Body, Voters: a.Voters, Title: titleOf(a.Plan, body, a.Kind), Text: a.Text, PlanJSON: string(plan), RuleID: rule.ID,
		RulesJSON: string(frozen), Waiting: rule.Rule.Waiting, Mode: ByName, State: Nominations, OriginKind: a.OriginKind, OriginID: a.OriginID, Announced: now,
		FinalAt: now.Add(time.Duration(rules.Nominations) * day), Revision: 1}
	e.schedule(rules)
	e.DueAt = e.FinalAt
	if rules.Secret {
		roll, err := s.rollOf(ctx, tx, &e)
		if err != nil {
			return e, err
		}
		if e.Mode = Secret; len(roll) < ballot.Least {
			e.Mode, e.ModeReason = ByName, ballot.MayBeSecret(len(roll)).Error()
		}
	}
	if _, err := lockNumbers.Run(ctx, tx); err != nil {
		return e, err
	}
	if e.Number, err = nextNumber.One(ctx, tx); err != nil {
		return e, err
	}
	_, err = insertElection.Run(ctx, tx, e.ID, e.Number, e.Kind, e.Body, e.Voters, e.Title, e.Text, e.PlanJSON, e.RuleID, e.RulesJSON, e.Waiting, e.Mode, e.ModeReason, e.State,
		e.OriginKind, e.OriginID, e.Announced, e.FinalAt, e.OpensAt, e.ClosesAt, e.DueAt)
	return e, err
}

// schedule sets what follows from the day on which the candidates are final.
func (e *Election) schedule(r rulebook.Election) {
	e.OpensAt = e.FinalAt.Add(time.Duration(r.Final) * day)
	e.ClosesAt = e.OpensAt.Add(time.Duration(r.Open) * day)
}

// cancel calls an election off by authority.
func (s *Service) cancel(ctx context.Context, tx *db.Tx, by authz.Actor, power string, e *Election, reason string) (effect.Stored, error) {
	plan := e.Plan()
	inverse, err := effect.Store(Hold, &hold{Body: e.Body, Voters: e.Voters, Kind: e.Kind, Office: plan.Office, Seats: plan.Seats, Powers: plan.Powers, Days: plan.Days,
		Terms: plan.Terms, Reserved: plan.Reserved, Sum: plan.Sum, Decimals: plan.Decimals, Greedy: plan.Greedy, Text: e.Text})
	if err != nil {
		return inverse, err
	}
	authority, err := s.mandate.Perform(ctx, tx, by, authz.Act{Power: power, Target: authz.Target{Kind: "election", ID: e.ID}, Args: map[string]any{"election": e.Number},
		Inverse: inverse, Reason: reason})
	if err != nil {
		return inverse, err
	}
	if err := s.endBallot(ctx, tx, e); err != nil {
		return inverse, err
	}
	e.State, e.Cause, e.DueAt = Cancelled, reason, time.Time{}
	entry := record.Entry{Kind: "election.cancelled", Via: by.Via, Authority: authority, Reason: reason}
	if by.Member != 0 {
		entry.Member = ref.Ref{Kind: "member", ID: by.Member}
	}
	if err := s.save(ctx, tx, e, entry); err != nil {
		return inverse, err
	}
	if err := s.Moved.Emit(ctx, tx, *e); err != nil {
		return inverse, err
	}
	return inverse, s.follow(ctx, tx, e)
}

// endBallot ends the vote of an election that ends before it: the keys are erased, and the ballots are
// destroyed unread. Nobody is to learn how a vote stood that the members called off.
func (s *Service) endBallot(ctx context.Context, tx *db.Tx, e *Election) error {
	if e.State != Open || e.Mode != Secret {
		return nil
	}
	v, ok, err := s.ballot.Of(ctx, tx, e.Ref())
	if err != nil || !ok {
		return err
	}
	return s.ballot.Void(ctx, tx, v.ID)
}

func amount(units int64, decimals int) string {
	text := fmt.Sprintf("%0*d", decimals+1, units)
	if decimals == 0 {
		return text
	}
	return text[:len(text)-decimals] + "." + text[len(text)-decimals:]
}
