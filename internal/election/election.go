package election

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/event"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
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
func Migrations() db.Source { return db.Source{Feature: "election", Files: migrations} }

const day = 24 * time.Hour

// State is where an election stands.
type State string

// The states.
const (
	Nominations State = "nominations"
	Final       State = "candidates final"
	Open        State = "open"
	Sealed      State = "sealed"  // closed; the scrutineers have still to open the ballots
	Counted     State = "counted" // the elected have still to accept
	Filled      State = "filled"
	Failed      State = "failed"
	Cancelled   State = "cancelled"
)

// Kinds of elections.
const (
	Office = "office" // members vote for candidates
	Panel  = "panel"  // a lot among those who stand
	Budget = "budget" // members vote on what to spend a sum on
)

// How ballots are cast.
const (
	Secret = "secret"
	ByName = "by name"
)

// Where an election comes from.
const (
	ByDecision = "decision" // an effect of a motion
	Ending     = "mandate"  // a term that ends
	Vacancy    = "vacancy"  // an office that fell vacant, or stayed so
)

// What members decide about elections. What a returning officer may do is in officer.go.
const (
	Hold    = "election.hold"
	CallOff = "election.call-off" // undoes Hold
)

// Powers lists them.
func Powers() []authz.Power {
	return []authz.Power{
		// An election gives powers: only a decision may ask for one, or the calendar for what was given before.
		{Name: Hold, What: i18n.Key("Hold an election"), Reserved: true},
		{Name: CallOff, What: i18n.Key("Call an election off"), Reserved: true},
		{Name: Strike, What: i18n.Key("Rule a nomination out, as returning officer")},
		{Name: Restore, What: i18n.Key("Restore a nomination that was ruled out")},
		{Name: Prolong, What: i18n.Key("Prolong nominations or a vote once, as returning officer"), Irreversible: true},
	}
}

// Service keeps elections. A job calls Advance at the times that elections name.
type Service struct {
	db      *db.DB
	record  *record.Service
	rules   *rulebook.Service
	mandate *mandate.Service
	member  *member.Service
	ballot  *ballot.Service

	// Witness reaches the co-op that witnesses our votes; nil: none can be asked.
	Witness *Witnesses

	// Wake asks for Advance to be called at an instant; app connects the queue.
	Wake func(ctx context.Context, tx *db.Tx, at time.Time) error

	Announced event.Event[Election]
	Moved     event.Event[Election] // any later step
	Prolonged event.Event[Election] // by the returning officer: nominations, or a vote that is open
	Widened   event.Event[Election] // more seats fell vacant while nominations are open
	Reminded  event.Event[Reminder]
	Nominated event.Event[Candidate] // by somebody else: the member is asked whether they accept
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

// New makes the service.
func New(d Deps) *Service {
	return &Service{db: d.DB, record: d.Record, rules: d.Rules, mandate: d.Mandate, member: d.Member, ballot: d.Ballot}
}

// Election is one election.
type Election struct {
	ID         id.ID     `db:"id"`
	Number     int64     `db:"number"`
	Kind       string    `db:"kind"`
	Body       id.ID     `db:"body_id"`   // whose office it is
	Voters     id.ID     `db:"voters_id"` // the body that votes
	Title      string    `db:"title"`
	Text       string    `db:"text"`
	PlanJSON   string    `db:"plan"`
	RuleID     id.ID     `db:"rule_id"`
	RulesJSON  string    `db:"rules"` // rulebook.Election as it was when announced
	Waiting    int       `db:"waiting_days"`
	Mode       string    `db:"mode"`
	ModeReason string    `db:"mode_reason"` // why by name, or not sealed, where the rule says otherwise
	State      State     `db:"state"`
	Cause      string    `db:"cause"` // of a failure or cancellation
	Extended   bool      `db:"extended"`
	OriginKind string    `db:"origin_kind"`
	OriginID   id.ID     `db:"origin_id"`
	Announced  time.Time `db:"announced_at"`
	FinalAt    time.Time `db:"final_at"`
	OpensAt    time.Time `db:"opens_at"`
	ClosesAt   time.Time `db:"closes_at"`
	CountedAt  time.Time `db:"counted_at"`
	AcceptBy   time.Time `db:"accept_by"`
	RemindedAt time.Time `db:"reminded_at"`
	DueAt      time.Time `db:"due_at"`
	RollSize   int       `db:"roll_size"`
	RollHash   string    `db:"roll_hash"`
	ResultJSON string    `db:"result"`
	Revision   int       `db:"revision"`

	// Extended is what the calendar does where too few stand; these are what a returning officer may do.
	Prolonged     bool   `db:"prolonged"` // nominations
	ProlongedVote bool   `db:"prolonged_vote"`
	Vacancies     string `db:"vacancies"` // JSON: seats that fell vacant while another election for the office was under way
}

// Plan is what the election is for.
type Plan struct {
	Office   string    `json:"office,omitempty"`
	Seats    int       `json:"seats,omitempty"`
	Powers   []string  `json:"powers,omitempty"`
	Days     int       `json:"days,omitempty"`     // of a term
	From     time.Time `json:"from,omitzero"`      // the terms begin; zero: when the result is accepted
	Until    time.Time `json:"until,omitzero"`     // the rest of a vacated term; zero: From and Days say
	Terms    []Term    `json:"terms,omitempty"`    // staggered, longest first; none: all have Days
	Reserved []Seat    `json:"reserved,omitempty"` // seats for candidates who declare something
	Sum      int64     `json:"sum,omitempty"`      // budget: to be spent, in the smallest unit
	Decimals int       `json:"decimals,omitempty"` // budget: of the unit
	Greedy   bool      `json:"greedy,omitempty"`   // budget: most votes first, rather than equal shares
}

// Term is a term for a number of seats; those elected first have the first.
type Term struct {
	Days  int `json:"days"`
	Seats int `json:"seats"`
}

// Seat is a number of seats that only candidates with a declaration can fill.
type Seat struct {
	For   string `json:"for"`
	Seats int    `json:"seats"`
}

// Plan reads it.
func (e *Election) Plan() Plan {
	var p Plan
	_ = json.Unmarshal([]byte(e.PlanJSON), &p) // written by us
	return p
}

// Rules are how it is held.
func (e *Election) Rules() rulebook.Election {
	var r rulebook.Election
	_ = json.Unmarshal([]byte(e.RulesJSON), &r) // written by us
	return r
}

// Result is the count, the zero Result before it.
func (e *Election) Result() tally.Result {
	var r tally.Result
	_ = json.Unmarshal([]byte(e.ResultJSON), &r) // written by us
	return r
}

// Over reports whether nothing but vacancies can happen to it any more.
func (e *Election) Over() bool {
	return e.State == Filled || e.State == Failed || e.State == Cancelled
}

// running reports whether there is still something to stand for or to vote on.
func (e *Election) running() bool {
	return e.State == Nominations || e.State == Final || e.State == Open
}

// Ref is how the record names it.
func (e *Election) Ref() ref.Ref { return ref.Ref{Kind: "election", ID: e.ID} }

// state is the public state of an election in the record.
type state struct {
	Number     int64            `json:"number"`
	Kind       string           `json:"kind"`
	Body       id.ID            `json:"body"`
	Voters     id.ID            `json:"voters"`
	Title      string           `json:"title"`
	Text       string           `json:"text,omitempty"` // its hash
	Announced  time.Time        `json:"announced"`      // with the waiting days, who may vote
	Waiting    int              `json:"waiting,omitempty"`
	Rule       id.ID            `json:"rule"` // version of the line
	Origin     string           `json:"origin"`
	Plan       json.RawMessage  `json:"plan"`
	Rules      json.RawMessage  `json:"rules"`
	Mode       string           `json:"mode"`
	State      State            `json:"state"`
	Cause      string           `json:"cause,omitempty"`
	Final      time.Time        `json:"final"`
	Opens      time.Time        `json:"opens"`
	Closes     time.Time        `json:"closes"`
	Roll       int              `json:"roll,omitempty"`
	RollHash   string           `json:"roll_hash,omitempty"`
	Result     string           `json:"result,omitempty"` // its hash: there are names in it
	Candidates []candidateState `json:"candidates,omitempty"`

	Scrutineers []offerState `json:"scrutineers,omitempty"` // who offer to be, until the ballot takes over
}

type offerState struct {
	Member id.ID  `json:"member"`
	Key    string `json:"key"`
}

type candidateState struct {
	ID          id.ID  `json:"id"`
	Member      id.ID  `json:"member"`
	NominatedBy id.ID  `json:"nominated_by"`
	State       string `json:"state"`
	Place       int    `json:"place,omitempty"` // on the paper, from 1
	Name        string `json:"name,omitempty"`  // the hash of the name on the paper
	Affiliation string `json:"affiliation,omitempty"`
	Mandate     id.ID  `json:"mandate,omitempty"`
	Vacated     bool   `json:"vacated,omitempty"`
	Reserved    string `json:"reserved,omitempty"`
	Cost        int64  `json:"cost,omitempty"`
}

func (e *Election) state(candidates []Candidate, offers []Offered) state {
	s := state{Number: e.Number, Kind: e.Kind, Body: e.Body, Voters: e.Voters, Title: e.Title, Text: digest(e.Text), Announced: e.Announced,
		Waiting: e.Waiting, Rule: e.RuleID, Origin: ref.Ref{Kind: e.OriginKind, ID: e.OriginID}.String(), Plan: json.RawMessage(e.PlanJSON), Rules: json.RawMessage(e.RulesJSON),
		Mode: e.Mode, State: e.State, Cause: e.Cause, Final: e.FinalAt, Opens: e.OpensAt, Closes: e.ClosesAt, Roll: e.RollSize, RollHash: e.RollHash}
	s.Result = digest(e.ResultJSON)
	for _, c := range candidates {
		x := candidateState{ID: c.ID, Member: c.Member, NominatedBy: c.NominatedBy, State: c.State, Place: c.Place, Name: digest(c.Title + c.Name), Mandate: c.Mandate,
			Vacated: c.Vacated, Reserved: c.Reserved, Cost: c.Cost}
		if e.running() { // the count heeds it; afterwards it can be erased
			x.Affiliation = digest(c.Affiliation)
		}
		s.Candidates = append(s.Candidates, x)
	}
	for _, o := range offers {
		s.Scrutineers = append(s.Scrutineers, offerState{o.Member, o.Key})
	}
	return s
}

// save writes an election back, wakes the clock for it, and appends the event with the state it leaves.
func (s *Service) save(ctx context.Context, tx *db.Tx, e *Election, entry record.Entry) error {
	n, err := updateElection.Run(ctx, tx, e.ID, e.Revision, e.Mode, e.ModeReason, e.State, e.Cause, e.Extended, e.FinalAt, e.OpensAt, e.ClosesAt, e.CountedAt, e.AcceptBy,
		e.RemindedAt, e.DueAt, e.RollSize, e.RollHash, e.ResultJSON)
	if err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Conflict, "Somebody changed this election meanwhile: please look at it again.")
	}
	e.Revision++
	return s.note(ctx, tx, e, entry)
}

// note records a step that changes the election or one of its candidates.
func (s *Service) note(ctx context.Context, tx *db.Tx, e *Election, entry record.Entry) error {
	candidates, err := listCandidates.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	offers, err := listOffers.All(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	entry.Subject, entry.State = e.Ref(), e.state(candidates, offers)
	if _, err := s.record.Append(ctx, tx, entry); err != nil {
		return err
	}
	if !e.DueAt.IsZero() && s.Wake != nil {
		return s.Wake(ctx, tx, e.DueAt)
	}
	return nil
}

// by is a record entry of a step that a member takes.
func by(kind string, a authz.Actor) record.Entry {
	e := record.Entry{Kind: "election." + kind, Via: a.Via}
	if a.Member != 0 {
		e.Member = ref.Ref{Kind: "member", ID: a.Member}
	}
	return e
}

// itself is a record entry of a step that time takes.
func itself(kind string) record.Entry { return record.Entry{Kind: "election." + kind, Via: authz.Job} }

// States are all elections, and all votes by name, as the record should have them.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	elections, err := listAll.All(ctx, h)
	if err != nil {
		return nil, err
	}
	out := make(map[ref.Ref]any, len(elections))
	for i := range elections {
		candidates, err := listCandidates.All(ctx, h, elections[i].ID)
		if err != nil {
			return nil, err
		}
		if e := &elections[i]; e.Mode == ByName && e.RollHash != "" { // anew: a changed roll must not fit
			roll, err := listRoll.All(ctx, h, e.ID)
			if err != nil {
				return nil, err
			}
			e.RollSize, e.RollHash = len(roll), rollHash(e.ID, roll)
		}
		offers, err := listOffers.All(ctx, h, elections[i].ID)
		if err != nil {
			return nil, err
		}
		out[elections[i].Ref()] = elections[i].state(candidates, offers)
	}
	votes, err := listAllNamed.All(ctx, h)
	for _, v := range votes {
		out[ref.Ref{Kind: "named-ballot", ID: v.ID}] = v.state()
	}
	return out, err
}

var errNone = fault.New(fault.NotFound, "There is no such election.")

// Get is one election.
func (s *Service) Get(ctx context.Context, h db.Handle, i id.ID) (Election, error) {
	e, err := getElection.One(ctx, h, i)
	if errors.Is(err, db.ErrNone) {
		err = errNone
	}
	return e, err
}

// ByNumber is one election by its number.
func (s *Service) ByNumber(ctx context.Context, number int64) (Election, error) {
	e, err := getByNumber.One(ctx, s.db, number)
	if errors.Is(err, db.ErrNone) {
		err = errNone
	}
	return e, err
}

// List is a page of elections below a number (0: from the newest), the newest first.
func (s *Service) List(ctx context.Context, before int64, limit int) ([]Election, error) {
	if before == 0 {
		before = 1 << 62
	}
	return listElections.All(ctx, s.db, before, limit)
}

// Running lists the elections that are not over, the next to close first.
func (s *Service) Running(ctx context.Context) ([]Election, error) { return listRunning.All(ctx, s.db) }

// step takes one election under its lock, for a change that a member or an officer makes.
func (s *Service) step(ctx context.Context, election id.ID, f func(tx *db.Tx, e *Election) error) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		e, ok, err := lockElection.Find(ctx, tx, election)
		if err == nil && !ok {
			err = errNone
		}
		if err != nil {
			return err
		}
		return f(tx, &e)
	})
}

// Elected answers the judge of power: whether an election elects to offices of the target now, and which
// body voted.
func (s *Service) Elected(ctx context.Context, h db.Handle, election id.ID, target authz.Target) (id.ID, bool, error) {
	e, ok, err := getElection.Find(ctx, h, election)
	if err != nil || !ok {
		return 0, false, err
	}
	counted := e.State == Counted || e.State == Filled
	return e.Voters, counted && e.Kind != Budget && target == authz.Target{Kind: "body", ID: e.Body}, nil
}

// mayTakePart refuses who is not of the body that votes, or not in good standing.
func (s *Service) mayTakePart(ctx context.Context, h db.Handle, a authz.Actor, e *Election) error {
	if a.Member == 0 {
		return fault.New(fault.Forbidden, "This is for members.")
	}
	good, err := s.member.InGoodStanding(ctx, h, h.Now())
	if err != nil {
		return err
	}
	if !slices.Contains(good, a.Member) {
		return fault.New(fault.Forbidden, "This is for members in good standing.")
	}
	b, err := s.mandate.Body(ctx, h, e.Voters)
	if err != nil || b.Root() {
		return err
	}
	sits, err := s.mandate.Sits(ctx, h, b.ID, a.Member)
	if err == nil && !sits {
		err = fault.New(fault.Forbidden, "This is for the members of %s.", b.Name)
	}
	return err
}

// titleOf names an election in words that never change.
func titleOf(p Plan, body mandate.Body, kind string) string {
	what := p.Office
	if kind == Budget {
		what = "Members' budget"
	}
	if !body.Root() {
		what += ", " + body.Name
	}
	if p.Seats > 1 {
		what += fmt.Sprintf(", %d seats", p.Seats)
	}
	return what
}
