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
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
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
		_, err = h.ballots.VoteFor(h.ctx, late, v.ID, newCode(t), "", ballotbox.Choice{Rank: []int{1, 0}})
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
			paper, err := request.Finish(signature, nil)
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
		_, err = h.ballots.VoteFor(h.ctx, h.people[4], v.ID, newCode(t), "", ballotbox.Choice{Rank: []int{1, 0}})
		h.want(err, fault.Conflict, "before it opened")
		h.tick()
		h.is(e, election.Open)
		h.until(e.ClosesAt)
		e = h.is(e, election.Counted)
		h.clock.Set(e.ClosesAt.Add(-time.Hour)) // back to when it was open
		h.tick()
		_, err = h.ballots.VoteFor(h.ctx, h.people[4], v.ID, newCode(t), "", ballotbox.Choice{Rank: []int{1, 0}})
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
