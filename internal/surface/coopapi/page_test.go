package coopapi

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"rochdale/internal/kit/fault"
)

// Read page by page, a list gives each of its items once and in order, whichever way it runs.
func TestPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		runs := rapid.SampledFrom([]direction{rising, falling}).Draw(t, "runs")
		list := rapid.SliceOfDistinct(rapid.Custom(func(t *rapid.T) place {
			return place{rapid.Int64Range(1, 9).Draw(t, "a"), rapid.Int64Range(0, 1<<62).Draw(t, "b")}
		}), func(p place) place { return p }).Draw(t, "list")
		slices.SortFunc(list, func(a, b place) int { return a.compare(b) * int(runs) })
		in := Paging{Limit: rapid.IntRange(1, 80).Draw(t, "limit")}
		got := []place{}
		for range len(list) + 2 {
			out, err := cut(&in, list, runs, func(p *place) place { return *p }, func(p *place) (place, error) { return *p, nil })
			if err != nil {
				t.Fatal(err)
			}
			if out.Body.Items == nil || len(out.Body.Items) > in.Limit || out.Body.Next != "" && len(out.Body.Items) == 0 {
				t.Fatalf("a page of %d has %d items, next %q", in.Limit, len(out.Body.Items), out.Body.Next)
			}
			got = append(got, out.Body.Items...)
			if in.Cursor = out.Body.Next; in.Cursor == "" {
				break
			}
		}
		if diff := cmp.Diff(append([]place{}, list...), got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A cursor is read as it was written, or refused.
func FuzzCursor(f *testing.F) {
	f.Add(place{7}.String())
	f.Add(place{1 << 62, 12}.String())
	f.Add("")
	f.Add("aGFsbG8")
	f.Add("LTEuLTE")
	f.Fuzz(func(t *testing.T, cursor string) {
		in := Paging{Cursor: cursor}
		at, ok, err := in.after()
		if err != nil {
			if !fault.Is(err, fault.Invalid) || fault.FieldOf(err) != "cursor" {
				t.Fatal(err)
			}
			return
		}
		if ok != (cursor != "") {
			t.Fatalf("%q: %v", cursor, ok)
		}
		again := Paging{Cursor: at.String()}
		if back, _, err := again.after(); err != nil || back != at {
			t.Errorf("%q is %v, and then %v, %v", cursor, at, back, err)
		}
	})
}

func FuzzAccept(f *testing.F) {
	f.Add("text/plain")
	f.Add("application/json;q=0.9, text/plain")
	f.Fuzz(func(t *testing.T, accept string) {
		if wantsText(accept) && !strings.Contains(strings.ToLower(accept), "text/plain") {
			t.Errorf("%q does not ask for text", accept)
		}
	})
}

func TestAccept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{"": false, "*/*": false, "text/plain": true, "Text/Plain; charset=utf-8": true, "application/json, text/plain": false, "text/plain, application/json": true, "text/html": false} {
		if wantsText(accept) != want {
			t.Errorf("%q: %v", accept, !want)
		}
	}
}

func TestFieldAt(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{"body": "", "body.title": "title", "query.limit": "limit", "path.id": "id", "header.Idempotency-Key": "Idempotency-Key", "body.effects[0].kind": "effects[0].kind", "": ""} {
		if got := fieldAt(location); got != want {
			t.Errorf("%q is the field %q, want %q", location, got, want)
		}
	}
}

// The reference names every operation and every type that is answered.
func TestReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	if err := Reference(&b); err != nil {
		t.Fatal(err)
	}
	text, doc := b.String(), New(Deps{}).api.OpenAPI()
	for path, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			if !strings.Contains(text, "\n### "+op.Method+" "+path+"\n") || !strings.Contains(text, op.Summary) {
				t.Errorf("%s %s is not in the reference", op.Method, path)
			}
			for _, p := range op.Parameters {
				if !strings.Contains(text, "| `"+p.Name+"`") {
					t.Errorf("%s %s: %s is not in the reference", op.Method, path, p.Name)
				}
			}
		}
	}
	for name, s := range doc.Components.Schemas.Map() {
		if strings.HasSuffix(name, "Page") || strings.HasSuffix(name, "Request") {
			continue
		}
		if !strings.Contains(text, "\n### "+name+"\n") {
			t.Errorf("%s is not in the reference", name)
		}
		for field := range s.Properties {
			if !strings.Contains(text, "| `"+field+"`") {
				t.Errorf("%s.%s is not in the reference", name, field)
			}
		}
	}
	for _, link := range strings.Split(text, "](#")[1:] {
		to, _, _ := strings.Cut(link, ")")
		if !strings.Contains(strings.ToLower(text), "\n### "+to+"\n") {
			t.Errorf("a link leads to #%s, which is not there", to)
		}
	}
	again := &strings.Builder{}
	if err := Reference(again); err != nil || again.String() != text {
		t.Errorf("it differs the second time: %v", err)
	}
}

// What is said about types of the features is about fields that are there.
func TestMeanings(t *testing.T) {
	t.Parallel()
	schemas := New(Deps{}).api.OpenAPI().Components.Schemas.Map()
	for at := range meanings {
		name, field, _ := strings.Cut(at, ".")
		if s := schemas[name]; s == nil || s.Properties[field] == nil {
			t.Errorf("there is no %s", at)
		}
	}
	for _, name := range []string{"Rule", "Urgent", "Emergency", "Settings", "Option", "Result", "Check", "Tally", "Part", "Stage", "Flow", "Draw", "Place"} {
		for field := range schemas[name].Properties {
			if meanings[name+"."+field] == "" {
				t.Errorf("nothing is said about %s.%s", name, field)
			}
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(Deps{})
	}
}
