package ballotbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"rochdale/internal/lib/tally"
)

// Bounds of a published file.
const (
	maxBallots = 200_000
	maxFile    = 512 << 20
)

// File is what is published at the close: all that a recount needs.
type File struct {
	Question Question     `json:"question"`
	Papers   int          `json:"papers"`            // ticks on the marked register
	Ballots  []Ballot     `json:"ballots"`           // sorted by hash
	Reveals  []Reveal     `json:"reveals,omitempty"` // of the scrutineers, by place
	Seed     Hash         `json:"seed"`              // of lots; zero while the ballots are sealed
	Result   tally.Result `json:"result"`            // zero while the ballots are sealed
	// Record is what the record has of the close. It is not looked at here.
	Record json.RawMessage `json:"record,omitempty"`
}

// Publish makes the file of a vote: it sorts the ballots and counts them, if
// they are not sealed or enough scrutineers have revealed their keys.
func Publish(q *Question, papers int, ballots []Ballot, reveals []Reveal) (*File, error) {
	f, err := Arrange(q, papers, ballots, reveals)
	if err != nil {
		return nil, err
	}
	box, err := f.Read()
	if err != nil {
		return nil, err
	}
	f.Seed = box.Seed
	f.Result, err = box.Count()
	return f, err
}

// Arrange makes the file of a vote without counting: for who has counted before.
func Arrange(q *Question, papers int, ballots []Ballot, reveals []Reveal) (*File, error) {
	question, err := q.Hash()
	if err != nil {
		return nil, err
	}
	f := &File{Question: *q, Papers: papers, Ballots: slices.Clone(ballots), Reveals: slices.Clone(reveals)}
	sortByHash(f.Ballots, question)
	if f.Ballots == nil {
		f.Ballots = []Ballot{}
	}
	slices.SortFunc(f.Reveals, func(a, b Reveal) int { return a.Place - b.Place })
	return f, nil
}

// Read reads the file's ballots.
func (f *File) Read() (*Box, error) { return f.Question.Read(f.Ballots, f.Reveals) }

// sortByHash sorts ballots by their hashes.
func sortByHash(ballots []Ballot, question Hash) {
	type hashed struct {
		hash   Hash
		ballot Ballot
	}
	all := make([]hashed, len(ballots))
	for i, b := range ballots {
		all[i] = hashed{b.Hash(question), b}
	}
	slices.SortFunc(all, func(a, b hashed) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	for i, a := range all {
		ballots[i] = a.ballot
	}
}

// Hashes are the hashes of the file's ballots, in its order.
func (f *File) Hashes() ([]Hash, error) {
	question, err := f.Question.Hash()
	if err != nil {
		return nil, err
	}
	hashes := make([]Hash, len(f.Ballots))
	for i, b := range f.Ballots {
		hashes[i] = b.Hash(question)
	}
	return hashes, nil
}

// JSON is the file in its canonical form.
func (f *File) JSON() ([]byte, error) {
	text, err := canonical(f)
	if err != nil {
		return nil, fmt.Errorf("write ballots: %w", err)
	}
	return text, nil
}

// ReadFile reads a file of ballots in its canonical form; a line end after it
// is let pass. That its question is sound is checked; whether its ballots and
// its result are is for Verify to say.
func ReadFile(r io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read ballots: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("read ballots: the file is larger than %d bytes", maxFile)
	}
	var f File
	if err := decode(bytes.TrimRight(text, "\r\n"), &f); err != nil {
		return nil, fmt.Errorf("read ballots: %w", err)
	}
	if len(f.Ballots) > maxBallots || f.Papers < 0 {
		return nil, fmt.Errorf("read ballots: there are %d ballots and %d papers", len(f.Ballots), f.Papers)
	}
	if f.Ballots == nil {
		return nil, fmt.Errorf("read ballots: there is no list of ballots")
	}
	if len(f.Reveals) > maxScrutineers {
		return nil, fmt.Errorf("read ballots: there are %d reveals", len(f.Reveals))
	}
	for i, b := range f.Ballots {
		if len(b.Choice) > maxChoice {
			return nil, fmt.Errorf("read ballots: the choice of ballot %d is %d bytes long", i+1, len(b.Choice))
		}
	}
	if err := f.Question.Check(); err != nil {
		return nil, fmt.Errorf("read ballots: %w", err)
	}
	return &f, nil
}
