package site

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rochdale/internal/kit/testkit/chrome"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/record"
)

// forger serves the place with answers changed on the way, as a server that lies would.
type forger struct {
	place *place
	forge func(path string, body []byte) []byte
}

func (f *forger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Del("Accept-Encoding") // what is compressed cannot be changed in passing
	rec := httptest.NewRecorder()
	f.place.server.Config.Handler.ServeHTTP(rec, r)
	b, _ := io.ReadAll(rec.Body)
	if f.forge != nil {
		b = f.forge(r.URL.Path, b)
	}
	for k, v := range rec.Header() {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(b)
}

func swap(on, old, with string) func(string, []byte) []byte {
	return func(path string, b []byte) []byte {
		if strings.HasSuffix(path, on) {
			return bytes.Replace(b, []byte(old), []byte(with), 1)
		}
		return b
	}
}

// flipped flips a bit of the n-th hash in a list of an answer.
func flipped(on, list string, n int) func(string, []byte) []byte {
	return func(path string, b []byte) []byte {
		var all map[string]any
		if !strings.HasSuffix(path, on) || json.Unmarshal(b, &all) != nil {
			return b
		}
		hashes, _ := all[list].([]any)
		if n >= len(hashes) {
			return b
		}
		h, _ := base64.StdEncoding.DecodeString(hashes[n].(string))
		h[7] ^= 1
		hashes[n] = base64.StdEncoding.EncodeToString(h)
		out, _ := json.Marshal(all)
		return out
	}
}

// A real browser checks entries by itself, believes what is true, and nothing that a lying server shows it.
func TestBrowserChecksEntries(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	p.found(t)
	for range 20 {
		p.write(t, record.Entry{Kind: "crane.lifted", Data: anything{"note": "größer <b>"}})
	}
	sign := func() {
		t.Helper()
		if _, err := p.Record.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f := &forger{place: p}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	ctx := chrome.Open(t, 2*time.Minute)

	check := func(n int64, forge func(string, []byte) []byte) (result, text string) {
		t.Helper()
		f.forge = forge
		run(t, ctx, chromedp.Navigate(server.URL+"/record/"+seq(n)+"/check"), chromedp.WaitVisible(`[data-result]`))
		return eval[string](t, ctx, `document.querySelector("[data-proof]").dataset.result`), eval[string](t, ctx, `document.querySelector("[data-proof]").innerText`)
	}
	expect := func(name string, n int64, forge func(string, []byte) []byte, want string, words ...string) {
		t.Helper()
		result, text := check(n, forge)
		if result != want {
			t.Errorf("%s: %s, want %s: %s", name, result, want, text)
		}
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("%s: it does not say %q: %s", name, w, text)
			}
		}
	}
	forget := func() { eval[bool](t, ctx, `localStorage.clear(); true`) }

	expect("before the first checkpoint", 3, nil, "fits", "No checkpoint has been signed yet", "to the root of the log of 29 entries")
	sign()
	expect("first visit", 3, nil, "fits", "everything fits", "Entry 3 has", "more hashes", "checkpoint of 29 entries has this very root", "signed by "+p.Site.Host+"/record", "remembers this checkpoint of 29 entries")
	expect("the first entry", 1, nil, "fits")
	expect("the last entry", 29, nil, "fits", "29 entries that this browser remembered and the one of 29")
	for range 5 {
		p.write(t, record.Entry{Kind: "crane.lifted"})
	}
	c.Advance(time.Hour)
	expect("an entry newer than the checkpoint", 32, nil, "fits", "newer than the last checkpoint, of 29 entries, which is the beginning of the log of 34 entries")
	sign()
	expect("after the log grew", 32, nil, "fits", "29 entries that this browser remembered and the one of 34 entries belong to one log")
	if err := p.DB.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept := eval[string](t, ctx, `localStorage.getItem("log-checkpoint")`); !strings.Contains(kept, `\n34\n`) {
		t.Errorf("the browser keeps %s", kept)
	}
	old := eval[string](t, ctx, `localStorage.getItem("log-checkpoint")`)
	if len(eval[[]string](t, ctx, `performance.getEntriesByType("resource").map(e => e.name).filter(n => !n.startsWith(location.origin))`)) > 0 {
		t.Error("something came from elsewhere")
	}

	for name, forge := range map[string]func(string, []byte) []byte{
		"content":    swap("/record/proof", "größer", "kleiner"),
		"number":     swap("/record/proof", `v1\n3\n`, `v1\n4\n`),
		"path":       flipped("/record/proof", "path", 0),
		"path's end": flipped("/record/proof", "path", 3),
		"root":       swap("/record/proof", `"root":"`, `"root":"AAAA`),
		"size":       swap("/record/proof", `"size":34`, `"size":33`),
		"note":       swap("/record/checkpoint", "\n34\n", "\n33\n"),
		"signature": func(path string, b []byte) []byte {
			if strings.HasSuffix(path, "/record/checkpoint") {
				b[len(b)-12] ^= 2
			}
			return b
		},
		"signer": swap("/record/checkpoint", "— "+p.Site.Host, "— else.example"),
		"key":    swap("/check", `data-key="`, `data-key="x`),
		"shown":  swap("/check", `data-hash="`, `data-hash="0`),
	} {
		n := int64(3)
		if name == "content" {
			n = 13
		}
		if result, text := check(n, forge); result == "fits" {
			t.Errorf("%s: a lie was believed: %s", name, text)
		}
	}
	p.write(t, record.Entry{Kind: "crane.lifted"})
	sign()
	eval[bool](t, ctx, fmt.Sprintf(`localStorage.setItem("log-checkpoint", %q); true`, old))
	expect("growth", 3, flipped("/record/consistency", "path", 0), "broken", "THE LOG WAS CHANGED")

	// Another log under the same name, signed with the same key: only what the browser remembers finds it out.
	f.forge = nil
	forget()
	expect("the next time", 3, nil, "fits", "remembers this checkpoint of 35 entries")
	forged := eval[string](t, ctx, `(() => { const k = JSON.parse(localStorage.getItem("log-checkpoint")); const l = k.note.split("\n"); l[2] = l[2].replace(/^..../, "AAAA"); k.note = l.join("\n"); localStorage.setItem("log-checkpoint", JSON.stringify(k)); return k.note })()`)
	expect("a log that was changed", 3, nil, "broken", "THE LOG WAS CHANGED", "a checkpoint of 35 entries", "Keep these two signed notes", strings.Split(forged, "\n")[2])
	if kept := eval[string](t, ctx, `localStorage.getItem("log-checkpoint")`); !strings.Contains(kept, "AAAA") {
		t.Error("the evidence was thrown away")
	}
	if role := eval[string](t, ctx, `document.querySelector("[data-verdict]").getAttribute("role")`); role != "alert" {
		t.Errorf("a broken log is a %q", role)
	}
	eval[bool](t, ctx, `{ const k = JSON.parse(localStorage.getItem("log-checkpoint")); const l = k.note.split("\n"); l[1] = "90"; k.note = l.join("\n"); localStorage.setItem("log-checkpoint", JSON.stringify(k)); true }`)
	expect("a log that became shorter", 3, nil, "broken", "The log has become shorter", "THE LOG WAS CHANGED")
	eval[bool](t, ctx, `{ const k = JSON.parse(localStorage.getItem("log-checkpoint")); k.key = "other+key"; localStorage.setItem("log-checkpoint", JSON.stringify(k)); true }`)
	expect("another key", 3, nil, "broken", "THE KEY HAS CHANGED")
	forget()
	expect("a server that fails", 3, func(path string, b []byte) []byte {
		if strings.HasPrefix(path, "/record/proof") {
			return []byte("no")
		}
		return b
	}, "failed", "was not finished")
}

// Every proof there can be, for logs of up to forty entries, is believed as it is and not with one bit
// changed, by the code that runs in browsers.
func TestBrowserBelievesProofsOnly(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	const most = 40
	for {
		size, err := p.Record.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if size >= most {
			break
		}
		p.write(t, record.Entry{Kind: "crane.lifted"})
	}
	var inclusions []record.Inclusion
	var growths []record.Consistency
	for size := int64(1); size <= most; size++ {
		for n := int64(1); n <= size; n++ {
			i, err := p.Record.Inclusion(t.Context(), n, size)
			if err != nil {
				t.Fatal(err)
			}
			i.Leaf = ""
			g, err := p.Record.Consistency(t.Context(), n, size)
			if err != nil {
				t.Fatal(err)
			}
			inclusions, growths = append(inclusions, i), append(growths, g)
		}
	}
	all, err := json.Marshal(map[string]any{"inclusions": inclusions, "growths": growths})
	if err != nil {
		t.Fatal(err)
	}
	ctx := chrome.Open(t, 2*time.Minute)
	run(t, ctx, chromedp.Navigate(p.server.URL+"/record"))
	wrong := eval[[]string](t, ctx, `(async () => {
		const m = await import("`+assets.URL("proof.js")+`"), all = `+string(all)+`, b = m.bytesOf, wrong = [];
		const flip = (x) => { const y = x.slice(); y[5] ^= 4; return y; };
		for (const p of all.inclusions) {
			const ask = (o = {}) => m.included(o.at ?? p.seq - 1, o.size ?? p.size, o.leaf ?? b(p.leaf_hash), o.path ?? p.path.map(b), o.root ?? b(p.root));
			const path = p.path.map(b), name = "entry " + p.seq + " of " + p.size;
			if (!await ask()) wrong.push(name + " is refused");
			if (await ask({ root: flip(b(p.root)) })) wrong.push(name + " with another root");
			if (await ask({ leaf: flip(b(p.leaf_hash)) })) wrong.push(name + " with another leaf");
			if (await ask({ path: [...path, b(p.root)] })) wrong.push(name + " with a longer path");
			if (path.length && await ask({ path: path.slice(1) })) wrong.push(name + " with a shorter path");
			if (await ask({ at: p.seq })) wrong.push(name + " at another place");
			for (const i in path) if (await ask({ path: path.map((h, j) => j == i ? flip(h) : h) })) wrong.push(name + " with another hash at " + i);
		}
		for (const p of all.growths) {
			const ask = (o = {}) => m.grown(o.from ?? p.from, o.to ?? p.to, o.old ?? b(p.from_root), o.root ?? b(p.to_root), o.path ?? p.path.map(b));
			const path = p.path.map(b), name = "from " + p.from + " to " + p.to;
			if (!await ask()) wrong.push(name + " is refused");
			if (await ask({ root: flip(b(p.to_root)) })) wrong.push(name + " with another root");
			if (await ask({ old: flip(b(p.from_root)) })) wrong.push(name + " with another old root");
			if (await ask({ path: [...path, b(p.to_root)] })) wrong.push(name + " with a longer path");
			if (path.length && await ask({ path: path.slice(0, -1) })) wrong.push(name + " with a shorter path");
			for (const i in path) if (await ask({ path: path.map((h, j) => j == i ? flip(h) : h) })) wrong.push(name + " with another hash at " + i);
		}
		return wrong;
	})()`)
	if len(wrong) > 0 {
		t.Errorf("%d proofs: %v", len(wrong), wrong[:min(10, len(wrong))])
	}
}
