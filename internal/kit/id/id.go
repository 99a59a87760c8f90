// Package id makes the 64-bit identifiers that every row of the program has: 48 bits of Unix
// milliseconds and 16 bits of sequence, which is Mastodon's own layout, so that ids sort by time and
// a timeline is paged by comparing them. APIs write them as decimal strings.
package id

import (
	"strconv"
	"sync/atomic"
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

// last is the newest id given out by this process; ids are unique and rising across all features.
var last atomic.Int64

// New returns an id for the time t, larger than every id made before in this process unless t lies
// in the past. Several nodes on one database each keep their own sequence: node numbers take the top
// bits of it (see Node).
func New(t time.Time) ID {
	base := t.UnixMilli()<<sequenceBits | int64(node.Load())<<nodeShift
	for {
		prev := last.Load()
		next := base
		if prev >= base {
			next = prev + 1
			// Far ahead of the clock means that t lies in the past of another caller (an imported or
			// remote post): then the id keeps its own time, and the low bits come from a counter.
			if prev>>sequenceBits > t.UnixMilli()+1000 {
				return ID(base | int64(past.Add(1))&(1<<nodeShift-1))
			}
		}
		if last.CompareAndSwap(prev, next) {
			return ID(next)
		}
	}
}

// Before is the smallest id of the time t: the cursor for "older than t".
func Before(t time.Time) ID { return ID(t.UnixMilli() << sequenceBits) }

const nodeShift = 10

var (
	node atomic.Int32
	past atomic.Uint32
)

// Node sets this process's number (0 to 63), which keeps ids of several nodes apart.
func Node(n int32) { node.Store(n & 63) }
