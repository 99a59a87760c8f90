package election_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

func TestAttackTheListChangesWhenItIsFinal(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2, 3)
		h.until(e.FinalAt)
		h.quits(1) // no member any more: not on the paper
		h.until(h.is(e, election.Final).OpensAt)
		e = h.is(e, election.Open)
		if c := h.on(e, 1); c.State != election.Dropped || c.Place != 0 {
			t.Errorf("who left is %s, at place %d", c.State, c.Place)
		}
		for p := 3; p < 9; p++ {
			h.vote(e, p, 1, 2)
		}
		h.quits(2) // elected, and no member when it is counted
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		if got := h.holders(e); !slices.Equal(got, []int{3}) {
			t.Errorf("offered to %v", got)
		}

		// All withdraw: nobody is elected, and it is held again.
		e = h.announce("Clerk", 1)
		h.stand(e, 4, 5)
		h.until(e.FinalAt)
		e = h.is(e, election.Final)
		for _, p := range []int{4, 5} {
			h.ok(h.Withdraw(h.ctx, h.people[p], h.on(e, p).ID))
		}
		h.until(e.OpensAt)
		e = h.is(e, election.Failed)
		if by := h.newest(); by.OriginID != e.ID || by.Plan().Seats != 1 {
			t.Errorf("held again: %+v", by)
		}
	})
}

func TestSeatsOfThoseWhoCannotTakeThemAreFilledOnce(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		e := h.announce("Steward", 2)
		h.stand(e, 1, 2, 3)
		e = h.open(e)
		for _, ranks := range [][]int{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {2, 1, 3}, {2, 1, 3}, {2, 1, 3}, {2, 3, 1}} {
			h.vote(e, len(h.codes), ranks...)
		}
		h.quits(1) // elected first, and gone: the other must have one offer, and the third the seat
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		if got := h.holders(e); !slices.Equal(got, []int{2, 3}) {
			t.Errorf("offered to %v", got)
		}
		if c := h.on(e, 2); c.Vacated || c.Mandate == 0 {
			t.Errorf("the second is %+v", c)
		}
	})
}

func TestAllVacantSeatsArePutUpTogether(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Steward", 3)
		h.stand(e, 1, 2, 3)
		h.until(e.FinalAt)
		e = h.is(e, election.Counted)
		h.until(e.AcceptBy) // nobody answers
		h.is(e, election.Filled)
		by := h.newest()
		if by.OriginKind != election.Vacancy || by.Plan().Seats != 3 || by.Title != "Steward, 3 seats" {
			t.Errorf("put up again: %q %+v", by.Title, by.Plan())
		}
	})
}

func TestTheNextTermIsAWholeOneForAllSeats(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		e := h.announce("Steward", 2)
		h.stand(e, 1, 2)
		h.until(e.FinalAt)
		e = h.is(e, election.Counted)
		for _, p := range []int{1, 2} {
			h.ok(h.mandate.Accept(h.ctx, h.people[p], h.mandateOf(e, p).ID))
		}
		first := h.mandateOf(e, 1)
		h.until(first.To.Add(-150 * day))
		h.ok(h.mandate.Resign(h.ctx, h.people[1], first.ID, ""))
		by := h.newest()
		if by.ID == e.ID || by.Plan().Seats != 1 || !by.Plan().Until.Equal(first.To) {
			t.Fatalf("the by-election: %+v", by.Plan())
		}
		h.stand(by, 3)
		h.until(by.FinalAt)
		by = h.is(by, election.Counted)
		h.ok(h.mandate.Accept(h.ctx, h.people[3], h.mandateOf(by, 3).ID))
		h.ok(h.mandate.Resign(h.ctx, h.people[2], h.mandateOf(e, 2).ID, "")) // and this seat stays empty
		for range 8 {
			h.until(h.clock.Now().Add(8 * day))
		}
		h.until(first.To.Add(-58 * day))
		next := h.newest()
		for range 3 { // the by-election for the empty seat may still be under way
			if next.OriginKind == election.Ending {
				break
			}
			h.until(next.DueAt)
			next = h.newest()
		}
		if next.OriginKind != election.Ending || next.Plan().Seats != 2 || next.Plan().Days != 365 {
			t.Errorf("the next election: %s %+v", next.OriginKind, next.Plan())
		}
	})
}

func TestTheLastHolderResignsNearTheEnd(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Treasurer", 1)
		h.stand(e, 2)
		h.until(e.FinalAt)
		e = h.is(e, election.Counted)
		m := h.mandateOf(e, 2)
		h.ok(h.mandate.Accept(h.ctx, h.people[2], m.ID))
		h.until(m.To.Add(-61 * day))
		h.ok(h.mandate.Resign(h.ctx, h.people[2], m.ID, ""))
		// 61 days are too few for an election and a term: a whole one begins.
		if by := h.newest(); by.ID == e.ID || by.Plan().Days < 30 {
			t.Errorf("put up: %+v", by.Plan())
		}
	})
}

func TestAttackABodyIsDissolvedWhileItsOfficeIsVotedOn(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.decide(mandate.CreateBody, map[string]any{"parent": h.root, "kind": "circle", "handle": "care", "name": "Care", "aim": "", "domain": []string{"member.*"}, "seats": 0, "joining": "open"})
		care, err := h.mandate.BodyByHandle(h.ctx, h.db, "care")
		h.ok(err)
		h.decide(election.Hold, map[string]any{"body": care.ID, "office": "Chair", "powers": []string{member.Admit}})
		e := h.newest()
		h.stand(e, 1, 2, 3)
		e = h.open(e)
		h.vote(e, 4, 1, 2, 3)
		h.clock.Set(h.clock.Now().Add(-9 * day)) // so that a decision fits in
		h.decide(mandate.DissolveBody, map[string]any{"body": care.ID})
		h.until(e.ClosesAt)
		if e = h.is(e, election.Failed); !strings.Contains(e.Cause, "dissolved") {
			t.Errorf("it failed because %s", e.Cause)
		}
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		if v.Key != "" || v.ClosedAt.IsZero() {
			t.Error("the keys are there still")
		}
		if h.newest().ID != e.ID {
			t.Error("the office of a body that is gone is put up again")
		}
	})
}

// DESIGN §3, invariant 5, and the quorum.
func TestARuleChangeTouchesNoElectionThatRuns(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		one := h.announce("Moderator", 1)
		h.stand(one, 1, 2)
		h.adopts(func(e *rulebook.Election) {
			e.Method, e.Open, e.Quorum, e.NoBallot, e.Secret = tally.RuleApproval, 10, tally.Ratio{Num: 1, Den: 2}, false, true
		})
		now := h.is(one, election.Nominations)
		if !now.ClosesAt.Equal(one.ClosesAt) || now.RulesJSON != one.RulesJSON {
			t.Error("a rule change moved an election that runs")
		}
		one = h.open(one)
		h.vote(one, 3, 1, 2)
		h.until(one.ClosesAt)
		one = h.is(one, election.Counted)
		if r := one.Result(); r.Rule != tally.RuleScottish {
			t.Errorf("counted by %s", r.Rule)
		}
		two := h.announce("Clerk", 1)
		h.stand(two, 1, 2)
		two = h.open(two)
		if two.ClosesAt.Sub(two.OpensAt) != 10*day {
			t.Errorf("open for %s", two.ClosesAt.Sub(two.OpensAt))
		}
		for p := range 3 { // of 9: the quorum of a half is missed
			code := newCode(t)
			v, _, err := h.ballots.Of(h.ctx, h.db, two.Ref())
			h.ok(err)
			_, err = h.ballots.VoteFor(h.ctx, h.people[p], v.ID, code, "", ballotbox.Choice{Marks: []int{0}})
			h.ok(err)
		}
		h.until(two.ClosesAt)
		if two = h.is(two, election.Failed); two.Cause != "no quorum" || len(h.holders(two)) > 0 {
			t.Errorf("it failed because %s", two.Cause)
		}
		v, _, err := h.ballots.Of(h.ctx, h.db, two.Ref())
		h.ok(err)
		if v.Key != "" {
			t.Error("the keys of an election without quorum are there still")
		}
		if by := h.newest(); by.OriginID != two.ID {
			t.Error("it is not held again")
		}
	})
}

func TestAttackNamesThatMislead(t *testing.T) {
	each(t, 6, func(t *testing.T, h *hall) {
		e := h.announce("Mode\u202erator\u200b", 1)
		if e.Title != "Moderator" {
			t.Errorf("the title is %q", e.Title)
		}
		for i, name := range []string{"Ann Lee", "ann lee", "Ann\u200b Lee", "\u202eAnn Lee", "\u2060\u200b"} {
			var m member.Member
			h.ok(h.db.InDurableTx(h.ctx, func(tx *db.Tx) (err error) {
				m, err = h.member.TakeIn(h.ctx, tx, h.people[0], member.Joining{Name: name, Username: fmt.Sprintf("twin%d", i), Email: fmt.Sprintf("twin%d@mail.example", i)}, hashed(), "welcome")
				return err
			}))
			c, err := h.Nominate(h.ctx, authz.Actor{Member: m.ID}, e.ID, m.ID, election.Candidacy{Statement: "One\r\n\x07two\u202e", Affiliation: "Big\tCorp"})
			h.ok(err)
			if c.Statement != "One\n two" || c.Affiliation != "Big Corp" {
				t.Errorf("kept as %q of %q", c.Statement, c.Affiliation)
			}
		}
		h.until(e.FinalAt)
		list, err := h.Candidates(h.ctx, h.db, e.ID)
		h.ok(err)
		var names []string
		for _, c := range list {
			names = append(names, c.Name)
		}
		if want := []string{"Ann Lee", "ann lee (@twin1)", "Ann Lee (@twin2)", "Ann Lee (@twin3)", "twin4"}; !slices.Equal(names, want) {
			t.Errorf("on the paper are %q", names)
		}
		_, err = h.Nominate(h.ctx, h.people[1], e.ID, h.people[1].Member, election.Candidacy{Statement: strings.Repeat("ä", election.MaxText+1)})
		h.want(err, fault.Conflict, "when the list is final")
	})
}

func TestAttackOneMemberFillsThePaper(t *testing.T) {
	each(t, 14, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		_, err := h.Nominate(h.ctx, h.people[1], e.ID, h.people[1].Member, election.Candidacy{Statement: strings.Repeat("ä", election.MaxText+1)})
		h.want(err, fault.Invalid, "a statement without end")
		for p := 2; p < 12; p++ {
			_, err := h.Nominate(h.ctx, h.people[1], e.ID, h.people[p].Member, election.Candidacy{})
			h.ok(err)
		}
		_, err = h.Nominate(h.ctx, h.people[1], e.ID, h.people[13].Member, election.Candidacy{})
		h.want(err, fault.Conflict, "the eleventh by one member")
		h.stand(e, 1, 13)
		h.decide(election.Hold, map[string]any{"body": h.root, "kind": election.Budget, "sum": 10000})
		b := h.newest()
		for i := range 11 {
			_, err = h.Nominate(h.ctx, h.people[1], b.ID, 0, election.Candidacy{Title: fmt.Sprintf("Project %d", i), Cost: 5})
			if i < 10 {
				h.ok(err)
			}
		}
		h.want(err, fault.Conflict, "the eleventh project of one member")
		_, err = h.Nominate(h.ctx, h.people[2], b.ID, 0, election.Candidacy{Title: "project\u200b  1", Cost: 5})
		h.want(err, fault.Invalid, "a project that looks like another")
	})
}

func TestCapsAndReservedSeats(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.adopts(func(e *rulebook.Election) { e.Cap, e.NoBallot = 1, false })
		h.decide(election.Hold, map[string]any{"body": h.root, "office": "Steward", "seats": 4, "reserved": []election.Seat{{For: "the young", Seats: 1}}})
		e := h.newest()
		for p, c := range map[int]election.Candidacy{1: {Affiliation: "Big Corp"}, 2: {Affiliation: "big corp"}, 3: {}} {
			_, err := h.Nominate(h.ctx, h.people[p], e.ID, h.people[p].Member, c)
			h.ok(err)
		}
		h.until(e.FinalAt) // more seats than candidates, so nominations are extended
		e = h.is(e, election.Nominations)
		e = h.open(e)
		for p := range 6 {
			h.vote(e, p, 1, 2, 3)
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		got := h.holders(e)
		if len(got) != 2 || !slices.Contains(got, 3) {
			t.Errorf("elected %v: at most one of an affiliation, however it is spelt", got)
		}
		if by := h.newest(); by.OriginID != e.ID || by.Plan().Seats != 2 {
			t.Errorf("the empty seats: %+v", by.Plan())
		}
	})
}

// Two of one employer and two seats, of which they may have one: there is something to vote on.
func TestABallotIsHeldWhereACapBarsACandidate(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		h.adopts(func(e *rulebook.Election) { e.Cap = 1 })
		h.decide(election.Hold, map[string]any{"body": h.root, "office": "Steward", "seats": 2})
		e := h.newest()
		for p := 1; p < 3; p++ {
			_, err := h.Nominate(h.ctx, h.people[p], e.ID, h.people[p].Member, election.Candidacy{Affiliation: "Big Corp"})
			h.ok(err)
		}
		e = h.open(e)
		for p := range 5 {
			h.vote(e, p, 2, 1)
		}
		h.until(e.ClosesAt)
		if got := h.holders(h.is(e, election.Counted)); !slices.Equal(got, []int{2}) {
			t.Errorf("elected %v", got)
		}
	})
}

func TestStaggeredTerms(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.decide(election.Hold, map[string]any{"body": h.root, "office": "Steward", "seats": 3, "days": 730, "terms": []election.Term{{Days: 730, Seats: 1}, {Days: 365, Seats: 2}}})
		e := h.newest()
		h.stand(e, 1, 2, 3, 4)
		e = h.open(e)
		for _, ranks := range [][]int{{1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}, {1, 2, 3, 4}, {2, 1, 3, 4}, {2, 1, 3, 4}, {3, 2, 1, 4}} {
			h.vote(e, len(h.codes), ranks...)
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		long := 0
		for _, p := range h.holders(e) {
			m := h.mandateOf(e, p)
			if days := int(m.To.Sub(m.From) / day); days == 730 {
				long++
			} else if days != 365 {
				t.Errorf("a term of %d days", days)
			}
			h.ok(h.mandate.Accept(h.ctx, h.people[p], m.ID))
		}
		if long != 1 {
			t.Errorf("%d have the long term", long)
		}
		// When the short terms end, two whole ones are put up.
		h.until(e.CountedAt.Add((365 - 60) * day))
		if next := h.newest(); next.OriginKind != election.Ending || next.Plan().Seats != 2 || next.Plan().Days != 730 {
			t.Errorf("the next election: %+v", next.Plan())
		}
	})
}

func TestAFormerMemberIsForgotten(t *testing.T) {
	each(t, 4, func(t *testing.T, h *hall) {
		h.member.Erased.On(func(ctx context.Context, tx *db.Tx, m member.Member) error { return h.EraseMember(ctx, tx, m.ID) })
		const secret = "unforgettable words"
		e := h.announce("Chair", 1)
		_, err := h.Nominate(h.ctx, h.people[1], e.ID, h.people[1].Member, election.Candidacy{Statement: secret, Affiliation: secret})
		h.ok(err)
		h.stand(e, 2)
		_, err = h.Nominate(h.ctx, h.people[1], e.ID, h.people[3].Member, election.Candidacy{Statement: secret})
		h.ok(err)
		q, err := h.Ask(h.ctx, h.people[1], e.ID, secret)
		h.ok(err)
		h.ok(h.Reply(h.ctx, h.people[1], q.ID, secret))
		h.ok(h.Answer(h.ctx, h.people[2], h.on(e, 2).ID, true, election.Candidacy{Statement: "others stay"}))
		e = h.open(e)
		h.ok(h.Vote(h.ctx, h.people[1], e.ID, ballotbox.Choice{Rank: []int{1, 0}}, secret))
		h.ok(h.Vote(h.ctx, h.people[2], e.ID, ballotbox.Choice{Rank: []int{0, 1}}, "others stay"))
		mine, err := h.Mine(h.ctx, h.db, h.people[1].Member)
		h.ok(err)
		if len(mine.Nominations) != 2 || len(mine.Questions) != 1 || len(mine.Replies) != 1 || len(mine.Ballots) != 1 {
			t.Errorf("for the archive: %+v", mine)
		}
		h.until(e.ClosesAt)
		h.quits(1)
		h.ok(h.member.Erase(h.ctx, h.people[1], "everybody in the garden", netip.MustParseAddr("127.0.0.1")))
		kept := false
		for _, tab := range h.dump() {
			for _, row := range tab.rows {
				line := fmt.Sprint(row...)
				kept = kept || strings.Contains(line, "others stay")
				if strings.Contains(line, secret) {
					t.Errorf("there is still in %s: %s", tab.name, line)
				}
			}
		}
		if !kept {
			t.Error("the words of others are gone as well")
		}
		rep, err := h.record.Verify(h.ctx)
		h.ok(err)
		if rep.Erased == 0 {
			t.Error("nothing was erased from the record")
		}
		events, err := h.record.Find(h.ctx, record.Filter{Kinds: []string{"election.nominated"}, Limit: 10})
		h.ok(err)
		for _, ev := range events {
			if strings.Contains(ev.Body, "statement") {
				t.Errorf("the record keeps a hash that can be guessed at: %s", ev.Body)
			}
		}
	})
}

// Advance runs every minute: where nothing is due it changes nothing, and waits for nobody who does.
func TestAdvanceDisturbsNobodyWhenNothingIsDue(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Treasurer", 1)
		h.stand(e, 2)
		h.until(e.FinalAt)
		m := h.mandateOf(e, 2)
		h.ok(h.mandate.Accept(h.ctx, h.people[2], m.ID))
		h.until(m.To.Add(-60 * day))
		h.stand(h.newest(), 2, 3)
		open := h.open(h.newest()) // and a vote whose reminder is not due
		h.until(open.OpensAt.Add(time.Hour))
		before := h.dump()
		hold, held, done := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			done <- h.db.InDurableTx(h.ctx, func(*db.Tx) error { close(held); <-hold; return nil })
		}()
		<-held
		ctx, stop := context.WithTimeout(h.ctx, 5*time.Second)
		defer stop()
		for range 2 {
			if err := h.Advance(ctx); err != nil {
				t.Errorf("while another writes: %v", err)
			}
		}
		close(hold)
		h.ok(<-done)
		if changed := differs(before, h.dump()); len(changed) > 0 {
			t.Errorf("it changed %v", changed)
		}
	})
}
