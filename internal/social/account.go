package social

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/posttext"
)

// Kind is the ActivityStreams type of an actor.
type Kind string

// The kinds of account. The co-op itself is an Organization, a body a Group, a member a Person.
const (
	Person       Kind = "Person"
	Group        Kind = "Group"
	Organization Kind = "Organization"
	Service_     Kind = "Service"
	Application  Kind = "Application"
)

// Account is an actor on the fediverse: a member's, a body's, the co-op's, or one of another server.
// Everybody may see it.
type Account struct {
	ID       id.ID  `db:"id"`
	Username string `db:"username"`
	Domain   string `db:"domain"` // "" for our own
	Kind     Kind   `db:"kind"`
	MemberID id.ID  `db:"member_id"`

	URI         string `db:"uri"`
	URL         string `db:"url"`
	Inbox       string `db:"inbox"`
	SharedInbox string `db:"shared_inbox"`
	Outbox      string `db:"outbox"`
	Followers   string `db:"followers_uri"`
	Following   string `db:"following_uri"`
	Featured    string `db:"featured_uri"`

	DisplayName string `db:"display_name"`
	Note        string `db:"note"`        // safe HTML
	NoteSource  string `db:"note_source"` // as its member wrote it
	FieldsJSON  string `db:"fields"`
	Avatar      string `db:"avatar"` // what media makes an address of: a blob key or a remote address
	Header      string `db:"header"`

	Locked       bool `db:"locked"` // follows must be accepted
	Bot          bool `db:"bot"`
	Discoverable bool `db:"discoverable"`
	Indexable    bool `db:"indexable"`

	DefaultVisibility Visibility `db:"default_visibility"`
	DefaultSensitive  bool       `db:"default_sensitive"`
	DefaultLanguage   string     `db:"default_language"`

	FollowersCount int       `db:"followers_count"`
	FollowingCount int       `db:"following_count"`
	PostsCount     int       `db:"posts_count"`
	LastPostAt     time.Time `db:"last_post_at"`
	CreatedAt      time.Time `db:"created_at"`
	UpdatedAt      time.Time `db:"updated_at"`
	FetchedAt      time.Time `db:"fetched_at"` // when a remote account was last read from its server
	GoneAt         time.Time `db:"gone_at"`    // when it was deleted

	SuspendedAt  time.Time `db:"suspended_at"` // the co-op has suspended it; limit.go
	LimitedAt    time.Time `db:"limited_at"`
	LevelVersion int64     `db:"level_version"` // one more with every change of these two
}

// Field is one line of a profile's table.
type Field struct {
	Name       string    `json:"name"`
	Value      string    `json:"value"` // safe HTML
	Source     string    `json:"source,omitempty"`
	VerifiedAt time.Time `json:"verified_at,omitzero"`
}

// Local reports whether the account is ours.
func (a *Account) Local() bool { return a.Domain == "" }

// Acct is "name" for our own accounts and "name@domain" for others.
func (a *Account) Acct() string {
	if a.Domain == "" {
		return a.Username
	}
	return a.Username + "@" + a.Domain
}

// Name is what to call the account: its display name, or its username if it has none.
func (a *Account) Name() string {
	if a.DisplayName != "" {
		return a.DisplayName
	}
	return a.Username
}

// Fields are the lines of the profile's table.
func (a *Account) Fields() []Field {
	var out []Field
	_ = json.Unmarshal([]byte(a.FieldsJSON), &out) // written by us; an empty table is the worst case
	return out
}

// Limits of a profile.
const (
	MaxDisplayName = 30
	MaxNote        = 500
	MaxFields      = 4
	MaxFieldText   = 255
)

var validUsername = regexp.MustCompile(`^[a-z0-9_]{1,30}$`)

// reserved are names that would be mistaken for an institution or a page.
var reserved = map[string]bool{"api": true, "oauth": true, "inbox": true, "users": true, "coop": true, "root": true,
	"support": true, "security": true, "postmaster": true, "abuse": true, "webmaster": true, "instance": true, "actor": true}

// CheckUsername tells whether a new account may take the name: 1 to 30 of a-z, 0-9 and _, and not
// taken; the words of the fault go to a person.
func (s *Service) CheckUsername(ctx context.Context, h db.Handle, name string) error {
	folded := strings.ToLower(name)
	if !validUsername.MatchString(folded) {
		return fault.Field("username", "A username has 1 to 30 letters (a to z), digits or underscores.")
	}
	if reserved[folded] {
		return fault.Field("username", "This username is kept for the co-op. Please choose another one.")
	}
	if _, taken, err := getAccountByHandle.Find(ctx, h, folded); err != nil || taken {
		return errors.Join(err, fault.Field("username", "This username is taken. Please choose another one."))
	}
	return nil
}

// NewAccount describes a local account to open.
type NewAccount struct {
	Username    string
	DisplayName string
	Kind        Kind
	Member      id.ID // whose it is, 0 for the co-op's and for bodies
	Note        string
	Reserved    bool // the co-op's own account may take a reserved name
}

// Open makes a local account within tx. Nobody calls it for themselves: membership, founding and the
// forming of bodies lead to it.
func (s *Service) Open(ctx context.Context, tx *db.Tx, n NewAccount) (*Account, error) {
	if !n.Reserved {
		if err := s.CheckUsername(ctx, tx, n.Username); err != nil {
			return nil, err
		}
	}
	uri := s.site.Join("/users/" + n.Username)
	a := &Account{ID: id.New(tx.Now()), Username: n.Username, Kind: n.Kind, MemberID: n.Member, URI: uri, URL: s.site.Join("/@" + n.Username),
		Inbox: uri + "/inbox", SharedInbox: s.site.Join("/inbox"), Outbox: uri + "/outbox", Followers: uri + "/followers",
		Following: uri + "/following", Featured: uri + "/collections/featured", DisplayName: n.DisplayName,
		NoteSource: n.Note, Note: posttext.Render(n.Note, s.renderOptions(nil)).HTML, FieldsJSON: "[]",
		Discoverable: true, CreatedAt: tx.Now(), UpdatedAt: tx.Now()}
	if err := insertAccountRow(ctx, tx, a); err != nil {
		if errors.Is(err, db.ErrExists) {
			return nil, fault.Field("username", "This username is taken. Please choose another one.")
		}
		return nil, err
	}
	return a, nil
}

// SaveRemote stores what another server says about one of its accounts, found by its URI. The caller
// has checked that the document came from the URI's own server (fep-fe34).
func (s *Service) SaveRemote(ctx context.Context, tx *db.Tx, a Account) (*Account, error) {
	if a.Domain == "" || a.URI == "" {
		return nil, fault.New(fault.Invalid, "a remote account needs a domain and an id")
	}
	l, err := s.limits(ctx, tx)
	if err != nil {
		return nil, err
	}
	if l.domain(&a) == LevelBlock {
		return nil, fault.New(fault.Forbidden, "the server of this account is blocked")
	}
	a.FetchedAt, a.UpdatedAt = tx.Now(), tx.Now()
	if a.FieldsJSON == "" {
		a.FieldsJSON = "[]"
	}
	old, known, err := getAccountByURI.Find(ctx, tx, a.URI)
	if err != nil {
		return nil, err
	}
	if !known {
		// An account that was deleted and made anew on its server comes back under a new URI; the
		// address then belongs to the new one, and so does what was decided about whoever has it.
		former, had, err := getAccountByHandle.Find(ctx, tx, handleOf(a.Username, a.Domain))
		if err != nil {
			return nil, err
		}
		if had {
			a.SuspendedAt, a.LimitedAt = former.SuspendedAt, former.LimitedAt
		}
		if _, err := retireHandle.Run(ctx, tx, handleOf(a.Username, a.Domain)); err != nil {
			return nil, err
		}
		a.ID = id.New(tx.Now())
		if a.CreatedAt.IsZero() || a.CreatedAt.After(tx.Now()) {
			a.CreatedAt = tx.Now()
		}
		if err := insertAccountRow(ctx, tx, &a); err != nil {
			return nil, err
		}
		if a.Level() != LevelNone {
			err = s.levelChanged(ctx, tx, a.ID)
		}
		return &a, err
	}
	if old.Local() {
		return nil, fault.New(fault.Invalid, "a local account is not changed from outside")
	}
	if handle := handleOf(a.Username, a.Domain); handle != handleOf(old.Username, old.Domain) {
		if _, err := retireHandle.Run(ctx, tx, handle); err != nil {
			return nil, err
		}
	}
	if _, err := updateRemote.Run(ctx, tx, old.ID, a.Username, handleOf(a.Username, a.Domain), a.Kind, a.URL, a.Inbox, a.SharedInbox, a.Outbox, a.Followers,
		a.Following, a.Featured, a.DisplayName, a.Note, a.FieldsJSON, a.Avatar, a.Header, a.Locked, a.Bot, a.Discoverable, a.Indexable,
		tx.Now(), a.Domain); err != nil {
		return nil, err
	}
	if err := s.accountChanged(ctx, tx, old.ID); err != nil {
		return nil, err
	}
	fresh, err := getAccount.One(ctx, tx, old.ID)
	return &fresh, err
}

func handleOf(username, domain string) string {
	if domain == "" {
		return strings.ToLower(username)
	}
	return strings.ToLower(username + "@" + domain)
}

// Account is the account with this id; fault.NotFound if there is none. It may be one that nobody sees
// (Hidden): its own member still does.
func (s *Service) Account(ctx context.Context, h db.Handle, i id.ID) (*Account, error) {
	m, err := s.accounts(ctx, h, []id.ID{i})
	if err != nil {
		return nil, err
	}
	if a := m[i]; a != nil {
		return a, nil
	}
	return nil, errNotFound
}

// Accounts are the accounts with these ids, in their order; ids of none are left out, and of those that
// nobody sees.
func (s *Service) Accounts(ctx context.Context, h db.Handle, ids []id.ID) ([]*Account, error) {
	m, err := s.accounts(ctx, h, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*Account, 0, len(ids))
	for _, i := range ids {
		if a := m[i]; a != nil {
			out = append(out, a)
		}
	}
	return s.shown(ctx, h, out)
}

// ByName finds an account by username and domain ("" or our own host for local ones). One that nobody
// sees is not found.
func (s *Service) ByName(ctx context.Context, h db.Handle, username, domain string) (*Account, error) {
	a, err := s.KnownByName(ctx, h, username, domain)
	if err != nil {
		return nil, err
	}
	hidden, err := s.Hidden(ctx, h, a)
	if err != nil {
		return nil, err
	}
	if hidden {
		return nil, errNotFound
	}
	return a, nil
}

// KnownByName is ByName, and finds also those that nobody sees.
func (s *Service) KnownByName(ctx context.Context, h db.Handle, username, domain string) (*Account, error) {
	if strings.EqualFold(domain, s.site.Host) {
		domain = ""
	}
	a, err := getAccountByHandle.One(ctx, h, handleOf(username, domain))
	return accountOr404(a, err)
}

// ByURI finds an account by its ActivityPub id, also one that nobody sees.
func (s *Service) ByURI(ctx context.Context, h db.Handle, uri string) (*Account, error) {
	a, err := getAccountByURI.One(ctx, h, uri)
	return accountOr404(a, err)
}

func accountOr404(a Account, err error) (*Account, error) {
	if errors.Is(err, db.ErrNone) {
		return nil, errNotFound
	}
	return &a, err
}

// SearchAccounts finds accounts whose name or address begins with (or display name contains) the
// words, those the reader follows first.
func (s *Service) SearchAccounts(ctx context.Context, by authz.Actor, words string, following bool, limit, offset int) ([]*Account, error) {
	words = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(words), "@"))
	words = strings.TrimSuffix(words, "@"+strings.ToLower(s.site.Host))
	if words == "" {
		return nil, nil
	}
	pattern := likeEscape(words)
	page := func(limit, offset int) ([]*Account, int, error) {
		ids, err := searchAccounts.All(ctx, s.db, pattern+"%", "%"+pattern+"%", by.Account, following, limit, offset)
		if err != nil {
			return nil, 0, err
		}
		list, err := s.Accounts(ctx, s.db, ids)
		return list, len(ids), err
	}
	l, err := s.limits(ctx, s.db)
	if err != nil {
		return nil, err
	}
	if l.empty() {
		list, _, err := page(limit, offset)
		return list, err
	}
	// Some of those found are not for the reader, so the page is counted off among the others.
	var out []*Account
	for at := 0; at < maxSearched && len(out) < offset+limit; at += searchChunk {
		list, n, err := page(searchChunk, at)
		if err != nil {
			return nil, err
		}
		if list, err = s.findable(ctx, by, l, words, list); err != nil {
			return nil, err
		}
		if out = append(out, list...); n < searchChunk {
			break
		}
	}
	return out[min(offset, len(out)):min(offset+limit, len(out))], nil
}

const (
	searchChunk = 100
	maxSearched = 2000
)

// findable leaves out limited accounts that the reader does not follow, unless the words are the whole
// address of one.
func (s *Service) findable(ctx context.Context, by authz.Actor, l *limits, words string, list []*Account) ([]*Account, error) {
	var quiet []id.ID
	for _, a := range list {
		if l.reach(a) == followersOnly && a.ID != by.Account && handleOf(a.Username, a.Domain) != words {
			quiet = append(quiet, a.ID)
		}
	}
	relations, err := s.Relations(ctx, s.db, by.Account, quiet)
	return slices.DeleteFunc(list, func(a *Account) bool {
		r, isQuiet := relations[a.ID]
		return isQuiet && !r.Follows
	}), err
}

func likeEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}

// Directory lists local accounts that want to be found, the recently active first.
func (s *Service) Directory(ctx context.Context, limit, offset int) ([]*Account, error) {
	ids, err := listDirectory.All(ctx, s.db, limit, offset)
	if err != nil {
		return nil, err
	}
	return s.Accounts(ctx, s.db, ids)
}

// ProfileChange is what a member changes about the account; nil leaves a thing as it is.
type ProfileChange struct {
	DisplayName, Note                                      *string
	Avatar, Header                                         *string // keys made by media
	Locked, Bot, Discoverable, Indexable, DefaultSensitive *bool
	DefaultVisibility                                      *Visibility
	DefaultLanguage                                        *string
	Fields                                                 *[]Field // Source is read, Value is made from it
}

// UpdateProfile changes the actor's own account.
func (s *Service) UpdateProfile(ctx context.Context, by authz.Actor, c ProfileChange) (*Account, error) {
	var out *Account
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		a, err := getAccount.One(ctx, tx, by.Account)
		if err != nil {
			return err
		}
		if err := s.applyProfile(&a, c); err != nil {
			return err
		}
		if _, err := updateProfile.Run(ctx, tx, a.ID, a.DisplayName, a.Note, a.NoteSource, a.FieldsJSON, a.Avatar, a.Header, a.Locked, a.Bot,
			a.Discoverable, a.Indexable, a.DefaultVisibility, a.DefaultSensitive, a.DefaultLanguage, tx.Now()); err != nil {
			return err
		}
		out = &a
		if err := s.accountChanged(ctx, tx, a.ID); err != nil {
			return err
		}
		return s.ProfileChanged.Emit(ctx, tx, ProfileChanged{Account: a})
	})
	return out, err
}

func (s *Service) applyProfile(a *Account, c ProfileChange) error {
	if c.DisplayName != nil {
		a.DisplayName = strings.Join(strings.Fields(*c.DisplayName), " ")
		if utf8.RuneCountInString(a.DisplayName) > MaxDisplayName {
			return fault.Field("display_name", "A name has %d characters at most.", MaxDisplayName)
		}
	}
	if c.Note != nil {
		if posttext.CharCount(*c.Note) > MaxNote {
			return fault.Field("note", "The text about you has %d characters at most.", MaxNote)
		}
		a.NoteSource, a.Note = *c.Note, posttext.Render(*c.Note, s.renderOptions(nil)).HTML
	}
	if c.Fields != nil {
		if len(*c.Fields) > MaxFields {
			return fault.Field("fields", "A profile has %d lines at most.", MaxFields)
		}
		fields := []Field{}
		for _, f := range *c.Fields {
			if f.Name == "" && f.Source == "" {
				continue
			}
			if utf8.RuneCountInString(f.Name) > MaxFieldText || utf8.RuneCountInString(f.Source) > MaxFieldText {
				return fault.Field("fields", "A line of a profile has %d characters at most.", MaxFieldText)
			}
			html := posttext.Render(f.Source, s.renderOptions(nil)).HTML
			f.Value = strings.TrimSuffix(strings.TrimPrefix(html, "<p>"), "</p>")
			fields = append(fields, f)
		}
		b, err := json.Marshal(fields)
		if err != nil {
			return err
		}
		a.FieldsJSON = string(b)
	}
	setIf(&a.Avatar, c.Avatar)
	setIf(&a.Header, c.Header)
	setIf(&a.Locked, c.Locked)
	setIf(&a.Bot, c.Bot)
	setIf(&a.Discoverable, c.Discoverable)
	setIf(&a.Indexable, c.Indexable)
	setIf(&a.DefaultSensitive, c.DefaultSensitive)
	setIf(&a.DefaultVisibility, c.DefaultVisibility)
	setIf(&a.DefaultLanguage, c.DefaultLanguage)
	return nil
}

func setIf[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}

// RemoveRemote forgets a remote account that its server has deleted: its posts, follows and marks go.
func (s *Service) RemoveRemote(ctx context.Context, tx *db.Tx, account id.ID) error {
	a, err := getAccount.One(ctx, tx, account)
	if err != nil {
		return err
	}
	if a.Local() {
		return fault.New(fault.Invalid, "a local account is not removed from outside")
	}
	return s.retire(ctx, tx, account)
}

// clearBatch is how many posts go in one transaction: others who write do not wait for thousands.
const clearBatch = 200

// ClearPosts takes all posts of an account of ours away, in parts and without telling other servers of
// each: Close comes after it, has little left to do, and tells them of the account as a whole. Where it
// broke off, doing it again goes on.
func (s *Service) ClearPosts(ctx context.Context, account id.ID) error {
	ids, err := listAllOf.All(ctx, s.db, account)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, clearBatch) {
		if err := s.db.InTx(ctx, func(tx *db.Tx) error {
			for _, i := range part {
				if err := s.remove(ctx, tx, i, true); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// Close takes an account of ours away for good: its profile, posts, follows and marks go, its name stays
// taken, and other servers are told. Erasure of a former member leads to it.
func (s *Service) Close(ctx context.Context, tx *db.Tx, account id.ID) error {
	a, err := getAccount.One(ctx, tx, account)
	if err != nil || !a.GoneAt.IsZero() {
		return err
	}
	if err := s.Closed.Emit(ctx, tx, Closed{a}); err != nil { // while its followers are still known
		return err
	}
	return s.retire(ctx, tx, account)
}

func (s *Service) retire(ctx context.Context, tx *db.Tx, account id.ID) error {
	ids, err := listAllOf.All(ctx, tx, account)
	if err != nil {
		return err
	}
	for _, i := range ids {
		if err := s.remove(ctx, tx, i, true); err != nil {
			return err
		}
	}
	for _, st := range []*db.Statement{uncountFollowers, uncountFollowing, deleteMarksBy, deleteRelationsOf} {
		if _, err := st.Run(ctx, tx, account); err != nil {
			return err
		}
	}
	if _, err := retireAccount.Run(ctx, tx, account, tx.Now()); err != nil {
		return err
	}
	return s.accountChanged(ctx, tx, account)
}

// AllOf lists the posts of an account, the newest first, for its member's archive and for nobody else.
func (s *Service) AllOf(ctx context.Context, h db.Handle, account id.ID) ([]Post, error) {
	ids, err := listAllOf.All(ctx, h, account)
	if err != nil {
		return nil, err
	}
	out := make([]Post, 0, len(ids))
	for _, i := range ids {
		p, known, err := getPost.Find(ctx, h, i)
		if err != nil {
			return nil, err
		}
		if known {
			out = append(out, p)
		}
	}
	return out, nil
}
