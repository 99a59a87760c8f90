package member

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

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

// Admit is the power to accept and decline applications, Invite lets members in by hand from the shell.
const Admit = "member.admit"

// Powers are the powers of this feature.
func Powers() []authz.Power {
	return []authz.Power{{Name: Admit, What: i18n.Key("Accept applications for membership, or decline them with a reason")}}
}

// Limits of what an applicant writes.
const (
	maxName   = 60
	maxAnswer = 2000
)

// Service keeps the register.
type Service struct {
	db       *db.DB
	identity *identity.Service
	record   *record.Service
	judge    authz.Judge

	// CheckUsername tells whether a fediverse account may take the name; app sets it.
	CheckUsername func(ctx context.Context, h db.Handle, username string) error

	Admitted event.Event[Admitted]
	Applied  event.Event[Application]
	Declined event.Event[Application]
}

// New makes the service.
func New(d *db.DB, i *identity.Service, r *record.Service, j authz.Judge) *Service {
	return &Service{db: d, identity: i, record: r, judge: j}
}

// Member is a person on the register. Name, number and since are for everybody to see.
type Member struct {
	ID        id.ID     `db:"id"`
	Number    int64     `db:"number"`
	Name      string    `db:"name"`
	Username  string    `db:"username"`
	LoginID   id.ID     `db:"login_id"`
	AccountID id.ID     `db:"account_id"`
	InvitedBy id.ID     `db:"invited_by"` // the member whose invitation was used, 0 if none
	Since     time.Time `db:"since_at"`
	Until     time.Time `db:"until_at"`
}

// Standing is computed from facts, never edited. Until the co-op collects dues everybody is current.
func (m *Member) Standing() string {
	if !m.Until.IsZero() {
		return "ended"
	}
	return "current"
}

// Admitted says that a person became a member: the account and everything else follows from it.
type Admitted struct {
	Member Member
	Login  identity.Login
	// Invitation tells whether an invitation was used, rather than an application accepted.
	Invitation bool
}

// Application is a request to become a member. Only whoever may decide it sees it.
type Application struct {
	ID           id.ID     `db:"id"`
	Name         string    `db:"name"`
	Username     string    `db:"username"`
	Email        string    `db:"email"`
	PasswordHash string    `db:"password_hash"`
	Answer       string    `db:"answer"`
	State        string    `db:"state"`
	Reason       string    `db:"reason"`
	DecidedBy    id.ID     `db:"decided_by"`
	CreatedAt    time.Time `db:"created_at"`
	DecidedAt    time.Time `db:"decided_at"`
}

// Joining is what a person fills in.
type Joining struct {
	Name, Username, Email, Password string
	Answer                          string // why they want to join; asked of applicants
	Code                            string // an invitation's code
}

func (j *Joining) check() error {
	j.Name = strings.Join(strings.Fields(j.Name), " ")
	j.Username = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(j.Username), "@"))
	j.Answer = strings.TrimSpace(j.Answer)
	if n := utf8.RuneCountInString(j.Name); n == 0 || n > maxName {
		return fault.Field("name", "Please tell us what to call you, in %d characters at most.", maxName)
	}
	if utf8.RuneCountInString(j.Answer) > maxAnswer {
		return fault.Field("answer", "Please keep it to %d characters.", maxAnswer)
	}
	return nil
}

// prepare checks what is filled in and hashes the password, outside any transaction.
func (s *Service) prepare(ctx context.Context, j *Joining) (passwordHash string, err error) {
	if err := j.check(); err != nil {
		return "", err
	}
	if j.Email, err = identity.CheckEmail(j.Email); err != nil {
		return "", err
	}
	if err := s.free(ctx, s.db, *j); err != nil {
		return "", err
	}
	return s.identity.HashPassword(ctx, j.Password)
}

func (s *Service) free(ctx context.Context, h db.Handle, j Joining) error {
	if s.CheckUsername != nil {
		if err := s.CheckUsername(ctx, h, j.Username); err != nil {
			return err
		}
	}
	if n, err := countWaitingFor.One(ctx, h, j.Username, strings.ToLower(j.Email)); err != nil || n > 0 {
		return errors.Join(err, errWaiting)
	}
	taken, err := s.identity.EmailTaken(ctx, h, j.Email)
	if err != nil {
		return err
	}
	if taken {
		return fault.Field("email", "There is already an account with this e-mail address. Try to sign in, or reset your password.")
	}
	return nil
}

var errWaiting = fault.New(fault.Conflict, "Somebody has already applied with this username or e-mail address, and the members have not answered yet.")

// Apply asks to become a member. Anyone may.
func (s *Service) Apply(ctx context.Context, j Joining) (Application, error) {
	if strings.TrimSpace(j.Answer) == "" {
		return Application{}, fault.Field("answer", "Please tell the members a little about why you would like to join.")
	}
	hash, err := s.prepare(ctx, &j)
	if err != nil {
		return Application{}, err
	}
	var a Application
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		a = Application{ID: id.New(tx.Now()), Name: j.Name, Username: j.Username, Email: j.Email, PasswordHash: hash, Answer: j.Answer,
			State: "waiting", CreatedAt: tx.Now()}
		_, err := insertApplication.Run(ctx, tx, a.ID, a.Name, a.Username, a.Email, a.PasswordHash, a.Answer, a.State, a.Username,
			strings.ToLower(a.Email), a.CreatedAt)
		if errors.Is(err, db.ErrExists) {
			return errWaiting
		}
		if err != nil {
			return err
		}
		return s.Applied.Emit(ctx, tx, a)
	})
	return a, err
}

// Waiting lists the applications that wait for an answer, the oldest first. It needs the power to
// decide them.
func (s *Service) Waiting(ctx context.Context, by authz.Actor) ([]Application, error) {
	if _, err := s.judge.Authorise(ctx, s.db, by, Admit, authz.Target{Kind: "application"}); err != nil {
		return nil, err
	}
	return listWaiting.All(ctx, s.db)
}

// CountWaiting is how many applications wait.
func (s *Service) CountWaiting(ctx context.Context) (int, error) { return countWaiting.One(ctx, s.db) }

// Accept makes an applicant a member: an act of the power member.admit.
func (s *Service) Accept(ctx context.Context, by authz.Actor, application id.ID, reason string) (Member, error) {
	var m Member
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		a, err := s.decide(ctx, tx, by, application, "accepted", reason)
		if err != nil {
			return err
		}
		m, err = s.admit(ctx, tx, person{Name: a.Name, Username: a.Username, Email: a.Email, PasswordHash: a.PasswordHash}, false)
		if err != nil {
			return err
		}
		_, err = s.judge.Perform(ctx, tx, by, authz.Act{Power: Admit, Target: authz.Target{Kind: "member", ID: m.ID}, Reason: reason,
			Args: map[string]any{"application": application, "decision": "accepted", "number": m.Number, "username": m.Username}})
		return err
	})
	return m, err
}

// Decline answers an applicant with no, and with the reason, which the applicant is told. The record
// says that an application was declined and why in general, not whose.
func (s *Service) Decline(ctx context.Context, by authz.Actor, application id.ID, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return fault.Field("reason", "Please give a reason: the applicant will be told it.")
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		a, err := s.decide(ctx, tx, by, application, "declined", reason)
		if err != nil {
			return err
		}
		if _, err := s.judge.Perform(ctx, tx, by, authz.Act{Power: Admit, Target: authz.Target{Kind: "application", ID: application},
			Args: map[string]any{"decision": "declined"}, Private: map[string]any{"name": a.Name, "username": a.Username, "reason": reason}}); err != nil {
			return err
		}
		return s.Declined.Emit(ctx, tx, a)
	})
}

func (s *Service) decide(ctx context.Context, tx *db.Tx, by authz.Actor, application id.ID, state, reason string) (Application, error) {
	if _, err := s.judge.Authorise(ctx, tx, by, Admit, authz.Target{Kind: "application", ID: application}); err != nil {
		return Application{}, err
	}
	a, ok, err := getApplication.Find(ctx, tx, application)
	if err != nil {
		return a, err
	}
	if !ok {
		return a, fault.New(fault.NotFound, "There is no such application.")
	}
	n, err := decideApplication.Run(ctx, tx, application, state, reason, by.Member, tx.Now())
	if err != nil {
		return a, err
	}
	if n == 0 {
		return a, fault.New(fault.Conflict, "Somebody has answered this application already.")
	}
	a.State, a.Reason = state, reason
	return a, nil
}

type person struct {
	Name, Username, Email, PasswordHash string
	InvitedBy                           id.ID
}

// admit puts a person on the register, with the next number, and everything that follows.
func (s *Service) admit(ctx context.Context, tx *db.Tx, p person, invitation bool) (Member, error) {
	if _, err := lockMembers.Run(ctx, tx); err != nil {
		return Member{}, err
	}
	number, err := nextNumber.One(ctx, tx)
	if err != nil {
		return Member{}, err
	}
	m := Member{ID: id.New(tx.Now()), Number: number, Name: p.Name, Username: p.Username, InvitedBy: p.InvitedBy, Since: tx.Now()}
	login, err := s.identity.Register(ctx, tx, p.Email, p.PasswordHash, m.ID)
	if err != nil {
		return m, err
	}
	m.LoginID = login.ID
	if _, err := insertMember.Run(ctx, tx, m.ID, m.Number, m.Name, m.Username, m.LoginID, m.InvitedBy, m.Since); err != nil {
		return m, err
	}
	if err := s.Admitted.Emit(ctx, tx, Admitted{Member: m, Login: login, Invitation: invitation}); err != nil {
		return m, err
	}
	m, ok, err := getMember.Find(ctx, tx, m.ID)
	if err == nil && !ok {
		err = errors.New("admit member: the row is gone")
	}
	return m, err
}

// Enrol puts a person on the register without invitation or application: at the founding and by the
// operator's command, whose caller records why it may.
func (s *Service) Enrol(ctx context.Context, tx *db.Tx, j Joining, passwordHash string) (Member, error) {
	if err := j.check(); err != nil {
		return Member{}, err
	}
	if err := s.free(ctx, tx, j); err != nil {
		return Member{}, err
	}
	return s.admit(ctx, tx, person{Name: j.Name, Username: j.Username, Email: j.Email, PasswordHash: passwordHash}, false)
}

// SetAccount keeps which fediverse account is the member's.
func (s *Service) SetAccount(ctx context.Context, tx *db.Tx, member, account id.ID) error {
	_, err := setAccount.Run(ctx, tx, member, account)
	return err
}

// Invitation lets people join without an application. Its maker sees it, and whoever has the code.
type Invitation struct {
	ID          id.ID     `db:"id"`
	Code        string    `db:"code"`
	MemberID    id.ID     `db:"member_id"`
	Note        string    `db:"note"`
	Uses        int       `db:"uses"`
	MaxUses     int       `db:"max_uses"`
	CreatedAt   time.Time `db:"created_at"`
	ExpiresAt   time.Time `db:"expires_at"`
	WithdrawnAt time.Time `db:"withdrawn_at"`
}

// Good reports whether the invitation can still be used.
func (i *Invitation) Good(at time.Time) bool {
	return i.WithdrawnAt.IsZero() && i.Uses < i.MaxUses && at.Before(i.ExpiresAt)
}

// Invite makes an invitation of the actor's, for up to maxUses people within 14 days. Every member may.
func (s *Service) Invite(ctx context.Context, by authz.Actor, maxUses int, note string) (Invitation, error) {
	if by.Member == 0 {
		return Invitation{}, fault.New(fault.Forbidden, "Members can invite people.")
	}
	if maxUses < 1 || maxUses > 20 {
		return Invitation{}, fault.Field("uses", "An invitation is for 1 to 20 people.")
	}
	if utf8.RuneCountInString(note) > 200 {
		return Invitation{}, fault.Field("note", "Please keep the note to 200 characters.")
	}
	i := Invitation{Code: rand.Text()[:16], MemberID: by.Member, Note: note, MaxUses: maxUses}
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		i.ID, i.CreatedAt, i.ExpiresAt = id.New(tx.Now()), tx.Now(), tx.Now().AddDate(0, 0, 14)
		_, err := insertInvitation.Run(ctx, tx, i.ID, i.Code, i.MemberID, i.Note, i.MaxUses, i.CreatedAt, i.ExpiresAt)
		return err
	})
	return i, err
}

// Invitations lists the actor's own, the newest first.
func (s *Service) Invitations(ctx context.Context, by authz.Actor) ([]Invitation, error) {
	return listInvitations.All(ctx, s.db, by.Member)
}

// Withdraw ends one of the actor's own invitations.
func (s *Service) Withdraw(ctx context.Context, by authz.Actor, invitation id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := withdrawInvitation.Run(ctx, tx, invitation, by.Member, tx.Now())
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "There is no such invitation.")
		}
		return err
	})
}

var errInvitation = fault.New(fault.Gone, "This invitation has been used or has run out. Ask for a new one, or apply without.")

// Invited is the invitation with this code and who made it, if it is still good.
func (s *Service) Invited(ctx context.Context, code string) (Invitation, Member, error) {
	i, ok, err := getInvitation.Find(ctx, s.db, code)
	if err != nil {
		return i, Member{}, err
	}
	if !ok || !i.Good(s.db.Now()) {
		return i, Member{}, errInvitation
	}
	m, err := s.Get(ctx, s.db, i.MemberID)
	return i, m, err
}

// Join makes a person with an invitation a member at once. The invitation of a member is the
// authority, and the record says whose it was.
func (s *Service) Join(ctx context.Context, j Joining) (Member, error) {
	if _, _, err := s.Invited(ctx, j.Code); err != nil {
		return Member{}, err
	}
	hash, err := s.prepare(ctx, &j)
	if err != nil {
		return Member{}, err
	}
	var m Member
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		i, ok, err := useInvitation.Find(ctx, tx, j.Code, tx.Now())
		if err != nil {
			return err
		}
		if !ok {
			return errInvitation
		}
		m, err = s.admit(ctx, tx, person{Name: j.Name, Username: j.Username, Email: j.Email, PasswordHash: hash, InvitedBy: i.MemberID}, true)
		if err != nil {
			return err
		}
		_, err = s.record.Append(ctx, tx, record.Entry{Kind: "member.joined", Subject: ref.Ref{Kind: "member", ID: m.ID},
			Member: ref.Ref{Kind: "member", ID: i.MemberID}, Via: authz.Web, Reason: "invited",
			Data: map[string]any{"number": m.Number, "username": m.Username, "invitation": i.ID}})
		return err
	})
	return m, err
}

// Get is a member by id.
func (s *Service) Get(ctx context.Context, h db.Handle, member id.ID) (Member, error) {
	m, ok, err := getMember.Find(ctx, h, member)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no such member.")
	}
	return m, err
}

// List is the register of present members by number, after the given number.
func (s *Service) List(ctx context.Context, after int64, limit int) ([]Member, error) {
	return listMembers.All(ctx, s.db, after, min(max(limit, 1), 500))
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
