package coopapi

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"rochdale/internal/kit/fault"
)

// Paging is how a list is read on.
type Paging struct {
	Cursor string `query:"cursor" maxLength:"100" doc:"Where to read on: the \"next\" of the page before. Without it the list begins."`
	Limit  int    `query:"limit" minimum:"1" maximum:"80" default:"40" doc:"Most items of a page. A page can hold fewer, also where another follows."`
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; without it the list is at its end."`
}

// Listed is the answer with a page.
type Listed[T any] struct{ Body Page[T] }

// Of is the answer with one thing.
type Of[T any] struct{ Body T }

func one[T any](v T) *Of[T] { return &Of[T]{v} }

// None is the answer that only says that it is done.
type None struct{}

// place is where an item stands in its list: by one number, or by two.
type place [2]int64

func (p place) String() string {
	text := strconv.FormatInt(p[0], 36)
	if p[1] != 0 {
		text += "." + strconv.FormatInt(p[1], 36)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func (p place) compare(q place) int { return slices.Compare(p[:], q[:]) }

// after reads the cursor; ok is false at the beginning.
func (p *Paging) after() (at place, ok bool, err error) {
	if p.Cursor == "" {
		return at, false, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return at, false, errCursor
	}
	for i, part := range strings.SplitN(string(text), ".", 2) {
		if at[i], err = strconv.ParseInt(part, 36, 64); err != nil {
			return at, false, errCursor
		}
	}
	return at, true, nil
}

var errCursor = fault.Field("cursor", "This cursor is none of ours: read the list from its beginning.")

// number is the cursor of a list that is read by one number; 0 at the beginning.
func (p *Paging) number() (int64, error) {
	at, _, err := p.after()
	return at[0], err
}

// pageOf makes a page of a list that was read with one item more than the page takes; number is where
// an item stands in it.
func pageOf[T, V any](in *Paging, list []T, number func(*T) int64, show func(*T) (V, error)) (*Listed[V], error) {
	out := &Listed[V]{Page[V]{Items: make([]V, 0, min(len(list), in.Limit))}}
	for i := range list {
		if i == in.Limit {
			out.Body.Next = place{number(&list[i-1])}.String()
			break
		}
		v, err := show(&list[i])
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

// direction is how a list runs.
type direction int

const (
	rising  direction = 1
	falling direction = -1
)

// cut makes a page of a list that is there as a whole, in the order of its places.
func cut[T, V any](in *Paging, list []T, runs direction, at func(*T) place, show func(*T) (V, error)) (*Listed[V], error) {
	from, ok, err := in.after()
	if err != nil {
		return nil, err
	}
	start := 0
	for ok && start < len(list) && at(&list[start]).compare(from)*int(runs) <= 0 {
		start++
	}
	rest := list[start:]
	out, err := pageOf(in, rest, func(*T) int64 { return 0 }, show)
	if err == nil && len(rest) > in.Limit {
		out.Body.Next = at(&rest[in.Limit-1]).String()
	}
	return out, err
}
