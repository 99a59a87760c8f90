package site

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/member"
	"rochdale/internal/record"
)

// write appends an entry and returns its number.
func (p *place) write(tb testing.TB, e record.Entry) int64 {
	tb.Helper()
	var out record.Event
	if err := p.DB.InDurableTx(context.Background(), func(tx *db.Tx) (err error) {
		out, err = p.Record.Append(context.Background(), tx, e)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	return out.Seq
}

// The record is read and narrowed without script: by kind, days, what, whom and authority, page by page.
func TestRecordCanBeNarrowed(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	c.Advance(24 * time.Hour)
	for i := range 60 {
		p.write(t, record.Entry{Kind: "decision.voted", Subject: to("vote", 500+id.ID(i)), Member: to("member", mara.Member), Data: anything{"decision": "12", "version": 1}})
	}
	c.Advance(24 * time.Hour)
	under := authz.Authority{Kind: authz.Mandate, ID: 77}
	p.write(t, record.Entry{Kind: "decision.published", Subject: to("decision", 12), Member: to("member", mara.Member), State: anything{"number": 7, "title": "Repaint the slip"}})
	p.write(t, record.Entry{Kind: "act.moderation.suspend", Subject: to("account", 9), Member: to("member", mara.Member), Authority: under,
		Data: anything{"level": "suspend", "account": "@x@y.example", "class": "harassment"}, Private: anything{"reason": "She was threatened."}})

	s := p.surf(t)
	s.get("/record")
	s.sees("Mara Okafor published motion 7 “Repaint the slip”", "Mara Okafor voted on motion 7", "sort of reason: harassment")
	s.misses("threatened")
	if got := s.href("motion 7"); got != "/decisions/7" {
		t.Errorf("a motion is at %s", got)
	}
	if got := s.href("Mara Okafor"); got != "/@mara" {
		t.Errorf("a member is at %s", got)
	}
	s.follow("Older")
	s.sees("The co-op Tideline Co-op was founded.", "by the founding")
	s.follow("Newer")
	s.at("/record")

	s.get("/record?kind=moderation")
	s.sees("suspended @x@y.example")
	s.misses("published")
	s.follow("Entry ")
	s.sees("the reason itself is confidential", "all that it permitted", "Personal data is kept apart")
	s.misses("threatened")
	s.follow("all that it permitted")
	s.sees("suspended @x@y.example", "Authority:")
	s.misses("published", "founded")
	s.follow("Show all again")
	s.sees("published")

	s.get("/record?from=2027-01-06&until=2027-01-06")
	s.sees("published", "suspended")
	s.misses("voted", "founded")
	s.get("/record?until=2027-01-04")
	s.sees("founded")
	s.misses("voted", "published")
	s.get("/record?subject=decision:12&until=2027-01-06") // a motion's whole life, the votes as far as they are public
	s.sees("published", "About:", "voted on")
	s.misses("suspended")
	s.get("/record?member=member:" + mara.Member.String() + "&kind=decision.published")
	s.sees("published", "Done by:")
	s.misses("voted on", "suspended")
	if s.value("kind") != "decision.published" {
		t.Errorf("the filter shows %q", s.value("kind"))
	}
	s.get("/record?kind=rules&subject=decision:12")
	s.sees("No entries of this kind", "Show everything")
	for _, nonsense := range []string{"kind=x", "kind=act.%25", "subject=x", "subject=:5", "member=member:99999999999999999999999", "from=tomorrow", "until=9999-99-99", "before=-1", "before=x"} {
		s.get("/record?" + nonsense)
		if s.status != http.StatusOK {
			t.Errorf("%s answers %d", nonsense, s.status)
		}
		s.sees("published")
	}
	sound(t, s)
}

// An entry shows what it changed, compared with the state before, and what happened with it.
func TestEntryShowsWhatItChanged(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	body := to("body", 21)
	p.write(t, record.Entry{Kind: "body.formed", Subject: body, State: anything{"handle": "slip", "name": "Slipway", "aim": "Keep the slip clear", "domain": []string{"crane.use"}}})
	c.Advance(time.Hour)
	was := p.write(t, record.Entry{Kind: "body.noted", Subject: body})
	c.Advance(time.Hour)
	n := p.write(t, record.Entry{Kind: "act.body.change", Subject: body, Member: to("member", mara.Member), Reason: "As we said.",
		State: anything{"handle": "slip", "name": "Slipway", "aim": "Keep the slip and the crane clear", "domain": []string{"crane.use", "crane.lend"}, "dissolved": "2027-06-01T10:00:00Z"}})
	p.write(t, record.Entry{Kind: "body.noted", Subject: body})
	last := p.write(t, record.Entry{Kind: "act.body.dissolve", Subject: body, State: record.Gone})

	s := p.surf(t)
	s.get("/record/" + seq(n))
	s.sees("What it changed", "Compared with", "Aim", "and the crane", "crane.use", "crane.lend", "Dissolved", "1 June 2027", "As we said.", "At the same moment", "body.noted", "dissolved the body “Slipway”")
	if del := len(s.each("del")) + len(s.each("ins")); del == 0 {
		t.Error("nothing is marked as changed")
	}
	for _, dt := range s.each("dt") {
		if name := strings.TrimSpace(textOf(dt)); name == "Name" || name == "Short name" {
			t.Errorf("%s did not change", name)
		}
	}
	sound(t, s)
	s.get("/record/" + seq(was))
	s.misses("What it changed")
	s.get("/record/" + seq(last))
	s.sees("It is no more", "Slipway")
	s.get("/record/3")
	s.sees("This is the first that the record says about it.", "Version", "Voting")
}

// Personal data is for who holds the power of the act by a mandate, and for whom it is about.
func TestCaseFileIsForThoseEntitled(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	jun := p.admit(t, mara, "Jun Abe", "jun")
	ines := p.admit(t, mara, "Inês Carvalho", "ines")
	act := p.write(t, record.Entry{Kind: "act." + member.Admit, Subject: to("member", jun.Member), Member: to("member", ines.Member),
		Authority: authz.Authority{Kind: authz.Mandate, ID: 5}, Private: anything{"reason": "The letter of the third."}})
	vote := p.write(t, record.Entry{Kind: "decision.voted", Subject: to("vote", 9), Member: to("member", jun.Member), Private: anything{"choice": "disagree"}})
	unknown := p.write(t, record.Entry{Kind: "act.crane.lift", Member: to("member", jun.Member), Private: anything{"reason": "Nobody holds this."}})

	closed := p.write(t, record.Entry{Kind: "act.crane.close", Subject: to("account", jun.Account), Member: to("member", ines.Member), Private: anything{"reason": "It sold cranes."}})

	look := func(who string, n int64, words string, sees bool) {
		t.Helper()
		s := p.surf(t)
		if who != "" {
			s = p.as(t, who)
		}
		s.get("/record/" + seq(n))
		if got := strings.Contains(s.text(), words); got != sees || s.status != http.StatusOK {
			t.Errorf("%q sees %q at %d: %v (%d)", who, words, n, got, s.status)
		}
	}
	look("mara", act, "The letter of the third.", true) // holds every power by the founding mandate
	look("jun", act, "The letter of the third.", true)  // it is about him
	look("jun", act, "because it is about you", true)
	look("ines", act, "The letter", false) // did it, and holds nothing
	look("", act, "The letter", false)
	look("", act, "Personal data is kept apart", true)
	look("jun", vote, "disagree", true)
	look("mara", vote, "disagree", false)
	look("", vote, "disagree", false)
	look("jun", closed, "It sold cranes.", true)
	look("mara", closed, "It sold cranes.", false)
	look("jun", unknown, "Nobody holds this", false) // acts are not their doers' own
	look("mara", unknown, "Nobody holds this", false)
	c.Advance(91 * 24 * time.Hour) // the mandate is over
	look("mara", act, "The letter", false)
	if err := p.DB.InTx(t.Context(), func(tx *db.Tx) error { return p.Record.ErasePrivate(t.Context(), tx, act) }); err != nil {
		t.Fatal(err)
	}
	look("jun", act, "has been deleted", true)
}

// answer is what came back, read to its end.
type answer struct {
	StatusCode int
	Header     http.Header
}

func fetch(t *testing.T, p *place, path string, header ...string) (answer, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, p.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := p.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header}, b
}

func TestRecordFeeds(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	c.Advance(time.Hour)
	for range 55 {
		p.write(t, record.Entry{Kind: "crane.lifted", Data: anything{"note": "<&\x01>"}, Reason: "a < b\x01"})
	}
	c.Advance(time.Hour)
	last := p.write(t, record.Entry{Kind: "act.crane.lift", Member: to("member", mara.Member), Private: anything{"reason": "secret"}})

	s := p.surf(t)
	s.get("/record?kind=acts")
	var found []string
	for _, l := range s.each("link") {
		if attr(l, "rel") == "alternate" {
			found = append(found, attr(l, "type")+" "+attr(l, "href"))
		}
	}
	if want := "application/atom+xml /record.atom?kind=acts application/feed+json /record.json?kind=acts"; strings.Join(found, " ") != want {
		t.Errorf("feeds: %v", found)
	}

	res, b := fetch(t, p, "/record.atom")
	var atom atomFeed
	if err := xml.Unmarshal(b, &atom); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if len(atom.Entries) != recordPage || atom.Entries[0].ID != p.Site.URL+"/record/"+seq(last) || !strings.HasPrefix(atom.Entries[0].Title, "Mara Okafor used a power") || atom.Updated != "2027-01-04T11:00:00Z" {
		t.Errorf("%d entries, first %+v, updated %s", len(atom.Entries), atom.Entries[0], atom.Updated)
	}
	if ct := res.Header.Get("Content-Type"); ct != "application/atom+xml; charset=utf-8" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", res.Header)
	}
	next := ""
	for _, l := range atom.Links {
		if l.Rel == "next" {
			next = strings.TrimPrefix(l.Href, p.Site.URL)
		}
	}
	if _, b := fetch(t, p, next); xml.Unmarshal(b, &atom) != nil || !strings.Contains(string(b), "was founded") {
		t.Errorf("the next page %s: %s", next, b)
	}

	res, b = fetch(t, p, "/record.json?kind=acts")
	var feed jsonFeed
	if err := json.Unmarshal(b, &feed); err != nil || res.Header.Get("Content-Type") != "application/feed+json; charset=utf-8" {
		t.Fatalf("%v: %s", err, b)
	}
	if feed.Version != "https://jsonfeed.org/version/1.1" || len(feed.Items) != 1 || feed.Items[0].Record.Kind != "act.crane.lift" || feed.Items[0].Record.Seq != last || strings.Contains(string(b), "secret") {
		t.Errorf("%s", b)
	}
	if _, b := fetch(t, p, "/record.json?kind=rules"); !strings.Contains(string(b), `"items":[`) {
		t.Errorf("%s", b)
	}

	for name, value := range map[string]string{"If-None-Match": res.Header.Get("ETag"), "If-Modified-Since": res.Header.Get("Last-Modified")} {
		if again, _ := fetch(t, p, "/record.json?kind=acts", name, value); again.StatusCode != http.StatusNotModified || value == "" {
			t.Errorf("%s %q answers %d", name, value, again.StatusCode)
		}
	}
	p.write(t, record.Entry{Kind: "act.crane.lift", Member: to("member", mara.Member)})
	if again, _ := fetch(t, p, "/record.json?kind=acts", "If-None-Match", res.Header.Get("ETag")); again.StatusCode != http.StatusOK {
		t.Errorf("a new entry answers %d", again.StatusCode)
	}
}

// What checkers ask for holds when somebody else's code checks it.
func TestRecordProofs(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	for _, path := range []string{"/record/checkpoint", "/record/key"} {
		if res, b := fetch(t, p, path); res.StatusCode != http.StatusNotFound || !strings.Contains(string(b), "No checkpoint") {
			t.Errorf("%s answers %d %s", path, res.StatusCode, b)
		}
	}
	if _, err := p.Record.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	size, err := p.Record.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, record.Entry{Kind: "crane.lifted", Data: anything{"note": "größer <b>&\u2028"}})
	if _, err := p.Record.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	res, signed := fetch(t, p, "/record/checkpoint")
	if res.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%v", res.Header)
	}
	_, key := fetch(t, p, "/record/key")
	v, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(n.Text, "\n")
	root, err := tlog.ParseHash(lines[2])
	if err != nil || lines[0] != p.Site.Host+"/record" || lines[1] != strconv.FormatInt(size+1, 10) {
		t.Fatalf("%q %v", lines, err)
	}
	var proof record.Inclusion
	_, b := fetch(t, p, "/record/proof?seq="+seq(size+1)+"&size="+seq(size+1))
	if err := json.Unmarshal(b, &proof); err != nil || proof.Root != root.String() || !strings.Contains(proof.Leaf, "größer") {
		t.Errorf("%v: %s", err, b)
	}
	path := make([]tlog.Hash, len(proof.Path))
	for i, x := range proof.Path {
		if path[i], err = tlog.ParseHash(x); err != nil {
			t.Fatal(err)
		}
	}
	if err := tlog.CheckRecord(path, size+1, root, size, tlog.RecordHash([]byte(proof.Leaf))); err != nil {
		t.Error(err)
	}
	if res, b := fetch(t, p, "/record/checkpoint?size="+seq(size)); res.StatusCode != http.StatusOK || !strings.Contains(string(b), "\n"+seq(size)+"\n") {
		t.Errorf("%d %s", res.StatusCode, b)
	}
	for path, want := range map[string]int{"/record/consistency?from=" + seq(size) + "&to=" + seq(size+1): 200, "/record/consistency": 422, "/record/consistency?from=1&to=" + seq(size+2): 422,
		"/record/consistency?from=x&to=2": 422, "/record/proof?seq=" + seq(size+2): 404, "/record/proof": 404, "/record/proof?seq=1&size=9999": 422, "/record/checkpoint?size=1": 404, "/record/checkpoint?size=x": 404,
		"/record/0": 404, "/record/" + seq(size+2): 404, "/record/" + seq(size+2) + "/check": 404, "/record/x/check": 404} {
		if res, b := fetch(t, p, path); res.StatusCode != want {
			t.Errorf("%s answers %d %s", path, res.StatusCode, b)
		}
	}
}

// Whatever an address says, what is understood of it can be said again and means the same.
func FuzzRecordQuery(f *testing.F) {
	for _, s := range []string{"", "kind=acts&subject=decision:12&from=2027-01-04", "kind=act.&member=member:7&authority=mandate:5&until=2027-01-05", "kind=%00&subject=a:b:c&from=0000-00-00", "body=tech-group&kind=acts"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		q := queryOf(v)
		u, err := url.Parse(q.at("/record", 3))
		if err != nil || queryOf(u.Query()) != q {
			t.Errorf("%+v is %s, %v", q, u, err)
		}
		q.filter(0)
	})
}
