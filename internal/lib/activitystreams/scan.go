package activitystreams

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is the text of one JSON value that is known to be valid, without
// space around it. Walking the text directly, rather than decoding into maps,
// costs a third of the time and lets every field be lenient on its own.
type value []byte

// check refuses a document before anything is allocated for it.
func check(b []byte) error {
	if len(b) > MaxBytes {
		return ErrTooLarge
	}
	// The depth is measured first and without a parser, so that a hostile
	// document costs no more than its first few bytes.
	depth, objects, inString := 0, 0, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		if inString {
			switch c {
			case '\\':
				i++
			case '"':
				inString = false
			}
			continue
		}
		switch c {
		case '"':
			inString = true
		case '{', '[':
			if depth++; depth > MaxDepth {
				return ErrTooDeep
			}
			if c == '{' {
				if objects++; objects > MaxObjects {
					return ErrTooLarge
				}
			}
		case '}', ']':
			depth--
		}
	}
	if !json.Valid(b) {
		return ErrMalformed
	}
	return nil
}

func (v value) isObject() bool { return len(v) > 0 && v[0] == '{' }
func (v value) isList() bool   { return len(v) > 0 && v[0] == '[' }
func (v value) isString() bool { return len(v) > 0 && v[0] == '"' }

// members walks the keys and values of an object; it yields nothing for
// any other value. A key that occurs twice is yielded twice.
//
// Keys are bytes because a switch over string(key) does not allocate.
func (v value) members() iter.Seq2[[]byte, value] {
	return func(yield func([]byte, value) bool) {
		if !v.isObject() {
			return
		}
		for i := 1; ; {
			i = skipSpace(v, i)
			if v[i] == '}' {
				return
			}
			if v[i] == ',' {
				i = skipSpace(v, i+1)
			}
			end := skipValue(v, i)
			key := []byte(v[i+1 : end-1])
			if bytes.IndexByte(key, '\\') >= 0 {
				key = []byte(v[i:end].text())
			}
			i = skipSpace(v, end)
			i = skipSpace(v, i+1) // the colon
			end = skipValue(v, i)
			if !yield(key, v[i:end]) {
				return
			}
			i = end
		}
	}
}

// items walks the elements of a list. Any other value but null counts as a
// list of one, as JSON-LD has it.
func (v value) items() iter.Seq[value] {
	return func(yield func(value) bool) {
		if !v.isList() {
			if len(v) > 0 && v[0] != 'n' {
				yield(v)
			}
			return
		}
		for i := 1; ; {
			i = skipSpace(v, i)
			if v[i] == ']' {
				return
			}
			if v[i] == ',' {
				i = skipSpace(v, i+1)
			}
			end := skipValue(v, i)
			if v[i] != 'n' && !yield(v[i:end]) {
				return
			}
			i = end
		}
	}
}

// first returns the value itself, or the first element of a list.
func (v value) first() value {
	for item := range v.items() {
		return item
	}
	return nil
}

// text returns a string's content, and "" for any other value. Null
// characters are dropped, because PostgreSQL cannot store them.
func (v value) text() string {
	if !v.isString() {
		return ""
	}
	inner := v[1 : len(v)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return ""
	}
	return strings.ReplaceAll(s, "\x00", "")
}

// truth returns true for the literal true and for the string "true".
func (v value) truth() bool { return string(v) == "true" || string(v) == `"true"` }

// number returns a number, or a string that holds one, and 0 otherwise.
func (v value) number() float64 {
	s := string(v)
	if v.isString() {
		s = v.text()
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != n || n > 1<<53 || n < -1<<53 {
		return 0
	}
	return n
}

func (v value) count() int64 { return int64(v.number()) }

func skipSpace(v value, i int) int {
	for v[i] == ' ' || v[i] == '\n' || v[i] == '\t' || v[i] == '\r' {
		i++
	}
	return i
}

// skipValue returns the index after the value that starts at i.
func skipValue(v value, i int) int {
	switch v[i] {
	case '"':
		return skipString(v, i)
	case '{', '[':
		depth := 0
		for ; ; i++ {
			switch v[i] {
			case '"':
				i = skipString(v, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(v) {
		switch v[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
		i++
	}
	return i
}

func skipString(v value, i int) int {
	for i++; v[i] != '"'; i++ {
		if v[i] == '\\' {
			i++
		}
	}
	return i + 1
}
