package decision_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/mandate"
	"rochdale/internal/moderation"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

// account opens an account with a loud name.
func (h *hall) account(name string) social.Account {
	h.t.Helper()
	var out social.Account
	h.ok(h.db.InDurableTx(h.ctx, func(tx *db.Tx) error {
		a, err := h.social.Open(h.ctx, tx, social.NewAccount{Username: name, Kind: social.Person, Member: h.people[3].Member})
		if err == nil {
			out = *a
		}
		return err
	}))
	return out
}

// Legal order, immediate harm: where the rule allows it, the record says at once that an act was done, by
// whom, of which class and when the rest is published; and then publishes what it has committed to.
func TestAttack14PublishedLater(t *testing.T) {
	each(t, "social-coop", 5, func(t *testing.T, h *hall) {
		ann := h.hurried(10, func(r *rulebook.Rule) { r.Emergency.Veil = 7 }, moderation.Suspend)
		moderator := h.people[2]
		h.office(h.group("moderators", moderation.Suspend), moderator, 400, moderation.Suspend)
		loud := h.account("loud")
		suspend := func(by authz.Actor, class, reason string) {
			t.Helper()
			h.ok(h.moderation.SetAccount(h.ctx, by, loud.ID, moderation.Measure{Level: social.LevelSuspend, Class: class, Confidential: true}, reason))
		}
		entries := func(kind string) (out []record.Event) {
			for _, e := range all(h, auditEvents) {
				if e.Kind == kind {
					out = append(out, e)
				}
			}
			return out
		}

		// Another class is published at once, and so is what a mandate does.
		suspend(ann, "spam", "It sells cranes.")
		suspended := entries("act." + moderation.Suspend)
		if len(suspended) != 1 || suspended[0].Subject != "account:"+loud.ID.String() {
			t.Fatalf("recorded %+v", suspended)
		}
		h.tick()
		h.agree(h.get(h.waiting().Decision))
		h.wait(6 * day)
		h.wait(2 * day)
		h.ok(h.moderation.SetAccount(h.ctx, moderator, loud.ID, moderation.Measure{}, "it was settled"))

		suspend(ann, mandate.Legal, "Order 12 of the court.")
		done := h.clock.Now()
		h.tick()
		e := entries("act." + moderation.Suspend)[2]
		shown, err := e.Read()
		h.ok(err)
		var data record.Veil
		h.ok(json.Unmarshal(shown.Data, &data))
		if !shown.Veiled || e.Subject != "" || shown.State != nil || data.Class != mandate.Legal || !data.Until.Equal(done.Add(7*day)) || e.Member != "member:"+ann.Member.String() ||
			!strings.HasPrefix(e.Authority, "emergency:") {
			t.Errorf("the record shows %s", e.Body)
		}
		waiting := h.waiting()
		m := h.get(waiting.Decision)
		if waiting.Reason != "" || waiting.Class != mandate.Legal || !strings.Contains(m.Text, "class legal") || !strings.Contains(m.Text, done.Add(7*day).Format(time.DateOnly)) {
			t.Errorf("the members are told %q; waiting is %+v", m.Text, waiting)
		}
		for _, x := range all(h, auditEvents) {
			if x.Seq >= e.Seq && (strings.Contains(x.Body, "court") || strings.Contains(x.Body, loud.ID.String())) {
				t.Errorf("entry %d tells already: %s", x.Seq, x.Body)
			}
		}
		h.whole() // what the tables say is compared with what is kept back

		// Under the veil nothing can be changed either, nor can it be lost.
		for _, query := range []string{`UPDATE accounts SET suspended_at = 0`, `UPDATE record_private SET data = REPLACE(data, 'account:', 'account:1')`, `DELETE FROM record_private`} {
			before := h.dump()
			h.exec(query)
			if b := h.broken(); b == nil {
				t.Errorf("%s was not found", query)
			}
			h.restore(before)
		}

		h.wait(7*day - ms)
		if got := entries(record.Published); len(got) != 0 {
			t.Fatalf("published too early: %+v", got)
		}
		h.wait(ms)
		got := entries(record.Published)
		if len(got) != 1 || got[0].Subject != "account:"+loud.ID.String() {
			t.Fatalf("published %+v", got)
		}
		b, err := got[0].Read()
		h.ok(err)
		var u record.Unveiling
		h.ok(json.Unmarshal(b.Data, &u))
		sum := sha256.Sum256([]byte(u.Salt + u.Content)) // what anyone can do
		if u.Entry != e.Seq || hex.EncodeToString(sum[:]) != shown.Private || !strings.Contains(u.Content, `"level":"suspend"`) {
			t.Errorf("published is %+v", u)
		}
		private, ok, err := h.record.Private(h.ctx, h.db, got[0].Seq)
		if err != nil || !ok || !strings.Contains(string(private), "Order 12 of the court.") || strings.Contains(got[0].Body, "court") {
			t.Errorf("the confidential reason: %s %t %v; published %s", private, ok, err, got[0].Body)
		}
		h.whole()
		a := h.audit()
		a.report(t)
		if a.seen["veiled"] != 1 {
			t.Errorf("the auditor saw %v", a.seen)
		}
		// Whoever publishes something else is found, though the chain of hashes is made anew.
		for what, change := range map[string][2]string{"the content": {`\"level\":\"suspend\"`, `\"level\":\"limit\"`}, "the subject": {`"subject":"account:`, `"subject":"account:1`}, "the state": {`"state":{"level":"suspend"}`, `"state":{"level":"limit"}`}} {
			before := h.dump()
			events := all(h, auditEvents)
			i := slices.IndexFunc(events, func(x record.Event) bool { return x.Seq == got[0].Seq })
			forged := strings.Replace(events[i].Body, change[0], change[1], 1)
			if forged == events[i].Body {
				t.Errorf("%s: nothing to change in %s", what, forged)
			}
			events[i].Body = forged
			if what == "the subject" {
				events[i].Subject = strings.Replace(events[i].Subject, "account:", "account:1", 1)
			}
			h.forge(events)
			if broken := h.broken(); broken == nil || broken.Seq != got[0].Seq {
				t.Errorf("%s: found %v", what, broken)
			}
			h.restore(before)
		}

		// It is not ratified, so it is undone; and a later act on the same publishes what is kept back first.
		h.wait(30 * day)
		if c, err := h.social.Account(h.ctx, h.db, loud.ID); err != nil || !c.SuspendedAt.IsZero() {
			t.Errorf("the account is suspended since %s, %v", c.SuspendedAt, err)
		}
		h.clock.Advance(mandate.RepeatAfter)
		suspend(ann, mandate.Safety, "Somebody is in danger.")
		h.ok(h.moderation.SetAccount(h.ctx, moderator, loud.ID, moderation.Measure{Level: social.LevelLimit, Class: "other"}, "a limit is enough"))
		if got := entries(record.Published); len(got) != 2 || !got[1].At.Equal(h.clock.Now()) {
			t.Errorf("published %+v", got)
		}
		h.tick()
		h.audit().report(t)

		r := h.rule(rulebook.Ordinary)
		for days, ok := range map[int]bool{-1: false, 14: true, 15: false} {
			r.Emergency.Veil = days
			if err := r.Check(); (err == nil) != ok || err != nil && !fault.Is(err, fault.Invalid) {
				t.Errorf("%d days: %v", days, err)
			}
		}
	})
}
