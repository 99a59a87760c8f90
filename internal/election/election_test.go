package election_test

import (
	"crypto/rand"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rochdale/internal/ballot"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
)

func TestFromAnnouncementToMandates(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 2)
		if e.State != election.Nominations || e.Mode != election.Secret || e.Title != "Moderator, 2 seats" {
			t.Errorf("announced: %s %s %q", e.State, e.Mode, e.Title)
		}
		list := h.stand(e, 1, 2, 3)
		asked, err := h.Nominate(h.ctx, h.people[1], e.ID, h.people[4].Member, election.Candidacy{})
		h.ok(err)
		if asked.State != election.Asked {
			t.Errorf("who is nominated by another is %s", asked.State)
		}
		_, err = h.Nominate(h.ctx, h.people[2], e.ID, h.people[4].Member, election.Candidacy{})
		h.want(err, fault.Conflict, "nominated twice")
		h.want(h.Answer(h.ctx, h.people[5], asked.ID, true, election.Candidacy{}), fault.Forbidden, "another accepts")
		h.ok(h.Answer(h.ctx, h.people[4], asked.ID, true, election.Candidacy{Statement: "If you ask me."}))
		h.ok(h.Withdraw(h.ctx, h.people[3], list[2].ID))
		q, err := h.Ask(h.ctx, h.people[6], e.ID, "How often will you look?")
		h.ok(err)
		h.ok(h.Reply(h.ctx, h.people[1], q.ID, "Every day."))
		h.want(h.Reply(h.ctx, h.people[6], q.ID, "Me too."), fault.Forbidden, "who does not stand answers")

		e = h.open(e)
		late := h.join() // joining later gives no vote
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		_, err = h.ballots.Take(h.ctx, late, v.ID, make([]byte, 384))
		h.want(err, fault.Forbidden, "a newcomer takes a paper")
		h.want(h.Vote(h.ctx, h.people[0], e.ID, ballotbox.Choice{Rank: []int{1, 2, 3}}, ""), fault.Conflict, "by name in a secret ballot")
		_, err = h.Nominate(h.ctx, h.people[5], e.ID, h.people[5].Member, election.Candidacy{})
		h.want(err, fault.Conflict, "nominated when voting is open")

		// On the paper: people 1, 2 and 4.
		for p := range 6 {
			h.vote(e, p, 1, 2, 3)
		}
		h.vote(e, 6, 0, 0, 1)
		h.vote(e, 6, 2, 0, 1) // changes the vote
		waiting, err := h.ToVote(h.ctx, h.people[7])
		h.ok(err)
		if len(waiting) != 1 {
			t.Errorf("%d elections wait for who has not voted", len(waiting))
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		if got := e.Result(); got.Rule != "stv/scottish2007" || got.Voted != 7 || got.Roll != 9 || len(got.Elected) != 2 {
			t.Errorf("counted: %+v", got)
		}
		if got := h.holders(e); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("offered to %v", got)
		}
		m := h.mandateOf(e, 1)
		if m.SourceKind != "election" || m.SourceID != e.ID || m.InForce(h.clock.Now()) {
			t.Errorf("the offer: %+v", m)
		}
		if _, err := h.mandate.Authorise(h.ctx, h.db, h.people[1], member.Admit, target()); err == nil {
			t.Error("an offer gives power before it is accepted")
		}
		h.ok(h.mandate.Accept(h.ctx, h.people[1], m.ID))
		a, err := h.mandate.Authorise(h.ctx, h.db, h.people[1], member.Admit, target())
		if err != nil || a.ID != m.ID {
			t.Errorf("an accepted office gives no power: %v", err)
		}
		h.is(e, election.Counted)
		h.ok(h.mandate.Accept(h.ctx, h.people[2], h.mandateOf(e, 2).ID))
		h.is(e, election.Filled)

		_, err = h.record.Checkpoint(h.ctx)
		h.ok(err)
		f, err := h.ballots.Published(h.ctx, v.ID)
		h.ok(err)
		found, proved, err := ballot.Check(f)
		if err != nil || len(found) > 0 || !proved {
			t.Errorf("the published ballots: %v %v %v", found, proved, err)
		}
	})
}

func TestVacanciesAreFilledFromTheSameBallots(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		e := h.announce("Steward", 2)
		h.stand(e, 1, 2, 3, 4)
		e = h.open(e)
		for _, ranks := range [][]int{{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}, {2, 1, 3, 4}, {2, 1, 3, 4}, {2, 1, 3, 4}, {3, 2, 1, 4}, {4, 3, 2, 1}} {
			h.vote(e, len(h.codes), ranks...)
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		if got := h.holders(e); !slices.Equal(got, []int{1, 2}) {
			t.Fatalf("elected %v", got)
		}
		// One declines: the same ballots elect the next.
		h.ok(h.mandate.Resign(h.ctx, h.people[1], h.mandateOf(e, 1).ID, "no time"))
		h.is(e, election.Counted)
		if got := h.holders(e); !slices.Equal(got, []int{2, 3}) {
			t.Fatalf("after the count-back: %v", got)
		}
		h.ok(h.mandate.Accept(h.ctx, h.people[2], h.mandateOf(e, 2).ID))
		// The other does not answer, and has declined when the time is over.
		e = h.is(e, election.Counted)
		h.until(e.AcceptBy)
		if got := h.holders(e); !slices.Equal(got, []int{2, 4}) {
			t.Fatalf("after the time to accept: %v", got)
		}
		h.ok(h.mandate.Accept(h.ctx, h.people[4], h.mandateOf(e, 4).ID))
		e = h.is(e, election.Filled)

		// A recall: nobody is left on the ballots, so there is a by-election for the rest of the term.
		m := h.mandateOf(e, 2)
		h.decide(mandate.Recall, map[string]any{"mandate": m.ID})
		by := h.newest()
		if by.ID == e.ID || by.OriginKind != election.Vacancy || by.Plan().Seats != 1 || !by.Plan().Until.Equal(m.To) {
			t.Errorf("the by-election: %s %+v", by.OriginKind, by.Plan())
		}
		if _, err := h.mandate.Authorise(h.ctx, h.db, h.people[2], member.Admit, target()); err == nil {
			t.Error("a recalled officer still has power")
		}
	})
}

func TestNoBallotWhereCandidatesAreNoMoreThanSeats(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Auditor", 2)
		h.stand(e, 3)
		h.until(e.FinalAt)
		e = h.is(e, election.Nominations) // too few: nominations are extended once
		if !e.Extended {
			t.Error("not extended")
		}
		h.until(e.FinalAt)
		e = h.is(e, election.Counted)
		if r := e.Result(); !r.Uncontested || len(r.Elected) != 1 {
			t.Errorf("counted: %+v", r)
		}
		// The other seat is put up again, twice at most.
		by := h.newest()
		if by.OriginKind != election.Vacancy || by.Plan().Seats != 1 {
			t.Fatalf("the empty seat: %s %+v", by.OriginKind, by.Plan())
		}
		for range 4 {
			h.until(h.clock.Now().Add(60 * day))
		}
		list, err := h.List(h.ctx, 0, 10)
		h.ok(err)
		if len(list) != 3 || list[0].State != election.Failed || list[0].Cause != "nobody stands" {
			t.Errorf("%d elections, the last %s (%s)", len(list), list[0].State, list[0].Cause)
		}
	})
}

func TestTheNextElectionOpensBeforeTheTermEnds(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Treasurer", 1)
		h.stand(e, 2)
		h.until(e.FinalAt)
		e = h.is(e, election.Counted)
		m := h.mandateOf(e, 2)
		h.ok(h.mandate.Accept(h.ctx, h.people[2], m.ID))
		h.until(m.To.Add(-61 * day))
		if h.newest().ID != e.ID {
			t.Fatal("the next election opened too early")
		}
		h.until(m.To.Add(-60 * day))
		next := h.newest()
		if next.ID == e.ID || next.OriginKind != election.Ending || next.OriginID != m.ID || next.Plan().Office != "Treasurer" || next.Plan().Seats != 1 ||
			!slices.Equal(next.Plan().Powers, []string{member.Admit}) || !next.Plan().From.Equal(m.To) {
			t.Fatalf("the next election: %s %+v", next.OriginKind, next.Plan())
		}
		h.tick()
		if h.newest().ID != next.ID {
			t.Error("it opened twice")
		}
		// The holder stands again and is elected: the new term follows the old one.
		h.stand(next, 2)
		h.until(next.FinalAt)
		next = h.is(next, election.Counted)
		again := h.mandateOf(next, 2)
		h.ok(h.mandate.Accept(h.ctx, h.people[2], again.ID))
		if !again.From.Equal(m.To) || again.InForce(h.clock.Now()) || !again.To.After(m.To.Add(300*day)) {
			t.Errorf("the second term: %s to %s", again.From, again.To)
		}
	})
}

func TestAFewVoteByName(t *testing.T) {
	each(t, 4, func(t *testing.T, h *hall) {
		e := h.announce("Chair", 1)
		if e.Mode != election.ByName || !strings.Contains(e.ModeReason, "among 4 would not be secret") {
			t.Fatalf("%s: %s", e.Mode, e.ModeReason)
		}
		h.stand(e, 1, 2)
		e = h.open(e)
		h.ok(h.Vote(h.ctx, h.people[0], e.ID, ballotbox.Choice{Rank: []int{1, 2}}, "she listens"))
		h.ok(h.Vote(h.ctx, h.people[1], e.ID, ballotbox.Choice{Rank: []int{1, 0}}, ""))
		h.ok(h.Vote(h.ctx, h.people[2], e.ID, ballotbox.Choice{Rank: []int{0, 1}}, ""))
		h.ok(h.Vote(h.ctx, h.people[3], e.ID, ballotbox.Choice{Rank: []int{0, 1}}, ""))
		h.ok(h.Vote(h.ctx, h.people[3], e.ID, ballotbox.Choice{Rank: []int{1, 0}}, "changed my mind"))
		h.want(h.Vote(h.ctx, h.people[3], e.ID, ballotbox.Choice{Rank: []int{1}}, ""), fault.Invalid, "a ballot of another form")
		own, err := h.NamedBallots(h.ctx, h.people[3], &e)
		h.ok(err)
		if len(own) != 1 {
			t.Errorf("%d ballots can be seen before the close", len(own))
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		if r := e.Result(); r.Voted != 4 || r.Roll != 4 || len(r.Elected) != 1 {
			t.Errorf("counted: %+v", r)
		}
		if got := h.holders(e); !slices.Equal(got, []int{1}) {
			t.Errorf("elected %v", got)
		}
		all, err := h.NamedBallots(h.ctx, h.people[1], &e)
		h.ok(err)
		if len(all) != 4 {
			t.Errorf("%d ballots after the close", len(all))
		}
		h.want(h.Vote(h.ctx, h.people[3], e.ID, ballotbox.Choice{Rank: []int{1, 2}}, ""), fault.Conflict, "after the close")
	})
}

func TestAReturningOfficerRulesAndMembersHaveTheLastWord(t *testing.T) {
	each(t, 8, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		list := h.stand(e, 1, 2)
		h.want(h.Rule(h.ctx, h.people[3], list[0].ID, false, "because"), fault.Forbidden, "without a mandate")
		h.want(h.Rule(h.ctx, h.people[0], list[0].ID, false, " "), fault.Invalid, "without a reason")
		// The founder holds every power that a mandate can hold, for 90 days.
		h.ok(h.Rule(h.ctx, h.people[0], list[0].ID, false, "not a member of the right kind"))
		got, err := h.Candidates(h.ctx, h.db, e.ID)
		h.ok(err)
		if got[0].State != election.Struck {
			t.Fatalf("the nomination is %s", got[0].State)
		}
		for p := 3; p < 6; p++ {
			h.ok(h.Object(h.ctx, h.people[p], list[0].ID))
		}
		got, err = h.Candidates(h.ctx, h.db, e.ID)
		h.ok(err)
		if got[0].State != election.Standing {
			t.Errorf("three members objected, and the nomination is %s", got[0].State)
		}
		h.want(h.Rule(h.ctx, h.people[0], list[0].ID, false, "once more"), fault.Conflict, "ruled out again, against the members")
		_, err = h.Nominate(h.ctx, h.people[0], e.ID, h.people[0].Member, election.Candidacy{})
		h.want(err, fault.Invalid, "who ran the election stands in it")

		// Who stands does not run the election.
		e = h.announce("Chair", 1)
		list = h.stand(e, 0, 2)
		h.want(h.Rule(h.ctx, h.people[0], list[1].ID, false, "a rival"), fault.Forbidden, "who stands rules")
		h.want(h.Extend(h.ctx, h.people[0], e.ID, 3, "more time for me"), fault.Forbidden, "who stands extends")
	})
}

func TestADecisionCallsAnElectionOff(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		h.decide(election.CallOff, map[string]any{"election": e.Number})
		e = h.is(e, election.Cancelled)
		_, err := h.Nominate(h.ctx, h.people[3], e.ID, h.people[3].Member, election.Candidacy{})
		h.want(err, fault.Conflict, "nominated when it is off")
		h.until(h.clock.Now().Add(60 * day))
		if h.newest().ID != e.ID {
			t.Error("what members called off is held again by itself")
		}
	})
}

func TestAPanelIsDrawnByLot(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.decide(election.Hold, map[string]any{"body": h.root, "kind": election.Panel, "office": "Member of the panel", "seats": 3, "days": 90})
		e := h.newest()
		h.stand(e, 1, 2, 3, 4, 5, 6)
		h.until(e.FinalAt)
		e = h.is(e, election.Counted)
		r := e.Result()
		if r.Rule != "sortition/v1" || len(r.Elected) != 3 || len(h.holders(e)) != 3 {
			t.Errorf("drawn: %+v, offered to %v", r, h.holders(e))
		}
		first := h.holders(e)[0]
		h.ok(h.mandate.Resign(h.ctx, h.people[first], h.mandateOf(e, first).ID, ""))
		if got := h.holders(e); len(got) != 3 || slices.Contains(got, first) {
			t.Errorf("after one declined: %v", got)
		}
	})
}

func TestMembersDecideOnABudget(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.decide(election.Hold, map[string]any{"body": h.root, "kind": election.Budget, "sum": 10000, "decimals": 2})
		e := h.newest()
		for i, p := range []election.Candidacy{{Title: "A bench", Cost: 6000}, {Title: "A tree", Cost: 3000}, {Title: "A feast", Cost: 9000}} {
			_, err := h.Nominate(h.ctx, h.people[i], e.ID, 0, p)
			h.ok(err)
		}
		_, err := h.Nominate(h.ctx, h.people[0], e.ID, 0, election.Candidacy{Title: "A palace", Cost: 10001})
		h.want(err, fault.Invalid, "more than there is")
		e = h.open(e)
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		q, err := v.Question()
		h.ok(err)
		for p, marks := range [][]int{{0, 1}, {0, 1}, {0}, {1}, {2}} {
			code := newCode(t)
			h.codes[h.people[p].Member] = code
			_, err := h.ballots.VoteFor(h.ctx, h.people[p], v.ID, code, "", ballotbox.Choice{Marks: marks})
			h.ok(err)
		}
		if q.Rule != "pb/equal-shares" {
			t.Errorf("counted by %s", q.Rule)
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Filled)
		if got := e.Result(); len(got.Funded) != 2 || got.Spent != "90.00" {
			t.Errorf("funded %v for %s", got.Funded, got.Spent)
		}
	})
}

func newCode(t rapid.TB) ballotbox.Code {
	t.Helper()
	code, err := ballotbox.NewCode(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func target() authz.Target { return authz.Target{} }
