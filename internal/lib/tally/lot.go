package tally

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Seed mixes the published data of a vote into the seed of its lots: the name
// of the rule, the id of the vote, the hashes of all ballots and what the
// scrutineers committed to before the vote and revealed after it. Hashes are
// sorted here, so their order does not matter; reveals are taken in the order
// in which the record names the scrutineers.
//
// The seed is SHA-256 over these parts, each preceded by its length as eight
// bytes, big end first: "rochdale/seed/v1", rule, vote, then the number of
// hashes (eight bytes) and each hash, then the number of reveals and each.
//
// spec: governance#3.3
func Seed(rule, vote string, ballots, reveals [][]byte) []byte {
	h := sha256.New()
	number := func(n int) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	part := func(p []byte) {
		number(len(p))
		h.Write(p)
	}
	part([]byte("rochdale/seed/v1"))
	part([]byte(rule))
	part([]byte(vote))
	sorted := slices.Clone(ballots)
	slices.SortFunc(sorted, bytes.Compare)
	for _, list := range [][][]byte{sorted, reveals} {
		number(len(list))
		for _, p := range list {
			part(p)
		}
	}
	return h.Sum(nil)
}

// Lot shuffles the numbers 0 to n-1 by the seed. The purpose names what the
// lot is for, so that two lots from one seed have nothing to do with each
// other. Whoever has the seed gets the same order; every order is equally
// likely over all seeds.
//
// The shuffle is Fisher and Yates' from the front: for i from 0, swap place i
// with place i+x, where x is drawn below n-i. A draw below m is the first
// eight bytes (big end first) of
//
//	SHA-256( "rochdale/lot/v1" ‖ len(seed) ‖ seed ‖ len(purpose) ‖ purpose ‖ k )
//
// with lengths and k as eight bytes, k counting all draws of this lot from 0.
// A value at or above the largest multiple of m is thrown away and the next k
// taken, so that no remainder is favoured; otherwise x is the value modulo m.
func Lot(seed []byte, purpose string, n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	head := []byte("rochdale/lot/v1")
	head = binary.BigEndian.AppendUint64(head, uint64(len(seed)))
	head = append(head, seed...)
	head = binary.BigEndian.AppendUint64(head, uint64(len(purpose)))
	head = append(head, purpose...)
	k := uint64(0)
	below := func(m uint64) uint64 {
		// 2^64 mod m values at the top would favour small remainders.
		excess := -m % m
		for {
			sum := sha256.Sum256(binary.BigEndian.AppendUint64(slices.Clone(head), k))
			k++
			if x := binary.BigEndian.Uint64(sum[:8]); x <= ^uint64(0)-excess {
				return x % m
			}
		}
	}
	for i := 0; i < n-1; i++ {
		j := i + int(below(uint64(n-i)))
		order[i], order[j] = order[j], order[i]
	}
	return order
}

// Draw is a lot that was drawn in a count.
type Draw struct {
	For   string   `json:"for"`   // the purpose given to Lot
	Among []string `json:"among"` // the tied, in the options' order
	Drawn []string `json:"drawn"` // in the order of the lot
}

// lots draws for one count and remembers each draw.
type lots struct {
	seed  []byte
	names []string
	drawn []Draw
}

// draw puts tied options (indexes, in rising order) into the order of the lot.
func (l *lots) draw(purpose string, tied []int) []int {
	tied = slices.Sorted(slices.Values(tied))
	d := Draw{For: purpose}
	order := make([]int, len(tied))
	for i, at := range Lot(l.seed, purpose, len(tied)) {
		order[i] = tied[at]
	}
	for i := range tied {
		d.Among = append(d.Among, l.names[tied[i]])
		d.Drawn = append(d.Drawn, l.names[order[i]])
	}
	l.drawn = append(l.drawn, d)
	return order
}
