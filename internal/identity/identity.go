package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/cache"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "identity", Files: migrations} }

// How long things last.
const (
	sessionTerm = 60 * 24 * time.Hour // renewed by use
	resetTerm   = 2 * time.Hour
	codeTerm    = 10 * time.Minute
)

// MinPassword is the shortest password taken.
const MinPassword = 10

const maxPassword = 256

// hashing costs about 40 ms and 19 MiB, as OWASP asks of argon2id; two at a time keep a burst of
// sign-ins from taking the machine.
var hashing = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Service keeps logins, sessions, apps and tokens.
type Service struct {
	db     *db.DB
	bus    *bus.Bus
	slots  chan struct{}
	tries  *tries
	dummy  string // a hash to compare with where there is no login, so that both take as long
	actors *cache.Cache[string, authz.Actor]
	byID   *keysOf

	revocations atomic.Uint64 // heard of so far

	// SendReset is told to mail a reset address; app wires it to mail.
	SendReset func(ctx context.Context, tx *db.Tx, email, secret string) error
}

const topicRevoked = "identity.revoked"

// New makes the service.
func New(d *db.DB, b *bus.Bus) (*Service, error) {
	dummy, err := argon2id.CreateHash(rand.Text(), hashing)
	if err != nil {
		return nil, err
	}
	s := &Service{db: d, bus: b, slots: make(chan struct{}, 2), tries: newTries(d.Clock()), dummy: dummy,
		actors: cache.New[string, authz.Actor](8192), byID: newKeysOf()}
	b.Handle(topicRevoked, s.forget)
	b.OnGap(s.actors.Clear)
	return s, nil
}

// Login is what a person signs in with. Only the person may see it.
type Login struct {
	ID           id.ID     `db:"id"`
	Email        string    `db:"email"`
	PasswordHash string    `db:"password_hash"`
	MemberID     id.ID     `db:"member_id"`
	AccountID    id.ID     `db:"account_id"`
	Language     string    `db:"language"` // of the pages, "" as the browser says
	Theme        string    `db:"theme"`    // "light", "dark" or "" as the machine says
	CreatedAt    time.Time `db:"created_at"`
	ClosedAt     time.Time `db:"closed_at"` // nobody signs in any more
	FormerAt     time.Time `db:"former_at"` // signs in for its own data only, see Retire
}

// CheckEmail returns the address if it is one.
func CheckEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	a, err := mail.ParseAddress(email)
	if err != nil || a.Address != email || len(email) > 254 {
		return "", fault.Field("email", "This is not an e-mail address. It looks like name@example.org.")
	}
	return email, nil
}

// HashPassword checks a new password and makes the hash that is kept.
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinPassword:
		return "", fault.Field("password", "A password has at least %d characters. Three or four random words are good.", MinPassword)
	case len(password) > maxPassword:
		return "", fault.Field("password", "A password has %d characters at most.", maxPassword)
	}
	release, err := s.slot(ctx)
	if err != nil {
		return "", err
	}
	defer release()
	return argon2id.CreateHash(password, hashing)
}

func (s *Service) slot(ctx context.Context) (release func(), err error) {
	select {
	case s.slots <- struct{}{}:
		return func() { <-s.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Register makes a login within tx. Membership and founding lead to it.
func (s *Service) Register(ctx context.Context, tx *db.Tx, email, passwordHash string, member id.ID) (Login, error) {
	l := Login{ID: id.New(tx.Now()), Email: email, PasswordHash: passwordHash, MemberID: member, CreatedAt: tx.Now()}
	_, err := insertLogin.Run(ctx, tx, l.ID, l.Email, fold(email), l.PasswordHash, l.MemberID, l.CreatedAt)
	if errors.Is(err, db.ErrExists) {
		return l, fault.Field("email", "There is already an account with this e-mail address. Try to sign in, or reset your password.")
	}
	return l, err
}

// SetAccount says which fediverse account the login acts with.
func (s *Service) SetAccount(ctx context.Context, tx *db.Tx, login, account id.ID) error {
	_, err := setAccount.Run(ctx, tx, login, account)
	return err
}

// EmailTaken reports whether a login with the address exists.
func (s *Service) EmailTaken(ctx context.Context, h db.Handle, email string) (bool, error) {
	_, ok, err := getLoginByEmail.Find(ctx, h, fold(email))
	return ok, err
}

// Me is the actor's own login.
func (s *Service) Me(ctx context.Context, by authz.Actor) (Login, error) {
	l, ok, err := getLogin.Find(ctx, s.db, by.Login)
	if err == nil && !ok {
		err = fault.New(fault.Forbidden, "Please sign in first.")
	}
	return l, err
}

// LoginOf is the login that acts with an account: for the operator's commands and for mail.
func (s *Service) LoginOf(ctx context.Context, h db.Handle, account id.ID) (Login, error) {
	l, ok, err := getLoginByAccount.Find(ctx, h, account)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "Nobody signs in to this account.")
	}
	return l, err
}

// ActorOf is the actor that a login acts as. A former login acts for nobody: it is a visitor who is
// known to be the owner of some data.
func ActorOf(l Login, via authz.Via) authz.Actor {
	if l.Former() {
		return authz.Actor{Login: l.ID, Via: via}
	}
	return authz.Actor{Login: l.ID, Member: l.MemberID, Account: l.AccountID, Via: via}
}

// SetLook keeps the actor's language and theme.
func (s *Service) SetLook(ctx context.Context, by authz.Actor, language, theme string) error {
	switch theme {
	case "", "light", "dark":
	default:
		return fault.Field("theme", "Choose light, dark or as your device says.")
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := setLook.Run(ctx, tx, by.Login, language, theme)
		return err
	})
}

// ChangePassword asks for the present password, sets a new one and ends all other sessions.
func (s *Service) ChangePassword(ctx context.Context, by authz.Actor, old, fresh string) error {
	l, err := s.Me(ctx, by)
	if err != nil {
		return err
	}
	if ok, err := s.compare(ctx, old, l.PasswordHash); err != nil || !ok {
		return errors.Join(err, fault.Field("old_password", "This is not your present password."))
	}
	hash, err := s.HashPassword(ctx, fresh)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.setPassword(ctx, tx, l.ID, hash); err != nil {
			return err
		}
		return s.endSessions(ctx, tx, l.ID, by.Session)
	})
}

func (s *Service) compare(ctx context.Context, password, hash string) (bool, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	return matches(password, hash)
}

func matches(password, hash string) (bool, error) {
	if len(password) > maxPassword || hash == "" { // who came with an import has none yet
		return false, nil
	}
	return argon2id.ComparePasswordAndHash(password, hash)
}

func fold(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// secret makes a secret of 128 bits and more, and the hash of it that is stored. A fast hash will do:
// the secret is random, not chosen by a person.
func secret() (plain, hash string) {
	plain = rand.Text() + rand.Text()[:8]
	return plain, hashOf(plain)
}

func hashOf(plain string) string {
	h := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(h[:])
}
