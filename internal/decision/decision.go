package decision

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/event"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "decision", Files: migrations} }

const day = 24 * time.Hour

// State is where a motion stands.
type State string

// The states. Closed is counted and not carried; the outcome says how.
const (
	Draft      State = "draft"
	Discussion State = "discussion"
	Called     State = "called"
	Open       State = "open"
	Closed     State = "closed"
	Window     State = "window"
	InForce    State = "in force"
	CalledIn   State = "called in"
	Withdrawn  State = "withdrawn"
	Rescinded  State = "rescinded"
	lapsing    State = "lapsing" // for the length of the transaction that undoes an urgent decision
)

// transitions are the steps a motion can make; everything else is a bug.
var transitions = map[State][]State{
	Draft:      {Discussion, Withdrawn, Called},
	Discussion: {Called, Withdrawn},
	Called:     {Open, Withdrawn},
	Open:       {Closed, Window, InForce, Withdrawn},
	Window:     {InForce, CalledIn},
	InForce:    {Rescinded, lapsing},
	lapsing:    {Rescinded},
}

// How a carried motion's effects went.
const (
	Done   = "done"
	Stale  = "stale"
	Failed = "failed"
)

// Answered is the outcome of a method that decides nothing: a count, a poll of times, a question round.
const Answered tally.Outcome = "answered"

// Where a motion comes from if it follows another.
const (
	Reopens    = "reopens"
	SecondCall = "second call"
	FromCallIn = "called in"
	Ratifies   = "ratifies"
	Rescinds   = "rescinds"
	Emergency  = "emergency"
)

// Service keeps motions. Jobs call Advance at the times that motions name.
type Service struct {
	db      *db.DB
	record  *record.Service
	rules   *rulebook.Service
	mandate *mandate.Service
	member  *member.Service
	ballot  *ballot.Service
	effects effect.Registry

	// Wake asks for Advance to be called at an instant; app connects the queue.
	Wake func(ctx context.Context, tx *db.Tx, at time.Time) error

	Published event.Event[Motion]
	Opened    event.Event[Motion]
	Counted   event.Event[Motion]
	Changed   event.Event[Motion] // any other step
	Returned  event.Event[Motion] // an effect was stale or failed: the mover must look
	Commented event.Event[Comment]
	Reacted   event.Event[Reaction] // to a comment, for the first time with this emoji
	Reminded  event.Event[Unvoted]
}

// Unvoted are the members who have not voted on a motion that closes soon.
type Unvoted struct {
	Motion  Motion
	Members []id.ID
}

// Deps are what the feature builds on.
type Deps struct {
	DB      *db.DB
	Record  *record.Service
	Rules   *rulebook.Service
	Mandate *mandate.Service
	Member  *member.Service
	Ballot  *ballot.Service
}

// New makes the service. Declare must follow.
func New(d Deps) *Service {
	return &Service{db: d.DB, record: d.Record, rules: d.Rules, mandate: d.Mandate, member: d.Member, ballot: d.Ballot}
}

// Declare tells which effects exist in this program; app collects them from the features.
func (s *Service) Declare(effects effect.Registry) { s.effects = effects }

// Effects are the kinds of effects a motion can carry.
func (s *Service) Effects() effect.Registry { return s.effects }

// Motion is one decision of the members or of a body.
type Motion struct {
	ID           id.ID         `db:"id"`
	Number       int64         `db:"number"`
	Body         id.ID         `db:"body_id"`
	Mover        id.ID         `db:"mover_id"` // 0: put by a rule
	Title        string        `db:"title"`
	Text         string        `db:"text"`
	TextVersion  int           `db:"text_version"`
	Method       string        `db:"method"`
	SettingsJSON string        `db:"settings"`
	Petition     bool          `db:"petition"`
	Urgent       string        `db:"urgent"`
	State        State         `db:"state"`
	Outcome      tally.Outcome `db:"outcome"`
	Execution    string        `db:"execution"`
	Cause        string        `db:"cause"`
	RuleID       id.ID         `db:"rule_id"`
	Again        bool          `db:"again"`
	RollSize     int           `db:"roll_size"`
	QuorumBase   int           `db:"quorum_base"`
	RollHash     string        `db:"roll_hash"`
	Votes        int           `db:"votes_count"`
	ResultJSON   string        `db:"result"`
	Statement    string        `db:"statement"`
	OriginKind   string        `db:"origin_kind"`
	OriginID     id.ID         `db:"origin_id"`
	CreatedAt    time.Time     `db:"created_at"`
	PublishedAt  time.Time     `db:"published_at"`
	CalledAt     time.Time     `db:"called_at"`
	OpensAt      time.Time     `db:"opens_at"`
	ClosesAt     time.Time     `db:"closes_at"`
	CountedAt    time.Time     `db:"counted_at"`
	WindowEndsAt time.Time     `db:"window_ends_at"`
	InForceAt    time.Time     `db:"in_force_at"`
	ReviewAt     time.Time     `db:"review_at"`
	ReviewedAt   time.Time     `db:"reviewed_at"`
	RemindedAt   time.Time     `db:"reminded_at"`
	DueAt        time.Time     `db:"due_at"`
	ExtendedAt   time.Time     `db:"extended_at"`
	SecretWords  string        `db:"secret"` // see Secret
	Revision     int           `db:"revision"`
}

// Secret reports whether the votes are secret ballots: they go through package ballot, not through Cast.
func (m *Motion) Secret() bool { return m.SecretWords == secret }

// ByName says why the votes are by name although the rule asks for a secret ballot; "" if it does not.
func (m *Motion) ByName() string {
	if m.Secret() {
		return ""
	}
	return m.SecretWords
}

const secret = "secret"

// Ref is how the record and the ballots name it.
func (m *Motion) Ref() ref.Ref { return ref.Ref{Kind: "decision", ID: m.ID} }

// Settings are what a method needs beside the text.
type Settings struct {
	Options []Option `json:"options,omitempty"`
	Max     int      `json:"max,omitempty"`     // choose: marks a vote may have
	Low     int64    `json:"low,omitempty"`     // score: from
	High    int64    `json:"high,omitempty"`    // score: to
	Dots    int64    `json:"dots,omitempty"`    // dots in a hand
	Results string   `json:"results,omitempty"` // narrower than the rule: "after close"
}

// Option is one of several alternatives, times or questions.
type Option struct {
	Title string `json:"title"`
	Text  string `json:"text,omitempty"`
}

// StatusQuo is the alternative that a ranking always has beside those that were put.
const StatusQuo = "No change"

// Settings reads them.
func (m *Motion) Settings() Settings {
	var s Settings
	_ = json.Unmarshal([]byte(m.SettingsJSON), &s) // written by us
	return s
}

// Options are the titles that are counted.
func (m *Motion) Options() []string {
	var out []string
	for _, o := range m.Settings().Options {
		out = append(out, o.Title)
	}
	if m.Method == rulebook.Ranking {
		out = append(out, StatusQuo)
	}
	return out
}

// Result is the count, the zero Result before it.
func (m *Motion) Result() tally.Result {
	var r tally.Result
	_ = json.Unmarshal([]byte(m.ResultJSON), &r) // written by us
	return r
}

// Binding reports whether the method decides something, rather than asking.
func (m *Motion) Binding() bool {
	return !slices.Contains([]string{rulebook.Count, rulebook.Times, rulebook.Questions}, m.Method)
}

// Over reports whether nothing can happen to the motion any more but a review or a rescission.
func (m *Motion) Over() bool {
	return m.State == Closed || m.State == InForce || m.State == CalledIn || m.State == Withdrawn || m.State == Rescinded
}

type effectRow struct {
	Decision id.ID  `db:"decision_id"`
	Position int    `db:"position"`
	Option   int    `db:"option"`
	Kind     string `db:"kind"`
	Args     string `db:"args"`
	Base     string `db:"base"`
	Change   string `db:"change"`
	Inverse  string `db:"inverse"`
}

func (r *effectRow) stored() effect.Stored {
	return effect.Stored{Kind: r.Kind, Args: json.RawMessage(r.Args)}
}

func (r *effectRow) inverse() effect.Stored {
	var out effect.Stored
	_ = json.Unmarshal([]byte(r.Inverse), &out) // written by us; "" is none
	return out
}

// state is the public state of a motion in the record.
type state struct {
	Number    int64           `json:"number"`
	Body      id.ID           `json:"body"`
	Mover     id.ID           `json:"mover,omitempty"`
	Title     string          `json:"title"`
	Text      string          `json:"text"` // SHA-256
	Version   int             `json:"version"`
	Method    string          `json:"method"`
	Settings  json.RawMessage `json:"settings"`
	State     State           `json:"state"`
	Outcome   tally.Outcome   `json:"outcome,omitempty"`
	Execution string          `json:"execution,omitempty"`
	Rule      id.ID           `json:"rule,omitempty"`
	Roll      int             `json:"roll,omitempty"`
	RollHash  string          `json:"roll_hash,omitempty"`
	Secret    string          `json:"secret,omitempty"`
	Opens     *time.Time      `json:"opens,omitempty"`
	Closes    *time.Time      `json:"closes,omitempty"`
	Extended  *time.Time      `json:"extended,omitempty"`
	Window    *time.Time      `json:"window,omitempty"`
	InForce   *time.Time      `json:"in_force,omitempty"`
	Review    *time.Time      `json:"review,omitempty"`
	Result    json.RawMessage `json:"result,omitempty"`
	Effects   []effectState   `json:"effects,omitempty"`
}

type effectState struct {
	Kind   string          `json:"kind"`
	Args   json.RawMessage `json:"args"`
	Option int             `json:"option,omitempty"`
	Base   string          `json:"base,omitempty"`
}

func (m *Motion) state(effects []effectRow) state {
	h := sha256.Sum256([]byte(m.Text))
	s := state{Number: m.Number, Body: m.Body, Mover: m.Mover, Title: m.Title, Text: hex.EncodeToString(h[:]), Version: m.TextVersion, Method: m.Method,
		Settings: json.RawMessage(m.SettingsJSON), State: m.State, Outcome: m.Outcome, Execution: m.Execution, Rule: m.RuleID, Roll: m.RollSize,
		RollHash: m.RollHash, Secret: m.SecretWords, Opens: orNil(m.OpensAt), Closes: orNil(m.ClosesAt), Extended: orNil(m.ExtendedAt), Window: orNil(m.WindowEndsAt), InForce: orNil(m.InForceAt), Review: orNil(m.ReviewAt)}
	if m.ResultJSON != "" {
		s.Result = json.RawMessage(m.ResultJSON)
	}
	for _, e := range effects {
		s.Effects = append(s.Effects, effectState{e.Kind, json.RawMessage(e.Args), e.Option + 1, e.Base})
	}
	return s
}

func orNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// save writes a motion back, wakes the clock for it, and appends the event with the state it leaves.
func (s *Service) save(ctx context.Context, tx *db.Tx, m *Motion, from State, e record.Entry) error {
	if from != m.State && !slices.Contains(transitions[from], m.State) {
		return fmt.Errorf("motion %d: no step leads from %s to %s", m.Number, from, m.State)
	}
	n, err := updateMotion.Run(ctx, tx, m.ID, m.Revision, m.Title, m.Text, m.TextVersion, m.Method, m.SettingsJSON, m.Petition, m.Urgent, m.State,
		m.Outcome, m.Execution, m.Cause, m.RuleID, m.RollSize, m.QuorumBase, m.RollHash, m.ResultJSON, m.Statement, m.PublishedAt, m.CalledAt,
		m.OpensAt, m.ClosesAt, m.CountedAt, m.WindowEndsAt, m.InForceAt, m.ReviewAt, m.ReviewedAt, m.RemindedAt, m.DueAt, m.Body, m.ExtendedAt, m.SecretWords)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "Somebody changed this motion meanwhile: please look at it again.")
	}
	m.Revision++
	if m.PublishedAt.IsZero() || m.State == lapsing {
		return nil // drafts are their movers' own; a lapse is recorded when it is done
	}
	effects, err := listEffects.All(ctx, tx, m.ID)
	if err != nil {
		return err
	}
	e.Subject, e.State = ref.Ref{Kind: "decision", ID: m.ID}, m.state(effects)
	if _, err := s.record.Append(ctx, tx, e); err != nil {
		return err
	}
	if !m.DueAt.IsZero() && s.Wake != nil {
		return s.Wake(ctx, tx, m.DueAt)
	}
	return nil
}

// entry is a record entry of a step done by a member.
func entry(kind string, by authz.Actor) record.Entry {
	e := record.Entry{Kind: "decision." + kind, Via: by.Via}
	if by.Member != 0 {
		e.Member = ref.Ref{Kind: "member", ID: by.Member}
	}
	return e
}

// States are all motions but drafts, and all votes, as the record should have them.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	out := map[ref.Ref]any{}
	for after := id.ID(0); ; {
		page, err := listAllMotions.All(ctx, h, after, 500)
		if err != nil {
			return nil, err
		}
		for i := range page {
			m := &page[i]
			after = m.ID
			if m.PublishedAt.IsZero() {
				continue
			}
			effects, err := listEffects.All(ctx, h, m.ID)
			if err != nil {
				return nil, err
			}
			out[ref.Ref{Kind: "decision", ID: m.ID}] = m.state(effects)
		}
		if len(page) < 500 {
			break
		}
	}
	for after := id.ID(0); ; {
		page, err := allVotes.All(ctx, h, after, 2000)
		if err != nil {
			return nil, err
		}
		for _, v := range page {
			after = v.ID
			out[ref.Ref{Kind: "vote", ID: v.ID}] = v.state()
		}
		if len(page) < 2000 {
			return out, nil
		}
	}
}
