package mandate

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// Office is what an election fills: the same for all its seats but the end of the term.
type Office struct {
	Body   id.ID
	Name   string
	Powers []string
	From   time.Time // the term begins
	To     time.Time // and ends
}

// CheckOffice refuses an office that no election could fill: without a name or an end, or with powers
// that are reserved or outside the domain of its body.
func (s *Service) CheckOffice(ctx context.Context, h db.Handle, o Office) error {
	b, err := s.standing(ctx, h, o.Body)
	if err != nil {
		return err
	}
	if o.Name == "" || utf8.RuneCountInString(o.Name) > 60 {
		return fault.Field("office", "An office has a name of 1 to 60 characters.")
	}
	if term := o.To.Sub(o.From); term <= 0 || term > MaxTerm {
		return fault.Field("days", "A term has an end: 1 to %d days.", int(MaxTerm/day))
	}
	for _, p := range o.Powers {
		x, ok := s.power(p)
		switch {
		case !ok:
			return fault.Field("powers", "No power is called %q.", p)
		case x.Reserved:
			return fault.Field("powers", "The power %s belongs to decisions alone.", p)
		case !covers(b.Domain(), p):
			return fault.Field("powers", "The power %s is outside the domain of %s.", p, b.Name)
		}
	}
	return nil
}

// Elect offers an office to a member whom an election elected; it begins when the member has accepted it
// and the term has begun. The elections feature calls it, acting as its election.
func (s *Service) Elect(ctx context.Context, tx *db.Tx, by authz.Actor, member id.ID, o Office) (Mandate, error) {
	if err := s.CheckOffice(ctx, tx, o); err != nil {
		return Mandate{}, err
	}
	if err := s.mayTake(ctx, tx, member); err != nil {
		return Mandate{}, err
	}
	held, err := listComing.All(ctx, tx, tx.Now())
	if err != nil {
		return Mandate{}, err
	}
	for _, m := range held {
		if m.MemberID == member && m.BodyID == o.Body && strings.EqualFold(m.Office, o.Name) && m.From.Before(o.To) && o.From.Before(m.To) {
			return Mandate{}, fault.New(fault.Conflict, "This member holds the office already.")
		}
	}
	powers, err := json.Marshal(append([]string{}, o.Powers...))
	if err != nil {
		return Mandate{}, err
	}
	m := Mandate{ID: id.New(tx.Now()), MemberID: member, BodyID: o.Body, Office: o.Name, PowersJSON: string(powers), From: o.From, To: o.To,
		SourceKind: string(authz.Election), SourceID: by.Election}
	if err := s.insertMandate(ctx, tx, m); err != nil {
		return m, err
	}
	inverse, err := effect.Store(Recall, &recall{Mandate: m.ID})
	if err != nil {
		return m, err
	}
	args := map[string]any{"body": o.Body, "member": member, "office": o.Name, "powers": o.Powers, "to": o.To}
	target := authz.Target{Kind: "body", ID: o.Body}
	if err := s.performOn(ctx, tx, by, Appoint, target, ref.Ref{Kind: "mandate", ID: m.ID}, "mandate.given", "elected", args, inverse, m.state()); err != nil {
		return m, err
	}
	if m, err = s.Get(ctx, tx, m.ID); err != nil {
		return m, err
	}
	return m, s.Offered.Emit(ctx, tx, m)
}

// byElection judges an act by which the result of an election is carried out: nothing but offers of its
// office, by the body that voted or for one below it.
func (s *Service) byElection(ctx context.Context, h db.Handle, election id.ID, power string, target authz.Target) (authz.Authority, error) {
	if s.Elected == nil || power != Appoint {
		return authz.Authority{}, refused(power)
	}
	body, ok, err := s.Elected(ctx, h, election, target)
	if err == nil && ok {
		ok, err = s.inDomain(ctx, h, body, power, target)
	}
	if err != nil {
		return authz.Authority{}, err
	}
	if !ok {
		return authz.Authority{}, fault.New(fault.Forbidden, "No election in force carries this (%s).", power)
	}
	return authz.Authority{Kind: authz.Election, ID: election}, nil
}

// LapseOffer ends the offer of an office that nobody accepted in time.
func (s *Service) LapseOffer(ctx context.Context, tx *db.Tx, mandate id.ID) error {
	m, err := s.Get(ctx, tx, mandate)
	if err != nil || !m.EndedAt.IsZero() || !m.AcceptedAt.IsZero() {
		return err
	}
	return s.endMandate(ctx, tx, m, Declined, record.Entry{Kind: "mandate.declined", Via: authz.Job, Reason: "not accepted in time"})
}
