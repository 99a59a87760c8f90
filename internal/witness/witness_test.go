package witness_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/record"
	"rochdale/internal/witness"
)

// A vote from the agreement to the recount, on both sides.
func TestAVoteIsWitnessed(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		if host, ok, err := p.a.Ours(p.a.ctx, p.a.db); err != nil || !ok || host != p.w.host {
			p.t.Fatalf("our witness is %q %v %v", host, ok, err)
		}
		p.arrange()
		if _, err := ballotbox.ParseQuestion(p.question(nil)); err != nil {
			p.t.Fatal(err)
		}
		if len(p.w.sent()) != 6 || len(p.a.sent()) != 0 {
			p.t.Fatalf("%d and %d letters", len(p.w.sent()), len(p.a.sent()))
		}
		for i, v := range p.call.Roll {
			l := p.w.sent()[i]
			for _, s := range []string{v.Name, p.call.Title, p.call.URL, p.a.host, p.w.host, p.w.server.URL + "/witness/votes/"} {
				if !strings.Contains(l.text, s) {
					p.t.Errorf("the letter does not say %q: %s", s, l.text)
				}
			}
			if p.code(i) == "" || i > 0 && p.code(i) == p.code(i-1) {
				p.t.Errorf("no code of their own: %s", l.text)
			}
		}
		// The same again, without the witness; then with another close, and a name that was mended.
		before := p.w.asked.Load()
		if again, err := p.a.Arrange(p.a.ctx, p.call); err != nil || again.Remote != p.got.Remote || p.w.asked.Load() != before {
			p.t.Errorf("the second arrangement is %+v, %v", again, err)
		}
		p.call.Closes = p.call.Closes.Add(time.Hour)
		p.call.Roll[0].Name = "Mended Name"
		key := p.got.Key.String()
		p.arrange()
		if p.got.Key.String() != key || len(p.w.sent()) != 6 || !p.got.Closes.Equal(p.call.Closes) {
			p.t.Errorf("another arrangement: %+v, %d letters", p.got, len(p.w.sent()))
		}
		kept, ok, err := p.a.Arranged(p.a.ctx, p.a.db, treasurer)
		if err != nil || !ok || kept.Host != p.w.host || kept.Key.String() != key || kept.RollHash != p.got.RollHash || kept.Remote != p.got.Remote {
			p.t.Errorf("it is kept as %+v %v %v", kept, ok, err)
		}
		if _, ok, err := p.a.Arranged(p.a.ctx, p.a.db, ref.Ref{Kind: "decision", ID: 123}); ok || err != nil {
			p.t.Errorf("something else is arranged: %v", err)
		}
		// Before the question is there nothing is signed.
		_, err = p.a.Sign(p.a.ctx, treasurer, 1000, p.code(0), make([]byte, 384))
		p.a.refused(err, fault.Conflict, "The witness "+p.w.host+" says: This vote has not been opened here yet")
		p.a.must(p.a.Open(p.a.ctx, treasurer, p.question(nil)))
		p.a.must(p.a.Open(p.a.ctx, treasurer, p.text)) // again
		p.w.whole()

		later := p.got.Closes.Add(24 * time.Hour)
		p.a.must(p.a.Prolong(p.a.ctx, treasurer, later))
		p.a.must(p.a.Prolong(p.a.ctx, treasurer, later))
		p.a.refused(p.a.Prolong(p.a.ctx, treasurer, p.got.Closes), fault.Conflict, "later time only")
		p.a.refused(p.a.Prolong(p.a.ctx, treasurer, later.Add(1000*24*time.Hour)), fault.Invalid, "days ahead")
		p.a.must(p.a.Open(p.a.ctx, treasurer, p.text))

		p.clock.Set(p.got.Closes.Add(time.Hour)) // in the time that was added
		ballots := []ballotbox.Ballot{p.ballot(3, 1, 2), p.ballot(0, 2, 1), p.ballot(5, 1, 2)}
		if v := p.vote(); v.Papers != 3 {
			p.t.Errorf("%d papers", v.Papers)
		}
		p.w.whole() // the record does not change with a paper
		taken := 0
		for _, l := range p.w.sent() {
			if strings.HasPrefix(l.subject, "Your witness paper was taken") {
				taken++
			}
		}
		if taken != 3 {
			p.t.Errorf("%d were told that their paper was taken", taken)
		}

		p.clock.Set(later)
		_, err = p.a.Sign(p.a.ctx, treasurer, 1001, p.code(1), make([]byte, 384))
		p.a.refused(err, fault.Conflict, "This vote is closed")
		p.publish(3, nil, ballots...)
		p.a.must(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/file"))
		p.a.must(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/file"))
		p.a.must(p.a.Close(p.a.ctx, treasurer, ""))
		p.a.refused(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/other"), fault.Conflict, "other published ballots")
		p.a.refused(p.a.Close(p.a.ctx, treasurer, "http://elsewhere.example/file"), fault.Invalid, "a file of the co-op")
		p.w.drain()
		v := p.vote()
		if f, ok := v.Found(); !ok || f.Ballots != 3 || f.Wrong != 0 {
			p.t.Errorf("found %+v %v", f, ok)
		}
		p.w.whole()
		p.a.whole()
		_, err = p.a.Sign(p.a.ctx, treasurer, 1001, "0000-0000-0000", make([]byte, 384))
		p.a.refused(err, fault.Conflict, "This vote is closed")
		p.a.refused(p.a.Prolong(p.a.ctx, treasurer, later.Add(time.Hour)), fault.Conflict, "closed")
		for kind, want := range map[string]int{"witness.serving": 1, "act.witness.serve": 1, "witness.opened": 1, "witness.closed": 1} {
			if events, err := p.w.record.List(p.w.ctx, 0, kind, 10); err != nil || len(events) != want {
				p.t.Errorf("%d of %s, %v", len(events), kind, err)
			} else if strings.Contains(events[0].Body, "Voter Number") || strings.Contains(events[0].Body, "mail.example") || strings.Contains(events[0].Body, "Treasurer") {
				p.t.Errorf("the record names somebody: %s", events[0].Body)
			}
		}
	})
}

// Only decisions agree, both ways can be undone, and what was taken on before goes on.
func TestAgreementsAreDecisions(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		p.open()
		for _, bad := range []struct {
			kind, host, key string
			want            fault.Kind
		}{
			{witness.Serve, "", p.a.key(), fault.Invalid}, {witness.Serve, "a b.example", p.a.key(), fault.Invalid}, {witness.Serve, p.w.host, p.a.key(), fault.Invalid},
			{witness.Serve, "x.example/path", p.a.key(), fault.Invalid}, {witness.Serve, "me@x.example", p.a.key(), fault.Invalid},
			{witness.Serve, "x.example", "", fault.Invalid}, {witness.Serve, "x.example", p.a.key() + "AA", fault.Invalid}, {witness.Serve, "x.example", strings.Repeat("*", 43), fault.Invalid},
			{witness.Serve, p.a.host, p.a.key(), fault.Conflict}, {witness.Cease, p.a.host, p.w.key(), fault.Conflict}, {witness.Cease, "x.example", p.a.key(), fault.Conflict},
			{witness.Dismiss, p.a.host, "", fault.Conflict},
		} {
			args := map[string]string{"host": bad.host}
			if bad.kind == witness.Serve || bad.kind == witness.Cease {
				args["key"] = bad.key
			}
			if _, err := p.w.decide(bad.kind, args); !fault.Is(err, bad.want) {
				p.t.Errorf("%+v: %v", bad, err)
			}
		}
		_, err := p.a.decide(witness.Engage, map[string]string{"host": "x.example"})
		p.a.refused(err, fault.Conflict, "there is one witness at a time")
		for _, by := range []authz.Actor{{}, {Member: 1, Account: 1, Via: authz.Web}, {Via: authz.Operator}, {Via: authz.Job, Decision: 8}} {
			e, err := p.w.effects.Load(effect.Stored{Kind: witness.Serve, Args: []byte(`{"host":"x.example","key":"` + p.a.key() + `"}`)})
			p.w.must(err)
			err = p.w.db.InDurableTx(p.w.ctx, func(tx *db.Tx) error {
				_, err := e.Apply(p.w.ctx, tx, by, "")
				return err
			})
			if !fault.Is(err, fault.Forbidden) {
				p.t.Errorf("%+v: %v", by, err)
			}
		}
		back, err := p.w.decide(witness.Cease, map[string]string{"host": "https://" + strings.ToUpper(p.a.host) + "/", "key": p.a.key()})
		p.w.must(err)
		if back.Kind != witness.Serve || !strings.Contains(string(back.Args), p.a.key()) {
			p.t.Errorf("it is undone by %+v", back)
		}
		p.w.whole()
		p.ballot(2, 1, 2) // the vote under way goes on
		other := p.call
		other.Subject = ref.Ref{Kind: "decision", ID: 9}
		_, err = p.a.Arrange(p.a.ctx, other)
		p.a.refused(err, fault.Forbidden, "says: We do not witness this for "+p.a.host)
		e, err := p.w.effects.Load(back)
		p.w.must(err)
		p.w.tx(func(tx *db.Tx) error {
			_, err := e.Apply(p.w.ctx, tx, authz.Actor{Via: authz.Job, Decision: 7}, "")
			return err
		})
		_, err = p.a.Arrange(p.a.ctx, other)
		p.a.must(err)
		if _, err = p.a.decide(witness.Dismiss, map[string]string{"host": p.w.host}); err != nil {
			p.t.Fatal(err)
		}
		other.Subject.ID = 10
		_, err = p.a.Arrange(p.a.ctx, other)
		p.a.refused(err, fault.NotFound, "No co-op witnesses our votes")
		p.ballot(1, 1, 2)
		p.a.refused(p.a.Open(p.a.ctx, other.Subject, nil), fault.NotFound, "has no witness")
		p.a.whole()
		p.w.whole()
		for _, x := range []*house{p.a, p.w} {
			states, err := x.States(x.ctx, x.db)
			x.must(err)
			for r := range states {
				if target, err := x.Target(x.ctx, x.db, r.ID); err != nil || target.Title == "" || !strings.HasPrefix(target.URL, "/witness") {
					x.t.Errorf("%s is %+v, %v", r, target, err)
				}
			}
			if _, err := x.Target(x.ctx, x.db, 404); !fault.Is(err, fault.NotFound) {
				x.t.Errorf("nothing is %v", err)
			}
		}
	})
}

// A roll is for people with an address each; another roll is another vote.
func TestCallsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := two(t)
	p.arrange()
	for name, change := range map[string]func(c *witness.Call){
		"too few":          func(c *witness.Call) { c.Roll = roll(4) },
		"too many":         func(c *witness.Call) { c.Roll = roll(10_001) },
		"twice":            func(c *witness.Call) { c.Roll[1].ID = c.Roll[0].ID },
		"no id":            func(c *witness.Call) { c.Roll[1].ID = 0 },
		"no name":          func(c *witness.Call) { c.Roll[1].Name = " " },
		"two lines":        func(c *witness.Call) { c.Roll[1].Name = "A\nBcc: x@y.example" },
		"turned":           func(c *witness.Call) { c.Roll[1].Name = "A\u202eB" },
		"long name":        func(c *witness.Call) { c.Roll[1].Name = strings.Repeat("x", 500) },
		"no mail":          func(c *witness.Call) { c.Roll[1].Mail = "" },
		"a name in a mail": func(c *witness.Call) { c.Roll[1].Mail = "A <a@mail.example>" },
		"long mail":        func(c *witness.Call) { c.Roll[1].Mail = strings.Repeat("x", 300) + "@mail.example" },
		"one mail for two": func(c *witness.Call) { c.Roll[1].Mail = strings.ToUpper(c.Roll[0].Mail) },
		"no title":         func(c *witness.Call) { c.Title = "" },
		"elsewhere":        func(c *witness.Call) { c.URL = "http://elsewhere.example/" },
		"not a page":       func(c *witness.Call) { c.URL = p.a.server.URL },
		"a script":         func(c *witness.Call) { c.URL = "javascript:alert(1)" },
		"over":             func(c *witness.Call) { c.Closes = p.clock.Now() },
		"far":              func(c *witness.Call) { c.Closes = p.clock.Now().Add(500 * 24 * time.Hour) },
		"no subject":       func(c *witness.Call) { c.Subject = ref.Ref{} },
	} {
		c := p.call
		c.Subject, c.Roll = ref.Ref{Kind: "election", ID: 5}, roll(6)
		change(&c)
		if _, err := p.a.Arrange(p.a.ctx, c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "mail.example") {
			t.Errorf("%s: the refusal tells an address: %v", name, err)
		}
	}
	other := p.call
	other.Roll = roll(7)
	_, err := p.a.Arrange(p.a.ctx, other)
	p.a.refused(err, fault.Conflict, "another roll")
	if _, err := p.w.db.Writer().ExecContext(p.w.ctx, `INSERT INTO witness_votes (id, agreement_id, host, vote, title, url, private_key, public_key, roll, first_closes, closes_at, taken_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 19)
		SELECT id + i, agreement_id, host, 'decision:' || i, title, url, '', public_key, roll, first_closes, closes_at, taken_at FROM witness_votes, n`); err != nil { // keys are dear
		t.Fatal(err)
	}
	other = p.call
	other.Subject = ref.Ref{Kind: "decision", ID: 99}
	_, err = p.a.Arrange(p.a.ctx, other)
	p.a.refused(err, fault.Conflict, "We witness 20 votes of this co-op already")
}

// Papers are signed for the one question that is of this vote, this roll and this witness.
func TestQuestionsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := two(t)
	p.arrange()
	key, err := ballotbox.GenerateKey()
	p.a.must(err)
	public, err := key.PublicKey()
	p.a.must(err)
	for name, change := range map[string]func(q *ballotbox.Question){
		"another co-op":    func(q *ballotbox.Question) { q.Coop = "x.example" },
		"another vote":     func(q *ballotbox.Question) { q.Vote = "election:124" },
		"a larger roll":    func(q *ballotbox.Question) { q.Roll++ },
		"another roll":     func(q *ballotbox.Question) { q.RollHash[0]++ },
		"another close":    func(q *ballotbox.Question) { q.Closes = q.Closes.Add(time.Second) },
		"no witness":       func(q *ballotbox.Question) { q.Witness = nil },
		"another witness":  func(q *ballotbox.Question) { q.Witness.Host = "x.example" },
		"another key":      func(q *ballotbox.Question) { q.Witness.Key = public },
		"the same key":     func(q *ballotbox.Question) { q.Key = q.Witness.Key },
		"no title":         func(q *ballotbox.Question) { q.Title = "" },
		"some other rules": func(q *ballotbox.Question) { q.Rule = "dice/v1" },
	} {
		if err := p.a.Open(p.a.ctx, treasurer, p.question(change)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "{}", "null", "[]", string(p.question(nil)) + " ", strings.Replace(string(p.question(nil)), `"format"`, `"Format"`, 1)} {
		if err := p.a.Open(p.a.ctx, treasurer, []byte(text)); err == nil {
			t.Errorf("%.100q is a question", text)
		}
	}
	p.a.must(p.a.Open(p.a.ctx, treasurer, p.question(nil)))
	p.a.refused(p.a.Open(p.a.ctx, treasurer, p.question(func(q *ballotbox.Question) { q.Body = "Changed." })), fault.Conflict, "another question")
	p.w.whole()
}

// A code is for one voter and one paper; whoever guesses is locked out for an hour.
func TestCodes(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		p.open()
		code, err := ballotbox.NewCode(rand.Reader)
		p.a.must(err)
		request, err := code.Blind(p.q)
		p.a.must(err)
		sign := func(i int, code string, blinded []byte) ([]byte, error) {
			return p.a.Sign(p.a.ctx, treasurer, id.ID(1000+i), code, blinded)
		}
		_, err = sign(9, p.code(0), request.Witness)
		p.a.refused(err, fault.Forbidden, "not on the roll")
		before := p.w.asked.Load()
		for _, bad := range []string{"", "x", "0000-0000-000", "0000-0000-00000", "UUUU-UUUU-UUUU", strings.Repeat("0", 300)} {
			_, err = sign(0, bad, request.Witness)
			p.a.refused(err, fault.Invalid, "12 letters and digits")
		}
		if p.w.asked.Load() != before {
			p.t.Error("the witness was asked for what is no code")
		}
		_, err = sign(0, p.code(1), request.Witness)
		p.a.refused(err, fault.Forbidden, "says: This is not the witness code of this voter")
		for _, bad := range [][]byte{nil, make([]byte, 384), make([]byte, 383), []byte(strings.Repeat("\xff", 384))} {
			_, err = sign(0, p.code(0), bad)
			p.a.refused(err, fault.Invalid, "not a blinded ballot paper")
		}
		spoken := strings.ToLower(strings.ReplaceAll(p.code(0), "-", " "))
		spoken = strings.NewReplacer("0", "o", "1", "l").Replace(spoken)
		first, err := sign(0, spoken, request.Witness)
		p.a.must(err)
		second, err := sign(0, p.code(0), request.Witness)
		if err != nil || string(second) != string(first) {
			p.t.Errorf("another signature, %v", err)
		}
		another, err := ballotbox.NewCode(rand.Reader)
		p.a.must(err)
		spare, err := another.Blind(p.q)
		p.a.must(err)
		_, err = sign(0, p.code(0), spare.Witness)
		p.a.refused(err, fault.Conflict, "signs no other")
		if v := p.vote(); v.Papers != 1 {
			p.t.Errorf("%d papers", v.Papers)
		}

		for i := range 10 {
			_, err = sign(2, "0000-0000-0000", request.Witness)
			if want := fault.Forbidden; i < 9 {
				p.a.refused(err, want, "not the witness code")
			}
		}
		p.a.refused(err, fault.Conflict, "Too many wrong witness codes")
		_, err = sign(2, p.code(2), spare.Witness)
		p.a.refused(err, fault.Conflict, "Too many wrong witness codes")
		_, err = sign(3, p.code(3), spare.Witness) // nobody else is locked out
		p.a.must(err)
		p.clock.Advance(time.Hour)
		_, err = sign(2, p.code(2), spare.Witness)
		p.a.must(err)
		p.w.whole()
	})
}

// After the close no row of the witness holds an address, a code, its hash, what was signed or the key.
func TestSecretsAreErased(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		p.open()
		p.ballot(0, 1, 2)
		_, err := p.a.Sign(p.a.ctx, treasurer, 1001, "0000-0000-0000", make([]byte, 384))
		p.a.refused(err, fault.Forbidden, "")
		secrets := map[string]string{"an address": "mail.example", "a private key": p.vote().Private}
		register := p.w.rows("witness_register")
		for i := range p.call.Roll {
			secrets[fmt.Sprintf("code %d", i)] = p.code(i)
			secrets[fmt.Sprintf("bare code %d", i)] = strings.ReplaceAll(p.code(i), "-", "")
		}
		long := regexp.MustCompile(`[0-9A-Za-z_-]{60,}`).FindAllString(register, -1)
		if len(long) != 6+2 { // hashes of codes, and what was blinded and signed
			p.t.Errorf("%d long texts: %s", len(long), register)
		}
		for i, s := range long {
			secrets[fmt.Sprintf("text %d", i)] = s
		}
		all := p.w.dump()
		for name, s := range secrets {
			if strings.Contains(name, "code") == strings.Contains(all, s) { // codes stand in no row, ever
				p.t.Errorf("%s, while the vote is open: %v", name, strings.Contains(all, s))
			}
		}
		bad := p.call
		bad.Subject, bad.Roll = ref.Ref{Kind: "election", ID: 5}, roll(6)
		bad.Roll[1].Mail = bad.Roll[0].Mail
		_, err = p.a.Arrange(p.a.ctx, bad)
		p.a.refused(err, fault.Invalid, "")
		// What fails inside is logged, once, and leaves no tick.
		send := p.w.Mail
		p.w.Mail = func(context.Context, *db.Tx, string, string, string) error { return errors.New("boom") }
		code, err := ballotbox.NewCode(rand.Reader)
		p.a.must(err)
		request, err := code.Blind(p.q)
		p.a.must(err)
		_, err = p.a.Sign(p.a.ctx, treasurer, 1003, p.code(3), request.Witness)
		p.a.refused(err, fault.Conflict, "cannot be reached now")
		if v := p.vote(); v.Papers != 1 {
			p.t.Errorf("%d papers", v.Papers)
		}
		p.w.Mail = send
		p.a.must(p.a.Close(p.a.ctx, treasurer, ""))
		for _, x := range []*house{p.a, p.w} {
			for name, s := range secrets {
				if strings.Contains(x.logged(), s) {
					p.t.Errorf("%s is in the log: %s", name, x.logged())
				}
			}
		}
		if strings.Count(p.w.logged(), "boom") != 1 || !strings.Contains(p.w.logged(), "/papers") {
			p.t.Errorf("the log says %s", p.w.logged())
		}
		all = p.w.dump()
		for name, s := range secrets {
			if strings.Contains(all, s) {
				p.t.Errorf("%s is still there", name)
			}
		}
		if !strings.Contains(all, "Voter Number0") || !strings.Contains(all, p.got.Key.String()) {
			p.t.Error("the dump does not read what is there")
		}
		if v := p.vote(); v.Papers != 1 || v.ClosedAt.IsZero() {
			p.t.Errorf("%+v", v)
		}
		p.w.whole()
		_, err = p.a.Arrange(p.a.ctx, func() witness.Call { c := p.call; c.Title = "Again"; return c }())
		p.a.refused(err, fault.Conflict, "This vote is closed")
	})
}

// What somebody changes in the witness's tables does not fit its record.
func TestMeddlingShows(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]string{
		"a tick":      `UPDATE witness_register SET taken = TRUE WHERE voter_id = 1003`,
		"no tick":     `UPDATE witness_register SET taken = FALSE`,
		"a voter":     `UPDATE witness_register SET voter_id = 77 WHERE voter_id = 1003`,
		"the number":  `UPDATE witness_votes SET papers = papers + 1`,
		"the key":     `UPDATE witness_votes SET public_key = 'x'`,
		"a secret":    `UPDATE witness_register SET mail = 'x' WHERE voter_id = 1003`,
		"private key": `UPDATE witness_votes SET private_key = 'x'`,
		"agreement":   `UPDATE witness_served SET key = 'x'`,
		"no vote":     `UPDATE witness_votes SET opened_at = 0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := two(t)
			p.open()
			p.ballot(1, 1, 2)
			p.a.must(p.a.Close(p.a.ctx, treasurer, ""))
			p.w.whole()
			if _, err := p.w.db.Writer().ExecContext(p.w.ctx, change); err != nil {
				t.Fatal(err)
			}
			var broken *record.Broken
			if _, err := p.w.record.Verify(p.w.ctx); !errors.As(err, &broken) {
				t.Errorf("nobody notices: %v", err)
			}
		})
	}
}

// Votes that nobody closes close themselves a day later; letters go out by the hundred.
func TestSweepAndLongRolls(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		p.call.Roll = roll(250)
		p.open()
		if len(p.w.sent()) != 250 {
			p.t.Fatalf("%d letters", len(p.w.sent()))
		}
		p.ballot(249, 1, 2)
		p.clock.Set(p.got.Closes.Add(24*time.Hour - time.Second))
		p.w.must(p.w.Sweep(p.w.ctx))
		if v := p.vote(); !v.ClosedAt.IsZero() {
			p.t.Error("it closed too early")
		}
		p.clock.Advance(time.Second)
		p.w.must(p.w.Sweep(p.w.ctx))
		p.w.must(p.w.Sweep(p.w.ctx))
		if v := p.vote(); v.ClosedAt.IsZero() || v.Private != "" || v.Papers != 1 {
			p.t.Errorf("%+v", v)
		}
		p.w.whole()
		// The co-op is late, and its ballots are counted all the same.
		p.a.must(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/file"))
		if _, err := p.w.queue.Drain(p.w.ctx); err == nil {
			p.t.Error("what is not there was counted")
		}
		p.publish(1, nil)
		p.w.drain()
		v := p.vote()
		if f, ok := v.Found(); !ok || f.Wrong != 0 || f.Ballots != 0 {
			p.t.Errorf("%+v", f)
		}
		p.w.whole()
	})
}

// Ballots that are sealed to scrutineers are looked at as they are, and again once they are opened.
func TestSealedBallotsAreCountedLater(t *testing.T) {
	t.Parallel()
	p := two(t)
	p.arrange()
	var keys []ballotbox.Base64
	var reveals []ballotbox.Reveal
	for i := range 3 {
		code, err := ballotbox.NewCode(rand.Reader)
		p.a.must(err)
		private, public, err := ballotbox.ScrutineerKey(code, treasurer.String())
		p.a.must(err)
		keys, reveals = append(keys, public), append(reveals, ballotbox.Reveal{Place: i + 1, Key: private})
	}
	p.a.must(p.a.Open(p.a.ctx, treasurer, p.question(func(q *ballotbox.Question) { q.Scrutineers = &ballotbox.Scrutineers{Needed: 2, Keys: keys} })))
	ballots := []ballotbox.Ballot{p.ballot(0, 1, 2), p.ballot(2, 2, 1), p.ballot(4, 1, 2)}
	p.publish(3, nil, ballots...)
	p.a.must(p.a.Close(p.a.ctx, treasurer, p.a.server.URL+"/file"))
	for _, revealed := range []int{0, 1} {
		p.publish(3, reveals[:revealed], ballots...)
		if _, err := p.w.queue.Drain(p.w.ctx); err == nil {
			t.Fatal("nobody looks again")
		}
		v := p.vote()
		if f, ok := v.Found(); !ok || !f.Sealed || f.Wrong != 0 || f.Ballots != 3 {
			t.Errorf("after %d reveals %+v", revealed, f)
		}
	}
	p.publish(3, reveals[:2], ballots...)
	p.w.drain()
	v := p.vote()
	if f, ok := v.Found(); !ok || f.Sealed || f.Wrong != 0 || f.Ballots != 3 {
		t.Errorf("found %+v", f)
	}
	p.w.whole()
}

// What is closed before its letters go out sends none, and the record hears only of what was opened.
func TestVotesThatAreCalledOff(t *testing.T) {
	t.Parallel()
	p := two(t)
	got, err := p.a.Arrange(p.a.ctx, p.call)
	p.a.must(err)
	p.got = got
	p.a.must(p.a.Close(p.a.ctx, treasurer, ""))
	p.w.drain()
	if len(p.w.sent()) != 0 || strings.Contains(p.w.dump(), "mail.example") || !p.vote().OpenedAt.IsZero() {
		t.Errorf("%d letters", len(p.w.sent()))
	}
	p.a.refused(p.a.Open(p.a.ctx, treasurer, p.question(nil)), fault.Conflict, "This vote is closed")
	if events, err := p.w.record.List(p.w.ctx, 0, "witness.closed", 10); err != nil || len(events) != 0 {
		t.Errorf("%d entries, %v", len(events), err)
	}
	p.w.whole()
}
