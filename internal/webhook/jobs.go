package webhook

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/jobs"
)

// Kind is the kind of the jobs.
const Kind = "webhook.deliver"

// Job is a delivery to be made.
type Job struct {
	Delivery id.ID `json:"delivery"`
}

// Workers do the jobs of this feature, in a queue of their own: slow receivers hold up nothing else.
func (s *Service) Workers() []jobs.Worker {
	return []jobs.Worker{jobs.Handle(Kind, jobs.WorkerOptions{Queue: "webhook", Attempts: tries, Timeout: time.Minute}, s.Deliver)}
}

// Deliver tries a delivery. It returns an error if it is to be tried again.
func (s *Service) Deliver(ctx context.Context, j Job) error {
	d, ok, err := getDelivery.Find(ctx, s.db, j.Delivery)
	if err != nil || !ok || !d.DoneAt.IsZero() {
		return err // removed, or done by a try whose end was not noted
	}
	h, ok, err := getHook.Find(ctx, s.db, d.Hook)
	if err != nil || !ok {
		return err
	}
	if !h.DisabledAt.IsZero() {
		return s.db.InTx(ctx, func(tx *db.Tx) error {
			_, err := dropDelivery.Run(ctx, tx, d.ID, "the program is turned off", tx.Now())
			return err
		})
	}
	status, sent := s.post(ctx, &h, &d)
	if ctx.Err() != nil { // we are being stopped, which is not the receiver's fault
		return ctx.Err()
	}
	if sent == nil {
		return s.db.InTx(ctx, func(tx *db.Tx) error {
			if _, err := setTry.Run(ctx, tx, d.ID, tx.Now(), status, "", tx.Now()); err != nil {
				return err
			}
			_, err := healHook.Run(ctx, tx, h.ID)
			return err
		})
	}
	problem := strings.ReplaceAll(sent.Error(), h.URL, h.Host()) // addresses may hold secrets
	over, err := s.failed(ctx, &d, status, problem)
	if err != nil {
		return err
	}
	err = fmt.Errorf("deliver webhook to %s: %s", h.Host(), problem)
	if over {
		return jobs.GiveUp(err)
	}
	return err
}

// statusGone is how a receiver says that it wants nothing more.
// spec: standardwebhooks/1.0#deliverability-and-reliability
const statusGone = 410

// failed notes a try that failed, and turns off a program that fails and fails.
func (s *Service) failed(ctx context.Context, d *Delivery, status int, problem string) (over bool, err error) {
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		over = status == statusGone || d.Tries+1 >= tries
		var done time.Time
		if over {
			done = tx.Now()
		}
		if _, err := setTry.Run(ctx, tx, d.ID, tx.Now(), status, problem, done); err != nil {
			return err
		}
		h, ok, err := failHook.Find(ctx, tx, d.Hook, tx.Now())
		if err != nil || !ok {
			return err
		}
		var why string
		switch {
		case status == statusGone:
			why = "turned off: the receiver says that it is gone"
		case h.Failures >= mostFailures && tx.Now().Sub(h.FailingSince) >= failingFor:
			why = fmt.Sprintf("turned off after %d failures in a row", h.Failures)
		default:
			return nil
		}
		if n, err := disableHook.Run(ctx, tx, h.ID, tx.Now()); err != nil || n == 0 {
			return err
		}
		_, err = insertRemark.Run(ctx, tx, id.New(tx.Now()), h.ID, "webhook.disabled", tx.Now(), why)
		return err
	})
	return over, err
}

// Sweep forgets old deliveries.
func (s *Service) Sweep(ctx context.Context) error {
	const most = 1000
	for {
		var n int64
		err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
			n, err = deleteOld.Run(ctx, tx, tx.Now().Add(-keepFor), most)
			return err
		})
		if err != nil || n < most {
			return err
		}
	}
}
