package activitypub

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
)

const (
	maxHosts   = 16              // served at once
	perHost    = 4               // deliveries to one host at once
	lease      = 2 * time.Minute // how long a host is ours without news
	batch      = 64              // deliveries read at once
	maxRefused = 8               // attempts at an inbox whose server works but does not take it
)

// deliverDue takes hosts that are due and serves each in its own goroutine. It returns how many it took.
func (s *Service) deliverDue(ctx context.Context) (int, error) {
	free := maxHosts - int(s.serving.Load())
	if free <= 0 {
		return 0, nil
	}
	now := s.DB.Now()
	if _, some, err := anyPeerDue.Find(ctx, s.DB, now); err != nil || !some {
		return 0, err
	}
	var hosts []peer
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		hosts, err = claimPeers.All(ctx, tx, tx.Now(), tx.Now().Add(lease), free, id.Node())
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, h := range hosts {
		s.serving.Add(1)
		s.delivery.jobs.Go(func() {
			defer s.delivery.signal() // a place is free
			defer s.serving.Add(-1)
			if err := safely(func() error { return s.serve(ctx, h.Host) }); err != nil {
				s.Log.ErrorContext(ctx, "deliver", "host", h.Host, "error", err.Error())
			}
		})
	}
	return len(hosts), nil
}

// verdict is what became of serving a host.
type verdict struct {
	down  error         // the host cannot be reached
	pause time.Duration // it asks to be left alone, or we were busy
	ok    bool          // it took something
}

// serve delivers what is due at a host until nothing is left or the host fails, and gives the lease back.
func (s *Service) serve(ctx context.Context, host string) error {
	var v verdict
	for until := s.DB.Now().Add(lease / 2); ; {
		list, err := listDue.All(ctx, s.DB, host, s.DB.Now(), batch)
		if err != nil {
			return err
		}
		if len(list) == 0 || s.delivery.stopped() {
			break
		}
		if v = s.deliverAll(ctx, host, list, v.ok); v.down != nil || v.pause > 0 {
			break
		}
		if now := s.DB.Now(); now.After(until) {
			until = now.Add(lease / 2)
			if err := s.group.do(ctx, func(ctx context.Context, tx *db.Tx) error {
				_, err := renewPeer.Run(ctx, tx, host, tx.Now().Add(lease))
				return err
			}); err != nil {
				return err
			}
		}
	}
	return s.settle(ctx, host, v)
}

// deliverAll delivers a batch: what one account has to say in its order, several accounts side by side.
func (s *Service) deliverAll(ctx context.Context, host string, list []due, ok bool) verdict {
	v := verdict{ok: ok}
	var mu sync.Mutex
	lines := map[id.ID][]due{}
	var order []id.ID
	for _, d := range list {
		if lines[d.AccountID] == nil {
			order = append(order, d.AccountID)
		}
		lines[d.AccountID] = append(lines[d.AccountID], d)
	}
	var wg sync.WaitGroup
	gate := make(chan struct{}, perHost)
	over := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return v.down != nil || v.pause > 0 || s.delivery.stopped()
	}
	for _, account := range order {
		gate <- struct{}{}
		wg.Go(func() {
			defer func() { <-gate }()
			for _, d := range lines[account] {
				if over() {
					return
				}
				down, pause, err := s.deliver(ctx, host, d)
				mu.Lock()
				switch {
				case err != nil:
					s.Log.ErrorContext(ctx, "deliver", "host", host, "inbox", d.Inbox, "error", err.Error())
					v.pause = max(v.pause, time.Minute)
				case down != nil:
					v.down = down
				case pause > 0:
					v.pause = max(v.pause, pause)
				default:
					v.ok = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return v
}

// deliver sends one activity to one inbox and writes down what came of it. down says that the host
// cannot be reached, pause that it should be left alone for a while.
func (s *Service) deliver(ctx context.Context, host string, d due) (down error, pause time.Duration, err error) {
	if refused, err := s.refuses(ctx, d.Inbox); err != nil {
		return nil, 0, err
	} else if refused {
		return nil, 0, s.finish(ctx, d)
	}
	a, uri := instance, s.instanceURI()
	if d.AccountID != instance {
		account, err := s.Social.Account(ctx, s.DB, d.AccountID)
		if fault.Is(err, fault.NotFound) {
			return nil, 0, s.finish(ctx, d)
		}
		if err != nil {
			return nil, 0, err
		}
		a, uri = account.ID, account.URI
	}
	k, err := s.keyOf(ctx, a)
	if err != nil {
		return nil, 0, err
	}
	res, err := s.post(ctx, d.Inbox, keyID(uri), k, d.Body, d.Digest)
	switch {
	case errors.Is(err, outbound.ErrBusy):
		return nil, time.Second, nil
	case errors.Is(err, outbound.ErrForbiddenAddress):
		s.Log.InfoContext(ctx, "delivery dropped", "inbox", d.Inbox, "error", err.Error())
		return nil, 0, s.finish(ctx, d)
	case errors.Is(err, outbound.ErrTooLarge): // it answered, only at too great a length
		return nil, 0, s.finish(ctx, d)
	case err != nil:
		return err, 0, nil
	}
	switch status := res.Status; {
	case status >= 200 && status < 300:
		return nil, 0, s.finish(ctx, d)
	case status == 410: // the inbox is gone, and what else waits for it is in vain
		return nil, 0, s.group.do(ctx, func(ctx context.Context, tx *db.Tx) error {
			if _, err := deleteToInbox.Run(ctx, tx, host, d.Inbox); err != nil {
				return err
			}
			_, err := deleteHeard.Run(ctx, tx, d.OutgoingID)
			return err
		})
	case status == 429 || status == 503:
		wait := retryAfter(res.Header.Get("Retry-After"))
		if status == 503 && wait == 0 {
			return errStatus(status), 0, nil
		}
		return nil, max(wait, time.Minute), nil
	case status == 502 || status == 504 || status >= 520:
		return errStatus(status), 0, nil
	case (status >= 500 || status == 401 || status == 408) && d.Attempts < maxRefused:
		return nil, 0, s.group.do(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := postponeDelivery.Run(ctx, tx, d.ID, tx.Now().Add(backoff(d.Attempts+1)))
			return err
		})
	}
	s.Log.InfoContext(ctx, "delivery dropped", "inbox", d.Inbox, "status", res.Status, "answer", clip(string(res.Body), 200))
	return nil, 0, s.finish(ctx, d)
}

func errStatus(status int) error { return errors.New("status " + strconv.Itoa(status)) }

// finish forgets a delivery, and with the last one the activity. It returns when that is committed, so
// that a process that dies repeats no more than what it had in hand.
func (s *Service) finish(ctx context.Context, d due) error {
	return s.group.do(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := deleteDelivery.Run(ctx, tx, d.ID); err != nil {
			return err
		}
		_, err := deleteHeard.Run(ctx, tx, d.OutgoingID)
		return err
	})
}

// settle gives a host back and says when it is due again.
func (s *Service) settle(ctx context.Context, host string, v verdict) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		p, err := lockPeer.One(ctx, tx, host)
		if err != nil {
			return err
		}
		var okAt time.Time
		now := tx.Now()
		if v.ok {
			p.Failures, p.FirstFailedAt, okAt = 0, time.Time{}, now
		}
		var earliest time.Time
		switch {
		case v.down != nil:
			if p.Failures++; p.FirstFailedAt.IsZero() {
				p.FirstFailedAt = now
			}
			earliest = now.Add(backoff(p.Failures))
			n, err := deleteStale.Run(ctx, tx, host, id.Before(now.Add(-patience)))
			if err != nil {
				return err
			}
			if n > 0 {
				if _, err := deleteOrphans.Run(ctx, tx, id.Before(now.Add(-patience))); err != nil {
					return err
				}
			}
			if p.Failures == 1 || n > 0 {
				s.Log.InfoContext(ctx, "host does not answer", "host", host, "dropped", n, "error", v.down.Error())
			}
		case v.pause > 0:
			earliest = now.Add(v.pause)
		}
		next, waits, err := nextOfHost.Find(ctx, tx, host)
		if err != nil {
			return err
		}
		if !waits {
			next = time.Time{}
		} else if next.Before(earliest) {
			next = earliest
		} else if next.Before(now) {
			next = now
		}
		_, err = settlePeer.Run(ctx, tx, host, next, p.Failures, p.FirstFailedAt, okAt)
		return err
	})
}

// backoff is how long to wait after n failures in a row: a minute, doubled each time up to a day, with
// a fifth of chance so that what failed together does not come back together.
func backoff(n int) time.Duration {
	d := time.Minute << min(max(n-1, 0), 11)
	d = min(d, 24*time.Hour)
	return d - d/10 + rand.N(d/5) //nolint:gosec // it spreads load and keeps no secret
}

// retryAfter reads the seconds that a busy server asks for; 0 if it does not say, a day at most.
func retryAfter(s string) time.Duration {
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return 0
	}
	return time.Duration(min(n, 24*60*60)) * time.Second
}

// heardFrom notes that a host is up because it sent us something: what waits for it is due now.
func (s *Service) heardFrom(ctx context.Context, tx *db.Tx, host string) error {
	n, err := wakePeer.Run(ctx, tx, host, tx.Now())
	if err != nil || n == 0 {
		return err
	}
	tx.AfterCommit(s.delivery.signal)
	_, err = wakeDeliveries.Run(ctx, tx, host, tx.Now())
	return err
}
