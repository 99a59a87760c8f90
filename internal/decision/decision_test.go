package decision_test

import (
	"testing"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/mandate"
	"rochdale/internal/rulebook"
)

// The whole way of a motion on the Social.coop preset: draft, discussion, amendment, call, votes that
// change, the close, the window, force, and the effect done with its act.
func TestAMotionCarriesItselfOut(t *testing.T) {
	each(t, "social-coop", 5, func(t *testing.T, h *hall) {
		ann, ben := h.people[1], h.people[2]
		m, err := h.Draft(h.ctx, ann, decision.Drafting{Title: "A better name", Text: "We call ourselves Orchard.", Effects: []decision.Proposed{h.describe("Orchard Co-op")}})
		h.ok(err)
		_, err = h.ByID(h.ctx, ben, m.ID)
		h.want(err, fault.NotFound, "a draft is its mover's own")
		h.ok(h.Collaborate(h.ctx, ann, m.ID, ben.Member, true))
		_, err = h.ByID(h.ctx, ben, m.ID)
		h.ok(err)
		m, err = h.Publish(h.ctx, ann, m.ID)
		h.ok(err)

		a, err := h.Amend(h.ctx, ben, m.ID, "We call ourselves Orchard, from spring on.", "a date")
		h.ok(err)
		h.want(h.Answer(h.ctx, ben, a.ID, decision.AmendmentAccepted, ""), fault.Forbidden, "only the mover accepts")
		h.ok(h.Answer(h.ctx, ann, a.ID, decision.AmendmentAccepted, "gladly"))
		if got := h.get(m.ID); got.Text != "We call ourselves Orchard, from spring on." || got.TextVersion != 2 {
			t.Errorf("after the amendment: %q, version %d", got.Text, got.TextVersion)
		}

		m, err = h.Call(h.ctx, ann, m.ID, decision.Calling{})
		h.ok(err)
		if m.State != decision.Open || m.RollSize != 5 || m.ClosesAt.Sub(m.OpensAt) != 6*day {
			t.Errorf("called: %s, roll %d, open for %s", m.State, m.RollSize, m.ClosesAt.Sub(m.OpensAt))
		}
		_, err = h.Edit(h.ctx, ann, m.ID, decision.Drafting{Title: "Other", Text: "other"})
		h.want(err, fault.Conflict, "the text is frozen")
		late := h.join()
		_, err = h.Cast(h.ctx, late, m.ID, decision.Choice{Choice: decision.Agree}, "")
		h.want(err, fault.Forbidden, "joining later gives no vote")
		_, err = h.Cast(h.ctx, ben, m.ID, decision.Choice{Choice: decision.Block}, "")
		h.want(err, fault.Invalid, "a block says why")
		_, err = h.Cast(h.ctx, ben, m.ID, decision.Choice{Choice: "perhaps"}, "")
		h.want(err, fault.Invalid, "no such word")
		h.vote(m, decision.Disagree, decision.Agree, decision.Disagree, decision.Abstain)
		h.vote(m, decision.Agree) // changed

		h.clock.Set(m.ClosesAt.Add(-time.Millisecond))
		_, err = h.Cast(h.ctx, h.people[4], m.ID, decision.Choice{Choice: decision.Abstain}, "")
		h.ok(err)
		h.wait(time.Millisecond)
		_, err = h.Cast(h.ctx, h.people[4], m.ID, decision.Choice{Choice: decision.Agree}, "")
		h.want(err, fault.Conflict, "after the close")
		m = h.is(m.ID, decision.Window, "carried", "")
		if r := m.Result(); r.Voted != 5 || r.Roll != 5 || len(r.Tallies) == 0 {
			t.Errorf("result %+v", r)
		}
		if h.name() != "Garden Co-op" {
			t.Error("done before its time")
		}
		h.clock.Set(m.WindowEndsAt.Add(-time.Millisecond))
		h.tick()
		h.is(m.ID, decision.Window, "carried", "")
		h.wait(time.Millisecond)
		m = h.is(m.ID, decision.InForce, "carried", decision.Done)
		if h.name() != "Orchard Co-op" {
			t.Errorf("the co-op is called %s", h.name())
		}
		acts, err := h.mandate.Acts(h.ctx, authz.Decision, ids(m), 10)
		if err != nil || len(acts) != 1 || acts[0].Power != coop.Power {
			t.Errorf("acts %+v, %v", acts, err)
		}
		h.tick() // once
		if acts, _ = h.mandate.Acts(h.ctx, authz.Decision, ids(m), 10); len(acts) != 1 {
			t.Error("applied twice")
		}

		// It is undone by its inverse under a new decision.
		undo, err := h.Undo(h.ctx, ben, m.ID)
		h.ok(err)
		_, err = h.Publish(h.ctx, ben, undo.ID)
		h.ok(err)
		undo, err = h.Call(h.ctx, ben, undo.ID, decision.Calling{})
		h.ok(err)
		h.vote(undo, decision.Agree, decision.Agree, decision.Agree)
		h.wait(6 * day)
		h.wait(2 * day)
		h.is(undo.ID, decision.InForce, "carried", decision.Done)
		h.is(m.ID, decision.Rescinded, "carried", decision.Done)
		if h.name() != "Garden Co-op" {
			t.Errorf("after the rescission the co-op is called %s", h.name())
		}
	})
}

// The numbers of the Social.coop preset at their edges: half is enough, a block stops, nine in ten
// override it, and there is no quorum.
func TestSocialCoopNumbers(t *testing.T) {
	each(t, "social-coop", 11, func(t *testing.T, h *hall) {
		repeat := func(word string, n int) (out []string) {
			for range n {
				out = append(out, word)
			}
			return out
		}
		for _, tc := range []struct {
			agree, disagree, block int
			rules                  bool
			want                   string
		}{
			{1, 0, 0, false, "carried"}, {0, 0, 0, false, "lost"}, {1, 1, 0, false, "carried"}, {1, 2, 0, false, "lost"},
			{8, 0, 1, false, "blocked"}, {9, 0, 1, false, "carried"}, {8, 1, 1, false, "blocked"},
			{3, 1, 0, true, "carried"}, {2, 1, 0, true, "lost"}, {10, 0, 1, true, "blocked"},
		} {
			d := decision.Drafting{Title: "A resolution"}
			if tc.rules {
				r := h.rule(rulebook.Group)
				r.Open++
				d.Effects = []decision.Proposed{carry(rulebook.Adopt, args{"rule": r})}
			}
			m := h.put(h.founder, d)
			want := 6 * day
			if tc.rules {
				want = 10 * day
			}
			if m.ClosesAt.Sub(m.OpensAt) != want {
				t.Errorf("%+v is open for %s", tc, m.ClosesAt.Sub(m.OpensAt))
			}
			h.vote(m, append(append(repeat(decision.Agree, tc.agree), repeat(decision.Disagree, tc.disagree)...), repeat(decision.Block, tc.block)...)...)
			h.wait(want)
			if got := h.get(m.ID); string(got.Outcome) != tc.want {
				t.Errorf("%+v is %s", tc, got.Outcome)
			}
			h.wait(2 * day)
		}
	})
}

// Every preset carries an ordinary motion, a change of rules and a motion of a group in its own way.
func TestPresets(t *testing.T) {
	t.Parallel()
	yes := map[string]string{rulebook.Proposal: decision.Agree, rulebook.Consent: decision.Consents}
	for _, p := range rulebook.Presets() {
		t.Run(p.Name, func(t *testing.T) {
			each(t, p.Name, 4, func(t *testing.T, h *hall) {
				for _, line := range []string{rulebook.Ordinary, rulebook.Rules} {
					r := h.rule(line)
					d := decision.Drafting{Title: "Under " + line, Method: r.Methods[0]}
					if line == rulebook.Rules {
						g := h.rule(rulebook.Group)
						g.Window = 9
						d.Effects = []decision.Proposed{carry(rulebook.Adopt, args{"rule": g})}
					}
					m := h.discuss(h.founder, d)
					if r.Discussion > 0 {
						_, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{})
						h.want(err, fault.Conflict, "before the discussion is over")
						h.wait(time.Duration(r.Discussion) * day)
					}
					m, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{})
					h.ok(err)
					h.vote(m, yes[m.Method], yes[m.Method], yes[m.Method])
					h.wait(time.Duration(r.Open) * day)
					h.wait(time.Duration(r.Window) * day)
					h.is(m.ID, decision.InForce, "carried", decision.Done)
				}
				if g := h.rule(rulebook.Group); g.Window != 9 {
					t.Errorf("the changed rule has a window of %d days", g.Window)
				}
			})
		})
	}
}

// An objection stops a motion under consent until its author sees it met.
func TestConsent(t *testing.T) {
	each(t, "circle", 4, func(t *testing.T, h *hall) {
		for _, tc := range []struct {
			last, want string
		}{{decision.Object, "blocked"}, {decision.Integrate, "carried"}} {
			m := h.put(h.founder, decision.Drafting{Title: "By consent", Method: rulebook.Consent})
			_, err := h.Cast(h.ctx, h.people[1], m.ID, decision.Choice{Choice: decision.Integrate}, "")
			h.want(err, fault.Invalid, "nothing to integrate")
			h.vote(m, decision.Consents, decision.Object, decision.Consents)
			h.vote(m, "", tc.last)
			h.wait(6 * day)
			if got := h.get(m.ID); string(got.Outcome) != tc.want || got.ReviewAt.IsZero() {
				t.Errorf("%s: %s, review at %s", tc.last, got.Outcome, got.ReviewAt)
			}
		}
	})
}

// The other methods, and alternatives that carry effects of their own.
func TestMethods(t *testing.T) {
	each(t, "social-coop", 3, func(t *testing.T, h *hall) {
		options := []decision.Option{{Title: "Orchard"}, {Title: "Meadow"}}
		alternatives := []decision.Proposed{h.describe("Orchard Co-op"), h.describe("Meadow Co-op")}
		alternatives[0].Option, alternatives[1].Option = 0, 1
		for _, tc := range []struct {
			method   string
			settings decision.Settings
			votes    []decision.Choice
			wrong    decision.Choice
			outcome  string
			elected  string
		}{
			{rulebook.Choose, decision.Settings{Options: options}, []decision.Choice{{Marks: []int{1}}, {Marks: []int{1}}, {Marks: []int{0}}}, decision.Choice{Marks: []int{0, 1}}, "carried", "Meadow"},
			{rulebook.Score, decision.Settings{Options: options}, []decision.Choice{{Points: []int64{5, 0}}, {Points: []int64{0, 4}}}, decision.Choice{Points: []int64{6, 0}}, "carried", "Orchard"},
			{rulebook.Dots, decision.Settings{Options: options, Dots: 3}, []decision.Choice{{Points: []int64{3, 0}}, {Points: []int64{1, 2}}}, decision.Choice{Points: []int64{2, 2}}, "carried", "Orchard"},
			{rulebook.Count, decision.Settings{}, []decision.Choice{{Answer: []int{0}}, {Answer: []int{2}}}, decision.Choice{Answer: []int{3}}, "answered", ""},
			{rulebook.Times, decision.Settings{Options: options}, []decision.Choice{{Answer: []int{0, 1}}}, decision.Choice{Answer: []int{0}}, "answered", ""},
			{rulebook.Questions, decision.Settings{Options: options}, []decision.Choice{{Words: []string{"yes", "no"}}}, decision.Choice{Words: []string{"one"}}, "answered", ""},
			{rulebook.Ranking, decision.Settings{Options: options}, []decision.Choice{{Ranks: []int{3, 2, 1}}, {Ranks: []int{0, 0, 1}}}, decision.Choice{Ranks: []int{1}}, "lost", decision.StatusQuo},
			{rulebook.Ranking, decision.Settings{Options: options}, []decision.Choice{{Ranks: []int{2, 1, 3}}, {Ranks: []int{2, 1, 0}}, {Ranks: []int{1, 2, 3}}}, decision.Choice{Ranks: []int{-1, 1, 1}}, "carried", "Meadow"},
		} {
			d := decision.Drafting{Title: "By " + tc.method, Method: tc.method, Settings: tc.settings}
			if tc.method == rulebook.Ranking {
				d.Effects = alternatives
			}
			m := h.put(h.founder, d)
			_, err := h.Cast(h.ctx, h.founder, m.ID, tc.wrong, "")
			h.want(err, fault.Invalid, tc.method)
			for i, c := range tc.votes {
				_, err := h.Cast(h.ctx, h.people[i], m.ID, c, "")
				h.ok(err)
			}
			h.wait(6 * day)
			m = h.get(m.ID)
			got := ""
			if e := m.Result().Elected; len(e) > 0 {
				got = e[0]
			}
			if string(m.Outcome) != tc.outcome || got != tc.elected {
				t.Errorf("%s: %s, elected %q; want %s, %q", tc.method, m.Outcome, got, tc.outcome, tc.elected)
			}
			h.wait(2 * day)
		}
		if h.name() != "Meadow Co-op" {
			t.Errorf("of the alternatives %q was carried out", h.name())
		}
	})
}

// During the window enough members call a motion in: it does not come into force, and all members
// vote on it again.
func TestCallIn(t *testing.T) {
	each(t, "social-coop", 6, func(t *testing.T, h *hall) {
		g := h.group("care", coop.Power)
		for _, by := range h.people[:2] {
			h.ok(h.mandate.Join(h.ctx, by, g.ID))
		}
		m := h.put(h.founder, decision.Drafting{Body: g.ID, Title: "Rename", Effects: []decision.Proposed{h.describe("Care Co-op")}})
		if m.RollSize != 2 {
			t.Errorf("the roll of the group has %d", m.RollSize)
		}
		_, err := h.Support(h.ctx, h.people[3], m.ID, decision.CallIn, "")
		h.want(err, fault.Conflict, "before the window")
		h.vote(m, decision.Agree, decision.Agree)
		h.wait(3 * day)
		h.is(m.ID, decision.Window, "carried", "")
		for i, by := range h.people[2:5] {
			m, err = h.Support(h.ctx, by, m.ID, decision.CallIn, "let all decide")
			h.ok(err)
			if want := map[bool]decision.State{true: decision.CalledIn, false: decision.Window}[i == 2]; m.State != want {
				t.Errorf("after %d names it is %s", i+1, m.State)
			}
		}
		h.wait(10 * day)
		h.is(m.ID, decision.CalledIn, "carried", "")
		if h.name() != "Garden Co-op" {
			t.Error("a motion that was called in came into force")
		}
		next, err := h.Followers(h.ctx, h.founder, m.ID)
		h.ok(err)
		if len(next) != 1 || next[0].Body != h.root().ID || next[0].RollSize != 6 {
			t.Errorf("put again as %+v", next)
		}
	})
}

// The urgent procedure is short, needs a reason, and is undone by itself unless ratified.
func TestUrgent(t *testing.T) {
	each(t, "social-coop", 3, func(t *testing.T, h *hall) {
		for _, ratify := range []bool{true, false} {
			name := map[bool]string{true: "First Co-op", false: "Second Co-op"}[ratify]
			m := h.discuss(h.founder, decision.Drafting{Title: "Quick", Effects: []decision.Proposed{h.describe(name)}})
			_, err := h.Call(h.ctx, h.founder, m.ID, decision.Calling{For: day})
			h.want(err, fault.Invalid, "too short without a reason")
			m, err = h.Call(h.ctx, h.founder, m.ID, decision.Calling{For: day, Urgent: "the sign is printed tomorrow"})
			h.ok(err)
			h.vote(m, decision.Agree, decision.Agree)
			h.wait(day)
			h.wait(2 * day)
			h.is(m.ID, decision.InForce, "carried", decision.Done)
			if h.name() != name {
				t.Errorf("the urgent motion left %q", h.name())
			}
			next, err := h.Followers(h.ctx, h.founder, m.ID)
			h.ok(err)
			if len(next) != 1 || next[0].OriginKind != decision.Ratifies || next[0].State != decision.Open {
				t.Fatalf("to ratify: %+v", next)
			}
			if ratify {
				h.vote(next[0], decision.Agree)
			} else {
				h.vote(next[0], decision.Disagree)
			}
			h.wait(6 * day)
			h.wait(2 * day)
			if ratify {
				h.is(m.ID, decision.InForce, "carried", decision.Done)
			} else {
				h.is(m.ID, decision.Rescinded, "carried", decision.Done)
				if h.name() != "First Co-op" {
					t.Errorf("not ratified, but the co-op is called %s", h.name())
				}
			}
		}
	})
}

// Mandates: appointed by a decision, accepted, used, recalled; nobody gives a power they lack.
func TestOffices(t *testing.T) {
	each(t, "social-coop", 4, func(t *testing.T, h *hall) {
		h.wait(31 * day) // the founding mandates are over
		mod := h.people[2]
		g := h.group("moderation", "member.*")
		describe := coop.Description{Name: "X", Joining: coop.ByApplication}
		h.want(h.coop.Describe(h.ctx, mod, describe, ""), fault.Forbidden, "no mandate")
		_, err := h.Draft(h.ctx, h.founder, decision.Drafting{Title: "Too much", Effects: []decision.Proposed{carry(mandate.Appoint, args{"body": g.ID, "member": mod.Member,
			"office": "Moderator", "powers": []string{coop.Power}, "days": 30})}})
		h.want(err, fault.Invalid, "a power outside the domain")
		m := h.office(g, mod, 365, "member.admit")
		if !h.mandate.Holds(h.ctx, mod, "member.admit") {
			t.Error("the office gives no power")
		}
		h.want(h.coop.Describe(h.ctx, mod, describe, ""), fault.Forbidden, "another power")
		h.enact(decision.Drafting{Title: "Recall", Effects: []decision.Proposed{carry(mandate.Recall, args{"mandate": m.ID})}})
		if h.mandate.Holds(h.ctx, mod, "member.admit") {
			t.Error("recalled, and still in power")
		}
		h.enact(decision.Drafting{Title: "Dissolve", Effects: []decision.Proposed{carry(mandate.DissolveBody, args{"body": g.ID})}})
	})
}

// Rules are made by the general meeting alone, whatever domain a body was given.
func TestNoBodyMakesRules(t *testing.T) {
	each(t, "social-coop", 3, func(t *testing.T, h *hall) {
		g := h.group("grabbers", "rule.*", "coop.describe")
		for _, by := range h.people {
			h.ok(h.mandate.Join(h.ctx, by, g.ID))
		}
		r := h.rule(rulebook.Group)
		r.Open = 1
		_, err := h.Draft(h.ctx, h.founder, decision.Drafting{Body: g.ID, Title: "Grab", Effects: []decision.Proposed{carry(rulebook.Adopt, args{"rule": r})}})
		h.want(err, fault.Forbidden, "a rule by a body")
		_, err = h.Draft(h.ctx, h.founder, decision.Drafting{Body: g.ID, Title: "Name", Effects: []decision.Proposed{h.describe("Ours")}})
		h.ok(err)
	})
}

// What members signed is what is called: a petition does not change under their names.
func TestASignedPetitionStaysAsItIs(t *testing.T) {
	each(t, "social-coop", 41, func(t *testing.T, h *hall) {
		ann, ben := h.people[1], h.people[2]
		m := h.discuss(ann, decision.Drafting{Title: "Costs", Text: "Let us talk.", Petition: true})
		_, err := h.Support(h.ctx, ann, m.ID, decision.Petition, "")
		h.ok(err)
		_, err = h.Edit(h.ctx, ann, m.ID, decision.Drafting{Title: "Costs", Text: "Let us talk soon.", Petition: true})
		h.ok(err) // only the mover's own name is under it
		_, err = h.Support(h.ctx, ben, m.ID, decision.Petition, "")
		h.ok(err)
		_, err = h.Edit(h.ctx, ann, m.ID, decision.Drafting{Title: "Costs", Text: "Give me everything.", Petition: true})
		h.want(err, fault.Conflict, "another text under ben's name")
		a, err := h.Amend(h.ctx, ben, m.ID, "Let us talk in March.", "")
		h.ok(err)
		h.want(h.Answer(h.ctx, ann, a.ID, decision.AmendmentAccepted, ""), fault.Conflict, "an amendment under ben's name")
	})
}
