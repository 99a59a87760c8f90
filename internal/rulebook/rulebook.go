package rulebook

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "rulebook", Files: migrations} }

// The powers over rules. No mandate can hold them: only a decision carries them (DESIGN §3).
const (
	Adopt  = "rule.adopt"
	Repeal = "rule.repeal"
)

// Powers are the powers of this feature.
func Powers() []authz.Power {
	return []authz.Power{
		{Name: Adopt, What: i18n.Key("Adopt or change a rule"), Reserved: true, Meeting: true},
		{Name: Repeal, What: i18n.Key("Repeal a rule"), Reserved: true, Meeting: true},
	}
}

// Service keeps the rulebook.
type Service struct {
	db     *db.DB
	record *record.Service
	judge  authz.Judge
}

// New makes the service.
func New(d *db.DB, r *record.Service, j authz.Judge) *Service {
	return &Service{db: d, record: r, judge: j}
}

type row struct {
	ID         id.ID     `db:"id"`
	Line       string    `db:"line"`
	Number     int       `db:"number"`
	Data       string    `db:"data"`
	From       time.Time `db:"from_at"`
	Until      time.Time `db:"until_at"`
	SourceKind string    `db:"source_kind"`
	SourceID   id.ID     `db:"source_id"`
}

// Version is a line of the rulebook as it was in force for a time.
type Version struct {
	ID          id.ID
	Number      int
	Rule        Rule
	From, Until time.Time // Until is zero while it is in force
	Source      authz.Authority
}

func (r *row) version() (Version, error) {
	v := Version{ID: r.ID, Number: r.Number, From: r.From, Until: r.Until, Source: authz.Authority{Kind: authz.AuthorityKind(r.SourceKind), ID: r.SourceID}}
	if err := json.Unmarshal([]byte(r.Data), &v.Rule); err != nil {
		return v, fmt.Errorf("read rule %s/%d: %w", r.Line, r.Number, err)
	}
	return v, nil
}

func versions(rows []row, err error) ([]Version, error) {
	if err != nil {
		return nil, err
	}
	out := make([]Version, len(rows))
	for i := range rows {
		if out[i], err = rows[i].version(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// state is what the record says about a version.
type state struct {
	Rule   json.RawMessage `json:"rule"`
	Number int             `json:"number"`
	From   time.Time       `json:"from"`
	Until  *time.Time      `json:"until,omitempty"`
}

func stateOf(r row) state {
	s := state{Rule: json.RawMessage(r.Data), Number: r.Number, From: r.From}
	if !r.Until.IsZero() {
		s.Until = &r.Until
	}
	return s
}

// States are all versions as the record should have them.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	rows, err := listAll.All(ctx, h)
	out := make(map[ref.Ref]any, len(rows))
	for _, r := range rows {
		out[ref.Ref{Kind: "rule", ID: r.ID}] = stateOf(r)
	}
	return out, err
}

// Found puts a preset in force. It is part of the founding.
func (s *Service) Found(ctx context.Context, tx *db.Tx, preset string) error {
	p, ok := FindPreset(preset)
	if !ok {
		return fault.Field("preset", "There is no rulebook called %q.", preset)
	}
	for _, r := range p.Rules {
		if err := r.Check(); err != nil {
			return err
		}
		v, err := s.insert(ctx, tx, r, 1, authz.Authority{Kind: authz.Genesis})
		if err != nil {
			return err
		}
		if _, err := s.record.Append(ctx, tx, record.Entry{Kind: "rule.adopted", Subject: ref.Ref{Kind: "rule", ID: v.ID},
			Authority: authz.Authority{Kind: authz.Genesis}, Data: map[string]any{"line": r.Line, "version": 1, "preset": preset}, State: stateOf(v)}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) insert(ctx context.Context, tx *db.Tx, r Rule, number int, source authz.Authority) (row, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return row{}, fmt.Errorf("adopt rule %s: %w", r.Line, err)
	}
	v := row{ID: id.New(tx.Now()), Line: r.Line, Number: number, Data: string(b), From: tx.Now(), SourceKind: string(source.Kind), SourceID: source.ID}
	_, err = insertVersion.Run(ctx, tx, v.ID, v.Line, v.Number, v.Data, v.From, v.SourceKind, v.SourceID)
	return v, err
}

// Current lists the lines in force, in the order they first came in.
func (s *Service) Current(ctx context.Context, h db.Handle) ([]Version, error) {
	return versions(listCurrent.All(ctx, h))
}

// History lists the versions of a line, the newest first.
func (s *Service) History(ctx context.Context, line string) ([]Version, error) {
	out, err := versions(listVersions.All(ctx, s.db, line))
	if err == nil && len(out) == 0 {
		err = fault.New(fault.NotFound, "The rulebook has no line with this name.")
	}
	return out, err
}

// Get is one version of a line.
func (s *Service) Get(ctx context.Context, h db.Handle, version id.ID) (Version, error) {
	r, ok, err := getVersion.Find(ctx, h, version)
	if err != nil {
		return Version{}, err
	}
	if !ok {
		return Version{}, fault.New(fault.NotFound, "The rulebook has no such version.")
	}
	return r.version()
}

// For is the line in force that governs a motion with these kinds of effects, put to the general
// meeting or to another body. A motion whose effects fall under different lines is refused.
func (s *Service) For(ctx context.Context, h db.Handle, scope string, kinds []string) (Version, error) {
	all, err := s.Current(ctx, h)
	if err != nil {
		return Version{}, err
	}
	if len(kinds) == 0 {
		kinds = []string{""}
	}
	var found *Version
	for _, k := range kinds {
		v := closest(all, scope, k)
		if v == nil {
			return Version{}, fault.New(fault.Invalid, "No rule says how %q is decided here.", k)
		}
		if found != nil && found.ID != v.ID {
			return Version{}, fault.New(fault.Invalid, "These changes are decided under different rules (%s and %s): please put them as separate motions.", found.Rule.Title, v.Rule.Title)
		}
		found = v
	}
	return *found, nil
}

func closest(all []Version, scope, kind string) *Version {
	best, weight := -1, 0
	for i := range all {
		if w := all[i].Rule.governs(kind); all[i].Rule.Scope == scope && w > weight {
			best, weight = i, w
		}
	}
	if best < 0 {
		return nil
	}
	return &all[best]
}

// RatifyDays is how many days the general meeting needs to answer a motion with an effect of a kind: an
// emergency act that such a motion ratifies does not end sooner, whatever its own rule says.
func (s *Service) RatifyDays(ctx context.Context, h db.Handle, kind string) (int, error) {
	v, err := s.For(ctx, h, Meeting, []string{kind})
	return v.Rule.Course(), err
}

// EmergencyFor is the rule in force that lets the members of a body do an act of a power at once, and
// the body's handle; ok is false if there is none.
func (s *Service) EmergencyFor(ctx context.Context, h db.Handle, power string) (Version, bool, error) {
	all, err := s.Current(ctx, h)
	if err != nil {
		return Version{}, false, err
	}
	i := slices.IndexFunc(all, func(v Version) bool {
		return v.Rule.Emergency != nil && slices.ContainsFunc(v.Rule.Emergency.Acts, func(p string) bool {
			_, ok := Covers(p, power)
			return ok
		})
	})
	if i < 0 {
		return Version{}, false, nil
	}
	return all[i], true, nil
}
