package activitypub

import (
	"context"
	"embed"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/cache"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this surface.
func Migrations() db.Source { return db.Source{Feature: "activitypub", Files: migrations} }

// Deps are what the surface is built from.
type Deps struct {
	DB     *db.DB
	Bus    *bus.Bus
	Site   config.Site
	Social *social.Service
	Media  *media.Service
	// Client must sign what it gets with SignGet, since many servers answer nobody they do not know:
	// outbound.Options{Sign: func(r *http.Request) error { return surface.SignGet(r) }}.
	Client *outbound.Client
	Log    *slog.Logger
	// Version is what NodeInfo says of the program.
	Version string
}

// Service is the surface.
type Service struct {
	Deps
	scheme string // of our own addresses; others' names are looked up with the same
	group  *group

	names   sync.Map                         // username -> id.ID of a local account; a name is never given twice
	actors  *cache.Cache[id.ID, rendered]    // by account
	notes   *cache.Cache[id.ID, rendered]    // by post
	keys    *cache.Cache[id.ID, *actorKey]   // ours
	remote  *cache.Cache[string, *remoteKey] // theirs, by key id
	flight  singleflight.Group               // one fetch of one thing at a time
	silent  *expiring                        // what could not be had lately
	greeted *expiring                        // hosts heard of lately
	numbers numbers                          // for NodeInfo

	work     pump // inbox
	lines    lines
	delivery pump         // outbox
	serving  atomic.Int32 // hosts in hand
}

// New makes the surface. Nothing runs until Start.
func New(d Deps) *Service {
	s := &Service{Deps: d, scheme: "https", group: &group{db: d.DB},
		actors: cache.New[id.ID, rendered](1024), notes: cache.New[id.ID, rendered](2048),
		keys: cache.New[id.ID, *actorKey](1024), remote: cache.New[string, *remoteKey](8192),
		silent: newExpiring(4096), greeted: newExpiring(4096), lines: lines{m: map[string][]queued{}}}
	if u, err := url.Parse(d.Site.URL); err == nil && u.Scheme == "http" {
		s.scheme = "http"
	}
	s.work, s.delivery = newPump(), newPump()
	d.Bus.Handle(topicKey, func(keyID string) { s.remote.Drop(keyID) })
	return s
}

// topicKey says that a remote key changed; it carries the key's id.
const topicKey = "activitypub.key"

// Start runs the pumps until Stop. What this node had in hand when it was killed is taken up again at
// once; what another node had, when its lease runs out.
func (s *Service) Start(ctx context.Context) error {
	err := s.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := releaseInbox.Run(ctx, tx, id.Node()); err != nil {
			return err
		}
		_, err := releasePeers.Run(ctx, tx, tx.Now(), id.Node())
		return err
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	s.work.start(ctx, 2*time.Second, s.processDue, s.complain("process inbox"))
	s.delivery.start(ctx, 2*time.Second, s.deliverDue, s.complain("deliver"))
	s.delivery.every(ctx, time.Hour, s.sweep, s.complain("sweep"))
	return nil
}

// Stop takes nothing new in hand and waits for what is, until ctx ends.
func (s *Service) Stop(ctx context.Context) error {
	if err := s.work.stop(ctx); err != nil {
		return err
	}
	return s.delivery.stop(ctx)
}

func (s *Service) complain(doing string) func(context.Context, error) {
	return func(ctx context.Context, err error) {
		s.Log.ErrorContext(ctx, "a pump of federation failed", "pump", doing, "error", err.Error())
	}
}

// sweep forgets what is not needed any more.
func (s *Service) sweep(ctx context.Context) error {
	for {
		var n int64
		err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
			n, err = deleteSeen.Run(ctx, tx, tx.Now().Add(-seenFor))
			return err
		})
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
	}
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := deleteOrphans.Run(ctx, tx, id.Before(tx.Now().Add(-time.Hour)))
		return err
	})
}

// refuses reports whether this co-op does not speak with the server of an address. It costs no query.
func (s *Service) refuses(ctx context.Context, address string) (bool, error) {
	level, err := s.Social.Domain(ctx, hostOf(address))
	return level == social.LevelBlock, err
}

// refusesActor reports whether the actor of a request is one we do not listen to: of a blocked server,
// or suspended here. Nothing is fetched for it, and no query made for an actor whose key is known.
func (s *Service) refusesActor(ctx context.Context, keyID, actorURI string) (bool, error) {
	for _, address := range []string{keyID, actorURI} {
		if refused, err := s.refuses(ctx, address); err != nil || refused {
			return refused, err
		}
	}
	k, err := s.knownKey(ctx, keyID)
	if err != nil {
		return false, err
	}
	if k != nil && k.actorURI == actorURI {
		return s.Social.Suspended(ctx, k.accountID)
	}
	a, err := s.Social.ByURI(ctx, s.DB, actorURI)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.Social.Suspended(ctx, a.ID)
}

// hostOf is the host of an address with its port, in lower case; "" if it is none.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// localName is the username in the address of one of our actors; "" for anything else.
func (s *Service) localName(uri string) string {
	name, ok := strings.CutPrefix(uri, s.Site.URL+"/users/")
	if !ok || strings.ContainsAny(name, "/?#") {
		return ""
	}
	return name
}

// local reports whether an address is one of ours.
func (s *Service) local(uri string) bool { return strings.HasPrefix(uri, s.Site.URL+"/") }
