package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Broken names the first event that does not fit.
type Broken struct {
	Seq int64
	Why string
}

func (b *Broken) Error() string { return fmt.Sprintf("event %d does not fit: %s", b.Seq, b.Why) }

// Report is what Verify found in a record that is whole.
type Report struct {
	Events      int64  `json:"events"`
	Checkpoints int    `json:"checkpoints"`
	Erased      int    `json:"erased"` // events whose personal data is gone, as it may be
	Head        string `json:"head"`
	Subjects    int    `json:"subjects"` // bodies, mandates, rules, decisions, members ... rebuilt and compared
}

// Verify walks the record from the first event: numbers without a gap, times that do not run back,
// hashes, the Merkle tree, every signed checkpoint, and personal data against its salted hash. It
// rebuilds from it who holds what and which rules and decisions stand, and compares that with the
// tables. The error is a *Broken if the record or a table is at fault. It works while the co-op lives
// on: what is written meanwhile is walked as well.
func (s *Service) Verify(ctx context.Context) (Report, error) {
	w := walker{states: map[string]stated{}, homes: map[string]string{}, kept: map[int64]string{}, here: map[int64]bool{}}
	rep, err := s.walk(ctx, &w)
	if err != nil {
		return rep, err
	}
	for n := 0; ; n++ {
		err := s.compare(ctx, &w)
		var broken *Broken
		if err == nil || !errors.As(err, &broken) || n == 20 {
			rep.Subjects = len(w.states)
			return rep, err
		}
		before := w.last.Seq
		if rep, err = s.walk(ctx, &w); err != nil {
			return rep, err
		}
		if w.last.Seq == before { // nothing was written meanwhile: it is wrong
			return rep, broken
		}
	}
}

// walk goes on from where the walker stands.
func (s *Service) walk(ctx context.Context, w *walker) (Report, error) {
	var rep Report
	var verifier note.Verifier
	if k, ok, err := getKey.Find(ctx, s.db); err != nil {
		return rep, err
	} else if ok {
		if verifier, err = note.NewVerifier(k.Verifier); err != nil {
			return rep, fmt.Errorf("the key of the checkpoints: %w", err)
		}
	}
	checkpoints, err := listCheckpoints.All(ctx, s.db)
	if err != nil {
		return rep, err
	}
	// What is written from here on comes after this head, and is walked as far as it is seen.
	head, err := getHead.One(ctx, s.db)
	if err != nil {
		return rep, err
	}
	checkpoints = slices.DeleteFunc(checkpoints, func(c checkpointRow) bool { return c.Size <= w.last.Seq && w.last.Seq > 0 })
	ahead, stop := context.WithCancel(ctx)
	defer stop()
	for p := range s.pages(ahead, w.last.Seq) {
		if p.err != nil {
			return rep, p.err
		}
		for _, e := range p.events {
			if err := w.step(e, &p); err != nil {
				return rep, err
			}
			for len(checkpoints) > 0 && checkpoints[0].Size == e.Seq {
				if err := w.checkpoint(verifier, checkpoints[0]); err != nil {
					return rep, err
				}
				w.checkpoints++
				checkpoints = checkpoints[1:]
			}
		}
	}
	if err := ctx.Err(); err != nil { // what was not read is not missing
		return rep, err
	}
	if len(checkpoints) > 0 {
		return rep, &Broken{checkpoints[0].Size, "a signed checkpoint speaks of an event that is not there"}
	}
	if w.last.Seq < head.Seq || w.last.Seq == head.Seq && head.Hash != w.last.Hash {
		return rep, &Broken{w.last.Seq + 1, fmt.Sprintf("the record should go on to event %d", head.Seq)}
	}
	n, err := countPrivateBeyond.One(ctx, s.db, w.last.Seq)
	if err != nil {
		return rep, err
	}
	if n > 0 && w.last.Seq == head.Seq {
		now, err := getHead.One(ctx, s.db)
		if err != nil {
			return rep, err
		}
		if now.Seq == head.Seq {
			return rep, &Broken{w.last.Seq + 1, "personal data without an event"}
		}
	}
	rep.Events, rep.Head, rep.Erased, rep.Checkpoints = w.last.Seq, w.last.Hash, w.erased, w.checkpoints
	return rep, nil
}

// pageSize is how many events are read at once.
const pageSize = 1000

// page is a run of events with what is kept beside them: one read each instead of one an event.
type page struct {
	events  []Event
	private map[int64]savedRow
	tree    map[int64]string
	within  map[int64][]string
	err     error
}

// pages reads the events after a number, one page ahead of whoever takes them, until there are no more,
// an error or the end of the context.
func (s *Service) pages(ctx context.Context, after int64) <-chan page {
	out := make(chan page)
	go func() {
		defer close(out)
		for {
			p := s.page(ctx, after)
			if p.err == nil && len(p.events) == 0 {
				return
			}
			select {
			case out <- p:
			case <-ctx.Done():
				return
			}
			if p.err != nil {
				return
			}
			after = p.events[len(p.events)-1].Seq
		}
	}()
	return out
}

func (s *Service) page(ctx context.Context, after int64) (p page) {
	if p.events, p.err = listFrom.All(ctx, s.db, after, pageSize); p.err != nil || len(p.events) == 0 {
		return p
	}
	last := p.events[len(p.events)-1].Seq
	private, err := listPrivate.All(ctx, s.db, after, last)
	if err != nil {
		p.err = err
		return p
	}
	p.private = make(map[int64]savedRow, len(private))
	for _, x := range private {
		p.private[x.Seq] = x
	}
	rows, err := rangeWithin.All(ctx, s.db, after, last)
	if err != nil {
		p.err = err
		return p
	}
	p.within = make(map[int64][]string, len(p.events))
	for _, x := range rows {
		p.within[x.Seq] = append(p.within[x.Seq], x.Thing)
	}
	// Stored hashes follow each other: those of a leaf end where those of the next begin.
	tree, err := listTreeRange.All(ctx, s.db, tlog.StoredHashIndex(0, after), tlog.StoredHashIndex(0, last))
	p.tree = make(map[int64]string, len(tree))
	for _, x := range tree {
		p.tree[x.Index] = x.Hash
	}
	p.err = err
	return p
}

type walker struct {
	last   Event
	edge   []tlog.Hash // roots of the whole subtrees, the largest first
	erased int

	checkpoints int
	states      map[string]stated // by subject
	homes       map[string]string // the body of each decision, election and mandate
	kept        map[int64]string  // what entries keep back: the hashes, until they are published
	here        map[int64]bool    // whether the rest was there
}

// grow adds a leaf and gives the hashes that the tree stores for it, in the order of tlog.StoredHashes.
func (w *walker) grow(leaf int64, data []byte) []tlog.Hash {
	h := tlog.RecordHash(data)
	out := []tlog.Hash{h}
	for ; leaf&1 == 1; leaf >>= 1 {
		h = tlog.NodeHash(w.edge[len(w.edge)-1], h)
		out, w.edge = append(out, h), w.edge[:len(w.edge)-1]
	}
	w.edge = append(w.edge, h)
	return out
}

// root is the root of the tree so far.
func (w *walker) root() tlog.Hash {
	last := len(w.edge) - 1
	h := w.edge[last]
	for _, x := range slices.Backward(w.edge[:last]) {
		h = tlog.NodeHash(x, h)
	}
	return h
}

func (w *walker) step(e Event, p *page) error {
	seq := w.last.Seq + 1
	leaf := e.Leaf()
	switch {
	case e.Seq != seq:
		return &Broken{seq, fmt.Sprintf("it is missing; event %d follows", e.Seq)}
	case e.Prev != w.last.Hash:
		return &Broken{seq, "it does not carry the hash of the event before"}
	case e.Hash != hashOf(leaf):
		return &Broken{seq, "its content does not have its hash"}
	case e.At.Before(w.last.At):
		return &Broken{seq, "it is older than the event before"}
	}
	at := tlog.StoredHashIndex(0, seq-1)
	for i, x := range w.grow(seq-1, leaf) {
		if p.tree[at+int64(i)] != x.String() {
			return &Broken{seq, "the tree of hashes does not hold it"}
		}
	}
	b, err := e.Read()
	if err != nil {
		return &Broken{e.Seq, "its body cannot be read"}
	}
	if e.Subject != b.Subject || e.Member != b.Member || e.Authority != b.Authority {
		return &Broken{e.Seq, "it is found by other words than its body says"}
	}
	if err := w.private(p, e, b); err != nil {
		return err
	}
	if err := w.within(p, e, &b); err != nil {
		return err
	}
	if err := w.veiled(p, e, &b); err != nil {
		return err
	}
	w.state(e, b)
	w.last = e
	return nil
}

func (w *walker) private(p *page, e Event, b Body) error {
	kept, ok := p.private[e.Seq]
	switch {
	case !ok && b.Private != "" && !b.Veiled:
		w.erased++
	case ok && b.Private != hashOf([]byte(kept.Salt+kept.Data)):
		return &Broken{e.Seq, "its personal data is not what was recorded"}
	}
	return nil
}

// within compares what an entry is found under with what it and those before it say.
func (w *walker) within(p *page, e Event, b *Body) error {
	things, err := within(b, func(subject string) (string, error) { return w.homes[subject], nil })
	if err != nil {
		return err
	}
	if kept := p.within[e.Seq]; !slices.Equal(things, slices.Sorted(slices.Values(kept))) {
		return &Broken{e.Seq, "it is found under other bodies or decisions than the record says"}
	}
	if n := namesIn(b.State); n.body != "" && hasHome(b.Subject) {
		w.homes[b.Subject] = n.body
	}
	return nil
}

func (w *walker) checkpoint(v note.Verifier, cp checkpointRow) error {
	if v == nil {
		return &Broken{cp.Size, "a checkpoint is there but the key that signed it is not"}
	}
	n, err := note.Open([]byte(cp.Note), note.VerifierList(v))
	if err != nil {
		return &Broken{cp.Size, "the signature of its checkpoint does not hold"}
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 3 || lines[1] != strconv.FormatInt(cp.Size, 10) || lines[2] != w.root().String() {
		return &Broken{cp.Size, "the events up to it are not those that were signed"}
	}
	return nil
}
