package site

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/assets"
	"rochdale/internal/mandate"
	"rochdale/internal/media"
	"rochdale/internal/member"
	"rochdale/internal/notice"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
	"rochdale/internal/witness"
)

var migrations = []db.Source{record.Migrations(), identity.Migrations(), mandate.Migrations(), rulebook.Migrations(), member.Migrations(), ballot.Migrations(), decision.Migrations(), election.Migrations(), witness.Migrations(), media.Migrations(),
	social.Migrations(), notice.Migrations(), coop.Migrations()}

// place is a whole co-op on a real server, made of the real services.
type place struct {
	*Service
	server *httptest.Server
	reset  string // the secret of the last letter about a password
}

// newPlace serves a co-op that has not been founded. listen is an address, or "" for any.
func newPlace(tb testing.TB, d *db.DB) *place {
	tb.Helper()
	p := &place{server: httptest.NewUnstartedServer(nil)}
	host := p.server.Listener.Addr().String()
	p.Service = services(tb, d, config.Site{Host: host, URL: "http://" + host}, p)
	p.server.Config.Handler = serve(tb, p.Service)
	p.server.Start()
	tb.Cleanup(func() {
		p.server.CloseClientConnections()
		p.server.Close()
	})
	return p
}

func services(tb testing.TB, d *db.DB, at config.Site, p *place) *Service {
	tb.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := blob.Open(filepath.Join(tb.TempDir(), "blobs"))
	if err != nil {
		tb.Fatal(err)
	}
	client := outbound.New(outbound.Options{UserAgent: "test"})
	tb.Cleanup(client.Close)
	b := bus.New(d)
	s := Deps{DB: d, Bus: b, Site: at, Log: log, Version: "0.1", Source: "https://source.example/rochdale", Record: record.New(d, at.Host)}
	if s.Identity, err = identity.New(d, b); err != nil {
		tb.Fatal(err)
	}
	s.Mandate = mandate.New(d, s.Record)
	s.Member = member.New(d, s.Identity, s.Record, s.Mandate)
	s.Rulebook = rulebook.New(d, s.Record, s.Mandate)
	s.Ballot = ballot.New(d, s.Record, "tideline.example")
	s.Decision = decision.New(decision.Deps{DB: d, Record: s.Record, Rules: s.Rulebook, Mandate: s.Mandate, Member: s.Member, Ballot: s.Ballot})
	s.Election = election.New(election.Deps{DB: d, Record: s.Record, Rules: s.Rulebook, Mandate: s.Mandate, Member: s.Member, Ballot: s.Ballot})
	s.Media = media.New(d, store, client, at, log)
	if err := s.Media.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	s.Social = social.New(d, b, at, s.Media)
	s.Notice = notice.New(d, b, s.Social)
	s.Coop = coop.New(coop.Deps{DB: d, Bus: b, Site: at, Record: s.Record, Identity: s.Identity, Member: s.Member, Mandate: s.Mandate, Rulebook: s.Rulebook, Social: s.Social})
	effects := slices.Concat(s.Mandate.Effects(), s.Rulebook.Effects(), s.Member.Effects(), s.Coop.Effects())
	s.Mandate.Declare(slices.Concat(mandate.Powers(), rulebook.Powers(), member.Powers(), coop.Powers()), effects)
	s.Decision.Declare(effects)
	s.Mandate.Decided = s.Decision.Decided
	// What app/reactions.go does, as far as pages show it.
	s.Member.CheckUsername = s.Social.CheckUsername
	s.Member.Admitted.On(func(ctx context.Context, tx *db.Tx, e member.Admitted) error {
		a, err := s.Social.Open(ctx, tx, social.NewAccount{Username: e.Member.Username, DisplayName: e.Member.Name, Kind: social.Person, Member: e.Member.ID})
		if err != nil {
			return err
		}
		if err := s.Identity.SetAccount(ctx, tx, e.Login.ID, a.ID); err != nil {
			return err
		}
		return s.Member.SetAccount(ctx, tx, e.Member.ID, a.ID)
	})
	s.Identity.SendReset = func(_ context.Context, _ *db.Tx, _, secret string) error { p.reset = secret; return nil }
	s.Social.Published.On(s.Notice.OnPublished)
	s.Social.Edited.On(s.Notice.OnEdited)
	s.Social.Boosted.On(s.Notice.OnBoosted)
	s.Social.Favourited.On(s.Notice.OnFavourited)
	s.Social.Followed.On(s.Notice.OnFollowed)
	s.Social.FollowRequested.On(s.Notice.OnFollowRequested)
	s.Social.FollowAnswered.On(s.Notice.OnFollowAnswered)
	s.SearchPosts = func(context.Context, authz.Actor, string, social.Page) ([]id.ID, error) { return nil, nil }
	site := New(s)
	site.Refs = refsOf(site)
	return site
}

func serve(tb testing.TB, s *Service) *web.Server {
	tb.Helper()
	assetRoute := web.Route{Pattern: "GET " + assets.Prefix, Style: web.Plain, Handler: plainHandler}
	server, err := web.New(web.Options{Log: s.Log, Clock: s.DB.Clock(), Session: s.Identity.BySession, Enrich: s.Enrich, ErrorPage: s.ErrorPage},
		append(append(s.Routes(), s.Media.Routes()...), assetRoute))
	if err != nil {
		tb.Fatal(err)
	}
	return server
}

// fresh is an unfounded place on SQLite with a clock that stands still.
func fresh(tb testing.TB) (*place, *clock.Fake) {
	tb.Helper()
	c := clock.NewFake(testkit.Start)
	return newPlace(tb, testkit.SQLite(tb, migrations, c)), c
}

const password = "three random words"

// found makes the place a co-op with one member, without the browser.
func (p *place) found(tb testing.TB) authz.Actor {
	tb.Helper()
	m, err := p.Coop.Found(context.Background(), authz.Actor{Via: authz.Operator}, coop.Founding{Name: "Tideline Co-op",
		Description: "A home on the fediverse for people who mend boats, nets and software on the western coast.",
		Founder:     member.Joining{Name: "Mara Okafor", Username: "mara", Email: "mara@tideline.example", Password: password}})
	if err != nil {
		tb.Fatal(err)
	}
	return p.actor(tb, m)
}

func (p *place) actor(tb testing.TB, m member.Member) authz.Actor {
	tb.Helper()
	fresh, err := p.Member.Get(context.Background(), p.DB, m.ID)
	if err != nil {
		tb.Fatal(err)
	}
	return authz.Actor{Login: fresh.LoginID, Member: fresh.ID, Account: fresh.AccountID, Via: authz.Web}
}

// admit makes somebody a member by an invitation.
func (p *place) admit(tb testing.TB, by authz.Actor, name, username string) authz.Actor {
	tb.Helper()
	ctx := context.Background()
	i, err := p.Member.Invite(ctx, by, 1, "")
	if err != nil {
		tb.Fatal(err)
	}
	m, err := p.Member.Join(ctx, member.Joining{Name: name, Username: username, Email: username + "@tideline.example", Password: password, Code: i.Code})
	if err != nil {
		tb.Fatal(err)
	}
	return p.actor(tb, m)
}

func (p *place) say(tb testing.TB, by authz.Actor, d social.Draft) social.Post {
	tb.Helper()
	out, err := p.Social.Publish(context.Background(), by, d)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// stranger is an account of another server, as federation would have stored it.
func (p *place) stranger(tb testing.TB, username, domain, name string) *social.Account {
	tb.Helper()
	var out *social.Account
	err := p.DB.InTx(context.Background(), func(tx *db.Tx) (err error) {
		uri := "https://" + domain + "/users/" + username
		out, err = p.Social.SaveRemote(context.Background(), tx, social.Account{Username: username, Domain: domain, Kind: social.Person, URI: uri,
			URL: "https://" + domain + "/@" + username, Inbox: uri + "/inbox", DisplayName: name, Note: "<p>Writes from afar.</p>",
			Avatar: "https://" + domain + "/avatar.png", FieldsJSON: `[{"name":"Site","value":"` + domain + `"}]`})
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// drawing is a small PNG with something on it.
func drawing(w, h int, of color.RGBA) []byte {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			shade := uint8(40 * y / h)
			m.Set(x, y, color.RGBA{of.R - min(of.R, shade), of.G - min(of.G, shade), of.B + min(255-of.B, shade), 255})
			if dx, dy := x-w/2, y-h*2/3; dx*dx+dy*dy < h*h/16 {
				m.Set(x, y, color.RGBA{250, 240, 220, 255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		return nil
	}
	return b.Bytes()
}

// life fills a place with what a year of use leaves: every page has something on it.
func (p *place) life(tb testing.TB, step func(time.Duration)) (mara, jun authz.Actor) {
	tb.Helper()
	ctx := context.Background()
	must := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	mara = p.found(tb)
	step(time.Hour)
	jun = p.admit(tb, mara, "Jun Abe", "jun")
	step(time.Hour)
	ines := p.admit(tb, jun, "Inês Carvalho", "ines")
	step(20 * time.Hour)
	_, err := p.Social.UpdateProfile(ctx, mara, social.ProfileChange{Note: ptr("Boat builder. Keeps the books with a pencil.\n\nWrites about #tides."),
		Fields: &[]social.Field{{Name: "Workshop", Source: "https://workshop.example/slip"}, {Name: "Boat", Source: "Petrel, clinker, 1962"}}})
	must(err)
	for _, who := range []authz.Actor{jun, ines} {
		_, err = p.Social.Follow(ctx, who, mara.Account, social.FollowOptions{})
		must(err)
		_, err = p.Social.Follow(ctx, mara, who.Account, social.FollowOptions{})
		must(err)
	}
	far := p.stranger(tb, "saoirse", "rabble.example", "Saoirse Byrne")
	first := p.say(tb, mara, social.Draft{Text: "The slipway is swept and the winch is greased. Who brings the first boat? #tides", Language: "en"})
	must(p.Social.Pin(ctx, mara, first.ID, true))
	step(30 * time.Minute)
	pic, err := p.Media.Upload(ctx, jun, bytes.NewReader(drawing(600, 400, color.RGBA{90, 140, 170, 255})), "A low sun over a grey estuary", media.Focus{})
	must(err)
	shot := p.say(tb, jun, social.Draft{Text: "Low water at six. Notes on the moorings: https://harbour.example/notes/moorings-and-who-may-use-them", Media: []id.ID{pic.ID}, Language: "en"})
	step(10 * time.Minute)
	answer := p.say(tb, mara, social.Draft{Text: "@jun That light! I shall bring the kettle.", InReplyTo: shot.ID, Language: "en"})
	p.say(tb, ines, social.Draft{Text: "@mara @jun E eu levo o pão.", InReplyTo: answer.ID, Language: "pt"})
	step(20 * time.Minute)
	p.say(tb, ines, social.Draft{Text: "A long account of the meeting about the crane, with numbers.", Summary: "Meeting notes, long", Language: "en"})
	secret := p.say(tb, jun, social.Draft{Text: "@mara The key is under the third pot.", Visibility: social.Direct, Language: "en"})
	must(p.Social.Favourite(ctx, jun, first.ID))
	must(p.Social.Favourite(ctx, ines, first.ID))
	_, err = p.Social.Boost(ctx, ines, first.ID, social.Public)
	must(err)
	must(p.Social.Favourite(ctx, mara, shot.ID))
	must(p.Social.Bookmark(ctx, mara, shot.ID, true))
	_, err = p.Social.Edit(ctx, mara, first.ID, social.Draft{Text: "The slipway is swept, the winch is greased and the bell is back. Who brings the first boat? #tides", Language: "en"})
	must(err)
	_ = secret
	must(p.DB.InTx(ctx, func(tx *db.Tx) error {
		return p.Social.FollowIn(ctx, tx, authz.Actor{Account: far.ID, Via: authz.Federation}, mara.Account, social.FollowOptions{}, "https://rabble.example/f/1")
	}))
	_, err = p.Member.Apply(ctx, member.Joining{Name: "Kofi Mensah", Username: "kofi", Email: "kofi@example.org", Password: password,
		Answer: "I sail out of the next bay and have read along for a year. I would like to help with the crane."})
	must(err)
	_, err = p.Member.Invite(ctx, mara, 3, "For the crew of the Petrel")
	must(err)
	app, _, err := p.Identity.CreateApp(ctx, "Tusk Reader", []string{identity.OutOfBand}, "read write follow", "https://reader.example")
	must(err)
	_, err = p.Identity.Approve(ctx, mara, identity.Grant{App: app, Redirect: identity.OutOfBand, Scopes: "read"})
	must(err)
	step(5 * time.Minute)
	return mara, jun
}

func ptr[T any](v T) *T { return &v }

func windowOf(limit int) social.Page { return social.Page{Limit: limit} }

var sea = color.RGBA{90, 140, 170, 255}
