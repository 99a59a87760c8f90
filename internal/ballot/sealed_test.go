package ballot_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
)

// The scrutineers of these tests are members 2001 and so on, each with a code.
func scrutineerCode(i int) ballotbox.Code {
	return ballotbox.Code(bytes.Repeat([]byte{byte(i)}, 16))
}

func sealedTo(needed, of int) func(*ballot.Opening) {
	return func(o *ballot.Opening) {
		o.Needed = needed
		for i := 1; i <= of; i++ {
			_, public, err := ballotbox.ScrutineerKey(scrutineerCode(i), o.Subject.String())
			if err != nil {
				panic(err)
			}
			o.Scrutineers = append(o.Scrutineers, ballot.Keeper{Member: id.ID(2000 + i), Key: public})
		}
	}
}

func scrutineer(i int) authz.Actor {
	return authz.Actor{Member: id.ID(2000 + i), Account: 1, Via: authz.Web}
}

func (b *booth) reveal(by authz.Actor, code int) error {
	private, _, err := ballotbox.ScrutineerKey(scrutineerCode(code), b.vote.Subject().String())
	b.must(err)
	return b.db.InDurableTx(b.ctx, func(tx *db.Tx) error {
		enough, err := b.Reveal(b.ctx, tx, by, b.vote.ID, private)
		b.enough = enough
		return err
	})
}

func (b *booth) unseal(f *ballotbox.File) {
	b.t.Helper()
	b.must(b.db.InDurableTx(b.ctx, func(tx *db.Tx) error {
		_, err := b.Unseal(b.ctx, tx, b.vote.ID, f)
		return err
	}))
}

// Until the close nothing in the tables says what is on a ballot, and after it two of three scrutineers open them.
func TestSealedBallotsWaitForTheScrutineers(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		b := newBooth(t, d, c, 6, sealedTo(2, 3))
		for i, ranks := range [][]int{{1, 2, 3}, {1, 0, 0}, {2, 1, 3}} {
			receipt, err := b.Cast(b.ctx, b.vote.ID, b.fill(b.take(i), 1, ranks...))
			b.must(err)
			b.must(b.q.CheckReceipt(receipt.Ballot, receipt.Signature))
		}
		plain := b.fill(b.take(3), 1, 1, 2, 3)
		plain.Choice = `{"rank":[1,2,3]}`
		_, err := b.Cast(b.ctx, b.vote.ID, plain)
		b.refused(err, fault.Forbidden, "own key")
		if rows := b.dump(); strings.Contains(rows, "rank") || !strings.Contains(rows, "sealed") {
			t.Error("a choice can be read in the box")
		}
		b.refused(b.reveal(scrutineer(1), 1), fault.Conflict, "still open")

		f := b.close()
		if f.Result.Rule != "" || f.Seed != (ballotbox.Hash{}) || len(f.Ballots) != 3 {
			t.Fatalf("the sealed file has %d ballots and the result %s", len(f.Ballots), f.Result.JSON())
		}
		if found, proved, err := ballot.Check(f); err != nil || len(found) > 0 || !proved {
			t.Errorf("the sealed file does not check: %v %v %v", found, proved, err)
		}
		waiting, err := b.ToReveal(b.ctx, scrutineer(2))
		b.must(err)
		if len(waiting) != 1 {
			t.Errorf("%d votes wait for the scrutineer", len(waiting))
		}

		b.refused(b.reveal(voter(1), 1), fault.Forbidden, "for the scrutineers")
		b.refused(b.reveal(scrutineer(1), 2), fault.Invalid, "not the key that you registered")
		b.must(b.reveal(scrutineer(3), 3))
		b.must(b.reveal(scrutineer(3), 3))
		if _, ok, err := b.Opened(b.ctx, b.vote.ID); ok || err != nil || b.enough {
			t.Fatalf("one scrutineer opens the ballots: %v %v", ok, err)
		}
		b.must(b.reveal(scrutineer(1), 1))
		ready, ok, err := b.Opened(b.ctx, b.vote.ID)
		b.must(err)
		if !ok || !b.enough {
			t.Fatalf("two scrutineers do not open the ballots")
		}
		b.unseal(ready)
		b.refused(b.reveal(scrutineer(2), 2), fault.Conflict, "open already")
		if _, err := b.record.Checkpoint(b.ctx); err != nil {
			t.Fatal(err)
		}
		f, err = b.Published(b.ctx, b.vote.ID)
		b.must(err)
		if strings.Join(f.Result.Elected, " ") != "Ada" || f.Result.Voted != 3 || f.Seed == (ballotbox.Hash{}) {
			t.Errorf("the result is %s", f.Result.JSON())
		}
		if found, proved, err := ballot.Check(f); err != nil || len(found) > 0 || !proved {
			t.Errorf("the opened file does not check: %v %v %v", found, proved, err)
		}
		if _, err := b.record.Verify(b.ctx); err != nil {
			t.Errorf("verify: %v", err)
		}

		// A file cannot be shown with another scrutineer's key left out, or as still sealed but with a result.
		bad := *f
		bad.Reveals = bad.Reveals[:1]
		if found, _, _ := ballot.Check(&bad); len(found) == 0 {
			t.Error("a file with one key passes")
		}
		waiting, err = b.ToReveal(b.ctx, scrutineer(2))
		b.must(err)
		if len(waiting) != 0 {
			t.Error("the scrutineer is still waited for")
		}
	})
}

// What somebody does to the tables between the close and the opening is found, and no later entry heals it.
func TestTamperingWithASealedBoxIsNamed(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		b := newBooth(t, d, c, 6, sealedTo(2, 2))
		for i := range 4 {
			_, err := b.Cast(b.ctx, b.vote.ID, b.fill(b.take(i), 1, 1, 2, 3))
			b.must(err)
		}
		hashes, err := b.close().Hashes()
		b.must(err)
		if _, err := d.Writer().ExecContext(b.ctx, `DELETE FROM ballot_box WHERE ballot_key = (SELECT MIN(ballot_key) FROM ballot_box)`); err != nil {
			t.Fatal(err)
		}
		b.must(b.reveal(scrutineer(1), 1))
		b.must(b.reveal(scrutineer(2), 2))
		ready, ok, err := b.Opened(b.ctx, b.vote.ID)
		b.must(err)
		if !ok {
			t.Fatal("not opened")
		}
		b.unseal(ready)
		f, err := b.Published(b.ctx, b.vote.ID)
		b.must(err)
		found, _, err := ballot.Check(f)
		b.must(err)
		if len(found) != 1 || found[0].Kind != ballotbox.Dropped || !slices.Contains(hashes, found[0].Ballot) {
			t.Errorf("found %v", found)
		}
		if _, err := b.record.Verify(b.ctx); err == nil {
			t.Error("the record still verifies")
		}
	})
}

// A vote that is called off leaves no ballot behind.
func TestAVoidVoteDestroysItsBallots(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		b := newBooth(t, d, c, 6)
		var last ballotbox.Ballot
		for i := range 4 {
			last = b.fill(b.take(i), 1, 1, 2, 3)
			_, err := b.Cast(b.ctx, b.vote.ID, last)
			b.must(err)
		}
		void := func() error {
			return d.InDurableTx(b.ctx, func(tx *db.Tx) error { return b.Void(b.ctx, tx, b.vote.ID) })
		}
		b.must(void())
		b.refused(void(), fault.Conflict, "closed already")
		if rows := b.dump(); strings.Contains(rows, last.Key.String()) || strings.Contains(rows, "rank") {
			t.Error("a ballot is still there")
		}
		_, err := b.Published(b.ctx, b.vote.ID)
		b.refused(err, fault.Gone, "not counted")
		_, err = b.Cast(b.ctx, b.vote.ID, last)
		b.refused(err, fault.Conflict, "closed")
		v, err := b.Get(b.ctx, d, b.vote.ID)
		b.must(err)
		if v.Key != "" || v.ReceiptKey != "" || v.Sealed() || v.Counted() || v.Ballots != 4 {
			t.Errorf("it is left as %+v", v)
		}
		if _, err := b.record.Verify(b.ctx); err != nil {
			t.Errorf("verify: %v", err)
		}
	})
}

// dump is what stands in the tables of this feature, but for the register.
func (b *booth) dump() string {
	b.t.Helper()
	rows, err := b.db.Writer().QueryContext(b.ctx, `SELECT ballot FROM ballot_box`)
	b.must(err)
	defer func() { _ = rows.Close() }()
	var out []string
	for rows.Next() {
		var text string
		b.must(rows.Scan(&text))
		out = append(out, text)
	}
	b.must(rows.Err())
	return strings.Join(out, "\n")
}
