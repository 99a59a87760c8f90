package record

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/ref"
)

// Filter says which events are looked for; its zero value is all of them.
type Filter struct {
	Kinds     []string // beginnings of kinds, "act." or "decision.counted": any of them
	Subject   ref.Ref  // what it is about
	Member    ref.Ref  // who did it
	Authority ref.Ref  // what permitted it
	Within    ref.Ref  // a body, decision or election that it belongs to
	From      time.Time
	Until     time.Time // up to this instant and without it
	Before    int64     // numbers below this one; 0: from the newest on
	Limit     int       // at most 200
}

// Find lists events newest first.
func (s *Service) Find(ctx context.Context, f Filter) ([]Event, error) {
	limit := min(max(f.Limit, 1), 200)
	before, from, err := s.bounds(ctx, f)
	if err != nil || before <= from {
		return nil, err
	}
	var kinds []string
	if len(f.Kinds) > 0 {
		if kinds, err = s.kinds(ctx, f.Kinds); err != nil || len(kinds) == 0 {
			return nil, err
		}
	}
	member, authority, within := f.Member.String(), f.Authority.String(), f.Within.String()
	narrow := func(q *db.Query[Event], by string) ([]Event, error) {
		return q.All(ctx, s.db, by, before, from, member, authority, len(kinds), kinds, limit, within)
	}
	switch {
	case f.Subject.Kind != "":
		return narrow(listAbout, f.Subject.String())
	case within != "":
		return listWithin.All(ctx, s.db, within, before, from, member, authority, len(kinds), kinds, limit)
	case f.Authority.Kind != "":
		return narrow(listUnder, authority)
	case f.Member.Kind != "":
		return narrow(listBy, member)
	case kinds != nil:
		return s.ofKinds(ctx, kinds, before, from, limit)
	}
	return listEvents.All(ctx, s.db, before, from, limit)
}

// List is Find for the events whose kind begins like this, or for all of them.
func (s *Service) List(ctx context.Context, before int64, kind string, limit int) ([]Event, error) {
	f := Filter{Before: before, Limit: limit}
	if kind != "" {
		f.Kinds = []string{kind}
	}
	return s.Find(ctx, f)
}

// kinds are those that are there and begin like one of these. They are few, however long the record is.
func (s *Service) kinds(ctx context.Context, beginnings []string) ([]string, error) {
	all, err := listKinds.All(ctx, s.db)
	return slices.DeleteFunc(all, func(k string) bool {
		return !slices.ContainsFunc(beginnings, func(b string) bool { return strings.HasPrefix(k, b) })
	}), err
}

// ofKinds takes the newest of each kind from the index and of those the newest: rare kinds are found
// in a long record without walking through it.
func (s *Service) ofKinds(ctx context.Context, kinds []string, before, from int64, limit int) ([]Event, error) {
	var seqs []int64
	for _, k := range kinds {
		some, err := listKind.All(ctx, s.db, k, before, from, limit)
		if err != nil {
			return nil, err
		}
		seqs = append(seqs, some...)
	}
	slices.Sort(seqs)
	slices.Reverse(seqs)
	return listSeqs.All(ctx, s.db, seqs[:min(len(seqs), limit)])
}

// bounds turns times into numbers: events never run back in time, so that their numbers find them.
func (s *Service) bounds(ctx context.Context, f Filter) (before, from int64, err error) {
	if before = f.Before; before <= 0 {
		before = 1<<62 - 1
	}
	if !f.From.IsZero() {
		if from, err = s.firstAt(ctx, f.From); err != nil {
			return 0, 0, err
		}
	}
	if !f.Until.IsZero() {
		until, err := s.firstAt(ctx, f.Until)
		if err != nil {
			return 0, 0, err
		}
		before = min(before, until)
	}
	return before, from, nil
}

// firstAt is the number of the first event at or after an instant.
func (s *Service) firstAt(ctx context.Context, at time.Time) (int64, error) {
	last, err := headSeq.One(ctx, s.db)
	if err != nil {
		return 0, err
	}
	low, high := int64(1), last+1
	for low < high {
		middle := low + (high-low)/2
		then, err := getAt.One(ctx, s.db, middle)
		if err != nil {
			return 0, fmt.Errorf("find event %d: %w", middle, err)
		}
		if then.Before(at) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// Before finds the last event before e that says what state their subject is in, and that state; it is
// nil if there is none.
func (s *Service) Before(ctx context.Context, e Event) (Event, Body, error) {
	subject := ref.Parse(e.Subject)
	if e.Subject == "" {
		return Event{}, Body{}, nil
	}
	for before := e.Seq; ; {
		list, err := s.Find(ctx, Filter{Subject: subject, Before: before, Limit: 20})
		if err != nil || len(list) == 0 {
			return Event{}, Body{}, err
		}
		for _, x := range list {
			b, err := x.Read()
			if err != nil {
				return x, b, fmt.Errorf("read event %d: %w", x.Seq, err)
			}
			if b.State != nil {
				return x, b, nil
			}
			before = x.Seq
		}
	}
}
