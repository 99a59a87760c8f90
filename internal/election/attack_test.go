package election_test

import (
	"context"
	"encoding/base64"
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

// adopts changes how persons are elected.
func (h *hall) adopts(change func(e *rulebook.Election)) {
	h.t.Helper()
	v, err := h.rules.ForElection(h.ctx, h.db, true)
	h.ok(err)
	r, e := v.Rule, v.Rule.ElectionIn()
	change(&e)
	r.Election = &e
	h.decide(rulebook.Adopt, map[string]any{"rule": r})
}

func (h *hall) quits(person int) {
	h.t.Helper()
	by := h.people[person]
	h.ok(h.member.Resign(h.ctx, by, "everybody in the garden", netip.MustParseAddr("127.0.0.1")))
}

func (h *hall) on(e election.Election, person int) election.Candidate {
	h.t.Helper()
	list, err := h.Candidates(h.ctx, h.db, e.ID)
	h.ok(err)
	for _, c := range list {
		if c.Member == h.people[person].Member {
			return c
		}
	}
	h.t.Fatalf("person %d is not nominated", person)
	return election.Candidate{}
}

// DESIGN §3, invariant 11: no stored row joins a member and a ballot, while the vote is open and after.
func TestInvariant11NoRowJoinsAMemberAndABallot(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		e = h.open(e)
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		q, err := v.Question()
		h.ok(err)
		marks := map[string]bool{} // what is of one ballot alone
		for p := range 6 {
			h.vote(e, p, 1, 2)
			h.vote(e, p, 2, 1)
			key, err := h.codes[h.people[p].Member].Key(q)
			h.ok(err)
			marks[base64.RawURLEncoding.EncodeToString(key)] = true
		}
		look := func(when string) {
			boxed := 0
			for _, tab := range h.dump() {
				for _, row := range tab.rows {
					line := fmt.Sprint(row...)
					for mark := range marks {
						if !strings.Contains(line, mark) {
							continue
						}
						boxed++
						for _, p := range h.people {
							if strings.Contains(line, p.Member.String()) {
								t.Errorf("%s, a row of %s joins a member and a ballot: %.200s", when, tab.name, line)
							}
						}
					}
				}
			}
			if boxed == 0 {
				t.Errorf("%s, there is no ballot: the test has gone blind", when)
			}
		}
		look("open")
		h.until(e.ClosesAt)
		f, err := h.ballots.Published(h.ctx, v.ID)
		h.ok(err)
		hashes, err := f.Hashes()
		h.ok(err)
		for i, b := range f.Ballots {
			for _, x := range []string{hashes[i].String(), base64.RawURLEncoding.EncodeToString(b.Paper), base64.RawURLEncoding.EncodeToString(b.Prefix), base64.RawURLEncoding.EncodeToString(b.Signature)} {
				marks[x] = true
			}
		}
		look("closed")
	})
}

func TestAttackTheOfficerRulesInTheLastHour(t *testing.T) {
	each(t, 8, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		list := h.stand(e, 1, 2, 3)
		asked, err := h.Nominate(h.ctx, h.people[1], e.ID, h.people[4].Member, election.Candidacy{})
		h.ok(err)
		// Who has not accepted cannot be ruled out: the members would restore them to a candidacy they never took.
		h.want(h.Rule(h.ctx, h.people[0], asked.ID, false, "a reason"), fault.Conflict, "who was only asked is ruled out")
		h.ok(h.Rule(h.ctx, h.people[0], list[0].ID, false, "a reason"))
		h.clock.Set(e.FinalAt.Add(-time.Hour))
		h.want(h.Rule(h.ctx, h.people[0], list[1].ID, false, "a rival"), fault.Conflict, "a rival is ruled out in the last hour")
		h.until(e.FinalAt)
		e = h.is(e, election.Final)
		// What was ruled out wrongly is on the paper again, with a name and a place.
		h.ok(h.Rule(h.ctx, h.people[0], list[0].ID, true, "a mistake"))
		h.until(e.OpensAt)
		e = h.is(e, election.Open)
		if c := h.on(e, 1); c.Place != 1 || c.Name == "" {
			t.Errorf("restored, and on the paper: %+v", c)
		}
		for p := range 5 {
			h.vote(e, p, 1, 2, 3)
		}
		h.until(e.ClosesAt)
		if got := h.holders(e); !slices.Equal(got, []int{1}) {
			t.Errorf("elected %v", got)
		}
	})
}

func TestAttackCandidatesThatTheOfficerStruckAfterTheListDoNotShiftThePaper(t *testing.T) {
	each(t, 4, func(t *testing.T, h *hall) { // by name: the form is made of the list each time
		e := h.announce("Moderator", 1)
		list := h.stand(e, 1, 2, 3)
		h.until(e.FinalAt)
		e = h.is(e, election.Final)
		h.clock.Set(h.clock.Now().Add(-8 * day)) // so that a decision fits in
		h.decide(election.Strike, map[string]any{"candidate": list[0].ID})
		h.until(e.OpensAt)
		e = h.is(e, election.Open)
		h.want(h.Vote(h.ctx, h.people[0], e.ID, ballotbox.Choice{Rank: []int{1, 2, 3}}, ""), fault.Invalid, "a rank for who is not on the paper")
		for p := range 4 {
			h.ok(h.Vote(h.ctx, h.people[p], e.ID, ballotbox.Choice{Rank: []int{0, 1}}, ""))
		}
		h.until(e.ClosesAt)
		if got := h.holders(e); !slices.Equal(got, []int{3}) {
			t.Errorf("elected %v", got)
		}
	})
}

func TestAttackANewcomerVotesOnTheirFirstDay(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		late := h.join()
		_, err := h.Nominate(h.ctx, late, e.ID, late.Member, election.Candidacy{})
		h.ok(err) // standing is for all members; voting is not
		h.stand(e, 1)
		e = h.open(e)
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		_, err = h.ballots.VoteFor(h.ctx, late, v.ID, newCode(t), ballotbox.Choice{Rank: []int{1, 0}})
		h.want(err, fault.Forbidden, "who joined after the announcement votes")
	})
}

func TestAttackAVoteThatIsOverIsNotProlonged(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		e = h.open(e)
		h.clock.Set(e.ClosesAt) // the job has not run yet
		h.want(h.Extend(h.ctx, h.people[0], e.ID, 2, "my friends are late"), fault.Conflict, "a vote whose time is over is prolonged")
		h.tick()
		h.is(e, election.Failed) // nobody voted
	})
}

func TestAVoteIsProlongedOnce(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		e = h.open(e)
		reminded := 0
		h.Reminded.On(func(context.Context, *db.Tx, election.Reminder) error { reminded++; return nil })
		h.ok(h.Extend(h.ctx, h.people[0], e.ID, 2, "an outage"))
		h.want(h.Extend(h.ctx, h.people[0], e.ID, 2, "an outage"), fault.Conflict, "prolonged twice")
		h.until(e.ClosesAt)
		e = h.is(e, election.Open)
		h.vote(e, 3, 1, 0)
		for range 4 {
			h.until(h.clock.Now().Add(6 * time.Hour))
		}
		if reminded != 1 {
			t.Errorf("reminded %d times", reminded)
		}
		h.until(e.ClosesAt)
		h.is(e, election.Counted)
	})
}

func TestAttackABallotIsReplayedInAnotherElection(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		one, two := h.announce("Moderator", 1), h.announce("Clerk", 1)
		h.stand(one, 1, 2)
		h.stand(two, 1, 2)
		h.until(two.FinalAt)
		h.until(h.is(two, election.Final).OpensAt)
		one, two = h.is(one, election.Open), h.is(two, election.Open)
		votes := map[string]ballotbox.Ballot{}
		for _, e := range []election.Election{one, two} {
			v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
			h.ok(err)
			q, err := v.Question()
			h.ok(err)
			code := newCode(t)
			request, err := code.Blind(q)
			h.ok(err)
			signature, err := h.ballots.Take(h.ctx, h.people[3], v.ID, request.Blinded)
			h.ok(err)
			paper, err := request.Finish(signature)
			h.ok(err)
			votes[e.Title], err = code.Seal(q, paper, 1, ballotbox.Choice{Rank: []int{1, 2}})
			h.ok(err)
		}
		v, _, err := h.ballots.Of(h.ctx, h.db, two.Ref())
		h.ok(err)
		_, err = h.ballots.Cast(h.ctx, v.ID, votes[one.Title])
		h.want(err, fault.Forbidden, "a ballot of another election")
		// A paper of an election that was called off is good for nothing.
		h.clock.Set(h.clock.Now().Add(-9 * day))
		h.decide(election.CallOff, map[string]any{"election": two.Number})
		h.is(two, election.Cancelled)
		_, err = h.ballots.Cast(h.ctx, v.ID, votes[two.Title])
		h.want(err, fault.Conflict, "a ballot of an election that is off")
		v, _, err = h.ballots.Of(h.ctx, h.db, two.Ref())
		h.ok(err)
		if v.Key != "" || v.ReceiptKey != "" {
			t.Error("the keys of an election that is off are there still")
		}
	})
}

// Governance §6.6: the operator edits the database. Whatever it is, verify names the event.
func TestAttackTheOperatorEditsAnElection(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		named := h.announce("Chair", 1) // by name, once its mode is
		h.exec(`UPDATE elections SET mode = 'by name' WHERE id = $1`, int64(named.ID))
		fresh, err := h.Get(h.ctx, h.db, named.ID)
		h.ok(err)
		if fresh.Mode != election.ByName {
			t.Fatal("the test's own edit failed")
		}
		if _, err := h.record.Verify(h.ctx); err == nil {
			t.Error("a secret election was made one by name, and it verifies")
		}
		h.exec(`UPDATE elections SET mode = 'secret' WHERE id = $1`, int64(named.ID))

		e := named
		h.stand(e, 1, 2)
		tampered := func(when string, edits map[string]string) {
			t.Helper()
			if _, err := h.record.Verify(h.ctx); err != nil {
				t.Fatalf("%s, before any edit: %v", when, err)
			}
			before := h.dump()
			for what, query := range edits {
				h.exec(query)
				if len(differs(before, h.dump())) == 0 {
					t.Errorf("%s, %s: nothing was edited", when, what)
				}
				if _, err := h.record.Verify(h.ctx); err == nil {
					t.Errorf("%s: %s, and it verifies", when, what)
				} else if !strings.Contains(err.Error(), "event") {
					t.Errorf("%s: %s, and verify says %v", when, what, err)
				}
				h.restore(before)
			}
		}
		tampered("nominations", map[string]string{
			"the plan was edited":          `UPDATE elections SET plan = REPLACE(plan, 'member.admit', 'member.enrol')`,
			"the rules were edited":        `UPDATE elections SET rules = REPLACE(rules, 'stv/scottish2007', 'irv/v1')`,
			"the text was edited":          `UPDATE elections SET text = 'vote for me'`,
			"the waiting time was edited":  `UPDATE elections SET waiting_days = 300`,
			"the announcement was edited":  `UPDATE elections SET announced_at = announced_at - 86400000`,
			"a nomination was struck":      `UPDATE election_candidates SET state = 'struck' WHERE id = (SELECT MIN(id) FROM election_candidates)`,
			"a nomination was dropped":     `DELETE FROM election_candidates WHERE id = (SELECT MIN(id) FROM election_candidates)`,
			"an affiliation was edited":    `UPDATE election_candidates SET affiliation = 'Big Corp' WHERE id = (SELECT MIN(id) FROM election_candidates)`,
			"the end of nominations moved": `UPDATE elections SET final_at = final_at + 86400000`,
		})
		e = h.open(e)
		for p := range 5 {
			h.vote(e, p, 1, 2)
		}
		tampered("open", map[string]string{
			"the question was edited":       `UPDATE ballot_votes SET question = REPLACE(question, 'Member 2', 'Member 9') WHERE subject_kind = 'election'`,
			"the roll was edited":           `UPDATE ballot_register SET member_id = 4711 WHERE member_id = (SELECT MAX(member_id) FROM ballot_register)`,
			"the roll was made longer":      `INSERT INTO ballot_register (vote_id, member_id) SELECT id, 4711 FROM ballot_votes WHERE subject_kind = 'election'`,
			"a candidate's name was edited": `UPDATE election_candidates SET ballot_name = 'Member 9' WHERE place = 1`,
			"the close was moved":           `UPDATE elections SET closes_at = closes_at + 86400000`,
		})
		h.until(e.ClosesAt)
		tampered("counted", map[string]string{
			"the result was edited":            `UPDATE elections SET result = REPLACE(result, 'Member 2', 'Member 3')`,
			"the ballots' result was edited":   `UPDATE ballot_votes SET result = REPLACE(result, 'Member 2', 'Member 3') WHERE subject_kind = 'election'`,
			"a tick was added":                 `UPDATE ballot_register SET taken = TRUE`,
			"a tick was taken away":            `UPDATE ballot_register SET taken = FALSE WHERE member_id = (SELECT MIN(member_id) FROM ballot_register WHERE taken)`,
			"the number of papers was edited":  `UPDATE ballot_votes SET papers = papers + 1 WHERE subject_kind = 'election'`,
			"the number of ballots was edited": `UPDATE ballot_votes SET ballots = ballots + 1 WHERE subject_kind = 'election'`,
			"a ballot was taken away":          `DELETE FROM ballot_box WHERE ballot_key = (SELECT MIN(ballot_key) FROM ballot_box)`,
			"a key came back":                  `UPDATE ballot_votes SET private_key = 'x' WHERE subject_kind = 'election'`,
			"the winner was edited":            `UPDATE election_candidates SET mandate = 0`,
		})
	})
}

func TestAttackTheOperatorEditsARollByName(t *testing.T) {
	each(t, 4, func(t *testing.T, h *hall) {
		e := h.announce("Chair", 1)
		h.stand(e, 1, 2)
		e = h.open(e)
		h.ok(h.Vote(h.ctx, h.people[0], e.ID, ballotbox.Choice{Rank: []int{1, 2}}, ""))
		before := h.dump()
		for _, query := range []string{
			`INSERT INTO election_roll (election_id, member_id) SELECT id, 4711 FROM elections`,
			`DELETE FROM election_roll WHERE member_id = (SELECT MAX(member_id) FROM election_roll)`,
			`UPDATE election_votes SET choice = '{"rank":[2,1]}'`,
		} {
			h.exec(query)
			if _, err := h.record.Verify(h.ctx); err == nil {
				t.Errorf("%s, and it verifies", query)
			}
			h.restore(before)
		}
	})
}

// Whoever spoils a ballot in the box does not stop the vote: it closes, and verify names what was done.
func TestAttackTheOperatorSpoilsABallotToStopTheCount(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"not JSON":  `UPDATE ballot_box SET ballot = 'x' WHERE ballot_key = (SELECT MIN(ballot_key) FROM ballot_box)`,
		"a choice":  `UPDATE ballot_box SET ballot = REPLACE(ballot, 'rank', 'rang') WHERE ballot_key = (SELECT MIN(ballot_key) FROM ballot_box)`,
		"a ranking": `UPDATE ballot_box SET ballot = REPLACE(ballot, '[1,2]', '[2,1]') WHERE ballot_key = (SELECT MIN(ballot_key) FROM ballot_box)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lone(t, 7, func(t *testing.T, h *hall) {
				e := h.announce("Chair", 1)
				h.stand(e, 1, 2)
				e = h.open(e)
				for p := range 5 {
					h.vote(e, p, 1, 2)
				}
				h.exec(query)
				h.until(e.ClosesAt)
				e = h.is(e, election.Counted)
				if r := e.Result(); r.Voted != 4 {
					t.Errorf("%d ballots are counted", r.Voted)
				}
				if _, err := h.record.Verify(h.ctx); err == nil {
					t.Error("a ballot was spoilt, and it verifies")
				}
			})
		})
	}
}

func TestAttackTheClockGoesBack(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		e := h.announce("Moderator", 1)
		h.stand(e, 1, 2)
		e = h.open(e)
		h.vote(e, 3, 1, 2)
		h.clock.Set(e.OpensAt.Add(-day))
		v, _, err := h.ballots.Of(h.ctx, h.db, e.Ref())
		h.ok(err)
		_, err = h.ballots.VoteFor(h.ctx, h.people[4], v.ID, newCode(t), ballotbox.Choice{Rank: []int{1, 0}})
		h.want(err, fault.Conflict, "before it opened")
		h.tick()
		h.is(e, election.Open)
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		h.clock.Set(e.ClosesAt.Add(-time.Hour)) // back to when it was open
		h.tick()
		_, err = h.ballots.VoteFor(h.ctx, h.people[4], v.ID, newCode(t), ballotbox.Choice{Rank: []int{1, 0}})
		h.want(err, fault.Conflict, "after it closed")
		if e = h.is(e, election.Counted); e.Result().Voted != 1 {
			t.Errorf("%d voted", e.Result().Voted)
		}
	})
}

func TestAttackAnElectionForWhatItsBodyCannotGive(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		h.decide(mandate.CreateBody, map[string]any{"parent": h.root, "kind": "circle", "handle": "care", "name": "Care", "aim": "", "domain": []string{member.Admit}, "seats": 0, "joining": "open"})
		care, err := h.mandate.BodyByHandle(h.ctx, h.db, "care")
		h.ok(err)
		for what, args := range map[string]map[string]any{
			"a power outside the domain":    {"body": care.ID, "office": "Chair", "powers": []string{mandate.Appoint}},
			"a reserved power":              {"body": h.root, "office": "Chair", "powers": []string{election.Hold}},
			"a power that there is not":     {"body": h.root, "office": "Chair", "powers": []string{"world.rule"}},
			"no name":                       {"body": h.root, "office": "\u202e \u200b"},
			"voters who appoint nobody":     {"body": care.ID, "voters": care.ID, "office": "Chair", "powers": []string{member.Admit}},
			"voters of a body beside it":    {"body": h.root, "voters": care.ID, "office": "Chair"},
			"seats reserved twice for them": {"body": h.root, "office": "Chair", "seats": 3, "reserved": []election.Seat{{For: "us", Seats: 1}, {For: " us\u200b ", Seats: 1}}},
		} {
			if err := h.checks(election.Hold, args); !fault.Is(err, fault.Invalid) {
				t.Errorf("an election with %s: %v", what, err)
			}
		}
	})
}

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
			_, err = h.ballots.VoteFor(h.ctx, h.people[p], v.ID, code, ballotbox.Choice{Marks: []int{0}})
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
