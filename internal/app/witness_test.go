package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rochdale/internal/election"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/member"
	"rochdale/internal/rulebook"
	"rochdale/internal/witness"
)

// Two co-ops, each run by the real program: the members of one decide to have their votes witnessed, those of the
// other to witness them. A paper then needs both, and each of the two can be asked how many there are.
func TestTwoCoopsSignTheBallotPapers(t *testing.T) {
	t.Parallel()
	for _, engine := range []struct {
		name     string
		database func(testing.TB) string
	}{{"sqlite", func(testing.TB) string { return "" }}, {"postgres", testkit.PostgresDatabase}} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel() // each has programs, a folder and a database of its own, and waits most of the time
			now := clock.NewFake(time.Now().Add(time.Minute))
			p := &polling{instance: newInstance(t, engine.database(t)), clock: now}
			w := &polling{instance: newInstance(t, engine.database(t)), clock: now}
			w.peopled("Walburga Witness")
			p.peopled("Bjarne Holmqvist", "Celestine Abara", "Quilla Featherby", "Rowan Thistlewood", "Solvej Underhill", "Tadeusz Vantongeren")
			now.Advance(60 * 24 * time.Hour)

			var key ballotbox.Base64
			p.at(func(ctx context.Context, a *App) {
				var err error
				key, err = a.Witness.Key(ctx)
				p.must(err)
			})
			w.at(func(ctx context.Context, a *App) {
				w.decides(ctx, a, witness.Serve, map[string]any{"host": p.config.Host, "key": key})
			})
			p.at(func(ctx context.Context, a *App) {
				p.decides(ctx, a, witness.Engage, map[string]any{"host": w.config.Host})
				rule, err := a.Rulebook.ForElection(ctx, a.DB, true)
				p.must(err)
				r, e := rule.Rule, rule.Rule.ElectionIn()
				e.Witness = true
				r.Election = &e
				p.decides(ctx, a, rulebook.Adopt, map[string]any{"rule": r})
				root, err := a.Mandate.Root(ctx, a.DB)
				p.must(err)
				p.decides(ctx, a, election.Hold, map[string]any{"body": root.ID, "office": "Treasurer", "seats": 1, "powers": []string{member.Admit}, "days": 365})
				p.election, err = a.Election.ByNumber(ctx, 1)
				p.must(err)
				for _, x := range p.everyone[:2] {
					_, err := a.Election.Nominate(ctx, x.actor(), p.election.ID, x.ID, election.Candidacy{})
					p.must(err)
				}
				now.Set(p.election.FinalAt)
				p.must(a.Election.Advance(ctx))

				// The witness is away when voting should open: it opens later, and not without it.
				now.Set(p.election.OpensAt)
				p.must(a.Election.Advance(ctx))
				p.is(ctx, a, election.Final)
			})

			witnessing := w.serveAt(p.election.OpensAt.Add(time.Minute))
			serving := p.serveAt(p.election.OpensAt.Add(time.Minute))
			waitFor(t, "the opening", func() bool {
				var e struct {
					State  string
					Ballot struct{ ID, Question string }
				}
				if !p.get("/elections/1", &e) || e.State != string(election.Open) {
					return false
				}
				p.vote = "/ballots/" + e.Ballot.ID
				var err error
				p.question, err = ballotbox.ParseQuestion([]byte(e.Ballot.Question))
				p.must(err)
				return true
			})
			if p.question.Witness == nil || p.question.Witness.Host != w.config.Host {
				t.Fatalf("the question has the witness %+v", p.question.Witness)
			}
			codes := w.letters(len(p.everyone))
			for i, x := range p.everyone[2:6] {
				p.witnessed(x, codes[x.mail()], fmt.Sprintf(`{"rank":[%d,%d]}`, 1+i%2, 2-i%2))
			}
			// Another voter's code, no code, and a second paper for one voter are refused.
			late := p.everyone[6]
			if said := p.asks(late, codes[p.everyone[2].mail()]); !strings.Contains(said, "not the witness code of this voter") {
				t.Errorf("another's code: %s", said)
			}
			if said := p.asks(late, ""); !strings.Contains(said, "Type the code that you have from the witness") {
				t.Errorf("no code: %s", said)
			}
			var mine witness.Arrangement
			p.at(func(ctx context.Context, a *App) {
				var err error
				mine, _, err = a.Witness.Arranged(ctx, a.DB, p.election.Ref())
				p.must(err)
			})
			theirs := "/witness/votes/" + mine.Remote.String()
			if page := p.raw(http.MethodGet, "/elections/1", "", ""); !strings.Contains(page, w.config.URL+theirs) {
				t.Errorf("the page of the election does not name the witness: %.3000s", page)
			}
			var seen struct{ Papers, Roll int }
			w.must(json.Unmarshal([]byte(w.raw(http.MethodGet, theirs, "", "")), &seen))
			if seen.Papers != 4 || seen.Roll != len(p.everyone) {
				t.Errorf("the witness has signed %d papers for a roll of %d", seen.Papers, seen.Roll)
			}
			serving.stop()
			witnessing.stop()
			witnessing = w.serveAt(p.election.ClosesAt.Add(20 * time.Minute))
			serving = p.serveAt(p.election.ClosesAt.Add(20 * time.Minute))
			waitFor(t, "the count", func() bool {
				var e struct{ State string }
				return p.get("/elections/1", &e) && e.State == string(election.Counted)
			})
			if said := p.program("verify", "--election", "1"); !strings.Contains(said, "All 4 ballots are sound, on 4 papers of a roll of 7") || !strings.Contains(said, "signed by the witness too: "+w.config.Host) {
				t.Errorf("verify says %s", said)
			}
			waitFor(t, "the witness's recount", func() bool {
				resp, err := http.Get(w.config.URL + theirs)
				w.must(err)
				defer func() { _ = resp.Body.Close() }()
				b, err := io.ReadAll(resp.Body)
				w.must(err)
				return strings.Contains(string(b), "We have recounted")
			})
			serving.stop()
			witnessing.stop()
			w.program("verify")
			p.program("verify")
			w.at(func(ctx context.Context, a *App) {
				for table, column := range map[string]string{"witness_votes": "private_key", "witness_register": "mail || code_hash || blinded || signed"} {
					var left int
					w.must(a.DB.Reader().QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table+` WHERE `+column+` <> ''`).Scan(&left))
					if left > 0 {
						t.Errorf("%d rows of %s keep a secret", left, table)
					}
				}
			})
		})
	}
}

// peopled takes members in.
func (p *polling) peopled(names ...string) {
	p.t.Helper()
	p.at(func(ctx context.Context, a *App) {
		ann, err := a.Member.List(ctx, 0, 1)
		p.must(err)
		p.everyone = []*voter{{Member: ann[0]}}
		for _, name := range names {
			given, _, _ := strings.Cut(strings.ToLower(name), " ")
			p.must(a.DB.InDurableTx(ctx, func(tx *db.Tx) error {
				m, err := a.Member.TakeIn(ctx, tx, p.everyone[0].actor(), member.Joining{Name: name, Username: given + "_x", Email: given + "@mail.example"}, "none", "welcome")
				p.everyone = append(p.everyone, &voter{Member: m})
				return err
			}))
		}
		for _, x := range p.everyone {
			p.must(a.DB.InTx(ctx, func(tx *db.Tx) error {
				t, err := a.Identity.MakeToken(ctx, tx, x.LoginID, "coop")
				x.token = t.Plain
				return err
			}))
		}
	})
}

func (p *polling) is(ctx context.Context, a *App, state election.State) {
	p.t.Helper()
	e, err := a.Election.ByNumber(ctx, 1)
	p.must(err)
	if e.State != state {
		p.t.Fatalf("the election is %s (%s), want %s", e.State, e.Cause, state)
	}
}

var aCode = regexp.MustCompile(`(?m)^\s+([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})\s*$`)

// letters reads the codes that the witness has mailed, by address.
func (p *polling) letters(want int) map[string]string {
	p.t.Helper()
	codes := map[string]string{}
	waitFor(p.t, "the letters", func() bool {
		files, err := filepath.Glob(filepath.Join(p.config.Data, "mail", "*"))
		p.must(err)
		for _, f := range files {
			text, err := os.ReadFile(f)
			p.must(err)
			to := regexp.MustCompile(`(?m)^To: <?([^>\r\n]+)>?`).FindSubmatch(text)
			if code := aCode.FindSubmatch(text); code != nil && to != nil {
				codes[string(to[1])] = string(code[1])
			}
		}
		return len(codes) >= want
	})
	return codes
}

// witnessed takes a paper that both sign, and casts a ballot on it.
func (p *polling) witnessed(x *voter, code, choice string) {
	p.t.Helper()
	var err error
	x.code, err = ballotbox.NewCode(rand.Reader)
	p.must(err)
	request, err := x.code.Blind(p.question)
	p.must(err)
	body := fmt.Sprintf(`{"blinded":%q,"witness_blinded":%q,"witness_code":%q}`, ballotbox.Base64(request.Blinded), ballotbox.Base64(request.Witness), strings.ToLower(code))
	var taken struct{ Signed, Witness ballotbox.Base64 }
	waitFor(p.t, "the witness to know the question", func() bool {
		return p.ask(http.MethodPost, p.vote+"/paper", x.token, body, &taken) == http.StatusOK
	})
	paper, err := request.Finish(taken.Signed, taken.Witness)
	p.must(err)
	c, err := ballotbox.ParseChoice(choice)
	p.must(err)
	b, err := x.code.Seal(p.question, paper, 1, c)
	p.must(err)
	half := b
	half.Witness = nil
	if status := p.ask(http.MethodPost, p.vote+"/box", "", string(half.JSON()), nil); status != http.StatusUnprocessableEntity {
		p.t.Errorf("a ballot on half a paper is answered %d", status)
	}
	if status := p.ask(http.MethodPost, p.vote+"/box", "", string(b.JSON()), &struct{}{}); status != http.StatusOK {
		p.t.Fatalf("the ballot was refused: %d", status)
	}
}

// asks is what is said to a voter who gives this code.
func (p *polling) asks(x *voter, code string) string {
	p.t.Helper()
	c, err := ballotbox.NewCode(rand.Reader)
	p.must(err)
	request, err := c.Blind(p.question)
	p.must(err)
	body := fmt.Sprintf(`{"blinded":%q,"witness_blinded":%q,"witness_code":%q}`, ballotbox.Base64(request.Blinded), ballotbox.Base64(request.Witness), code)
	return p.raw(http.MethodPost, "/api/coop/v1"+p.vote+"/paper", x.token, body)
}

// raw is what a request is answered with, whatever it is.
func (p *polling) raw(method, path, token, body string) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.config.URL+path, strings.NewReader(body))
	p.must(err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	} else {
		req.Header.Set("Accept", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	p.must(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	p.must(err)
	return string(b)
}
