package member_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/member"
)

type ctxType = context.Context

func (r *register) get(m id.ID) member.Member {
	r.t.Helper()
	out, err := r.Get(r.ctx, r.db, m)
	r.ok(err)
	return out
}

func (r *register) load(kind string, args any) effect.Effect {
	r.t.Helper()
	b, err := json.Marshal(args)
	r.ok(err)
	e, err := r.Effects().Load(effect.Stored{Kind: kind, Args: b})
	r.ok(err)
	return e
}

func TestWhoLeavesIsOutAtOnceAndForGood(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann, err := r.join("ann", r.invite(1).Code)
		r.ok(err)
		cookie, _, err := r.identity.SignIn(r.ctx, "ann@mail.example", password, "browser", here)
		r.ok(err)
		by, err := r.identity.BySession(r.ctx, cookie)
		r.ok(err)
		link, err := r.Invite(r.ctx, by, 3, "")
		r.ok(err)
		var token string
		r.ok(r.db.InTx(r.ctx, func(tx *db.Tx) error {
			tok, err := r.identity.MakeToken(r.ctx, tx, ann.LoginID, "read write")
			token = tok.Plain
			return err
		}))
		r.heard = nil
		want(t, r.Resign(r.ctx, by, "wrong password", here), fault.Invalid, "leaving with a wrong password")
		r.clock.Advance(time.Hour)
		r.ok(r.Resign(r.ctx, by, password, here))
		if m := r.get(ann.ID); m.Ended != member.Resigned || !m.Until.Equal(r.db.Now()) || m.Number != ann.Number {
			t.Errorf("after leaving: %+v", m)
		}
		if !slices.Equal(r.heard, []string{"resigned ann"}) {
			t.Errorf("heard %q", r.heard)
		}
		if a, err := r.identity.BySession(r.ctx, cookie); err != nil || a.Login != 0 {
			t.Errorf("the session goes on: %+v, %v", a, err)
		}
		if a, err := r.identity.ByToken(r.ctx, token); err != nil || a.Login != 0 {
			t.Errorf("the token goes on: %+v, %v", a, err)
		}
		_, err = r.join("bob", link.Code)
		want(t, err, fault.Gone, "an invitation of who has left")
		// Signing in again leads to their own data and to nothing else.
		cookie, _, err = r.identity.SignIn(r.ctx, "ann@mail.example", password, "browser", here)
		r.ok(err)
		former, err := r.identity.BySession(r.ctx, cookie)
		r.ok(err)
		if former.Member != 0 || former.Account != 0 || !former.Visitor() {
			t.Errorf("a former member acts as %+v", former)
		}
		if m, err := r.Mine(r.ctx, former); err != nil || m.ID != ann.ID {
			t.Errorf("theirs is %+v, %v", m, err)
		}
		want(t, r.Resign(r.ctx, former, password, here), fault.Conflict, "leaving twice")
		// The number never comes back, except to who had it.
		if bob := r.enrol("bob"); bob.Number != 3 {
			t.Errorf("the next number is %d", bob.Number)
		}
		r.ok(r.Reinstate(r.ctx, r.founder, ann.ID, "wants to come back"))
		if m := r.get(ann.ID); !m.Present() || m.Number != ann.Number || !m.Since.Equal(ann.Since) || !m.Until.IsZero() {
			t.Errorf("back again: %+v", m)
		}
		cookie, _, err = r.identity.SignIn(r.ctx, "ann@mail.example", password, "browser", here)
		r.ok(err)
		if a, err := r.identity.BySession(r.ctx, cookie); err != nil || a.Member != ann.ID {
			t.Errorf("back again acts as %+v, %v", a, err)
		}
		if _, err := r.record.Verify(r.ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestActsOfTheRegisterNeedPowerAndReason(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann := r.enrol("ann")
		someone := authz.Actor{Member: ann.ID, Via: authz.Web}
		acts := map[string]func(by authz.Actor, reason string) error{
			"suspend":   func(by authz.Actor, reason string) error { return r.Suspend(r.ctx, by, ann.ID, time.Time{}, reason) },
			"expel":     func(by authz.Actor, reason string) error { return r.Expel(r.ctx, by, ann.ID, reason) },
			"reinstate": func(by authz.Actor, reason string) error { return r.Reinstate(r.ctx, by, ann.ID, reason) },
		}
		before := len(r.events())
		for name, act := range acts {
			want(t, act(someone, "because"), fault.Forbidden, name)
			want(t, act(authz.Actor{}, "because"), fault.Forbidden, name+" by nobody")
			want(t, act(r.founder, " \n"), fault.Invalid, name+" without a reason")
			want(t, act(r.founder, strings.Repeat("x", 2001)), fault.Invalid, name+" with a long reason")
		}
		want(t, r.RecordDeath(r.ctx, someone, ann.ID, ""), fault.Forbidden, "recording a death")
		want(t, r.Expel(r.ctx, r.founder, 99, "because"), fault.NotFound, "expelling nobody")
		want(t, r.Suspend(r.ctx, r.founder, ann.ID, r.db.Now(), "because"), fault.Invalid, "suspending until now")
		if got := len(r.events()); got != before {
			t.Errorf("%d entries were written", got-before)
		}
		r.ok(r.Suspend(r.ctx, r.founder, ann.ID, time.Time{}, "because"))
		_, err := r.Invite(r.ctx, someone, 1, "")
		want(t, err, fault.Forbidden, "inviting while suspended")
		last := r.events()
		b, err := last[len(last)-1].Read()
		r.ok(err)
		var state member.PublicState
		r.ok(json.Unmarshal(b.State, &state))
		if d := cmp.Diff(member.PublicState{Number: 2, Since: ann.Since, Suspended: r.db.Now()}, state); d != "" {
			t.Error(d)
		}
	})
}

// Invariant 8: an effect, its inverse, and the inverse of that lead back to where the register was.
func TestEffectsAndTheirInverses(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann := r.enrol("ann")
		apply := func(e effect.Effect) effect.Stored {
			t.Helper()
			var inverse effect.Stored
			r.ok(r.db.InDurableTx(r.ctx, func(tx *db.Tx) (err error) {
				inverse, err = e.Apply(r.ctx, tx, r.founder, "carried")
				return err
			}))
			return inverse
		}
		state := func() any { return member.State(r.get(ann.ID)) }
		until := testkit.Start.AddDate(0, 2, 0).Format(time.DateOnly)
		back := func() *member.Member { m := r.get(ann.ID); return &m }
		for _, tc := range []struct {
			name   string
			before func()
			kind   string
			args   map[string]any
			title  string
			then   string // rights or membership afterwards
		}{
			{"suspend", nil, member.Suspension, map[string]any{"member": ann.ID}, "Suspend the rights of Person ann (member 2)", "suspended"},
			{"suspend until", nil, member.Suspension, map[string]any{"member": ann.ID, "until": until}, "Suspend the rights of Person ann (member 2)", "suspended until "},
			{"expel", nil, member.Expulsion, map[string]any{"member": ann.ID}, "Expel Person ann (member 2)", "none"},
			{"expel a suspended member", func() { r.ok(r.Suspend(r.ctx, r.founder, ann.ID, time.Time{}, "because")) }, member.Expulsion, map[string]any{"member": ann.ID}, "Expel Person ann (member 2)", "none"},
			{"lift a suspension", func() {
				r.ok(r.Suspend(r.ctx, r.founder, ann.ID, r.db.Now().Add(time.Hour*100+time.Millisecond), "because"))
			}, member.Reinstatement, map[string]any{"member": ann.ID},
				"Give Person ann (member 2) all rights back", "all rights"},
			{"take back", func() { r.ok(r.RecordDeath(r.ctx, r.founder, ann.ID, "by mistake")) }, member.Reinstatement, map[string]any{"member": ann.ID}, "Take Person ann back as member 2", "all rights"},
		} {
			r.clock.Advance(time.Minute)
			if tc.before != nil {
				tc.before()
				r.clock.Advance(time.Minute)
			}
			start := state()
			e := r.load(tc.kind, tc.args)
			ch, err := e.Check(r.ctx, r.db)
			r.ok(err)
			if ch.Title != tc.title || ch.Base == "" || len(ch.Before) != 2 || len(ch.After) != 2 || !strings.HasPrefix(ch.After[1].Text, tc.then) || cmp.Equal(ch.Before, ch.After) {
				t.Errorf("%s says %+v", tc.name, ch)
			}
			k, _ := r.Effects().Kind(tc.kind)
			if who, err := k.Concerns(r.ctx, r.db, e); err != nil || who != (authz.Target{Kind: "member", ID: ann.ID}) {
				t.Errorf("%s concerns %+v, %v", tc.name, who, err)
			}
			version := back().Version
			inverse := apply(e)
			if version == back().Version {
				t.Errorf("%s leaves the version as it was", tc.name)
			}
			if _, err := r.load(tc.kind, tc.args).Check(r.ctx, r.db); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s twice: %v", tc.name, err)
			}
			r.clock.Advance(time.Minute)
			undo, err := r.Effects().Load(inverse)
			r.ok(err)
			if _, err := undo.Check(r.ctx, r.db); err != nil {
				t.Errorf("%s cannot be undone: %v", tc.name, err)
			}
			redo := apply(undo)
			if got := state(); !sameState(start, got) {
				t.Errorf("%s and undone: %+v, want %+v", tc.name, got, start)
			}
			if redo.Kind != tc.kind {
				t.Errorf("%s is done again by %s", tc.name, redo.Kind)
			}
			for !back().Present() || back().Suspended(r.db.Now()) { // put right for the next
				r.ok(r.Reinstate(r.ctx, r.founder, ann.ID, "for the next"))
			}
		}
		if _, err := r.record.Verify(r.ctx); err != nil {
			t.Error(err)
		}
	})
}

// sameState compares what a member may do; since when a suspension or an end that was put back has
// lasted is another matter, of which the history tells.
func sameState(a, b any) bool {
	x, y := a.(member.PublicState), b.(member.PublicState)
	same := x.Suspended.IsZero() == y.Suspended.IsZero() && x.Until.IsZero() == y.Until.IsZero()
	x.Suspended, x.Until, y.Suspended, y.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return same && x == y
}

func TestEffectsRefuseNonsense(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann, app := r.enrol("ann"), r.apply("bob")
		for _, tc := range []struct {
			kind string
			args map[string]any
			want fault.Kind
		}{
			{member.Suspension, map[string]any{"member": "99"}, fault.NotFound},
			{member.Suspension, map[string]any{"member": ann.ID, "until": "soon"}, fault.Invalid},
			{member.Suspension, map[string]any{"member": ann.ID, "until": "2020-01-01"}, fault.Invalid},
			{member.Expulsion, map[string]any{"member": "99"}, fault.NotFound},
			{member.Expulsion, map[string]any{"member": ann.ID, "as": "resigned"}, fault.Invalid},
			{member.Reinstatement, map[string]any{"member": ann.ID}, fault.Conflict},
			{member.Reinstatement, map[string]any{"member": ann.ID, "from": "sleep"}, fault.Invalid},
			{member.Reinstatement, map[string]any{"member": ann.ID, "from": "ended"}, fault.Conflict},
			{member.Admit, map[string]any{"application": "99"}, fault.NotFound},
		} {
			e := r.load(tc.kind, tc.args)
			_, err := e.Check(r.ctx, r.db)
			want(t, err, tc.want, tc.kind)
			err = r.db.InDurableTx(r.ctx, func(tx *db.Tx) error {
				_, err := e.Apply(r.ctx, tx, r.founder, "carried")
				return err
			})
			want(t, err, tc.want, "applying "+tc.kind)
		}
		admit := r.load(member.Admit, map[string]any{"application": app.ID})
		ch, err := admit.Check(r.ctx, r.db)
		if err != nil || ch.Title != "Admit Person bob (@bob) as a member" {
			t.Errorf("%+v, %v", ch, err)
		}
		r.ok(r.Decline(r.ctx, r.founder, app.ID, "no room"))
		_, err = admit.Check(r.ctx, r.db)
		want(t, err, fault.Conflict, "admitting who was declined")
	})
}

func TestTheCoopsOwnQuestions(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		want(t, r.SetQuestions(r.ctx, authz.Actor{Member: 99}, []string{"Why?"}, ""), fault.Forbidden, "asking without a mandate")
		want(t, r.SetQuestions(r.ctx, r.founder, []string{strings.Repeat("x", 301)}, ""), fault.Invalid, "a long question")
		want(t, r.SetQuestions(r.ctx, r.founder, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}, ""), fault.Invalid, "many questions")
		old := r.apply("ann")
		r.ok(r.SetQuestions(r.ctx, r.founder, []string{" Who  are you? ", "", "What can you do?", "Who are you?"}, "two are enough"))
		want(t, r.SetQuestions(r.ctx, r.founder, []string{"Who are you?", "What can you do?"}, ""), fault.Conflict, "the same questions")
		questions, err := r.Questions(r.ctx)
		r.ok(err)
		if len(questions) != 2 || questions[0].Text != "Who are you?" {
			t.Fatalf("asked %+v", questions)
		}
		j := joining("bob")
		j.Answers = map[id.ID]string{questions[0].ID: "Bob", questions[1].ID: " \n"}
		_, err = r.Apply(r.ctx, j)
		want(t, err, fault.Invalid, "leaving out an answer")
		if fault.FieldOf(err) != questions[1].Field() {
			t.Errorf("at field %q", fault.FieldOf(err))
		}
		j.Answers[questions[1].ID] = "I bake."
		a, err := r.Apply(r.ctx, j)
		r.ok(err)
		if text := a.Text(); text != "Who are you?\nBob\n\nWhat can you do?\nI bake." {
			t.Errorf("the letter says %q", text)
		}
		// A question that stays keeps its field, and old answers stay as they were asked for.
		r.ok(r.SetQuestions(r.ctx, r.founder, []string{"What can you do?", "Where do you live?"}, ""))
		fresh, err := r.Questions(r.ctx)
		r.ok(err)
		if fresh[0].ID != questions[1].ID || fresh[1].ID == questions[0].ID {
			t.Errorf("asked %+v, before %+v", fresh, questions)
		}
		list, err := r.Waiting(r.ctx, r.founder)
		r.ok(err)
		if d := cmp.Diff([]member.Answered{{Answer: old.Answer}}, list[0].Answers()); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff([]member.Answered{{Question: "Who are you?", Answer: "Bob"}, {Question: "What can you do?", Answer: "I bake."}}, list[1].Answers()); d != "" {
			t.Error(d)
		}
		// Whoever changes them is on the record; what is answered is not.
		for _, e := range r.events() {
			if strings.Contains(e.Body, "I bake") {
				t.Errorf("the record holds an answer: %s", e.Body)
			}
		}
	})
}

func (r *register) archive(by authz.Actor) map[string]string {
	r.t.Helper()
	var b bytes.Buffer
	r.ok(r.WriteArchive(r.ctx, by, &b))
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	r.ok(err)
	out := map[string]string{}
	for _, f := range z.File {
		content, err := f.Open()
		r.ok(err)
		text, err := io.ReadAll(content)
		r.ok(err)
		out[f.Name] = string(text)
	}
	return out
}

func TestTheArchiveHoldsWhatIsKept(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		app := r.apply("ann")
		m, err := r.Accept(r.ctx, r.founder, app.ID, "welcome")
		r.ok(err)
		other := r.apply("bob")
		cookie, _, err := r.identity.SignIn(r.ctx, "ann@mail.example", password, "Lynx", here)
		r.ok(err)
		by, err := r.identity.BySession(r.ctx, cookie)
		r.ok(err)
		_, err = r.Invite(r.ctx, by, 2, "for my aunt")
		r.ok(err)
		r.Archive = append(r.Archive, func(_ ctxType, _ db.Handle, x member.Member) (string, any, error) {
			return "posts.json", []string{x.Username}, nil
		}, func(ctxType, db.Handle, member.Member) (string, any, error) { return "face.png", []byte("png"), nil })
		// As an officer she answers somebody else: that is in her record, his reasons are not.
		r.ok(r.db.InDurableTx(r.ctx, func(tx *db.Tx) error {
			body, err := r.mandate.Root(r.ctx, tx)
			if err != nil {
				return err
			}
			_, err = r.mandate.GrantFounding(r.ctx, tx, m.ID, body)
			return err
		}))
		r.ok(r.Decline(r.ctx, by, other.ID, "a private matter of Bob"))
		files := r.archive(by)
		for name, parts := range map[string][]string{
			"profile.json":      {`"email": "ann@mail.example"`, `"standing": "current"`, `"kind": "joined"`, `"number": 2`},
			"applications.json": {"garden"}, "invitations.json": {"for my aunt"}, "sessions.json": {"Lynx", "192.0.2.7"},
			"record.json": {"act.member.admit", `"username": "ann"`, `declined`}, "posts.json": {`"ann"`}, "face.png": {"png"},
		} {
			for _, p := range parts {
				if !strings.Contains(files[name], p) {
					t.Errorf("%s lacks %q: %s", name, p, files[name])
				}
			}
		}
		if strings.Contains(files["record.json"], "private matter") {
			t.Errorf("somebody else's data: %s", files["record.json"])
		}
		err = r.WriteArchive(r.ctx, authz.Actor{}, io.Discard)
		want(t, err, fault.Forbidden, "a visitor's archive")
	})
}

// Invariant 12: what is personal goes, the chain and its replay stay whole, and nobody else is touched.
func TestErasureKeepsTheChainWhole(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		app := r.apply("ann")
		m, err := r.Accept(r.ctx, r.founder, app.ID, "welcome")
		r.ok(err)
		cookie, _, err := r.identity.SignIn(r.ctx, "ann@mail.example", password, "Lynx", here)
		r.ok(err)
		by, err := r.identity.BySession(r.ctx, cookie)
		r.ok(err)
		i, err := r.Invite(r.ctx, by, 2, "for my aunt")
		r.ok(err)
		bob, err := r.join("bob", i.Code)
		r.ok(err)
		r.ok(r.Suspend(r.ctx, r.founder, m.ID, time.Time{}, "because"))
		want(t, r.Erase(r.ctx, by, password, here), fault.Conflict, "erasing a member")
		r.ok(r.Resign(r.ctx, by, password, here))
		cookie, _, err = r.identity.SignIn(r.ctx, "ann@mail.example", password, "Lynx", here)
		r.ok(err)
		by, err = r.identity.BySession(r.ctx, cookie)
		r.ok(err)
		want(t, r.Erase(r.ctx, by, "wrong password", here), fault.Invalid, "erasing with a wrong password")
		r.heard = nil
		r.ok(r.Erase(r.ctx, by, password, here))
		if !slices.Equal(r.heard, []string{"erased Person ann"}) {
			t.Errorf("heard %q", r.heard)
		}
		if _, err := r.record.Verify(r.ctx); err != nil {
			t.Errorf("after the erasure: %v", err)
		}
		for _, table := range []string{"members", "logins", "applications", "invitations", "sessions", "record_private", "record_events", "acts"} {
			if text := r.dump(table); strings.Contains(text, "Person ann") || strings.Contains(text, "ann@mail") || strings.Contains(text, "aunt") || strings.Contains(text, "Lynx") {
				t.Errorf("%s still holds %s", table, text)
			}
		}
		if text := r.dump("record_private"); !strings.Contains(text, `"bob"`) {
			t.Errorf("Bob's data is gone with hers: %s", text)
		}
		gone := r.get(m.ID)
		if gone.Name != "" || gone.Number != m.Number || gone.Username != "ann" || gone.ErasedAt.IsZero() || bob.InvitedBy != m.ID {
			t.Errorf("what is left: %+v", gone)
		}
		if a, err := r.identity.BySession(r.ctx, cookie); err != nil || a.Login != 0 {
			t.Errorf("the session goes on: %+v, %v", a, err)
		}
		_, _, err = r.identity.SignIn(r.ctx, "ann@mail.example", password, "", here)
		want(t, err, fault.Invalid, "signing in")
		want(t, r.Reinstate(r.ctx, r.founder, m.ID, "back"), fault.Conflict, "reinstating")
		// The username is kept from everybody, the address is free again.
		j := joining("ann")
		r.CheckUsername = nil
		_, err = r.Apply(r.ctx, j)
		want(t, err, fault.Invalid, "taking the username")
		j.Username = "anew"
		if _, err := r.Apply(r.ctx, j); err != nil {
			t.Errorf("applying anew: %v", err)
		}
		list, err := r.Export(r.ctx, time.Time{}, true)
		r.ok(err)
		if d := cmp.Diff(member.Listed{Number: 2, Since: m.Since, Until: gone.Until, Ended: member.Resigned}, list[1]); d != "" {
			t.Error(d)
		}
	})
}

// dump is the text of all rows of a table.
func (r *register) dump(table string) string {
	r.t.Helper()
	rows, err := r.db.Writer().QueryContext(r.ctx, "SELECT * FROM "+table)
	r.ok(err)
	defer func() { _ = rows.Close() }()
	cols, err := rows.Columns()
	r.ok(err)
	var b strings.Builder
	for rows.Next() {
		cells, dest := make([]any, len(cols)), make([]any, len(cols))
		for i := range cells {
			dest[i] = &cells[i]
		}
		r.ok(rows.Scan(dest...))
		for _, c := range cells {
			if s, ok := c.(string); ok {
				b.WriteString(s + "\n")
			}
		}
	}
	r.ok(rows.Err())
	return b.String()
}
