package election_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"rochdale/internal/ballot"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
)

// station is a co-op with the pages of its elections.
type station struct {
	*hall
	http.Handler
}

func newStation(tb testing.TB, members int) *station {
	tb.Helper()
	c := clock.NewFake(testkit.Start)
	s := &station{hall: newHall(tb, testkit.SQLite(tb, schema, c), c, members)}
	frame := func(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error) {
		p := ui.PageProps{Title: title, Site: "Tideline", Theme: ui.Theme(r.URL.Query().Get("theme"))}
		p.Flash = web.TakeFlash(w, r)
		return p, nil
	}
	people := func(_ context.Context, who []id.ID) (map[id.ID]ui.Person, error) {
		out := map[id.ID]ui.Person{}
		for i, p := range s.people {
			if slices.Contains(who, p.Member) {
				out[p.Member] = ui.Person{Name: s.nameOf(i), Handle: fmt.Sprintf("@m%d", i+1), Href: fmt.Sprintf("/@m%d", i+1)}
			}
		}
		return out, nil
	}
	booths := &ballot.Pages{Service: s.ballots, Frame: frame, People: people, Subject: func(context.Context, ref.Ref) (string, error) { return "/elections", nil }}
	pages := &election.Pages{Service: s.Service, Frame: frame, People: people,
		Members: func(context.Context) ([]ui.Option, error) {
			out := []ui.Option{{Label: "Choose a member"}}
			for i, p := range s.people {
				out = append(out, ui.Option{Value: p.Member.String(), Label: s.nameOf(i)})
			}
			return out, nil
		},
		Booth: func(r *http.Request, subject ref.Ref) (templ.Component, bool, error) {
			v, ok, err := booths.Booth(r, subject)
			return ballot.Booth(v), ok, err
		}}
	session := func(_ context.Context, cookie string) (authz.Actor, error) {
		i := slices.IndexFunc(s.people, func(a authz.Actor) bool { return a.Member == id.Parse(cookie) })
		if i < 0 {
			return authz.Actor{}, nil
		}
		a := s.people[i]
		a.Account = a.Member // pages ask for an account; here it is nobody's
		return a, nil
	}
	files := assets.Handler()
	routes := append(append(pages.Routes(), booths.Routes()...), web.Route{Pattern: "GET " + assets.Prefix, Style: web.Plain, Handler: func(w http.ResponseWriter, r *http.Request) error {
		files.ServeHTTP(w, r)
		return nil
	}})
	server, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Clock: c, Session: session}, routes)
	s.ok(err)
	s.Handler = server
	return s
}

// nameOf is what a member is called; one has a name that is hard to lay out.
func (s *station) nameOf(person int) string {
	if person == 2 {
		return "Dr. Wilhelmina Featherstonehaugh-Cholmondeley of Llanfairpwllgwyngyll"
	}
	return fmt.Sprintf("Member %d", person+1)
}

// nobody is a visitor.
const nobody = -1

// get and post make a request as a person, and see what comes back.
func (s *station) get(who int, path string, status int, words ...string) string {
	s.t.Helper()
	return s.ask(who, httptest.NewRequest(http.MethodGet, path, nil), status, words...)
}

func (s *station) post(who int, e election.Election, verb string, form url.Values, status int, words ...string) string {
	s.t.Helper()
	r := httptest.NewRequest(http.MethodPost, fmt.Sprintf("/elections/%d/%s", e.Number, verb), strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.ask(who, r, status, words...)
}

// ask fails where the page lacks a word, or has one that begins with "!".
func (s *station) ask(who int, r *http.Request, status int, words ...string) string {
	s.t.Helper()
	if who != nobody {
		r.AddCookie(&http.Cookie{Name: web.SessionCookie, Value: s.people[who].Member.String()})
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	body := w.Body.String()
	if w.Code != status {
		_, main, _ := strings.Cut(body, "<main")
		s.t.Errorf("%s %s by %d: %d, not %d: %.1500s", r.Method, r.URL, who, w.Code, status, main)
	}
	for _, x := range words {
		unwanted, absent := strings.CutPrefix(x, "!")
		if absent == strings.Contains(body, first(absent, unwanted, x)) {
			_, main, _ := strings.Cut(body, "<main")
			s.t.Errorf("%s %s by %d: does it say %q? %.9000s", r.Method, r.URL, who, x, main)
		}
	}
	return body
}

func first[T any](ok bool, a, b T) T {
	if ok {
		return a
	}
	return b
}

func at(e election.Election, part string) string {
	return fmt.Sprintf("/elections/%d%s", e.Number, part)
}

// The pages of an election with a secret ballot, from the first nomination to the offices.
func TestPagesOfASecretElection(t *testing.T) {
	t.Parallel()
	s := newStation(t, 9)
	s.get(nobody, "/elections", 200, "No election yet", "!Put a motion")
	s.get(1, "/elections", 200, "Put a motion to hold one")
	s.get(1, "/elections?before=nonsense", 200, "No election yet")
	s.get(1, "/elections?before=-7", 200, "No election yet")
	s.get(1, "/elections?before=7", 200, "There are no older elections")
	for _, path := range []string{"/elections/1", "/elections/0", "/elections/x", "/elections/99999999999999999999", "/elections/1/count", "/elections/1/officer"} {
		s.get(1, path, 404)
	}
	e := s.announce("Treasurer", 1)

	// Nominations.
	s.get(1, "/elections", 200, "Stand, or nominate somebody", "Under way", "!your turn")
	s.get(nobody, at(e, ""), 200, "Treasurer", "Nobody stands yet", "Members stand and nominate here", "!I stand", "!Ask all candidates", "Powers")
	s.get(1, at(e, ""), 200, "I stand", "Nominate somebody", "Choose a member", "Ask all candidates")
	s.get(nobody, at(e, "/count"), 404, "not been counted yet")
	s.post(1, e, "nominate", url.Values{"statement": {"I count <b>twice</b>."}, "affiliation": {"A bank"}}, 303)
	s.post(2, e, "nominate", url.Values{"statement": {"So do I."}}, 303)
	s.post(1, e, "nominate", url.Values{"member": {s.people[3].Member.String()}}, 303)
	body := s.get(3, at(e, ""), 200, "You have been nominated", "Accept, and stand", "Decline", "nominated by", "A bank", "I count")
	if strings.Contains(body, "<b>twice") {
		t.Error("a statement is shown as it was typed")
	}
	s.get(3, "/elections", 200, "It is your turn", "accept or decline")
	s.get(1, "/elections", 200, "You stand")
	list, err := s.Candidates(s.ctx, s.db, e.ID)
	s.ok(err)
	one, two, asked := list[0].ID.String(), list[1].ID.String(), list[2].ID.String()
	s.post(3, e, "accept", url.Values{"candidate": {asked}, "statement": {"If you ask me."}}, 303)
	s.get(3, at(e, ""), 200, "Your statement", "If you ask me.</textarea>", "Withdraw")
	s.post(4, e, "endorse", url.Values{"candidate": {one}}, 303)
	s.get(4, at(e, ""), 200, "endorsed by you")
	s.post(4, e, "ask", url.Values{"text": {"How often do you count?"}}, 303)
	questions, _, err := s.Questions(s.ctx, e.ID)
	s.ok(err)
	s.get(1, at(e, ""), 200, "Nobody has answered yet", "Your answer")
	s.post(1, e, "reply", url.Values{"to": {questions[0].ID.String()}, "text": {"Twice."}}, 303)
	s.get(1, at(e, ""), 200, "Twice.</textarea>")
	s.get(nobody, at(e, ""), 200, "How often do you count?", "Twice.", "!Your answer")

	// The final list, in an order of the reader's own, and the vote.
	s.until(e.FinalAt)
	s.get(5, at(e, ""), 200, "candidates final", "!I stand", "!Endorse", "Ask all candidates")
	s.get(5, "/elections", 200, "Read what the candidates say")
	s.until(e.OpensAt)
	e = s.is(e, election.Open)
	s.get(nobody, at(e, ""), 200, "Members on the roll", "/sign-in?next=", "0 of 9 voted", "Turnout")
	s.get(5, at(e, ""), 200, `id="booth"`, "Cast my ballot", "Read what the candidates say", "!checked", "!selected>1")
	s.get(5, "/elections", 200, "It is your turn", "Vote")
	late := s.join()
	if late.Member == 0 {
		t.Fatal("nobody joined")
	}
	s.get(9, at(e, ""), 200, "not on the roll", "!Cast my ballot")
	s.get(9, "/elections", 200, "You are not on the roll")
	for person, ranks := range map[int][]int{4: {1, 2, 3}, 5: {1, 3, 2}, 6: {2, 1, 3}, 7: {1, 0, 0}} {
		s.vote(e, person, ranks...)
	}
	s.get(4, "/elections", 200, "can change your vote", "!your turn")
	s.get(4, at(e, ""), 200, "4 of 9 voted", "Change my vote")
	s.post(4, e, "vote", url.Values{"rank-0": {"1"}}, 422, "secret")
	s.get(0, at(e, "/officer"), 200, "Papers given out", "Prolong the vote", "Nobody yet")
	s.get(nobody, at(e, "/officer"), 303)

	// The count.
	s.until(e.ClosesAt)
	e = s.is(e, election.Counted)
	s.get(nobody, at(e, ""), 200, "Elected: Member 2", "4 of 9 voted", "has not accepted yet", "stage by stage", "recount it", "!Ask all", "!You are elected")
	m := s.mandateOf(e, 1)
	s.get(1, at(e, ""), 200, "You are elected", "/mandates/"+m.ID.String()+"/accept", "the next in the count is asked")
	s.get(1, "/elections", 200, "It is your turn", "accept the office")
	s.get(nobody, at(e, "/count"), 200, "single transferable vote, Scottish rules", "<svg", "In words", "Stage 1 of 1", "elected", "first preferences")
	for _, query := range []string{"?stage=1", "?stage=0", "?stage=99", "?stage=x", "?stage="} {
		s.get(nobody, at(e, "/count"+query), 200, "Stage 1 of 1")
	}
	s.ok(s.mandate.Accept(s.ctx, s.people[1], m.ID))
	s.tick()
	e = s.is(e, election.Filled)
	s.get(1, at(e, ""), 200, "done", "!You are elected", "!has not accepted")
	s.get(5, "/elections", 200, "Past elections", "Elected: Member 2", "No election is under way", "until when")
	s.get(5, at(e, "/officer"), 200, "!I observe", "!Prolong")
	_ = two
}

// What each door refuses, to whom, and with which page: what was typed is kept.
func TestDoorsOfElections(t *testing.T) {
	t.Parallel()
	s := newStation(t, 9)
	e := s.announce("Chair", 1)
	list := s.stand(e, 1, 2)
	q, err := s.Ask(s.ctx, s.people[4], e.ID, "Why?")
	s.ok(err)
	one, question := list[0].ID.String(), q.ID.String()
	long := strings.Repeat("long ", election.MaxText/5+1)
	values := func(pairs ...string) url.Values {
		v := url.Values{}
		for i := 0; i+1 < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
		return v
	}
	type door struct {
		verb   string
		who    int
		form   url.Values
		status int
		words  []string
	}
	run := func(doors []door) {
		t.Helper()
		for _, d := range doors {
			s.post(d.who, e, d.verb, d.form, d.status, d.words...)
		}
	}
	for _, verb := range []string{"nominate", "accept", "decline", "withdraw", "endorse", "ask", "reply", "object", "vote", "observe", "strike", "restore", "extend"} {
		body := s.post(nobody, e, verb, values("candidate", one, "to", question, "text", "x", "reason", "x", "days", "1"), 401)
		if strings.Contains(body, "<h1>Chair") {
			t.Errorf("%s: a visitor is shown the form", verb)
		}
		s.post(3, election.Election{Number: 77}, verb, nil, 404)
	}
	run([]door{
		{"nominate", 3, values("statement", long, "affiliation", "The Guild"), 422, []string{"keep the statement to", "long long", `value="The Guild"`, `aria-invalid="true"`}},
		{"nominate", 3, values("affiliation", strings.Repeat("x", 101)), 422, []string{"keep the affiliation"}},
		{"nominate", 3, values("reserved", "the young"), 422, []string{"No seat is reserved"}},
		{"nominate", 3, values("title", "A tree"), 422, []string{"Candidates are members"}},
		{"nominate", 1, values("statement", "Again"), 422, []string{"nominated already"}},
		{"accept", 3, values("candidate", one), 403, nil},
		{"accept", 1, values("candidate", "7"), 404, nil},
		{"accept", 1, values("candidate", one, "statement", long), 422, []string{"keep the statement to", "long long"}},
		{"decline", 3, values("candidate", one), 403, nil},
		{"withdraw", 3, values("candidate", one), 403, nil},
		{"endorse", 1, values("candidate", one), 403, nil},
		{"endorse", 3, values("candidate", "x"), 404, nil},
		{"endorse", 3, values("candidate", one), 303, nil},
		{"endorse", 3, values("candidate", one), 422, []string{"Your name is there already"}},
		{"ask", 3, values("text", " "), 422, []string{"1 to 1000 characters"}},
		{"ask", 3, values("text", long), 422, []string{"1 to 1000 characters", "long long"}},
		{"reply", 3, values("to", question, "text", "I say"), 403, nil},
		{"reply", 1, values("to", "7", "text", "I say"), 404, nil},
		{"reply", 1, values("to", question, "text", long), 422, []string{"1 to 3000 characters", "long long"}},
		{"object", 3, values("candidate", one), 422, []string{"was not ruled out"}},
		{"vote", 3, values("rank-0", "1"), 422, nil},
		{"observe", 3, nil, 303, nil},
		{"strike", 3, values("candidate", one, "reason", "because"), 403, nil},
		{"strike", 0, values("candidate", one, "reason", " "), 422, []string{"Returning officer", "Please say why", `aria-invalid="true"`}},
		{"restore", 0, values("candidate", one, "reason", "It stands"), 422, []string{"Returning officer", "was not ruled out"}},
		{"extend", 0, values("days", "0", "reason", "An outage"), 422, []string{"1 day or more", "An outage", "Prolong nominations"}},
		{"extend", 0, values("days", "x", "reason", "An outage"), 422, []string{"1 day or more", `value="x"`}},
		{"extend", 3, values("days", "2", "reason", "An outage"), 403, nil},
		{"extend", 1, values("days", "2", "reason", "More time for me"), 403, nil},
		{"extend", 0, values("days", "2", "reason", "An outage"), 303, nil},
		{"extend", 0, values("days", "2", "reason", "Another"), 422, []string{"once already"}},
		{"strike", 0, values("candidate", one, "reason", "Not a member of the right kind"), 303, nil},
	})
	s.get(3, at(e, ""), 200, "ruled out: Not a member of the right kind", "Object (0)")
	s.get(3, at(e, "/officer"), 200, "Member 4", "!Rule on nominations")
	s.get(0, at(e, "/officer"), 200, "Rule on nominations", "Restore", "!Prolong nominations")
	s.post(0, e, "restore", values("candidate", one, "reason", "I was wrong"), 303)
	s.post(1, e, "withdraw", values("candidate", one), 303)
	s.get(3, at(e, ""), 200, "has withdrawn")

	// Once the list is final nothing of it can be changed.
	e, err = s.Get(s.ctx, s.db, e.ID)
	s.ok(err)
	s.until(e.FinalAt)
	e, err = s.Get(s.ctx, s.db, e.ID)
	s.ok(err)
	run([]door{
		{"nominate", 3, values("statement", "Too late"), 422, []string{"over"}},
		{"endorse", 4, values("candidate", list[1].ID.String()), 422, []string{"not open"}},
	})
}

// A small co-op votes by name; a changed vote starts from what it was.
func TestPagesOfAVoteByName(t *testing.T) {
	t.Parallel()
	s := newStation(t, 4)
	e := s.announce("Chair", 1)
	s.stand(e, 1, 2)
	e = s.open(e)
	s.get(nobody, at(e, ""), 200, "by name", "sign in", "would not be secret", "!Your vote")
	s.get(3, at(e, ""), 200, "Your vote", "!selected>1<", "Reason")
	s.get(3, "/elections", 200, "It is your turn")
	s.post(3, e, "vote", url.Values{"rank-0": {"1"}, "rank-1": {"1"}, "reason": {"Both are good"}}, 422, "Member 2 and Member 3", "both have the number 1", "Both are good")
	s.post(3, e, "vote", url.Values{"rank-0": {"1"}, "reason": {strings.Repeat("x", 2001)}}, 422, "keep the reason", "!<option selected>")
	s.post(nobody, e, "vote", url.Values{"rank-0": {"1"}}, 401)
	s.post(3, e, "vote", url.Values{"rank-0": {"2"}, "rank-1": {"1"}, "reason": {"She listens"}}, 303)
	s.get(3, at(e, ""), 200, "Change my vote", `value="1" selected`, `value="2" selected`, "She listens", "!Ballots</h2>")
	s.get(3, "/elections", 200, "You have voted, and can change your vote")
	s.get(0, at(e, ""), 200, "!She listens")
	s.join()
	s.get(4, at(e, ""), 200, "not on the roll")
	s.post(4, e, "vote", url.Values{"rank-0": {"1"}}, 403)
	s.ok(s.Vote(s.ctx, s.people[0], e.ID, ballotbox.Choice{Rank: []int{1, 2}}, ""))
	s.until(e.ClosesAt)
	e = s.is(e, election.Counted)
	s.get(3, at(e, ""), 200, "Ballots</h2>", "She listens", "1 ", "!Change my vote")
	s.get(nobody, at(e, ""), 200, "Elected", "!She listens")
	s.post(3, e, "vote", url.Values{"rank-0": {"1"}}, 422, "not open")
}

// Budgets, panels, elections without ballots, and those that fail.
func TestPagesOfOtherElections(t *testing.T) {
	t.Parallel()
	s := newStation(t, 9)
	failed := s.announce("Nobody's office", 1)
	for range 2 { // nominations are prolonged once by themselves
		failed, _ = s.Get(s.ctx, s.db, failed.ID)
		s.until(failed.FinalAt)
	}
	s.get(nobody, at(s.is(failed, election.Failed), ""), 200, "failed", "Nobody stands")
	s.get(nobody, at(failed, "/count"), 404)
	s.get(nobody, "/elections", 200, "Past elections")
	s.decide(election.Hold, map[string]any{"body": s.root, "kind": election.Budget, "sum": 10000, "decimals": 2})
	budget := s.newest()
	s.get(nobody, at(budget, ""), 200, "No project yet", "100.00", "!Questions to the candidates")
	s.get(2, "/elections", 200, "Put a project forward")
	s.post(2, budget, "nominate", url.Values{"title": {"A bench"}, "cost": {"sixty"}, "statement": {"To sit on"}}, 422, "Write the cost as a number", `value="A bench"`, `value="sixty"`, "To sit on")
	s.post(2, budget, "nominate", url.Values{"title": {"A palace"}, "cost": {"100.01"}}, 422, "no more than there is", `value="A palace"`)
	s.post(2, budget, "nominate", url.Values{"title": {""}, "cost": {"10"}}, 422, "has a title")
	s.post(2, budget, "nominate", url.Values{"title": {"A bench"}, "cost": {"60,00"}}, 303)
	s.post(3, budget, "nominate", url.Values{"title": {"A tree, not a shrub, with a bench around its trunk and a plaque"}, "cost": {"30.5"}}, 303)
	s.get(nobody, at(budget, ""), 200, "A bench", "60.00", "30.50", "put forward by", "!Endorse")
	budget = s.open(budget)
	s.get(5, at(budget, ""), 200, `name="marks"`, "A bench", "what each project is and costs")
	v, _, err := s.ballots.Of(s.ctx, s.db, budget.Ref())
	s.ok(err)
	for _, p := range []int{4, 5, 6} {
		_, err := s.ballots.VoteFor(s.ctx, s.people[p], v.ID, newCode(t), "", ballotbox.Choice{Marks: []int{0, 1}})
		s.ok(err)
	}
	s.until(budget.ClosesAt)
	s.decide(election.Hold, map[string]any{"body": s.root, "kind": election.Panel, "office": "Member of the panel", "seats": 2, "days": 90})
	panel := s.newest()
	s.get(nobody, at(panel, ""), 200, "nobody votes", "drawn")
	s.stand(panel, 1, 2, 3, 4)
	alone := s.announce("Auditor", 2)
	s.stand(alone, 4, 5)

	s.until(alone.FinalAt)
	budget = s.is(budget, election.Filled)
	s.get(nobody, at(budget, ""), 200, "2 projects are paid for", "90.50 of 100.00", "paid for")
	s.get(nobody, at(budget, "/count"), 200, "method of equal shares", "A bench", "In words")
	s.get(nobody, at(s.is(panel, election.Counted), ""), 200, "The lot was drawn", "Elected: ")
	s.get(nobody, at(panel, "/count"), 200, "a draw by lot", "In words")
	s.get(4, at(s.is(alone, election.Counted), ""), 200, "No ballot was needed", "You are elected", "!stage by stage")
	s.get(nobody, at(alone, "/count"), 200)
	s.get(nobody, "/elections", 200, "Past elections", "2 projects are paid for")
}

// An election says that its ballots will be sealed, and does not where too few offered to be scrutineers.
func TestAnElectionSaysWhetherItsBallotsAreSealed(t *testing.T) {
	const step, form = ">sealed <small>", "Offer to be a scrutineer"
	for offers, says := range map[int]string{3: "", 1: "!"} {
		s := newStation(t, 9)
		s.adopts(sealed)
		e := s.announce("Treasurer", 1)
		s.stand(e, 1, 2)
		for p := range offers {
			s.ok(s.offer(e, 3+p))
		}
		s.get(7, at(e, ""), http.StatusOK, step, form)
		s.get(1, at(e, ""), http.StatusOK, step, "!"+form) // a candidate
		s.until(e.FinalAt)
		e = s.is(e, election.Final)
		s.until(e.OpensAt)
		if offers < 2 { // it was put off
			e = s.is(e, election.Final)
			s.until(e.OpensAt)
		}
		e = s.is(e, election.Open)
		s.get(7, at(e, ""), http.StatusOK, says+step, "!"+form)
		if offers < 2 {
			s.get(7, at(e, ""), http.StatusOK, "The ballots of this vote are not sealed: it takes 2 scrutineers, and 1 offered themselves.")
		}
	}
}
