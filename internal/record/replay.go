package record

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/ref"
)

// Source gives what a feature's tables say about each subject whose state the record carries, in the
// same form as Entry.State. A subject that is gone is left out.
type Source func(ctx context.Context, h db.Handle) (map[ref.Ref]any, error)

// stated is what the record last said about a subject.
type stated struct {
	seq  int64
	hash [sha256.Size]byte
	gone bool
}

func (w *walker) state(e Event, b Body) {
	if b.State == nil || b.Subject == "" {
		return
	}
	w.states[b.Subject] = stated{e.Seq, sha256.Sum256(b.State), string(b.State) == string(Gone)}
}

// compare finds the first event whose state is not what the tables say, or a row of the tables that
// the record knows nothing of.
func (s *Service) compare(ctx context.Context, w *walker) error {
	var first *Broken
	found := func(seq int64, why string) {
		if first == nil || seq < first.Seq {
			first = &Broken{seq, why}
		}
	}
	if seq := w.lost(); seq != 0 {
		found(seq, "what it keeps back is gone, and was never published")
	}
	seen := map[string]bool{}
	for _, source := range s.Sources {
		tables, err := source(ctx, s.db)
		if err != nil {
			return err
		}
		for subject, state := range tables {
			b, err := json.Marshal(state)
			if err != nil {
				return fmt.Errorf("compare %s: %w", subject, err)
			}
			name := subject.String()
			seen[name] = true
			switch said, ok := w.states[name]; {
			case !ok || said.gone:
				found(w.last.Seq+1, "the tables hold "+name+", which the record does not")
			case said.hash != sha256.Sum256(b):
				found(said.seq, "the tables say otherwise about "+name)
			}
		}
	}
	for name, said := range w.states {
		if len(s.Sources) > 0 && !said.gone && !seen[name] {
			found(said.seq, "the tables do not hold "+name)
		}
	}
	if first != nil {
		return first
	}
	return nil
}
