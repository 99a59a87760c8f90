package election

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
)

// shortest is the rest of a term for which a vacancy is not filled by a new election any more.
const shortest = 30 * day

// Ahead is how long before the end of a term the next election opens by itself.
const Ahead = 60 * day

// self is the election as an actor: it can offer its office, and nothing else.
func (e *Election) self() authz.Actor { return authz.Actor{Election: e.ID, Via: authz.Job} }

// office is what a seat of the election is, with its term.
func (e *Election) office(now time.Time, days int) mandate.Office {
	plan := e.Plan()
	o := mandate.Office{Body: e.Body, Name: plan.Office, Powers: plan.Powers, From: now}
	if plan.From.After(now) {
		o.From = plan.From
	}
	if o.To = plan.Until; o.To.IsZero() {
		o.To = o.From.Add(time.Duration(days) * day)
	}
	return o
}

// offer offers the office to the elected, in the order of election, and fills the seats of those who cannot
// take it when all others have their offer.
func (s *Service) offer(ctx context.Context, tx *db.Tx, e *Election, list []Candidate, r *tally.Result) error {
	plan := e.Plan()
	var vacant []time.Time // ends of the terms
	for _, name := range r.Elected {
		i := slices.IndexFunc(list, func(c Candidate) bool { return c.Place > 0 && c.Name == name })
		if i < 0 {
			return fmt.Errorf("offer office of election %d: nobody on the paper is called %q", e.Number, name)
		}
		days := plan.Days
		if t := slices.IndexFunc(r.Terms, func(p tally.Place) bool { return p.Option == name }); t >= 0 {
			for _, x := range plan.Terms {
				if termName(x.Days) == r.Terms[t].Name {
					days = x.Days
				}
			}
		}
		o := e.office(tx.Now(), days)
		if err := s.offerTo(ctx, tx, e, &list[i], o); err != nil {
			return err
		}
		if list[i].Vacated {
			vacant = append(vacant, o.To)
		}
	}
	for _, until := range vacant {
		if err := s.refill(ctx, tx, e, until); err != nil {
			return err
		}
	}
	return nil
}

// offerTo offers the office to one candidate. Who cannot take it any more has vacated it.
func (s *Service) offerTo(ctx context.Context, tx *db.Tx, e *Election, c *Candidate, o mandate.Office) error {
	m, err := s.mandate.Elect(ctx, tx, e.self(), c.Member, o)
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.NotFound, fault.Gone, fault.Forbidden:
		c.Vacated, c.Cause = true, err.Error()
	default:
		if err != nil {
			return err
		}
		c.Mandate = m.ID
	}
	if _, err := updateCandidate.Run(ctx, tx, c.ID, c.State, c.Cause, c.Statement, c.Affiliation, c.Reserved, c.Place, c.Mandate, c.Vacated, c.Name); err != nil {
		return err
	}
	entry := itself("offered")
	entry.Data = map[string]any{"candidate": c.ID, "mandate": c.Mandate}
	if c.Vacated {
		entry = itself("vacated")
		entry.Data = map[string]any{"candidate": c.ID}
	}
	return s.note(ctx, tx, e, entry)
}

// fillable says why nobody could be given the office any more: its body or its powers are gone.
func (s *Service) fillable(ctx context.Context, h db.Handle, e *Election, o mandate.Office) (why string, err error) {
	err = s.mandate.CheckOffice(ctx, h, o)
	if err == nil {
		var may bool
		if may, err = s.mandate.MayDecide(ctx, h, e.Voters, mandate.Appoint, authz.Target{Kind: "body", ID: e.Body}); err == nil && !may {
			return "the office is not theirs to give any more", nil
		}
	}
	if kind := fault.KindOf(err); err != nil && kind != fault.Internal {
		return err.Error(), nil
	}
	return "", err
}

// settle ends the time to accept: who has not answered has declined.
func (s *Service) settle(ctx context.Context, tx *db.Tx, e *Election) error {
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	e.State, e.DueAt = Filled, time.Time{}
	if err := s.moved(ctx, tx, e, itself("filled")); err != nil {
		return err
	}
	for _, c := range list {
		if c.Mandate != 0 && !c.Vacated {
			if err := s.mandate.LapseOffer(ctx, tx, c.Mandate); err != nil {
				return err
			}
		}
	}
	return s.follow(ctx, tx, e)
}

// OnAccepted ends the election when the last of the elected has accepted.
func (s *Service) OnAccepted(ctx context.Context, tx *db.Tx, m mandate.Mandate) error {
	if m.SourceKind != string(authz.Election) {
		return nil
	}
	e, ok, err := lockElection.Find(ctx, tx, m.SourceID)
	if err != nil || !ok || e.State != Counted {
		return err
	}
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.Mandate == 0 || c.Vacated {
			continue
		}
		x, err := s.mandate.Get(ctx, tx, c.Mandate)
		if err != nil || x.AcceptedAt.IsZero() {
			return err
		}
	}
	e.State, e.DueAt = Filled, time.Time{}
	if err := s.moved(ctx, tx, &e, itself("filled")); err != nil {
		return err
	}
	return s.follow(ctx, tx, &e)
}

// OnEnded fills a casual vacancy: an office that was declined, resigned or recalled, or whose holder is no
// member any more.
func (s *Service) OnEnded(ctx context.Context, tx *db.Tx, m mandate.Mandate) error {
	if m.SourceKind != string(authz.Election) || m.EndedBy == mandate.TermOver || m.EndedBy == mandate.BodyDissolved {
		return nil
	}
	e, ok, err := lockElection.Find(ctx, tx, m.SourceID)
	if err != nil || !ok {
		return err
	}
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(c Candidate) bool { return c.Mandate == m.ID })
	if i < 0 || list[i].Vacated {
		return nil
	}
	c := &list[i]
	c.Vacated = true
	if _, err := updateCandidate.Run(ctx, tx, c.ID, c.State, c.Cause, c.Statement, c.Affiliation, c.Reserved, c.Place, c.Mandate, c.Vacated, c.Name); err != nil {
		return err
	}
	entry := itself("vacated")
	entry.Reason, entry.Data = m.EndedBy, map[string]any{"candidate": c.ID, "mandate": m.ID}
	if err := s.note(ctx, tx, &e, entry); err != nil {
		return err
	}
	if m.To.Sub(tx.Now()) < shortest {
		return nil // the next election opens anyway
	}
	return s.refill(ctx, tx, &e, m.To)
}

// refill fills one vacant seat until the end of its term: from the same ballots, or by a new election.
func (s *Service) refill(ctx context.Context, tx *db.Tx, e *Election, until time.Time) error {
	o := e.office(tx.Now(), 1)
	o.To = until
	why, err := s.fillable(ctx, tx, e, o)
	if err != nil {
		return err
	}
	if why != "" {
		return s.stays(ctx, tx, e, 1, why)
	}
	if e.Rules().CountBack {
		done, err := s.countBack(ctx, tx, e, until)
		if err != nil || done {
			return err
		}
	}
	return s.byElection(ctx, tx, e, 1, until)
}

// countBack counts the same ballots again without those who left, and offers the seat to who wins it.
func (s *Service) countBack(ctx context.Context, tx *db.Tx, e *Election, until time.Time) (bool, error) {
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return false, err
	}
	good, err := s.member.InGoodStanding(ctx, tx, tx.Now())
	if err != nil {
		return false, err
	}
	paper := onPaper(list)
	var sitting, left []int
	for i, c := range paper {
		switch {
		case c.Mandate != 0 && !c.Vacated:
			sitting = append(sitting, i)
		case c.Vacated || !slices.Contains(good, c.Member):
			left = append(left, i)
		}
	}
	if len(sitting)+len(left) >= len(paper) || len(sitting) >= e.Plan().Seats {
		return false, nil // nobody else stood
	}
	counting, err := s.tallied(ctx, tx, e, list)
	if err != nil {
		return false, err
	}
	result, filled, err := tally.CountBack(e.countingRule(), counting, sitting, left)
	if err != nil || len(filled) == 0 {
		return false, err
	}
	entry := itself("counted-back")
	entry.Data = map[string]any{"elected": membersOf(list, filled[:1]), "result": digest(string(result.JSON()))}
	e.State, e.AcceptBy = Counted, tx.Now().Add(time.Duration(e.Rules().Accept)*day)
	e.DueAt = e.AcceptBy
	if err := s.moved(ctx, tx, e, entry); err != nil {
		return false, err
	}
	i := slices.IndexFunc(list, func(c Candidate) bool { return c.Place > 0 && c.Name == filled[0] })
	o := e.office(tx.Now(), 1)
	o.To = until
	if err := s.offerTo(ctx, tx, e, &list[i], o); err != nil || !list[i].Vacated {
		return true, err
	}
	return true, s.refill(ctx, tx, e, until) // the next one
}

// openBeforeTermsEnd announces the next election of each office whose terms end within sixty days: with the
// same powers, for as many seats as end together. Founders' mandates are not renewed by the calendar.
func (s *Service) openBeforeTermsEnd(ctx context.Context) error {
	coming, err := s.mandate.Coming(ctx, s.db)
	if err != nil {
		return err
	}
	ending := slices.DeleteFunc(coming, func(m mandate.Mandate) bool {
		long := m.SourceKind == string(authz.Decision) && m.To.Sub(m.From) >= Ahead
		return !long && m.SourceKind != string(authz.Election) || m.AcceptedAt.IsZero() || m.To.Sub(s.db.Now()) > Ahead || !s.db.Now().Before(m.To)
	})
	slices.SortFunc(ending, func(a, b mandate.Mandate) int { return a.To.Compare(b.To) })
	var failed []error
	for len(ending) > 0 {
		first := ending[0]
		var together, rest []mandate.Mandate
		for _, m := range ending {
			if m.BodyID == first.BodyID && strings.EqualFold(m.Office, first.Office) && m.To.Sub(first.To) <= 14*day {
				together = append(together, m)
			} else {
				rest = append(rest, m)
			}
		}
		ending = rest
		if done, err := s.renewed(ctx, s.db, &first); err != nil || done { // as every minute for sixty days
			failed = append(failed, err)
			continue
		}
		failed = append(failed, s.db.InDurableTx(ctx, func(tx *db.Tx) error { return s.renew(ctx, tx, together) }))
	}
	return errors.Join(failed...)
}

// renewed reports whether the next election of an office that ends is announced, or another is under way.
func (s *Service) renewed(ctx context.Context, h db.Handle, first *mandate.Mandate) (bool, error) {
	past, err := listForBody.All(ctx, h, first.BodyID)
	return slices.ContainsFunc(past, func(x Election) bool {
		return strings.EqualFold(x.Plan().Office, first.Office) && (!x.Over() && x.State != Counted || x.OriginKind == Ending && !x.Announced.Before(first.To.Add(-Ahead-day)))
	}), err
}

// renew announces the election of offices that end together, once.
func (s *Service) renew(ctx context.Context, tx *db.Tx, together []mandate.Mandate) error {
	first, last := together[0], together[len(together)-1]
	if done, err := s.renewed(ctx, tx, &first); err != nil || done {
		return err
	}
	plan := Plan{Office: first.Office, Seats: len(together), Days: int(last.To.Sub(last.From) / day), From: last.To}
	for _, m := range together {
		for _, p := range m.Powers() {
			if !slices.Contains(plan.Powers, p) {
				plan.Powers = append(plan.Powers, p)
			}
		}
	}
	a := Announcement{Body: first.BodyID, Kind: Office, OriginKind: Ending, OriginID: first.ID}
	for _, m := range together {
		if m.SourceKind != string(authz.Election) {
			continue
		}
		before, ok, err := getElection.Find(ctx, tx, m.SourceID)
		if err != nil || !ok {
			return err
		}
		a.Voters, a.Text, a.Kind = before.Voters, before.Text, before.Kind
		whole, err := s.whole(ctx, tx, &before)
		if err != nil {
			return err
		}
		plan.Days, plan.Seats = whole.Days, max(plan.Seats, whole.seatsLike(&m)) // a seat that stayed empty is put up again with the others
		root, err := s.root(ctx, tx, &before)
		if err != nil {
			return err
		}
		if reserved, err := s.reserved(ctx, tx, &root, plan.Seats, plan.From); err != nil {
			return err
		} else if len(reserved) > 0 {
			plan.Reserved = reserved
		}
	}
	if time.Duration(plan.Days)*day < Ahead {
		return nil // no calendar could keep up with it
	}
	a.Plan = plan
	_, err := s.announce(ctx, tx, a)
	if kind := fault.KindOf(err); err != nil && kind != fault.Internal {
		return nil // what the body may do has changed: members decide what becomes of the office
	}
	return err
}

// seatsLike is how many seats have the term of a mandate.
func (p *Plan) seatsLike(m *mandate.Mandate) int {
	for _, t := range p.Terms {
		if m.To.Sub(m.From) == time.Duration(t.Days)*day {
			return t.Seats
		}
	}
	if len(p.Terms) > 0 {
		return 1
	}
	return p.Seats
}
