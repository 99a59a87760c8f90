// Package cache keeps what was read from the database, bounded, for as long as nobody says that it
// has changed. It never serves a value that was read before a change and stored after it: a reader
// takes a Ticket before it reads, and Put refuses the value if anything near it was dropped since.
package cache

import (
	"hash/maphash"
	"sync"
)

const shards = 64

// Cache is safe for use by many goroutines. Values are shared, so they must not be changed.
type Cache[K comparable, V any] struct {
	seed  maphash.Seed
	shard [shards]shard[K, V]
	limit int // entries per shard
}

type shard[K comparable, V any] struct {
	mu    sync.Mutex
	items map[K]*item[K, V]
	ring  []*item[K, V]
	hand  int
	drops uint64
}

// item is one slot of the ring; used marks it as read since the hand last passed (the clock algorithm).
type item[K comparable, V any] struct {
	key   K
	value V
	used  bool
	dead  bool
}

// Ticket proves when a read began.
type Ticket uint64

// New makes a cache of about limit entries.
func New[K comparable, V any](limit int) *Cache[K, V] {
	c := &Cache[K, V]{seed: maphash.MakeSeed(), limit: max(limit/shards, 1)}
	for i := range c.shard {
		c.shard[i].items = map[K]*item[K, V]{}
	}
	return c
}

func (c *Cache[K, V]) of(k K) *shard[K, V] {
	return &c.shard[maphash.Comparable(c.seed, k)%shards]
}

// Get returns the value, or a ticket to Put it with once it has been read.
func (c *Cache[K, V]) Get(k K) (v V, ok bool, t Ticket) {
	s := c.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if it := s.items[k]; it != nil {
		it.used = true
		return it.value, true, 0
	}
	return v, false, Ticket(s.drops)
}

// Put stores a value that was read after its ticket was taken.
func (c *Cache[K, V]) Put(k K, v V, t Ticket) {
	s := c.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if Ticket(s.drops) != t {
		return
	}
	if it := s.items[k]; it != nil {
		it.value = v
		return
	}
	it := &item[K, V]{key: k, value: v}
	s.items[k] = it
	if len(s.ring) < c.limit {
		s.ring = append(s.ring, it)
		return
	}
	for {
		old := s.ring[s.hand]
		if old.used && !old.dead {
			old.used = false
			s.hand = (s.hand + 1) % len(s.ring)
			continue
		}
		if !old.dead {
			delete(s.items, old.key)
		}
		s.ring[s.hand] = it
		s.hand = (s.hand + 1) % len(s.ring)
		return
	}
}

// Clear forgets everything, because anything may have changed.
func (c *Cache[K, V]) Clear() {
	for i := range c.shard {
		s := &c.shard[i]
		s.mu.Lock()
		s.drops++
		clear(s.items)
		s.ring, s.hand = nil, 0
		s.mu.Unlock()
	}
}

// Drop forgets a value because it has changed.
func (c *Cache[K, V]) Drop(k K) {
	s := c.of(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drops++
	if it := s.items[k]; it != nil {
		it.dead = true
		var zero V
		it.value = zero
		delete(s.items, k)
	}
}
