package record

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/ref"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "record", Files: migrations} }

// Service keeps the record.
type Service struct {
	db   *db.DB
	name string // what checkpoints are signed as: the co-op's host

	// Sources tell what the tables say about the subjects whose states the record carries; app collects
	// them from the features.
	Sources []Source
}

// New makes the service; name is the co-op's host.
func New(d *db.DB, name string) *Service { return &Service{db: d, name: name} }

// Entry is what a feature has to say.
type Entry struct {
	Kind      string // feature.verb in the past tense of the bylaws: "member.admitted"
	Subject   ref.Ref
	Member    ref.Ref // who did it, if a member did
	Via       authz.Via
	Authority authz.Authority
	Reason    string
	Data      any // facts that anyone may read, for ever
	Private   any // personal data: kept outside the hash, erasable
	// State is what the subject is after the event, as JSON without personal data: replaying the
	// record is taking the last state of each subject. Gone says that the subject is no more.
	State any
	// Veil keeps back all but who did it and of which kind it is; such an entry has no Private.
	Veil *Veil
}

// Gone is the state of a subject that is no more.
var Gone = json.RawMessage(`"gone"`)

// Body is the hashed content of an event, as JSON.
type Body struct {
	Subject   string          `json:"subject,omitempty"`
	Member    string          `json:"member,omitempty"`
	Via       authz.Via       `json:"via,omitempty"`
	Authority string          `json:"authority,omitempty"` // "mandate:115"
	Reason    string          `json:"reason,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
	State     json.RawMessage `json:"state,omitempty"`
	Private   string          `json:"private,omitempty"` // SHA-256 of salt and personal data
	Veiled    bool            `json:"veiled,omitempty"`  // Private is of what the entry keeps back until it is published
}

// Event is one entry of the log. Subject, Member and Authority are what it is found by: they repeat
// what the body says.
type Event struct {
	Seq       int64     `db:"seq"`
	At        time.Time `db:"at"`
	Kind      string    `db:"kind"`
	Body      string    `db:"body"`
	Prev      string    `db:"prev"`
	Hash      string    `db:"hash"`
	Subject   string    `db:"subject"`
	Member    string    `db:"member"`
	Authority string    `db:"authority"`
}

// Read decodes the body.
func (e *Event) Read() (Body, error) {
	var b Body
	err := json.Unmarshal([]byte(e.Body), &b)
	return b, err
}

// Leaf are the bytes that the chain and the tree commit to.
func (e *Event) Leaf() []byte {
	return fmt.Appendf(nil, "rochdale record v1\n%d\n%d\n%s\n%s\n%s", e.Seq, e.At.UnixMilli(), e.Kind, e.Prev, e.Body)
}

func hashOf(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Append writes an event within tx, after the one before it: appends wait for each other. Use a
// durable transaction.
func (s *Service) Append(ctx context.Context, tx *db.Tx, e Entry) (Event, error) {
	body := Body{Subject: e.Subject.String(), Member: e.Member.String(), Via: e.Via, Reason: e.Reason}
	if e.Authority.Kind != "" {
		body.Authority = ref.Ref{Kind: string(e.Authority.Kind), ID: e.Authority.ID}.String()
	}
	var err error
	if e.Data != nil {
		if body.Data, err = json.Marshal(e.Data); err != nil {
			return Event{}, fmt.Errorf("append %s: %w", e.Kind, err)
		}
	}
	if e.State != nil {
		if body.State, err = json.Marshal(e.State); err != nil {
			return Event{}, fmt.Errorf("append %s: %w", e.Kind, err)
		}
	}
	var salt, private string
	if e.Private != nil {
		b, err := json.Marshal(e.Private)
		if err != nil {
			return Event{}, fmt.Errorf("append %s: %w", e.Kind, err)
		}
		salt, private = rand.Text(), string(b)
		body.Private = hashOf([]byte(salt + private))
	}
	if e.Veil != nil {
		if private != "" {
			return Event{}, fmt.Errorf("append %s: what is kept back has no personal data beside it", e.Kind)
		}
		var kept savedRow
		if body, kept, err = veil(body, e.Veil); err != nil {
			return Event{}, fmt.Errorf("append %s: %w", e.Kind, err)
		}
		salt, private = kept.Salt, kept.Data
	}
	b, err := json.Marshal(body)
	if err != nil {
		return Event{}, fmt.Errorf("append %s: %w", e.Kind, err)
	}
	head, err := nextHead.One(ctx, tx)
	if err != nil {
		return Event{}, fmt.Errorf("append %s: %w", e.Kind, err)
	}
	ev := Event{Seq: head.Seq, At: tx.Now(), Kind: e.Kind, Body: string(b), Prev: head.Hash, Subject: body.Subject, Member: body.Member, Authority: body.Authority}
	if ev.At.Before(head.At) { // it began earlier but had to wait its turn
		ev.At = head.At
	}
	ev.Hash = hashOf(ev.Leaf())
	if _, err := insertEvent.Run(ctx, tx, ev.Seq, ev.At, ev.Kind, ev.Body, ev.Prev, ev.Hash, ev.Subject, ev.Member, ev.Authority); err != nil {
		return ev, err
	}
	if _, err := setHead.Run(ctx, tx, ev.Hash, ev.At); err != nil {
		return ev, err
	}
	if err := s.file(ctx, tx, ev.Seq, &body); err != nil {
		return ev, err
	}
	if private != "" {
		if _, err := insertPrivate.Run(ctx, tx, ev.Seq, salt, private); err != nil {
			return ev, err
		}
	}
	return ev, s.grow(ctx, tx, ev)
}

// grow adds the event as a leaf of the Merkle tree.
func (s *Service) grow(ctx context.Context, tx *db.Tx, ev Event) error {
	leaf := ev.Seq - 1
	hashes, err := tlog.StoredHashes(leaf, ev.Leaf(), reader(ctx, tx))
	if err != nil {
		return fmt.Errorf("grow tree: %w", err)
	}
	at := tlog.StoredHashIndex(0, leaf)
	for i, h := range hashes {
		if _, err := insertTree.Run(ctx, tx, at+int64(i), h.String()); err != nil {
			return err
		}
	}
	return nil
}

// reader gives tlog the stored hashes it asks for.
func reader(ctx context.Context, h db.Handle) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		rows, err := listTree.All(ctx, h, indexes)
		if err != nil {
			return nil, err
		}
		byIndex := map[int64]string{}
		for _, r := range rows {
			byIndex[r.Index] = r.Hash
		}
		out := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			if out[i], err = tlog.ParseHash(byIndex[x]); err != nil {
				return nil, fmt.Errorf("tree hash %d: %w", x, err)
			}
		}
		return out, nil
	})
}

// Get is one event by its number.
func (s *Service) Get(ctx context.Context, seq int64) (Event, error) {
	e, err := getEvent.One(ctx, s.db, seq)
	if errors.Is(err, db.ErrNone) {
		return e, fault.New(fault.NotFound, "The record has no entry with this number.")
	}
	return e, err
}

// Private is the personal data of an event, or false if there is none or it has been erased. Callers
// decide who may read it.
func (s *Service) Private(ctx context.Context, h db.Handle, seq int64) (json.RawMessage, bool, error) {
	p, ok, err := getPrivate.Find(ctx, h, seq)
	return json.RawMessage(p.Data), ok, err
}

// ErasePrivate removes the personal data of an event. The chain stays whole: it holds only a salted
// hash, and without the salt nobody can try guesses against it.
func (s *Service) ErasePrivate(ctx context.Context, tx *db.Tx, seq int64) error {
	_, err := deletePrivate.Run(ctx, tx, seq)
	return err
}

// Checkpoint signs the present size and root of the tree, unless the last checkpoint already does. It
// returns the signed note in the format of golang.org/x/mod/sumdb.
func (s *Service) Checkpoint(ctx context.Context) (string, error) {
	var out string
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		size, err := headSeq.One(ctx, tx)
		if err != nil || size == 0 {
			return err
		}
		if cp, ok, err := getCheckpoint.Find(ctx, tx, size); err != nil || ok {
			out = cp.Note
			return err
		}
		signer, _, err := s.key(ctx, tx)
		if err != nil {
			return err
		}
		root, err := tlog.TreeHash(size, reader(ctx, tx))
		if err != nil {
			return err
		}
		signed, err := note.Sign(&note.Note{Text: s.checkpointText(size, root)}, signer)
		if err != nil {
			return err
		}
		out = string(signed)
		_, err = insertCheckpoint.Run(ctx, tx, size, out, tx.Now())
		return err
	})
	return out, err
}

func (s *Service) checkpointText(size int64, root tlog.Hash) string {
	return fmt.Sprintf("%s/record\n%d\n%s\n", s.name, size, root)
}

// key is the pair that signs checkpoints, made at first need.
func (s *Service) key(ctx context.Context, tx *db.Tx) (note.Signer, note.Verifier, error) {
	k, ok, err := getKey.Find(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		if k.Signer, k.Verifier, err = note.GenerateKey(rand.Reader, s.name+"/record"); err != nil {
			return nil, nil, err
		}
		if _, err := insertKey.Run(ctx, tx, k.Signer, k.Verifier); err != nil {
			return nil, nil, err
		}
	}
	signer, err := note.NewSigner(k.Signer)
	if err != nil {
		return nil, nil, err
	}
	verifier, err := note.NewVerifier(k.Verifier)
	return signer, verifier, err
}
