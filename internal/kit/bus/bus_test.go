package bus_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func publish(tb testing.TB, d *db.DB, b *bus.Bus, topic, payload string) {
	tb.Helper()
	if err := d.InTx(context.Background(), func(tx *db.Tx) error { return b.Publish(context.Background(), tx, topic, payload) }); err != nil {
		tb.Fatal(err)
	}
}

// drain gives the payloads that have arrived; open is false once the subscription was closed.
func drain(s *bus.Subscription) (got []string, open bool) {
	for {
		select {
		case m, ok := <-s.C:
			if !ok {
				return got, false
			}
			got = append(got, m.Topic+" "+m.Payload)
		default:
			return got, true
		}
	}
}

func TestMessagesReachTheirTopicWhenTheTransactionCommits(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, nil, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx := context.Background()
		b := bus.New(d)
		var handled []string
		b.Handle("post", func(p string) { handled = append(handled, p) })
		both, one := b.Subscribe("post", "edit"), b.Subscribe("post")
		undone := errors.New("undone")
		if err := d.InTx(ctx, func(tx *db.Tx) error {
			return errors.Join(b.Publish(ctx, tx, "post", "0"), undone)
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		if err := d.InTx(ctx, func(tx *db.Tx) error {
			err := errors.Join(b.Publish(ctx, tx, "post", "1"), b.Publish(ctx, tx, "edit", "2 home"), b.Publish(ctx, tx, "gone", "3"))
			if got, _ := drain(both); len(got) > 0 || len(handled) > 0 {
				t.Error("heard before the commit")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got, open := drain(both); !open || !slices.Equal(got, []string{"post 1", "edit 2 home"}) {
			t.Errorf("both topics: %q", got)
		}
		if got, open := drain(one); !open || !slices.Equal(got, []string{"post 1"}) {
			t.Errorf("one topic: %q", got)
		}
		if !slices.Equal(handled, []string{"1"}) {
			t.Errorf("handled %q", handled)
		}
		one.Close()
		one.Close()
		b.Local("post", "4")
		if got, open := drain(one); open || len(got) > 0 {
			t.Errorf("after closing: %q", got)
		}
		if got, _ := drain(both); !slices.Equal(got, []string{"post 4"}) {
			t.Errorf("the other one: %q", got)
		}
		both.Close()
	})
}

func TestASlowReaderIsCutOff(t *testing.T) {
	t.Parallel()
	b := bus.New(testkit.SQLite(t, nil, clock.NewFake(testkit.Start)))
	slow, quick := b.Subscribe("post", "edit"), b.Subscribe("post")
	defer slow.Close()
	defer quick.Close()
	read := 0
	for i := range 100 {
		b.Local("post", fmt.Sprint(i))
		got, open := drain(quick)
		if read += len(got); !open {
			t.Fatal("the quick reader was cut off")
		}
	}
	got, open := drain(slow)
	if open || len(got) == 0 || len(got) >= 100 || got[0] != "post 0" {
		t.Errorf("the slow reader: open %v, %d messages", open, len(got))
	}
	if read != 100 {
		t.Errorf("the quick reader got %d of 100", read)
	}
	if l := b.Listening("edit"); len(l) > 0 {
		t.Errorf("a reader that was cut off still listens: %q", l)
	}
}

func TestListening(t *testing.T) {
	t.Parallel()
	b := bus.New(testkit.SQLite(t, nil, clock.NewFake(testkit.Start)))
	var subs []*bus.Subscription
	for _, topics := range [][]string{{"home:1", "home:2"}, {"home:2"}, {"notice:3"}, {"home"}} {
		subs = append(subs, b.Subscribe(topics...))
	}
	listening := func(want ...string) {
		t.Helper()
		got := b.Listening("home:")
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("listening %q, want %q", got, want)
		}
	}
	listening("1", "2")
	subs[0].Close()
	listening("2")
	for _, s := range subs[1:] {
		s.Close()
	}
	listening()
}

// Readers come and go while others publish: nothing is sent on a closed channel.
func TestComingAndGoing(t *testing.T) {
	t.Parallel()
	b := bus.New(testkit.SQLite(t, nil, clock.NewFake(testkit.Start)))
	done := make(chan struct{})
	for range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 500 {
				s := b.Subscribe("post", "edit")
				b.Local("post", "1")
				s.Close()
			}
		}()
		go func() {
			defer func() { done <- struct{}{} }()
			for range 500 {
				b.Local("edit", "2")
				b.Listening("p")
			}
		}()
	}
	for range 8 {
		<-done
	}
	if l := b.Listening(""); len(l) > 0 {
		t.Errorf("still listening: %q", l)
	}
}

func TestListenReturnsWhereThereAreNoOtherNodes(t *testing.T) {
	t.Parallel()
	bus.New(testkit.SQLite(t, nil, clock.NewFake(testkit.Start))).Listen(context.Background(), quiet())
}

// node is one process's view of a shared PostgreSQL.
type node struct {
	*bus.Bus
	db    *db.DB
	heard chan string
	done  chan struct{}
}

func startNode(t *testing.T, address, topic string) *node {
	t.Helper()
	d, err := db.Open(context.Background(), address, clock.NewFake(testkit.Start))
	if err != nil {
		t.Fatal(err)
	}
	n := &node{Bus: bus.New(d), db: d, heard: make(chan string, 100), done: make(chan struct{})}
	n.Handle(topic, func(p string) { n.heard <- p })
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(n.done)
		n.Listen(ctx, quiet())
	}()
	t.Cleanup(func() {
		cancel()
		<-n.done
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// meet publishes at one node until the other hears it, and forgets what was said meanwhile: there is no
// other way to know that a LISTEN has arrived at the server.
func meet(t *testing.T, from, to *node, topic string) {
	t.Helper()
	limit := time.After(20 * time.Second)
	for n := 0; ; n++ {
		hello := fmt.Sprint("hello", n)
		publish(t, from.db, from.Bus, topic, hello)
		for wait := time.After(100 * time.Millisecond); ; {
			select {
			case p := <-to.heard:
				if p == hello {
					for len(from.heard) > 0 {
						<-from.heard
					}
					return
				}
				continue
			case <-wait:
			case <-limit:
				t.Fatal("the other node does not hear")
			}
			break
		}
	}
}

func hears(t *testing.T, n *node, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case got := <-n.heard:
			if got != w {
				t.Errorf("heard %q, want %q", got, w)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("did not hear %q", w)
		}
	}
}

func TestNodesHearEachOther(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresAddress(t)
	topic := "bus_test.meet"
	a, b := startNode(t, address, topic), startNode(t, address, topic)
	meet(t, a, b, topic)
	meet(t, b, a, topic)
	for len(b.heard) > 0 {
		<-b.heard
	}
	// One's own word is heard at once, another node's when it arrives: only what waits for it is in order.
	publish(t, a.db, a.Bus, topic, "1 with words")
	hears(t, b, "1 with words")
	publish(t, b.db, b.Bus, topic, "2")
	publish(t, a.db, a.Bus, topic, "3")
	hears(t, b, "2", "3")
	if err := a.db.InTx(context.Background(), func(tx *db.Tx) error {
		return errors.Join(a.Publish(context.Background(), tx, topic, "4"), errors.New("undone"))
	}); err == nil {
		t.Fatal("not undone")
	}
	// The last word of the other node comes after everything of one's own would have come back.
	publish(t, b.db, b.Bus, topic, "end")
	var got []string
	for len(got) == 0 || got[len(got)-1] != "end" {
		select {
		case p := <-a.heard:
			got = append(got, p)
		case <-time.After(10 * time.Second):
			t.Fatalf("heard only %q", got)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"1 with words", "2", "3", "end"}) {
		t.Errorf("node a heard %q", got)
	}
}

func TestListeningGoesOnAfterTheConnectionIsLost(t *testing.T) {
	t.Parallel()
	address := testkit.PostgresAddress(t)
	topic := "bus_test.lost"
	name := "bus_test_" + rand.Text() // so that only b's own connections are cut
	a, b := startNode(t, address, topic), startNode(t, address+"&application_name="+name, topic)
	for range 2 {
		meet(t, a, b, topic)
		var cut int
		if err := a.db.Writer().QueryRowContext(context.Background(),
			`SELECT COUNT(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1) AS k`, name).Scan(&cut); err != nil {
			t.Fatal(err)
		}
		if cut == 0 {
			t.Fatal("there was nothing to cut")
		}
	}
	meet(t, a, b, topic)
	publish(t, a.db, a.Bus, topic, "again")
	for {
		select {
		case p := <-b.heard:
			if p == "again" {
				return
			}
		case <-time.After(10 * time.Second):
			t.Fatal("deaf after the connection was lost")
		}
	}
}
