package ballotbox

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Kind says in a word what a Finding is about.
type Kind string

// The kinds of findings. Those above BadQuestion are about one ballot.
const (
	BadForm      Kind = "form"      // a part of the ballot is missing or has the wrong length
	BadPaper     Kind = "paper"     // the paper is not signed by the election's key
	BadWitness   Kind = "witness"   // the paper is not signed by the witness's key
	BadSignature Kind = "signature" // the ballot is not signed by its own key
	BadChoice    Kind = "choice"    // the choice is no answer to the question
	Twice        Kind = "twice"     // an earlier ballot of the file has the same key
	Unsorted     Kind = "order"     // the ballot stands behind one with a higher hash
	Dropped      Kind = "dropped"   // in the record, not in the file
	Added        Kind = "added"     // in the file, not in the record
	Changed      Kind = "changed"   // the record has another ballot with this key

	BadQuestion Kind = "question" // the question itself is not sound
	TooMany     Kind = "papers"   // there are more ballots than papers
	Stuffed     Kind = "roll"     // there are more papers than members
	BadReveal   Kind = "reveal"   // a scrutineer's key is none, or stands twice
	BadSeed     Kind = "seed"     // the lots were not drawn from these ballots
	BadResult   Kind = "result"   // these ballots give another result
)

// Finding is one thing that is wrong with a file.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Ballot Hash   `json:"ballot,omitzero"` // which ballot, where it is about one
	Key    Base64 `json:"key,omitempty"`   // its ballot key
	Text   string `json:"text"`            // a sentence
}

// String returns the sentence, with the ballot where there is one.
func (f Finding) String() string {
	if f.Ballot == (Hash{}) {
		return f.Text
	}
	return fmt.Sprintf("ballot %s: %s", f.Ballot, f.Text)
}

// Verify checks all that can be checked of a file by itself: every signature,
// the order, the numbers, the seed and the count. A file with no findings has
// the result of its ballots, and each ballot is on a paper of the election.
// That the papers went to members, one each, the marked register shows; that
// no ballot is missing, Compare and the members' receipts. Of a file that is
// still sealed to the scrutineers, all but the count is checked.
func Verify(f *File) []Finding {
	q := &f.Question
	if err := q.Check(); err != nil {
		return []Finding{{Kind: BadQuestion, Text: err.Error()}}
	}
	r, err := q.reader()
	if err != nil {
		return []Finding{{Kind: BadQuestion, Text: err.Error()}}
	}
	var found []Finding
	say := func(kind Kind, text string, values ...any) {
		found = append(found, Finding{Kind: kind, Text: fmt.Sprintf(text, values...)})
	}
	keys, hashes := map[string]Hash{}, make([]Hash, len(f.Ballots))
	for i, b := range f.Ballots {
		h := b.Hash(r.hash)
		hashes[i] = h
		about := func(kind Kind, text string, values ...any) {
			found = append(found, Finding{kind, h, b.Key, fmt.Sprintf(text, values...)})
		}
		_, errs := r.check(b)
		for _, err := range errs {
			about(kindOf(err), "%v", err)
		}
		if first, there := keys[string(b.Key)]; there {
			about(Twice, "it has the same key as ballot %s", first)
		} else {
			keys[string(b.Key)] = h
		}
		if i > 0 && bytes.Compare(hashes[i-1][:], h[:]) > 0 {
			about(Unsorted, "it stands behind ballot %s and should be before it", hashes[i-1])
		}
	}
	if len(f.Ballots) > f.Papers {
		say(TooMany, "there are %d ballots, and %d papers were given out", len(f.Ballots), f.Papers)
	}
	if f.Papers > q.Roll {
		say(Stuffed, "%d papers were given out, and the roll has %d members", f.Papers, q.Roll)
	}
	for i, r := range f.Reveals {
		if err := q.CheckReveal(r); err != nil {
			say(BadReveal, "%v", err)
		} else if i > 0 && r.Place <= f.Reveals[i-1].Place {
			say(BadReveal, "the reveals are not in rising order")
		}
	}
	box, err := f.Read()
	if err != nil {
		say(BadResult, "these ballots cannot be counted: %v", err)
		return found
	}
	if box.Sealed && (f.Seed != (Hash{}) || f.Result.Rule != "") {
		say(BadReveal, "it has a result, and not the %d keys that open its ballots: %d are there", q.Scrutineers.Needed, len(f.Reveals))
	}
	if box.Seed != f.Seed {
		say(BadSeed, "the seed of these ballots is %s and not %s", box.Seed, f.Seed)
	}
	if result, err := box.Count(); err != nil {
		say(BadResult, "these ballots cannot be counted: %v", err)
	} else if !bytes.Equal(result.JSON(), f.Result.JSON()) {
		say(BadResult, "these ballots give another result: %s", result.JSON())
	}
	return found
}

func kindOf(err error) Kind {
	switch {
	case errors.Is(err, ErrPaper):
		return BadPaper
	case errors.Is(err, ErrWitness):
		return BadWitness
	case errors.Is(err, ErrSignature):
		return BadSignature
	case errors.Is(err, ErrChoice):
		return BadChoice
	}
	return BadForm
}

// Entry is a ballot as another source has it: the record's list at the close,
// or a member's receipt. Key is empty where the source has hashes only; a
// changed ballot is then a dropped one and an added one.
type Entry struct {
	Hash Hash   `json:"hash"`
	Key  Base64 `json:"key,omitempty"`
}

// Entries lists the file's ballots for a record to keep.
func (f *File) Entries() ([]Entry, error) {
	hashes, err := f.Hashes()
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, len(hashes))
	for i, h := range hashes {
		entries[i] = Entry{h, f.Ballots[i].Key}
	}
	return entries, nil
}

// Compare names each ballot by which a file differs from the full list of them
// that a record has: dropped, added, or changed, which is one with the same
// key and another hash. The findings are sorted by hash.
func Compare(f *File, record []Entry) ([]Finding, error) {
	here, err := f.Entries()
	if err != nil {
		return nil, err
	}
	inFile, inRecord := map[Hash]bool{}, map[Hash]bool{}
	byKey := map[string]Hash{} // ballots that only the record has
	for _, e := range here {
		inFile[e.Hash] = true
	}
	for _, e := range record {
		inRecord[e.Hash] = true
		if len(e.Key) > 0 && !inFile[e.Hash] {
			byKey[string(e.Key)] = e.Hash
		}
	}
	var found []Finding
	replaced := map[Hash]bool{}
	for _, e := range here {
		if inRecord[e.Hash] {
			continue
		}
		if was, there := byKey[string(e.Key)]; there {
			replaced[was] = true
			found = append(found, Finding{Changed, e.Hash, e.Key, fmt.Sprintf("it was changed: the record has ballot %s with its key", was)})
			continue
		}
		found = append(found, Finding{Added, e.Hash, e.Key, "it was added: the record does not have it"})
	}
	for _, e := range record {
		if !inFile[e.Hash] && !replaced[e.Hash] {
			found = append(found, Finding{Dropped, e.Hash, e.Key, "it was dropped: the record has it, and the file does not"})
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(bytes.Compare(a.Ballot[:], b.Ballot[:]), cmp.Compare(a.Kind, b.Kind))
	})
	return found, nil
}
