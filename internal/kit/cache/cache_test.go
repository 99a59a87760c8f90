package cache

import (
	"testing"

	"pgregory.net/rapid"
)

// Whatever the order of reads, changes and late stores, a hit is never older than the last change.
func TestNeverStale(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := New[int, int](128)
		truth := map[int]int{}
		type read struct {
			k, v int
			t    Ticket
		}
		var reads []read
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			k := rapid.IntRange(0, 300).Draw(t, "key")
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				v, ok, ticket := c.Get(k)
				if ok && v != truth[k] {
					t.Fatalf("key %d: got %d, truth is %d", k, v, truth[k])
				}
				if !ok {
					reads = append(reads, read{k, truth[k], ticket})
				}
			case 1:
				truth[k]++
				c.Drop(k)
			case 2:
				if len(reads) > 0 {
					r := reads[0]
					reads = reads[1:]
					c.Put(r.k, r.v, r.t)
				}
			}
		}
		n := 0
		for i := range c.shard {
			n += len(c.shard[i].items)
		}
		if n > 128 {
			t.Fatalf("%d entries", n)
		}
	})
}
