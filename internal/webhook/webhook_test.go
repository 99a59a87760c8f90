package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
	"rochdale/internal/webhook"
)

var schema = []db.Source{record.Migrations(), mandate.Migrations(), webhook.Migrations()}

// office is a co-op in which member 1 holds the power and member 2 does not.
type office struct {
	*webhook.Service
	t      *testing.T
	ctx    context.Context
	db     *db.DB
	clock  *clock.Fake
	record *record.Service
	queue  []webhook.Job
	keeper authz.Actor
}

func open(t *testing.T, d *db.DB, c *clock.Fake, o outbound.Options) *office {
	t.Helper()
	rec := record.New(d, "coop.example")
	judge := mandate.New(d, rec)
	judge.Declare(webhook.Powers(), nil)
	client := outbound.New(o)
	t.Cleanup(client.Close)
	x := &office{Service: webhook.New(d, judge, client), t: t, ctx: context.Background(), db: d, clock: c, record: rec, keeper: authz.Actor{Member: 1, Account: 1, Via: authz.Web}}
	rec.Sources = []record.Source{judge.States, x.States}
	x.Enqueue = func(_ context.Context, tx *db.Tx, j webhook.Job) error {
		tx.AfterCommit(func() { x.queue = append(x.queue, j) })
		return nil
	}
	x.PlainHTTP = o.AllowPrivate
	x.tx(func(tx *db.Tx) error {
		root, err := judge.FormRoot(x.ctx, tx, "General meeting")
		if err != nil {
			return err
		}
		_, err = judge.GrantFounding(x.ctx, tx, 1, root)
		return err
	})
	return x
}

func each(t *testing.T, f func(x *office)) {
	t.Helper()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		f(open(t, d, c, outbound.Options{AllowPrivate: true}))
	})
}

func (x *office) tx(f func(tx *db.Tx) error) {
	x.t.Helper()
	if err := x.db.InDurableTx(x.ctx, f); err != nil {
		x.t.Fatal(err)
	}
}

func (x *office) add(url string, events ...string) webhook.Hook {
	x.t.Helper()
	h, err := x.Add(x.ctx, x.keeper, webhook.Draft{URL: url, Events: events}, "For the calendar.")
	if err != nil {
		x.t.Fatal(err)
	}
	return h
}

func (x *office) tell(event string, payload any) {
	x.t.Helper()
	x.tx(func(tx *db.Tx) error { return x.On(x.ctx, tx, event, payload) })
}

// work does every job once and keeps those that failed, as the queue would.
func (x *office) work() (failed int) {
	x.t.Helper()
	var again []webhook.Job
	for _, j := range x.queue {
		if err := x.Deliver(x.ctx, j); err != nil {
			failed++
			if strings.Contains(fmt.Sprintf("%T", err), "Cancel") {
				continue
			}
			again = append(again, j)
		}
	}
	x.queue = again
	return failed
}

func (x *office) list() []webhook.Hook {
	x.t.Helper()
	out, err := x.List(x.ctx, x.keeper)
	if err != nil {
		x.t.Fatal(err)
	}
	return out
}

func (x *office) deliveries() []webhook.Delivery {
	x.t.Helper()
	out, err := x.Deliveries(x.ctx, x.keeper, 100)
	if err != nil {
		x.t.Fatal(err)
	}
	return out
}

func (x *office) whole() {
	x.t.Helper()
	if _, err := x.record.Verify(x.ctx); err != nil {
		x.t.Error(err)
	}
}

// receiver is a strict program: it takes only what is signed with its secret, and no older than five minutes.
type receiver struct {
	*httptest.Server
	t      *testing.T
	clock  clock.Clock
	mu     sync.Mutex
	secret string
	answer []int // for the next requests; 200 when there are no more
	got    []got
}

type got struct {
	id, time string
	body     []byte
}

func receive(t *testing.T, c clock.Clock) *receiver {
	t.Helper()
	r := &receiver{t: t, clock: c}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Error(err)
	}
	g := got{q.Header.Get("webhook-id"), q.Header.Get("webhook-timestamp"), body}
	seconds, err := strconv.ParseInt(g.time, 10, 64)
	if err != nil || r.clock.Now().Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		r.t.Errorf("the time is %q", g.time)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.secret, "whsec_"))
	if err != nil || len(key) < 24 || !strings.HasPrefix(r.secret, "whsec_") {
		r.t.Errorf("the secret is %q", r.secret)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(g.id + "." + g.time + "." + string(body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); q.Header.Get("webhook-signature") != want {
		r.t.Errorf("the signature is %q, want %q", q.Header.Get("webhook-signature"), want)
	}
	if q.Method != http.MethodPost || q.Header.Get("Content-Type") != "application/json" || q.Header.Get("Signature") != "" || !json.Valid(body) {
		r.t.Errorf("%s with %v: %s", q.Method, q.Header, body)
	}
	r.got = append(r.got, g)
	status := http.StatusOK
	if len(r.answer) > 0 {
		status, r.answer = r.answer[0], r.answer[1:]
	}
	if status == http.StatusFound {
		w.Header().Set("Location", r.URL+"/elsewhere")
	}
	w.WriteHeader(status)
}

// A receiver that fails is asked again with the same id and the same bytes, signed anew, until it takes them.
func TestDeliveryIsSignedAndTriedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(x *office) {
		r := receive(x.t, x.clock)
		h := x.add(r.URL+"/hook/s3cret", webhook.DecisionOpened, webhook.MemberJoined)
		r.secret, r.answer = h.Secret, []int{500, 503, http.StatusFound}
		x.tell(webhook.DecisionOpened, webhook.Decision{Number: 12, Title: "Repaint <the> slip", State: "open"})
		x.tell(webhook.DecisionCounted, webhook.Decision{Number: 12}) // not chosen
		for n := range 3 {
			if failed := x.work(); failed != 1 {
				x.t.Fatalf("try %d: %d failed", n, failed)
			}
			if d := x.deliveries(); len(d) != 1 || d[0].Delivered() || d[0].Tries != n+1 || d[0].Status == 0 || x.list()[0].Failures != n+1 {
				x.t.Errorf("after try %d: %+v", n, d)
			}
			x.clock.Advance(10 * time.Minute)
		}
		if failed := x.work(); failed != 0 {
			x.t.Fatalf("%d failed: %+v", failed, x.deliveries())
		}
		if len(r.got) != 4 {
			x.t.Fatalf("%d requests", len(r.got))
		}
		for _, g := range r.got[1:] {
			if g.id != r.got[0].id || string(g.body) != string(r.got[0].body) || g.time == r.got[0].time || !strings.HasPrefix(g.id, "msg_") {
				x.t.Errorf("another message: %+v", g)
			}
		}
		var body struct {
			Type      string
			Timestamp time.Time
			Data      webhook.Decision
		}
		if err := json.Unmarshal(r.got[0].body, &body); err != nil || body.Type != "decision.opened" || body.Data.Number != 12 || !body.Timestamp.Equal(testkit.Start) {
			x.t.Errorf("%s %v", r.got[0].body, err)
		}
		if d := x.deliveries(); !d[0].Delivered() || d[0].Tries != 4 || d[0].Status != 200 || x.list()[0].Failures != 0 {
			x.t.Errorf("%+v", d)
		}
		if err := x.Deliver(x.ctx, webhook.Job{Delivery: x.deliveries()[0].ID}); err != nil || len(r.got) != 4 {
			x.t.Errorf("a delivery was made twice: %v", err)
		}
	})
}

// The example of the specification.
func TestSignatureIsThatOfTheSpecification(t *testing.T) {
	t.Parallel()
	got, err := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s %v", got, err)
	}
}

// Whoever fails and fails is turned off, with a remark, and can be turned on again; a bad minute is no reason.
func TestDeadReceiverIsTurnedOff(t *testing.T) {
	t.Parallel()
	each(t, func(x *office) {
		r := receive(x.t, x.clock)
		h := x.add(r.URL, webhook.MemberJoined)
		r.secret = h.Secret
		r.answer = slices.Repeat([]int{500}, 1000)
		for range 25 { // at the same moment
			x.tell(webhook.MemberJoined, webhook.Member{Number: 2})
		}
		x.work()
		if h := x.list()[0]; !h.DisabledAt.IsZero() || h.Failures != 25 {
			x.t.Fatalf("a bad minute turned it off: %+v", h)
		}
		x.clock.Advance(61 * time.Minute)
		x.work()
		if h := x.list()[0]; h.DisabledAt.IsZero() {
			x.t.Fatalf("it is still on: %+v", h)
		}
		remark := x.deliveries()[0]
		if remark.Event != "webhook.disabled" || !strings.Contains(remark.Problem, "26 failures in a row") {
			x.t.Errorf("%+v", remark)
		}
		before := len(r.got)
		x.tell(webhook.MemberJoined, webhook.Member{Number: 3})
		if failed := x.work(); failed != 0 || len(r.got) != before || len(x.queue) != 0 {
			x.t.Errorf("it is told still: %d failed, %d requests, %d wait", failed, len(r.got)-before, len(x.queue))
		}
		for _, d := range x.deliveries() {
			if d.DoneAt.IsZero() || d.Problem == "" {
				x.t.Errorf("left over: %+v", d)
			}
		}
		if err := x.Try(x.ctx, x.keeper, h.ID); !fault.Is(err, fault.Conflict) {
			x.t.Errorf("trying out what is off: %v", err)
		}
		if err := x.Enable(x.ctx, x.keeper, h.ID, "It is back."); err != nil {
			x.t.Fatal(err)
		}
		r.answer = nil
		x.tell(webhook.MemberJoined, webhook.Member{Number: 4})
		if err := x.Try(x.ctx, x.keeper, h.ID); err != nil {
			x.t.Fatal(err)
		}
		if failed := x.work(); failed != 0 || len(r.got) != before+2 || !strings.Contains(string(r.got[before+1].body), `"webhook.test"`) {
			x.t.Errorf("%d failed, %+v", failed, x.deliveries()[:2])
		}
		if err := x.Enable(x.ctx, x.keeper, h.ID, ""); !fault.Is(err, fault.Conflict) {
			x.t.Errorf("turning on what is on: %v", err)
		}
		x.whole()
	})
}

func TestDeliveryEnds(t *testing.T) {
	t.Parallel()
	each(t, func(x *office) {
		r := receive(x.t, x.clock)
		h := x.add(r.URL, webhook.MemberEnded)
		r.secret, r.answer = h.Secret, slices.Repeat([]int{500}, 16)
		x.tell(webhook.MemberEnded, webhook.Member{Number: 2, Ended: "resigned"})
		for range 30 {
			x.work()
		}
		if d := x.deliveries(); d[0].Tries != 16 || d[0].DoneAt.IsZero() || d[0].Delivered() || len(x.queue) != 0 {
			x.t.Errorf("%+v", d)
		}
		r.answer = []int{http.StatusGone}
		x.tell(webhook.MemberEnded, webhook.Member{Number: 3})
		x.work()
		if h := x.list()[0]; h.DisabledAt.IsZero() || len(x.queue) != 0 {
			x.t.Errorf("gone, and still told: %+v", h)
		}
		x.clock.Advance(31 * 24 * time.Hour)
		if err := x.Sweep(x.ctx); err != nil || len(x.deliveries()) != 0 {
			x.t.Errorf("%d deliveries are kept, %v", len(x.deliveries()), err)
		}
	})
}

// Only holders of the power manage, each act is on the record with the host alone, and the record can be replayed.
func TestManagingIsAnAct(t *testing.T) {
	t.Parallel()
	each(t, func(x *office) {
		other := authz.Actor{Member: 2, Account: 2, Via: authz.Web}
		h := x.add("https://hook.example/t0ken?x=1", webhook.MemberJoined, webhook.DecisionOpened, webhook.MemberJoined)
		if got := strings.Join(h.Events(), " "); got != "decision.opened member.joined" {
			x.t.Errorf("events: %s", got)
		}
		x.whole()
		for name, err := range map[string]error{
			"add":    second(x.Add(x.ctx, other, webhook.Draft{URL: "https://a.example", Events: []string{webhook.MemberJoined}}, "")),
			"remove": x.Remove(x.ctx, other, h.ID, ""),
			"enable": x.Enable(x.ctx, other, h.ID, ""),
			"try":    x.Try(x.ctx, other, h.ID),
			"list":   second(x.List(x.ctx, other)),
			"sent":   second(x.Deliveries(x.ctx, other, 1)),
			"guess":  x.Remove(x.ctx, other, 404, ""),
			"nobody": x.Remove(x.ctx, authz.Actor{}, h.ID, ""),
		} {
			if !fault.Is(err, fault.Forbidden) {
				x.t.Errorf("%s: %v", name, err)
			}
		}
		if err := x.Remove(x.ctx, x.keeper, 404, ""); !fault.Is(err, fault.NotFound) {
			x.t.Errorf("no such program: %v", err)
		}
		x.tell(webhook.MemberJoined, webhook.Member{Number: 9})
		if err := x.Remove(x.ctx, x.keeper, h.ID, "Nobody reads it."); err != nil {
			x.t.Fatal(err)
		}
		if failed := x.work(); failed != 0 || len(x.list()) != 0 {
			x.t.Errorf("after the removal %d deliveries fail", failed)
		}
		x.whole()
		events, err := x.record.List(x.ctx, 0, "act.webhook.manage", 10)
		if err != nil || len(events) != 2 {
			x.t.Fatalf("%d acts, %v", len(events), err)
		}
		for _, e := range events {
			if strings.Contains(e.Body, "t0ken") || strings.Contains(e.Body, "whsec_") || !strings.Contains(e.Body, "hook.example") {
				x.t.Errorf("the record says %s", e.Body)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestDraftsThatAreRefused(t *testing.T) {
	t.Parallel()
	x := open(t, testkit.SQLite(t, schema, clock.NewFake(testkit.Start)), nil, outbound.Options{})
	for _, d := range []webhook.Draft{
		{"", []string{webhook.MemberJoined}}, {"hook.example", []string{webhook.MemberJoined}}, {"http://hook.example/", []string{webhook.MemberJoined}},
		{"ftp://hook.example/", []string{webhook.MemberJoined}}, {"https:///x", []string{webhook.MemberJoined}}, {"https://me:pw@hook.example", []string{webhook.MemberJoined}},
		{"https://hook.example/#x", []string{webhook.MemberJoined}}, {"https://hook.example/" + strings.Repeat("x", 500), []string{webhook.MemberJoined}},
		{"https://hook.example/%zz", []string{webhook.MemberJoined}}, {"https://hook.example/", nil}, {"https://hook.example/", []string{"member.sneezed"}}, {"https://hook.example/", []string{webhook.Test}},
	} {
		if _, err := x.Add(x.ctx, x.keeper, d, ""); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", d, err)
		}
	}
	for i := range 20 {
		x.add(fmt.Sprintf("https://hook.example/%d", i), webhook.MemberJoined)
	}
	if _, err := x.Add(x.ctx, x.keeper, webhook.Draft{URL: "https://hook.example/", Events: []string{webhook.MemberJoined}}, ""); !fault.Is(err, fault.Conflict) {
		t.Errorf("one too many: %v", err)
	}
	x.whole()
}

// Nothing on our own network can be reached, whatever the address says, and the secret of an address stays out of what is noted.
func TestPrivateAddressesAreNotReached(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(testkit.Start)
	x := open(t, testkit.SQLite(t, schema, c), c, outbound.Options{})
	r := receive(t, c)
	x.PlainHTTP = true
	x.add(r.URL+"/t0ken", webhook.MemberJoined)
	x.tell(webhook.MemberJoined, webhook.Member{Number: 2})
	err := x.Deliver(x.ctx, x.queue[0])
	if err == nil || len(r.got) != 0 || strings.Contains(err.Error(), "t0ken") {
		t.Errorf("%d requests, %v", len(r.got), err)
	}
	if d := x.deliveries()[0]; d.Problem != "the address is not on the public internet" || d.Status != 0 {
		t.Errorf("%+v", d)
	}
	r.Close()
	free := open(t, testkit.SQLite(t, schema, c), c, outbound.Options{AllowPrivate: true})
	free.add(r.URL+"/t0ken", webhook.MemberJoined)
	free.tell(webhook.MemberJoined, webhook.Member{Number: 2})
	if err := free.Deliver(free.ctx, free.queue[0]); err == nil || strings.Contains(err.Error(), "t0ken") || strings.Contains(free.deliveries()[0].Problem, "t0ken") {
		t.Errorf("%v; noted: %+v", err, free.deliveries()[0])
	}
}

// What did not happen is not told, and what did is told by the real queue.
func TestTellingIsPartOfTheTransaction(t *testing.T) {
	t.Parallel()
	each(t, func(x *office) {
		if err := jobs.Migrate(x.ctx, x.db); err != nil {
			x.t.Fatal(err)
		}
		q, err := jobs.New(x.db, x.Workers(), nil, jobs.Options{Clock: x.clock})
		if err != nil {
			x.t.Fatal(err)
		}
		x.Enqueue = func(ctx context.Context, tx *db.Tx, j webhook.Job) error { return q.Enqueue(ctx, tx, webhook.Kind, j) }
		r := receive(x.t, x.clock)
		r.secret = x.add(r.URL, webhook.MemberJoined).Secret
		boom := errors.New("boom")
		if err := x.db.InTx(x.ctx, func(tx *db.Tx) error {
			if err := x.On(x.ctx, tx, webhook.MemberJoined, webhook.Member{Number: 2}); err != nil {
				return err
			}
			return boom
		}); !errors.Is(err, boom) {
			x.t.Fatal(err)
		}
		x.tell(webhook.MemberJoined, webhook.Member{Number: 3})
		if n, err := q.Drain(x.ctx); err != nil || n != 1 || len(r.got) != 1 || !strings.Contains(string(r.got[0].body), `"number":3`) {
			x.t.Errorf("%d jobs, %v: %+v", n, err, r.got)
		}
		if err := x.db.InTx(x.ctx, func(tx *db.Tx) error { return x.On(x.ctx, tx, "member.sneezed", nil) }); err == nil {
			x.t.Error("an event that nobody knows was told")
		}
	})
}

func TestEveryQueryFits(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		if err := db.CheckRegistered(context.Background(), d); err != nil {
			t.Error(err)
		}
	})
}
