package site

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rochdale/internal/kit/authz"
	"rochdale/internal/record"
)

// A body's page leads to the record of what it did, to read and to follow: what it decided, what its
// officers did, and what concerns it, and nothing of other bodies.
func TestBodyHasAFeedOfItsOwn(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	meeting, err := p.Mandate.Root(t.Context(), p.DB)
	if err != nil {
		t.Fatal(err)
	}
	decided := p.write(t, record.Entry{Kind: "decision.published", Subject: to("decision", 12), Member: to("member", mara.Member), State: anything{"number": 7, "title": "Repaint the slip", "body": meeting.ID}})
	p.write(t, record.Entry{Kind: "decision.voted", Subject: to("vote", 13), Member: to("member", mara.Member), State: anything{"decision": "12"}})
	did := p.write(t, record.Entry{Kind: "act.moderation.suspend", Subject: to("account", 9), Authority: authz.Authority{Kind: authz.Decision, ID: 12}, Data: anything{"level": "suspend", "account": "@x@y.example"}})
	p.write(t, record.Entry{Kind: "decision.published", Subject: to("decision", 14), State: anything{"number": 8, "title": "Another body's", "body": "99"}})

	s := p.surf(t)
	s.get("/groups/general-meeting")
	s.sees("What it did", "suspended @x@y.example", "Follow it:")
	var found []string
	for _, l := range s.each("link") {
		if attr(l, "rel") == "alternate" {
			found = append(found, attr(l, "type")+" "+attr(l, "href"))
		}
	}
	if want := "application/atom+xml /record.atom?body=general-meeting application/feed+json /record.json?body=general-meeting"; strings.Join(found, " ") != want {
		t.Errorf("feeds: %v", found)
	}
	sound(t, s)

	s.follow("in the public record")
	s.at("/record")
	s.sees("Body: General meeting", "suspended @x@y.example", "published motion 7", "formed")
	s.misses("voted on", "motion 8", "was founded")
	sound(t, s)
	s.get("/record?body=general-meeting&kind=acts")
	s.misses("published motion 7")
	s.follow("Show all again")
	s.at("/record")
	s.misses("Body:")
	s.get("/record?body=general-meeting&member=" + to("member", mara.Member).String() + "&subject=decision:12")
	s.sees("published motion 7")
	s.misses("suspended")
	s.get("/record?body=no-such-body")
	if s.status != http.StatusNotFound {
		t.Errorf("a body that is not there answers %d", s.status)
	}

	_, b := fetch(t, p, "/record.atom?body=general-meeting")
	var atom atomFeed
	if err := xml.Unmarshal(b, &atom); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	if atom.ID != p.Site.URL+"/record?body=general-meeting" || !strings.HasPrefix(atom.Title, "General meeting in the public record of") || atom.Entries[0].ID != p.Site.URL+"/record/"+seq(did) || atom.Entries[1].ID != p.Site.URL+"/record/"+seq(decided) {
		t.Errorf("%s", b)
	}
	_, b = fetch(t, p, "/record.json?body=general-meeting")
	var feed jsonFeed
	if err := json.Unmarshal(b, &feed); err != nil || feed.Items[0].Record.Seq != did || len(feed.Items) != len(atom.Entries) {
		t.Errorf("%v: %s", err, b)
	}
	if res, _ := fetch(t, p, "/record.atom?body=no-such-body"); res.StatusCode != http.StatusNotFound {
		t.Errorf("the feed of a body that is not there answers %d", res.StatusCode)
	}
}

// Feeds come gzipped to who takes that, under a version of their own.
func TestFeedsAreGzipped(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	for range 20 {
		p.write(t, record.Entry{Kind: "crane.lifted", Reason: "The mast of the Petrel."})
	}
	for _, path := range []string{"/record.atom", "/record.json"} {
		plain, b := fetch(t, p, path, "Accept-Encoding", "identity")
		packed, z := fetch(t, p, path, "Accept-Encoding", "gzip")
		r, err := gzip.NewReader(bytes.NewReader(z))
		if err != nil || packed.Header.Get("Content-Encoding") != "gzip" || plain.Header.Get("Content-Encoding") != "" {
			t.Fatalf("%s: %v %v", path, err, packed.Header)
		}
		if text, err := io.ReadAll(r); err != nil || !bytes.Equal(text, b) || len(z) > len(b)/3 {
			t.Errorf("%s: %d bytes of %d, %v", path, len(z), len(b), err)
		}
		if packed.Header.Get("ETag") == plain.Header.Get("ETag") || packed.Header.Get("Vary") != "Accept-Language, Accept-Encoding" {
			t.Errorf("%s: %v", path, packed.Header)
		}
		again, _ := fetch(t, p, path, "Accept-Encoding", "gzip", "If-None-Match", packed.Header.Get("ETag"))
		if again.StatusCode != http.StatusNotModified || again.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s again: %d %v", path, again.StatusCode, again.Header)
		}
	}
}

// Who holds a power is led from the list of powers to where it is used.
func TestPowersLeadToWhereTheyAreUsed(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	p.admit(t, mara, "Jun Abe", "jun")
	s := p.as(t, "mara")
	s.get("/powers")
	s.follow("You hold it: use it here")
	if s.status != http.StatusOK {
		t.Errorf("the first place answers %d", s.status)
	}
	s = p.as(t, "jun")
	s.get("/powers")
	s.misses("use it here")
}

// An app that asks for the co-op's own scopes says on the consent page what they let it do.
func TestConsentToTheCoopsScopes(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	app, _, err := p.Identity.CreateApp(t.Context(), "Loom", []string{"https://loom.example/back"}, "coop", "")
	if err != nil {
		t.Fatal(err)
	}
	s := p.as(t, "mara")
	ask := func(scope string) {
		s.get("/oauth/authorize?" + url.Values{"response_type": {"code"}, "client_id": {app.ClientID}, "redirect_uri": {"https://loom.example/back"}, "scope": {scope}}.Encode())
	}
	ask("coop:read")
	s.sees("Read the co-op's affairs as you can")
	s.misses("vote in your name")
	ask("coop:read coop:write")
	s.sees("Read the co-op's affairs as you can", "Put motions and vote in your name")
}
