package ballot_test

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/record"
)

var schema = []db.Source{record.Migrations(), ballot.Migrations()}

// booth is a place to vote in a test.
type booth struct {
	*ballot.Service
	t      testing.TB
	ctx    context.Context
	db     *db.DB
	clock  *clock.Fake
	record *record.Service
	vote   ballot.Vote
	q      *ballotbox.Question
	enough bool // scrutineers have revealed their keys
}

func newBooth(tb testing.TB, d *db.DB, c *clock.Fake, roll int, how ...func(*ballot.Opening)) *booth {
	tb.Helper()
	r := record.New(d, "coop.example")
	b := &booth{Service: ballot.New(d, r, "coop.example"), t: tb, ctx: context.Background(), db: d, clock: c, record: r}
	r.Sources = append(r.Sources, b.States)
	var members []id.ID
	for i := range roll {
		members = append(members, id.ID(1000+i))
	}
	b.must(d.InDurableTx(b.ctx, func(tx *db.Tx) error {
		var err error
		opening := ballot.Opening{Subject: ref.Ref{Kind: "election", ID: 7}, Title: "Treasurer", Method: ballotbox.Ranking, Rule: "stv/scottish2007", Seats: 1,
			Options: []ballotbox.Option{{ID: "1", Name: "Ada"}, {ID: "2", Name: "Bo"}, {ID: "3", Name: "Cy"}}, Roll: members, Closes: c.Now().Add(7 * 24 * time.Hour)}
		for _, f := range how {
			f(&opening)
		}
		b.vote, err = b.Start(b.ctx, tx, opening)
		return err
	}))
	q, err := b.vote.Question()
	b.must(err)
	b.q = q
	return b
}

func (b *booth) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *booth) refused(err error, kind fault.Kind, words string) {
	b.t.Helper()
	if !fault.Is(err, kind) || !strings.Contains(err.Error(), words) {
		b.t.Fatalf("got %v, want %v with %q", err, kind, words)
	}
}

func voter(i int) authz.Actor {
	return authz.Actor{Member: id.ID(1000 + i), Account: 1, Via: authz.Web}
}

// browser is what a voter's browser holds.
type browser struct {
	code  ballotbox.Code
	paper ballotbox.Paper
}

func (b *booth) take(i int) browser {
	b.t.Helper()
	code, err := ballotbox.NewCode(rand.Reader)
	b.must(err)
	request, err := code.Blind(b.q)
	b.must(err)
	signature, err := b.Take(b.ctx, voter(i), b.vote.ID, request.Blinded)
	b.must(err)
	paper, err := request.Finish(signature, nil)
	b.must(err)
	return browser{code, paper}
}

func (b *booth) fill(v browser, sequence uint64, ranks ...int) ballotbox.Ballot {
	b.t.Helper()
	out, err := v.code.Seal(b.q, v.paper, sequence, ballotbox.Choice{Rank: ranks})
	b.must(err)
	return out
}

func (b *booth) close() *ballotbox.File {
	b.t.Helper()
	b.clock.Set(b.vote.ClosesAt)
	b.must(b.db.InDurableTx(b.ctx, func(tx *db.Tx) error {
		_, err := b.Finish(b.ctx, tx, b.vote.ID)
		return err
	}))
	_, err := b.record.Checkpoint(b.ctx)
	b.must(err)
	f, err := b.Published(b.ctx, b.vote.ID)
	b.must(err)
	return f
}

func TestASecretVoteFromOpeningToRecount(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		b := newBooth(t, d, c, 6)
		one, two := b.take(0), b.take(1)
		receipt, err := b.Cast(b.ctx, b.vote.ID, b.fill(one, 1, 1, 2, 3))
		b.must(err)
		b.must(b.q.CheckReceipt(receipt.Ballot, receipt.Signature))
		_, err = b.Cast(b.ctx, b.vote.ID, b.fill(two, 1, 0, 1, 0))
		b.must(err)

		// The second changes its mind; an old ballot cannot come back.
		_, err = b.Cast(b.ctx, b.vote.ID, b.fill(two, 2, 1, 0, 0))
		b.must(err)
		_, err = b.Cast(b.ctx, b.vote.ID, b.fill(two, 1, 0, 1, 0))
		b.refused(err, fault.Conflict, "later ballot")
		// Sent twice is one ballot.
		_, err = b.Cast(b.ctx, b.vote.ID, b.fill(two, 2, 1, 0, 0))
		b.must(err)

		// A voter has one paper: the code gives it again, another one is refused.
		request, err := one.code.Blind(b.q)
		b.must(err)
		_, err = b.Take(b.ctx, voter(0), b.vote.ID, request.Blinded)
		b.must(err)
		other, err := ballotbox.NewCode(rand.Reader)
		b.must(err)
		request, err = other.Blind(b.q)
		b.must(err)
		_, err = b.Take(b.ctx, voter(0), b.vote.ID, request.Blinded)
		b.refused(err, fault.Conflict, "without the code it is spoilt")
		_, err = b.Take(b.ctx, voter(99), b.vote.ID, request.Blinded)
		b.refused(err, fault.Forbidden, "not on the roll")
		_, err = b.Take(b.ctx, voter(2), b.vote.ID, []byte("short"))
		b.refused(err, fault.Invalid, "not a blinded ballot paper")

		// Nothing is published while it is open, and no ballot without a paper goes in.
		_, err = b.Published(b.ctx, b.vote.ID)
		b.refused(err, fault.Conflict, "when the vote is closed")
		forged := b.fill(one, 3, 3, 2, 1)
		forged.Paper = slices.Clone(forged.Paper)
		forged.Paper[5] ^= 1
		_, err = b.Cast(b.ctx, b.vote.ID, forged)
		b.refused(err, fault.Forbidden, "not signed for this vote")
		changed := b.fill(one, 3, 3, 2, 1)
		changed.Choice = `{"rank":[1,0,0]}`
		_, err = b.Cast(b.ctx, b.vote.ID, changed)
		b.refused(err, fault.Forbidden, "own key")

		f := b.close()
		if len(f.Ballots) != 2 || f.Papers != 2 || strings.Join(f.Result.Elected, " ") != "Ada" {
			t.Errorf("%d ballots on %d papers elect %v", len(f.Ballots), f.Papers, f.Result.Elected)
		}
		found, proved, err := ballot.Check(f)
		if err != nil || len(found) > 0 || !proved {
			t.Errorf("the file does not check: %v %v %v", found, proved, err)
		}
		_, err = b.Cast(b.ctx, b.vote.ID, b.fill(one, 3, 0, 0, 1))
		b.refused(err, fault.Conflict, "closed")
		v, err := b.Get(b.ctx, d, b.vote.ID)
		b.must(err)
		if v.Key != "" || v.ReceiptKey != "" {
			t.Error("the private keys are still there")
		}
		if _, err := b.record.Verify(b.ctx); err != nil {
			t.Errorf("verify: %v", err)
		}
	})
}

// Governance §6.6: lost keys or code for a ballot paper.
func TestAttack15ALostCodeSpoilsThePaperAndNothingElse(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		b := newBooth(t, d, c, 5)
		kept, _ := b.take(0), b.take(1) // the second loses the code
		_, err := b.Cast(b.ctx, b.vote.ID, b.fill(kept, 1, 1, 0, 0))
		b.must(err)
		// The same sign-in and code give the same paper in another browser.
		request, err := kept.code.Blind(b.q)
		b.must(err)
		signature, err := b.Take(b.ctx, voter(0), b.vote.ID, request.Blinded)
		b.must(err)
		again, err := request.Finish(signature, nil)
		b.must(err)
		_, err = b.Cast(b.ctx, b.vote.ID, b.fill(browser{kept.code, again}, 2, 0, 1, 0))
		b.must(err)
		f := b.close()
		if f.Papers != 2 || len(f.Ballots) != 1 {
			t.Errorf("%d papers, %d ballots: want one spoilt paper", f.Papers, len(f.Ballots))
		}
		found, _, err := ballot.Check(f)
		if err != nil || len(found) > 0 {
			t.Errorf("a spoilt paper is nothing wrong: %v %v", found, err)
		}
	})
}

func TestASecretBallotOfFewIsRefused(t *testing.T) {
	t.Parallel()
	d := testkit.SQLite(t, schema, clock.NewFake(testkit.Start))
	s := ballot.New(d, record.New(d, "coop.example"), "coop.example")
	err := d.InDurableTx(context.Background(), func(tx *db.Tx) error {
		_, err := s.Start(context.Background(), tx, ballot.Opening{Subject: ref.Ref{Kind: "election", ID: 7}, Title: "Chair", Method: ballotbox.Ranking, Rule: "irv/v1", Seats: 1,
			Options: []ballotbox.Option{{ID: "1", Name: "Ada"}}, Roll: []id.ID{1, 2, 3, 4}, Closes: testkit.Start.Add(time.Hour)})
		return err
	})
	if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "among 4 would not be secret") {
		t.Errorf("got %v", err)
	}
}

// What an operator does to the tables after the close is found, each ballot by name.
func TestTamperingWithTheBoxIsNamed(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, sql string
		kind      ballotbox.Kind
	}{
		{"dropped", `DELETE FROM ballot_box WHERE ballot_key = (SELECT MIN(ballot_key) FROM ballot_box)`, ballotbox.Dropped},
		{"changed", `UPDATE ballot_box SET ballot = REPLACE(ballot, '\"rank\":[1,2,3]', '\"rank\":[3,2,1]')`, ballotbox.Changed},
		{"added", `INSERT INTO ballot_box (vote_id, ballot_key, ballot) SELECT vote_id, 'x', '{"key":"AAAA","prefix":"","paper":"","sequence":1,"choice":"{\"rank\":[1,2,3]}","signature":""}' FROM ballot_box LIMIT 1`, ballotbox.Added},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
				b := newBooth(t, d, c, 6)
				for i := range 4 {
					ranks := []int{2, 1, 3}
					if i == 0 {
						ranks = []int{1, 2, 3}
					}
					_, err := b.Cast(b.ctx, b.vote.ID, b.fill(b.take(i), 1, ranks...))
					b.must(err)
				}
				b.close()
				if n, err := d.Writer().ExecContext(b.ctx, tc.sql); err != nil {
					t.Fatal(err)
				} else if rows, _ := n.RowsAffected(); rows == 0 {
					t.Fatal("nothing was tampered with")
				}
				f, err := b.Published(b.ctx, b.vote.ID)
				b.must(err)
				found, _, err := ballot.Check(f)
				b.must(err)
				named := false
				for _, x := range found {
					named = named || x.Kind == tc.kind && x.Ballot != ballotbox.Hash{}
				}
				if !named {
					t.Errorf("no finding names the %s ballot: %v", tc.name, found)
				}
				if _, err := b.record.Verify(b.ctx); err == nil {
					t.Error("the record still verifies")
				}
			})
		})
	}
}

// Done by 4: a thousand ballots race the close; each is in with a receipt, or refused.
func TestAThousandBallotsRaceTheClose(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		const n = 1000
		b := newBooth(t, d, c, n)
		ballots := make([]ballotbox.Ballot, n)
		var prepare sync.WaitGroup
		for w := range 4 {
			prepare.Go(func() {
				for i := w; i < n; i += 4 {
					ballots[i] = b.fill(b.take(i), 1, 1, 2, 3)
				}
			})
		}
		prepare.Wait()
		receipts, outcomes := make([]ballot.Receipt, n), make([]error, n)
		var race sync.WaitGroup
		half := make(chan struct{})
		var taken atomic.Int64
		for i := range n {
			race.Go(func() {
				receipts[i], outcomes[i] = b.Cast(b.ctx, b.vote.ID, ballots[i])
				if taken.Add(1) == n/4 {
					close(half)
				}
			})
		}
		<-half
		f := b.close()
		race.Wait()
		in := map[ballotbox.Hash]bool{}
		hashes, err := f.Hashes()
		b.must(err)
		for _, h := range hashes {
			in[h] = true
		}
		accepted, refused := 0, 0
		for i, err := range outcomes {
			switch {
			case err == nil:
				accepted++
				b.must(b.q.CheckReceipt(receipts[i].Ballot, receipts[i].Signature))
				if !in[receipts[i].Ballot] {
					t.Errorf("ballot %d has a receipt and is not in the published set", i)
				}
			case fault.Is(err, fault.Conflict):
				refused++
			default:
				t.Errorf("ballot %d: %v", i, err)
			}
		}
		if accepted != len(f.Ballots) || accepted+refused != n || accepted == 0 {
			t.Errorf("%d receipts, %d refused, %d published", accepted, refused, len(f.Ballots))
		}
		t.Logf("%d in, %d refused", accepted, refused)
	})
}
