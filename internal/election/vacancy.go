package election

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/mandate"
)

// vacant are seats that wait until another election for their office is over.
type vacant struct {
	Seats int       `json:"seats"`
	Until time.Time `json:"until,omitzero"` // end of their term; zero: a whole one
}

// byElection puts vacant seats of an election up again.
func (s *Service) byElection(ctx context.Context, tx *db.Tx, e *Election, seats int, until time.Time) error {
	if err := s.putUp(ctx, tx, e, seats, until); err != nil || e.State != Failed {
		return err
	}
	return s.follow(ctx, tx, e)
}

// putUp announces an election for vacant seats, or adds them to one that is open to nominations. While
// another for the office is under way they wait until it is over (follow). Where there is none, the record
// says why not.
func (s *Service) putUp(ctx context.Context, tx *db.Tx, e *Election, seats int, until time.Time) error {
	why, err := s.unwanted(ctx, tx, e)
	if err != nil {
		return err
	}
	if why != "" {
		return s.stays(ctx, tx, e, seats, why)
	}
	root, err := s.root(ctx, tx, e)
	if err != nil {
		return err
	}
	plan := e.Plan()
	plan.Seats, plan.Terms, plan.Reserved = seats, nil, nil
	if !until.IsZero() {
		plan.Until = until
	}
	if !plan.From.After(tx.Now()) { // it has begun
		plan.From = time.Time{}
	}
	running, err := s.runningFor(ctx, tx, e.Body, plan.Office)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(running, func(x Election) bool { return x.takes(e, &plan) }); i >= 0 {
		return s.widen(ctx, tx, &running[i], &root, seats)
	}
	if len(running) > 0 {
		return s.wait(ctx, tx, e, &running[0], vacant{Seats: seats, Until: until})
	}
	if !plan.Until.IsZero() {
		plan.Days = int(plan.Until.Sub(tx.Now()) / day)
		if plan.Days < e.Ahead()+int(shortest/day) { // the election would take the rest of the term
			held, err := s.held(ctx, tx, e.Body, plan.Office)
			if err != nil {
				return err
			}
			if held {
				return s.stays(ctx, tx, e, seats, "its term ends soon, and the next election opens before the terms of the others end")
			}
			whole := root.Plan() // nobody holds the office: all of it, for a whole term
			plan.Days, plan.Seats = whole.Days, max(seats, whole.Seats)
			plan.Until, plan.From = time.Time{}, time.Time{}
		}
	}
	if plan.Reserved, err = s.reserved(ctx, tx, &root, plan.Seats, plan.From); err != nil {
		return err
	}
	_, err = s.announce(ctx, tx, Announcement{Body: e.Body, Voters: e.Voters, Kind: e.Kind, Text: e.Text, Plan: plan, OriginKind: Vacancy, OriginID: e.ID})
	if kind := fault.KindOf(err); err != nil && kind != fault.Internal {
		return s.stays(ctx, tx, e, seats, err.Error()) // the body or its powers are gone: there is nothing to fill
	}
	return err
}

// stays records why vacant seats are not put up.
func (s *Service) stays(ctx context.Context, tx *db.Tx, e *Election, seats int, why string) error {
	entry := itself("vacant")
	entry.Reason, entry.Data = why, map[string]any{"seats": seats, "cause": why}
	return s.note(ctx, tx, e, entry)
}

// unwanted says that nobody wants the office: e is the second by-election in a row that gave it to nobody.
// What becomes of the office is for the members to decide then.
func (s *Service) unwanted(ctx context.Context, h db.Handle, e *Election) (why string, err error) {
	if e.OriginKind != Vacancy {
		return "", nil
	}
	before, ok, err := getElection.Find(ctx, h, e.OriginID)
	if err != nil || !ok || before.OriginKind != Vacancy {
		return "", err
	}
	for _, x := range []*Election{e, &before} {
		if gave, err := s.gave(ctx, h, x); err != nil || gave {
			return "", err
		}
	}
	return fmt.Sprintf("the by-elections %d and %d in a row gave the office to nobody: members decide what becomes of it", before.Number, e.Number), nil
}

// gave reports whether an election gave its office to anybody, or still may: somebody accepted it, or can.
func (s *Service) gave(ctx context.Context, h db.Handle, e *Election) (bool, error) {
	if e.State == Failed || e.State == Cancelled {
		return false, nil
	}
	list, err := listCandidates.All(ctx, h, e.ID)
	if err != nil {
		return false, err
	}
	for _, c := range list {
		if c.Mandate == 0 {
			continue
		}
		if e.State == Counted && !c.Vacated {
			return true, nil
		}
		m, err := s.mandate.Get(ctx, h, c.Mandate)
		if err != nil || !m.AcceptedAt.IsZero() {
			return err == nil, err
		}
	}
	return false, nil
}

// takes reports whether vacant seats of another election can be put up with those of e: it is open to
// nominations, and their office is the same in all, but that its terms may end some weeks apart.
func (e *Election) takes(other *Election, want *Plan) bool {
	plan := e.Plan()
	apart := e.termEnds(&plan).Sub(e.termEnds(want))
	return e.State == Nominations && e.OriginKind == Vacancy && e.Kind == other.Kind && e.Voters == other.Voters &&
		slices.Equal(plan.Powers, want.Powers) && plan.From.Equal(want.From) && max(apart, -apart) <= Ahead
}

// termEnds is about when the terms of a plan would end, if e filled its seats.
func (e *Election) termEnds(p *Plan) time.Time {
	switch days := time.Duration(p.Days) * day; {
	case !p.Until.IsZero():
		return p.Until
	case !p.From.IsZero():
		return p.From.Add(days)
	default:
		return e.ClosesAt.Add(days)
	}
}

// widen puts more vacant seats up in an election that is open to nominations.
func (s *Service) widen(ctx context.Context, tx *db.Tx, e, root *Election, seats int) error {
	body, err := s.mandate.Body(ctx, tx, e.Body)
	if err != nil {
		return err
	}
	plan := e.Plan()
	plan.Seats = min(plan.Seats+seats, maxSeats)
	if plan.Reserved, err = s.reserved(ctx, tx, root, plan.Seats, plan.From); err != nil {
		return err
	}
	text, err := json.Marshal(plan)
	if err != nil {
		return fmt.Errorf("widen election %d: %w", e.Number, err)
	}
	e.PlanJSON, e.Title = string(text), titleOf(plan, body, e.Kind)
	if _, err := setPlan.Run(ctx, tx, e.ID, e.PlanJSON, e.Title); err != nil {
		return err
	}
	entry := itself("widened")
	entry.Data = map[string]any{"seats": plan.Seats}
	if err := s.save(ctx, tx, e, entry); err != nil {
		return err
	}
	return s.Widened.Emit(ctx, tx, *e)
}

// wait keeps vacant seats until the election that is under way for their office is over.
func (s *Service) wait(ctx context.Context, tx *db.Tx, e, running *Election, v vacant) error {
	if err := setWaiting(ctx, tx, e, append(e.waiting(), v)); err != nil {
		return err
	}
	entry := itself("waits")
	entry.Data = map[string]any{"seats": v.Seats, "for": running.Ref().String()}
	return s.note(ctx, tx, e, entry)
}

func (e *Election) waiting() []vacant {
	var out []vacant
	_ = json.Unmarshal([]byte(e.Vacancies), &out) // written by us
	return out
}

func setWaiting(ctx context.Context, tx *db.Tx, e *Election, list []vacant) error {
	e.Vacancies = ""
	if len(list) > 0 {
		text, err := json.Marshal(list)
		if err != nil {
			return fmt.Errorf("keep vacancies of election %d: %w", e.Number, err)
		}
		e.Vacancies = string(text)
	}
	_, err := setVacancies.Run(ctx, tx, e.ID, e.Vacancies)
	return err
}

// follow puts up what fell vacant while an election was under way that is over now, if it is vacant still.
func (s *Service) follow(ctx context.Context, tx *db.Tx, over *Election) error {
	list, err := listWaiting.All(ctx, tx, over.Body)
	if err != nil {
		return err
	}
	office := over.Plan().Office
	for i := range list {
		if !strings.EqualFold(list[i].Plan().Office, office) {
			continue
		}
		e, err := lockElection.One(ctx, tx, list[i].ID)
		if err != nil {
			return err
		}
		waiting := e.waiting()
		if err := setWaiting(ctx, tx, &e, nil); err != nil {
			return err
		}
		why, err := s.unwanted(ctx, tx, over)
		if err != nil {
			return err
		}
		for _, v := range waiting {
			if !v.Until.IsZero() && v.Until.Sub(tx.Now()) < shortest {
				continue // the next election opens anyway
			}
			free, err := s.free(ctx, tx, &e)
			if err != nil {
				return err
			}
			if v.Seats = min(v.Seats, free); v.Seats < 1 {
				continue
			}
			if why != "" { // nor would they want this seat
				err = s.stays(ctx, tx, &e, v.Seats, why)
			} else {
				err = s.putUp(ctx, tx, &e, v.Seats, v.Until)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// free is how many seats of an election, with all by-elections for them, nobody holds or is elected to now.
func (s *Service) free(ctx context.Context, tx *db.Tx, e *Election) (int, error) {
	root, err := s.root(ctx, tx, e)
	if err != nil {
		return 0, err
	}
	sitting, err := s.sitting(ctx, tx, &root)
	if err != nil {
		return 0, err
	}
	free := root.Plan().Seats - len(sitting)
	running, err := s.runningFor(ctx, tx, e.Body, root.Plan().Office)
	for i := range running {
		of, err := s.root(ctx, tx, &running[i])
		if err != nil {
			return 0, err
		}
		if of.ID == root.ID {
			free -= running[i].Plan().Seats
		}
	}
	return free, err
}

// root is the election that was not held for a vacancy, from which all by-elections for its seats come.
func (s *Service) root(ctx context.Context, h db.Handle, e *Election) (Election, error) {
	x := *e
	for x.OriginKind == Vacancy {
		before, ok, err := getElection.Find(ctx, h, x.OriginID)
		if err != nil || !ok {
			return x, err
		}
		x = before
	}
	return x, nil
}

// sitting are the mandates of those who hold a seat of an election, or are elected to one, by itself or by a
// by-election.
func (s *Service) sitting(ctx context.Context, h db.Handle, root *Election) ([]mandate.Mandate, error) {
	coming, err := s.mandate.Coming(ctx, h)
	if err != nil {
		return nil, err
	}
	of := map[id.ID]id.ID{} // the root of an election
	var out []mandate.Mandate
	for _, m := range coming {
		if m.BodyID != root.Body || m.SourceKind != string(authz.Election) || !strings.EqualFold(m.Office, root.Plan().Office) {
			continue
		}
		if _, known := of[m.SourceID]; !known {
			e, ok, err := getElection.Find(ctx, h, m.SourceID)
			if err != nil {
				return nil, err
			}
			if ok {
				if e, err = s.root(ctx, h, &e); err != nil {
					return nil, err
				}
			}
			of[m.SourceID] = e.ID
		}
		if of[m.SourceID] == root.ID {
			out = append(out, m)
		}
	}
	return out, nil
}

// reserved are the reserved seats among the next seats of an office: as many as nobody holds who was elected
// to them and stays when the new terms begin (zero: now).
func (s *Service) reserved(ctx context.Context, h db.Handle, root *Election, seats int, from time.Time) ([]Seat, error) {
	all := root.Plan().Reserved
	if len(all) == 0 {
		return nil, nil
	}
	sitting, err := s.sitting(ctx, h, root)
	if err != nil {
		return nil, err
	}
	filled := map[string]int{}
	for _, m := range sitting {
		if !m.To.After(from) {
			continue
		}
		list, err := listCandidates.All(ctx, h, m.SourceID)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(list, func(c Candidate) bool { return c.Mandate == m.ID }); i >= 0 {
			filled[list[i].Reserved]++
		}
	}
	var out []Seat
	for _, r := range all {
		if n := min(r.Seats-filled[r.For], seats); n > 0 {
			out = append(out, Seat{For: r.For, Seats: n})
			seats -= n
		}
	}
	return out, nil
}

// held reports whether anybody holds an office, or will.
func (s *Service) held(ctx context.Context, h db.Handle, body id.ID, office string) (bool, error) {
	coming, err := s.mandate.Coming(ctx, h)
	return slices.ContainsFunc(coming, func(m mandate.Mandate) bool { return m.BodyID == body && strings.EqualFold(m.Office, office) }), err
}

// whole is the plan of the election whose office it is: what fills a vacancy has only the rest of a term, and
// some of the seats.
func (s *Service) whole(ctx context.Context, h db.Handle, e *Election) (Plan, error) {
	x := *e
	for !x.Plan().Until.IsZero() {
		before, ok, err := getElection.Find(ctx, h, x.OriginID)
		if err != nil || !ok {
			return x.Plan(), err
		}
		x = before
	}
	return x.Plan(), nil
}

// Ahead is how many days an election like this one takes.
func (e *Election) Ahead() int {
	r := e.Rules()
	return r.Ahead()
}

// runningFor takes the elections for an office that are under way, each under its lock.
func (s *Service) runningFor(ctx context.Context, tx *db.Tx, body id.ID, office string) ([]Election, error) {
	list, err := listRunning.All(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []Election
	for i := range list {
		if list[i].Body != body || list[i].State == Counted || !strings.EqualFold(list[i].Plan().Office, office) {
			continue
		}
		x, err := lockElection.One(ctx, tx, list[i].ID)
		if err != nil {
			return nil, err
		}
		if !x.Over() && x.State != Counted { // still
			out = append(out, x)
		}
	}
	return out, nil
}
