package outbound

import (
	"context"
	"sync"
	"time"
)

// gates let a fixed number of requests through to each host at once, so that
// a host which answers slowly holds up only those who want that host. A host
// is forgotten as soon as nobody is at its gate.
type gates struct {
	width int

	mu   sync.Mutex
	open map[string]*gate
}

type gate struct {
	slots chan struct{}
	// holders counts who is inside or waiting.
	holders int
}

// enter waits for a free slot and returns the function that frees it.
func (g *gates) enter(ctx context.Context, host string, wait time.Duration) (leave func(), err error) {
	g.mu.Lock()
	at := g.open[host]
	if at == nil {
		at = &gate{slots: make(chan struct{}, g.width)}
		g.open[host] = at
	}
	at.holders++
	g.mu.Unlock()

	release := func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if at.holders--; at.holders == 0 {
			delete(g.open, host)
		}
	}
	leave = func() { <-at.slots; release() }
	select {
	case at.slots <- struct{}{}:
		return leave, nil
	default:
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case at.slots <- struct{}{}:
			return leave, nil
		case <-ctx.Done():
			release()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
	release()
	return nil, ErrBusy
}
