package coopapi

import (
	"context"
	"embed"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rochdale/internal/ballot"
	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/web"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this surface.
func Migrations() db.Source { return db.Source{Feature: "coopapi", Files: migrations} }

// Base is where the operations live; the document is beside it.
const (
	Base         = "/api/coop/v1"
	DocumentJSON = "/api/coop/openapi.json"
	DocumentYAML = "/api/coop/openapi.yaml"
)

// Deps are what the surface stands on, all of them needed.
type Deps struct {
	DB       *db.DB
	Site     config.Site
	Version  string // of the program
	Coop     *coop.Service
	Member   *member.Service
	Mandate  *mandate.Service
	Rulebook *rulebook.Service
	Decision *decision.Service
	Ballot   *ballot.Service
	Election *election.Service
	Record   *record.Service
}

// Service is the surface.
type Service struct {
	Deps
	api      huma.API
	routes   []web.Route
	document func() (written, error)
}

// New makes the surface with its operations and their document.
func New(d Deps) *Service {
	s := &Service{Deps: d}
	s.api = newAPI(s)
	for _, declare := range []func(*Service){declareCoop, declareMembers, declareRules, declareBodies, declareEffects, declareDecisions, declareDeciding,
		declareDiscussion, declareRecord, declareApplications,
		declareElections, declareCollaborators, declareHandovers, declareInvitations} {
		declare(s)
	}
	tidy(s.api.OpenAPI())
	s.document = sync.OnceValues(func() (written, error) { return write(s.api.OpenAPI()) })
	return s
}

// Routes are the addresses of the operations and of the document.
func (s *Service) Routes() []web.Route {
	served := func(contentType string, part func(written) []byte) web.Handler {
		return func(w http.ResponseWriter, _ *http.Request) error {
			doc, err := s.document()
			if err != nil {
				return err
			}
			w.Header().Set("Cache-Control", "public, max-age=300")
			return web.Bytes(w, http.StatusOK, contentType, part(doc))
		}
	}
	return append([]web.Route{
		{Pattern: "GET " + DocumentJSON, Style: web.API, Problem: early, Handler: served("application/json; charset=utf-8", func(d written) []byte { return d.json })},
		{Pattern: "GET " + DocumentYAML, Style: web.API, Problem: early, Handler: served("application/yaml; charset=utf-8", func(d written) []byte { return d.yaml })},
		// Each with its method: the site takes every other GET, and a pattern must be within another or apart.
		{Pattern: "GET /api/coop/{rest...}", Style: web.API, Problem: early, Handler: s.nowhere},
		{Pattern: "POST /api/coop/{rest...}", Style: web.API, Problem: early, Handler: s.nowhere, Act: "none: nothing lives here"},
		{Pattern: "PUT /api/coop/{rest...}", Style: web.API, Problem: early, Handler: s.nowhere, Act: "none: nothing lives here"},
		{Pattern: "PATCH /api/coop/{rest...}", Style: web.API, Problem: early, Handler: s.nowhere, Act: "none: nothing lives here"},
		{Pattern: "DELETE /api/coop/{rest...}", Style: web.API, Problem: early, Handler: s.nowhere, Act: "none: nothing lives here"},
	}, s.routes...)
}

// nowhere answers where there is no operation.
func (s *Service) nowhere(w http.ResponseWriter, _ *http.Request) error {
	a := newAnswer(w)
	a.problem((&call{header: w.Header()}).problem(fault.New(fault.NotFound, "There is no such operation: see %s.", s.Site.Join(DocumentJSON))))
	return a.send()
}

// Sweep erases the answers that are kept for requests which come twice, once their day is over.
func (s *Service) Sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := sweepAnswers.Run(ctx, tx, tx.Now().Add(-keepAnswers))
		return err
	})
}

// keepAnswers is how long a request that comes again is known.
const keepAnswers = 24 * time.Hour
