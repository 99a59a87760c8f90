// Package bus tells running parts of the program, on every node, that something changed: a timeline
// has a new post, a cached row is stale. Messages carry ids, never content, and may be lost (a slow
// reader is cut off, a node restarts), so a reader that missed some looks into the database again.
// Within a process delivery is direct; between nodes PostgreSQL's NOTIFY carries it.
package bus

import (
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"time"

	"rochdale/internal/kit/db"
)

// Message is a topic ("post") and a short payload ("115", "115 home").
type Message struct{ Topic, Payload string }

// Bus is safe for use by many goroutines.
type Bus struct {
	db   *db.DB
	node string
	mu   sync.RWMutex
	subs map[string]map[*Subscription]struct{}
	all  map[string][]func(payload string)
	gap  []func()
}

const channel = "rochdale_bus"

var notify = db.DefTwin[string](
	`SELECT $1 || $2`, // never run: SQLite serves one process
	`SELECT CAST(pg_notify($1, $2) AS TEXT)`)

// New makes a bus on d. Call Listen to hear other nodes.
func New(d *db.DB) *Bus {
	return &Bus{db: d, node: rand.Text(), subs: map[string]map[*Subscription]struct{}{}, all: map[string][]func(string){}}
}

// Publish sends a message when tx commits.
func (b *Bus) Publish(ctx context.Context, tx *db.Tx, topic, payload string) error {
	tx.AfterCommit(func() { b.deliver(Message{topic, payload}) })
	if tx.Dialect() == db.Postgres {
		_, err := notify.One(ctx, tx, channel, b.node+" "+topic+" "+payload)
		return err
	}
	return nil
}

// Handle calls f for every message of a topic, in the goroutine that delivers it: f must be quick,
// such as dropping a cache entry. It is called while the program is put together.
func (b *Bus) Handle(topic string, f func(payload string)) { b.all[topic] = append(b.all[topic], f) }

// OnGap calls f after messages of other nodes may have been missed: whatever was kept must be read
// again. It is called while the program is put together.
func (b *Bus) OnGap(f func()) { b.gap = append(b.gap, f) }

// Subscription receives the messages of its topics on C. If C is full the reader is too slow: the
// subscription is closed, and C with it.
type Subscription struct {
	C      chan Message
	bus    *Bus
	topics []string
	closed bool
}

// Subscribe starts to listen; Close must be called.
func (b *Bus) Subscribe(topics ...string) *Subscription {
	s := &Subscription{C: make(chan Message, 64), bus: b, topics: topics}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range topics {
		if b.subs[t] == nil {
			b.subs[t] = map[*Subscription]struct{}{}
		}
		b.subs[t][s] = struct{}{}
	}
	return s
}

// Close ends the subscription; it may be called twice.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.close()
}

func (s *Subscription) close() {
	if s.closed {
		return
	}
	s.closed = true
	for _, t := range s.topics {
		delete(s.bus.subs[t], s)
		if len(s.bus.subs[t]) == 0 {
			delete(s.bus.subs, t)
		}
	}
	close(s.C)
}

// Listening lists the topics that have a listener here and begin with prefix, without the prefix:
// who publishes can ask first whether anybody is there.
func (b *Bus) Listening(prefix string) []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var out []string
	for t := range b.subs {
		if rest, ok := strings.CutPrefix(t, prefix); ok {
			out = append(out, rest)
		}
	}
	return out
}

// Local delivers a message within this process only, now.
func (b *Bus) Local(topic, payload string) { b.deliver(Message{topic, payload}) }

func (b *Bus) deliver(m Message) {
	for _, f := range b.all[m.Topic] {
		f(m.Payload)
	}
	b.mu.RLock()
	var slow []*Subscription
	for s := range b.subs[m.Topic] {
		select {
		case s.C <- m:
		default:
			slow = append(slow, s)
		}
	}
	b.mu.RUnlock()
	for _, s := range slow {
		s.Close()
	}
}

// Listen hears what other nodes publish until ctx ends, and reconnects by itself. On SQLite there are
// no other nodes and it returns at once.
func (b *Bus) Listen(ctx context.Context, log *slog.Logger) {
	if b.db.Dialect() != db.Postgres {
		return
	}
	for ctx.Err() == nil {
		if err := b.listen(ctx); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "lost the database's notifications", "error", err.Error())
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
}

func (b *Bus) listen(ctx context.Context) error {
	conn, err := b.db.Pool().Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for _, f := range b.gap { // from here on nothing is missed; before, something may have been
		f()
	}
	for {
		n, err := conn.Conn().WaitForNotification(ctx)
		if err != nil {
			return err
		}
		node, rest, _ := strings.Cut(n.Payload, " ")
		topic, payload, _ := strings.Cut(rest, " ")
		if node != b.node {
			b.deliver(Message{topic, payload})
		}
	}
}
