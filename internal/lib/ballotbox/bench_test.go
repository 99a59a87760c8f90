package ballotbox

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"testing"

	"rochdale/internal/lib/tally"
)

// The issue asks for 10,000 signatures in a minute of one core: 6 ms each.
func BenchmarkBlindSign3072(b *testing.B) {
	s, q := signer(b), question(b, Ranking, tally.RuleScottish)
	request, err := code(1).Blind(q)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.BlindSign(rand.Reader, request.Blinded); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBlind(b *testing.B) {
	q := question(b, Ranking, tally.RuleScottish)
	for b.Loop() {
		if _, err := code(1).Blind(q); err != nil {
			b.Fatal(err)
		}
	}
}

// A ballot as it comes in: paper, signature and choice.
func BenchmarkCheckBallot(b *testing.B) {
	q := question(b, Ranking, tally.RuleScottish)
	ballot := cast(b, q, 1, 1, q.Blank())
	for b.Loop() {
		if _, _, err := q.CheckBallot(ballot); err != nil {
			b.Fatal(err)
		}
	}
}

func thousand(b *testing.B) *File {
	b.Helper()
	q := question(b, Ranking, tally.RuleScottish)
	q.Roll = 1000
	var ballots []Ballot
	some := choices(Ranking)
	for i := range 1000 {
		ballots = append(ballots, castBy(b, q, Code([]byte(fmt.Sprintf("code number %4d", i))), 1, some[i%len(some)]))
	}
	f, err := Publish(q, 1000, ballots, nil)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

func BenchmarkVerify1000(b *testing.B) {
	f := thousand(b)
	for b.Loop() {
		if found := Verify(f); len(found) > 0 {
			b.Fatal(found)
		}
	}
}

func BenchmarkReadFile1000(b *testing.B) {
	text, err := thousand(b).JSON()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ReadFile(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

// Two of three scrutineers open a thousand ballots.
func BenchmarkOpen1000(b *testing.B) {
	q := sealedQuestion(b, Ranking, tally.RuleScottish, 2, 3)
	q.Roll = 1000
	var ballots []Ballot
	some := choices(Ranking)
	hash, err := q.Hash()
	if err != nil {
		b.Fatal(err)
	}
	for i := range 1000 {
		c := Code([]byte(fmt.Sprintf("code number %4d", i)))
		key, _, err := c.ballotKey(hash)
		if err != nil {
			b.Fatal(err)
		}
		sealed, err := c.Seal(q, Paper{Key: Base64(key.Public().(ed25519.PublicKey))}, 1, some[i%len(some)])
		if err != nil {
			b.Fatal(err)
		}
		ballots = append(ballots, sealed)
	}
	keys := reveals(b, q, 1, 3)
	for b.Loop() {
		box, err := q.Read(ballots, keys)
		if err != nil {
			b.Fatal(err)
		}
		if box.Choices[999] == nil {
			b.Fatal("spoilt")
		}
	}
}
