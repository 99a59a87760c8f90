package id_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rochdale/internal/kit/id"
)

// The tests share the process's one sequence, so each lives in a time of its own and none is parallel.
var era int

func times() (present, past time.Time) {
	era++
	return time.Date(2030, 1, 1, era, 0, 0, 0, time.UTC), time.Date(2019, 5, 6, era, 8, 9, 0, time.UTC)
}

func unique(t *testing.T, ids []id.ID) {
	t.Helper()
	s := slices.Sorted(slices.Values(ids))
	for i := 1; i < len(s); i++ {
		if s[i] == s[i-1] {
			t.Fatalf("%d was given out twice among %d", s[i], len(s))
		}
	}
}

func TestUniqueAndRisingFromManySides(t *testing.T) {
	present, _ := times()
	const sides, each = 8, 12500
	lists := make(chan []id.ID)
	for range sides {
		go func() {
			var mine []id.ID
			for n := range each {
				mine = append(mine, id.New(present.Add(time.Duration(n/500)*time.Millisecond)))
			}
			lists <- mine
		}()
	}
	var all []id.ID
	for range sides {
		all = append(all, <-lists...)
	}
	unique(t, all)
	one := make([]id.ID, 100_000)
	at := present.Add(time.Minute)
	for i := range one {
		one[i] = id.New(at.Add(time.Duration(i/100) * time.Millisecond))
	}
	for i := 1; i < len(one); i++ {
		if one[i] <= one[i-1] {
			t.Fatalf("%d comes after %d", one[i], one[i-1])
		}
	}
	if d := one[len(one)-1].Time().Sub(at.Add(999 * time.Millisecond)); d < 0 || d > time.Second {
		t.Errorf("100 ids a millisecond run %v ahead of the clock", d)
	}
	unique(t, append(all, one...))
}

// Posts of other servers keep their own time, however many carry the same one: to the second where it
// was rounded to one, otherwise to a few milliseconds.
func TestThePastKeepsItsTime(t *testing.T) {
	present, past := times()
	newest := id.New(present)
	for name, tc := range map[string]struct {
		at   time.Time
		late time.Duration
	}{
		"milliseconds": {past.Add(123 * time.Millisecond), 25 * time.Millisecond},
		"seconds":      {past.Add(time.Minute), time.Second},
	} {
		var ids []id.ID
		for range 5000 {
			ids = append(ids, id.New(tc.at))
		}
		unique(t, ids)
		for _, i := range ids {
			if late := i.Time().Sub(tc.at); late < 0 || late >= tc.late || i < id.Before(tc.at) || i >= newest {
				t.Fatalf("%s: %d is of %v, want %v", name, i, i.Time(), tc.at)
			}
		}
	}
	if next := id.New(present); next <= newest {
		t.Errorf("after ids of the past, %d follows %d", next, newest)
	}
}

// What was the present a while ago is the past now: a post that arrives late, with the time it was
// written at, must not get the id of something that was made here in that millisecond.
func TestThePastDoesNotMeetThePresent(t *testing.T) {
	at, past := times()
	at = at.Add(37 * time.Millisecond)
	var ids []id.ID
	for range 300 {
		ids = append(ids, id.New(at))
	}
	id.New(at.Add(5 * time.Second))
	for range 300 {
		ids = append(ids, id.New(at))
	}
	unique(t, ids)
	// Nor with its neighbours in the past.
	ids = nil
	for n := range 3000 {
		ids = append(ids, id.New(past.Add(time.Duration(5+n%3)*time.Millisecond)))
	}
	unique(t, ids)
}

// From many sides at once, past and present, nothing is given out twice.
func TestPastAndPresentAtOnce(t *testing.T) {
	now, past := times()
	lists := make(chan []id.ID)
	for side := range 8 {
		go func() {
			var mine []id.ID
			for n := range 2500 {
				at := now.Add(time.Duration(n) * time.Millisecond)
				if side%2 == 0 {
					at = past.Add(time.Duration(n/1000) * time.Millisecond)
				}
				mine = append(mine, id.New(at))
			}
			lists <- mine
		}()
	}
	var all []id.ID
	for range 8 {
		all = append(all, <-lists...)
	}
	unique(t, all)
}

// Two nodes, played one after the other by the same process, never give out the same id: neither for
// now nor for the past.
func TestNodesAreKeptApart(t *testing.T) {
	defer id.SetNode(0)
	at, past := times()
	var all []id.ID
	for round := range 3 {
		for node := range int32(4) {
			id.SetNode(node)
			for range 200 {
				// Each node makes ids of the same millisecond.
				all = append(all, id.New(at.Add(time.Duration(round)*time.Minute)), id.New(past))
			}
		}
	}
	unique(t, all)
}

func TestWordsOfAnID(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		i := id.ID(rapid.Int64Range(0, 1<<63-1).Draw(r, "id"))
		if id.Parse(i.String()) != i {
			r.Errorf("%d is read back as %d", i, id.Parse(i.String()))
		}
		b, err := json.Marshal(map[id.ID]id.ID{i: i})
		if want := `{"` + i.String() + `":"` + i.String() + `"}`; err != nil || string(b) != want {
			r.Errorf("%s, want %s (%v)", b, want, err)
		}
		var back map[id.ID]id.ID
		if err := json.Unmarshal(b, &back); err != nil || back[i] != i {
			r.Errorf("%v, %v", back, err)
		}
		ms := rapid.Int64Range(0, 1<<46).Draw(r, "ms")
		if at := time.UnixMilli(ms).UTC(); !id.Before(at).Time().Equal(at) {
			r.Errorf("before %v is of %v", at, id.Before(at).Time())
		}
	})
	at, _ := times()
	for _, s := range []string{"", "-1", "x", "1.0", "0x10", " 1", "9223372036854775808", "1e3"} {
		if id.Parse(s) != 0 {
			t.Errorf("%q is read as %d", s, id.Parse(s))
		}
	}
	if id.Parse(strconv.Itoa(1<<62)) != 1<<62 || id.New(at) >= id.Max {
		t.Error("the largest ids do not fit")
	}
}
