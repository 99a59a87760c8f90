package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/identity"
	"rochdale/internal/kit"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/mail"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/web"
	"rochdale/internal/mandate"
	"rochdale/internal/media"
	"rochdale/internal/member"
	"rochdale/internal/moderation"
	"rochdale/internal/notice"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/search"
	"rochdale/internal/social"
	"rochdale/internal/surface/activitypub"
	"rochdale/internal/surface/coopapi"
	"rochdale/internal/surface/mastodon"
	"rochdale/internal/surface/site"
	"rochdale/internal/webhook"
	"rochdale/internal/witness"
)

// Version is set when a release is built.
var Version = "0.1.0-dev"

// App is the program, put together but not running.
type App struct {
	Config Config
	Log    *slog.Logger
	Clock  clock.Clock

	DB     *db.DB
	Bus    *bus.Bus
	Blobs  blob.Store
	Mailer mail.Mailer
	Client *outbound.Client
	Queue  *jobs.Queue

	Record   *record.Service
	Identity *identity.Service
	Mandate  *mandate.Service
	Rulebook *rulebook.Service
	Member   *member.Service
	Ballot   *ballot.Service
	Decision *decision.Service
	Election *election.Service
	Media    *media.Service
	Social   *social.Service
	Notice   *notice.Service

	Moderation *moderation.Service
	Webhook    *webhook.Service
	Witness    *witness.Service
	Search     *search.Service
	Coop       *coop.Service

	ActivityPub *activitypub.Service
	Mastodon    *mastodon.Service
	API         *coopapi.Service
	Site        *site.Service

	Features []kit.Feature
	metrics  *metrics
	quiet    bool // the demo is being filled

	plainClient *outbound.Client
}

// Migrations are the tables of all features.
func Migrations() []db.Source {
	return []db.Source{record.Migrations(), identity.Migrations(), mandate.Migrations(), rulebook.Migrations(), member.Migrations(), ballot.Migrations(), decision.Migrations(), election.Migrations(), media.Migrations(),
		social.Migrations(), notice.Migrations(), search.Migrations(), coop.Migrations(), webhook.Migrations(), witness.Migrations(), activitypub.Migrations(), coopapi.Migrations()}
}

// Build opens the database, brings it up to date and makes every feature, each from what it needs, in
// the order of the import law. work says whether jobs run in this process once it is started.
func Build(ctx context.Context, cfg Config, c clock.Clock, log *slog.Logger, work bool) (_ *App, err error) {
	a := &App{Config: cfg, Log: log, Clock: c, metrics: newMetrics()}
	defer func() {
		if err != nil {
			err = fmt.Errorf("start: %w", err)
			a.Close()
		}
	}()
	if a.DB, err = db.Open(ctx, cfg.Database, c); err != nil {
		return nil, err
	}
	if err = a.DB.Migrate(ctx, Migrations()); err != nil {
		return nil, err
	}
	if err = jobs.Migrate(ctx, a.DB); err != nil {
		return nil, err
	}
	if a.Blobs, err = blob.Open(cfg.Blobs); err != nil {
		return nil, err
	}
	if a.Mailer, err = mail.Open(cfg.SMTPURL, mail.Options{From: "coop@" + hostName(cfg.Host), Folder: filepath.Join(cfg.Data, "mail"), Clock: c}); err != nil {
		return nil, err
	}
	a.Client = outbound.New(outbound.Options{UserAgent: "Rochdale/" + Version + " (+" + cfg.URL + ")", AllowPrivate: cfg.PrivateNetworks,
		Sign: func(r *http.Request) error { return a.ActivityPub.SignGet(r) }})
	a.Bus = bus.New(a.DB)

	a.Record = record.New(a.DB, cfg.Host)
	if a.Identity, err = identity.New(a.DB, a.Bus); err != nil {
		return nil, err
	}
	a.Mandate = mandate.New(a.DB, a.Record)
	a.Rulebook = rulebook.New(a.DB, a.Record, a.Mandate)
	a.Member = member.New(a.DB, a.Identity, a.Record, a.Mandate)
	a.Ballot = ballot.New(a.DB, a.Record, cfg.Host)
	a.Decision = decision.New(decision.Deps{DB: a.DB, Record: a.Record, Rules: a.Rulebook, Mandate: a.Mandate, Member: a.Member, Ballot: a.Ballot})
	a.Election = election.New(election.Deps{DB: a.DB, Record: a.Record, Rules: a.Rulebook, Mandate: a.Mandate, Member: a.Member, Ballot: a.Ballot})
	a.Media = media.New(a.DB, a.Blobs, a.Client, cfg.site(), log)
	if err = a.Media.Open(ctx); err != nil {
		return nil, err
	}
	a.Social = social.New(a.DB, a.Bus, cfg.site(), a.Media)
	a.Notice = notice.New(a.DB, a.Bus, a.Social)
	a.Search = search.New(a.DB, a.Social)
	a.Moderation = moderation.New(moderation.Deps{DB: a.DB, Social: a.Social, Judge: a.Mandate})
	// Deliveries have a signature of their own: this client signs nothing.
	a.plainClient = outbound.New(outbound.Options{UserAgent: "Rochdale/" + Version + " (+" + cfg.URL + ")", AllowPrivate: cfg.PrivateNetworks})
	a.Webhook = webhook.New(a.DB, a.Mandate, a.plainClient)
	a.Webhook.PlainHTTP = cfg.PrivateNetworks
	a.Witness = witness.New(witness.Deps{DB: a.DB, Record: a.Record, Mandate: a.Mandate, Client: a.plainClient, Host: cfg.Host, URL: cfg.URL})
	a.Witness.PlainHTTP = cfg.PrivateNetworks && strings.HasPrefix(cfg.URL, "http:")
	a.Coop = coop.New(coop.Deps{DB: a.DB, Bus: a.Bus, Site: cfg.site(), Record: a.Record, Identity: a.Identity, Member: a.Member,
		Mandate: a.Mandate, Rulebook: a.Rulebook, Social: a.Social})

	a.ActivityPub = activitypub.New(activitypub.Deps{DB: a.DB, Bus: a.Bus, Site: cfg.site(), Social: a.Social, Media: a.Media,
		Client: a.Client, Log: log, Version: Version})
	a.Mastodon = a.newMastodon()
	a.API = coopapi.New(coopapi.Deps{DB: a.DB, Site: cfg.site(), Version: Version, Coop: a.Coop, Member: a.Member, Mandate: a.Mandate, Rulebook: a.Rulebook,
		Decision: a.Decision, Ballot: a.Ballot, Election: a.Election, Record: a.Record})
	a.Site = a.newSite()

	a.Features = a.features() //nolint:contextcheck // a handler takes the context of its request
	var powers []authz.Power
	var effects effect.Registry
	var workers []jobs.Worker
	var periodic []jobs.Periodic
	for _, f := range a.Features {
		powers, workers, periodic = append(powers, f.Powers...), append(workers, f.Workers...), append(periodic, f.Periodic...)
		effects = append(effects, f.Effects...)
		if f.States != nil {
			a.Record.Sources = append(a.Record.Sources, f.States)
		}
	}
	a.Mandate.Declare(powers, effects)
	a.Decision.Declare(effects)
	if a.Queue, err = jobs.New(a.DB, workers, periodic, jobs.Options{Logger: log, Work: work}); err != nil {
		return nil, err
	}
	a.react()
	return a, nil
}

// features lists what each feature plugs in. Adding one is a folder and a line here.
func (a *App) features() []kit.Feature {
	return []kit.Feature{
		{Name: "record", Periodic: []jobs.Periodic{jobs.Every("record.checkpoint", time.Hour, func(ctx context.Context) error {
			_, err := a.Record.Checkpoint(ctx)
			return err
		})}},
		{Name: "identity", Periodic: []jobs.Periodic{jobs.Every("identity.sweep", time.Hour, a.Identity.Sweep)}},
		{Name: "mandate", Powers: mandate.Powers(), Effects: a.Mandate.Effects(), States: a.Mandate.States,
			Periodic: []jobs.Periodic{jobs.Every("mandate.sweep", time.Minute, a.sweepMandates)}},
		{Name: "rulebook", Powers: rulebook.Powers(), Effects: a.Rulebook.Effects(), States: a.Rulebook.States},
		{Name: "decision", Routes: a.decisionPages().Routes(), States: a.Decision.States, Workers: a.decisionWorkers(),
			Periodic: []jobs.Periodic{jobs.Every("decision.sweep", time.Minute, a.Decision.Advance)}},
		{Name: "ballot", Routes: a.ballotPages().Routes(), States: a.Ballot.States, Periodic: []jobs.Periodic{jobs.Every("ballot.stir", time.Minute, a.Ballot.Stir)}},
		{Name: "election", Routes: a.electionPages().Routes(), Powers: election.Powers(), Effects: a.Election.Effects(), States: a.Election.States, Workers: a.electionWorkers(),
			Periodic: []jobs.Periodic{jobs.Every("election.sweep", time.Minute, a.Election.Advance)}},
		{Name: "member", Powers: member.Powers(), Effects: a.Member.Effects(), States: a.Member.States, Periodic: []jobs.Periodic{jobs.Every("member.sweep", 24*time.Hour, a.Member.Sweep)}},
		{Name: "media", Routes: a.Media.Routes(), Periodic: []jobs.Periodic{jobs.Every("media.sweep", time.Hour, a.Media.Sweep).In("media", 10*time.Minute)}},
		{Name: "social", Periodic: []jobs.Periodic{jobs.Every("social.sweep", time.Hour, a.Social.Sweep)}},
		{Name: "notice"},
		{Name: "search"},
		{Name: "moderation", Routes: a.moderationPages().Routes(), Powers: moderation.Powers(), Effects: a.Moderation.Effects(), States: a.Moderation.States},
		{Name: "webhook", Routes: a.webhookPages().Routes(), Powers: webhook.Powers(), States: a.Webhook.States, Workers: a.Webhook.Workers(),
			Periodic: []jobs.Periodic{jobs.Every("webhook.sweep", 24*time.Hour, a.Webhook.Sweep)}},
		{Name: "witness", Routes: a.witnessPages().Routes(), Powers: witness.Powers(), Effects: a.Witness.Effects(), States: a.Witness.States, Workers: a.Witness.Workers(),
			Periodic: []jobs.Periodic{jobs.Every("witness.sweep", time.Hour, a.Witness.Sweep)}},
		{Name: "coop", Powers: coop.Powers(), Effects: a.Coop.Effects(), States: a.Coop.States},
		{Name: "activitypub", Routes: a.ActivityPub.Routes()},
		{Name: "mastodon", Routes: a.Mastodon.Routes()},
		{Name: "coopapi", Routes: a.API.Routes(), Periodic: []jobs.Periodic{jobs.Every("coopapi.sweep", time.Hour, a.API.Sweep)}},
		{Name: "site", Routes: a.siteRoutes()},
		{Name: "app", Routes: a.plain(), Workers: []jobs.Worker{a.mailWorker()}},
	}
}

// Handler is the program's face to the world.
func (a *App) Handler() (http.Handler, error) {
	var routes []web.Route
	for _, f := range a.Features {
		routes = append(routes, f.Routes...)
	}
	proxies, err := a.Config.proxies()
	if err != nil {
		return nil, err
	}
	s, err := web.New(web.Options{Log: a.Log, Clock: a.Clock, Session: a.Identity.BySession, Bearer: a.Identity.ByToken, Enrich: a.Site.Enrich,
		ErrorPage: a.Site.ErrorPage, Observe: a.metrics.observe, Secure: a.Config.URL[:5] == "https", TrustedProxies: proxies,
		RateLimits: a.Config.RateLimits}, routes)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close lets go of the database.
func (a *App) Close() {
	if a.Client != nil {
		a.Client.Close()
	}
	if a.plainClient != nil {
		a.plainClient.Close()
	}
	if a.DB != nil {
		if err := a.DB.Close(); err != nil {
			a.Log.Error("close database", "error", err.Error())
		}
	}
}

func hostName(host string) string {
	for i, r := range host {
		if r == ':' {
			return host[:i]
		}
	}
	return host
}
