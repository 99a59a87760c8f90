package ballot_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"runtime"
	"sync"
	"testing"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/ballotbox"
)

var (
	tickAll    = db.Stmt(`UPDATE ballot_register SET taken = TRUE, blinded = $2, signed = $2 WHERE vote_id = $1`)
	countAll   = db.Stmt(`UPDATE ballot_votes SET papers = $2, ballots = $2 WHERE id = $1`)
	fillBallot = db.Stmt(`INSERT INTO ballot_box (vote_id, ballot_key, ballot) VALUES ($1, $2, $3)`)
)

// ballots makes n good ballots on all processors: 10,000 take about a minute of two, nearly all of it blind
// signatures, which in life the voters ask for one by one.
func (b *booth) ballots(n int) []ballotbox.Ballot {
	b.t.Helper()
	der, err := base64.RawURLEncoding.DecodeString(b.vote.Key)
	b.must(err)
	signer, err := ballotbox.ParseSigner(der)
	b.must(err)
	made, errs := make([]ballotbox.Ballot, n), make([]error, n)
	var wait sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := part; i < n; i += runtime.GOMAXPROCS(0) {
				made[i], errs[i] = b.sealed(signer, i)
			}
		})
	}
	wait.Wait()
	b.must(errors.Join(errs...))
	return made
}

func (b *booth) sealed(signer *ballotbox.Signer, i int) (ballotbox.Ballot, error) {
	code, err := ballotbox.NewCode(rand.Reader)
	if err != nil {
		return ballotbox.Ballot{}, err
	}
	request, err := code.Blind(b.q)
	if err != nil {
		return ballotbox.Ballot{}, err
	}
	signature, err := signer.BlindSign(rand.Reader, request.Blinded)
	if err != nil {
		return ballotbox.Ballot{}, err
	}
	paper, err := request.Finish(signature, nil)
	if err != nil {
		return ballotbox.Ballot{}, err
	}
	some := [][]int{{1, 2, 3}, {2, 1, 0}, {0, 0, 1}, {3, 1, 2}, {0, 1, 2}}
	return code.Seal(b.q, paper, 1, ballotbox.Choice{Rank: some[i%len(some)]})
}

// benchFinish times the close of a vote with n ballots in the box, up to the commit, which is undone so that
// it can be done again. The rows are written past Take and Cast.
func benchFinish(b *testing.B, d *db.DB, n int) {
	b.Helper()
	x := newBooth(b, d, clock.NewFake(testkit.Start), n)
	made := x.ballots(n)
	// What was blinded and signed stands in the register until the close, 512 characters each.
	signed := base64.RawURLEncoding.EncodeToString(make([]byte, 384))
	x.must(d.InDurableTx(x.ctx, func(tx *db.Tx) error {
		for _, y := range made {
			if _, err := fillBallot.Run(x.ctx, tx, x.vote.ID, base64.RawURLEncoding.EncodeToString(y.Key), string(y.JSON())); err != nil {
				return err
			}
		}
		if _, err := tickAll.Run(x.ctx, tx, x.vote.ID, signed); err != nil {
			return err
		}
		_, err := countAll.Run(x.ctx, tx, x.vote.ID, n)
		return err
	}))
	undo := context.Canceled
	for b.Loop() {
		err := d.InDurableTx(x.ctx, func(tx *db.Tx) error {
			result, err := x.Finish(x.ctx, tx, x.vote.ID)
			if err != nil {
				return err
			}
			if result.Voted != n {
				b.Fatalf("%d of %d ballots were counted", result.Voted, n)
			}
			return undo
		})
		if !errors.Is(err, undo) {
			b.Fatal(err)
		}
	}
}

func BenchmarkFinish10000(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		benchFinish(b, testkit.SQLite(b, schema, clock.NewFake(testkit.Start)), 10_000)
	})
	b.Run("postgres", func(b *testing.B) {
		benchFinish(b, testkit.Postgres(b, schema, clock.NewFake(testkit.Start)), 10_000)
	})
}
