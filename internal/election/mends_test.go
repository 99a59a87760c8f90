package election_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/election"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// fills lets one person stand for each seat, and all accept.
func (h *hall) fills(e election.Election, people ...int) election.Election {
	h.t.Helper()
	h.stand(e, people...)
	h.until(e.FinalAt)
	e = h.is(e, election.Counted)
	for _, p := range people {
		h.ok(h.mandate.Accept(h.ctx, h.people[p], h.mandateOf(e, p).ID))
	}
	return h.is(e, election.Filled)
}

func (h *hall) resigns(e election.Election, person int) {
	h.t.Helper()
	h.ok(h.mandate.Resign(h.ctx, h.people[person], h.mandateOf(e, person).ID, "no time"))
}

// pass lets time go by in steps, as it does.
func (h *hall) pass(days int) {
	h.t.Helper()
	for end := h.clock.Now().Add(time.Duration(days) * day); h.clock.Now().Before(end); {
		h.until(h.clock.Now().Add(4 * day))
	}
}

// told are the causes that the record gives for seats that stay vacant.
func (h *hall) told(e election.Election) []string {
	h.t.Helper()
	events, err := h.record.Find(h.ctx, record.Filter{Kinds: []string{"election.vacant"}, Subject: e.Ref(), Limit: 10})
	h.ok(err)
	var out []string
	for _, ev := range events {
		var body record.Body
		h.ok(json.Unmarshal([]byte(ev.Body), &body))
		var data struct {
			Cause string `json:"cause"`
		}
		h.ok(json.Unmarshal(body.Data, &data))
		out = append(out, data.Cause)
	}
	return out
}

func (h *hall) count() int {
	h.t.Helper()
	list, err := h.List(h.ctx, 0, 50)
	h.ok(err)
	return len(list)
}

func TestByElectionsGoOnWhileSomebodyWantsTheOffice(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		e := h.fills(h.announce("Treasurer", 1), 1)
		for p := 2; p < 6; p++ { // each resigns in turn
			h.resigns(e, p-1)
			by := h.newest()
			if by.ID == e.ID || by.OriginID != e.ID {
				t.Fatalf("the vacancy %d is not put up", p-1)
			}
			e = h.fills(by, p)
		}
		h.resigns(e, 5)
		first := h.newest()
		h.pass(60) // nobody stands
		second := h.newest()
		if h.is(first, election.Failed); second.OriginID != first.ID {
			t.Fatal("it is not held again")
		}
		h.pass(120)
		h.is(second, election.Failed)
		if h.newest().ID != second.ID {
			t.Error("an office that nobody wants is put up for ever")
		}
		if got := h.told(second); len(got) != 1 || got[0] != fmt.Sprintf("the by-elections %d and %d in a row gave the office to nobody: members decide what becomes of it", first.Number, second.Number) {
			t.Errorf("the record says %q", got)
		}
	})
}

// Who is elected and does not accept fills no seat either.
func TestByElectionsEndWhereTheElectedNeverAccept(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Treasurer", 2)
		for range 9 {
			x := h.newest()
			if x.Over() {
				break
			}
			if x.State == election.Nominations {
				h.stand(x, 1, 2)
			}
			h.pass(60)
		}
		last := h.newest()
		if n := h.count(); n != 3 || !last.Over() {
			t.Errorf("%d elections, the last %s", n, last.State)
		}
		if got := h.told(last); len(got) == 0 || !strings.Contains(got[0], "in a row") {
			t.Errorf("the record says %q", got)
		}
		if len(h.told(e)) > 0 {
			t.Error("the first has something to tell")
		}
	})
}

func TestTheOfficersExtensionIsNotTheCalendars(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.decide(election.Hold, map[string]any{"body": h.root, "office": "Returning officer", "powers": []string{election.Prolong}})
		h.fills(h.newest(), 8)
		officer := h.people[8]
		var moved, prolonged int
		h.Moved.On(func(context.Context, *db.Tx, election.Election) error { moved++; return nil })
		h.Prolonged.On(func(_ context.Context, _ *db.Tx, e election.Election) error {
			prolonged++
			if e.State == election.Open && !e.ProlongedVote || e.State == election.Nominations && !e.Prolonged {
				t.Errorf("the event does not say what was prolonged: %+v", e)
			}
			return nil
		})
		prolong := func(e election.Election, days int) {
			t.Helper()
			before := moved
			h.ok(h.Extend(h.ctx, officer, e.ID, days, "an outage"))
			h.want(h.Extend(h.ctx, officer, e.ID, days, "once more"), fault.Conflict, "prolonged twice")
			if moved != before {
				t.Error("what is prolonged looks like what is opened")
			}
		}

		// The calendar first, then the officer.
		e := h.announce("Treasurer", 1)
		h.until(e.FinalAt)
		e = h.is(e, election.Nominations)
		if !e.Extended || !e.MayBeProlonged() {
			t.Fatal("the officer cannot prolong what the calendar extended")
		}
		prolong(e, 3)
		if now := h.is(e, election.Nominations); !now.FinalAt.Equal(e.FinalAt.Add(3*day)) || !now.OpensAt.Equal(e.OpensAt.Add(3*day)) || now.MayBeProlonged() {
			t.Errorf("prolonged until %s", now.FinalAt)
		}
		h.stand(e, 1, 2)
		e = h.open(h.is(e, election.Nominations))
		prolong(e, 2) // and the vote as well
		if now := h.is(e, election.Open); !now.ClosesAt.Equal(e.ClosesAt.Add(2*day)) || now.MayBeProlonged() {
			t.Errorf("prolonged until %s", now.ClosesAt)
		}

		// The officer first, then the calendar.
		e = h.announce("Clerk", 1)
		prolong(e, 3)
		e = h.is(e, election.Nominations)
		h.until(e.FinalAt)
		if now := h.is(e, election.Nominations); !now.Extended || !now.FinalAt.Equal(e.FinalAt.Add(14*day)) {
			t.Error("too few stand, and nominations are not extended")
		}
		if prolonged != 3 {
			t.Errorf("%d events", prolonged)
		}
	})
}

func TestTheLongestElectionEndsBeforeTheMandateItRenews(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		h.adopts(func(e *rulebook.Election) { e.Nominations, e.Final, e.Open, e.Accept, e.NoBallot = 18, 3, 14, 7, false })
		v, err := h.rules.ForElection(h.ctx, h.db, true)
		h.ok(err)
		rule, longer := v.Rule, v.Rule.ElectionIn()
		longer.Nominations++ // 43 days, or 62 where too few stand
		rule.Election = &longer
		h.want(h.checks(rulebook.Adopt, map[string]any{"rule": rule}), fault.Invalid, "a rule whose elections would end after the mandate")
		e := h.announce("Treasurer", 1)
		h.stand(e, 1)
		e = h.open(e)
		h.vote(e, 2, 1)
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		m := h.mandateOf(e, 1)
		h.ok(h.mandate.Accept(h.ctx, h.people[1], m.ID))
		h.until(m.To.Add(-election.Ahead))
		next := h.newest()
		if next.OriginKind != election.Ending {
			t.Fatalf("the next election: %+v", next)
		}
		h.until(next.FinalAt)
		next = h.is(next, election.Nominations) // nobody stands as yet
		h.stand(next, 3)
		next = h.open(next)
		h.vote(next, 2, 1)
		h.until(next.ClosesAt)
		if next = h.is(next, election.Counted); next.AcceptBy.After(m.To) {
			t.Errorf("the time to accept ends on %s, and the mandate on %s", next.AcceptBy, m.To)
		}
	})
}

func TestReservedSeatsStayReserved(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		const young = "the young"
		h.adopts(func(e *rulebook.Election) { e.CountBack = false })
		h.decide(election.Hold, map[string]any{"body": h.root, "office": "Steward", "seats": 3, "days": 300, "reserved": []election.Seat{{For: young, Seats: 2}}})
		e := h.newest()
		declare := func(e election.Election, person int) {
			_, err := h.Nominate(h.ctx, h.people[person], e.ID, h.people[person].Member, election.Candidacy{Reserved: young})
			h.ok(err)
		}
		h.stand(e, 1, 2) // one of them can be elected
		declare(e, 3)
		e = h.open(e)
		for p := range 6 {
			h.vote(e, p, 1, 2, 3)
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		if got := h.holders(e); !slices.Equal(got, []int{1, 3}) {
			t.Fatalf("elected %v", got)
		}
		for _, p := range []int{1, 3} {
			h.ok(h.mandate.Accept(h.ctx, h.people[p], h.mandateOf(e, p).ID))
		}
		by := h.newest()
		if p := by.Plan(); by.OriginID != e.ID || p.Seats != 1 || !slices.Equal(p.Reserved, []election.Seat{{For: young, Seats: 1}}) {
			t.Fatalf("the empty seat: %+v", p)
		}
		// One who is not young has all the votes, and the seat is not theirs.
		h.stand(by, 2)
		declare(by, 4)
		by = h.elects(by, 5, []int{1, 2})
		if got := h.holders(by); !slices.Equal(got, []int{4}) {
			t.Fatalf("the reserved seat went to %v", got)
		}
		h.ok(h.mandate.Accept(h.ctx, h.people[4], h.mandateOf(by, 4).ID))

		// A seat that is open to all stays so.
		h.resigns(e, 1)
		by = h.newest()
		if p := by.Plan(); p.Seats != 1 || len(p.Reserved) > 0 {
			t.Fatalf("an open seat: %+v", p)
		}
		// While nominations are open a reserved one is added.
		h.resigns(e, 3)
		by = h.is(by, election.Nominations)
		if p := by.Plan(); p.Seats != 2 || !slices.Equal(p.Reserved, []election.Seat{{For: young, Seats: 1}}) {
			t.Fatalf("widened: %+v", p)
		}
		// Nobody stands; the next is held for the same.
		h.pass(44)
		h.is(by, election.Failed)
		by = h.newest()
		if p := by.Plan(); p.Seats != 2 || !slices.Equal(p.Reserved, []election.Seat{{For: young, Seats: 1}}) {
			t.Errorf("held again: %+v", p)
		}
	})
}

func TestReservedSeatsAreReservedInTheNextTerm(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		const young = "the young"
		h.decide(election.Hold, map[string]any{"body": h.root, "office": "Steward", "seats": 2, "days": 300, "reserved": []election.Seat{{For: young, Seats: 1}}})
		e := h.newest()
		_, err := h.Nominate(h.ctx, h.people[2], e.ID, h.people[2].Member, election.Candidacy{Reserved: young})
		h.ok(err)
		h.stand(e, 1)
		h.until(e.FinalAt)
		e = h.is(e, election.Counted)
		for _, p := range []int{1, 2} {
			h.ok(h.mandate.Accept(h.ctx, h.people[p], h.mandateOf(e, p).ID))
		}
		h.until(h.mandateOf(e, 1).To.Add(-election.Ahead))
		next := h.newest()
		if p := next.Plan(); next.OriginKind != election.Ending || p.Seats != 2 || !slices.Equal(p.Reserved, []election.Seat{{For: young, Seats: 1}}) {
			t.Errorf("the next election: %s %+v", next.OriginKind, p)
		}
	})
}

// elects takes an election to its count with ballots that say the same.
func (h *hall) elects(e election.Election, ballots int, ranks []int) election.Election {
	h.t.Helper()
	h.codes = map[id.ID]ballotbox.Code{}
	e = h.open(h.is(e, election.Nominations))
	for p := range ballots {
		h.vote(e, p, ranks...)
	}
	h.until(e.ClosesAt)
	return h.is(e, election.Counted)
}

// A second seat falls vacant when the list of the by-election for the first is final.
func TestAVacancyWaitsForTheElectionThatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, end := range []election.State{election.Filled, election.Failed, election.Cancelled} {
		t.Run(string(end), func(t *testing.T) {
			each(t, 9, func(t *testing.T, h *hall) {
				h.adopts(func(e *rulebook.Election) { e.CountBack, e.NoBallot = false, false })
				e := h.announce("Steward", 3)
				h.stand(e, 1, 2, 3)
				e = h.elects(e, 6, []int{1, 2, 3})
				for _, p := range []int{1, 2, 3} {
					h.ok(h.mandate.Accept(h.ctx, h.people[p], h.mandateOf(e, p).ID))
				}
				h.resigns(e, 1)
				by := h.newest()
				h.stand(by, 4)
				h.until(by.FinalAt)
				by = h.is(by, election.Final)
				h.resigns(e, 2)
				if n := h.newest(); n.ID != by.ID || n.Plan().Seats != 1 {
					t.Fatalf("put up: %+v", n.Plan())
				}
				until := h.mandateOf(e, 3).To
				h.until(by.OpensAt)
				switch by = h.is(by, election.Open); end {
				case election.Filled:
					h.codes = map[id.ID]ballotbox.Code{}
					h.vote(by, 3, 1)
					h.until(by.ClosesAt)
					by = h.is(by, election.Counted)
					if h.newest().ID != by.ID {
						t.Error("it did not wait until the other was over")
					}
					h.ok(h.mandate.Accept(h.ctx, h.people[4], h.mandateOf(by, 4).ID))
				case election.Failed: // nobody votes
					h.until(by.ClosesAt)
				case election.Cancelled:
					h.clock.Set(h.clock.Now().Add(-9 * day)) // so that a decision fits in
					h.decide(election.CallOff, map[string]any{"election": by.Number})
				}
				by = h.is(by, end)
				next := h.newest()
				want := map[election.State]int{election.Filled: 1, election.Cancelled: 1, election.Failed: 2}[end]
				if next.ID == by.ID || next.OriginKind != election.Vacancy || next.Plan().Seats != want || !next.Plan().Until.Equal(until) {
					t.Errorf("the vacancies are put up as election %d: %+v", next.Number, next.Plan())
				}
				if n := h.count(); n != 3 {
					t.Errorf("%d elections", n)
				}
				if end != election.Cancelled {
					return
				}
				h.stand(next, 5)
				next = h.elects(next, 6, []int{1})
				h.ok(h.mandate.Accept(h.ctx, h.people[5], h.mandateOf(next, 5).ID))
				h.pass(6)
				if h.count() != 3 {
					t.Errorf("what members called off is held again: %+v", h.newest())
				}
			})
		})
	}
}

// Terms that end a year apart are not put up as one.
func TestVacanciesOfDifferentTermsArePutUpOneAfterAnother(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.decide(election.Hold, map[string]any{"body": h.root, "office": "Steward", "seats": 2, "days": 730, "terms": []election.Term{{Days: 730, Seats: 1}, {Days: 365, Seats: 1}}})
		e := h.fills(h.newest(), 1, 2)
		a, b := h.mandateOf(e, 1).To, h.mandateOf(e, 2).To
		h.resigns(e, 1)
		h.resigns(e, 2)
		by := h.newest()
		if p := by.Plan(); p.Seats != 1 || !p.Until.Equal(a) {
			t.Fatalf("put up: %+v", p)
		}
		h.fills(by, 3)
		by = h.newest()
		if p := by.Plan(); p.Seats != 1 || !p.Until.Equal(b) {
			t.Errorf("put up then: %+v", p)
		}
	})
}

func TestMoreSeatsHaveAnEventAndAnEntryOfTheirOwn(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.fills(h.announce("Steward", 2), 1, 2)
		var widened []string
		h.Widened.On(func(_ context.Context, _ *db.Tx, e election.Election) error {
			widened = append(widened, e.Title)
			return nil
		})
		h.resigns(e, 1)
		h.resigns(e, 2)
		if !slices.Equal(widened, []string{"Steward, 2 seats"}) {
			t.Errorf("told of %q", widened)
		}
		by := h.newest()
		events, err := h.record.Find(h.ctx, record.Filter{Kinds: []string{"election.announced", "election.widened"}, Subject: by.Ref(), Limit: 10})
		h.ok(err)
		if len(events) != 2 || events[0].Kind != "election.widened" {
			t.Errorf("the record has %+v", events)
		}
	})
}

func TestARecordSaysWhyASeatStaysVacant(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.fills(h.announce("Steward", 2), 1, 2)
		h.until(h.mandateOf(e, 1).To.Add(-61*day + time.Hour))
		h.resigns(e, 1)
		if got := h.told(e); len(got) != 1 || !strings.Contains(got[0], "ends soon") {
			t.Errorf("the record says %q", got)
		}
	})
}

// The vote that members call off, and the vote of a body that is dissolved meanwhile.
func TestTheBallotsOfAVoteThatIsCalledOffAreDestroyed(t *testing.T) {
	t.Parallel()
	for _, how := range []string{election.CallOff, mandate.DissolveBody} {
		t.Run(how, func(t *testing.T) {
			each(t, 9, func(t *testing.T, h *hall) {
				h.decide(mandate.CreateBody, map[string]any{"parent": h.root, "kind": "circle", "handle": "care", "name": "Care", "aim": "", "domain": []string{"member.*"}, "seats": 0, "joining": "open"})
				care, err := h.mandate.BodyByHandle(h.ctx, h.db, "care")
				h.ok(err)
				h.decide(election.Hold, map[string]any{"body": care.ID, "office": "Chair"})
				e := h.newest()
				h.stand(e, 1, 2)
				e = h.open(e)
				for p := range 5 {
					h.vote(e, p, 1, 2)
				}
				h.clock.Set(h.clock.Now().Add(-9 * day)) // so that a decision fits in
				if how == election.CallOff {
					h.decide(how, map[string]any{"election": e.Number})
					e = h.is(e, election.Cancelled)
				} else {
					h.decide(how, map[string]any{"body": care.ID})
					h.until(e.ClosesAt)
					e = h.is(e, election.Failed)
				}
				v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
				h.ok(err)
				if v.ClosedAt.IsZero() || v.Key != "" || v.ReceiptKey != "" || v.Result().Outcome != "" || len(v.Result().Elected) > 0 {
					t.Errorf("the vote: closed %s, keys %q and %q, result %+v", v.ClosedAt, v.Key, v.ReceiptKey, v.Result())
				}
				_, err = h.ballots.Published(h.ctx, v.ID)
				if err == nil || fault.KindOf(err) == fault.Internal {
					t.Errorf("the ballots are published: %v", err)
				}
				for _, tab := range h.dump() {
					if tab.name == "ballot_box" && len(tab.rows) > 0 {
						t.Errorf("%d ballots are in the box still", len(tab.rows))
					}
				}
				if events, err := h.record.Find(h.ctx, record.Filter{Kinds: []string{"ballot.closed"}, Limit: 10}); err != nil || len(events) > 0 {
					t.Errorf("the record has the hashes of ballots: %v %v", events, err)
				}
			})
		})
	}
}
