package member

import (
	"context"
	"embed"
	"time"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/event"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "member", Files: migrations} }

// The powers of this feature.
const (
	Admit         = "member.admit"
	Enrol         = "member.enrol"
	Ask           = "member.ask"
	Suspension    = "member.suspend"
	Expulsion     = "member.expel"
	Reinstatement = "member.reinstate"
)

// Powers are the powers of this feature.
func Powers() []authz.Power {
	return []authz.Power{
		{Name: Admit, What: i18n.Key("Accept applications for membership or decline them with a reason, and record a death")},
		// Nobody is put out of the co-op because others forgot to vote: a decision can expel who was enrolled,
		// nothing undoes it by itself (ADR 11).
		{Name: Enrol, What: i18n.Key("Put people on the register without an application: one by one, or from an earlier register"), Irreversible: true},
		{Name: Ask, What: i18n.Key("Choose what applicants are asked")},
		// Whoever could take the rights of members away by hand could go on until they vote alone, and none of
		// the others could petition: so the rights are the meeting's alone, to take and to give back.
		{Name: Suspension, What: i18n.Key("Suspend the rights of a member"), Reserved: true, Meeting: true},
		{Name: Expulsion, What: i18n.Key("Expel a member"), Reserved: true, Meeting: true},
		{Name: Reinstatement, What: i18n.Key("Lift a suspension, or take a former member back under the same number"), Reserved: true, Meeting: true},
	}
}

// Service keeps the register.
type Service struct {
	db       *db.DB
	identity *identity.Service
	record   *record.Service
	judge    authz.Judge

	// CheckUsername tells whether a fediverse account may take the name; app sets it.
	CheckUsername func(ctx context.Context, h db.Handle, username string) error
	// Dues is how a member stands with the dues on a day: Current, DueSoon, Grace, Arrears, Waived or
	// Paused. Until the co-op collects dues it is nil and everybody is current.
	Dues func(ctx context.Context, h db.Handle, member id.ID, day time.Time) (Standing, error)
	// Barred lists the members whose arrears cost them the vote at an instant, by the rule in force
	// then, in one query. Nil like Dues.
	Barred func(ctx context.Context, h db.Handle, at time.Time) ([]id.ID, error)
	// Archive are the parts of a member's personal archive that other features keep; app fills it.
	Archive []ArchivePart

	Admitted event.Event[Admitted]
	Applied  event.Event[Application]
	Declined event.Event[Application]
	// Ended says that a membership is over; the login has lost its account and its sessions by then.
	Ended event.Event[Ended]
	// Suspended and Restored speak of the rights of a member, Reinstated of who is a member again. A
	// suspension that runs out by itself is no event: ask for the standing.
	Suspended  event.Event[Member]
	Restored   event.Event[Member]
	Reinstated event.Event[Member]
	// Erased says that a former member's personal data is to go everywhere; it carries the member as
	// known before.
	Erased event.Event[Member]
	// Clear takes away before that, in transactions of its own, what would hold the one of the erasure up
	// for long: the posts. The member has confirmed; where it breaks off, erasing again goes on.
	Clear func(ctx context.Context, m Member) error
}

// New makes the service.
func New(d *db.DB, i *identity.Service, r *record.Service, j authz.Judge) *Service {
	return &Service{db: d, identity: i, record: r, judge: j}
}

// How a membership ended.
const (
	Resigned = "resigned"
	Lapsed   = "lapsed"
	Expelled = "expelled"
	Died     = "died"
)

// Member is a person on the register, now or once. Name, number and since are for everybody to see.
type Member struct {
	ID             id.ID     `db:"id"`
	Number         int64     `db:"number"`
	Name           string    `db:"name"` // "" once erased
	Username       string    `db:"username"`
	LoginID        id.ID     `db:"login_id"`
	AccountID      id.ID     `db:"account_id"`
	InvitedBy      id.ID     `db:"invited_by"` // the member whose invitation was used, 0 if none
	Since          time.Time `db:"since_at"`
	Until          time.Time `db:"until_at"` // zero while a member
	Ended          string    `db:"ended"`    // Resigned, Lapsed, Expelled or Died; "" while a member
	SuspendedAt    time.Time `db:"suspended_at"`
	SuspendedUntil time.Time `db:"suspended_until"` // zero: until it is lifted
	Founder        bool      `db:"founder"`
	Version        int64     `db:"version"` // rises with every fact
	ChangedAt      time.Time `db:"changed_at"`
	ErasedAt       time.Time `db:"erased_at"`
}

// Present reports whether the person is on the register now.
func (m *Member) Present() bool { return m.Ended == "" }

// Suspended reports whether the member's rights are suspended at an instant, as far as is known now.
func (m *Member) Suspended(at time.Time) bool {
	return !m.SuspendedAt.IsZero() && (m.SuspendedUntil.IsZero() || at.Before(m.SuspendedUntil))
}

// PublicState is a member without personal data, as the record keeps it after each event.
type PublicState struct {
	Number         int64     `json:"number"`
	Since          time.Time `json:"since"`
	Until          time.Time `json:"until,omitzero"`
	Ended          string    `json:"ended,omitempty"`
	Suspended      time.Time `json:"suspended,omitzero"`
	SuspendedUntil time.Time `json:"suspended_until,omitzero"`
}

// State is the public state of a member, for the record.
func State(m Member) any {
	return PublicState{m.Number, m.Since, m.Until, m.Ended, m.SuspendedAt, m.SuspendedUntil}
}

// States are the public states of everybody who was ever on the register: what replaying the record
// must give.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	out := map[ref.Ref]any{}
	for after := int64(0); ; {
		page, err := listEver.All(ctx, h, after, 500)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, m := range page {
			out[refOf(m.ID)], after = State(m), m.Number
		}
	}
}

func refOf(member id.ID) ref.Ref { return ref.Ref{Kind: "member", ID: member} }

func targetOf(member id.ID) authz.Target { return authz.Target{Kind: "member", ID: member} }

// personal is what an entry of the record keeps about a member outside its hash.
func personal(m Member) map[string]string {
	return map[string]string{"name": m.Name, "username": m.Username}
}

// Admitted says that a person became a member: the account and everything else follows from it.
type Admitted struct {
	Member Member
	Login  identity.Login
	// Invitation tells whether an invitation was used, rather than an application accepted.
	Invitation bool
	// Imported tells that the person came with an existing register and has no password yet.
	Imported bool
}

// Ended says whose membership is over; Member.Ended says how.
type Ended struct {
	Member Member
	By     authz.Actor
}

// Get is a member by id, present or not.
func (s *Service) Get(ctx context.Context, h db.Handle, member id.ID) (Member, error) {
	m, ok, err := getMember.Find(ctx, h, member)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no such member.")
	}
	return m, err
}

// ByNumber is a member by number, present or not.
func (s *Service) ByNumber(ctx context.Context, h db.Handle, number int64) (Member, error) {
	m, ok, err := getByNumber.Find(ctx, h, number)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no member with this number.")
	}
	return m, err
}

// Mine is the member that the actor's login belongs to, also after the membership has ended.
func (s *Service) Mine(ctx context.Context, by authz.Actor) (Member, error) {
	if by.Login == 0 {
		return Member{}, fault.New(fault.Forbidden, "Please sign in first.")
	}
	m, ok, err := getByLogin.Find(ctx, s.db, by.Login)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no member with this login.")
	}
	return m, err
}

// List is the register of present members by number, after the given number.
func (s *Service) List(ctx context.Context, after int64, limit int) ([]Member, error) {
	return listMembers.All(ctx, s.db, after, min(max(limit, 1), 500))
}

// Ever lists everybody who is or was on the register by number, after the given number.
func (s *Service) Ever(ctx context.Context, after int64, limit int) ([]Member, error) {
	return listEver.All(ctx, s.db, after, min(max(limit, 1), 500))
}

// Count is how many present members there are.
func (s *Service) Count(ctx context.Context) (int, error) { return countMembers.One(ctx, s.db) }

// keepApplications is how long an answered application is kept with the applicant's data: long enough to
// ask back, no longer.
const keepApplications = 90 * 24 * time.Hour

// Sweep forgets the personal data of applications that were answered long ago.
func (s *Service) Sweep(ctx context.Context) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := forgetApplicants.Run(ctx, tx, tx.Now().Add(-keepApplications))
		return err
	})
}
