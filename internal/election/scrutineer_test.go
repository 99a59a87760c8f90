package election_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/rulebook"
)

// sealed is a rule of two of three scrutineers.
func sealed(e *rulebook.Election) { e.Scrutineers, e.Needed, e.Reveal = 3, 2, 3 }

// scrutineerCode is what a member notes.
func scrutineerCode(by authz.Actor) ballotbox.Code {
	return ballotbox.Code(bytes.Repeat([]byte{byte(by.Member), byte(by.Member >> 8)}, 8))
}

func (h *hall) offer(e election.Election, person int) error {
	h.t.Helper()
	_, public, err := ballotbox.ScrutineerKey(scrutineerCode(h.people[person]), e.Ref().String())
	h.ok(err)
	return h.OfferScrutiny(h.ctx, h.people[person], e.ID, public)
}

func (h *hall) reveal(e election.Election, by authz.Actor) error {
	h.t.Helper()
	private, _, err := ballotbox.ScrutineerKey(scrutineerCode(by), e.Ref().String())
	h.ok(err)
	return h.Reveal(h.ctx, by, e.ID, private)
}

// drawn are the scrutineers of a vote, as numbers of people.
func (h *hall) drawn(e election.Election) (out []int) {
	h.t.Helper()
	v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
	h.ok(err)
	all, err := h.ballots.Scrutineers(h.ctx, h.db, v.ID)
	h.ok(err)
	for _, x := range all {
		out = append(out, slices.IndexFunc(h.people, func(a authz.Actor) bool { return a.Member == x.Member }))
	}
	return out
}

func TestAnElectionSealedToScrutineers(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.adopts(sealed)
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		h.want(h.offer(e, 1), fault.Forbidden, "a candidate is a scrutineer")
		h.want(h.OfferScrutiny(h.ctx, h.people[3], e.ID, make([]byte, 32)), fault.Invalid, "a key that hides nothing")
		for _, p := range []int{3, 4, 5, 6, 7} {
			h.ok(h.offer(e, p))
		}
		_, public, err := ballotbox.ScrutineerKey(scrutineerCode(h.people[3]), e.Ref().String())
		h.ok(err)
		h.want(h.OfferScrutiny(h.ctx, h.people[8], e.ID, public), fault.Invalid, "somebody else's key")
		h.ok(h.WithdrawScrutiny(h.ctx, h.people[7], e.ID))
		h.want(h.WithdrawScrutiny(h.ctx, h.people[7], e.ID), fault.NotFound, "nothing is withdrawn")
		h.stand(e, 6) // who offered and then stands is not drawn

		e = h.open(e)
		keepers := h.drawn(e)
		slices.Sort(keepers)
		if !slices.Equal(keepers, []int{3, 4, 5}) {
			t.Fatalf("drawn are %v", keepers)
		}
		h.want(h.offer(e, 8), fault.Conflict, "an offer when voting is open")
		h.want(h.WithdrawScrutiny(h.ctx, h.people[3], e.ID), fault.Conflict, "a scrutineer withdraws")
		for p := range 6 {
			h.vote(e, p, 1, 2, 3)
		}
		for _, tab := range h.dump() {
			for _, row := range tab.rows {
				for _, x := range row {
					if s, ok := x.(string); ok && strings.Contains(s, `"rank\":`) {
						t.Errorf("a choice can be read in %s", tab.name)
					}
				}
			}
		}
		h.until(e.ClosesAt)
		e = h.is(e, election.Sealed)
		if e.ResultJSON != "" || e.Over() || !e.DueAt.Equal(h.clock.Now().Add(3*day)) {
			t.Errorf("sealed with the result %q, due at %s", e.ResultJSON, e.DueAt)
		}
		awaited, err := h.Awaited(h.ctx, h.db, &e)
		h.ok(err)
		if len(awaited) != 3 {
			t.Errorf("%d scrutineers are awaited", len(awaited))
		}
		h.ok(h.reveal(e, h.people[4]))
		h.tick()
		h.is(e, election.Sealed)
		h.ok(h.reveal(e, h.people[3]))
		h.tick()
		e = h.is(e, election.Counted)
		if got := h.holders(e); !slices.Equal(got, []int{1}) {
			t.Errorf("offered to %v", got)
		}
		// A vacancy is filled from the ballots that the scrutineers opened.
		h.ok(h.mandate.Resign(h.ctx, h.people[1], h.mandateOf(e, 1).ID, "no time"))
		if got := h.holders(e); !slices.Equal(got, []int{2}) {
			t.Errorf("after the count-back: %v", got)
		}
		_, err = h.record.Checkpoint(h.ctx)
		h.ok(err)
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		f, err := h.ballots.Published(h.ctx, v.ID)
		h.ok(err)
		if found, proved, err := ballot.Check(f); err != nil || len(found) > 0 || !proved {
			t.Errorf("the file does not check: %v %v %v", found, proved, err)
		}
		h.whole()
	})
}

func TestScrutineersWhoDoNotOpenTheBallots(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.adopts(sealed)
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		for _, p := range []int{3, 4} {
			h.ok(h.offer(e, p))
		}
		e = h.open(e)
		h.vote(e, 0, 1, 2)
		h.until(e.ClosesAt)
		e = h.is(e, election.Sealed)
		h.ok(h.reveal(e, h.people[3]))
		var reminded []int
		h.Reminded.On(func(_ context.Context, _ *db.Tx, r election.Reminder) error {
			for _, m := range r.Members {
				reminded = append(reminded, slices.IndexFunc(h.people, func(a authz.Actor) bool { return a.Member == m }))
			}
			return nil
		})
		h.until(e.DueAt.Add(-day))
		h.until(e.DueAt.Add(-time.Hour))
		if !slices.Equal(reminded, []int{4}) {
			t.Errorf("reminded are %v", reminded)
		}
		h.until(e.DueAt)
		e = h.is(e, election.Failed)
		if !strings.Contains(e.Cause, "too few scrutineers") {
			t.Errorf("failed: %s", e.Cause)
		}
		// A late key must not open what nobody counts any more, while the next election runs.
		h.want(h.reveal(e, h.people[4]), fault.Conflict, "a key that comes too late")
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		if _, err := h.ballots.Published(h.ctx, v.ID); !fault.Is(err, fault.Gone) {
			t.Errorf("the ballots are still published: %v", err)
		}
		if by := h.newest(); by.ID == e.ID || by.OriginKind != election.Vacancy {
			t.Error("the seat is not put up again")
		}
		h.whole()
	})
}

func TestTooFewScrutineers(t *testing.T) {
	each(t, 9, func(t *testing.T, h *hall) {
		h.adopts(sealed)
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		h.ok(h.offer(e, 3))
		h.until(e.FinalAt)
		e = h.is(e, election.Final)
		opens := e.OpensAt
		h.until(opens)
		e = h.is(e, election.Final)
		if !e.OpensAt.Equal(opens.Add(7 * day)) {
			t.Fatalf("voting opens at %s, and was to at %s", e.OpensAt, opens)
		}
		h.until(e.OpensAt)
		e = h.is(e, election.Open)
		if len(h.drawn(e)) != 0 || !strings.Contains(e.ModeReason, "not sealed") {
			t.Errorf("opened with %v: %s", h.drawn(e), e.ModeReason)
		}
		h.vote(e, 0, 1, 2)
		h.until(e.ClosesAt)
		h.is(e, election.Counted)
		h.whole()
	})
}

func TestRulesOfScrutineers(t *testing.T) {
	each(t, 5, func(t *testing.T, h *hall) {
		v, err := h.rules.ForElection(h.ctx, h.db, true)
		h.ok(err)
		for name, change := range map[string]func(e *rulebook.Election){
			"one alone":   func(e *rulebook.Election) { e.Scrutineers, e.Needed, e.Reveal = 1, 1, 3 },
			"too many":    func(e *rulebook.Election) { e.Scrutineers, e.Needed, e.Reveal = 10, 2, 3 },
			"one opens":   func(e *rulebook.Election) { e.Scrutineers, e.Needed, e.Reveal = 3, 1, 3 },
			"more needed": func(e *rulebook.Election) { e.Scrutineers, e.Needed, e.Reveal = 3, 4, 3 },
			"no time":     func(e *rulebook.Election) { e.Scrutineers, e.Needed = 3, 2 },
			"by name":     func(e *rulebook.Election) { sealed(e); e.Secret = false },
			"of nobody":   func(e *rulebook.Election) { e.Reveal = 3 },
		} {
			r, e := v.Rule, v.Rule.ElectionIn()
			change(&e)
			r.Election = &e
			if err := h.checks(rulebook.Adopt, map[string]any{"rule": r}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
