package election

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/record"
)

// Advance does everything whose time has come: it opens elections before terms end, makes lists of
// candidates final, opens, closes and counts, and ends the time to accept. It may run at any time, on
// several nodes; each step is one transaction that happens once.
func (s *Service) Advance(ctx context.Context) error {
	failed := []error{s.openBeforeTermsEnd(ctx)}
	for range 1000 {
		due, err := listDue.All(ctx, s.db, s.db.Now())
		if err != nil {
			return err
		}
		moved := false
		for i := range due {
			if due[i].State == Final && due[i].Mode == Secret {
				if err := s.ballot.Prepare(); err != nil {
					return err
				}
			}
			ready, err := s.arrange(ctx, &due[i])
			if err == nil && !ready {
				continue // tried again within a minute
			}
			opened, e := s.opened(ctx, &due[i])
			if err = errors.Join(err, e); err == nil {
				err = s.advance(ctx, due[i].ID, opened)
			}
			if err != nil {
				failed = append(failed, err) // others must not wait for it; the job will be tried again
				continue
			}
			moved = true
		}
		if len(due) == 0 || !moved {
			break
		}
	}
	return errors.Join(append(failed, s.remind(ctx))...)
}

// advance takes the next step of an election. opened is the file of a sealed one that the scrutineers have
// opened: it takes a while to make, and is made before.
func (s *Service) advance(ctx context.Context, election id.ID, opened *ballotbox.File) error {
	return s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if e.DueAt.IsZero() || e.DueAt.After(tx.Now()) {
			return nil // another node was first
		}
		if gone, err := s.without(ctx, tx, e); err != nil || gone {
			return err
		}
		switch e.State {
		case Nominations:
			return s.finalise(ctx, tx, e)
		case Final:
			return s.begin(ctx, tx, e)
		case Open:
			return s.close(ctx, tx, e)
		case Sealed:
			return s.unseal(ctx, tx, e, opened)
		case Counted:
			return s.settle(ctx, tx, e)
		}
		e.DueAt = time.Time{}
		return s.save(ctx, tx, e, itself("settled"))
	})
}

// without ends an election whose body was dissolved: there is nothing to elect to.
func (s *Service) without(ctx context.Context, tx *db.Tx, e *Election) (bool, error) {
	if !e.running() {
		return false, nil
	}
	b, err := s.mandate.Body(ctx, tx, e.Body)
	if err != nil || b.DissolvedAt.IsZero() {
		return false, err
	}
	if err := s.endBallot(ctx, tx, e); err != nil {
		return true, err
	}
	return true, s.fail(ctx, tx, e, "the body was dissolved")
}

// finalise makes the list of candidates final. Where too few stand, nominations are extended once.
func (s *Service) finalise(ctx context.Context, tx *db.Tx, e *Election) error {
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	r, plan := e.Rules(), e.Plan()
	good, err := s.member.InGoodStanding(ctx, tx, tx.Now())
	if err != nil {
		return err
	}
	names, err := listNames.All(ctx, tx, e.ID, "endorse")
	if err != nil {
		return err
	}
	endorsed := map[id.ID]int{}
	for _, n := range names {
		endorsed[n.Candidate]++
	}
	for i := range list {
		c := &list[i]
		switch {
		case c.State == Asked:
			c.State, c.Cause = Dropped, "did not answer"
		case c.State != Standing:
		case !slices.Contains(good, c.Member):
			c.State, c.Cause = Dropped, notGood
		case e.Kind == Office && endorsed[c.ID] < r.Endorsements:
			c.State, c.Cause = Dropped, fmt.Sprintf("has %d of %d endorsements", endorsed[c.ID], r.Endorsements)
		}
	}
	stand := standing(list)
	if late := tx.Now().Sub(e.FinalAt); late > 0 { // nobody was there to do it in time
		e.FinalAt = tx.Now()
		e.schedule(r)
	}
	if len(stand) < max(plan.Seats, 1) && !e.Extended {
		e.Extended, e.FinalAt = true, e.FinalAt.Add(time.Duration(r.Nominations)*day)
		e.schedule(r)
		e.DueAt = e.FinalAt
		return s.moved(ctx, tx, e, itself("extended"))
	}
	if err := s.place(ctx, tx, e, list); err != nil {
		return err
	}
	if stand = standing(list); len(stand) == 0 { // with their names now
		return s.fail(ctx, tx, e, "nobody stands")
	}
	e.State, e.DueAt = Final, e.OpensAt
	if e.Kind == Panel || e.uncontested(stand) {
		e.DueAt = tx.Now() // no ballot is needed
	}
	return s.moved(ctx, tx, e, itself("final"))
}

const notGood = "is not a member in good standing"

// place gives each standing candidate a place and a name on the ballot paper, in the order of nomination.
func (s *Service) place(ctx context.Context, tx *db.Tx, e *Election, list []Candidate) error {
	taken, place := map[string]bool{}, 0
	for i := range list {
		c := &list[i]
		c.Place, c.Name = 0, ""
		if c.State == Standing {
			place++
			c.Place, c.Name = place, c.Title
			if e.Kind != Budget {
				m, err := s.member.Get(ctx, tx, c.Member)
				if err != nil {
					return err
				}
				c.Name = ballotName(m.Name, m.Username, taken)
			}
		}
		if _, err := updateCandidate.Run(ctx, tx, c.ID, c.State, c.Cause, c.Statement, c.Affiliation, c.Reserved, c.Place, c.Mandate, c.Vacated, c.Name); err != nil {
			return err
		}
	}
	return nil
}

// uncontested reports whether candidates are elected without a ballot: they are no more than the seats, and
// nothing bars one of them.
func (e *Election) uncontested(stand []Candidate) bool {
	if e.Kind != Office || !e.Rules().NoBallot || len(stand) > e.Plan().Seats {
		return false
	}
	c := e.form(stand)
	c.NoBallot = true
	r, err := tally.Count(e.countingRule(), c)
	return err == nil && r.Uncontested
}

func (s *Service) moved(ctx context.Context, tx *db.Tx, e *Election, entry record.Entry) error {
	if err := s.save(ctx, tx, e, entry); err != nil {
		return err
	}
	return s.Moved.Emit(ctx, tx, *e)
}

// fail ends an election without a result; the seats are put up again, but not for ever.
func (s *Service) fail(ctx context.Context, tx *db.Tx, e *Election, cause string) error {
	e.State, e.Cause, e.DueAt = Failed, cause, time.Time{}
	if err := s.moved(ctx, tx, e, itself("failed")); err != nil || e.Kind == Budget {
		return err
	}
	return s.byElection(ctx, tx, e, e.Plan().Seats, time.Time{})
}

// begin opens the vote, or counts where there is nothing to vote on.
func (s *Service) begin(ctx context.Context, tx *db.Tx, e *Election) error {
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	good, err := s.member.InGoodStanding(ctx, tx, tx.Now())
	if err != nil {
		return err
	}
	for i := range list {
		if c := &list[i]; c.State == Standing && !slices.Contains(good, c.Member) {
			c.State, c.Cause = Dropped, notGood
		}
	}
	if err := s.place(ctx, tx, e, list); err != nil { // the list may have changed since it was final: who withdrew, or was ruled on
		return err
	}
	stand := standing(list)
	switch {
	case len(stand) == 0:
		return s.fail(ctx, tx, e, "nobody stands any more")
	case e.Kind == Panel || e.uncontested(stand):
		return s.counted(ctx, tx, e, list, nil)
	}
	roll, err := s.rollOf(ctx, tx, e)
	if err != nil {
		return err
	}
	switch {
	case len(roll) == 0:
		return s.fail(ctx, tx, e, "nobody may vote")
	case e.Mode == Secret && len(roll) < ballot.Least:
		return s.fail(ctx, tx, e, ballot.MayBeSecret(len(roll)).Error())
	}
	if _, err := tally.Count(e.countingRule(), e.form(stand)); err != nil { // better now than when all have voted
		return s.fail(ctx, tx, e, "it cannot be counted: "+err.Error())
	}
	keepers, wait, err := s.scrutineers(ctx, tx, e, stand, good)
	if err != nil || wait {
		return err
	}
	second, err := s.witness(ctx, tx, e, roll)
	if err != nil {
		return err
	}
	if late := tx.Now().Sub(e.OpensAt); late > 0 { // voting lasts as long as was announced
		e.OpensAt, e.ClosesAt = tx.Now(), e.ClosesAt.Add(late)
	}
	e.closesWith(second, tx.Now())
	e.State, e.DueAt, e.RollSize, e.RollHash = Open, e.ClosesAt, len(roll), rollHash(e.ID, roll)
	if e.Mode == Secret {
		err := s.startBallot(ctx, tx, e, stand, ballot.Opening{Roll: roll, Scrutineers: keepers, Witness: second.Witness()})
		if fault.Is(err, fault.Invalid) {
			return s.fail(ctx, tx, e, err.Error())
		}
		if err != nil {
			return err
		}
	} else {
		for part := range slices.Chunk(roll, 5000) {
			if _, err := insertRoll.Run(ctx, tx, e.ID, part); err != nil {
				return err
			}
		}
	}
	entry := itself("opened")
	entry.Data = map[string]any{"roll": len(roll), "candidates": len(stand)}
	return s.moved(ctx, tx, e, entry)
}

// startBallot opens the secret vote; o has who votes, who seals and who signs.
func (s *Service) startBallot(ctx context.Context, tx *db.Tx, e *Election, stand []Candidate, o ballot.Opening) error {
	q := e.question(stand)
	o.Subject, o.Title, o.Body, o.Closes, o.Needed = e.Ref(), e.Title, e.Text, e.ClosesAt, e.Rules().Needed
	o.Method, o.Rule, o.Seats, o.Options, o.Settings = q.Method, q.Rule, q.Seats, q.Options, q.Settings
	_, err := s.ballot.Start(ctx, tx, o)
	return err
}

// rollOf is who may vote: in good standing on the day of the announcement, after the waiting period, and
// still, and in the body that votes.
func (s *Service) rollOf(ctx context.Context, h db.Handle, e *Election) ([]id.ID, error) {
	then, err := s.member.Roll(ctx, h, e.Announced, time.Duration(e.Waiting)*day)
	if err != nil {
		return nil, err
	}
	now, err := s.member.InGoodStanding(ctx, h, h.Now())
	if err != nil {
		return nil, err
	}
	may := make(map[id.ID]bool, len(now))
	for _, x := range now {
		may[x] = true
	}
	b, err := s.mandate.Body(ctx, h, e.Voters)
	if err != nil {
		return nil, err
	}
	if !b.Root() {
		seats, err := s.mandate.SeatsIn(ctx, h, b.ID, e.Announced)
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
	return slices.DeleteFunc(then, func(x id.ID) bool { return !may[x] }), nil
}

func rollHash(election id.ID, roll []id.ID) string {
	return ballotbox.RollHash(ref.Ref{Kind: "election", ID: election}.String(), slices.Sorted(slices.Values(roll))).String()
}

// close counts what was cast, as of the instant at which the vote was to close.
func (s *Service) close(ctx context.Context, tx *db.Tx, e *Election) error {
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	if e.Mode != Secret {
		result, err := s.countNamed(ctx, tx, e, list)
		if err != nil {
			return err
		}
		return s.counted(ctx, tx, e, list, &result)
	}
	v, err := s.voteOf(ctx, tx, e)
	if err != nil {
		return err
	}
	result, err := s.ballot.Finish(ctx, tx, v.ID)
	if err != nil {
		return err
	}
	if result == nil {
		return s.seal(ctx, tx, e)
	}
	return s.counted(ctx, tx, e, list, result)
}

// counted takes the result, or makes it where nobody had to vote, and offers the offices to the elected.
func (s *Service) counted(ctx context.Context, tx *db.Tx, e *Election, list []Candidate, result *tally.Result) error {
	if result == nil {
		c, err := s.tallied(ctx, tx, e, list)
		if err != nil {
			return err
		}
		r, err := tally.Count(e.countingRule(), c)
		if err != nil {
			return err
		}
		result = &r
	}
	e.ResultJSON, e.CountedAt = string(result.JSON()), tx.Now()
	if result.Outcome == tally.NoQuorum {
		return s.fail(ctx, tx, e, "no quorum")
	}
	if e.Kind == Budget {
		e.State, e.DueAt = Filled, time.Time{}
		return s.moved(ctx, tx, e, itself("counted"))
	}
	if len(result.Elected) == 0 {
		return s.fail(ctx, tx, e, "nobody is elected")
	}
	plan := e.Plan()
	if why, err := s.fillable(ctx, tx, e, e.office(tx.Now(), plan.Days)); err != nil || why != "" {
		if err != nil {
			return err
		}
		return s.fail(ctx, tx, e, why)
	}
	e.State, e.AcceptBy = Counted, tx.Now().Add(time.Duration(e.Rules().Accept)*day)
	e.DueAt = e.AcceptBy
	entry := itself("counted")
	entry.Data = map[string]any{"elected": membersOf(list, result.Elected), "rule": result.Rule}
	if err := s.moved(ctx, tx, e, entry); err != nil {
		return err
	}
	if err := s.offer(ctx, tx, e, list, result); err != nil {
		return err
	}
	if open := plan.Seats - len(result.Elected); open > 0 {
		return s.byElection(ctx, tx, e, open, time.Time{})
	}
	return nil
}

// Reminder are the members who have not voted in an election that closes soon, or the scrutineers who have not
// revealed the keys to its ballots.
type Reminder struct {
	Election Election
	Members  []id.ID
}

// remind tells those who have not voted, once, two days before the close or in its last third.
func (s *Service) remind(ctx context.Context) error {
	open, err := listToRemind.All(ctx, s.db, s.db.Now())
	if err != nil {
		return err
	}
	for _, e := range open {
		from, until := e.OpensAt, e.ClosesAt
		if e.State == Sealed {
			from, until = e.ClosesAt, e.DueAt
		}
		if until.Sub(s.db.Now()) > min(2*day, until.Sub(from)/3) {
			continue
		}
		if err := s.step(ctx, e.ID, func(tx *db.Tx, e *Election) error {
			if e.State != Open && e.State != Sealed || !e.RemindedAt.IsZero() {
				return nil
			}
			members, err := s.Unvoted(ctx, tx, e)
			if e.State == Sealed {
				members, err = s.Awaited(ctx, tx, e)
			}
			if err != nil {
				return err
			}
			if _, err := setReminded.Run(ctx, tx, e.ID, tx.Now()); err != nil {
				return err
			}
			return s.Reminded.Emit(ctx, tx, Reminder{*e, members})
		}); err != nil {
			return err
		}
	}
	return nil
}

// Unvoted lists who can vote in an open election and has not, or has taken no paper.
func (s *Service) Unvoted(ctx context.Context, h db.Handle, e *Election) ([]id.ID, error) {
	if e.Mode != Secret {
		return listUnvoted.All(ctx, h, e.ID)
	}
	v, ok, err := s.ballot.Of(ctx, h, e.Ref())
	if err != nil || !ok {
		return nil, err
	}
	return s.ballot.Untaken(ctx, h, v.ID)
}

// Electorate lists who may vote in an election that is or was open.
func (s *Service) Electorate(ctx context.Context, h db.Handle, e *Election) ([]id.ID, error) {
	if e.Mode != Secret {
		return listRoll.All(ctx, h, e.ID)
	}
	v, ok, err := s.ballot.Of(ctx, h, e.Ref())
	if err != nil || !ok {
		return nil, err
	}
	return s.ballot.OnRoll(ctx, h, v.ID)
}

// ToVote lists the open elections in which the actor can vote and has not.
func (s *Service) ToVote(ctx context.Context, a authz.Actor) ([]Election, error) {
	if a.Member == 0 {
		return nil, nil
	}
	out, err := listToVote.All(ctx, s.db, a.Member, s.db.Now())
	if err != nil {
		return nil, err
	}
	secret, err := s.ballot.ToVote(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, v := range secret {
		if v.SubjectKind != "election" {
			continue
		}
		e, err := s.Get(ctx, s.db, v.SubjectID)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Election) int { return a.ClosesAt.Compare(b.ClosesAt) })
	return out, nil
}

// question is the form of the ballot paper.
func (e *Election) question(stand []Candidate) ballotbox.Question {
	c := e.form(stand)
	q := ballotbox.Question{Method: ballotbox.Ranking, Rule: e.countingRule(), Seats: c.Seats, Settings: ballotbox.Settings{Quorum: c.Quorum}}
	for _, l := range c.Limits {
		q.Settings.Limits = append(q.Settings.Limits, ballotbox.Limit{Name: l.Name, Options: l.Options, Max: l.Max})
	}
	for _, t := range c.Terms {
		q.Settings.Terms = append(q.Settings.Terms, ballotbox.Term{Name: t.Name, Seats: t.Seats})
	}
	if e.Kind == Budget || q.Rule == tally.RuleApproval {
		q.Method = ballotbox.Marks
	}
	if e.Kind == Budget {
		q.Seats = 0
		q.Settings.Budget = &ballotbox.Budget{Total: c.Budget.Total, Decimals: c.Budget.Decimals}
	}
	for _, x := range stand {
		q.Options = append(q.Options, ballotbox.Option{ID: x.ID.String(), Name: x.Name})
		if e.Kind == Budget {
			q.Settings.Budget.Costs = append(q.Settings.Budget.Costs, x.Cost)
		}
	}
	return q
}
