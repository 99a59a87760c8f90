package decision_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/rulebook"
)

// The auditor's part about motions: rolls, votes, counts, rules and effects.

// decision judges an entry about a motion or a vote on one.
func (a *audit) decision(i int) {
	e := a.events[i]
	if e.ref.Kind == "vote" {
		a.vote(e)
		return
	}
	if e.ref.Kind != "decision" || e.body.State == nil {
		return
	}
	c := a.courses[e.ref.ID]
	if c == nil {
		a.fail(10, "entry %d is about a motion that the tables do not hold", e.Seq)
		return
	}
	var d saidDecision
	if err := json.Unmarshal(e.body.State, &d); err != nil {
		a.fail(10, "entry %d: %v", e.Seq, err)
	}
	a.seen[e.Kind]++
	was, _ := said[saidDecision](a, "decision", e.ref.ID)
	if c.opened >= 0 && (d.Roll != was.Roll || d.RollHash != was.RollHash) {
		a.fail(2, "entry %d: the roll of motion %d changed after voting opened", e.Seq, d.Number)
	}
	if c.called >= 0 && d.Rule != was.Rule {
		a.fail(5, "entry %d: motion %d changed its rule after the call", e.Seq, d.Number)
	}
	if c.called >= 0 && (d.Title != was.Title || d.Text != was.Text || d.Version != was.Version || !bytes.Equal(d.Effects, was.Effects)) {
		a.fail(5, "entry %d: motion %d changed its words or effects after the call", e.Seq, d.Number)
	}
	if c.counted >= 0 && (d.Outcome != was.Outcome || !bytes.Equal(d.Result, was.Result)) {
		a.fail(4, "entry %d: motion %d changed its result after the count", e.Seq, d.Number)
	}
	switch e.Kind {
	case "decision.called":
		a.called(i, c, &d)
	case "decision.opened":
		a.opened(i, c, &d)
	case "decision.counted":
		a.counted(i, c, &d, &was)
	case "decision.in-force":
		if was.State != decision.Window || e.At.Before(was.Window) {
			a.fail(6, "entry %d: motion %d is in force before its window was over", e.Seq, d.Number)
		}
	case "decision.executed":
		c.executed++
		if was.State != decision.InForce || was.Execution != "" {
			a.fail(6, "entry %d: motion %d is executed as %s/%s", e.Seq, d.Number, was.State, was.Execution)
		}
	case "decision.stale":
		a.stale(e, c)
	}
}

func (a *audit) vote(e entry) {
	a.seen["vote"]++
	var v saidVote
	if err := json.Unmarshal(e.body.State, &v); err != nil {
		a.fail(10, "entry %d: %v", e.Seq, err)
	}
	c := a.courses[v.Decision]
	if c == nil {
		a.fail(3, "entry %d is a vote on no motion", e.Seq)
		return
	}
	d, _ := said[saidDecision](a, "decision", v.Decision)
	if c.opened < 0 || c.counted >= 0 || d.State != decision.Open || e.At.Before(d.Opens) || !e.At.Before(d.Closes) {
		a.fail(3, "entry %d: a vote on motion %d, which is %s from %s to %s", e.Seq, d.Number, d.State, d.Opens, d.Closes)
	}
	if !slices.Contains(c.roll, v.Member) || e.Member != (ref.Ref{Kind: "member", ID: v.Member}).String() {
		a.fail(2, "entry %d: a vote on motion %d by somebody who is not on the roll", e.Seq, d.Number)
	}
	if c.cast[v.Member]++; c.cast[v.Member] != v.Version {
		a.fail(2, "entry %d: version %d of a vote that was cast %d times", e.Seq, v.Version, c.cast[v.Member])
	}
}

// governing is the line in force for the effects of a motion, by the auditor's own reading.
func (a *audit) governing(c *course, d *saidDecision) id.ID {
	b, _ := said[saidBody](a, "body", d.Body)
	scope := rulebook.Bodies
	if b.Parent == 0 {
		scope = rulebook.Meeting
	}
	kinds := []string{""}
	if len(c.effects) > 0 {
		kinds = nil
		for _, f := range c.effects {
			kinds = append(kinds, f.Kind)
		}
	}
	var found id.ID
	for _, k := range kinds {
		var best id.ID
		weight := 0
		every(a, "rule", func(i id.ID, r saidRule) {
			if r.Until != nil || r.Rule.Scope != scope {
				return
			}
			for _, p := range r.Rule.Acts {
				if w, ok := rulebook.Covers(p, k); ok && w > weight {
					best, weight = i, w
				}
			}
		})
		if found != 0 && best != found {
			return 0
		}
		found = best
	}
	return found
}

func (a *audit) called(i int, c *course, d *saidDecision) {
	e := a.events[i]
	a.seen["call"]++
	if c.called >= 0 {
		a.fail(5, "entry %d: motion %d is called twice", e.Seq, d.Number)
	}
	c.called, c.atCall, c.eligible = i, clone(a.states), map[id.ID]bool{}
	r, ok := said[saidRule](a, "rule", d.Rule)
	if !ok || r.Until != nil {
		a.fail(5, "entry %d: motion %d is called under a rule that is not in force", e.Seq, d.Number)
	}
	if want := a.governing(c, d); d.Rule != want {
		a.fail(5, "entry %d: motion %d is called under the rule %s (%s), and %s governs it", e.Seq, d.Number, d.Rule, r.Rule.Line, want)
	}
	if !slices.Contains(r.Rule.Methods, c.m.Method) {
		a.fail(5, "entry %d: motion %d is decided by %s, which its rule does not know", e.Seq, d.Number, c.m.Method)
	}
	if d.Closes.Sub(d.Opens) < a.least(c, &r) {
		a.fail(5, "entry %d: motion %d is open from %s to %s, shorter than its rule asks", e.Seq, d.Number, d.Opens, d.Closes)
	}
	if len(c.effects) > 0 && !c.m.Binding() {
		a.fail(5, "entry %d: motion %d would change something by a method that decides nothing", e.Seq, d.Number)
	}
	for m, x := range a.members {
		waited := !x.since.After(e.At.Add(-time.Duration(r.Rule.Waiting) * day))
		c.eligible[m] = x.good(e.At) && (waited || x.founder)
	}
}

func (a *audit) least(c *course, r *saidRule) time.Duration {
	if c.m.Urgent != "" && r.Rule.Urgent != nil {
		return time.Duration(r.Rule.Urgent.Hours) * time.Hour
	}
	return time.Duration(r.Rule.Open) * day
}

// opened draws up the roll anew: who was eligible on the day of the call, still is, sits in the body that
// decides, and is not whom it is about where the rule minds.
func (a *audit) opened(i int, c *course, d *saidDecision) {
	e := a.events[i]
	a.seen["roll"]++
	if c.opened >= 0 || c.called < 0 {
		a.fail(2, "entry %d: motion %d is opened out of turn", e.Seq, d.Number)
		return
	}
	c.opened = i
	r, _ := said[saidRule](a, "rule", d.Rule)
	if left := d.Closes.Sub(e.At); left < a.least(c, &r) {
		a.fail(5, "entry %d: motion %d opens %s before its close, and its rule asks for %s", e.Seq, d.Number, left, a.least(c, &r))
	}
	var want []id.ID
	b, _ := said[saidBody](a, "body", d.Body)
	sits := map[id.ID]bool{}
	every(a, "seat", func(_ id.ID, s saidSeat) {
		if s.Body == d.Body && s.Until == nil && !s.From.After(a.events[c.called].At) {
			sits[s.Member] = true
		}
	})
	for m, x := range a.members {
		if c.eligible[m] && x.good(e.At) && (b.Parent == 0 || sits[m]) && !(r.Rule.Interest && a.concerns(c, m)) {
			want = append(want, m)
		}
	}
	slices.SortFunc(want, func(x, y id.ID) int { return int(a.members[x].Number - a.members[y].Number) })
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "rochdale roll v1\n%s\n", c.m.ID)
	for _, m := range want {
		_, _ = fmt.Fprintln(hash, m)
	}
	if d.Roll != len(want) || d.RollHash != hex.EncodeToString(hash.Sum(nil)) {
		a.fail(2, "entry %d: the roll of motion %d has %d names, and %d should be on it", e.Seq, d.Number, d.Roll, len(want))
	}
	slices.Sort(want)
	got := slices.Sorted(slices.Values(c.roll))
	if !slices.Equal(want, got) {
		a.fail(2, "motion %d: on the roll are %v, and should be %v", d.Number, got, want)
	}
}

func (a *audit) concerns(c *course, who id.ID) bool {
	for _, f := range c.effects {
		var x struct{ Member, Mandate id.ID }
		_ = json.Unmarshal([]byte(f.Args), &x) // other fields are none of our business
		switch {
		case f.Kind == mandate.Recall || f.Kind == mandate.RatifyTerm:
			if m, _ := said[saidMandate](a, "mandate", x.Mandate); m.Member == who {
				return true
			}
		case (strings.HasPrefix(f.Kind, "member.") || f.Kind == mandate.Appoint) && x.Member == who:
			return true
		}
	}
	return false
}

// counted takes the published votes, in any order, and counts again.
func (a *audit) counted(i int, c *course, d, was *saidDecision) {
	e := a.events[i]
	a.seen["count"]++
	if c.counted >= 0 || was.State != decision.Open || e.At.Before(was.Closes) {
		a.fail(3, "entry %d: motion %d is counted as %s, before %s", e.Seq, d.Number, was.State, was.Closes)
	}
	c.counted = i
	var data struct {
		Rule  string          `json:"rule"`
		Votes json.RawMessage `json:"votes"`
	}
	if err := json.Unmarshal(e.body.Data, &data); err != nil {
		a.fail(4, "entry %d: %v", e.Seq, err)
	}
	r, _ := said[saidRule](a, "rule", d.Rule)
	if want := fmt.Sprintf("%s/%d", r.Rule.Line, r.Number); data.Rule != want {
		a.fail(5, "entry %d: counted under %s, called under %s", e.Seq, data.Rule, want)
	}
	if d.State == decision.Window && d.Window.Sub(e.At) < time.Duration(r.Rule.Window)*day {
		a.fail(5, "entry %d: motion %d can be called in for %s, and its rule says %d days", e.Seq, d.Number, d.Window.Sub(e.At), r.Rule.Window)
	}
	if c.m.Method != rulebook.Questions && !c.m.Secret() {
		a.recount(c, &r, data.Votes)
	}
}

func (a *audit) recount(c *course, r *saidRule, published json.RawMessage) {
	counting := decision.Counting{Method: c.m.Method, Rule: r.Rule, Again: c.m.Again, Options: c.m.Options(), Settings: c.m.Settings(), Roll: c.m.Result().Roll}
	if err := json.Unmarshal(published, &counting.Papers); err != nil {
		a.fail(4, "motion %d: the published votes: %v", c.m.Number, err)
		return
	}
	if !r.Rule.ActiveRoll && counting.Roll != c.m.RollSize {
		a.fail(4, "motion %d: counted for a roll of %d, and it has %d", c.m.Number, counting.Roll, c.m.RollSize)
	}
	a.own(c, r, published)
	sort.Slice(counting.Papers, func(i, j int) bool { return counting.Papers[i].Choice < counting.Papers[j].Choice })
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "rochdale lot v1\n%s\n%s\n", c.m.ID, c.m.RollHash)
	cast := map[string]int{}
	for _, p := range counting.Papers {
		_, _ = fmt.Fprintf(h, "%d %s\n", p.N, p.Choice)
		cast[p.Choice] += p.N
	}
	counting.Seed = h.Sum(nil)
	for _, v := range c.votes {
		cast[v.Choice]--
	}
	for choice, n := range cast {
		if n != 0 {
			a.fail(3, "motion %d: %d more votes for %s were counted than cast", c.m.Number, n, choice)
		}
	}
	for range 3 {
		rand.Shuffle(len(counting.Papers), func(i, j int) { counting.Papers[i], counting.Papers[j] = counting.Papers[j], counting.Papers[i] })
		result, err := decision.Count(counting)
		if err != nil {
			a.fail(4, "motion %d: %v", c.m.Number, err)
			return
		}
		if string(result.JSON()) != c.m.ResultJSON {
			a.fail(4, "motion %d was counted as\n%s\nand is\n%s", c.m.Number, c.m.ResultJSON, result.JSON())
			return
		}
	}
}

// own counts a proposal in the plainest way there is.
func (a *audit) own(c *course, r *saidRule, published json.RawMessage) {
	if c.m.Method != rulebook.Proposal {
		return
	}
	var papers []struct {
		Choice string `json:"choice"`
		N      int64  `json:"n"`
	}
	_ = json.Unmarshal(published, &papers) // it was read before
	n := map[string]int64{}
	var voted int64
	for _, p := range papers {
		var x decision.Choice
		_ = json.Unmarshal([]byte(p.Choice), &x) // the count has read it
		n[x.Choice] += p.N
		voted += p.N
	}
	agree, of := n[decision.Agree], n[decision.Agree]+n[decision.Disagree]+n[decision.Block]
	reaches := func(s tally.Ratio, have, of int64) bool { return s.Num == 0 || have*s.Den >= s.Num*of }
	quorum := r.Rule.Quorum
	if c.m.Again {
		quorum = r.Rule.AgainQuorum
	}
	t := r.Rule.Threshold
	carried := agree > 0 && reaches(t, agree, of) && !(r.Rule.Strict && agree*max(t.Den, 1) == t.Num*of)
	want := "lost"
	switch {
	case !reaches(quorum, voted, int64(c.m.Result().Roll)):
		want = "no quorum"
	case carried && r.Rule.Block && n[decision.Block] > 0 && (r.Rule.Override.Num == 0 || !reaches(r.Rule.Override, agree, of)):
		want = "blocked"
	case carried:
		want = "carried"
	}
	if string(c.m.Outcome) != want {
		a.fail(4, "motion %d (%v of %d) is %s, and should be %s", c.m.Number, n, c.m.RollSize, c.m.Outcome, want)
	}
}

// moved compares what an effect is bound to at two instants. It knows the things that have one state.
func (a *audit) moved(f auditedEffect, then, now map[string]json.RawMessage) (moved, known bool) {
	loaded, err := a.h.effects.Load(effect.Stored{Kind: f.Kind, Args: json.RawMessage(f.Args)})
	if err != nil {
		return false, false
	}
	t := loaded.Target()
	about := ref.Ref{Kind: t.Kind, ID: t.ID}.String()
	switch f.Kind {
	case "coop.describe", mandate.ChangeBody, mandate.DissolveBody, mandate.RatifyTerm, mandate.Recall, "member.suspend", "member.expel", "member.reinstate":
		return !bytes.Equal(then[about], now[about]), true
	case rulebook.Adopt, rulebook.Repeal:
		var x struct {
			Line string
			Rule struct{ Line string }
		}
		_ = json.Unmarshal([]byte(f.Args), &x) // it was loaded before
		line := x.Line + x.Rule.Line
		return !bytes.Equal(lineOf(then, line), lineOf(now, line)), true
	}
	return false, false
}

// lineOf is the version of a line in force.
func lineOf(states map[string]json.RawMessage, line string) json.RawMessage {
	for name, s := range states {
		var r saidRule
		if strings.HasPrefix(name, "rule:") && json.Unmarshal(s, &r) == nil && r.Rule.Line == line && r.Until == nil {
			return s
		}
	}
	return nil
}

func (a *audit) stale(e entry, c *course) {
	a.seen["stale"]++
	for _, f := range c.effects {
		moved, known := a.moved(f, c.atCall, a.states)
		if a.won(c, f) && (moved || !known) {
			return
		}
	}
	a.fail(6, "entry %d: motion %d is stale, though nothing has moved since its call", e.Seq, c.m.Number)
}

// finish looks at what can be said at the end only.
func (a *audit) finish() {
	for _, c := range a.courses {
		a.votes(c)
		a.effect(c)
		a.urgency(c)
	}
	for act, u := range a.urgent {
		a.ended(act, u)
	}
	for seq, since := range a.veiled {
		if a.h.clock.Now().After(since.Add(rulebook.MaxVeil * day)) {
			a.fail(9, "entry %d keeps back what was done since %s", seq, since)
		}
	}
	a.privacy()
}

func (a *audit) votes(c *course) {
	if c.m.Secret() {
		a.secret(c)
		return
	}
	if len(c.votes) != c.m.Votes || len(c.votes) > c.m.RollSize || len(c.roll) != c.m.RollSize {
		a.fail(2, "motion %d: %d votes, %d counted, roll of %d (%d names)", c.m.Number, len(c.votes), c.m.Votes, c.m.RollSize, len(c.roll))
	}
	voted := map[id.ID]bool{}
	for _, v := range c.votes {
		if voted[v.Member] || !slices.Contains(c.roll, v.Member) || v.Version != c.cast[v.Member] {
			a.fail(2, "motion %d: vote %s of member %s", c.m.Number, v.ID, v.Member)
		}
		voted[v.Member] = true
		if v.At.Before(c.m.OpensAt) || !v.At.Before(c.m.ClosesAt) {
			a.fail(3, "motion %d: a vote at %s", c.m.Number, v.At)
		}
	}
	if len(voted) != len(c.cast) {
		a.fail(3, "motion %d: %d members have cast votes, %d are there", c.m.Number, len(c.cast), len(voted))
	}
}

func (a *audit) effect(c *course) {
	winning := slices.DeleteFunc(slices.Clone(c.effects), func(f auditedEffect) bool { return !a.won(c, f) })
	if c.m.Execution != decision.Done {
		if c.acts != 0 || c.executed != 0 {
			a.fail(6, "motion %d is %s/%s, and %d acts were done", c.m.Number, c.m.State, c.m.Execution, c.acts)
		}
		return
	}
	a.seen["executed"]++
	if c.executed != 1 || c.acts < len(winning) || c.acts > 2*len(winning) {
		a.fail(6, "motion %d was executed %d times: %d acts for %d effects", c.m.Number, c.executed, c.acts, len(winning))
	}
	for _, f := range winning {
		if moved, known := a.moved(f, c.atCall, c.before); known && moved && c.before != nil {
			a.fail(6, "motion %d: %s was applied, though what it changes had moved since the call", c.m.Number, f.Kind)
		}
	}
}

// urgency looks for urgent decisions that stand though the members did not ratify them.
func (a *audit) urgency(c *course) {
	if c.m.Urgent == "" || c.m.Execution != decision.Done {
		return
	}
	a.seen["urgent"]++
	last, kind := c.m, decision.Ratifies
	for {
		var next *decision.Motion
		for _, x := range a.courses {
			if x.m.OriginID == last.ID && x.m.OriginKind == kind || last != c.m && x.m.OriginID == last.ID && (x.m.OriginKind == decision.FromCallIn || x.m.OriginKind == decision.SecondCall) {
				next = x.m
			}
		}
		if next == nil {
			break
		}
		last, kind = next, decision.FromCallIn
	}
	switch {
	case last == c.m:
		a.fail(9, "nobody is asked about the urgent decision %d", c.m.Number)
	case c.m.State == decision.InForce && (last.State == decision.Closed || last.State == decision.Withdrawn):
		a.fail(9, "the urgent decision %d stands, though motion %d to ratify it is %s", c.m.Number, last.Number, last.Outcome)
	}
}

// ended looks at an emergency act whose time may be over. Time must have been let do its work.
func (a *audit) ended(act id.ID, u *auditedEmergency) {
	undone := 0
	for _, x := range a.acts {
		if x.AuthorityKind == "lapse" && x.AuthorityID == act {
			undone++
		}
	}
	switch {
	case u.Ended.IsZero() && !a.h.clock.Now().Before(u.Due):
		a.fail(9, "the emergency act %s stands after %s", act, u.Due)
	case (u.Outcome == mandate.Undone) != (undone > 0):
		a.fail(9, "the emergency act %s is %q, and %d acts undo it", act, u.Outcome, undone)
	case u.Ended.IsZero() == (u.Outcome != ""):
		a.fail(9, "the emergency act %s is %q and ended %s", act, u.Outcome, u.Ended)
	}
}

// What tests write where only members read, and who they are.
var personal = regexp.MustCompile(`Surname\d+|Fay Founder|mail\.example|[Pp]rivate words`)

// privacy looks for persons in what can never be erased.
func (a *audit) privacy() {
	for _, e := range a.events {
		if found := personal.FindString(e.Body); found != "" {
			a.fail(12, "entry %d, %s, holds %q for ever", e.Seq, e.Kind, found)
		}
	}
	for _, x := range a.acts {
		if found := personal.FindString(x.Args + x.Inverse); found != "" {
			a.fail(12, "the act %s holds %q for ever", x.ID, found)
		}
	}
}
