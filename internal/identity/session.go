package identity

import (
	"context"
	"errors"
	"math"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Session is one browser that is signed in. Only its person may see it.
type Session struct {
	ID        id.ID     `db:"id"`
	LoginID   id.ID     `db:"login_id"`
	Agent     string    `db:"agent"`
	Address   string    `db:"address"`
	CreatedAt time.Time `db:"created_at"`
	UsedAt    time.Time `db:"used_at"`
	ExpiresAt time.Time `db:"expires_at"`
	Current   bool
}

var errSignIn = fault.New(fault.Invalid, "The e-mail address or the password is not right. Please try again.")

// SignIn opens a session and returns its secret for the browser's cookie. Unknown address and wrong
// password get the same answer in the same time; after ten wrong tries for one address, or thirty from
// one network, both wait.
func (s *Service) SignIn(ctx context.Context, email, password, agent string, from netip.Addr) (secretValue string, until time.Time, err error) {
	if wait := s.tries.wait(fold(email), from); wait > 0 {
		return "", until, errWait(wait)
	}
	l, known, err := getLoginByEmail.Find(ctx, s.db, fold(email))
	if err != nil {
		return "", until, err
	}
	hash := l.PasswordHash
	if !known || !l.ClosedAt.IsZero() || hash == "" { // no password has been chosen yet: none is right
		hash = s.dummy
	}
	ok, err := s.guess(ctx, fold(email), password, hash, from)
	if err != nil {
		return "", until, err
	}
	if !ok || !known || !l.ClosedAt.IsZero() {
		return "", until, errSignIn
	}
	s.tries.right(fold(email), from)
	return s.open(ctx, l.ID, agent, from)
}

func errWait(wait time.Duration) error {
	return fault.New(fault.Invalid, "Too many wrong tries. Please wait %d minutes, or reset your password.", int(math.Ceil(wait.Minutes())))
}

// guess compares a password and counts it as a wrong try until it proves right: guesses that are sent
// all at once queue for a slot of the hashing, and the eleventh must find the ten before it counted.
func (s *Service) guess(ctx context.Context, email, password, hash string, from netip.Addr) (bool, error) {
	release, err := s.slot(ctx)
	if err != nil {
		return false, err
	}
	defer release()
	if wait := s.tries.begin(email, from); wait > 0 {
		return false, errWait(wait)
	}
	return matches(password, hash)
}

// Enter opens a session for a login without a password: right after founding or joining.
func (s *Service) Enter(ctx context.Context, login id.ID, agent string, from netip.Addr) (string, time.Time, error) {
	return s.open(ctx, login, agent, from)
}

func (s *Service) open(ctx context.Context, login id.ID, agent string, from netip.Addr) (string, time.Time, error) {
	plain, hash := secret()
	if len(agent) > 300 {
		agent = agent[:300]
	}
	var until time.Time
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		until = tx.Now().Add(sessionTerm)
		_, err := insertSession.Run(ctx, tx, id.New(tx.Now()), login, hash, agent, from.String(), tx.Now(), tx.Now(), until)
		return err
	})
	return plain, until, err
}

type sessionActor struct {
	ID        id.ID     `db:"id"`
	UsedAt    time.Time `db:"used_at"`
	ExpiresAt time.Time `db:"expires_at"`
	Login     Login     `db:"login_"`
}

// BySession is the actor behind a session cookie, or the zero Actor.
func (s *Service) BySession(ctx context.Context, cookie string) (authz.Actor, error) {
	return s.cached(ctx, "s"+hashOf(cookie), func(hash string) (authz.Actor, error) {
		row, ok, err := getSession.Find(ctx, s.db, hash, s.db.Now())
		if err != nil || !ok || !row.Login.ClosedAt.IsZero() {
			return authz.Actor{}, err
		}
		if s.db.Now().Sub(row.UsedAt) > 12*time.Hour {
			err := s.db.InTx(ctx, func(tx *db.Tx) error {
				_, err := touchSession.Run(ctx, tx, row.ID, tx.Now(), tx.Now().Add(sessionTerm))
				return err
			})
			if err != nil {
				return authz.Actor{}, err
			}
		}
		a := ActorOf(row.Login, authz.Web)
		a.Session = row.ID
		return a, nil
	})
}

// cached keeps who is behind a secret for a minute at most, and forgets at once what is revoked.
func (s *Service) cached(ctx context.Context, key string, find func(hash string) (authz.Actor, error)) (authz.Actor, error) {
	// The whole minute, not the minute of the day: tomorrow's must not find today's actor.
	entry := key + " " + strconv.FormatInt(s.db.Now().Unix()/60, 10)
	a, ok, ticket := s.actors.Get(entry)
	if ok {
		return a, nil
	}
	revocations := s.revocations.Load()
	a, err := find(key[1:])
	if err != nil || a.Session == 0 {
		return a, err
	}
	for _, k := range s.byID.add(a.Session, entry) {
		s.actors.Drop(k)
	}
	s.actors.Put(entry, a, ticket)
	if s.revocations.Load() != revocations { // perhaps of this one, after it was read
		s.actors.Drop(entry)
	}
	return a, ctx.Err()
}

// forget drops the cached actor of a revoked session or token, on every node.
func (s *Service) forget(payload string) {
	s.revocations.Add(1)
	for _, k := range s.byID.take(id.Parse(payload)) {
		s.actors.Drop(k)
	}
}

// keysOf remembers under which cache keys a session or token is known.
type keysOf struct {
	mu sync.Mutex
	m  map[id.ID][]string
}

func newKeysOf() *keysOf { return &keysOf{m: map[id.ID][]string{}} }

// add returns the keys that it had no more room for: what cannot be looked up must not stay cached.
func (k *keysOf) add(i id.ID, key string) (full []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.m) > 1<<16 { // far more than is cached
		for _, l := range k.m {
			full = append(full, l...)
		}
		clear(k.m)
	}
	if l := k.m[i]; len(l) == 0 || l[len(l)-1] != key {
		k.m[i] = append(l[max(0, len(l)-1):], key)
	}
	return full
}

func (k *keysOf) take(i id.ID) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.m[i]
	delete(k.m, i)
	return l
}

// Sessions lists the actor's own sessions, the last used first.
func (s *Service) Sessions(ctx context.Context, by authz.Actor) ([]Session, error) {
	all, err := listSessions.All(ctx, s.db, by.Login, s.db.Now())
	for i := range all {
		all[i].Current = all[i].ID == by.Session
	}
	return all, err
}

// EndSession ends one of the actor's own sessions.
func (s *Service) EndSession(ctx context.Context, by authz.Actor, session id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := deleteSession.Run(ctx, tx, session, by.Login)
		if err != nil || n == 0 {
			return errors.Join(err, fault.New(fault.NotFound, "This session has ended already."))
		}
		return s.bus.Publish(ctx, tx, topicRevoked, session.String())
	})
}

// endSessions ends all sessions of a login but one.
func (s *Service) endSessions(ctx context.Context, tx *db.Tx, login, except id.ID) error {
	ids, err := endSessions.All(ctx, tx, login, except)
	for _, i := range ids {
		err = errors.Join(err, s.bus.Publish(ctx, tx, topicRevoked, i.String()))
	}
	return err
}

// ForgotPassword mails a reset link if there is a login with the address. Whoever asks gets no hint
// whether there is.
func (s *Service) ForgotPassword(ctx context.Context, email string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		l, known, err := getLoginByEmail.Find(ctx, tx, fold(email))
		if err != nil || !known || !l.ClosedAt.IsZero() || s.SendReset == nil {
			return err
		}
		plain, hash := secret()
		if _, err := insertReset.Run(ctx, tx, hash, l.ID, tx.Now().Add(resetTerm)); err != nil {
			return err
		}
		return s.SendReset(ctx, tx, l.Email, plain)
	})
}

// ResetPassword sets a new password by a mailed secret, which works once, ends all sessions and
// revokes all access tokens.
func (s *Service) ResetPassword(ctx context.Context, secretValue, fresh string) error {
	hash, err := s.HashPassword(ctx, fresh)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		i, ok, err := takeReset.Find(ctx, tx, hashOf(secretValue), tx.Now())
		if err != nil || !ok {
			return errors.Join(err, fault.New(fault.Gone, "This link has been used or has run out. Please ask for a new one."))
		}
		l, err := getLogin.One(ctx, tx, i)
		if err != nil {
			return err
		}
		if err := s.setPassword(ctx, tx, i, hash); err != nil {
			return err
		}
		tx.AfterCommit(func() { s.tries.forgive(fold(l.Email)) }) // whoever waits is told to reset
		if err := s.endApps(ctx, tx, i); err != nil {             // whoever took the account over may have let one in
			return err
		}
		return s.endSessions(ctx, tx, i, 0)
	})
}

// endApps revokes every access token of a login.
func (s *Service) endApps(ctx context.Context, tx *db.Tx, login id.ID) error {
	ids, err := revokeTokensOf.All(ctx, tx, login, tx.Now())
	for _, i := range ids {
		err = errors.Join(err, s.bus.Publish(ctx, tx, topicRevoked, i.String()))
	}
	return err
}

// setPassword also makes links worthless that were mailed to reset the password before.
func (s *Service) setPassword(ctx context.Context, tx *db.Tx, login id.ID, hash string) error {
	if _, err := setPassword.Run(ctx, tx, login, hash); err != nil {
		return err
	}
	_, err := dropResets.Run(ctx, tx, login)
	return err
}

// tries counts wrong passwords by address and by network, in memory: a restart forgives.
type tries struct {
	clock clock.Clock
	mu    sync.Mutex
	m     map[string]*try
}

type try struct {
	n     int
	since time.Time
}

const (
	triesWindow  = 15 * time.Minute
	triesAddress = 10
	triesNetwork = 30
)

func newTries(c clock.Clock) *tries { return &tries{clock: c, m: map[string]*try{}} }

func network(a netip.Addr) string {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

func (t *tries) wait(email string, from netip.Addr) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.left("e"+email, triesAddress), t.left("n"+network(from), triesNetwork))
}

func (t *tries) left(key string, most int) time.Duration {
	x := t.m[key]
	if x == nil || x.n < most {
		return 0
	}
	return triesWindow - t.clock.Now().Sub(x.since)
}

// begin counts a try, or says how long to wait.
func (t *tries) begin(email string, from netip.Addr) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := max(t.left("e"+email, triesAddress), t.left("n"+network(from), triesNetwork)); wait > 0 {
		return wait
	}
	now := t.clock.Now()
	for k, x := range t.m {
		if now.Sub(x.since) >= triesWindow {
			delete(t.m, k)
		}
	}
	for _, k := range []string{"e" + email, "n" + network(from)} {
		if t.m[k] == nil {
			t.m[k] = &try{since: now}
		}
		t.m[k].n++
	}
	return 0
}

// right takes the try back that begin counted, and forgives the address the wrong ones before it.
func (t *tries) right(email string, from netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, "e"+email)
	if x := t.m["n"+network(from)]; x != nil {
		x.n--
	}
}

// forgive lets an address try again.
func (t *tries) forgive(email string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, "e"+email)
}
