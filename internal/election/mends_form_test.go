package election_test

import (
	"context"
	"encoding/json"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/mandate"
)

// desk is a co-op with the form in which members put motions.
type desk struct {
	*hall
	http.Handler
}

func newDesk(t *testing.T, h *hall) *desk {
	t.Helper()
	pages := &decision.Pages{Service: h.decision,
		Frame: func(_ http.ResponseWriter, _ *http.Request, title string) (ui.PageProps, error) {
			return ui.PageProps{Title: title, Site: "Tideline"}, nil
		},
		People: func(context.Context, []id.ID) (map[id.ID]ui.Person, error) { return nil, nil },
		Choices: func(ctx context.Context, kind string) ([]ui.Option, error) {
			var out []ui.Option
			if kind == "body" {
				all, err := h.mandate.Bodies(ctx, h.db)
				for _, b := range all {
					out = append(out, ui.Option{Value: b.ID.String(), Label: b.Name})
				}
				return out, err
			}
			return out, nil
		}}
	session := func(context.Context, string) (authz.Actor, error) {
		a := h.people[0]
		a.Account = a.Member
		return a, nil
	}
	server, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Clock: h.clock, Session: session}, pages.Routes())
	h.ok(err)
	return &desk{h, server}
}

// ask makes a request and returns what comes back, or where it leads.
func (d *desk) ask(path string, form url.Values, status int) string {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: web.SessionCookie, Value: "x"})
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if w.Code != status {
		d.t.Fatalf("%s %s: %d, not %d: %.3000s", r.Method, path, w.Code, status, w.Body)
	}
	if at := w.Header().Get("Location"); at != "" {
		return at
	}
	return w.Body.String()
}

// drawn is what a text area of the form holds.
func (d *desk) drawn(page, name string) string {
	d.t.Helper()
	m := regexp.MustCompile(`(?s)<textarea[^>]* name="` + regexp.QuoteMeta(name) + `"[^>]*>(.*?)</textarea>`).FindStringSubmatch(page)
	if m == nil {
		d.t.Fatalf("the form has no field %s: %.6000s", name, page)
	}
	return strings.TrimPrefix(html.UnescapeString(m[1]), "\n")
}

// chosen is what is chosen in a select.
func (d *desk) chosen(page, name string) string {
	d.t.Helper()
	m := regexp.MustCompile(`(?s)<select[^>]* name="` + regexp.QuoteMeta(name) + `"[^>]*>(.*?)</select>`).FindStringSubmatch(page)
	if m == nil {
		d.t.Fatalf("the form has no field %s", name)
	}
	options := regexp.MustCompile(`<option value="([^"]*)"([^>]*)>`).FindAllStringSubmatch(m[1], -1)
	for _, o := range options {
		if strings.Contains(o[2], "selected") {
			return o[1]
		}
	}
	return options[0][1]
}

func TestTheMotionFormTakesTermsReservedSeatsAndVoters(t *testing.T) {
	each(t, 7, func(t *testing.T, h *hall) {
		h.decide(mandate.CreateBody, map[string]any{"parent": h.root, "kind": "circle", "handle": "care", "name": "Care", "aim": "", "domain": []string{"member.*", "mandate.*"}, "seats": 0, "joining": "open"})
		care, err := h.mandate.BodyByHandle(h.ctx, h.db, "care")
		h.ok(err)
		d := newDesk(t, h)
		fresh := d.ask("/decisions/new?effect=election.hold", nil, http.StatusOK)
		if got := d.chosen(fresh, "e0.voters"); got != "" || !strings.Contains(fresh, "All members") {
			t.Errorf("a fresh form lets %q vote", got)
		}
		if d.drawn(fresh, "e0.terms") != "" || d.drawn(fresh, "e0.reserved") != "" {
			t.Error("a fresh form is not empty")
		}
		form := url.Values{"title": {"Three stewards"}, "method": {"proposal"}, "effect0": {election.Hold}, "option0": {"-1"}, "e0.kind": {election.Office}}
		for name, v := range map[string]string{"body": care.ID.String(), "voters": care.ID.String(), "office": "Steward", "seats": "3", "days": "730", "text": "",
			"terms": "1 for 730 days\r\n\r\n2 FOR 365", "reserved": " 1  for the young \r\n"} {
			form.Set("e0."+name, v)
		}

		// What cannot be read says which line, and stays as it was typed.
		for name, wrong := range map[string]string{"terms": "1 for 730 days\n\ntwo for a year", "reserved": "1 for the young\nthe old\nthe brave"} {
			broken := url.Values{}
			for k, v := range form {
				broken[k] = v
			}
			broken.Set("e0."+name, wrong)
			page := d.ask("/decisions", broken, http.StatusUnprocessableEntity)
			line := map[string]string{"terms": "Line 3 is not written like “1 for 730 days”.", "reserved": "Line 2 is not written like “1 for the young”."}[name]
			if got := d.drawn(page, "e0."+name); got != wrong || !strings.Contains(html.UnescapeString(page), line) {
				t.Errorf("%s is drawn again as %q, and the line is named: %v", name, got, strings.Contains(page, line))
			}
		}
		broken := url.Values{}
		for k, v := range form {
			broken[k] = v
		}
		broken.Set("e0.seats", "4") // what can be read and makes no sense says so at its field
		if page := d.ask("/decisions", broken, http.StatusUnprocessableEntity); !strings.Contains(page, "The terms are for 3 seats, and there are 4.") {
			t.Errorf("no word on the seats: %.4000s", page)
		}

		at := d.ask("/decisions", form, http.StatusSeeOther)
		edit := d.ask(at+"/edit", nil, http.StatusOK)
		if terms, reserved := d.drawn(edit, "e0.terms"), d.drawn(edit, "e0.reserved"); terms != "1 for 730 days\n2 for 365 days" || reserved != "1 for the young" {
			t.Errorf("a draft shows %q and %q", terms, reserved)
		}
		if got := d.chosen(edit, "e0.voters"); got != care.ID.String() {
			t.Errorf("a draft lets %s vote", got)
		}

		page := d.ask(at, nil, http.StatusOK)
		for _, words := range []string{"Who votes", "1 for 730 days, 2 for 365 days", "1 for the young"} {
			if !strings.Contains(page, words) {
				t.Errorf("the motion does not say %q", words)
			}
		}

		// Saved again as it was drawn, the effect is the same: what the API takes, and an election can be held by it.
		before := h.effectOf(at)
		form.Set("e0.terms", d.drawn(edit, "e0.terms"))
		form.Set("e0.reserved", d.drawn(edit, "e0.reserved"))
		d.ask(at+"/edit", form, http.StatusSeeOther)
		args := h.effectOf(at)
		if diff := cmp.Diff(before, args); diff != "" {
			t.Errorf("saved again it is another: %s", diff)
		}
		delete(args, "powers")
		h.decide(election.Hold, args)
		e := h.newest()
		want := []election.Term{{Days: 730, Seats: 1}, {Days: 365, Seats: 2}}
		if p := e.Plan(); !slices.Equal(p.Terms, want) || !slices.Equal(p.Reserved, []election.Seat{{For: "the young", Seats: 1}}) || e.Voters != care.ID || p.Seats != 3 {
			t.Errorf("announced: %+v by %s", p, e.Voters)
		}

		// All fields empty: one seat, one term, all members.
		for _, name := range []string{"voters", "terms", "reserved", "seats", "days"} {
			form.Set("e0."+name, "")
		}
		d.ask(at+"/edit", form, http.StatusSeeOther)
		args = h.effectOf(at)
		if _, there := args["terms"]; there {
			t.Errorf("the effect has terms: %v", args)
		}
		edit = d.ask(at+"/edit", nil, http.StatusOK)
		if d.drawn(edit, "e0.terms") != "" || d.chosen(edit, "e0.voters") != "" || regexp.MustCompile(`<input[^>]*value="0"`).MatchString(edit) {
			t.Error("what was left empty comes back filled")
		}
		h.decide(election.Hold, args)
		e = h.newest()
		if p := e.Plan(); len(p.Terms)+len(p.Reserved) > 0 || e.Voters != h.root || p.Seats != 1 || p.Days != 365 {
			t.Errorf("announced: %+v by %s", p, e.Voters)
		}
	})
}

// effectOf is the effect of the motion at an address.
func (h *hall) effectOf(at string) map[string]any {
	h.t.Helper()
	number, err := strconv.ParseInt(strings.TrimPrefix(at, "/decisions/"), 10, 64)
	h.ok(err)
	m, err := h.decision.Get(h.ctx, h.people[0], number)
	h.ok(err)
	p, err := h.decision.Proposal(h.ctx, &m)
	h.ok(err)
	out := map[string]any{}
	h.ok(json.Unmarshal(p.Effects[0].Args, &out))
	return out
}

// Two inputs of one name are one: an effect that has a field "kind" must not lose its own.
func TestNoTwoFieldsOfTheMotionFormHaveOneName(t *testing.T) {
	each(t, 5, func(t *testing.T, h *hall) {
		d := newDesk(t, h)
		for _, k := range h.effects {
			page := d.ask("/decisions/new?effect="+url.QueryEscape(k.Name), nil, http.StatusOK)
			_, page, _ = strings.Cut(page, `action="/decisions"`)
			seen := map[string]bool{}
			for _, m := range regexp.MustCompile(`<(?:input|select|textarea)[^>]* name="([^"]*)"[^>]*>`).FindAllStringSubmatch(page, -1) {
				if seen[m[1]] && !strings.Contains(m[0], `type="checkbox"`) {
					t.Errorf("%s: there are two fields %s", k.Name, m[1])
				}
				seen[m[1]] = true
			}
			if len(seen) < 5 {
				t.Errorf("%s: fields are %v", k.Name, seen)
			}
		}
	})
}
