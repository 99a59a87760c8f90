package ballot_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
)

// A file of ballots comes from anybody: whatever is in it, checking it ends with words, and nothing that
// somebody changed is called whole and proved.
func FuzzCheck(f *testing.F) {
	b := newBooth(f, testkit.SQLite(f, schema, clock.NewFake(testkit.Start)), clock.NewFake(testkit.Start), 6)
	_, err := b.Cast(b.ctx, b.vote.ID, b.fill(b.take(0), 1, 1, 2, 3))
	b.must(err)
	whole, err := json.Marshal(b.close())
	b.must(err)
	f.Add(whole)
	f.Add(bytes.ReplaceAll(whole, []byte("Ada"), []byte("Eve")))
	f.Add(bytes.Replace(whole, []byte(`"papers":1`), []byte(`"papers":2`), 1))
	f.Add(bytes.Replace(whole, []byte(`"seq":`), []byte(`"seq":-`), 1))
	f.Add(bytes.Replace(whole, []byte(`"size":`), []byte(`"size":9`), 1))
	f.Add([]byte(`{"record":{}}`))
	key, err := b.record.VerifierKey(b.ctx)
	b.must(err)
	honest, err := ballotbox.ReadFile(bytes.NewReader(whole))
	b.must(err)
	same, err := json.Marshal(honest)
	b.must(err)
	f.Fuzz(func(t *testing.T, text []byte) {
		box, err := ballotbox.ReadFile(bytes.NewReader(text))
		if err != nil {
			return
		}
		found, proved, err := ballot.Check(box)
		if err != nil || len(found) > 0 || !proved {
			return
		}
		var c ballot.Closing
		if err := json.Unmarshal(box.Record, &c); err != nil {
			t.Fatal("a proof that cannot be read")
		}
		if c.Key != key { // another co-op's, or another process's of this test
			return
		}
		box.Record = honest.Record
		if now, err := json.Marshal(box); err != nil || !bytes.Equal(now, same) {
			t.Errorf("called whole and proved:\n%s", now)
		}
	})
}
