package coop

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "coop", Files: migrations} }

// How one may join.
const (
	ByApplication = "application"
	ByInvitation  = "invitation"
	Closed        = "closed"
)

// The powers over what the co-op says.
const (
	Power   = "coop.describe" // about itself
	Publish = "coop.publish"  // in its own name
)

// Powers are the powers of this feature.
func Powers() []authz.Power {
	return []authz.Power{
		{Name: Power, What: i18n.Key("Change the co-op's name, description, ways to join and rules of conduct")},
		{Name: Publish, What: i18n.Key("Publish a statement in the co-op's name"), Irreversible: true},
	}
}

// Service is the co-op.
type Service struct {
	db       *db.DB
	bus      *bus.Bus
	site     config.Site
	record   *record.Service
	identity *identity.Service
	member   *member.Service
	mandate  *mandate.Service
	rulebook *rulebook.Service
	social   *social.Service

	known   atomic.Pointer[Coop]
	changes atomic.Uint64 // heard of so far
}

// Deps are what the feature builds on.
type Deps struct {
	DB       *db.DB
	Bus      *bus.Bus
	Site     config.Site
	Record   *record.Service
	Identity *identity.Service
	Member   *member.Service
	Mandate  *mandate.Service
	Rulebook *rulebook.Service
	Social   *social.Service
}

const topicChanged = "coop.changed"

// New makes the service.
func New(d Deps) *Service {
	s := &Service{db: d.DB, bus: d.Bus, site: d.Site, record: d.Record, identity: d.Identity, member: d.Member, mandate: d.Mandate, rulebook: d.Rulebook, social: d.Social}
	forget := func() {
		s.changes.Add(1)
		s.known.Store(nil)
	}
	d.Bus.Handle(topicChanged, func(string) { forget() })
	d.Bus.OnGap(forget)
	return s
}

// Coop is what everybody may know about the co-op.
type Coop struct {
	Name        string    `db:"name"`
	Description string    `db:"description"`
	Preset      string    `db:"preset"`
	Joining     string    `db:"joining"`
	Conduct     string    `db:"conduct"`
	Contact     string    `db:"contact"`
	AccountID   id.ID     `db:"account_id"`
	FoundedAt   time.Time `db:"founded_at"`
}

// Rules are the rules of conduct, one each.
func (c *Coop) Rules() []string {
	return slices.DeleteFunc(strings.Split(c.Conduct, "\n"), func(l string) bool { return strings.TrimSpace(l) == "" })
}

// ErrNotFounded says that there is no co-op here yet.
var ErrNotFounded = fault.New(fault.NotFound, "This co-op has not been founded yet.")

// Get is the co-op, or ErrNotFounded.
func (s *Service) Get(ctx context.Context) (*Coop, error) {
	if c := s.known.Load(); c != nil {
		return c, nil
	}
	changes := s.changes.Load()
	c, ok, err := getCoop.Find(ctx, s.db)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNotFounded
	}
	s.known.Store(&c)
	if s.changes.Load() != changes { // changed while it was read
		s.known.Store(nil)
	}
	return &c, nil
}

// Account is the co-op's own account, also inside the transaction of its founding; 0 if there is none.
func (s *Service) Account(ctx context.Context, h db.Handle) (id.ID, error) {
	c, _, err := getCoop.Find(ctx, h)
	return c.AccountID, err
}

// Founding is what the founder fills in.
type Founding struct {
	Name        string // of the co-op
	Description string
	Preset      string // "" means social-coop
	Founder     member.Joining
}

// defaultConduct is where a new co-op starts; the members change it.
const defaultConduct = `Treat one another with respect; no harassment, no hate.
Give warnings before content that others may not want to meet unprepared.
No spam and no advertising.
Respect privacy: do not share what was said to you in confidence.`

// Found is the genesis: the general meeting, the first member with every power for 90 days, the co-op's
// own account, and the first events of the record, all or nothing, and only once.
func (s *Service) Found(ctx context.Context, by authz.Actor, f Founding) (member.Member, error) {
	f.Name = strings.Join(strings.Fields(f.Name), " ")
	if n := utf8.RuneCountInString(f.Name); n == 0 || n > 80 {
		return member.Member{}, fault.Field("coop_name", "The name of the co-op has 1 to 80 characters.")
	}
	if utf8.RuneCountInString(f.Description) > 1000 {
		return member.Member{}, fault.Field("description", "The description has 1000 characters at most.")
	}
	if f.Preset == "" {
		f.Preset = rulebook.Presets()[0].Name
	}
	if _, ok := rulebook.FindPreset(f.Preset); !ok {
		return member.Member{}, fault.Field("preset", "There is no rulebook called %q.", f.Preset)
	}
	email, err := identity.CheckEmail(f.Founder.Email)
	if err != nil {
		return member.Member{}, err
	}
	f.Founder.Email = email
	hash, err := s.identity.HashPassword(ctx, f.Founder.Password)
	if err != nil {
		return member.Member{}, err
	}
	var m member.Member
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		m, err = s.found(ctx, tx, by, f, hash)
		return err
	})
	return m, err
}

func (s *Service) found(ctx context.Context, tx *db.Tx, by authz.Actor, f Founding, passwordHash string) (member.Member, error) {
	c := Coop{Name: f.Name, Description: f.Description, Preset: f.Preset, Joining: ByApplication, Conduct: defaultConduct, FoundedAt: tx.Now()}
	_, err := insertCoop.Run(ctx, tx, c.Name, c.Description, c.Preset, c.Joining, c.Conduct, "", c.FoundedAt)
	if errors.Is(err, db.ErrExists) {
		return member.Member{}, fault.New(fault.Conflict, "This co-op has been founded already.")
	}
	if err != nil {
		return member.Member{}, err
	}
	if _, err := s.record.Append(ctx, tx, record.Entry{Kind: "coop.founded", Via: by.Via, Authority: authz.Authority{Kind: authz.Genesis},
		Data:    map[string]any{"name": c.Name, "host": s.site.Host, "preset": c.Preset, "description": c.Description},
		Subject: ref.Ref{Kind: "coop", ID: 1}, State: c.state()}); err != nil {
		return member.Member{}, err
	}
	body, err := s.mandate.FormRoot(ctx, tx, "General meeting")
	if err != nil {
		return member.Member{}, err
	}
	if err := s.rulebook.Found(ctx, tx, c.Preset); err != nil {
		return member.Member{}, err
	}
	m, err := s.member.Enrol(ctx, tx, f.Founder, passwordHash)
	if err != nil {
		return m, err
	}
	if _, err := s.record.Append(ctx, tx, record.Entry{Kind: "member.joined", Subject: ref.Ref{Kind: "member", ID: m.ID}, Via: by.Via,
		Authority: authz.Authority{Kind: authz.Genesis}, Data: map[string]any{"number": m.Number},
		State: member.State(m), Private: map[string]any{"name": m.Name, "username": m.Username}}); err != nil {
		return m, err
	}
	if _, err := s.mandate.GrantFounding(ctx, tx, m.ID, body); err != nil {
		return m, err
	}
	account, err := s.social.Open(ctx, tx, social.NewAccount{Username: "coop", DisplayName: truncate(c.Name, social.MaxDisplayName), Kind: social.Organization,
		Note: truncate(c.Description, social.MaxNote), Reserved: true})
	if err != nil {
		return m, err
	}
	if _, err := setAccount.Run(ctx, tx, account.ID); err != nil {
		return m, err
	}
	if _, err := dropFoundingCode.Run(ctx, tx); err != nil {
		return m, err
	}
	return m, s.bus.Publish(ctx, tx, topicChanged, "")
}

func truncate(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n])
}

// FoundingCode makes the one-time code that the first start prints, so that only whoever sees the
// machine's output can found the co-op in the browser. It is "" once the co-op is founded.
func (s *Service) FoundingCode(ctx context.Context) (string, error) {
	if _, err := s.Get(ctx); !errors.Is(err, ErrNotFounded) {
		return "", err
	}
	code := fmt.Sprintf("%s-%s", rand.Text()[:5], rand.Text()[:5])
	return code, s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := setFoundingCode.Run(ctx, tx, hashCode(code), tx.Now())
		return err
	})
}

// CheckFoundingCode refuses a wrong code.
func (s *Service) CheckFoundingCode(ctx context.Context, code string) error {
	want, ok, err := getFoundingCode.Find(ctx, s.db)
	if err != nil {
		return err
	}
	if !ok || subtle.ConstantTimeCompare([]byte(want), []byte(hashCode(strings.ToUpper(strings.TrimSpace(code))))) != 1 {
		return fault.Field("code", "This is not the code that the program printed when it started.")
	}
	return nil
}

func hashCode(code string) string {
	h := sha256.Sum256([]byte(code))
	return hex.EncodeToString(h[:])
}

// Description is what may be changed about the co-op; the change is an act of the power coop.describe.
type Description struct {
	Name, Description, Joining, Conduct string

	Contact string `json:",omitempty"` // perhaps a person's address: it stays outside the hash of the record
}

func (d *Description) check() error {
	d.Name = strings.Join(strings.Fields(d.Name), " ")
	if n := utf8.RuneCountInString(d.Name); n == 0 || n > 80 {
		return fault.Field("name", "The name of the co-op has 1 to 80 characters.")
	}
	if utf8.RuneCountInString(d.Description) > 1000 || utf8.RuneCountInString(d.Conduct) > 5000 || len(d.Contact) > 254 {
		return fault.Field("description", "This text is too long.")
	}
	if !slices.Contains([]string{ByApplication, ByInvitation, Closed}, d.Joining) {
		return fault.Field("joining", "Choose how people may join.")
	}
	return nil
}

// Describe changes what the co-op says about itself.
func (s *Service) Describe(ctx context.Context, by authz.Actor, d Description, reason string) error {
	if err := d.check(); err != nil {
		return err
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		_, err := s.describe(ctx, tx, by, d, reason)
		return err
	})
}

// describe is for every door: an officer's act and a decision's effect.
func (s *Service) describe(ctx context.Context, tx *db.Tx, by authz.Actor, d Description, reason string) (effect.Stored, error) {
	old, ok, err := getCoop.Find(ctx, tx)
	if err != nil || !ok {
		return effect.Stored{}, errors.Join(err, ErrNotFounded)
	}
	// The contact may be a person's address: it is not kept in the inverse, which anyone can read.
	inverse, err := effect.Store(Power, &describeEffect{Name: old.Name, Description: old.Description, Joining: old.Joining, Conduct: old.Conduct})
	if err != nil {
		return inverse, err
	}
	c := old
	c.Name, c.Description, c.Joining, c.Conduct, c.Contact = d.Name, d.Description, d.Joining, d.Conduct, d.Contact
	if _, err := s.mandate.Perform(ctx, tx, by, authz.Act{Power: Power, Target: authz.Target{Kind: "coop", ID: 1}, Reason: reason, State: c.state(),
		Args: Description{d.Name, d.Description, d.Joining, d.Conduct, ""}, Private: map[string]string{"contact": d.Contact}, Inverse: inverse}); err != nil {
		return inverse, err
	}
	if _, err := updateCoop.Run(ctx, tx, d.Name, d.Description, d.Joining, d.Conduct, d.Contact); err != nil {
		return inverse, err
	}
	return inverse, s.bus.Publish(ctx, tx, topicChanged, "")
}

type coopState struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Preset      string `json:"preset"`
	Joining     string `json:"joining"`
	Conduct     string `json:"conduct"`
}

func (c *Coop) state() coopState {
	return coopState{c.Name, c.Description, c.Preset, c.Joining, c.Conduct}
}

// States is the co-op as the record should have it.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	c, ok, err := getCoop.Find(ctx, h)
	if err != nil || !ok {
		return nil, err
	}
	return map[ref.Ref]any{{Kind: "coop", ID: 1}: c.state()}, nil
}
