package coopapi_test

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/web"
	"rochdale/internal/surface/coopapi"
)

// A token does what its scopes say and no more; without one, or without coop:read, one sees what
// everybody sees.
func TestTokens(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		ann := w.people[1]
		n := ann.do("POST /decisions", nil, "", object{"title": "A pond"}).want(201).number("number")
		reader, writer, poster, nobody := ann.as("coop:read"), ann.as("coop:write"), ann.as("read write"), w.visitor()
		title := object{"title": "A fence"}

		if a := nobody.do("POST /decisions", nil, "", title).refused(401, "forbidden"); a.header.Get("WWW-Authenticate") != `Bearer realm="Rochdale"` {
			t.Errorf("challenge %q", a.header.Get("WWW-Authenticate"))
		}
		if a := reader.do("POST /decisions", nil, "", title).refused(403, "forbidden"); !strings.Contains(a.header.Get("WWW-Authenticate"), `error="insufficient_scope", scope="coop:write"`) {
			t.Errorf("challenge %q", a.header.Get("WWW-Authenticate"))
		}
		poster.do("POST /decisions", nil, "", title).refused(403, "forbidden")
		writer.do("POST /decisions", nil, "", title).want(201)

		nobody.do("GET /members/me", nil, "", nil).refused(401, "forbidden")
		writer.do("GET /members/me", nil, "", nil).refused(403, "forbidden")
		reader.do("GET /members/me", nil, "", nil).want(200)
		nobody.do("GET /applications", nil, "", nil).refused(401, "forbidden")

		for who, want := range map[*person]int{ann: 200, reader: 200, writer: 404, poster: 404, nobody: 404} {
			who.do("GET /decisions/{number}", at(n), "", nil).want(want)
			who.do("GET /coop", nil, "", nil).want(200)
		}
		if a := poster.do("GET /decisions", nil, "phase=draft", nil).want(200); a.len("items") != 0 {
			t.Errorf("drafts of somebody: %s", a.body)
		}

		stranger := *nobody
		stranger.token = "no such token"
		for _, operation := range []string{"GET /coop", "POST /decisions", "GET /nowhere"} {
			method, path, _ := strings.Cut(operation, " ")
			a := stranger.send(method, coopapi.Base+path, nil).refused(401, "forbidden")
			if a.header.Get("WWW-Authenticate") != `Bearer realm="Rochdale", error="invalid_token"` || a.text("detail") != "The access token is invalid" {
				t.Errorf("%s with an unknown token: %s %s", operation, a.header.Get("WWW-Authenticate"), a.body)
			}
		}

		// An app's own token acts for nobody.
		app, secret, err := w.identity.CreateApp(w.ctx, "Loom", []string{"https://loom.example/"}, "coop", "")
		w.ok(err)
		own, err := w.identity.AppToken(w.ctx, app.ClientID, secret, "coop:read coop:write")
		w.ok(err)
		machine := *nobody
		machine.token = own.Plain
		machine.do("GET /members", nil, "", nil).want(200)
		machine.do("POST /decisions", nil, "", title).refused(403, "forbidden")
		machine.do("GET /members/me", nil, "", nil).refused(403, "forbidden")
	})
}

// Every operation that is not for everybody refuses a visitor before it looks at anything, and one
// without the scope as well.
func TestEveryDoor(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		poster, tried := w.people[1].as("read write follow"), 0
		for path, item := range w.spec.paths {
			for method, op := range item.(object) {
				if len(op.(object)["security"].([]any)) > 1 { // with the empty one: for everybody
					continue
				}
				tried++
				name := strings.ToUpper(method) + " " + path
				parts := slices.Repeat([]any{1}, strings.Count(path, "{"))
				w.visitor().do(name, parts, "", nil).refused(401, "forbidden")
				poster.do(name, parts, "", nil).refused(403, "forbidden")
			}
		}
		if tried < 30 {
			t.Errorf("only %d operations were tried", tried)
		}
	})
}

// Each route that can change something names the power it needs or why it needs none, and eight
// operations need one.
func TestRoutes(t *testing.T) {
	t.Parallel()
	powers := map[string]int{}
	for _, r := range coopapi.New(coopapi.Deps{}).Routes() {
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		if r.Style != web.API {
			t.Errorf("%s is not for apps", r.Pattern)
		}
		if r.Mutates() && !strings.HasPrefix(r.Act, "none:") {
			powers[r.Act]++
		}
		if !r.Mutates() && r.Act != "" {
			t.Errorf("%s names a power and changes nothing", r.Pattern)
		}
	}
	if len(powers) != 5 || powers["member.admit"] != 4 || powers["coop.describe"] != 1 || powers["election.strike"] != 1 {
		t.Errorf("powers %v", powers)
	}
}

// The addresses stand beside those of the rest of the program, whose pages catch whatever is left.
func TestBesideThePages(t *testing.T) {
	t.Parallel()
	none := func(http.ResponseWriter, *http.Request) error { return nil }
	others := []web.Route{{Pattern: "GET /{path...}", Handler: none}, {Pattern: "GET /{handle}/{id}", Handler: none}, {Pattern: "GET /{handle}/{id}/{more...}", Handler: none}}
	if _, err := web.New(web.Options{Clock: clock.NewFake(time.Time{})}, append(coopapi.New(coopapi.Deps{}).Routes(), others...)); err != nil {
		t.Error(err)
	}
}

// What does not fit is refused with the place that is wrong, in one form.
func TestProblems(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		ann, nobody := w.people[1], w.visitor()
		long := strings.Repeat("x", 121)
		for name, tc := range map[string]struct {
			operation, query string
			parts            []any
			body             any
			header           []string
			status           int
			field            string
		}{
			"unknown parameter": {operation: "GET /decisions", query: "pahse=open", status: 422, field: "pahse"},
			"unknown phase":     {operation: "GET /decisions", query: "phase=soon", status: 422, field: "phase"},
			"no number":         {operation: "GET /decisions/{number}", parts: at("one"), status: 422, field: "number"},
			"no body there":     {operation: "GET /decisions", query: "body=nobody", status: 404},
			"limit":             {operation: "GET /members", query: "limit=81", status: 422, field: "limit"},
			"cursor":            {operation: "GET /members", query: "cursor=%2B%2B", status: 422, field: "cursor"},
			"cursor of nothing": {operation: "GET /rules", query: "cursor=aGFsbG8gISE", status: 422, field: "cursor"},
			"time":              {operation: "GET /record", query: "from=yesterday", status: 422, field: "from"},
			"no JSON":           {operation: "POST /decisions", body: `{"title":`, status: 400},
			"no body":           {operation: "POST /decisions", status: 400},
			"other JSON":        {operation: "POST /decisions", body: `[]`, status: 422},
			"missing field":     {operation: "POST /decisions", body: `{}`, status: 422, field: "title"},
			"unknown field":     {operation: "POST /decisions", body: `{"title":"A","colour":"red"}`, status: 422, field: "colour"},
			"too long":          {operation: "POST /decisions", body: object{"title": long}, status: 422, field: "title"},
			"deep":              {operation: "POST /decisions", body: object{"title": "A", "effects": []object{{"kind": "x", "option": -1}}}, status: 422, field: "effects[0].option"},
			"unknown body":      {operation: "POST /decisions", body: object{"title": "A", "body": "nobody"}, status: 422, field: "body"},
			"the rules say no":  {operation: "POST /decisions", body: object{"title": "A", "method": "choose"}, status: 422, field: "options"},
			"no id":             {operation: "POST /mandates/{id}/accept", parts: at("x"), status: 422, field: "id"},
			"an id of nothing":  {operation: "POST /mandates/{id}/accept", parts: at("1"), status: 404},
			"a huge id":         {operation: "POST /mandates/{id}/accept", parts: at("9999999999999999999"), status: 404},
			"too much":          {operation: "POST /decisions", body: object{"title": "A", "text": strings.Repeat("x", 300<<10)}, status: 413},
			"too much, keyed":   {operation: "POST /decisions", body: object{"title": "A", "text": strings.Repeat("x", 300<<10)}, header: []string{"Idempotency-Key", "k"}, status: 413},
			"another form":      {operation: "POST /decisions", body: `title=A`, header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415},
			"a long key":        {operation: "POST /decisions", body: object{"title": "A"}, header: []string{"Idempotency-Key", strings.Repeat("k", 256)}, status: 422, field: "Idempotency-Key"},
		} {
			a := ann.do(tc.operation, tc.parts, tc.query, tc.body, tc.header...)
			kind := "invalid"
			if tc.status == 404 {
				kind = "not found"
			}
			if a.refused(tc.status, kind); tc.field != "" {
				a.is("field", tc.field)
			}
			if a.text("detail") == "" || a.text("title") != http.StatusText(tc.status) || a.text("request") != a.header.Get("X-Request-Id") {
				t.Errorf("%s: %s", name, a.body)
			}
			if a.number("status") >= 500 || strings.Contains(string(a.body), "xxxxx") {
				t.Errorf("%s: %.500s", name, a.body)
			}
		}
		for _, path := range []string{"/nothing", "/decisions/1/nothing", "/../v2/coop", "/coop/"} {
			nobody.send("GET", coopapi.Base+path, nil).refused(404, "not found")
		}
		ann.send("DELETE", coopapi.Base+"/coop", nil).refused(404, "not found")
		nobody.send("GET", "/api/coop/nothing", nil).refused(404, "not found")
	})
}

// Words that the program makes are in the language of the reader.
func TestLanguage(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		a := w.visitor().do("GET /rules/presets", nil, "", nil, "Accept-Language", "qps").want(200)
		b := w.visitor().do("GET /rules/presets", nil, "", nil, "Accept-Language", "xx, en").want(200)
		if b.text("items.1.title") != "Assembly" || a.status != 200 {
			t.Errorf("titles %s and %s", a.text("items.1.title"), b.text("items.1.title"))
		}
	})
}

// What goes wrong on our side is said so, and nothing more of it.
func TestOurFault(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		w.ok(w.DB.Close())
		a := w.visitor().do("GET /coop", nil, "", nil)
		if a.status == 200 { // what the co-op says is remembered; the counts are not
			t.Fatalf("answered without a database: %s", a.body)
		}
		a.refused(500, "internal")
		if strings.Contains(string(a.body), "sql") || strings.Contains(string(a.body), "closed") {
			t.Errorf("it says too much: %s", a.body)
		}
	})
}

// Apps in a browser may ask before they send.
func TestPreflight(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		a := w.visitor().send("OPTIONS", coopapi.Base+"/decisions", nil, "Origin", "https://loom.example", "Access-Control-Request-Method", "POST").want(204)
		if a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Idempotency-Key") {
			t.Errorf("preflight %v", a.header)
		}
	})
}

// A member who has left reads nothing that is for members, whatever token is left.
func TestFormerMember(t *testing.T) {
	inWorld(t, 3, func(t *testing.T, w *world) {
		ann, ben := w.people[1], w.people[2]
		w.clock.Advance(31 * 24 * time.Hour) // nobody who is there is recorded as dead
		w.ok(w.Member.RecordDeath(w.ctx, w.people[0].by, ann.by.Member, "for the test"))
		w.clock.Advance(2 * time.Minute) // tokens are remembered for a minute
		ann.do("GET /members/me", nil, "", nil).want(401)
		w.visitor().do("GET /members/{number}", at(2), "", nil).refused(404, "not found")
		ben.do("GET /members/{number}", at(2), "", nil).want(200).is("ended", "died").is("former", "true")
		if a := w.visitor().do("GET /members", nil, "", nil).want(200); a.len("items") != 2 {
			t.Errorf("members: %s", a.body)
		}
	})
}

// Too many requests are refused in the form of all other refusals, before an operation is reached.
func TestTooMany(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		srv, err := web.New(web.Options{Log: slog.New(slog.DiscardHandler), Clock: w.clock, Bearer: w.identity.ByToken, RateLimits: true}, w.Routes())
		w.ok(err)
		w.front.Config.Handler = srv
		ann := w.people[1]
		for range 300 {
			ann.send("GET", coopapi.Base+"/powers/nothing", nil)
		}
		a := ann.do("GET /coop", nil, "", nil).refused(429, "too many")
		if a.header.Get("Retry-After") != "1" || !strings.Contains(a.header.Get("Access-Control-Expose-Headers"), "Retry-After") {
			t.Errorf("headers %v", a.header)
		}
	})
}
