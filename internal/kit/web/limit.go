package web

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rochdale/internal/kit/clock"
)

// Limit is a budget of requests: Events in each Per, all of which may come at once.
type Limit struct {
	Events int
	Per    time.Duration
}

// The budgets that hold where a route has none of its own: Mastodon's clients are built for these.
// spec: mastodon/api/rate-limits
var (
	byActor  = Limit{300, 5 * time.Minute}
	byClient = Limit{7500, 5 * time.Minute}
	// Another server speaks for all its accounts from one address.
	byPeer = Limit{60000, 5 * time.Minute}
)

type limitError struct{ wait time.Duration }

func (e limitError) Error() string {
	return fmt.Sprintf("Too many requests at once. Please wait %d seconds and try again.", int(math.Ceil(e.wait.Seconds())))
}

// limiter keeps one bucket per key. Buckets that have been full for a while are forgotten.
type limiter struct {
	clock clock.Clock
	mu    sync.Mutex
	m     map[string]*bucket
	swept time.Time
}

type bucket struct {
	*rate.Limiter
	used time.Time
	per  time.Duration
}

func newLimiter(c clock.Clock) *limiter {
	return &limiter{clock: c, m: map[string]*bucket{}, swept: c.Now()}
}

// take uses one event of the key's budget, or says how long to wait.
func (l *limiter) take(key string, lim Limit) (left int, wait time.Duration) {
	now := l.clock.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept) > time.Minute {
		for k, b := range l.m {
			if now.Sub(b.used) > b.per {
				delete(l.m, k)
			}
		}
		l.swept = now
	}
	b := l.m[key]
	if b == nil {
		b = &bucket{Limiter: rate.NewLimiter(rate.Limit(float64(lim.Events)/lim.Per.Seconds()), lim.Events), per: lim.Per}
		l.m[key] = b
	}
	b.used = now
	res := b.ReserveN(now, 1)
	if d := res.DelayFrom(now); d > 0 {
		res.CancelAt(now)
		return 0, d
	}
	return int(b.TokensAt(now)), 0
}

// limit applies the budgets of a route. One address is an IPv4 address or an IPv6 /64, which is what
// one subscriber has.
func (s *Server) limit(w http.ResponseWriter, q *request, rt Route) error {
	if !s.opt.RateLimits || rt.Style == Plain {
		return nil
	}
	client := prefix(q.client)
	if rt.Limit.Events > 0 {
		if _, wait := s.limiter.take(rt.Pattern+" "+client, rt.Limit); wait > 0 {
			return s.limited(w, wait)
		}
	}
	if q.actor.Account != 0 {
		left, wait := s.limiter.take("account "+q.actor.Account.String(), byActor)
		if rt.Style == API {
			h := w.Header()
			h.Set("X-RateLimit-Limit", strconv.Itoa(byActor.Events))
			h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
			h.Set("X-RateLimit-Reset", s.opt.Clock.Now().Add(byActor.Per).Format(time.RFC3339))
		}
		if wait > 0 {
			return s.limited(w, wait)
		}
	}
	budget, key := byClient, client
	if rt.Style == Federation {
		budget, key = byPeer, "peer "+client
	}
	if _, wait := s.limiter.take(key, budget); wait > 0 {
		return s.limited(w, wait)
	}
	return nil
}

func (s *Server) limited(w http.ResponseWriter, wait time.Duration) error {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return limitError{wait}
}

func prefix(a netip.Addr) string {
	if a.Is6() && !a.Is4In6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
