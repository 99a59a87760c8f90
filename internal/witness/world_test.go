package witness_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
	"rochdale/internal/witness"
)

var schema = []db.Source{record.Migrations(), mandate.Migrations(), witness.Migrations()}

type letter struct{ to, subject, text string }

// house is a co-op with a database, a queue and a site of its own.
type house struct {
	*witness.Service
	t       *testing.T
	ctx     context.Context
	db      *db.DB
	clock   *clock.Fake
	record  *record.Service
	effects effect.Registry
	queue   *jobs.Queue
	host    string
	server  *httptest.Server
	log     bytes.Buffer // under mu, like the letters
	mu      sync.Mutex
	letters []letter
	file    atomic.Pointer[[]byte] // what is published at /file
	asked   atomic.Int64           // requests
}

func found(t *testing.T, d *db.DB, c *clock.Fake) *house {
	t.Helper()
	x := &house{t: t, ctx: context.Background(), db: d, clock: c}
	log := slog.New(slog.NewTextHandler(x, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var handler http.Handler
	x.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.asked.Add(1)
		if r.URL.Path == "/file" {
			if b := x.file.Load(); b != nil {
				_, _ = w.Write(*b)
				return
			}
			http.NotFound(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(x.server.Close)
	x.host = x.server.Listener.Addr().String()
	x.record = record.New(d, x.host)
	judge := mandate.New(d, x.record)
	client := outbound.New(outbound.Options{AllowPrivate: true, Timeout: time.Minute})
	t.Cleanup(client.Close)
	x.Service = witness.New(witness.Deps{DB: d, Record: x.record, Mandate: judge, Client: client, Host: x.host, URL: x.server.URL})
	x.PlainHTTP, x.effects = true, x.Effects()
	judge.Declare(append(mandate.Powers(), witness.Powers()...), x.effects)
	x.record.Sources = []record.Source{judge.States, x.States}
	var root mandate.Body
	x.tx(func(tx *db.Tx) (err error) {
		root, err = judge.FormRoot(x.ctx, tx, "General meeting")
		return err
	})
	judge.Decided = func(_ context.Context, _ db.Handle, decision id.ID, _ string, _ authz.Target) (id.ID, bool, error) {
		return root.ID, decision == 7, nil
	}
	x.must(jobs.Migrate(x.ctx, d))
	var err error
	x.queue, err = jobs.New(d, x.Workers(), nil, jobs.Options{Clock: c, Logger: log})
	x.must(err)
	x.Enqueue = func(ctx context.Context, tx *db.Tx, kind string, args any) error {
		return x.queue.Enqueue(ctx, tx, kind, args)
	}
	x.Mail = func(_ context.Context, tx *db.Tx, to, subject, text string) error {
		tx.AfterCommit(func() {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.letters = append(x.letters, letter{to, subject, text})
		})
		return nil
	}
	pages := &witness.Pages{Service: x.Service, Frame: func(_ http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error) {
		return ui.PageProps{Title: title, Site: "Tideline", Theme: ui.Theme(r.URL.Query().Get("theme"))}, nil
	}}
	files := assets.Handler()
	routes := append(pages.Routes(), web.Route{Pattern: "GET " + assets.Prefix, Style: web.Plain, Handler: func(w http.ResponseWriter, r *http.Request) error {
		files.ServeHTTP(w, r)
		return nil
	}})
	site, err := web.New(web.Options{Log: log, Clock: c}, routes)
	x.must(err)
	handler = site
	return x
}

// Write keeps what is logged.
func (x *house) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.log.Write(b)
}

func (x *house) logged() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.log.String()
}

// sent are the letters so far.
func (x *house) sent() []letter {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.letters)
}

func (x *house) must(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *house) tx(f func(tx *db.Tx) error) {
	x.t.Helper()
	x.must(x.db.InDurableTx(x.ctx, f))
}

func (x *house) refused(err error, kind fault.Kind, words string) {
	x.t.Helper()
	if got, _ := fault.Words(err); !fault.Is(err, kind) || !strings.Contains(got, words) {
		x.t.Fatalf("got %v (%v), want %v with %q", err, fault.KindOf(err), kind, words)
	}
}

// decide carries an effect out as a decision would.
func (x *house) decide(kind string, args map[string]string) (inverse effect.Stored, err error) {
	x.t.Helper()
	text, err := json.Marshal(args)
	x.must(err)
	e, err := x.effects.Load(effect.Stored{Kind: kind, Args: text})
	if err != nil {
		return inverse, err
	}
	return inverse, x.db.InDurableTx(x.ctx, func(tx *db.Tx) error {
		if _, err := e.Check(x.ctx, tx); err != nil {
			return err
		}
		inverse, err = e.Apply(x.ctx, tx, authz.Actor{Via: authz.Job, Decision: 7}, "decided")
		return err
	})
}

func (x *house) drain() {
	x.t.Helper()
	_, err := x.queue.Drain(x.ctx)
	x.must(err)
}

func (x *house) whole() {
	x.t.Helper()
	if _, err := x.record.Verify(x.ctx); err != nil {
		x.t.Error(err)
	}
}

func (x *house) key() string {
	x.t.Helper()
	k, err := x.Key(x.ctx)
	x.must(err)
	return k.String()
}

// pair is a co-op that votes (a) and its witness (w), with a vote that was called for.
type pair struct {
	t     *testing.T
	a, w  *house
	clock *clock.Fake
	call  witness.Call
	got   witness.Arrangement
	q     *ballotbox.Question
	text  []byte
	own   *ballotbox.Signer
}

var treasurer = ref.Ref{Kind: "election", ID: 123}

func each(t *testing.T, f func(p *pair)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		c := clock.NewFake(testkit.Start)
		f(meet(t, found(t, testkit.SQLite(t, schema, c), c), found(t, testkit.SQLite(t, schema, c), c)))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		c := clock.NewFake(testkit.Start)
		f(meet(t, found(t, testkit.Postgres(t, schema, c), c), found(t, testkit.Postgres(t, schema, c), c)))
	})
}

// two are two co-ops on the quicker engine.
func two(t *testing.T) *pair {
	t.Helper()
	c := clock.NewFake(testkit.Start)
	return meet(t, found(t, testkit.SQLite(t, schema, c), c), found(t, testkit.SQLite(t, schema, c), c))
}

func meet(t *testing.T, a, w *house) *pair {
	t.Helper()
	p := &pair{t: t, a: a, w: w, clock: a.clock}
	_, err := a.decide(witness.Engage, map[string]string{"host": w.host})
	a.must(err)
	_, err = w.decide(witness.Serve, map[string]string{"host": a.host, "key": a.key()})
	w.must(err)
	p.call = witness.Call{Subject: treasurer, Title: "Treasurer", URL: a.server.URL + "/elections/1", Closes: p.clock.Now().Add(7 * 24 * time.Hour), Roll: roll(6)}
	return p
}

func roll(n int) []witness.Voter {
	out := make([]witness.Voter, n)
	for i := range out {
		out[i] = witness.Voter{ID: id.ID(1000 + i), Name: fmt.Sprintf("Voter Number%d", i), Mail: fmt.Sprintf("voter%d@mail.example", i)}
	}
	return out
}

func (p *pair) arrange() {
	p.t.Helper()
	var err error
	p.got, err = p.a.Arrange(p.a.ctx, p.call)
	p.a.must(err)
	p.w.drain()
}

// ownKey is the key of every vote in these tests: making one is dear.
var ownKey = sync.OnceValue(func() *ballotbox.Signer {
	k, err := ballotbox.GenerateKey()
	if err != nil {
		panic(err)
	}
	return k
})

// question writes the question as the feature ballot does.
func (p *pair) question(change func(q *ballotbox.Question)) []byte {
	p.t.Helper()
	p.own = ownKey()
	key, err := p.own.PublicKey()
	p.a.must(err)
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "rochdale roll v1\n%s\n", treasurer)
	for _, v := range p.call.Roll {
		_, _ = fmt.Fprintln(h, v.ID)
	}
	receipt, _, err := ed25519.GenerateKey(rand.Reader)
	p.a.must(err)
	q := &ballotbox.Question{Format: ballotbox.Format, Coop: p.a.host, Vote: treasurer.String(), Title: p.call.Title, Method: ballotbox.Ranking, Rule: "stv/scottish2007", Seats: 1,
		Options: []ballotbox.Option{{ID: "1", Name: "Ada"}, {ID: "2", Name: "Bo"}}, Roll: len(p.call.Roll), RollHash: ballotbox.Hash(h.Sum(nil)),
		Opens: p.clock.Now().Truncate(time.Second), Closes: p.got.Closes, Key: key, ReceiptKey: ballotbox.Base64(receipt), Witness: p.got.Witness()}
	if q.RollHash != p.got.RollHash {
		p.t.Errorf("the roll hash is %s, and that of the feature ballot %s", p.got.RollHash, q.RollHash)
	}
	if change != nil {
		change(q)
	}
	text, err := q.JSON()
	p.a.must(err)
	p.q, p.text = q, text
	return text
}

func (p *pair) open() {
	p.t.Helper()
	p.arrange()
	p.a.must(p.a.Open(p.a.ctx, treasurer, p.question(nil)))
}

var codeText = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b`)

// code is what the letter to a voter says.
func (p *pair) code(i int) string {
	p.t.Helper()
	for _, l := range p.w.sent() {
		if l.to == p.call.Roll[i].Mail && strings.HasPrefix(l.subject, "Your witness code") {
			return codeText.FindString(l.text)
		}
	}
	p.t.Fatalf("voter %d has no letter", i)
	return ""
}

// paper takes a paper from both.
func (p *pair) paper(i int) (ballotbox.Code, ballotbox.Paper) {
	p.t.Helper()
	code, err := ballotbox.NewCode(rand.Reader)
	p.a.must(err)
	request, err := code.Blind(p.q)
	p.a.must(err)
	ours, err := p.own.BlindSign(rand.Reader, request.Blinded)
	p.a.must(err)
	theirs, err := p.a.Sign(p.a.ctx, treasurer, p.call.Roll[i].ID, p.code(i), request.Witness)
	p.a.must(err)
	paper, err := request.Finish(ours, theirs)
	p.a.must(err)
	return code, paper
}

func (p *pair) ballot(i int, ranks ...int) ballotbox.Ballot {
	p.t.Helper()
	code, paper := p.paper(i)
	b, err := code.Seal(p.q, paper, 1, ballotbox.Choice{Rank: ranks})
	p.a.must(err)
	return b
}

func (p *pair) publish(papers int, reveals []ballotbox.Reveal, ballots ...ballotbox.Ballot) {
	p.t.Helper()
	f, err := ballotbox.Publish(p.q, papers, ballots, reveals)
	p.a.must(err)
	text, err := f.JSON()
	p.a.must(err)
	p.a.file.Store(&text)
}

func (p *pair) vote() witness.Vote {
	p.t.Helper()
	v, err := p.w.Get(p.w.ctx, p.w.db, p.got.Remote)
	p.w.must(err)
	return v
}
