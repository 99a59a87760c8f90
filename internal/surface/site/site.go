package site

import (
	"context"
	"log/slog"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/mandate"
	"rochdale/internal/media"
	"rochdale/internal/member"
	"rochdale/internal/notice"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

// Deps are what the pages are drawn from.
type Deps struct {
	DB      *db.DB
	Bus     *bus.Bus
	Site    config.Site
	Log     *slog.Logger
	Version string
	Source  string // where the source of the running program can be had; "" leaves the link out

	Record   *record.Service
	Identity *identity.Service
	Mandate  *mandate.Service
	Member   *member.Service
	Media    *media.Service
	Social   *social.Service
	Notice   *notice.Service
	Coop     *coop.Service
	Rulebook *rulebook.Service
	Decision *decision.Service
	Election *election.Service
	Ballot   *ballot.Service // to light the place in the navigation that a secret vote belongs to; may be nil
	// Refs find the name and the address of what the record and other weak links point to.
	Refs ref.Registry

	// Find looks an account of another server up over the network, ResolveURL whatever lives at an
	// address ("account" or "post"). SearchPosts finds posts by words. Each may be nil: the search
	// page then does without.
	Find        func(ctx context.Context, username, domain string) (*social.Account, error)
	ResolveURL  func(ctx context.Context, url string) (ref.Ref, error)
	SearchPosts func(ctx context.Context, by authz.Actor, words string, p social.Page) ([]id.ID, error)
}

// Service draws the pages.
type Service struct{ Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// pageSize is how many posts one page of a timeline holds.
const pageSize = 20

// maxUpload is what one form with pictures may weigh.
const maxUpload = media.MaxPerPost*media.MaxBytes + 1<<20

// Budgets for what strangers can try without being known.
var (
	signInBudget = web.Limit{Events: 20, Per: 5 * time.Minute}
	mailBudget   = web.Limit{Events: 5, Per: time.Hour}
	joinBudget   = web.Limit{Events: 20, Per: time.Hour}
)

// Why the routes that change something need no mandate.
const (
	ownPost    = "none: members write, change and delete their own posts"
	ownMark    = "none: a mark on a post is its member's own"
	ownTies    = "none: whom to follow, mute or block is a member's own affair"
	ownSetting = "none: a member's own settings"
	ownSeat    = "none: members join and leave open groups themselves; the service checks"
	ownOffice  = "none: the holder of an office accepts it or gives it back"
	ownReading = "none: how far a member has read is the member's own affair"
	anyone     = "none: anyone may ask, and the service checks the credentials"
)

// Routes are the addresses of all pages. The last one takes every address that begins with "/@", and
// being the widest pattern it gives way to every other route of the program.
func (s *Service) Routes() []web.Route {
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: web.Page}
	}
	post := func(path, act string, h web.Handler) web.Route {
		return web.Route{Pattern: "POST " + path, Handler: h, Style: web.Page, Act: act}
	}
	limited := func(r web.Route, l web.Limit) web.Route { r.Limit = l; return r }
	large := func(r web.Route) web.Route { r.MaxBody = maxUpload; return r }
	plain := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: web.Plain}
	}
	return append(append(s.registerRoutes(), s.recordRoutes()...), []web.Route{
		get("/{$}", s.front), get("/about", s.about),
		plain("/robots.txt", s.robots), plain("/favicon.ico", s.favicon), plain("/manifest.webmanifest", s.manifest),

		get("/found", s.foundForm), limited(post("/found", "none: the founding itself, guarded by the code that the program prints", s.found), signInBudget),
		get("/join", s.joinForm), limited(post("/join", "none: anyone may apply; an invitation is checked by the register", s.join), joinBudget),
		get("/join/thanks", s.joinThanks),
		get("/sign-in", s.signInForm), limited(post("/sign-in", anyone, s.signIn), signInBudget), post("/sign-out", "none: a member's own session", s.signOut),
		get("/password/forgot", s.forgotForm), limited(post("/password/forgot", anyone, s.forgot), mailBudget),
		get("/password/reset", s.resetForm), limited(post("/password/reset", anyone, s.reset), signInBudget),

		get("/home", s.home), get("/home/events", s.homeEvents), get("/write", s.write), get("/you", s.you),
		get("/explore", s.explore), get("/local", s.local), get("/federated", s.federated), get("/tags/{name}", s.tag), get("/search", s.search),
		get("/messages", s.messages), get("/bookmarks", s.bookmarks), get("/favourites", s.favourites),
		get("/notifications", s.notifications), post("/notifications/clear", ownReading, s.clearNotifications),

		large(post("/posts", ownPost, s.publish)), large(post("/posts/{id}/edit", ownPost, s.edit)), post("/posts/{id}/delete", ownPost, s.delete),
		post("/posts/{id}/favourite", ownMark, s.mark(favourite)), post("/posts/{id}/unfavourite", ownMark, s.mark(unfavourite)),
		post("/posts/{id}/boost", ownMark, s.mark(boost)), post("/posts/{id}/unboost", ownMark, s.mark(unboost)),
		post("/posts/{id}/bookmark", ownMark, s.mark(bookmark)), post("/posts/{id}/unbookmark", ownMark, s.mark(unbookmark)),
		post("/posts/{id}/pin", ownMark, s.mark(pin)), post("/posts/{id}/unpin", ownMark, s.mark(unpin)),

		post("/accounts/{id}/follow", ownTies, s.tie(follow)), post("/accounts/{id}/unfollow", ownTies, s.tie(unfollow)),
		post("/accounts/{id}/block", ownTies, s.tie(block)), post("/accounts/{id}/unblock", ownTies, s.tie(unblock)),
		post("/accounts/{id}/mute", ownTies, s.tie(mute)), post("/accounts/{id}/unmute", ownTies, s.tie(unmute)),
		get("/follow-requests", s.followRequests),
		post("/follow-requests/{id}/accept", ownTies, s.answerFollow(true)), post("/follow-requests/{id}/reject", ownTies, s.answerFollow(false)),

		get("/settings", s.profileForm), large(post("/settings", ownSetting, s.saveProfile)),
		get("/settings/account", s.accountForm), post("/settings/account", ownSetting, s.saveAccount), post("/settings/password", ownSetting, s.savePassword),
		get("/settings/sessions", s.sessions), post("/settings/sessions/{id}/end", ownSetting, s.endSession),
		get("/settings/apps", s.apps), post("/settings/apps/{id}/end", ownSetting, s.endApp),
		get("/invitations", s.invitations), post("/invitations", "none: every member may invite people", s.invite),
		post("/invitations/{id}/withdraw", "none: members withdraw their own invitations", s.withdraw),

		get("/coop", s.hub), get("/members", s.members), get("/members/applications", s.applications),
		post("/members/applications/{id}/accept", member.Admit, s.accept), post("/members/applications/{id}/decline", member.Admit, s.decline),
		get("/groups", s.groups), get("/groups/{handle}", s.group),
		post("/groups/{handle}/join", ownSeat, s.joinGroup), post("/groups/{handle}/leave", ownSeat, s.leaveGroup),
		post("/groups/{handle}/handover", ownSeat, s.addHandover), post("/handovers/{id}/done", ownSeat, s.tickHandover),
		post("/mandates/{id}/accept", ownOffice, s.acceptOffice), post("/mandates/{id}/resign", ownOffice, s.resignOffice),
		post("/emergencies/{id}/ratify", "none: whoever holds the power of the act by a mandate; the service checks", s.ratifyAct),
		get("/rules", s.rules), get("/rules/{line}", s.rule), get("/rules.json", s.rulesJSON),
		get("/powers", s.powers),

		get("/about/edit", s.describeForm), post("/about/edit", coop.Power, s.describe),

		get("/oauth/authorize", s.consentForm), post("/oauth/authorize", "none: members let apps act for themselves", s.consent),
		get("/oauth/authorize/native", s.nativeCode),

		get("/{path...}", s.at),
	}...)
}
