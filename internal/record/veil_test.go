package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/record"
)

// What an entry keeps back counts from the start, cannot be changed or lost, and is published once.
func TestVeil(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		s := record.New(d, "coop.example")
		crane, table := ref.Ref{Kind: "crane", ID: 7}, "up"
		s.Sources = []record.Source{func(context.Context, db.Handle) (map[ref.Ref]any, error) { return map[ref.Ref]any{crane: table}, nil }}
		tx := func(f func(tx *db.Tx) error) error { return d.InDurableTx(ctx, f) }
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		broken := func() int64 {
			_, err := s.Verify(ctx)
			var b *record.Broken
			if errors.As(err, &b) {
				return b.Seq
			}
			ok(err)
			return 0
		}
		entry := record.Entry{Kind: "act.crane.lift", Subject: crane, Reason: "ships", State: "up", Data: map[string]string{"to": "the top"},
			Veil: &record.Veil{Class: "safety", Until: c.Now().Add(time.Hour)}}
		ok(tx(func(tx *db.Tx) error { _, err := s.Append(ctx, tx, entry); return err }))
		e, err := s.Get(ctx, 1)
		ok(err)
		if e.Subject != "" || strings.Contains(e.Body, "crane") || strings.Contains(e.Body, "ships") || strings.Contains(e.Body, "top") || !strings.Contains(e.Body, `"class":"safety"`) {
			t.Errorf("the record shows %s", e.Body)
		}
		if broken() != 0 {
			t.Error("what is kept back does not count")
		}
		if table = "down"; broken() != 1 {
			t.Error("a change of the table is not found")
		}
		table = "up"
		entry.Private = "Ann"
		if err := tx(func(tx *db.Tx) error { _, err := s.Append(ctx, tx, entry); return err }); err == nil {
			t.Error("personal data beside what is kept back")
		}
		ok(tx(func(tx *db.Tx) error { _, err := s.Unveil(ctx, tx, 1, "Ann"); return err }))
		if broken() != 0 {
			t.Error("published, and not whole")
		}
		p, err := s.Get(ctx, 2)
		ok(err)
		b, err := p.Read()
		ok(err)
		var u record.Unveiling
		ok(json.Unmarshal(b.Data, &u))
		if p.Subject != crane.String() || string(b.State) != `"up"` || u.Entry != 1 || !strings.Contains(u.Content, "ships") || strings.Contains(p.Body, "Ann") {
			t.Errorf("published %s", p.Body)
		}
		if table = "down"; broken() != 2 {
			t.Error("a change after the publication is not found")
		}
		table = "up"
		if err := tx(func(tx *db.Tx) error { _, err := s.Unveil(ctx, tx, 1, nil); return err }); !fault.Is(err, fault.NotFound) {
			t.Errorf("published twice: %v", err)
		}
		// One that is lost before it was published is found; so is a publication of nothing.
		entry.Private = nil
		ok(tx(func(tx *db.Tx) error { _, err := s.Append(ctx, tx, entry); return err }))
		ok(tx(func(tx *db.Tx) error { return s.ErasePrivate(ctx, tx, 3) }))
		if got := broken(); got != 3 {
			t.Errorf("lost: found %d", got)
		}
		ok(tx(func(tx *db.Tx) error {
			_, err := s.Append(ctx, tx, record.Entry{Kind: record.Published, Subject: crane, State: "up", Data: u})
			return err
		}))
		if got := broken(); got != 4 {
			t.Errorf("published again by hand: found %d", got)
		}
	})
}
