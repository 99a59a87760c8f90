package mandate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// The powers over bodies and offices.
const (
	CreateBody   = "body.create"
	ChangeBody   = "body.change"
	DissolveBody = "body.dissolve"
	SeatMember   = "body.seat"
	Appoint      = "mandate.appoint"
	Recall       = "mandate.recall"
	RatifyTerm   = "mandate.ratify"
	RatifyAct    = "act.ratify"
)

// Powers are the powers of this feature.
func Powers() []authz.Power {
	return []authz.Power{
		{Name: CreateBody, What: i18n.Key("Form a working group, circle or board")},
		{Name: ChangeBody, What: i18n.Key("Change a body's name, aim, domain or seats")},
		{Name: DissolveBody, What: i18n.Key("Dissolve a body"), Reserved: true},
		{Name: SeatMember, What: i18n.Key("Take members into a body, or out of it")},
		{Name: Appoint, What: i18n.Key("Give an office in a body, with powers and a term")},
		{Name: Recall, What: i18n.Key("Recall the holder of an office"), Reserved: true},
		{Name: RatifyTerm, What: i18n.Key("Ratify a founding mandate, or prolong a term"), Reserved: true},
		{Name: RatifyAct, What: i18n.Key("Ratify what was done in an emergency"), Reserved: true, Meeting: true, Irreversible: true},
	}
}

// Effects are the changes of bodies and offices that a decision can carry.
func (s *Service) Effects() effect.Registry {
	body := effect.Field{Name: "body", Label: i18n.Key("Body"), Kind: "body"}
	shape := []effect.Field{
		{Name: "name", Label: i18n.Key("Name"), Kind: "text"},
		{Name: "aim", Label: i18n.Key("Aim"), Hint: i18n.Key("What the body is there for."), Kind: "area"},
		{Name: "domain", Label: i18n.Key("Domain"), Hint: i18n.Key("The powers the body may use and give."), Kind: "powers", Optional: true},
		{Name: "seats", Label: i18n.Key("Seats"), Hint: i18n.Key("0 means as many as want."), Kind: "number", Optional: true},
		{Name: "joining", Label: i18n.Key("Joining"), Kind: "select", Options: []string{Open, Closed}},
	}
	return effect.Registry{
		{Name: CreateBody, What: i18n.Key("Form a working group, circle or board"), New: func() effect.Effect { return &createBody{s: s} },
			Fields: append([]effect.Field{{Name: "parent", Label: i18n.Key("Below"), Kind: "body"},
				{Name: "kind", Label: i18n.Key("Kind of body"), Kind: "select", Options: []string{WorkingGroup, Circle, Board}},
				{Name: "handle", Label: i18n.Key("Short name"), Hint: i18n.Key("For its address and its account: lower-case letters, digits, hyphens."), Kind: "text"}}, shape...)},
		{Name: ChangeBody, What: i18n.Key("Change a body"), New: func() effect.Effect { return &changeBody{s: s} }, Fields: append([]effect.Field{body}, shape...)},
		{Name: DissolveBody, What: i18n.Key("Dissolve a body"), New: func() effect.Effect { return &dissolveBody{s: s} }, Fields: []effect.Field{body}},
		{Name: SeatMember, What: i18n.Key("Take a member into a body, or out of it"), New: func() effect.Effect { return &seatMember{s: s} },
			Fields: []effect.Field{body, {Name: "member", Label: i18n.Key("Member"), Kind: "member"}, {Name: "out", Label: i18n.Key("Out of the body"), Kind: "checkbox", Optional: true}}},
		{Name: Appoint, What: i18n.Key("Appoint a member to an office"), New: func() effect.Effect { return &appoint{s: s} },
			Concerns: s.concerns,
			Fields: []effect.Field{body, {Name: "member", Label: i18n.Key("Member"), Kind: "member"}, {Name: "office", Label: i18n.Key("Office"), Kind: "text"},
				{Name: "powers", Label: i18n.Key("Powers"), Kind: "powers"}, {Name: "days", Label: i18n.Key("Term in days"), Kind: "number"}}},
		{Name: Recall, What: i18n.Key("Recall the holder of an office"), New: func() effect.Effect { return &recall{s: s} }, Concerns: s.concerns,
			Fields: []effect.Field{{Name: "mandate", Label: i18n.Key("Office"), Kind: "mandate"}}},
		{Name: RatifyTerm, What: i18n.Key("Ratify or prolong a mandate"), New: func() effect.Effect { return &ratifyTerm{s: s} }, Concerns: s.concerns,
			Fields: []effect.Field{{Name: "mandate", Label: i18n.Key("Office"), Kind: "mandate"}, {Name: "days", Label: i18n.Key("Term from now, in days"), Kind: "number"}}},
		{Name: RatifyAct, What: i18n.Key("Ratify emergency acts"), New: func() effect.Effect { return &ratifyActs{s: s} },
			Fields: []effect.Field{{Name: "acts", Label: i18n.Key("Acts"), Kind: "acts"}}},
	}
}

// concerns is the member whom an effect on an office is about.
func (s *Service) concerns(ctx context.Context, h db.Handle, e effect.Effect) (authz.Target, error) {
	var mandate id.ID
	switch e := e.(type) {
	case *appoint:
		return authz.Target{Kind: "member", ID: e.Member}, nil
	case *recall:
		mandate = e.Mandate
	case *ratifyTerm:
		mandate = e.Mandate
	}
	m, err := s.Get(ctx, h, mandate)
	return authz.Target{Kind: "member", ID: m.MemberID}, err
}

// version is the base an effect on a body or an office is bound to.
func version(kind string, i id.ID, n int) string { return fmt.Sprintf("%s:%s/%d", kind, i, n) }

func join(list []string) string { return strings.Join(list, ", ") }

func (s *Service) standing(ctx context.Context, h db.Handle, i id.ID) (Body, error) {
	b, err := s.Body(ctx, h, i)
	if err == nil && !b.DissolvedAt.IsZero() {
		err = fault.New(fault.Gone, "%s has been dissolved.", b.Name)
	}
	return b, err
}

type createBody struct {
	s       *Service
	Parent  id.ID    `json:"parent"`
	Kind    string   `json:"kind"`
	Handle  string   `json:"handle"`
	Name    string   `json:"name"`
	Aim     string   `json:"aim"`
	Domain  []string `json:"domain"`
	Seats   int      `json:"seats"`
	Joining string   `json:"joining"`
}

func (e *createBody) Target() authz.Target { return authz.Target{Kind: "body", ID: e.Parent} }

func (e *createBody) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	if err := e.s.checkBody(e.Name, e.Aim, e.Domain, e.Seats, e.Joining); err != nil {
		return effect.Change{}, err
	}
	if !slices.Contains([]string{WorkingGroup, Circle, Board}, e.Kind) {
		return effect.Change{}, fault.Field("kind", "A body is a working group, a circle or a board.")
	}
	if !handlePattern.MatchString(e.Handle) {
		return effect.Change{}, fault.Field("handle", "A short name has lower-case letters, digits and hyphens, 30 at most.")
	}
	if _, ok, err := getBodyByHandle.Find(ctx, h, e.Handle); err != nil || ok {
		return effect.Change{}, errors.Join(err, orTaken(ok, e.Handle))
	}
	p, err := e.s.standing(ctx, h, e.Parent)
	if err != nil {
		return effect.Change{}, err
	}
	return effect.Change{Base: "none", Title: i18n.T(ctx, "Form the %s “%s”", e.Kind, e.Name),
		After: append([]effect.Line{{Name: i18n.T(ctx, "Below"), Text: p.Name}, {Name: i18n.T(ctx, "Address"), Text: "/groups/" + e.Handle}},
			shapeLines(ctx, e.Name, e.Aim, e.Domain, e.Seats, e.Joining)...)}, nil
}

func orTaken(taken bool, handle string) error {
	if taken {
		return fault.Field("handle", "There is a body called %s already.", handle)
	}
	return nil
}

func shapeLines(ctx context.Context, name, aim string, domain []string, seats int, joining string) []effect.Line {
	places := i18n.T(ctx, "as many as want")
	if seats > 0 {
		places = strconv.Itoa(seats)
	}
	return []effect.Line{{Name: i18n.T(ctx, "Name"), Text: name}, {Name: i18n.T(ctx, "Aim"), Text: aim}, {Name: i18n.T(ctx, "Domain"), Text: join(domain)},
		{Name: i18n.T(ctx, "Seats"), Text: places}, {Name: i18n.T(ctx, "Joining"), Text: joining}}
}

func (e *createBody) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if _, err := e.Check(ctx, tx); err != nil {
		return effect.Stored{}, err
	}
	domain, err := e.s.granting(ctx, tx, by, CreateBody, e.Target(), e.Domain)
	if err != nil {
		return effect.Stored{}, err
	}
	b := Body{ID: id.New(tx.Now()), ParentID: e.Parent, Kind: e.Kind, Handle: e.Handle, Name: e.Name, Aim: e.Aim, DomainJSON: domain, Seats: e.Seats,
		Joining: e.Joining, CreatedAt: tx.Now(), Version: 1}
	if err := e.s.insertBody(ctx, tx, b); err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(DissolveBody, &dissolveBody{Body: b.ID})
	if err != nil {
		return inverse, err
	}
	// The act bears on the parent, in whose domain it is; the event is about the new body.
	if err := e.s.performOn(ctx, tx, by, CreateBody, e.Target(), ref.Ref{Kind: "body", ID: b.ID}, "body.formed", reason, map[string]any{"handle": b.Handle, "kind": b.Kind}, inverse, b.state()); err != nil {
		return inverse, err
	}
	return inverse, e.s.Formed.Emit(ctx, tx, b)
}

// granting authorises an act that hands on powers, and refuses powers that its authority lacks.
func (s *Service) granting(ctx context.Context, tx *db.Tx, by authz.Actor, power string, target authz.Target, given []string) (asJSON string, err error) {
	authority, err := s.Authorise(ctx, tx, by, power, target)
	if err != nil {
		return "", err
	}
	if len(given) > 0 {
		reach, _, err := s.reach(ctx, tx, by, authority)
		if err != nil {
			return "", err
		}
		if outside, ok := s.narrower(given, reach); !ok {
			return "", fault.New(fault.Forbidden, "Nobody can give a power they lack: %s is outside.", outside)
		}
	}
	b, err := json.Marshal(append([]string{}, given...))
	return string(b), err
}

// performOn is Perform for an act that is judged by one target and recorded as about another.
func (s *Service) performOn(ctx context.Context, tx *db.Tx, by authz.Actor, power string, judged authz.Target, about ref.Ref, event, reason string, args any, inverse effect.Stored, state any) error {
	authority, err := s.Perform(ctx, tx, by, authz.Act{Power: power, Target: judged, Reason: reason, Args: args, Inverse: inverse})
	if err != nil {
		return err
	}
	_, err = s.record.Append(ctx, tx, record.Entry{Kind: event, Subject: about, Via: by.Via, Authority: authority, Data: args, State: state})
	return err
}

type changeBody struct {
	s       *Service
	Body    id.ID    `json:"body"`
	Name    string   `json:"name"`
	Aim     string   `json:"aim"`
	Domain  []string `json:"domain"`
	Seats   int      `json:"seats"`
	Joining string   `json:"joining"`
	Restore bool     `json:"restore,omitempty"` // a dissolved body stands again
}

func (e *changeBody) Target() authz.Target { return authz.Target{Kind: "body", ID: e.Body} }

func (e *changeBody) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	b, err := e.s.Body(ctx, h, e.Body)
	if err != nil {
		return effect.Change{}, err
	}
	if !b.DissolvedAt.IsZero() && !e.Restore {
		return effect.Change{}, fault.New(fault.Gone, "%s has been dissolved.", b.Name)
	}
	if err := e.s.checkBody(e.Name, e.Aim, e.Domain, e.Seats, e.Joining); err != nil {
		return effect.Change{}, err
	}
	if b.Root() && (!slices.Equal(e.Domain, []string{"*"}) || e.Joining != Closed || e.Seats != 0) {
		return effect.Change{}, fault.New(fault.Invalid, "The general meeting is all members, and everything is in its domain: only its name and aim can change.")
	}
	return effect.Change{Base: version("body", b.ID, b.Version), Title: i18n.T(ctx, "Change the %s “%s”", b.Kind, b.Name),
		Before: shapeLines(ctx, b.Name, b.Aim, b.Domain(), b.Seats, b.Joining), After: shapeLines(ctx, e.Name, e.Aim, e.Domain, e.Seats, e.Joining)}, nil
}

func (e *changeBody) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if _, err := e.Check(ctx, tx); err != nil {
		return effect.Stored{}, err
	}
	b, err := e.s.Body(ctx, tx, e.Body)
	if err != nil {
		return effect.Stored{}, err
	}
	old := &changeBody{Body: b.ID, Name: b.Name, Aim: b.Aim, Domain: b.Domain(), Seats: b.Seats, Joining: b.Joining}
	inverse, err := effect.Store(ChangeBody, old)
	had := b.Domain()
	if !b.DissolvedAt.IsZero() {
		had = nil // the domain ended with the body: who lets it stand again gives it anew
		inverse, err = effect.Store(DissolveBody, &dissolveBody{Body: b.ID})
	}
	if err != nil {
		return inverse, err
	}
	if b.DomainJSON, err = e.s.granting(ctx, tx, by, ChangeBody, e.Target(), added(e.Domain, had)); err != nil {
		return inverse, err
	}
	domain, err := json.Marshal(append([]string{}, e.Domain...))
	if err != nil {
		return inverse, err
	}
	b.Name, b.Aim, b.DomainJSON, b.Seats, b.Joining, b.DissolvedAt = e.Name, e.Aim, string(domain), e.Seats, e.Joining, time.Time{}
	if err := e.s.saveBody(ctx, tx, &b); err != nil {
		return inverse, err
	}
	_, err = e.s.Perform(ctx, tx, by, authz.Act{Power: ChangeBody, Target: e.Target(), Reason: reason, Args: e, Inverse: inverse, State: b.state()})
	return inverse, err
}

// added are the patterns of a domain that were not there before: only those need somebody who has them.
func added(after, before []string) []string {
	return slices.DeleteFunc(slices.Clone(after), func(p string) bool { return slices.Contains(before, p) })
}

type dissolveBody struct {
	s    *Service
	Body id.ID `json:"body"`
}

func (e *dissolveBody) Target() authz.Target { return authz.Target{Kind: "body", ID: e.Body} }

func (e *dissolveBody) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	b, err := e.s.standing(ctx, h, e.Body)
	if err != nil {
		return effect.Change{}, err
	}
	if b.Root() {
		return effect.Change{}, fault.New(fault.Invalid, "The general meeting cannot be dissolved.")
	}
	return effect.Change{Base: version("body", b.ID, b.Version), Title: i18n.T(ctx, "Dissolve the %s “%s”", b.Kind, b.Name),
		Before: shapeLines(ctx, b.Name, b.Aim, b.Domain(), b.Seats, b.Joining),
		After:  []effect.Line{{Name: i18n.T(ctx, "Name"), Text: i18n.T(ctx, "dissolved, with its seats and offices")}}}, nil
}

func (e *dissolveBody) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if _, err := e.Check(ctx, tx); err != nil {
		return effect.Stored{}, err
	}
	b, err := e.s.Body(ctx, tx, e.Body)
	if err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(ChangeBody, &changeBody{Body: b.ID, Name: b.Name, Aim: b.Aim, Domain: b.Domain(), Seats: b.Seats, Joining: b.Joining, Restore: true})
	if err != nil {
		return inverse, err
	}
	return inverse, e.s.dissolve(ctx, tx, by, b, reason, inverse)
}

type seatMember struct {
	s      *Service
	Body   id.ID `json:"body"`
	Member id.ID `json:"member"`
	Out    bool  `json:"out,omitempty"`
}

func (e *seatMember) Target() authz.Target { return authz.Target{Kind: "body", ID: e.Body} }

func (e *seatMember) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	b, err := e.s.standing(ctx, h, e.Body)
	if err != nil {
		return effect.Change{}, err
	}
	sits, err := e.s.Sits(ctx, h, b.ID, e.Member)
	if err != nil {
		return effect.Change{}, err
	}
	if b.Root() || e.Member == 0 {
		return effect.Change{}, fault.New(fault.Invalid, "Choose a member, and a body other than the general meeting.")
	}
	if sits == !e.Out {
		return effect.Change{}, fault.New(fault.Conflict, "That is so already.")
	}
	if !e.Out {
		if err := e.s.mayTake(ctx, h, e.Member); err != nil {
			return effect.Change{}, err
		}
	}
	ch := effect.Change{Base: fmt.Sprintf("seat:%s:%s:%t", b.ID, e.Member, sits), Title: i18n.T(ctx, "Take a member into “%s”", b.Name)}
	line := []effect.Line{{Name: i18n.T(ctx, "Member"), Text: ref.Ref{Kind: "member", ID: e.Member}.String()}}
	if ch.After = line; e.Out {
		ch.Title, ch.Before, ch.After = i18n.T(ctx, "Take a member out of “%s”", b.Name), line, nil
	}
	return ch, nil
}

func (e *seatMember) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if _, err := e.Check(ctx, tx); err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(SeatMember, &seatMember{Body: e.Body, Member: e.Member, Out: !e.Out})
	if err != nil {
		return inverse, err
	}
	authority, err := e.s.Perform(ctx, tx, by, authz.Act{Power: SeatMember, Target: e.Target(), Reason: reason, Args: e, Inverse: inverse})
	if err != nil {
		return inverse, err
	}
	if e.Out {
		seat, err := getSeat.One(ctx, tx, e.Body, e.Member)
		if err != nil {
			return inverse, err
		}
		return inverse, e.s.unseat(ctx, tx, seat, record.Entry{Kind: "seat.ended", Via: by.Via, Authority: authority})
	}
	b, err := e.s.Body(ctx, tx, e.Body)
	if err != nil {
		return inverse, err
	}
	seat, err := e.s.sit(ctx, tx, b, e.Member)
	if err != nil {
		return inverse, err
	}
	_, err = e.s.record.Append(ctx, tx, record.Entry{Kind: "seat.given", Subject: ref.Ref{Kind: "seat", ID: seat.ID}, Via: by.Via, Authority: authority, State: seat.state()})
	return inverse, err
}

// mayTake refuses seats and offices for those who are no members, or have no rights now.
func (s *Service) mayTake(ctx context.Context, h db.Handle, member id.ID) error {
	if s.MayHold == nil {
		return nil
	}
	ok, err := s.MayHold(ctx, h, member)
	if err == nil && !ok {
		err = fault.New(fault.Conflict, "This person is not a member with all rights now.")
	}
	return err
}

type appoint struct {
	s      *Service
	Body   id.ID    `json:"body"`
	Member id.ID    `json:"member"`
	Office string   `json:"office"`
	Powers []string `json:"powers"`
	Days   int      `json:"days"`
}

func (e *appoint) Target() authz.Target { return authz.Target{Kind: "body", ID: e.Body} }

func (e *appoint) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	b, err := e.s.standing(ctx, h, e.Body)
	if err != nil {
		return effect.Change{}, err
	}
	if e.Office == "" || utf8.RuneCountInString(e.Office) > 60 {
		return effect.Change{}, fault.Field("office", "An office has a name of 1 to 60 characters.")
	}
	if e.Member == 0 {
		return effect.Change{}, fault.Field("member", "Choose a member.")
	}
	if err := e.s.mayTake(ctx, h, e.Member); err != nil {
		return effect.Change{}, err
	}
	if e.Days < 1 || time.Duration(e.Days)*day > MaxTerm {
		return effect.Change{}, fault.Field("days", "A term has an end: 1 to %d days.", int(MaxTerm/day))
	}
	for _, p := range e.Powers {
		x, ok := e.s.power(p)
		switch {
		case !ok:
			return effect.Change{}, fault.Field("powers", "No power is called %q.", p)
		case x.Reserved:
			return effect.Change{}, fault.Field("powers", "The power %s belongs to decisions alone.", p)
		case !covers(b.Domain(), p):
			return effect.Change{}, fault.Field("powers", "The power %s is outside the domain of %s.", p, b.Name)
		}
	}
	held, err := listComing.All(ctx, h, h.Now())
	if err != nil {
		return effect.Change{}, err
	}
	for _, m := range held {
		if m.MemberID == e.Member && m.BodyID == e.Body && strings.EqualFold(m.Office, e.Office) {
			return effect.Change{}, fault.New(fault.Conflict, "This member holds the office already.")
		}
	}
	return effect.Change{Base: "none", Title: i18n.T(ctx, "Appoint a member as %s in “%s”", e.Office, b.Name), After: []effect.Line{
		{Name: i18n.T(ctx, "Member"), Text: ref.Ref{Kind: "member", ID: e.Member}.String()}, {Name: i18n.T(ctx, "Office"), Text: e.Office},
		{Name: i18n.T(ctx, "Powers"), Text: join(e.Powers)}, {Name: i18n.T(ctx, "Term"), Text: i18n.N(ctx, "%d day", "%d days", e.Days, e.Days)}}}, nil
}

func (e *appoint) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	if _, err := e.Check(ctx, tx); err != nil {
		return effect.Stored{}, err
	}
	powers, err := e.s.granting(ctx, tx, by, Appoint, e.Target(), e.Powers)
	if err != nil {
		return effect.Stored{}, err
	}
	authority, err := e.s.Authorise(ctx, tx, by, Appoint, e.Target())
	if err != nil {
		return effect.Stored{}, err
	}
	_, until, err := e.s.reach(ctx, tx, by, authority)
	if err != nil {
		return effect.Stored{}, err
	}
	m := Mandate{ID: id.New(tx.Now()), MemberID: e.Member, BodyID: e.Body, Office: e.Office, PowersJSON: powers, From: tx.Now(),
		To: tx.Now().Add(time.Duration(e.Days) * day), SourceKind: string(authority.Kind), SourceID: authority.ID}
	if m.To.After(until) { // a mandate given by a mandate ends with it at the latest
		m.To = until
	}
	if err := e.s.insertMandate(ctx, tx, m); err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(Recall, &recall{Mandate: m.ID})
	if err != nil {
		return inverse, err
	}
	if err := e.s.performOn(ctx, tx, by, Appoint, e.Target(), ref.Ref{Kind: "mandate", ID: m.ID}, "mandate.given", reason, e, inverse, m.state()); err != nil {
		return inverse, err
	}
	full, err := e.s.Get(ctx, tx, m.ID)
	if err != nil {
		return inverse, err
	}
	return inverse, e.s.Offered.Emit(ctx, tx, full)
}

type recall struct {
	s       *Service
	Mandate id.ID `json:"mandate"`
}

func (e *recall) Target() authz.Target { return authz.Target{Kind: "mandate", ID: e.Mandate} }

func (e *recall) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	m, err := e.s.running(ctx, h, e.Mandate)
	if err != nil {
		return effect.Change{}, err
	}
	return effect.Change{Base: ref.Ref{Kind: "mandate", ID: m.ID}.String(), Title: i18n.T(ctx, "Recall the %s of “%s”", m.Office, m.BodyName), Before: []effect.Line{
		{Name: i18n.T(ctx, "Member"), Text: ref.Ref{Kind: "member", ID: m.MemberID}.String()}, {Name: i18n.T(ctx, "Office"), Text: m.Office},
		{Name: i18n.T(ctx, "Powers"), Text: join(m.Powers())}}, After: []effect.Line{{Name: i18n.T(ctx, "Office"), Text: i18n.T(ctx, "vacant")}}}, nil
}

func (s *Service) running(ctx context.Context, h db.Handle, mandate id.ID) (Mandate, error) {
	m, err := s.Get(ctx, h, mandate)
	if err == nil && (!m.EndedAt.IsZero() || !h.Now().Before(m.To)) {
		err = fault.New(fault.Gone, "This office has ended already.")
	}
	return m, err
}

func (e *recall) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	m, err := e.s.running(ctx, tx, e.Mandate)
	if err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(Appoint, &appoint{Body: m.BodyID, Member: m.MemberID, Office: m.Office, Powers: m.Powers(), Days: max(1, int(m.To.Sub(tx.Now())/day))})
	if err != nil {
		return inverse, err
	}
	authority, err := e.s.Perform(ctx, tx, by, authz.Act{Power: Recall, Target: e.Target(), Reason: reason, Args: e, Inverse: inverse})
	if err != nil {
		return inverse, err
	}
	return inverse, e.s.endMandate(ctx, tx, m, Recalled, record.Entry{Kind: "mandate.recalled", Via: by.Via, Authority: authority})
}

type ratifyTerm struct {
	s       *Service
	Mandate id.ID `json:"mandate"`
	Days    int   `json:"days"`
}

func (e *ratifyTerm) Target() authz.Target { return authz.Target{Kind: "mandate", ID: e.Mandate} }

func (e *ratifyTerm) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	m, err := e.s.running(ctx, h, e.Mandate)
	if err != nil {
		return effect.Change{}, err
	}
	if e.Days < 1 || time.Duration(e.Days)*day > MaxTerm {
		return effect.Change{}, fault.Field("days", "A term has an end: 1 to %d days.", int(MaxTerm/day))
	}
	return effect.Change{Base: fmt.Sprintf("mandate:%s:%d", m.ID, m.To.UnixMilli()), Title: i18n.T(ctx, "Ratify the mandate of the %s of “%s”", m.Office, m.BodyName),
		Before: []effect.Line{{Name: i18n.T(ctx, "Ends"), Text: m.To.Format(time.DateOnly)}},
		After:  []effect.Line{{Name: i18n.T(ctx, "Ends"), Text: i18n.N(ctx, "%d day after the decision", "%d days after the decision", e.Days, e.Days)}}}, nil
}

func (e *ratifyTerm) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	m, err := e.s.running(ctx, tx, e.Mandate)
	if err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(Recall, &recall{Mandate: m.ID})
	if err != nil {
		return inverse, err
	}
	to := tx.Now().Add(time.Duration(e.Days) * day)
	if n, err := extendMandate.Run(ctx, tx, m.ID, to, m.To); err != nil || n == 0 {
		return inverse, orConflict(err, "This office has changed meanwhile.")
	}
	m.To = to
	_, err = e.s.Perform(ctx, tx, by, authz.Act{Power: RatifyTerm, Target: e.Target(), Reason: reason, Args: e, Inverse: inverse, State: m.state()})
	return inverse, err
}

type ratifyActs struct {
	s    *Service
	Acts []id.ID `json:"acts"`
}

func (e *ratifyActs) Target() authz.Target { return authz.Target{Kind: "act"} }

func (e *ratifyActs) Check(ctx context.Context, h db.Handle) (effect.Change, error) {
	ch := effect.Change{Base: "waiting", Title: i18n.T(ctx, "Ratify what was done before a decision")}
	for _, a := range e.Acts {
		x, ok, err := getEmergency.Find(ctx, h, a)
		if err != nil || !ok {
			return ch, orNone(err, "There is no such act waiting.")
		}
		if !x.EndedAt.IsZero() && x.Outcome != Review {
			ch.Base = "changed"
			continue
		}
		ch.Before = append(ch.Before, effect.Line{Name: x.Power, Text: i18n.T(ctx, "stands until %s unless ratified", x.Due.Format(time.DateOnly))})
		ch.After = append(ch.After, effect.Line{Name: x.Power, Text: i18n.T(ctx, "stands")})
	}
	return ch, nil
}

func (e *ratifyActs) Apply(ctx context.Context, tx *db.Tx, by authz.Actor, reason string) (effect.Stored, error) {
	authority, err := e.s.Perform(ctx, tx, by, authz.Act{Power: RatifyAct, Target: e.Target(), Reason: reason, Args: e})
	if err != nil {
		return effect.Stored{}, err
	}
	for _, a := range e.Acts {
		x, ok, err := getEmergency.Find(ctx, tx, a)
		if err != nil || !ok {
			return effect.Stored{}, orNone(err, "There is no such act waiting.")
		}
		if !x.EndedAt.IsZero() {
			continue // an officer ratified it meanwhile, or it is being reviewed, which this answers
		}
		if err := e.s.conclude(ctx, tx, x, Ratified, record.Entry{Via: by.Via, Authority: authority}); err != nil {
			return effect.Stored{}, err
		}
	}
	return effect.Stored{}, nil
}
