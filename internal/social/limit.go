package social

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/webfinger"
)

// Level is how far the co-op keeps another server or an account away. Who may set it, and why, is the
// business of moderation; what follows from it is decided in sight.go.
type Level string

// The levels, mildest first.
const (
	LevelNone    Level = ""
	LevelLimit   Level = "limit"   // met by followers, not by strangers
	LevelBlock   Level = "block"   // a server: nothing passes in either direction, nothing of it is seen
	LevelSuspend Level = "suspend" // an account: it can do nothing, and nothing of it is seen
)

// Domain is another server that was limited or blocked, now or once. Everybody may know of it.
type Domain struct {
	ID      id.ID     `db:"id"` // made from the name, so that it is known before there is a row
	Name    string    `db:"name"`
	Level   Level     `db:"level"`
	Version int64     `db:"version"` // one more with every change
	Since   time.Time `db:"since_at"`
}

// Base names the state that a change is bound to.
func (d *Domain) Base() string { return string(d.Level) + "@" + strconv.FormatInt(d.Version, 10) }

// Level is what the co-op has decided about the account itself; its server may be limited or blocked
// besides.
func (a *Account) Level() Level {
	switch {
	case !a.SuspendedAt.IsZero():
		return LevelSuspend
	case !a.LimitedAt.IsZero():
		return LevelLimit
	}
	return LevelNone
}

// limits is everything that is limited, blocked or suspended at present. It is small, and kept in
// memory as a whole, so that asking about a post or an activity costs no query.
type limits struct {
	domains  map[string]Level
	accounts map[id.ID]Level
}

func (l *limits) empty() bool { return len(l.domains) == 0 && len(l.accounts) == 0 }

// topicLimits says that something was limited, blocked, suspended or freed.
const topicLimits = "social.limits"

// limits reads what is limited, from memory where it can. Inside a transaction the memory is not
// filled: it must not hold what may be rolled back.
func (s *Service) limits(ctx context.Context, h db.Handle) (*limits, error) {
	if l := s.limited.Load(); l != nil {
		return l, nil
	}
	changes := s.limitChanges.Load()
	l := &limits{domains: map[string]Level{}, accounts: map[id.ID]Level{}}
	domains, err := listDomainLevels.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for _, d := range domains {
		l.domains[d.Name] = d.Level
	}
	accounts, err := listAccountLevels.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for n := range accounts {
		if level := accounts[n].Level(); level != LevelNone {
			l.accounts[accounts[n].ID] = level
		}
	}
	if tx, inTx := h.(*db.Tx); inTx {
		tx.AfterCommit(func() { _, _ = s.limits(ctx, s.db) }) // whoever comes next finds it in memory; a failure shows itself there
		return l, nil
	}
	s.limited.Store(l)
	if s.limitChanges.Load() != changes { // changed while it was read
		s.limited.Store(nil)
	}
	return l, nil
}

// forgetLimits is called when they changed. The counts of follows may have changed with them.
func (s *Service) forgetLimits() {
	s.limitChanges.Add(1)
	s.limited.Store(nil)
	s.accountC.Clear()
}

// of is the strictest level of a host, with or without a port, and of the domains above it.
func (l *limits) of(host string) Level {
	if len(l.domains) == 0 || host == "" {
		return LevelNone
	}
	name, port, hasPort := strings.Cut(canonical(host), ":")
	out := LevelNone
	for more := true; more; _, name, more = strings.Cut(name, ".") {
		out = stricter(out, l.domains[name])
		if hasPort { // in labs one host is many servers
			out = stricter(out, l.domains[name+":"+port])
		}
	}
	return out
}

func stricter(a, b Level) Level {
	if a == LevelNone || b == LevelBlock {
		return b
	}
	return a
}

// canonical is a host in the form that domains are kept in. Nearly all of them are in it already.
func canonical(host string) string {
	plain := host[len(host)-1] != '.'
	for i := 0; plain && i < len(host); i++ {
		c := host[i]
		plain = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_' || c == ':' && i > 0 && host[i-1] != '.'
	}
	if plain {
		return host
	}
	if out, err := webfinger.ParseHost(host); err == nil {
		return out
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// hostOf is the host of an address, with its port.
func hostOf(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// domain is the level of an account's server: of the name that people know and of the host it lives on.
func (l *limits) domain(a *Account) Level {
	if a.Domain == "" {
		return LevelNone
	}
	return stricter(l.of(a.Domain), l.of(hostOf(a.URI)))
}

// CheckDomain brings the name of another server into the form in which it is kept: lower case, as
// ASCII. The words of the fault go to a person.
func (s *Service) CheckDomain(name string) (string, error) {
	name = strings.TrimSpace(name)
	if strings.ContainsAny(name, "/@ ") {
		return "", fault.Field("domain", "Write the name of the server alone, such as bad.example.")
	}
	host, err := webfinger.ParseHost(name)
	if err != nil || !strings.ContainsAny(host, ".:") {
		return "", fault.Field("domain", "%q is not the name of a server. Write it like bad.example.", name)
	}
	rule := limits{domains: map[string]Level{host: LevelBlock}}
	if rule.of(s.site.Host) != LevelNone || rule.of(hostOf(s.site.URL)) != LevelNone {
		return "", fault.Field("domain", "%s is this server itself, or the domain it stands in.", host)
	}
	return host, nil
}

// SetDomain limits or blocks another server with its subdomains, or frees it. A block ends the follows
// between its accounts and ours, within tx. fault.Conflict if that is its level already.
func (s *Service) SetDomain(ctx context.Context, tx *db.Tx, name string, level Level) (Domain, error) {
	name, err := s.CheckDomain(name)
	if err != nil {
		return Domain{}, err
	}
	if level != LevelNone && level != LevelLimit && level != LevelBlock {
		return Domain{}, fault.Field("level", "A server can be limited or blocked, or neither.")
	}
	if _, err := insertDomain.Run(ctx, tx, domainID(name), name, tx.Now()); err != nil {
		return Domain{}, err
	}
	d, changed, err := setDomain.Find(ctx, tx, name, level, tx.Now())
	if err != nil {
		return d, err
	}
	if !changed {
		return d, fault.New(fault.Conflict, "That is the level of %s already.", name)
	}
	if level == LevelBlock {
		accounts, err := s.accountsOfDomain(ctx, tx, name)
		if err != nil {
			return d, err
		}
		if err := s.sever(ctx, tx, d.ID, accounts); err != nil {
			return d, err
		}
	}
	return d, s.bus.Publish(ctx, tx, topicLimits, "")
}

// Domain is the level of a host: its own or that of a domain above it. It reads from memory.
func (s *Service) Domain(ctx context.Context, host string) (Level, error) {
	l, err := s.limits(ctx, s.db)
	if err != nil {
		return LevelNone, err
	}
	return l.of(host), nil
}

// DomainLimits lists the servers that are limited or blocked now, by name.
func (s *Service) DomainLimits(ctx context.Context) ([]Domain, error) {
	return listDomainLevels.All(ctx, s.db)
}

// KnownDomains lists every server that was ever limited or blocked; those that are free again have no
// level.
func (s *Service) KnownDomains(ctx context.Context, h db.Handle) ([]Domain, error) {
	return listKnownDomains.All(ctx, h)
}

// FindDomain is what was decided about a server. A name that nothing was ever decided about has no level
// and version 0; it is checked in either case.
func (s *Service) FindDomain(ctx context.Context, h db.Handle, name string) (Domain, error) {
	name, err := s.CheckDomain(name)
	if err != nil {
		return Domain{}, err
	}
	d, known, err := getDomain.Find(ctx, h, name)
	if !known {
		d = Domain{ID: domainID(name), Name: name}
	}
	return d, err
}

// DomainID is the id of a server's name, whether anything was decided about it or not.
func (s *Service) DomainID(name string) (id.ID, error) {
	name, err := s.CheckDomain(name)
	if err != nil {
		return 0, err
	}
	return domainID(name), nil
}

// domainID makes the id of a domain from its name.
func domainID(name string) id.ID {
	sum := sha256.Sum256([]byte("domain " + name))
	return id.ID(binary.BigEndian.Uint64(sum[:8]) >> 1) // positive
}

// SetSuspended suspends an account, or ends that: it can do nothing and nothing of it is seen, but
// nothing is deleted. Follows with an account of another server end; those of our own stay. Setting
// what is set already changes nothing.
func (s *Service) SetSuspended(ctx context.Context, tx *db.Tx, account id.ID, on bool) error {
	a, err := getAccount.One(ctx, tx, account)
	if err != nil {
		return err
	}
	if on != a.SuspendedAt.IsZero() {
		return nil
	}
	a.SuspendedAt = time.Time{}
	if on {
		a.SuspendedAt = tx.Now()
	}
	if _, err := setSuspended.Run(ctx, tx, account, a.SuspendedAt); err != nil {
		return err
	}
	if on && !a.Local() {
		if err := s.sever(ctx, tx, account, []id.ID{account}); err != nil {
			return err
		}
	}
	if err := s.levelChanged(ctx, tx, account); err != nil || !a.Local() {
		return err
	}
	return s.ProfileChanged.Emit(ctx, tx, ProfileChanged{Account: a})
}

// SetLimited limits an account, or ends that. Setting what is set already changes nothing.
func (s *Service) SetLimited(ctx context.Context, tx *db.Tx, account id.ID, on bool) error {
	a, err := getAccount.One(ctx, tx, account)
	if err != nil {
		return err
	}
	if on != a.LimitedAt.IsZero() {
		return nil
	}
	var at time.Time
	if on {
		at = tx.Now()
	}
	if _, err := setLimited.Run(ctx, tx, account, at); err != nil {
		return err
	}
	return s.levelChanged(ctx, tx, account)
}

func (s *Service) levelChanged(ctx context.Context, tx *db.Tx, account id.ID) error {
	if err := s.accountChanged(ctx, tx, account); err != nil {
		return err
	}
	return s.bus.Publish(ctx, tx, topicLimits, "")
}

// LeveledAccounts lists every account that was ever limited or suspended itself.
func (s *Service) LeveledAccounts(ctx context.Context, h db.Handle) ([]*Account, error) {
	list, err := listLeveled.All(ctx, h)
	out := make([]*Account, len(list))
	for n := range list {
		out[n] = &list[n]
	}
	return out, err
}

// Suspended reports whether an account is suspended itself. It reads from memory.
func (s *Service) Suspended(ctx context.Context, account id.ID) (bool, error) {
	l, err := s.limits(ctx, s.db)
	return err == nil && l.accounts[account] == LevelSuspend, err
}

// Hidden reports whether nobody else sees an account: it is suspended, or its server is blocked.
func (s *Service) Hidden(ctx context.Context, h db.Handle, a *Account) (bool, error) {
	l, err := s.limits(ctx, h)
	return err == nil && l.reach(a) == nowhere, err
}

var errSuspended = fault.New(fault.Forbidden, "Your account is suspended. You can read, but not post, follow or change anything with it. The public record says who decided so.")

// mayAct refuses visitors and suspended accounts. Membership is another thing: whoever is suspended
// here keeps the vote.
func (s *Service) mayAct(ctx context.Context, h db.Handle, by authz.Actor) error {
	if err := by.RequireAccount(); err != nil {
		return err
	}
	l, err := s.limits(ctx, h)
	if err == nil && l.accounts[by.Account] == LevelSuspend {
		err = errSuspended
	}
	return err
}

// shown leaves out the accounts that nobody sees.
func (s *Service) shown(ctx context.Context, h db.Handle, list []*Account) ([]*Account, error) {
	l, err := s.limits(ctx, h)
	if err != nil || l.empty() {
		return list, err
	}
	return slices.DeleteFunc(list, func(a *Account) bool { return l.reach(a) == nowhere }), nil
}
