package decision_test

import (
	"encoding/json"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// What the auditor asks of acts that were done before a decision.

func (a *audit) byEmergency(x *auditedAct, p authz.Power) string {
	r, ok := said[saidRule](a, "rule", x.AuthorityID)
	if !ok || r.Until != nil || r.Rule.Emergency == nil || !covers(r.Rule.Emergency.Acts, x.Power) {
		return "no rule in force allows it"
	}
	if p.Reserved {
		return "only a decision can do that"
	}
	if m := a.members[x.Member]; m == nil || !m.good(x.At) {
		return "who did it has no rights"
	}
	sits := false
	every(a, "seat", func(_ id.ID, s saidSeat) {
		b, _ := said[saidBody](a, "body", s.Body)
		sits = sits || s.Member == x.Member && s.Until == nil && b.Handle == r.Rule.Emergency.Body && b.Dissolved == nil
	})
	if !sits {
		return "who did it is not in the body"
	}
	return ""
}

// ratifying is how many days the rules in force give the members to answer what was done in an emergency:
// the vote, its window and a day.
func (a *audit) ratifying() int {
	days, closest := 0, 0
	every(a, "rule", func(_ id.ID, r saidRule) {
		if r.Until != nil || r.Rule.Scope != rulebook.Meeting {
			return
		}
		for _, p := range r.Rule.Acts {
			if weight, ok := rulebook.Covers(p, mandate.RatifyAct); ok && weight > closest {
				days, closest = r.Rule.Open+r.Rule.Window+1, weight
			}
		}
	})
	return days
}

// due looks at the time an emergency act is given when it is done: what its rule says, or the operator's
// days, and never less than the members need.
func (a *audit) due(e entry, now saidEmergency) {
	days := mandate.OperatorDays
	if authority := ref.Parse(e.Authority); authority.Kind == string(authz.Emergency) {
		if r, ok := said[saidRule](a, "rule", authority.ID); ok && r.Rule.Emergency != nil {
			days = r.Rule.Emergency.Days
		}
	}
	if want := a.byID[e.ref.ID].At.Add(time.Duration(max(days, a.ratifying())) * day); !now.Due.Equal(want) {
		a.fail(9, "entry %d: it ends on %s, and should on %s", e.Seq, now.Due, want)
	}
}

// question is the motion that asks about an emergency act, and how many votes came before it.
func (a *audit) question(act id.ID) (c *course, before int) {
	u := a.urgent[act]
	if u == nil || a.courses[u.Decision] == nil {
		return nil, 0
	}
	c = a.courses[u.Decision]
	for at := c.m; at.OriginKind == decision.SecondCall || at.OriginKind == decision.FromCallIn; before++ {
		at = a.courses[at.OriginID].m
	}
	return c, before
}

// answered looks at the end of an emergency act that was not ratified: the members must have had their
// vote and its window before.
func (a *audit) answered(e entry) {
	c, before := a.question(e.ref.ID)
	if c == nil || before > 2 || a.fallen[e.ref.ID] {
		return
	}
	switch d, _ := said[saidDecision](a, "decision", c.m.ID); d.State {
	case decision.Called, decision.Open, decision.Window:
		a.fail(9, "entry %d: it ended on %s, while motion %d about it was %s", e.Seq, e.At, d.Number, d.State)
	}
}

func (a *audit) byLapse(x *auditedAct) string {
	u, first := a.urgent[x.AuthorityID], a.byID[x.AuthorityID]
	if u == nil || first == nil {
		return "there was no such act"
	}
	now, _ := said[saidEmergency](a, "emergency", x.AuthorityID)
	var undo effect.Stored
	_ = json.Unmarshal([]byte(first.Inverse), &undo) // of another form: none
	switch {
	case x.At.Before(u.Due):
		return "it was not due"
	case now.Outcome != "":
		return "it was over"
	case undo.Kind != x.Power:
		return "that does not undo it"
	}
	return ""
}

func (a *audit) emergency(e entry) {
	a.seen["emergency"]++
	was, known := said[saidEmergency](a, "emergency", e.ref.ID)
	var now saidEmergency
	if err := json.Unmarshal(e.body.State, &now); err != nil {
		a.fail(10, "entry %d: %v", e.Seq, err)
	}
	falls := e.body.Reason == "what it stands on is undone"
	switch {
	case e.Kind == "emergency.done":
		a.due(e, now)
	case e.Kind == "emergency.undone" || e.Kind == "emergency.review":
		a.answered(e)
	case e.Kind == "emergency.moved" && falls:
		a.fallen[e.ref.ID] = true
	}
	c, _ := a.question(e.ref.ID)
	switch {
	case e.Kind == "emergency.moved" && !falls && !now.Due.After(was.Due):
		a.fail(9, "entry %d: it ends on %s, and ended on %s", e.Seq, now.Due, was.Due)
	case e.Kind == "emergency.refused" && (now.Refused == nil || now.Due.After(e.At) || c == nil || c.m.Outcome != tally.Lost && c.m.Outcome != tally.Blocked):
		a.fail(9, "entry %d: the members did not vote it down", e.Seq)
	case known == (e.Kind == "emergency.done"):
		a.fail(9, "entry %d: %s out of turn", e.Seq, e.Kind)
	case known && was.Outcome != "":
		a.fail(9, "entry %d: it ended before", e.Seq)
	case (e.Kind == "emergency.undone" || e.Kind == "emergency.review") && e.At.Before(was.Due):
		a.fail(9, "entry %d: it was not due before %s", e.Seq, was.Due)
	}
}

// published reports whether an entry publishes what an act kept back, and all of it; whether in
// time is looked at in the end, when the machine has been awake.
func (a *audit) published(e entry) bool {
	var u record.Unveiling
	var open record.Body
	if json.Unmarshal(e.body.Data, &u) != nil || json.Unmarshal([]byte(u.Content), &open) != nil {
		return false
	}
	x, since := a.acts[u.Entry], a.veiled[u.Entry]
	if x == nil || since.IsZero() || open.Subject != (ref.Ref{Kind: x.TargetKind, ID: x.TargetID}).String() || string(open.Data) != x.Args {
		return false
	}
	delete(a.veiled, u.Entry)
	return true
}
