// Package id makes the 64-bit identifiers that every row of the program has: 48 bits of Unix
// milliseconds and 16 bits of sequence, which is Mastodon's own layout, so that ids sort by time and
// a timeline is paged by comparing them. APIs write them as decimal strings.
package id

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// ID is an identifier. Zero means "none".
type ID int64

// Max is larger than every id; it is the cursor "from the newest on".
const Max = ID(1<<63 - 1)

const sequenceBits = 16

// String is the decimal form used in APIs and addresses.
func (i ID) String() string { return strconv.FormatInt(int64(i), 10) }

// Time is the millisecond the id was made in.
func (i ID) Time() time.Time { return time.UnixMilli(int64(i) >> sequenceBits).UTC() }

// MarshalText writes the decimal form, so that JSON shows a string: JavaScript loses digits above 2^53.
func (i ID) MarshalText() ([]byte, error) { return strconv.AppendInt(nil, int64(i), 10), nil }

// UnmarshalText reads the decimal form.
func (i *ID) UnmarshalText(b []byte) error {
	v, err := strconv.ParseInt(string(b), 10, 64)
	*i = ID(v)
	return err
}

// Parse reads the decimal form; anything that is not a positive number gives zero, which no row has.
func Parse(s string) ID {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 {
		return 0
	}
	return ID(v)
}

// An id holds 6 bits of node number and 10 bits of sequence below its millisecond. Ids of the present
// rise; when a millisecond is full they borrow from the next. Ids of the past (a post of another server,
// whose time is often a whole second) take the next free place at or after their time.
const (
	nodeShift   = 10
	perMilli    = 1 << (nodeShift - 1) // half of a millisecond's places are for the present, half for late comers
	presentSpan = 1000                 // milliseconds behind the newest that still count as the present
	maxPasts    = 1 << 16
)

var state struct {
	sync.Mutex
	node int64
	ms   int64 // of the newest id of the present
	seq  int64
	past map[int64]*run // by millisecond
}

// New returns an id for the time t. Within one process no id is given twice, and ids of the present
// rise. Several nodes on one database are kept apart by their numbers, see Node.
func New(t time.Time) ID {
	ms := t.UnixMilli()
	state.Lock()
	defer state.Unlock()
	if ms < state.ms-presentSpan {
		return past(ms)
	}
	switch {
	case ms > state.ms:
		state.ms, state.seq = ms, 0
	case state.seq+1 < perMilli:
		state.seq++
	default:
		state.ms, state.seq = state.ms+1, 0
	}
	return compose(state.ms, state.seq)
}

// run is what was given out of one past millisecond.
type run struct {
	at   int64 // the millisecond in which times of this one go on
	free int64 // the next free place of this millisecond's own
}

func runOf(ms int64) *run {
	r := state.past[ms]
	if r == nil {
		if state.past == nil || len(state.past) > maxPasts {
			state.past = map[int64]*run{}
		}
		r = &run{at: ms, free: perMilli + rand.Int64N(perMilli/2)} //nolint:gosec // a place, no secret
		if ms%1000 == 0 {
			// The time was rounded to a second: the whole second is free to use.
			r.at += rand.Int64N(500) //nolint:gosec // a place, no secret
		}
		state.past[ms] = r
	}
	return r
}

// past gives a place for a time that has gone, from the half of its millisecond that the present never
// uses. It begins at a random one, because this process does not know what was given out before it
// started, and goes on in the next millisecond, in that one's own order, when there is none left.
func past(ms int64) ID {
	asked := runOf(ms)
	for {
		if r := runOf(asked.at); r.free < 2*perMilli {
			r.free++
			return compose(asked.at, r.free-1)
		}
		asked.at++
	}
}

func compose(ms, seq int64) ID { return ID(ms<<sequenceBits | state.node<<nodeShift | seq) }

// Before is the smallest id of the time t: the cursor for "older than t".
func Before(t time.Time) ID { return ID(t.UnixMilli() << sequenceBits) }

// SetNode sets this process's number (0 to 63), which keeps ids of several nodes apart.
func SetNode(n int32) {
	state.Lock()
	defer state.Unlock()
	state.node = int64(n & 63)
}

// Node is this process's number.
func Node() int32 {
	state.Lock()
	defer state.Unlock()
	return int32(state.node) // 0 to 63
}
