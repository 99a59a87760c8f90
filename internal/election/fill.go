package election

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
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

// offer offers the office to the elected, in the order of election.
func (s *Service) offer(ctx context.Context, tx *db.Tx, e *Election, list []Candidate, r *tally.Result) error {
	plan := e.Plan()
	for _, name := range r.Elected {
		i := slices.IndexFunc(list, func(c Candidate) bool { return c.Place > 0 && c.Name == name })
		days := plan.Days
		if t := slices.IndexFunc(r.Terms, func(p tally.Place) bool { return p.Option == name }); t >= 0 {
			for _, x := range plan.Terms {
				if termName(x.Days) == r.Terms[t].Name {
					days = x.Days
				}
			}
		}
		if err := s.offerTo(ctx, tx, e, &list[i], e.office(tx.Now(), days)); err != nil {
			return err
		}
	}
	return nil
}

// offerTo offers the office to one candidate. Who cannot take it any more has vacated it.
func (s *Service) offerTo(ctx context.Context, tx *db.Tx, e *Election, c *Candidate, o mandate.Office) error {
	m, err := s.mandate.Elect(ctx, tx, e.self(), c.Member, o)
	switch fault.KindOf(err) {
	case fault.Conflict, fault.Invalid, fault.NotFound, fault.Gone:
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
	if err := s.note(ctx, tx, e, entry); err != nil || !c.Vacated {
		return err
	}
	return s.refill(ctx, tx, e, o.To)
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
	return nil
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
	return s.moved(ctx, tx, &e, itself("filled"))
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
	entry.Data = map[string]any{"elected": filled[:1], "result": result}
	e.State, e.AcceptBy = Counted, tx.Now().Add(time.Duration(e.Rules().Accept)*day)
	e.DueAt = e.AcceptBy
	if err := s.moved(ctx, tx, e, entry); err != nil {
		return false, err
	}
	i := slices.IndexFunc(list, func(c Candidate) bool { return c.Place > 0 && c.Name == filled[0] })
	o := e.office(tx.Now(), 1)
	o.To = until
	return true, s.offerTo(ctx, tx, e, &list[i], o)
}

// byElection puts vacant seats up again, unless an election for the office is under way or two in a row
// have failed: then it is for the members to decide what becomes of the office.
func (s *Service) byElection(ctx context.Context, tx *db.Tx, e *Election, seats int, until time.Time) error {
	if e.OriginKind == Vacancy {
		before, ok, err := getElection.Find(ctx, tx, e.OriginID)
		if err != nil || ok && before.OriginKind == Vacancy {
			return err
		}
	}
	plan := e.Plan()
	running, err := s.runningFor(ctx, tx, e.Body, plan.Office)
	if err != nil || running {
		return err
	}
	plan.Seats, plan.Terms, plan.Reserved = seats, nil, nil
	if !until.IsZero() {
		plan.Until, plan.From = until, time.Time{}
		plan.Days = max(int(until.Sub(tx.Now())/day), 1)
	}
	_, err = s.announce(ctx, tx, Announcement{Body: e.Body, Voters: e.Voters, Kind: e.Kind, Text: e.Text, Plan: plan, OriginKind: Vacancy, OriginID: e.ID})
	if kind := fault.KindOf(err); err != nil && kind != fault.Internal {
		return nil // the body or its powers are gone: there is nothing to fill
	}
	return err
}

func (s *Service) runningFor(ctx context.Context, h db.Handle, body id.ID, office string) (bool, error) {
	running, err := listRunning.All(ctx, h)
	return slices.ContainsFunc(running, func(x Election) bool {
		return x.Body == body && strings.EqualFold(x.Plan().Office, office) && x.State != Counted
	}), err
}

// openBeforeTermsEnd announces the next election of each office whose terms end within sixty days: with the
// same powers, for as many seats as end together. Founders' mandates are not renewed by the calendar.
func (s *Service) openBeforeTermsEnd(ctx context.Context) error {
	coming, err := s.mandate.Coming(ctx, s.db)
	if err != nil {
		return err
	}
	ending := slices.DeleteFunc(coming, func(m mandate.Mandate) bool {
		given := m.SourceKind == string(authz.Election) || m.SourceKind == string(authz.Decision)
		return !given || m.AcceptedAt.IsZero() || m.To.Sub(s.db.Now()) > Ahead || !s.db.Now().Before(m.To) || m.To.Sub(m.From) < Ahead
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
		failed = append(failed, s.db.InDurableTx(ctx, func(tx *db.Tx) error { return s.renew(ctx, tx, together) }))
	}
	return errors.Join(failed...)
}

// renew announces the election of offices that end together, once.
func (s *Service) renew(ctx context.Context, tx *db.Tx, together []mandate.Mandate) error {
	first, last := together[0], together[len(together)-1]
	past, err := listForBody.All(ctx, tx, first.BodyID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(past, func(x Election) bool {
		return strings.EqualFold(x.Plan().Office, first.Office) && (!x.Over() && x.State != Counted || x.OriginKind == Ending && !x.Announced.Before(first.To.Add(-Ahead-day)))
	}) {
		return nil
	}
	plan := Plan{Office: first.Office, Seats: len(together), Days: int(last.To.Sub(last.From) / day), From: last.To}
	for _, m := range together {
		for _, p := range m.Powers() {
			if !slices.Contains(plan.Powers, p) {
				plan.Powers = append(plan.Powers, p)
			}
		}
	}
	a := Announcement{Body: first.BodyID, Kind: Office, Plan: plan, OriginKind: Ending, OriginID: first.ID}
	if first.SourceKind == string(authz.Election) {
		before, ok, err := getElection.Find(ctx, tx, first.SourceID)
		if err != nil {
			return err
		}
		if ok {
			a.Voters, a.Text, a.Kind = before.Voters, before.Text, before.Kind
		}
	}
	_, err = s.announce(ctx, tx, a)
	if kind := fault.KindOf(err); err != nil && kind != fault.Internal {
		return nil // what the body may do has changed: members decide what becomes of the office
	}
	return err
}
