package site

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
)

// current is the address of what is lit in a navigation, "" for nothing.
func current(nav []ui.NavItem) string {
	lit := ""
	for _, i := range nav {
		if i.Current {
			lit += i.Href
		}
	}
	return lit
}

// The page of a secret vote belongs to the elections or to the decisions, whichever it is of.
func TestASecretVoteLightsWhereItBelongs(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	p.found(t)
	begin := func(kind string) string {
		o := ballot.Opening{Subject: ref.Ref{Kind: kind, ID: 7}, Title: "A vote", Method: ballotbox.Ranking, Rule: "irv/v1", Seats: 1,
			Options: []ballotbox.Option{{ID: "1", Name: "Ada"}, {ID: "2", Name: "Bo"}}, Roll: []id.ID{1, 2, 3, 4, 5, 6}, Closes: c.Now().Add(24 * time.Hour)}
		var v ballot.Vote
		if err := p.DB.InDurableTx(t.Context(), func(tx *db.Tx) (err error) {
			v, err = p.Ballot.Start(t.Context(), tx, o)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return "/ballots/" + v.ID.String()
	}
	election, motion := begin("election"), begin("decision")
	for path, want := range map[string]string{
		election: "/elections", election + "/vote": "/elections", motion: "/decisions", motion + "/vote": "/decisions",
		"/ballots/999": "", "/ballots/x": "", "/ballots/": "", "/elections/7": "/elections", "/decisions/7": "/decisions", "/rules": "/rules",
	} {
		f, err := p.Frame(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil), "")
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if got := current(f.Nav); got != want {
			t.Errorf("%s lights %q, want %q", path, got, want)
		}
		at, err := p.whereabouts(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		tab := ""
		if want != "" {
			tab = "/coop"
		}
		if got := current(memberTabs(t.Context(), at, waiting{})); got != tab {
			t.Errorf("%s lights the tab %q, want %q", path, got, tab)
		}
		if got := current(memberNav(t.Context(), at, waiting{})); got != want {
			t.Errorf("%s lights %q for a member, want %q", path, got, want)
		}
	}
}
