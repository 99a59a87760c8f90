package ballot_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
)

// station is a booth with its pages behind a server.
type station struct {
	*booth
	http.Handler
	log *bytes.Buffer
}

func newStation(tb testing.TB, roll int) *station {
	tb.Helper()
	c := clock.NewFake(testkit.Start)
	b := newBooth(tb, testkit.SQLite(tb, schema, c), c, roll)
	s := &station{booth: b, log: &bytes.Buffer{}}
	pages := &ballot.Pages{
		Service: b.Service,
		Frame: func(_ http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error) {
			return ui.PageProps{Title: title, Site: "Tideline", Theme: ui.Theme(r.URL.Query().Get("theme"))}, nil
		},
		People: func(_ context.Context, who []id.ID) (map[id.ID]ui.Person, error) {
			out := map[id.ID]ui.Person{}
			for _, x := range who {
				out[x] = ui.Person{Name: fmt.Sprintf("Voter %d", x)}
			}
			return out, nil
		},
		Subject: func(_ context.Context, subject ref.Ref) (string, error) {
			return "/elections/" + subject.ID.String(), nil
		},
	}
	session := func(_ context.Context, cookie string) (authz.Actor, error) {
		if m := id.Parse(cookie); m != 0 {
			return authz.Actor{Member: m, Account: m, Via: authz.Web}, nil
		}
		return authz.Actor{}, nil
	}
	files := assets.Handler()
	routes := append(pages.Routes(), web.Route{Pattern: "GET " + assets.Prefix, Style: web.Plain, Handler: func(w http.ResponseWriter, r *http.Request) error {
		files.ServeHTTP(w, r)
		return nil
	}})
	server, err := web.New(web.Options{Log: slog.New(slog.NewTextHandler(s.log, nil)), Clock: c, Session: session}, routes)
	b.must(err)
	s.Handler = server
	return s
}

// open opens another vote and makes it the one of the station.
func (s *station) open(o ballot.Opening) {
	s.t.Helper()
	for i := range s.vote.Roll {
		o.Roll = append(o.Roll, id.ID(1000+i))
	}
	o.Closes = s.clock.Now().Add(7 * 24 * time.Hour)
	s.must(s.db.InDurableTx(s.ctx, func(tx *db.Tx) (err error) {
		s.vote, err = s.Start(s.ctx, tx, o)
		return err
	}))
	q, err := s.vote.Question()
	s.must(err)
	s.q = q
}

func (s *station) at(part string) string { return "/ballots/" + s.vote.ID.String() + part }

// ask makes a request: who is a member's id or "", and more are header names and values.
func (s *station) ask(who, method, path, kind, body string, more ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if who != "" {
		r.AddCookie(&http.Cookie{Name: web.SessionCookie, Value: who})
	}
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

const (
	asJSON = "application/json"
	asForm = "application/x-www-form-urlencoded"
)

func (s *station) see(w *httptest.ResponseRecorder, status int, words ...string) {
	s.t.Helper()
	if w.Code != status {
		s.t.Errorf("the answer is %d, not %d: %.2000s", w.Code, status, w.Body)
	}
	for _, x := range words {
		if !strings.Contains(w.Body.String(), x) {
			s.t.Errorf("it does not say %q: %.6000s", x, w.Body)
		}
	}
}

// The doors that the script uses, and what they refuse.
func TestTheDoorsOfTheBox(t *testing.T) {
	t.Parallel()
	s := newStation(t, 6)
	w := s.ask("", "GET", s.at("/question"), "", "")
	s.see(w, 200)
	if w.Body.String() != s.vote.QuestionJSON || w.Header().Get("Content-Type") != asJSON {
		t.Errorf("the question is not the one that was signed: %s %s", w.Header().Get("Content-Type"), w.Body)
	}
	s.see(s.ask("", "GET", "/ballots/7/question", "", ""), 404)

	code, err := ballotbox.NewCode(rand.Reader)
	s.must(err)
	request, err := code.Blind(s.q)
	s.must(err)
	blinded := `{"blinded":"` + ballotbox.Base64(request.Blinded).String() + `"}`
	s.see(s.ask("", "POST", s.at("/paper"), asJSON, blinded), 401, `{"error":"You are signed out`)
	s.see(s.ask("1099", "POST", s.at("/paper"), asJSON, blinded), 403, "not on the roll")
	s.see(s.ask("1000", "POST", s.at("/paper"), asJSON, "{"), 422, "not a request")
	s.see(s.ask("1000", "POST", s.at("/paper"), asForm, "blinded=x"), 422, "sent as application/json")
	s.see(s.ask("1000", "POST", s.at("/paper"), asJSON, `{"blinded":"`+strings.Repeat("A", 5000)+`"}`), 413, `"error"`)
	s.see(s.ask("1000", "POST", s.at("/paper"), asJSON, blinded, "Origin", "https://elsewhere.example"), 401, "another website")
	w = s.ask("1000", "POST", s.at("/paper"), asJSON, blinded)
	s.see(w, 200)
	var signed struct{ Signed ballotbox.Base64 }
	s.must(json.Unmarshal(w.Body.Bytes(), &signed))
	paper, err := request.Finish(signed.Signed, nil)
	s.must(err)
	s.see(s.ask("1000", "POST", s.at("/paper"), asJSON, strings.Replace(blinded, `":"`, `":"AAAA`, 1)), 409, "taken your ballot paper already")

	mine := browser{code, paper}
	one := string(s.fill(mine, 1, 1, 2, 3).JSON())
	s.see(s.ask("1000", "POST", s.at("/box"), asJSON, one), 400, "without a sign-in")
	s.see(s.ask("", "POST", s.at("/box"), asJSON, one, "Authorization", "Bearer x"), 400, "without a sign-in")
	s.see(s.ask("", "POST", s.at("/box"), asJSON, one, "Cookie", "theme=dark"), 400, "without a sign-in")
	s.see(s.ask("", "POST", s.at("/box"), asJSON, one, "Origin", "https://elsewhere.example"), 403, "another website")
	s.see(s.ask("", "POST", s.at("/box"), asJSON, one, "Sec-Fetch-Site", "cross-site"), 403, "another website")
	s.see(s.ask("", "POST", s.at("/box"), asJSON, strings.Repeat(" ", 70_000)), 413, `{"error":"That is more than a ballot."}`)
	s.see(s.ask("", "POST", s.at("/box"), asJSON, "{}"), 422, "not a ballot")
	s.see(s.ask("", "POST", s.at("/box"), asJSON, strings.Replace(one, `"paper":"`, `"paper":"AAAA`, 1)), 422, `"error"`)
	s.see(s.ask("", "POST", "/ballots/7/box", asJSON, one), 404)
	w = s.ask("", "POST", s.at("/box"), asJSON, one)
	s.see(w, 200)
	var receipt ballot.Receipt
	s.must(json.Unmarshal(w.Body.Bytes(), &receipt))
	s.must(s.q.CheckReceipt(receipt.Ballot, receipt.Signature))
	s.see(s.ask("", "POST", s.at("/box"), asJSON, string(s.fill(mine, 4, 0, 1, 0).JSON())), 200)
	// Who holds the code is told the sequence; nobody else is.
	s.see(s.ask("", "POST", s.at("/box"), asJSON, one), 409, `"sequence":5`)

	// The file is there after the close, for everybody, and the same bytes as Published's.
	w = s.ask("", "GET", s.at("/file"), "", "")
	s.see(w, 409, `{"error":"The ballots are published when the vote is closed."}`)
	if s.clock.Set(s.vote.ClosesAt); w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("a refusal may be kept: %v", w.Header())
	}
	s.see(s.ask("", "POST", s.at("/box"), asJSON, string(s.fill(mine, 9, 0, 1, 0).JSON())), 409, "closed")
	f := s.close()
	want, err := f.JSON()
	s.must(err)
	w = s.ask("", "GET", s.at("/file"), "", "")
	s.see(w, 200)
	if !bytes.Equal(w.Body.Bytes(), want) || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("the file differs, or may not be kept: %v", w.Header())
	}
	w = s.ask("", "GET", s.at("/file"), "", "", "Accept-Encoding", "gzip")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("the file is not compressed: %v", w.Header())
	}
	if s.log.Len() > 0 {
		t.Errorf("the log has lines: %s", s.log)
	}
}

// Nothing of who casts a ballot is written down: not when it is taken or refused, and where the server
// itself fails neither the address nor the ballot.
func TestTheLogDoesNotKnowWhoVotes(t *testing.T) {
	t.Parallel()
	s := newStation(t, 6)
	one := s.fill(s.take(0), 1, 1, 2, 3)
	const address = "192.0.2.1" // of httptest's requests
	s.see(s.ask("", "POST", s.at("/box"), asJSON, string(one.JSON()), "X-Forwarded-For", "198.51.100.7"), 200)
	s.see(s.ask("", "POST", s.at("/box"), asJSON, "{}"), 422)
	if s.log.Len() > 0 {
		t.Errorf("the log has lines: %s", s.log)
	}
	s.must(s.db.Close())
	s.see(s.ask("", "POST", s.at("/box"), asJSON, string(one.JSON()), "X-Forwarded-For", "198.51.100.7"), 500)
	if s.log.Len() == 0 {
		t.Error("an error of the server is not logged")
	}
	for _, x := range []string{address, "198.51.100.7", one.Key.String(), one.Signature.String(), "rank"} {
		if strings.Contains(s.log.String(), x) {
			t.Errorf("the log has %q: %s", x, s.log)
		}
	}
}

var codeField = regexp.MustCompile(`name="code" value="([0-9A-Z-]{34})"`)

// Without script the server casts the ballot, by a code that the member keeps.
func TestVotingWithoutScript(t *testing.T) {
	t.Parallel()
	s := newStation(t, 6)
	s.see(s.ask("", "GET", s.at(""), "", ""), 200, "Treasurer", "sign in")
	s.see(s.ask("1099", "GET", s.at(""), "", ""), 200, "not on the roll")
	s.see(s.ask("", "GET", "/ballots/7", "", ""), 404)
	w := s.ask("1000", "GET", s.at(""), "", "")
	s.see(w, 200, "Cast my ballot", "sees your choice in passing", "Voter 1003", "Ada", `data-hash="`+s.vote.Hash+`"`)
	if strings.Contains(w.Body.String(), "checked") || regexp.MustCompile(`<option value="\d" selected`).MatchString(w.Body.String()) {
		t.Error("something is chosen beforehand")
	}
	m := codeField.FindStringSubmatch(w.Body.String())
	if m == nil {
		t.Fatalf("there is no code: %s", w.Body)
	}
	form := url.Values{"code": {m[1]}, "rank-0": {"2"}, "rank-2": {"1"}}
	vote := func(who string, form url.Values) *httptest.ResponseRecorder {
		return s.ask(who, "POST", s.at("/vote"), asForm, form.Encode())
	}
	with := func(changes ...string) url.Values {
		out := url.Values{}
		for k, v := range form {
			out[k] = v
		}
		for i := 0; i+1 < len(changes); i += 2 {
			out.Set(changes[i], changes[i+1])
		}
		return out
	}
	s.see(vote("1000", with("rank-0", "1")), 422, "Ada and Cy both have the number 1", m[1], `<option value="1" selected>`)
	s.see(vote("1000", with("rank-0", "3")), 422, "the number 3 and not 2")
	s.see(vote("1000", with("rank-0", "9")), 422, "no number")
	s.see(vote("1000", with("code", "nonsense")), 422, "not a code")
	s.see(s.ask("1000", "POST", s.at("/vote"), asForm, form.Encode(), "Sec-Fetch-Site", "cross-site"), 401, "another website")
	s.see(vote("1099", form), 403)
	w = vote("1000", form)
	s.see(w, 200, "Your ballot is in the box", m[1], "1. Cy, 2. Ada", `&#34;receipt&#34;`, `&#34;sequence&#34;:1}`)
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Error("the page with the code may be kept")
	}
	// With the code it can be changed, without it not.
	w = s.ask("1000", "GET", s.at(""), "", "")
	s.see(w, 200, "Change my vote", "type the code")
	if codeField.MatchString(w.Body.String()) {
		t.Error("a second code is offered to a member whose paper is taken")
	}
	other, err := ballotbox.NewCode(rand.Reader)
	s.must(err)
	s.see(vote("1000", with("code", other.String())), 422, "taken your ballot paper already")
	s.see(vote("1000", with("code", strings.ToLower(strings.ReplaceAll(m[1], "-", " ")), "rank-1", "3")), 200, "3. Bo")
	f := s.close()
	if len(f.Ballots) != 1 || f.Ballots[0].Choice != `{"rank":[2,3,1]}` || f.Ballots[0].Sequence != 2 {
		t.Errorf("the box has %v", f.Ballots)
	}
	s.see(s.ask("", "GET", s.at(""), "", ""), 200, "Elected: Cy", "1. Cy, 2. Ada, 3. Bo", "rochdale verify ballots-", "Recount it yourself")
	s.see(vote("1000", form), 409)
}

// The other ways to answer, by form.
func TestFormsOfTheOtherMethods(t *testing.T) {
	t.Parallel()
	s := newStation(t, 6)
	options := []ballotbox.Option{{ID: "1", Name: "Ada"}, {ID: "2", Name: "Bo"}, {ID: "3", Name: "Cy"}}
	for i, tc := range []struct {
		o       ballot.Opening
		shown   string
		form    url.Values
		refused url.Values
		words   string
		choice  string
	}{
		{ballot.Opening{Method: ballotbox.Marks, Rule: "approval/v1", Seats: 1, Options: options, Settings: ballotbox.Settings{Max: 2}}, `type="checkbox" name="marks"`,
			url.Values{"marks": {"2", "0"}}, url.Values{"marks": {"2", "0", "1"}}, "You marked 3", `{"marks":[0,2]}`},
		{ballot.Opening{Method: ballotbox.Vote, Rule: "majority/v1", Settings: ballotbox.Settings{Block: true}}, `value="block"`,
			url.Values{"vote": {"block"}}, url.Values{}, "Choose one", `{"vote":"block"}`},
		{ballot.Opening{Method: ballotbox.Points, Rule: "dots/v1", Options: options, Settings: ballotbox.Settings{Dots: 5}}, `name="points-2"`,
			url.Values{"points-0": {"2"}, "points-1": {""}}, url.Values{"points-0": {"x"}}, "not a whole number", `{"points":[2,0,0]}`},
		{ballot.Opening{Method: ballotbox.Ranking, Rule: "schulze/wv+last", Seats: 1, Options: options}, "Equal numbers are equal",
			url.Values{"rank-0": {"1"}, "rank-1": {"1"}}, url.Values{"rank-0": {"2"}}, "leave none out", `{"rank":[1,1,0]}`},
	} {
		tc.o.Subject, tc.o.Title = ref.Ref{Kind: "decision", ID: id.ID(20 + i)}, "Question"
		s.open(tc.o)
		w := s.ask("1001", "GET", s.at(""), "", "")
		s.see(w, 200, tc.shown)
		m := codeField.FindStringSubmatch(w.Body.String())
		tc.form.Set("code", m[1])
		tc.refused.Set("code", m[1])
		s.see(s.ask("1001", "POST", s.at("/vote"), asForm, tc.refused.Encode()), 422, tc.words)
		s.see(s.ask("1001", "POST", s.at("/vote"), asForm, tc.form.Encode()), 200, "Your ballot is in the box")
		f := s.close()
		if len(f.Ballots) != 1 || f.Ballots[0].Choice != tc.choice {
			t.Errorf("the box has %v", f.Ballots)
		}
		s.see(s.ask("", "GET", s.at(""), "", ""), 200, "Recount it yourself")
		s.clock.Set(testkit.Start)
	}
}

// The order on the paper is each member's own and stays; no candidate is always first.
func TestTheOrderOnThePaperIsShuffled(t *testing.T) {
	t.Parallel()
	s := newStation(t, 60)
	first := map[string]int{}
	order := regexp.MustCompile(`data-option="(\d)"`)
	for i := range 60 {
		who := fmt.Sprint(1000 + i)
		w := s.ask(who, "GET", s.at(""), "", "")
		again := s.ask(who, "GET", s.at(""), "", "")
		m := order.FindAllStringSubmatch(w.Body.String(), -1)
		if len(m) != 3 || fmt.Sprint(m) != fmt.Sprint(order.FindAllStringSubmatch(again.Body.String(), -1)) {
			t.Fatalf("the order is %v and changes", m)
		}
		first[m[0][1]]++
	}
	for _, o := range []string{"0", "1", "2"} {
		if first[o] < 8 {
			t.Errorf("who comes first: %v", first)
		}
	}
}
