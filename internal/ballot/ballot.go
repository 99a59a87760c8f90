package ballot

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/event"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
	"rochdale/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "ballot", Files: migrations} }

// Least is the smallest roll of a secret ballot: among fewer, the result gives the voters away.
const Least = 5

// Service keeps secret ballots.
type Service struct {
	db     *db.DB
	record *record.Service
	coop   string

	mu    sync.Mutex
	spare *ballotbox.Signer // made ahead, so that no transaction waits for it

	Taken event.Event[Taken] // a member has taken a ballot paper: tell them, it may have been somebody else
	// Countersign asks the witness of a vote for its signature on a paper; app connects it.
	Countersign func(ctx context.Context, subject ref.Ref, voter id.ID, code string, blinded []byte) ([]byte, error)
}

// Taken says that a paper was given out.
type Taken struct {
	Vote   Vote
	Member id.ID
}

// New makes the service; coop is the co-op's host.
func New(d *db.DB, r *record.Service, coop string) *Service {
	return &Service{db: d, record: r, coop: coop}
}

// Vote is one secret vote.
type Vote struct {
	ID           id.ID     `db:"id"`
	SubjectKind  string    `db:"subject_kind"` // election, decision
	SubjectID    id.ID     `db:"subject_id"`
	QuestionJSON string    `db:"question"` // canonical
	Hash         string    `db:"hash"`     // of the question
	Key          string    `db:"private_key"`
	ReceiptKey   string    `db:"receipt_key"`
	Roll         int       `db:"roll"`
	Papers       int       `db:"papers"`  // ticks on the marked register
	Ballots      int       `db:"ballots"` // in the box
	OpensAt      time.Time `db:"opens_at"`
	ClosesAt     time.Time `db:"closes_at"`
	ClosedAt     time.Time `db:"closed_at"`
	ResultJSON   string    `db:"result"`
	Seed         string    `db:"seed"`
	Voided       bool      `db:"voided"` // called off: what was cast is destroyed
}

// Question is what is voted on.
func (v *Vote) Question() (*ballotbox.Question, error) {
	return ballotbox.ParseQuestion([]byte(v.QuestionJSON))
}

// Subject is the election or motion.
func (v *Vote) Subject() ref.Ref { return ref.Ref{Kind: v.SubjectKind, ID: v.SubjectID} }

// Result is the count, the zero Result before it.
func (v *Vote) Result() tally.Result {
	var r tally.Result
	_ = json.Unmarshal([]byte(v.ResultJSON), &r) // written by us
	return r
}

// Sealed reports that the vote is closed and the scrutineers have not opened its ballots.
func (v *Vote) Sealed() bool { return !v.ClosedAt.IsZero() && !v.Voided && v.ResultJSON == "" }

// Counted reports that there is a result.
func (v *Vote) Counted() bool { return v.ResultJSON != "" }

// Open reports whether ballots are taken at an instant.
func (v *Vote) Open(at time.Time) bool {
	return v.ClosedAt.IsZero() && !at.Before(v.OpensAt) && at.Before(v.ClosesAt)
}

// Opening is what a vote is opened with.
type Opening struct {
	Subject  ref.Ref
	Title    string
	Body     string
	Method   string // of ballotbox: what a ballot says
	Rule     string // of tally: how it is counted
	Seats    int
	Options  []ballotbox.Option
	Settings ballotbox.Settings
	Roll     []id.ID
	Closes   time.Time

	Needed      int                // of the scrutineers, to open the ballots
	Scrutineers []Keeper           // none: ballots are not sealed
	Witness     *ballotbox.Witness // none: we sign papers alone
}

// Keeper is a scrutineer who has registered a key.
type Keeper struct {
	Member id.ID
	Key    ballotbox.Base64 // public
}

// Prepare makes a key ahead if there is none. It takes up to a second, and no transaction should.
func (s *Service) Prepare() error {
	s.mu.Lock()
	have := s.spare != nil
	s.mu.Unlock()
	if have {
		return nil
	}
	k, err := ballotbox.GenerateKey()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = k
	return nil
}

// key takes the spare key: each vote has its own.
func (s *Service) key() (*ballotbox.Signer, error) {
	s.mu.Lock()
	k := s.spare
	s.spare = nil
	s.mu.Unlock()
	if k != nil {
		return k, nil
	}
	return ballotbox.GenerateKey()
}

// MayBeSecret refuses electorates in which a secret ballot would keep nothing secret.
func MayBeSecret(roll int) error {
	if roll < Least {
		return fault.New(fault.Invalid, "A secret ballot among %d would not be secret: it takes at least %d voters.", roll, Least)
	}
	return nil
}

// Start fixes the roll and the question and opens the vote at the transaction's time. The feature whose vote
// it is has decided that it may.
func (s *Service) Start(ctx context.Context, tx *db.Tx, o Opening) (Vote, error) {
	if err := MayBeSecret(len(o.Roll)); err != nil {
		return Vote{}, err
	}
	signer, err := s.key()
	if err != nil {
		return Vote{}, err
	}
	public, err := signer.PublicKey()
	if err != nil {
		return Vote{}, err
	}
	private, err := signer.Marshal()
	if err != nil {
		return Vote{}, err
	}
	receiptPublic, receiptPrivate, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Vote{}, fmt.Errorf("make receipt key: %w", err)
	}
	roll := slices.Sorted(slices.Values(o.Roll))
	v := Vote{ID: id.New(tx.Now()), SubjectKind: o.Subject.Kind, SubjectID: o.Subject.ID, Roll: len(roll), OpensAt: tx.Now(), ClosesAt: o.Closes,
		Key: base64.RawURLEncoding.EncodeToString(private), ReceiptKey: base64.RawURLEncoding.EncodeToString(receiptPrivate.Seed())}
	options := o.Options
	if options == nil {
		options = []ballotbox.Option{}
	}
	q := ballotbox.Question{Format: ballotbox.Format, Coop: s.coop, Vote: o.Subject.String(), Title: o.Title, Body: o.Body, Method: o.Method, Rule: o.Rule, Seats: o.Seats,
		Options: options, Settings: o.Settings, Roll: len(roll), RollHash: ballotbox.RollHash(o.Subject.String(), roll), Opens: v.OpensAt.UTC().Truncate(time.Second),
		Closes: v.ClosesAt.UTC().Truncate(time.Second), Key: public, ReceiptKey: ballotbox.Base64(receiptPublic), Witness: o.Witness}
	if len(o.Scrutineers) > 0 {
		q.Scrutineers = &ballotbox.Scrutineers{Needed: o.Needed}
		for _, k := range o.Scrutineers {
			q.Scrutineers.Keys = append(q.Scrutineers.Keys, k.Key)
		}
	}
	text, err := q.JSON()
	if err != nil {
		return v, err
	}
	if err := q.Check(); err != nil {
		return v, fault.New(fault.Invalid, "This cannot be voted on in secret: %s", err)
	}
	hash, err := q.Hash()
	if err != nil {
		return v, err
	}
	v.QuestionJSON, v.Hash = string(text), hash.String()
	if _, err := insertVote.Run(ctx, tx, v.ID, v.SubjectKind, v.SubjectID, v.QuestionJSON, v.Hash, v.Key, v.ReceiptKey, v.Roll, v.OpensAt, v.ClosesAt); err != nil {
		return v, err
	}
	for part := range slices.Chunk(roll, 5000) {
		if _, err := insertRoll.Run(ctx, tx, v.ID, part); err != nil {
			return v, err
		}
	}
	var keepers []Scrutineer
	for i, k := range o.Scrutineers {
		keepers = append(keepers, Scrutineer{Place: i + 1, Member: k.Member})
		if _, err := insertScrutineer.Run(ctx, tx, v.ID, i+1, k.Member); err != nil {
			return v, err
		}
	}
	data := map[string]any{"vote": o.Subject.String(), "question": v.Hash, "key": q.Key, "receipt_key": q.ReceiptKey}
	if q.Scrutineers != nil {
		data["scrutineers"] = q.Scrutineers
	}
	if q.Witness != nil {
		data["witness"] = q.Witness
	}
	_, err = s.record.Append(ctx, tx, record.Entry{Kind: "ballot.opened", Subject: v.Ref(), Via: authz.Job, Data: data, State: v.state(roll, nil, keepers)})
	return v, err
}

// Ref is how the record names it.
func (v *Vote) Ref() ref.Ref { return ref.Ref{Kind: "ballot", ID: v.ID} }

// state is what the record carries of a vote; ballots are the hashes of what is in the box once it is closed.
type state struct {
	Vote     string     `json:"vote"`
	Question string     `json:"question"` // hash
	Roll     string     `json:"roll"`     // hash
	Closed   *time.Time `json:"closed,omitempty"`
	Papers   int        `json:"papers,omitempty"`
	Ballots  int        `json:"ballots,omitempty"`
	Box      string     `json:"box,omitempty"`    // SHA-256 of the hashes of the ballots, sorted
	Result   string     `json:"result,omitempty"` // hash: names can stand in a result, and nothing of the record is ever erased
	Void     bool       `json:"void,omitempty"`

	Scrutineers []scrutineerState `json:"scrutineers,omitempty"`
}

type scrutineerState struct {
	Member   id.ID  `json:"member"`
	Revealed string `json:"revealed,omitempty"` // private key
}

func digest(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// state while the vote is open says nothing that changes with a ballot: nothing may tell when one came in.
func (v *Vote) state(roll []id.ID, ballots []ballotbox.Hash, scrutineers []Scrutineer) state {
	// Anew: a changed question must not fit, nor a changed roll.
	s := state{Vote: v.Subject().String(), Question: digest(v.QuestionJSON), Roll: ballotbox.RollHash(v.Subject().String(), roll).String(), Void: v.Voided}
	for _, x := range scrutineers {
		s.Scrutineers = append(s.Scrutineers, scrutineerState{x.Member, x.Key})
	}
	if v.ClosedAt.IsZero() {
		return s
	}
	at := v.ClosedAt
	s.Closed, s.Papers, s.Ballots = &at, v.Papers, v.Ballots
	if v.Voided {
		return s
	}
	box := sha256.New()
	for _, b := range ballots {
		_, _ = box.Write(b[:])
	}
	s.Ballots, s.Box = len(ballots), hex.EncodeToString(box.Sum(nil))
	if v.Counted() {
		s.Result = digest(v.ResultJSON)
	}
	return s
}

// States are all votes as the record should have them.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	votes, err := listVotes.All(ctx, h)
	if err != nil {
		return nil, err
	}
	out := make(map[ref.Ref]any, len(votes))
	for i := range votes {
		v := &votes[i]
		var hashes []ballotbox.Hash
		if !v.ClosedAt.IsZero() {
			if hashes, err = s.boxHashes(ctx, h, v); err != nil {
				return nil, err
			}
			ticks, err := countTaken.One(ctx, h, v.ID)
			if err != nil {
				return nil, err
			}
			boxed := v.Ballots
			if v.Voided {
				boxed = 0
			}
			if ticks != v.Papers || len(hashes) != boxed || v.Key != "" || v.ReceiptKey != "" { // each is known twice, and keys are known to nobody
				v.Papers = -1
			}
		}
		roll, err := listRoll.All(ctx, h, v.ID)
		if err != nil {
			return nil, err
		}
		scrutineers, err := listScrutineers.All(ctx, h, v.ID)
		if err != nil {
			return nil, err
		}
		out[v.Ref()] = v.state(roll, hashes, scrutineers)
	}
	return out, nil
}

// Get is one vote.
func (s *Service) Get(ctx context.Context, h db.Handle, vote id.ID) (Vote, error) {
	v, ok, err := getVote.Find(ctx, h, vote)
	if err == nil && !ok {
		err = errNone
	}
	return v, err
}

var errNone = fault.New(fault.NotFound, "There is no such secret ballot.")

// Of is the secret vote of an election or motion, if it has one.
func (s *Service) Of(ctx context.Context, h db.Handle, subject ref.Ref) (Vote, bool, error) {
	return getVoteOf.Find(ctx, h, subject.Kind, subject.ID)
}
