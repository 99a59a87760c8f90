package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/lib/webfinger"
	"rochdale/internal/social"
)

// Limits on what a profile of another server shows here.
const (
	maxName   = 100
	maxBio    = 20 << 10
	maxFields = 16
	maxField  = 2 << 10
)

// account finds a remote actor, and fetches it if it is not known.
func (s *Service) account(ctx context.Context, uri string) (*social.Account, error) {
	a, err := s.Social.ByURI(ctx, s.DB, uri)
	if err == nil && a.GoneAt.IsZero() {
		return a, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	return s.fetchAccount(ctx, uri)
}

// fetchAccount reads an actor from its own server and stores it with its keys. Several who want the
// same actor at once share one request.
func (s *Service) fetchAccount(ctx context.Context, uri string) (*social.Account, error) {
	v, err, _ := s.flight.Do("actor "+uri, func() (any, error) {
		if known, err := s.Social.ByURI(ctx, s.DB, uri); err == nil && !known.SuspendedAt.IsZero() {
			return nil, fmt.Errorf("get %s: %w: it is suspended here", uri, errRefused)
		} else if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		o, err := s.get(ctx, uri)
		if err != nil {
			return nil, err
		}
		return s.saveAccount(ctx, &o)
	})
	if err != nil {
		return nil, err
	}
	return v.(*social.Account), nil
}

// saveAccount stores the actor of a document that came from its own server.
func (s *Service) saveAccount(ctx context.Context, o *activitystreams.Object) (*social.Account, error) {
	a, err := s.accountOf(o)
	if err != nil {
		return nil, err
	}
	old, err := s.Social.ByURI(ctx, s.DB, a.URI)
	switch {
	case err == nil && strings.EqualFold(old.Username, a.Username):
		a.Domain = old.Domain
	case err == nil || fault.Is(err, fault.NotFound):
		if a.Domain, err = s.domainOf(ctx, o, a); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	var saved *social.Account
	err = s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		saved, err = s.saveAccountIn(ctx, tx, a, o.Profile.Keys)
		return err
	})
	return saved, err
}

func (s *Service) saveAccountIn(ctx context.Context, tx *db.Tx, a social.Account, keys []activitystreams.Key) (*social.Account, error) {
	saved, err := s.Social.SaveRemote(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	return saved, s.saveKeys(ctx, tx, saved, keys)
}

// accountOf turns an actor's document into an account without a domain. Addresses that are not of
// the actor's own origin are dropped: we shall not deliver to whom it names. spec: fep-fe34
func (s *Service) accountOf(o *activitystreams.Object) (social.Account, error) {
	p := o.Profile
	if !o.IsActor() || p == nil || p.PreferredUsername == "" {
		return social.Account{}, fmt.Errorf("%w: %s is a %s without a name", errRefused, o.ID, o.Type)
	}
	own := func(address string) string {
		if !activitystreams.SameOrigin(address, o.ID) || len(address) > 2048 {
			return ""
		}
		return address
	}
	a := social.Account{Username: p.PreferredUsername, Kind: social.Kind(o.Type.String()), URI: o.ID, URL: webAddress(o.URL(), o.ID),
		Inbox: own(p.Inbox), SharedInbox: own(p.SharedInbox), Outbox: own(p.Outbox), Followers: own(p.Followers),
		Following: own(p.Following), Featured: own(p.Featured),
		DisplayName: posttext.Summary(o.Name, maxName), Note: posttext.Sanitise(clip(o.Summary, maxBio)),
		FieldsJSON: fieldsOf(o.Attachment), Avatar: picture(o.Icon), Header: picture(o.Image),
		Locked: p.ManuallyApproves, Bot: o.Type.Is("Service", "Application"), CreatedAt: o.Published}
	if p.Discoverable != nil {
		a.Discoverable = *p.Discoverable
	}
	if p.Indexable != nil {
		a.Indexable = *p.Indexable
	}
	if a.Inbox == "" || len(a.URI) > 2048 || s.local(a.URI) {
		return a, fmt.Errorf("%w: %s has no inbox of its own", errRefused, o.ID)
	}
	return a, nil
}

func fieldsOf(attachments []activitystreams.Object) string {
	fields := []social.Field{}
	for _, at := range attachments {
		if at.Type.Is("PropertyValue") && len(fields) < maxFields {
			fields = append(fields, social.Field{Name: posttext.Summary(at.Name, 255), Value: posttext.Sanitise(clip(at.Value, maxField))})
		}
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return "[]" // strings always marshal
	}
	return string(b)
}

func picture(list []activitystreams.Object) string {
	for _, o := range list {
		if u := webAddress(o.URL(), ""); u != "" {
			return u
		}
		if u := webAddress(o.Href, ""); u != "" {
			return u
		}
	}
	return ""
}

// webAddress is the address if a browser may be sent there, else the other.
func webAddress(address, other string) string {
	if _, ok := activitystreams.Origin(address); !ok || len(address) > 2048 {
		return other
	}
	return address
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// domainOf is the domain by which people name the actor: its own host, or another one that both the
// actor's host and the other agree on. spec: rfc7033, fep-2c59
func (s *Service) domainOf(ctx context.Context, o *activitystreams.Object, a social.Account) (string, error) {
	host := hostOf(o.ID)
	own, err := webfinger.ParseAddress(a.Username + "@" + host)
	if err != nil {
		return "", fmt.Errorf("%w: %w", errRefused, err)
	}
	named, err := webfinger.ParseAddress(o.Profile.Webfinger)
	if err != nil {
		if named, err = s.subject(ctx, own, o.ID); err != nil {
			return own.Host, ctx.Err() // its host is known to be right; only a nicer name was to be had
		}
	}
	if named.Host == own.Host || !strings.EqualFold(named.Name, a.Username) || s.ours(named.Host) {
		return own.Host, nil
	}
	back, err := s.subject(ctx, named, o.ID)
	if err != nil || back.Host != named.Host || !strings.EqualFold(back.Name, a.Username) {
		return own.Host, ctx.Err()
	}
	return named.Host, nil
}

func (s *Service) ours(host string) bool {
	return strings.EqualFold(host, s.Site.Host) || strings.EqualFold(host, hostOf(s.Site.URL))
}

// subject asks an address's host what it calls the account, and checks that it means the same actor.
func (s *Service) subject(ctx context.Context, a webfinger.Address, actor string) (webfinger.Address, error) {
	jrd, err := s.finger(ctx, a)
	if err != nil {
		return a, err
	}
	if jrd.Actor() != actor {
		return a, fmt.Errorf("%w: %s is %s, not %s", errRefused, a, jrd.Actor(), actor)
	}
	named, err := webfinger.ParseAddress(jrd.Subject)
	if err != nil {
		return a, fmt.Errorf("%w: %w", errRefused, err)
	}
	return named, nil
}

// finger asks a host about one of its addresses. Answers that an address is not there are kept for a
// while, as text full of mistyped mentions is common.
func (s *Service) finger(ctx context.Context, a webfinger.Address) (webfinger.JRD, error) {
	address := s.scheme + "://" + a.Host + "/.well-known/webfinger?resource=" + queryEscape(a.Acct())
	now := s.DB.Now()
	if s.silent.has(address, now) {
		return webfinger.JRD{}, fmt.Errorf("find %s: %w", a, errGone)
	}
	if refused, err := s.refuses(ctx, address); err != nil {
		return webfinger.JRD{}, err
	} else if refused {
		return webfinger.JRD{}, fmt.Errorf("find %s: %w", a, errRefused)
	}
	res, err := s.fetch(ctx, address, webfinger.MediaType+", application/json", 256<<10)
	if err != nil {
		if errors.Is(err, errGone) {
			s.silent.add(address, now, now.Add(time.Minute))
		}
		return webfinger.JRD{}, fmt.Errorf("find %s: %w", a, err)
	}
	jrd, err := webfinger.ParseJRD(res.Body)
	if err != nil {
		return jrd, fmt.Errorf("find %s: %w: %w", a, errRefused, err)
	}
	return jrd, nil
}

// Find looks an account of another server up by its address and stores it; fault.NotFound if there
// is none. It serves social.FindRemote.
func (s *Service) Find(ctx context.Context, username, domain string) (*social.Account, error) {
	a, err := webfinger.ParseAddress(username + "@" + domain)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s@%s is not an address.", username, domain)
	}
	if s.ours(a.Host) {
		return s.Social.ByName(ctx, s.DB, a.Name, "")
	}
	known, err := s.Social.KnownByName(ctx, s.DB, a.Name, a.Host)
	if err == nil {
		if hidden, err := s.Social.Hidden(ctx, s.DB, known); err != nil || hidden {
			return nil, orNotFound(err)
		}
	}
	if err == nil && known.GoneAt.IsZero() && s.DB.Now().Sub(known.FetchedAt) < staleAccount {
		return known, nil
	}
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	jrd, err := s.finger(ctx, a)
	if err != nil {
		return nil, notThere(err)
	}
	if s.local(jrd.Actor()) {
		return nil, fault.New(fault.NotFound, "Record not found")
	}
	found, err := s.fetchAccount(ctx, jrd.Actor())
	if err == nil { // its name may be new and what it is called elsewhere suspended
		if hidden, e := s.Social.Hidden(ctx, s.DB, found); e != nil || hidden {
			return nil, orNotFound(e)
		}
	}
	return found, notThere(err)
}

func orNotFound(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.NotFound, "Record not found")
}

// staleAccount is how old a remote account may be before it is read again when somebody asks for it.
const staleAccount = 24 * time.Hour

// notThere makes a failure of another server a fault that a person can be told.
func notThere(err error) error {
	if err == nil || !unreachable(err) && !errors.Is(err, errRefused) {
		return err
	}
	return fault.New(fault.NotFound, "Record not found: %w", err)
}
