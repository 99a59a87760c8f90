// Package clock is the only place that reads the machine's time. Everything else takes a Clock, or the
// time of the transaction it runs in, so that a test can set the date and all rows of one act agree.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time in UTC, truncated to milliseconds, which is what the database keeps.
type Clock interface{ Now() time.Time }

// System is the machine's clock. It never runs backwards within one process: if the machine's
// time is set back, System stands still until the machine has caught up.
type System struct{ m *monotonic }

type monotonic struct {
	mu   sync.Mutex
	last time.Time
}

// NewSystem returns the machine's clock.
func NewSystem() System { return System{&monotonic{}} }

// Now implements Clock.
func (s System) Now() time.Time {
	now := time.Now().UTC().Truncate(time.Millisecond)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	if now.Before(s.m.last) {
		return s.m.last
	}
	s.m.last = now
	return now
}

// Fake is a clock that stands still until it is told otherwise.
type Fake struct {
	mu  sync.Mutex
	now time.Time
}

// NewFake returns a clock standing at t.
func NewFake(t time.Time) *Fake { return &Fake{now: t.UTC().Truncate(time.Millisecond)} }

// Now implements Clock.
func (f *Fake) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Advance moves the clock by d, which may be negative.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d).Truncate(time.Millisecond)
}

// Set puts the clock at t.
func (f *Fake) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t.UTC().Truncate(time.Millisecond)
}

// Offset is a clock that runs a fixed distance away from another; the demo and the stories use it
// to live through months in seconds.
type Offset struct {
	Base Clock
	By   time.Duration
}

// Now implements Clock.
func (o Offset) Now() time.Time { return o.Base.Now().Add(o.By) }
