package activitypub

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"rochdale/internal/kit/db"
)

// pump runs a step again and again: at once while there is something to do, else when woken, and from
// time to time in case a signal was lost (another node's, or of what becomes due with the hour).
type pump struct {
	wake chan struct{}
	quit chan struct{}
	once *sync.Once
	jobs *sync.WaitGroup // what is in hand
}

func newPump() pump {
	return pump{wake: make(chan struct{}, 1), quit: make(chan struct{}), once: &sync.Once{}, jobs: &sync.WaitGroup{}}
}

// signal wakes the pump. It never blocks.
func (p *pump) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *pump) start(ctx context.Context, tick time.Duration, step func(context.Context) (int, error), failed func(context.Context, error)) {
	p.jobs.Go(func() {
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-p.quit:
				return
			default:
			}
			n, err := step(ctx)
			if err != nil {
				failed(ctx, err)
			} else if n > 0 {
				continue
			}
			select {
			case <-p.quit:
				return
			case <-p.wake:
			case <-t.C:
			}
		}
	})
}

func (p *pump) every(ctx context.Context, tick time.Duration, f func(context.Context) error, failed func(context.Context, error)) {
	p.jobs.Go(func() {
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-p.quit:
				return
			case <-t.C:
			}
			if err := f(ctx); err != nil {
				failed(ctx, err)
			}
		}
	})
}

func (p *pump) stopped() bool {
	select {
	case <-p.quit:
		return true
	default:
		return false
	}
}

func (p *pump) stop(ctx context.Context) error {
	p.once.Do(func() { close(p.quit) })
	done := make(chan struct{})
	go func() { p.jobs.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// errPanic is a panic that was caught. What comes from strangers is worked on in goroutines of our own,
// and no letter may bring the server down.
var errPanic = errors.New("panic")

func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, p, debug.Stack())
		}
	}()
	return f()
}

// group commits what many goroutines want to write in as few transactions as possible: while one
// commit is on its way, the next ones gather. Everybody hears of the commit of their own part only.
type group struct {
	db      *db.DB
	mu      sync.Mutex
	waiting []*part
	running bool
}

type part struct {
	f    func(ctx context.Context, tx *db.Tx) error
	err  error
	done chan struct{}
}

const maxGroup = 256

// do runs f within a transaction that may hold the parts of others as well, and returns when it is
// committed or has failed. f may run more than once and must have no effect outside tx.
func (g *group) do(ctx context.Context, f func(ctx context.Context, tx *db.Tx) error) error {
	p := &part{f: f, done: make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, p)
	lead := !g.running
	g.running = true
	g.mu.Unlock()
	if lead {
		go g.run(context.WithoutCancel(ctx)) // the others shall not suffer when one hangs up
	}
	<-p.done
	return p.err
}

func (g *group) run(ctx context.Context) {
	for {
		g.mu.Lock()
		n := min(len(g.waiting), maxGroup)
		if n == 0 {
			g.running = false
			g.mu.Unlock()
			return
		}
		parts := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.mu.Unlock()
		g.commit(ctx, parts)
	}
}

func (g *group) commit(ctx context.Context, parts []*part) {
	err := safely(func() error {
		return g.db.InTx(ctx, func(tx *db.Tx) error {
			for _, p := range parts {
				if err := p.f(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil && len(parts) > 1 { // one of them is bad: the others shall not suffer
		for _, p := range parts {
			g.commit(ctx, []*part{p})
		}
		return
	}
	for _, p := range parts {
		p.err = err
		close(p.done)
	}
}

// expiring remembers words until a time; the oldest give way when there are too many.
type expiring struct {
	mu    sync.Mutex
	until map[string]time.Time
	limit int
}

func newExpiring(limit int) *expiring { return &expiring{until: map[string]time.Time{}, limit: limit} }

func (e *expiring) has(word string, now time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.until[word]
	return ok && now.Before(t)
}

// add remembers the word until the time and reports whether it was not remembered already.
func (e *expiring) add(word string, now, until time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if t, ok := e.until[word]; ok && now.Before(t) {
		return false
	}
	if len(e.until) >= e.limit {
		for w, t := range e.until {
			if len(e.until) >= e.limit/2 || !now.Before(t) {
				delete(e.until, w)
			}
		}
	}
	e.until[word] = until
	return true
}

func (e *expiring) drop(word string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.until, word)
}
