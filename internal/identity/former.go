package identity

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// A login whose membership has ended is a former login: its sessions and tokens end at once, and
// whoever signs in with it again is a visitor who may fetch or erase their own data. The actor behind
// it carries the login alone, neither member nor account, so that no other feature needs to know.

// Former reports whether the login has lost its account.
func (l *Login) Former() bool { return !l.FormerAt.IsZero() }

// Retire makes a login a former one within tx and ends every session, access token, code and reset
// link of it, on every node.
func (s *Service) Retire(ctx context.Context, tx *db.Tx, login id.ID) error {
	if _, err := setFormer.Run(ctx, tx, login, tx.Now()); err != nil {
		return err
	}
	return s.endAll(ctx, tx, login)
}

// LastUse is when a login was last used by a session or an app that is still signed in, to the minute or
// so; zero if there is none.
func (s *Service) LastUse(ctx context.Context, h db.Handle, login id.ID) (time.Time, error) {
	return lastUse.One(ctx, h, login)
}

// Restore gives a former login its account back: the person is a member again.
func (s *Service) Restore(ctx context.Context, tx *db.Tx, login id.ID) error {
	if _, err := clearFormer.Run(ctx, tx, login); err != nil {
		return err
	}
	return s.endAll(ctx, tx, login) // a session of the former login must not go on as one without an account
}

// Erase removes everything personal of a login within tx and closes it for good: the address may be
// used by somebody else afterwards, or by the same person anew.
func (s *Service) Erase(ctx context.Context, tx *db.Tx, login id.ID) error {
	if err := s.endAll(ctx, tx, login); err != nil {
		return err
	}
	for _, st := range []*db.Statement{dropTokensOf, dropCodesOf} {
		if _, err := st.Run(ctx, tx, login); err != nil {
			return err
		}
	}
	_, err := eraseLogin.Run(ctx, tx, login, "erased:"+login.String(), tx.Now())
	return err
}

func (s *Service) endAll(ctx context.Context, tx *db.Tx, login id.ID) error {
	if _, err := dropCodesOf.Run(ctx, tx, login); err != nil {
		return err
	}
	if _, err := dropResets.Run(ctx, tx, login); err != nil {
		return err
	}
	if err := s.endApps(ctx, tx, login); err != nil {
		return err
	}
	return s.endSessions(ctx, tx, login, 0)
}

// Confirm asks once more for the password of who is signed in, before something that cannot be taken
// back. Wrong tries count as those of signing in do.
func (s *Service) Confirm(ctx context.Context, by authz.Actor, password string, from netip.Addr) error {
	l, err := s.Me(ctx, by)
	if err != nil {
		return err
	}
	hash := l.PasswordHash
	if hash == "" {
		hash = s.dummy
	}
	ok, err := s.guess(ctx, fold(l.Email), password, hash, from)
	if err != nil {
		return err
	}
	if !ok {
		return fault.Field("password", "This is not your password.")
	}
	s.tries.right(fold(l.Email), from)
	return nil
}

// ByEmail is the login with an address, for the register's own checks: nobody else is told that there
// is one.
func (s *Service) ByEmail(ctx context.Context, h db.Handle, email string) (Login, bool, error) {
	return getLoginByEmail.Find(ctx, h, fold(email))
}

// Get is a login by its id: for the register's export and archive.
func (s *Service) Get(ctx context.Context, h db.Handle, login id.ID) (Login, error) {
	l, ok, err := getLogin.Find(ctx, h, login)
	return l, errors.Join(err, notFound(err == nil && !ok))
}

func notFound(missing bool) error {
	if missing {
		return fault.New(fault.NotFound, "There is no such login.")
	}
	return nil
}
