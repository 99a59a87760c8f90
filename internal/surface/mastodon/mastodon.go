package mastodon

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/cache"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/media"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

// Deps are what the surface stands on. All but the functions are needed.
type Deps struct {
	DB       *db.DB
	Bus      *bus.Bus
	Site     config.Site
	Log      *slog.Logger
	Version  string // of the program
	Social   *social.Service
	Media    *media.Service
	Identity *identity.Service
	Notice   *notice.Service

	// Instance describes the co-op.
	Instance func(ctx context.Context) (InstanceInfo, error)
	// Find looks an account of another server up, Resolve the address of an account or a post (both
	// zero if there is nothing); nil where this server speaks with no other.
	Find    func(ctx context.Context, username, domain string) (*social.Account, error)
	Resolve func(ctx context.Context, address string) (account, post id.ID, err error)
	// SearchPosts finds posts by words, the newest first; nil if there is no search. What the actor
	// may not see is left out here again.
	SearchPosts func(ctx context.Context, by authz.Actor, q PostQuery) ([]id.ID, error)
	// Peers lists the hosts this server knows.
	Peers func(ctx context.Context) ([]string, error)
}

// PostQuery is what a member looks for.
type PostQuery struct {
	Words         string
	Account       id.ID // only posts of this account, 0 for all
	MaxID, MinID  id.ID
	Limit, Offset int
}

// InstanceInfo is what the API says about the co-op.
type InstanceInfo struct {
	Name        string
	Short       string // one plain sentence
	Description string // HTML
	Extended    string // HTML of the page about the co-op
	UpdatedAt   time.Time
	Email       string
	SourceURL   string
	Languages   []string
	Rules       []Rule
	Contact     id.ID // the account to ask, 0 for none
	// Registrations says whether people can apply; every application is decided by members.
	Registrations bool
	JoinURL       string
	Message       string // why not, if they cannot
}

// Rule is one line of the code of conduct.
type Rule struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	Hint string `json:"hint"`
}

// Service is the surface.
type Service struct {
	Deps
	parts  *cache.Cache[*social.Part, []byte]
	people *cache.Cache[*social.Account, []byte]
	hub    *hub
	blank  pictures

	buffers sync.Pool // of *[]byte
}

// New makes the surface.
func New(d Deps) *Service {
	s := &Service{Deps: d, parts: cache.New[*social.Part, []byte](16384), people: cache.New[*social.Account, []byte](8192), blank: drawBlank()}
	s.hub = newHub(s)
	return s
}
