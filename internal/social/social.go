package social

import (
	"context"
	"embed"
	"sync/atomic"

	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/cache"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/event"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/media"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "social", Files: migrations} }

var errNotFound = fault.New(fault.NotFound, "Record not found")

// Service is the social feature. Its events are announced within the transaction of what happened.
type Service struct {
	db    *db.DB
	bus   *bus.Bus
	site  config.Site
	media *media.Service

	parts    *cache.Cache[id.ID, *Part]
	accountC *cache.Cache[id.ID, *Account]

	limited      atomic.Pointer[limits] // nil until it is asked for
	limitChanges atomic.Uint64          // heard of so far

	// FindRemote looks an account of another server up over the network and stores it. app sets it
	// to the federation surface; without it only known accounts can be mentioned.
	FindRemote func(ctx context.Context, username, domain string) (*Account, error)

	Published       event.Event[Published]
	Edited          event.Event[Edited]
	Deleted         event.Event[Deleted]
	Boosted         event.Event[Boosted]
	Unboosted       event.Event[Unboosted]
	Favourited      event.Event[Favourited]
	Unfavourited    event.Event[Favourited]
	Pinned          event.Event[Pinned]
	Followed        event.Event[Followed]
	FollowRequested event.Event[Followed]
	FollowAnswered  event.Event[FollowAnswered]
	Unfollowed      event.Event[Followed]
	Blocked         event.Event[Blocked]
	ProfileChanged  event.Event[ProfileChanged]
	Closed          event.Event[Closed]
}

// New makes the service. The caches hold what many readers look at; other nodes' changes reach them
// through the bus.
func New(d *db.DB, b *bus.Bus, site config.Site, m *media.Service) *Service {
	s := &Service{db: d, bus: b, site: site, media: m,
		parts: cache.New[id.ID, *Part](8192), accountC: cache.New[id.ID, *Account](4096)}
	b.Handle(topicPost, func(p string) { s.parts.Drop(id.Parse(p)) })
	b.Handle(topicAccount, func(p string) { s.accountC.Drop(id.Parse(p)) })
	b.Handle(topicLimits, func(string) { s.forgetLimits() })
	b.OnGap(func() { s.parts.Clear(); s.forgetLimits() })
	if m != nil {
		m.Hides = s.hidesMedia
	}
	return s
}

// Topics of the bus. A message carries an id.
const (
	topicPost    = "social.post"    // a post's row or counts changed
	topicAccount = "social.account" // an account changed
)

// TopicNew carries the id of every post (or boost) as it is published, TopicGone of every deleted
// one, TopicEdit of every edited one: streams listen to them.
const (
	TopicNew  = "social.new"
	TopicGone = "social.gone"
	TopicEdit = "social.edit"
)

func (s *Service) postChanged(ctx context.Context, tx *db.Tx, i id.ID) error {
	return s.bus.Publish(ctx, tx, topicPost, i.String())
}

func (s *Service) accountChanged(ctx context.Context, tx *db.Tx, i id.ID) error {
	return s.bus.Publish(ctx, tx, topicAccount, i.String())
}

// renderOptions resolve mentions to the pages of the accounts found.
func (s *Service) renderOptions(mentioned map[posttext.Mention]*Account) posttext.Options {
	return posttext.Options{
		Mention: func(m posttext.Mention) (string, bool) {
			a := mentioned[posttext.Mention{Name: m.Name, Domain: m.Domain}]
			if a == nil {
				return "", false
			}
			return a.URL, true
		},
		TagBase: s.site.Join("/tags/"),
	}
}
