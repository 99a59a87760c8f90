package moderation

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/social"
)

// The powers of this feature; the effects of the same names are acts of them.
const (
	Block   = "moderation.block"
	Suspend = "moderation.suspend"
)

// Powers are the powers of this feature.
func Powers() []authz.Power {
	return []authz.Power{
		{Name: Block, What: i18n.Key("Block or limit other servers")},
		{Name: Suspend, What: i18n.Key("Suspend or limit accounts")},
	}
}

// None is how forms and the record write that there is no level.
const None = "none"

// Classes are the sorts of reasons, which are public even where the reason is not.
var Classes = []string{"spam", "harassment", "illegal", "legal", "safety", "rules", "other"}

const maxReason = 2000

// Deps are what the feature builds on.
type Deps struct {
	DB     *db.DB
	Social *social.Service
	Judge  authz.Judge
}

// Service sets levels and has each change on the record.
type Service struct {
	db     *db.DB
	social *social.Service
	judge  authz.Judge
}

// New makes the service.
func New(d Deps) *Service { return &Service{db: d.DB, social: d.Social, judge: d.Judge} }

// DomainState is what a server is after an act, as the record carries it. A server without a level is gone
// from it.
type DomainState struct {
	Domain string `json:"domain"`
	Level  string `json:"level"`
}

// AccountState is what an account is after an act.
type AccountState struct {
	Level string `json:"level"`
}

// gone is the state of a subject that is no more: record.Gone.
var gone = json.RawMessage(`"gone"`)

func stateOf(d social.Domain) any {
	if d.Level == social.LevelNone {
		return gone
	}
	return DomainState{d.Name, string(d.Level)}
}

// States are the states that the record must give when it is replayed: every server with a level, and every
// account that ever had one.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	domains, err := s.social.KnownDomains(ctx, h)
	if err != nil {
		return nil, err
	}
	accounts, err := s.social.LeveledAccounts(ctx, h)
	if err != nil {
		return nil, err
	}
	out := map[ref.Ref]any{}
	for _, d := range domains {
		if d.Level != social.LevelNone {
			out[ref.Ref{Kind: "domain", ID: d.ID}] = stateOf(d)
		}
	}
	for _, a := range accounts {
		out[ref.Ref{Kind: "account", ID: a.ID}] = AccountState{written(a.Level())}
	}
	return out, nil
}

func written(l social.Level) string {
	if l == social.LevelNone {
		return None
	}
	return string(l)
}

func read(level string) social.Level {
	if level == None {
		return social.LevelNone
	}
	return social.Level(level)
}

// SetDomain blocks or limits another server with its subdomains, or frees it (social.LevelNone): an act of
// the power moderation.block, with a reason that everybody can read.
func (s *Service) SetDomain(ctx context.Context, by authz.Actor, domain string, level social.Level, reason string) error {
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		_, err := s.setDomain(ctx, tx, by, domain, level, reason)
		return err
	})
}

// setDomain is the one way to change a server's level. It returns what undoes it.
func (s *Service) setDomain(ctx context.Context, tx *db.Tx, by authz.Actor, domain string, level social.Level, reason string) (effect.Stored, error) {
	old, err := s.social.FindDomain(ctx, tx, domain)
	if err != nil {
		return effect.Stored{}, err
	}
	target := authz.Target{Kind: "domain", ID: old.ID}
	if _, err := s.judge.Authorise(ctx, tx, by, Block, target); err != nil { // before anything is done
		return effect.Stored{}, err
	}
	d, err := s.social.SetDomain(ctx, tx, old.Name, level)
	if err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(Block, &setDomain{Domain: d.Name, Level: written(old.Level)})
	if err != nil {
		return inverse, err
	}
	_, err = s.judge.Perform(ctx, tx, by, authz.Act{Power: Block, Target: target, Reason: reason,
		Args: setDomain{Domain: d.Name, Level: written(d.Level)}, Inverse: inverse, State: stateOf(d)})
	return inverse, err
}

// Measure is what is done about an account.
type Measure struct {
	Level social.Level
	Class string // of the reason, one of Classes; for everybody to read
	// Confidential keeps the reason itself out of the public part of the record.
	Confidential bool
}

// SetAccount suspends or limits an account, or frees it (social.LevelNone): an act of the power
// moderation.suspend.
func (s *Service) SetAccount(ctx context.Context, by authz.Actor, account id.ID, m Measure, reason string) error {
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		_, err := s.setAccount(ctx, tx, by, account, m, reason)
		return err
	})
}

// accountArgs are what the record says was done about an account. The name of one of our own is not among
// them: it is a member's, and can be looked up as long as there is one.
type accountArgs struct {
	Account string `json:"account,omitempty"`
	Level   string `json:"level"`
	Class   string `json:"class,omitempty"`
}

// setAccount is the one way to change an account's level. It returns what undoes it.
func (s *Service) setAccount(ctx context.Context, tx *db.Tx, by authz.Actor, account id.ID, m Measure, reason string) (effect.Stored, error) {
	target := authz.Target{Kind: "account", ID: account}
	if _, err := s.judge.Authorise(ctx, tx, by, Suspend, target); err != nil {
		return effect.Stored{}, err
	}
	a, err := s.social.Account(ctx, tx, account)
	if err != nil {
		return effect.Stored{}, err
	}
	if err := checkMeasure(a, &m); err != nil {
		return effect.Stored{}, err
	}
	if own := by.Account == a.ID || by.Member != 0 && by.Member == a.MemberID; own && by.Decision == 0 && by.Lapse == 0 {
		return effect.Stored{}, fault.New(fault.Forbidden, "Nobody decides about their own account. Somebody else who holds the power can.")
	}
	inverse, err := effect.Store(Suspend, &setAccount{ID: a.ID, Account: "@" + a.Acct(), Level: written(a.Level())})
	if err != nil {
		return inverse, err
	}
	// The new level first: between the two nothing is freed that is to stay kept away.
	steps := []func() error{
		func() error { return s.social.SetSuspended(ctx, tx, account, m.Level == social.LevelSuspend) },
		func() error { return s.social.SetLimited(ctx, tx, account, m.Level == social.LevelLimit) },
	}
	if m.Level == social.LevelLimit {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return inverse, err
		}
	}
	act := authz.Act{Power: Suspend, Target: target, Reason: reason, Inverse: inverse, State: AccountState{written(m.Level)}, Class: m.Class}
	args := accountArgs{Level: written(m.Level), Class: m.Class}
	if !a.Local() {
		args.Account = "@" + a.Acct()
	}
	if act.Args = args; m.Confidential {
		act.Reason, act.Private = "", map[string]string{"reason": reason}
	}
	_, err = s.judge.Perform(ctx, tx, by, act)
	return inverse, err
}

// checkMeasure says what is wrong with doing this to the account as it is, and fills in the class.
func checkMeasure(a *social.Account, m *Measure) error {
	switch m.Level {
	case social.LevelNone:
		m.Class = ""
	case social.LevelLimit, social.LevelSuspend:
		if m.Class == "" {
			m.Class = "other"
		}
		if !slices.Contains(Classes, m.Class) {
			return fault.Field("class", "Choose what sort of reason it is: %s.", strings.Join(Classes, ", "))
		}
	default:
		return fault.Field("level", "An account can be suspended or limited, or neither.")
	}
	switch {
	case !a.GoneAt.IsZero():
		return fault.New(fault.Gone, "This account is no longer there.")
	case a.Local() && a.MemberID == 0 && m.Level != social.LevelNone:
		return fault.Field("account", "@%s is the co-op's own account: it says what the members have decided.", a.Username)
	case a.Level() == m.Level:
		return fault.New(fault.Conflict, "That is the level of @%s already.", a.Acct())
	}
	return nil
}

func checkReason(reason string) (string, error) {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return "", fault.Field("reason", "Please give a reason: whoever is concerned will want to know it.")
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return "", fault.Field("reason", "A reason has %d characters at most.", maxReason)
	}
	return reason, nil
}
