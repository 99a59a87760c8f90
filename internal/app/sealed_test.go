package app

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"rochdale/internal/election"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/rulebook"
)

// The whole of a sealed election in browsers: two members offer to be scrutineers and note their codes, members
// vote, and until the two have typed their codes after the close nobody can read a ballot in anything that is
// kept. The codes themselves are never sent.
func TestASealedElectionInABrowser(t *testing.T) {
	t.Parallel()
	for _, engine := range []struct {
		name     string
		database func(testing.TB) string
	}{{"sqlite", func(testing.TB) string { return "" }}, {"postgres", testkit.PostgresDatabase}} {
		t.Run(engine.name, func(t *testing.T) {
			t.Parallel() // each has programs, a folder and a database of its own, and waits most of the time
			p := &polling{instance: newInstance(t, engine.database(t))}
			p.announced(func(e *rulebook.Election) { e.Scrutineers, e.Needed, e.Reveal = 3, 2, 3 })
			folder, log := t.TempDir(), ""

			server := p.serveAt(p.clock.Now().Add(time.Hour))
			one, two := p.newKeeper(p.everyone[3]), p.newKeeper(p.everyone[4])
			one.offers()
			two.offers()
			server.stop()
			log += server.log.String()

			p.opens()
			if s := p.question.Scrutineers; s == nil || s.Needed != 2 || len(s.Keys) != 2 {
				t.Fatalf("the ballots are sealed to %+v", s)
			}
			server = p.serveAt(p.election.OpensAt.Add(time.Hour))
			voter := p.everyone[5]
			tab := p.newTab(voter)
			tab.votes("Ann", "Celestine Abara", "Bjarne Holmqvist")
			p.note()
			tab.run(chromedp.Reload())
			tab.votes("Bjarne Holmqvist", "Ann", "Celestine Abara") // another mind
			p.answers(p.everyone[3], `{"rank":[3,2,1]}`)
			p.answers(p.everyone[4], `{"rank":[0,1,2]}`)
			p.answers(p.everyone[6], `{"rank":[3,1,2]}`)
			p.withoutScript(p.everyone[7]) // the server seals it, and keeps nothing either
			p.note()
			p.unreadable("open", p.pages(voter, p.everyone[3])...)
			p.program("backup", filepath.Join(folder, "open.tar.gz"))
			server.stop()
			log += server.log.String()
			p.search("open", log, filepath.Join(folder, "open.tar.gz"))
			p.unreadable("open", p.units(log, filepath.Join(folder, "open.tar.gz"))...)
			p.unsent("open", log, filepath.Join(folder, "open.tar.gz"), one, two)

			server = p.serveAt(p.election.ClosesAt.Add(time.Minute))
			p.becomes(election.Sealed)
			visitor := p.newTab(nil)
			visitor.checks("sealed", "All is in order. The ballots are still sealed.", "Keys given up by scrutineers so far: 0. It takes 2 of 2")
			tab.looksUp(voter, "Your ballot is there: sealed, and nobody can read it yet")
			p.unreadable("sealed", p.pages(voter, p.everyone[3])...)

			one.mistypes()
			one.reveals()
			visitor.checks("sealed", "All is in order. The ballots are still sealed.", "Keys given up by scrutineers so far: 1. It takes 2 of 2")
			p.unreadable("one key", p.pages(voter, p.everyone[4])...)
			two.reveals()
			p.becomes(election.Counted)
			visitor.checks("fits", "The result stands.", "Keys given up by scrutineers: 2 of 2. These open the ballots.")
			tab.looksUp(voter, "Your ballot is there: 1. Bjarne Holmqvist, 2. Ann, 3. Celestine Abara")
			if said := p.program("verify", "--election", "1"); !strings.Contains(said, "All 5 ballots are sound, on 5 papers of a roll of 8") || !strings.Contains(said, "Elected: Bjarne Holmqvist") {
				t.Errorf("verify says %s", said)
			}
			p.program("backup", filepath.Join(folder, "closed.tar.gz"))
			server.stop()
			log += server.log.String()
			// The record of the close names the scrutineers, beside the list of all ballots: nobody else may be there.
			others := *p
			others.everyone = append(slices.Clone(p.everyone[:3]), p.everyone[5:]...)
			others.search("closed", log, filepath.Join(folder, "closed.tar.gz"))
			p.unsent("closed", log, filepath.Join(folder, "closed.tar.gz"), one, two)
		})
	}
}

func (p *polling) becomes(state election.State) {
	p.t.Helper()
	waitFor(p.t, "the election to be "+string(state), func() bool {
		var e struct{ State string }
		return p.get("/elections/1", &e) && e.State == string(state)
	})
}

// pages are what those who vote and anybody else are shown, by the pages and by the API.
func (p *polling) pages(who ...*voter) []unit {
	p.t.Helper()
	var out []unit
	for _, x := range append(who, nil) {
		client, name := http.DefaultClient, "a visitor"
		if x != nil {
			jar, err := cookiejar.New(nil)
			p.must(err)
			client, name = &http.Client{Jar: jar}, x.Name
			resp, err := client.PostForm(p.config.URL+"/sign-in", url.Values{"email": {x.mail()}, "password": {founderPassword}, "next": {"/elections/1"}})
			p.must(err)
			p.must(resp.Body.Close())
		}
		for _, path := range []string{"/", "/elections/1", p.vote, p.vote + "/question", p.vote + "/file", "/record", "/record?subject=ballot:" + strings.TrimPrefix(p.vote, "/ballots/"),
			"/record?subject=" + p.election.Ref().String(), "/api/coop/v1/elections/1", "/api/coop/v1" + p.vote} {
			resp, err := client.Get(p.config.URL + path)
			p.must(err)
			b, err := io.ReadAll(resp.Body)
			p.must(err)
			p.must(resp.Body.Close())
			out = append(out, unit{path + " as " + name + " sees it", []byte(html.UnescapeString(string(b)))})
		}
	}
	return out
}

// unreadable makes sure that no unit has a choice of anybody in the plain, and that one would be found.
func (p *polling) unreadable(when string, units ...unit) {
	p.t.Helper()
	for _, found := range p.plain(units) {
		p.t.Errorf("%s: %s", when, found)
	}
	for _, x := range p.everyone[3:] {
		quoted, err := json.Marshal(x.choice)
		p.must(err)
		for _, text := range []string{"choice=" + x.choice, string(quoted), base64.RawURLEncoding.EncodeToString([]byte(x.choice)), hex.EncodeToString([]byte(x.choice))} {
			if len(p.plain([]unit{{"a line", []byte(text)}})) == 0 {
				p.t.Errorf("the search does not see the choice in %s", text)
			}
		}
	}
}

func (p *polling) plain(units []unit) (out []string) {
	for _, x := range p.everyone[3:] {
		quoted, _ := json.Marshal(x.choice) // a string
		twice, _ := json.Marshal(string(quoted[1 : len(quoted)-1]))
		marks := map[string][]byte{"choice": []byte(x.choice), "choice in JSON": quoted[1 : len(quoted)-1], "choice in JSON in JSON": twice[1 : len(twice)-1]}
		marks["choice (hex)"] = []byte(hex.EncodeToString([]byte(x.choice)))
		marks["choice (base64)"] = []byte(base64.RawURLEncoding.EncodeToString([]byte(x.choice)))
		for _, u := range units {
			if what := first(u.text, marks); what != "" {
				out = append(out, fmt.Sprintf("%s holds the %s of %s", u.where, what, x.Name))
			}
		}
	}
	return out
}

// keeper is the browser of a scrutineer, with all that it sends.
type keeper struct {
	*booth
	code ballotbox.Code

	mu   sync.Mutex
	sent []string // method, address and body
}

func (p *polling) newKeeper(who *voter) *keeper {
	p.t.Helper()
	k := &keeper{booth: p.newTab(who)}
	p.must(chromedp.Listen(k.ctx, func(ev any) {
		if e, ok := ev.(*network.EventRequestWillBeSent); ok {
			k.mu.Lock()
			defer k.mu.Unlock()
			text := fmt.Sprint(e.Request.Method, " ", e.Request.URL, e.Request.URLFragment, " ", e.Request.Headers, " ")
			for _, part := range e.Request.PostDataEntries {
				text += string(part.Bytes)
			}
			k.sent = append(k.sent, text)
		}
	}))
	return k
}

// posts is how many forms the browser has sent.
func (k *keeper) posts() (n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.sent {
		if strings.HasPrefix(s, "POST ") {
			n++
		}
	}
	return n
}

// offers puts the member forward through the form of the page.
func (k *keeper) offers() {
	k.t.Helper()
	k.run(chromedp.Navigate(k.config.URL + "/elections/1"))
	k.until(`document.querySelector("form[data-offer]")?.dataset.ready === "" && document.querySelector("form[data-offer] [data-code]").textContent.length === 34`)
	k.look(`document.querySelector("#offer > summary").click(), ""`)
	k.until(`!document.querySelector("form[data-offer] [data-noted]").disabled`)
	if k.look(`String(document.querySelector("form[data-offer] button.button:not([type=button])").disabled)`) != "true" {
		k.t.Error("an offer can be sent although the code is not noted")
	}
	var err error
	k.code, err = ballotbox.ParseCode(k.look(`document.querySelector("form[data-offer] [data-code]").textContent`))
	k.must(err)
	k.look(`document.querySelector("form[data-offer] [data-noted]").click(), ""`)
	before := k.posts()
	k.look(`document.querySelector("form[data-offer] button.button:not([type=button])").click(), ""`)
	k.until(`document.readyState === "complete" && !!document.querySelector('form[action$="/unoffer"]')`)
	if k.posts() != before+1 {
		k.t.Error("the offer was not seen on its way: the test does not see what the browser sends")
	}
}

// types puts a code into the form for it, and sends the form.
func (k *keeper) types(code string) {
	k.t.Helper()
	k.look(fmt.Sprintf(`(() => { const f = document.querySelector("form[data-reveal]"); f.querySelector("[data-typed-code]").value = %q; f.querySelector("button.button").click(); return "" })()`, code))
}

// mistypes tries codes that are none, or of something else: the page says so, and sends nothing.
func (k *keeper) mistypes() {
	k.t.Helper()
	k.run(chromedp.Navigate(k.config.URL + "/elections/1"))
	k.until(`document.readyState === "complete" && document.querySelector("form[data-reveal]")?.dataset.ready === ""`)
	other, err := ballotbox.NewCode(rand.Reader)
	k.must(err)
	wrong := []byte(k.code.String())
	if wrong[0]++; wrong[0] == 'Z'+1 || wrong[0] == '9'+1 {
		wrong[0] = '3'
	}
	before := k.posts()
	for _, x := range []struct{ code, says string }{
		{"", "Type your code first."}, {string(wrong), "one of them is mistyped"}, {other.String(), "This code is not the one of the key that you registered for this vote."},
	} {
		k.types(x.code)
		k.until(fmt.Sprintf(`(() => { const b = document.querySelector("form[data-reveal] [data-problem]"); return !b.hidden && b.innerText.includes(%q) })()`, x.says))
		if held := k.look(`document.querySelector("form[data-reveal]").elements.key.value`); held != "" {
			k.t.Errorf("for the code %q the form holds the key %s", x.code, held)
		}
	}
	if k.posts() != before {
		k.t.Error("a wrong code was sent")
	}
}

// reveals gives up the key by typing the code as people do.
func (k *keeper) reveals() {
	k.t.Helper()
	k.run(chromedp.Navigate(k.config.URL + "/elections/1"))
	k.until(`document.readyState === "complete" && document.querySelector("form[data-reveal]")?.dataset.ready === ""`)
	k.types(strings.ToLower(strings.ReplaceAll(k.code.String(), "-", " ")))
	k.until(`document.readyState === "complete" && !document.querySelector("form[data-reveal]") && document.body.innerText.includes("Your key is revealed")`)
}

// forms are the ways in which a code could be written.
func (k *keeper) forms() map[string][]byte {
	text := k.code.String()
	bare := strings.ReplaceAll(text, "-", "")
	return map[string][]byte{"code": []byte(text), "bare code": []byte(bare), "code as typed": []byte(strings.ReplaceAll(strings.ToLower(text), "-", " ")), "code in an address": []byte(strings.ReplaceAll(strings.ToLower(text), "-", "+")),
		"code in small letters": []byte(strings.ToLower(text)), "bare code in small letters": []byte(strings.ToLower(bare)), "code (binary)": k.code[:], "code (hex)": []byte(hex.EncodeToString(k.code[:])),
		"code (base64)": []byte(base64.RawURLEncoding.EncodeToString(k.code[:])), "code (standard base64)": []byte(base64.RawStdEncoding.EncodeToString(k.code[:]))}
}

// unsent makes sure that the codes of scrutineers are in nothing that is kept and in nothing that their browsers sent.
func (p *polling) unsent(when, log, backup string, keepers ...*keeper) {
	p.t.Helper()
	units := p.units(log, backup)
	for _, k := range keepers {
		marks := k.forms()
		k.mu.Lock()
		sent := k.sent
		k.mu.Unlock()
		for i, s := range sent {
			units = append(units, unit{fmt.Sprintf("request %d of %s: %.100s", i+1, k.who.Name, s), []byte(s)})
		}
		for _, u := range units {
			if what := first(u.text, marks); what != "" {
				p.t.Errorf("%s: %s holds the %s of %s as a scrutineer", when, u.where, what, k.who.Name)
			}
		}
		// The search reads: what the codes make is there.
		_, public, err := ballotbox.ScrutineerKey(k.code, p.election.Ref().String())
		p.must(err)
		seen := map[string]bool{}
		for _, u := range units {
			if bytes.Contains(u.text, []byte(public.String())) {
				seen[strings.SplitN(u.where, " ", 2)[0]] = true
			}
		}
		if len(seen) < 2 || !seen["request"] {
			p.t.Errorf("the key of %s is only in %v: the search does not read what is there", k.who.Name, seen)
		}
	}
}

// checks recounts as a visitor, and reads what the page says.
func (b *booth) checks(result, verdict string, finding string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.config.URL + b.vote))
	b.until(`document.readyState === "complete" && !!document.querySelector("[data-recount]")`)
	b.look(`document.querySelector("[data-recount]").click(), ""`)
	b.until(`!!document.querySelector("[data-check]").dataset.result`)
	got := b.look(`document.querySelector("[data-check]").dataset.result + " " + document.querySelector("[data-verdict]").textContent`)
	said := b.look(`document.querySelector('[data-found="recount"]').innerText`)
	if got != result+" "+verdict || !strings.Contains(said, finding) || !strings.Contains(said, "Every one of the 5 ballots") {
		b.t.Errorf("the page says %s: %s", got, said)
	}
}

// looksUp finds a ballot by its code, and reads what the page says of it.
func (b *booth) looksUp(x *voter, says string) {
	b.t.Helper()
	b.run(chromedp.Navigate(b.config.URL + b.vote))
	b.until(`document.readyState === "complete" && !!document.querySelector("[data-find]")`)
	b.look(`(() => { const f = document.querySelector("[data-find]"); f.elements.code.value = "` + x.code.String() + `"; f.requestSubmit(); return "" })()`)
	b.until(fmt.Sprintf(`document.querySelector('[data-found="find"]').textContent.includes(%q)`, says))
}
