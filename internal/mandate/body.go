package mandate

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
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

// Kinds of bodies. The general meeting is the one root: all members.
const (
	GeneralMeeting = "general meeting"
	WorkingGroup   = "working group"
	Circle         = "circle"
	Board          = "board"
)

// How a body takes in members: Open to whoever wants, or Closed: by appointment, or by whoever holds
// the power body.seat in it.
const (
	Open   = "open"
	Closed = "closed"
)

// Body is an organ of the co-op: a working group, a circle, a board, or the general meeting above them.
type Body struct {
	ID          id.ID     `db:"id"`
	ParentID    id.ID     `db:"parent_id"`
	Kind        string    `db:"kind"`
	Handle      string    `db:"handle"`
	Name        string    `db:"name"`
	Aim         string    `db:"aim"`
	DomainJSON  string    `db:"domain"`
	Seats       int       `db:"seats"` // 0: as many as want
	Joining     string    `db:"joining"`
	AccountID   id.ID     `db:"account_id"`
	CreatedAt   time.Time `db:"created_at"`
	DissolvedAt time.Time `db:"dissolved_at"`
	Version     int       `db:"version"`
}

// Domain are the powers the body may use and give, as patterns.
func (b *Body) Domain() []string { return parseList(b.DomainJSON) }

// Root reports whether it is the general meeting.
func (b *Body) Root() bool { return b.ParentID == 0 }

type bodyState struct {
	Parent    id.ID           `json:"parent,omitempty"`
	Kind      string          `json:"kind"`
	Handle    string          `json:"handle"`
	Name      string          `json:"name"`
	Aim       string          `json:"aim"`
	Domain    json.RawMessage `json:"domain"`
	Seats     int             `json:"seats,omitempty"`
	Joining   string          `json:"joining"`
	Version   int             `json:"version"`
	Dissolved *time.Time      `json:"dissolved,omitempty"`
}

func (b *Body) state() bodyState {
	return bodyState{b.ParentID, b.Kind, b.Handle, b.Name, b.Aim, json.RawMessage(b.DomainJSON), b.Seats, b.Joining, b.Version, timeOrNil(b.DissolvedAt)}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Seat is the membership of a body.
type Seat struct {
	ID     id.ID     `db:"id"`
	Body   id.ID     `db:"body_id"`
	Member id.ID     `db:"member_id"`
	From   time.Time `db:"from_at"`
	Until  time.Time `db:"until_at"`
}

type seatState struct {
	Body   id.ID      `json:"body"`
	Member id.ID      `json:"member"`
	From   time.Time  `json:"from"`
	Until  *time.Time `json:"until,omitempty"`
}

func (s *Seat) state() seatState { return seatState{s.Body, s.Member, s.From, timeOrNil(s.Until)} }

// FormRoot makes the general meeting. It is part of the founding and happens once.
func (s *Service) FormRoot(ctx context.Context, tx *db.Tx, name string) (Body, error) {
	b := Body{ID: id.New(tx.Now()), Kind: GeneralMeeting, Handle: "general-meeting", Name: name, DomainJSON: `["*"]`, Joining: Closed, Version: 1,
		Aim: "Everything that the members have not given to another body.", CreatedAt: tx.Now()}
	if err := s.insertBody(ctx, tx, b); err != nil {
		return b, err
	}
	_, err := s.record.Append(ctx, tx, record.Entry{Kind: "body.formed", Subject: ref.Ref{Kind: "body", ID: b.ID},
		Authority: authz.Authority{Kind: authz.Genesis}, Data: map[string]any{"kind": b.Kind, "handle": b.Handle, "name": b.Name, "aim": b.Aim}, State: b.state()})
	return b, err
}

func (s *Service) insertBody(ctx context.Context, tx *db.Tx, b Body) error {
	_, err := insertBody.Run(ctx, tx, b.ID, b.ParentID, b.Kind, b.Handle, b.Name, b.Aim, b.DomainJSON, b.Seats, b.Joining, b.AccountID, b.CreatedAt, b.DissolvedAt, b.Version)
	return err
}

// Body is one body.
func (s *Service) Body(ctx context.Context, h db.Handle, i id.ID) (Body, error) {
	b, ok, err := getBody.Find(ctx, h, i)
	return b, orMissing(ok, err)
}

// BodyByHandle is one body by its name in addresses.
func (s *Service) BodyByHandle(ctx context.Context, h db.Handle, handle string) (Body, error) {
	b, ok, err := getBodyByHandle.Find(ctx, h, strings.ToLower(strings.TrimPrefix(handle, "@")))
	return b, orMissing(ok, err)
}

// Root is the general meeting.
func (s *Service) Root(ctx context.Context, h db.Handle) (Body, error) {
	b, ok, err := getRoot.Find(ctx, h)
	return b, orMissing(ok, err)
}

func orMissing(ok bool, err error) error {
	if err == nil && !ok {
		return fault.New(fault.NotFound, "There is no such body.")
	}
	return err
}

// Bodies lists all bodies that stand, the root first, children after their parents.
func (s *Service) Bodies(ctx context.Context, h db.Handle) ([]Body, error) {
	all, err := listBodies.All(ctx, h)
	return slices.DeleteFunc(all, func(b Body) bool { return !b.DissolvedAt.IsZero() }), err
}

// within reports whether a body is the other or lies below it.
func (s *Service) within(ctx context.Context, h db.Handle, body, above id.ID) (bool, error) {
	for range 64 {
		if body == above {
			return true, nil
		}
		b, ok, err := getBody.Find(ctx, h, body)
		if err != nil || !ok || b.ParentID == 0 {
			return false, err
		}
		body = b.ParentID
	}
	return false, errors.New("the tree of bodies has a circle")
}

// SetBodyAccount keeps which fediverse account is the body's.
func (s *Service) SetBodyAccount(ctx context.Context, tx *db.Tx, body, account id.ID) error {
	_, err := setBodyAccount.Run(ctx, tx, body, account)
	return err
}

// SeatsOf lists the bodies a member sits in.
func (s *Service) SeatsOf(ctx context.Context, h db.Handle, member id.ID) ([]Seat, error) {
	return listSeatsOf.All(ctx, h, member)
}

// SeatsIn lists the members of a body at an instant, the longest there first. The general meeting has
// no list: it is the register.
func (s *Service) SeatsIn(ctx context.Context, h db.Handle, body id.ID, at time.Time) ([]Seat, error) {
	return listSeatsAt.All(ctx, h, body, at)
}

// Sits reports whether a member is in a body.
func (s *Service) Sits(ctx context.Context, h db.Handle, body, member id.ID) (bool, error) {
	_, ok, err := getSeat.Find(ctx, h, body, member)
	return ok, err
}

// Join makes the actor a member of a body that is open. Every member may.
func (s *Service) Join(ctx context.Context, by authz.Actor, body id.ID) error {
	if by.Member == 0 {
		return fault.New(fault.Forbidden, "Members can join groups.")
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		b, err := s.Body(ctx, tx, body)
		if err != nil {
			return err
		}
		if b.Joining != Open || b.Root() {
			return fault.New(fault.Forbidden, "This body is not open to join: its members are appointed.")
		}
		seat, err := s.sit(ctx, tx, b, by.Member)
		if err != nil {
			return err
		}
		_, err = s.record.Append(ctx, tx, record.Entry{Kind: "seat.taken", Subject: ref.Ref{Kind: "seat", ID: seat.ID},
			Member: ref.Ref{Kind: "member", ID: by.Member}, Via: by.Via, Data: map[string]any{"body": b.Handle}, State: seat.state()})
		return err
	})
}

func (s *Service) sit(ctx context.Context, tx *db.Tx, b Body, member id.ID) (Seat, error) {
	if !b.DissolvedAt.IsZero() {
		return Seat{}, fault.New(fault.Gone, "This body has been dissolved.")
	}
	if _, err := lockBody.Run(ctx, tx, b.ID); err != nil { // two who want the last seat wait for each other
		return Seat{}, err
	}
	taken, err := listSeats.All(ctx, tx, b.ID)
	if err != nil {
		return Seat{}, err
	}
	if b.Seats > 0 && len(taken) >= b.Seats {
		return Seat{}, fault.New(fault.Conflict, "All %d seats of this body are taken.", b.Seats)
	}
	seat := Seat{ID: id.New(tx.Now()), Body: b.ID, Member: member, From: tx.Now()}
	_, err = insertSeat.Run(ctx, tx, seat.ID, seat.Body, seat.Member, seat.From)
	if errors.Is(err, db.ErrExists) {
		err = fault.New(fault.Conflict, "This member is in the body already.")
	}
	return seat, err
}

// Leave ends the actor's own membership of a body.
func (s *Service) Leave(ctx context.Context, by authz.Actor, body id.ID) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		seat, ok, err := getSeat.Find(ctx, tx, body, by.Member)
		if err != nil || !ok {
			return orNone(err, "You are not a member of this body.")
		}
		return s.unseat(ctx, tx, seat, record.Entry{Kind: "seat.left", Member: ref.Ref{Kind: "member", ID: by.Member}, Via: by.Via})
	})
}

func orNone(err error, words string) error {
	if err != nil {
		return err
	}
	return fault.New(fault.NotFound, "%s", words)
}

func (s *Service) unseat(ctx context.Context, tx *db.Tx, seat Seat, e record.Entry) error {
	if _, err := endSeat.Run(ctx, tx, seat.ID, tx.Now()); err != nil {
		return err
	}
	seat.Until = tx.Now()
	e.Subject, e.State = ref.Ref{Kind: "seat", ID: seat.ID}, seat.state()
	_, err := s.record.Append(ctx, tx, e)
	return err
}

var handlePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]{0,28}[a-z0-9])?$`)

// checkBody validates what a motion or an officer writes about a body.
func (s *Service) checkBody(name, aim string, domain []string, seats int, joining string) error {
	switch {
	case utf8.RuneCountInString(name) == 0 || utf8.RuneCountInString(name) > 60:
		return fault.Field("name", "A body's name has 1 to 60 characters.")
	case utf8.RuneCountInString(aim) > 1000:
		return fault.Field("aim", "Please say the aim in 1000 characters.")
	case seats < 0 || seats > 500:
		return fault.Field("seats", "A body has up to 500 seats; 0 means as many as want.")
	case joining != Open && joining != Closed:
		return fault.Field("joining", "A body is open or closed to join.")
	}
	for _, p := range domain {
		if p != "*" && !slices.ContainsFunc(s.powers, func(x authz.Power) bool { return covers([]string{p}, x.Name) }) {
			return fault.Field("domain", "No power is called %q.", p)
		}
	}
	return nil
}

// narrower reports whether every pattern of a domain lies within another domain.
func (s *Service) narrower(domain, within []string) (outside string, ok bool) {
	for _, p := range domain {
		if slices.Contains(within, "*") || slices.Contains(within, p) {
			continue
		}
		for _, x := range s.powers {
			if covers([]string{p}, x.Name) && !covers(within, x.Name) {
				return x.Name, false
			}
		}
		if p == "*" {
			return p, false
		}
	}
	return "", true
}

// reach is what the authority of by can hand on: the domain of the deciding body or of the mandate's.
func (s *Service) reach(ctx context.Context, h db.Handle, by authz.Actor, a authz.Authority) (patterns []string, until time.Time, err error) {
	until = h.Now().Add(MaxTerm)
	switch a.Kind {
	case authz.Decision:
		body, _, err := s.Decided(ctx, h, a.ID, "", authz.Target{})
		if err != nil {
			return nil, until, err
		}
		b, err := s.Body(ctx, h, body)
		return b.Domain(), until, err
	case authz.Mandate:
		m, err := s.Get(ctx, h, a.ID)
		// What was taken from the body's domain since the mandate was given is not its holder's to hand on.
		return slices.DeleteFunc(m.Powers(), func(p string) bool { return !covers(parseList(m.BodyDomain), p) }), m.To, err
	case authz.Lapse:
		return []string{"*"}, until, nil // putting back what was there
	}
	return nil, until, fault.New(fault.Forbidden, "Powers are given by a decision or by a mandate that holds them.")
}

// dissolve ends a body with its seats, its mandates and the bodies below it.
func (s *Service) dissolve(ctx context.Context, tx *db.Tx, by authz.Actor, b Body, reason string, inverse effect.Stored) error {
	all, err := s.Bodies(ctx, tx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.ParentID == b.ID {
			return fault.New(fault.Conflict, "%s has bodies below it: dissolve or move those first.", b.Name)
		}
	}
	authority, err := s.Authorise(ctx, tx, by, DissolveBody, authz.Target{Kind: "body", ID: b.ID})
	if err != nil {
		return err
	}
	seats, err := listSeats.All(ctx, tx, b.ID)
	if err != nil {
		return err
	}
	for _, x := range seats {
		if err := s.unseat(ctx, tx, x, record.Entry{Kind: "seat.ended", Authority: authority, Reason: "the body was dissolved"}); err != nil {
			return err
		}
	}
	mandates, err := listInBody.All(ctx, tx, b.ID)
	if err != nil {
		return err
	}
	for _, m := range mandates {
		if m.EndedAt.IsZero() && m.To.After(tx.Now()) {
			if err := s.endMandate(ctx, tx, m, BodyDissolved, record.Entry{Kind: "mandate.ended", Authority: authority, Reason: "the body was dissolved"}); err != nil {
				return err
			}
		}
	}
	b.DissolvedAt = tx.Now()
	if err := s.saveBody(ctx, tx, &b); err != nil {
		return err
	}
	if _, err := s.Perform(ctx, tx, by, authz.Act{Power: DissolveBody, Target: authz.Target{Kind: "body", ID: b.ID}, Reason: reason,
		Args: map[string]any{"handle": b.Handle}, Inverse: inverse, State: b.state()}); err != nil {
		return err
	}
	return s.Dissolved.Emit(ctx, tx, b)
}

func (s *Service) saveBody(ctx context.Context, tx *db.Tx, b *Body) error {
	n, err := updateBody.Run(ctx, tx, b.ID, b.Name, b.Aim, b.DomainJSON, b.Seats, b.Joining, b.DissolvedAt, b.Version)
	if err == nil && n == 0 {
		err = fault.New(fault.Conflict, "%s", i18n.T(ctx, "Somebody changed this body meanwhile."))
	}
	b.Version++
	return err
}
