package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/testkit/chrome"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/member"
	"rochdale/internal/rulebook"
)

// polling is a co-op that holds a secret election, run by the real program.
type polling struct {
	*instance
	clock    *clock.Fake
	everyone []*voter // three candidates, then five who vote
	election election.Election
	question *ballotbox.Question
	hash     ballotbox.Hash // of the question
	vote     string         // the address of the vote, below the co-op's
}

// voter is a member and what is known of their ballot, which nobody else may join.
type voter struct {
	member.Member
	token   string
	code    ballotbox.Code
	choice  string
	ballots []ballotbox.Ballot // as they were in the box, one after another
}

func (v *voter) actor() authz.Actor {
	return authz.Actor{Member: v.ID, Account: v.AccountID, Login: v.LoginID, Via: authz.Web}
}

// The whole of a secret election: two members vote in their browsers and find their ballots afterwards,
// anybody recounts, and nothing that the machine keeps says who cast which ballot.
func TestASecretElection(t *testing.T) {
	t.Parallel()
	for _, engine := range []struct {
		name     string
		database func(testing.TB) string
	}{{"sqlite", func(testing.TB) string { return "" }}, {"postgres", testkit.PostgresDatabase}} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel() // each has programs, a folder and a database of its own, and waits most of the time
			p := &polling{instance: newInstance(t, engine.database(t))}
			p.prepare()
			folder := t.TempDir()

			server := p.serveAt(p.election.OpensAt.Add(time.Hour))
			first, second := p.everyone[3], p.everyone[4]
			one, two := p.newTab(first), p.newTab(second)
			one.votes("Ann", "Bjarne Holmqvist", "Celestine Abara")
			two.votes("Celestine Abara", "Ann")
			p.note()
			two.run(chromedp.Reload())
			two.votes("Bjarne Holmqvist", "Ann", "Celestine Abara") // another mind
			p.answers(p.everyone[5], `{"rank":[3,2,1]}`)
			p.answers(p.everyone[6], `{"rank":[0,1,2]}`)
			p.withoutScript(p.everyone[7])
			p.note()
			if len(second.ballots) != 2 || second.ballots[1].Sequence != 2 || second.ballots[1].Choice != second.choice || first.ballots[0].Choice != first.choice {
				t.Errorf("in the box are %v and %v", first.ballots, second.ballots)
			}
			p.program("backup", filepath.Join(folder, "open.tar.gz"))
			p.search("open", server.log.String(), filepath.Join(folder, "open.tar.gz"))
			server.stop()
			log := server.log.String()

			server = p.serveAt(p.election.ClosesAt.Add(time.Minute))
			waitFor(t, "the count", func() bool {
				var e struct{ State string }
				return p.get("/elections/1", &e) && e.State == string(election.Counted)
			})
			one.finds(first)
			two.finds(second)
			p.newTab(nil).recounts(5)
			if said := p.program("verify", "--election", "1"); !strings.Contains(said, "All 5 ballots are sound, on 5 papers of a roll of 8") {
				t.Errorf("verify says %s", said)
			}
			p.program("backup", filepath.Join(folder, "closed.tar.gz"))
			server.stop()
			log += server.log.String()
			p.search("closed", log, filepath.Join(folder, "open.tar.gz"), filepath.Join(folder, "closed.tar.gz"))
			p.searchCanFail(filepath.Join(folder, "closed.tar.gz"))
		})
	}
}

// at gives f the program at the time of the clock.
func (p *polling) at(f func(ctx context.Context, a *App)) {
	p.t.Helper()
	a, err := Build(context.Background(), p.config, p.clock, slog.New(slog.DiscardHandler), false)
	p.must(err)
	defer a.Close()
	f(context.Background(), a)
}

func (p *polling) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// prepare takes members in, lets them decide to hold an election, and opens its vote.
func (p *polling) prepare() {
	p.t.Helper()
	p.announced(nil)
	p.opens()
}

// announced takes members in and lets them decide to hold an election, where rule is not nil by a rule that they
// change first. Three stand.
func (p *polling) announced(rule func(e *rulebook.Election)) {
	p.t.Helper()
	p.clock = clock.NewFake(time.Now().Add(time.Minute))
	p.at(func(ctx context.Context, a *App) {
		ann, err := a.Member.List(ctx, 0, 1)
		p.must(err)
		p.everyone = []*voter{{Member: ann[0]}}
		hash, err := a.Identity.HashPassword(ctx, founderPassword)
		p.must(err)
		for _, name := range []string{"Bjarne Holmqvist", "Celestine Abara", "Quilla Featherby", "Rowan Thistlewood", "Solvej Underhill", "Tadeusz Vantongeren", "Wilhelmina Yarrow"} {
			given, _, _ := strings.Cut(strings.ToLower(name), " ")
			p.must(a.DB.InDurableTx(ctx, func(tx *db.Tx) error {
				m, err := a.Member.TakeIn(ctx, tx, p.everyone[0].actor(), member.Joining{Name: name, Username: given + "_x", Email: given + "@mail.example"}, hash, "welcome")
				p.everyone = append(p.everyone, &voter{Member: m})
				return err
			}))
		}
		p.clock.Advance(60 * 24 * time.Hour)
		if rule != nil {
			v, err := a.Rulebook.ForElection(ctx, a.DB, true)
			p.must(err)
			r, e := v.Rule, v.Rule.ElectionIn()
			rule(&e)
			r.Election = &e
			p.decides(ctx, a, rulebook.Adopt, map[string]any{"rule": r})
		}
		root, err := a.Mandate.Root(ctx, a.DB)
		p.must(err)
		p.decides(ctx, a, election.Hold, map[string]any{"body": root.ID, "office": "Treasurer", "seats": 1, "powers": []string{member.Admit}, "days": 365})
		p.election, err = a.Election.ByNumber(ctx, 1)
		p.must(err)
		for _, x := range p.everyone[:3] {
			_, err := a.Election.Nominate(ctx, x.actor(), p.election.ID, x.ID, election.Candidacy{Statement: "I would do it well."})
			p.must(err)
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

// opens lets time pass until voting is open.
func (p *polling) opens() {
	p.t.Helper()
	p.at(func(ctx context.Context, a *App) {
		for _, at := range []time.Time{p.election.FinalAt, p.election.OpensAt} {
			p.clock.Set(at)
			p.must(a.Election.Advance(ctx))
		}
		var err error
		p.election, err = a.Election.ByNumber(ctx, 1)
		p.must(err)
		v, ok, err := a.Ballot.Of(ctx, a.DB, p.election.Ref())
		p.must(err)
		if !ok {
			p.t.Fatalf("election 1 is %s, by %s", p.election.State, p.election.Mode)
		}
		p.vote = "/ballots/" + v.ID.String()
		p.question, err = v.Question()
		p.must(err)
		p.hash, err = p.question.Hash()
		p.must(err)
	})
}

// decides carries a motion with one effect.
func (p *polling) decides(ctx context.Context, a *App, kind string, plan map[string]any) {
	p.t.Helper()
	args, err := json.Marshal(plan)
	p.must(err)
	by := p.everyone[0].actor()
	m, err := a.Decision.Draft(ctx, by, decision.Drafting{Title: "It is time to decide", Effects: []decision.Proposed{{Option: -1, Stored: effect.Stored{Kind: kind, Args: args}}}})
	p.must(err)
	_, err = a.Decision.Publish(ctx, by, m.ID)
	p.must(err)
	m, err = a.Decision.Call(ctx, by, m.ID, decision.Calling{})
	p.must(err)
	for _, x := range p.everyone {
		if _, err := a.Decision.Cast(ctx, x.actor(), m.ID, decision.Choice{Choice: decision.Agree}, ""); err != nil && !fault.Is(err, fault.Forbidden) {
			p.t.Fatal(err)
		}
	}
	for _, wait := range []func() time.Time{func() time.Time { return m.ClosesAt }, func() time.Time { return m.WindowEndsAt }} {
		p.clock.Set(wait())
		p.must(a.Decision.Advance(ctx))
		m, err = a.Decision.ByID(ctx, by, m.ID)
		p.must(err)
	}
	if m.Execution != decision.Done {
		p.t.Fatalf("%s: the motion is %s, %s: %s", kind, m.State, m.Execution, m.Cause)
	}
}

func (p *polling) serveAt(at time.Time) *child {
	p.t.Helper()
	p.config.At = at.Format(time.RFC3339)
	p.clock.Set(at)
	return p.serve()
}

// program runs a command of the program and returns what it prints.
func (p *polling) program(args ...string) string {
	p.t.Helper()
	c := exec.Command(os.Args[0]) // the test binary itself
	c.Env = append(p.env(), "RUN_ROCHDALE="+strings.Join(args, " "))
	out, err := c.CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v: %v: %s", args, err, out)
	}
	return string(out)
}

// get asks the JSON API.
func (p *polling) get(path string, out any) bool {
	return p.ask(http.MethodGet, path, "", "", out) == http.StatusOK
}

func (p *polling) ask(method, path, token, body string, out any) int {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.config.URL+"/api/coop/v1"+path, strings.NewReader(body))
	p.must(err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	p.must(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	p.must(err)
	if resp.StatusCode == http.StatusOK {
		p.must(json.Unmarshal(b, out))
	}
	return resp.StatusCode
}

// answers votes as an app would: a paper with the sign-in, the ballot without.
func (p *polling) answers(x *voter, choice string) {
	p.t.Helper()
	var err error
	x.code, err = ballotbox.NewCode(rand.Reader)
	p.must(err)
	x.choice = choice
	request, err := x.code.Blind(p.question)
	p.must(err)
	var taken struct{ Signed ballotbox.Base64 }
	if status := p.ask(http.MethodPost, p.vote+"/paper", x.token, fmt.Sprintf(`{"blinded":%q}`, ballotbox.Base64(request.Blinded)), &taken); status != http.StatusOK {
		p.t.Fatalf("no paper: %d", status)
	}
	paper, err := request.Finish(taken.Signed, nil)
	p.must(err)
	parsed, err := ballotbox.ParseChoice(choice)
	p.must(err)
	b, err := x.code.Seal(p.question, paper, 1, parsed)
	p.must(err)
	var receipt struct{ Ballot ballotbox.Hash }
	if status := p.ask(http.MethodPost, p.vote+"/box", "", string(b.JSON()), &receipt); status != http.StatusOK || receipt.Ballot != b.Hash(p.hash) {
		p.t.Fatalf("the ballot was refused: %d", status)
	}
}

// withoutScript signs in and votes by plain forms.
func (p *polling) withoutScript(x *voter) {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	p.must(err)
	client := &http.Client{Jar: jar}
	x.code, err = ballotbox.NewCode(rand.Reader)
	p.must(err)
	x.choice = `{"rank":[2,0,1]}`
	for _, step := range []struct {
		path string
		form url.Values
		says string
	}{
		{"/sign-in", url.Values{"email": {x.mail()}, "password": {founderPassword}, "next": {"/elections/1"}}, "Cast my ballot"},
		{p.vote + "/vote", url.Values{"code": {x.code.String()}, "rank-0": {"2"}, "rank-2": {"1"}}, "Your ballot is in the box"},
	} {
		resp, err := client.PostForm(p.config.URL+step.path, step.form)
		p.must(err)
		b, err := io.ReadAll(resp.Body)
		p.must(err)
		p.must(resp.Body.Close())
		if !strings.Contains(string(b), step.says) {
			p.t.Fatalf("%s does not say %q: %.3000s", step.path, step.says, b)
		}
	}
}

func (v *voter) mail() string { return strings.TrimSuffix(v.Username, "_x") + "@mail.example" }

// note keeps what is in the box now as ballots of those who hold their codes.
func (p *polling) note() {
	p.t.Helper()
	p.at(func(ctx context.Context, a *App) {
		for _, x := range p.everyone[3:] {
			key, err := x.code.Key(p.question)
			p.must(err)
			var text string
			if err := a.DB.Reader().QueryRowContext(ctx, `SELECT ballot FROM ballot_box WHERE ballot_key = '`+key.String()+`'`).Scan(&text); err != nil {
				continue // has not voted yet
			}
			b, err := ballotbox.ParseBallot([]byte(text))
			p.must(err)
			x.ballots = append(x.ballots, b)
		}
	})
}

// booth is a browser in which a member, or nobody, is signed in.
type booth struct {
	*polling
	ctx context.Context
	who *voter
}

func (p *polling) newTab(who *voter) *booth {
	p.t.Helper()
	b := &booth{p, chrome.Open(p.t, 5*time.Minute), who}
	if who == nil {
		return b
	}
	b.run(chromedp.Navigate(p.config.URL + "/sign-in?next=/elections/1"))
	b.look(fmt.Sprintf(`(() => { const f = document.querySelector('form[action="/sign-in"]'); f.elements.email.value = %q; f.elements.password.value = %q; f.requestSubmit(); return "" })()`, who.mail(), founderPassword))
	b.until(`location.pathname === "/elections/1"`)
	return b
}

func (b *booth) run(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, steps...))
}

func (b *booth) look(expression string) string {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// until asks again and again, over the change of a page.
func (b *booth) until(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		out, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		if err == nil && out {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("wait for %s: %v; the page says %.3000s", expression, err, b.look(`document.body.innerText`))
		}
	}
}

// votes ranks candidates in order and casts the ballot.
func (b *booth) votes(order ...string) {
	b.t.Helper()
	b.until(`document.querySelector("#booth")?.dataset.ready === "" && document.querySelector("[data-code]").textContent.length === 34`)
	for i, name := range order {
		b.look(fmt.Sprintf(`(() => { const s = document.querySelector('[data-name=%q] select'); s.value = "%d"; s.dispatchEvent(new Event("change", { bubbles: true })); return "" })()`, name, i+1))
	}
	ranks := make([]string, len(b.question.Options))
	for i, o := range b.question.Options {
		ranks[i] = "0"
		for place, name := range order {
			if o.Name == name {
				ranks[i] = fmt.Sprint(place + 1)
			}
		}
	}
	b.who.choice = `{"rank":[` + strings.Join(ranks, ",") + `]}`
	var err error
	b.who.code, err = ballotbox.ParseCode(b.look(`document.querySelector("[data-code]").textContent`))
	b.must(err)
	b.look(`document.querySelector("[data-cast]").click(), ""`)
	b.until(`document.querySelector("[data-receipt]").hidden === false`)
}

// finds looks a ballot up by its code, as its voter.
func (b *booth) finds(x *voter) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.config.URL + b.vote))
	b.until(`document.readyState === "complete" && !!document.querySelector("[data-find]")`)
	b.look(`(() => { const f = document.querySelector("[data-find]"); f.elements.code.value = "` + x.code.String() + `"; f.requestSubmit(); return "" })()`)
	b.until(`document.querySelector('[data-found="find"]').textContent.includes("Your ballot is there: 1. ")`)
}

// recounts counts all ballots in the browser, as a visitor.
func (b *booth) recounts(ballots int) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.config.URL + b.vote))
	b.until(`document.readyState === "complete" && !!document.querySelector("[data-recount]")`)
	b.look(`document.querySelector("[data-recount]").click(), ""`)
	b.until(`document.querySelector("[data-check]").dataset.result === "fits"`)
	if told := b.look(`document.querySelector('[data-found="recount"]').textContent`); !strings.Contains(told, fmt.Sprintf("Every one of the %d ballots", ballots)) {
		b.t.Errorf("the recount says %s", told)
	}
}
