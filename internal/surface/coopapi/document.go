package coopapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const securityScheme = "oauth"

// newAPI is an API without operations.
func newAPI(s *Service) huma.API {
	registry := huma.NewMapRegistry("#/components/schemas/", nameSchema)
	forms(registry)
	problem := registry.Schema(problemSchema, true, "")
	answer := func(what string) *huma.Response {
		return &huma.Response{Description: what, Content: map[string]*huma.MediaType{problemType: {Schema: problem}}}
	}
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "The co-op's API", Version: s.Version, License: &huma.License{Name: "AGPL-3.0-or-later", Identifier: "AGPL-3.0-or-later"},
			Description: "The institutions of this co-op: its register, rulebook, bodies, decisions and public record. What everybody may read needs no token. Posts and accounts are read through Mastodon's API."},
		Servers: []*huma.Server{{URL: s.Site.URL + Base}},
		Tags: []*huma.Tag{{Name: tagCoop, Description: "What it is and how much of it there is."}, {Name: tagMembers, Description: "Who belongs to the co-op."}, {Name: tagRules, Description: "How what is decided."},
			{Name: tagBodies, Description: "Who may do what, and until when."}, {Name: tagEffects, Description: "What a decision changes by itself."},
			{Name: tagDecisions, Description: "From the draft to the effects and the review."}, {Name: tagElections, Description: "How members get offices: nominations, secret ballots, counts that anybody can repeat."}, {Name: tagDiscussion, Description: "Comments, reactions, amendments and the versions of a text."}, {Name: tagRecord, Description: "What was done, by whose authority, and the proofs that nothing of it changed."},
			{Name: tagApplications, Description: "Who would like to join."}},
		Components: &huma.Components{Schemas: registry,
			Responses: map[string]*huma.Response{"Problem": answer("The operation is refused, and why."), "Unauthorized": answer("It takes an access token, or this one is not good."),
				"TooMany": answer("Too many requests at once; the header Retry-After says how many seconds to wait.")},
			SecuritySchemes: map[string]*huma.SecurityScheme{securityScheme: {Type: "oauth2", Description: "An access token of this server, as Bearer. Apps register at POST /api/v1/apps. The scope coop covers both.",
				Flows: &huma.OAuthFlows{AuthorizationCode: &huma.OAuthFlow{AuthorizationURL: s.Site.Join("/oauth/authorize"), TokenURL: s.Site.Join("/oauth/token"), Scopes: map[string]string{
					string(reads): "Read what a member of the co-op can read: discussions, votes, the own entry.", string(writes): "Take part: draft, discuss, vote, accept an office."}}}}}},
	}
	return huma.NewAPI(huma.Config{OpenAPI: doc, Formats: map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json", RejectUnknownQueryParameters: true, Transformers: []huma.Transformer{reword}}, collector{s})
}

// nameSchema names pages after what they hold: DecisionLinePage.
func nameSchema(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if of, ok := strings.CutPrefix(name, "Page"); ok && of != "" {
		return of + "Page"
	}
	return name
}

// refusals are the answers of an operation that does nothing.
func refusals(o *operation) map[string]*huma.Response {
	to := func(name string) *huma.Response { return &huma.Response{Ref: "#/components/responses/" + name} }
	out := map[string]*huma.Response{"default": to("Problem"), "401": to("Unauthorized"), "429": to("TooMany")}
	if o.id == "getCheckpoint" { // the one operation that answers in two forms
		out["200"] = &huma.Response{Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Ref: "#/components/schemas/Checkpoint"}}, "text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}
	}
	return out
}

// tidy brings the document in order once all operations are declared.
func tidy(doc *huma.OpenAPI) {
	registry := doc.Components.Schemas
	registry.Schema(reflect.TypeFor[Checkpoint](), true, "")
	schemas := registry.Map()
	delete(schemas, "ErrorModel") // huma's own, for which Problem stands
	delete(schemas, "ErrorDetail")
	sent := map[string]bool{}
	var mark func(s *huma.Schema)
	mark = func(s *huma.Schema) {
		walk(s, func(s *huma.Schema) {
			if name := strings.TrimPrefix(s.Ref, "#/components/schemas/"); s.Ref != "" && !sent[name] {
				sent[name] = true
				mark(schemas[name])
			}
		})
	}
	all := []*huma.Schema{}
	for _, item := range doc.Paths {
		for _, op := range operationsOf(item) {
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Content {
					mark(m.Schema)
				}
			}
			for _, p := range op.Parameters {
				all = append(all, p.Schema)
			}
		}
	}
	for name, s := range schemas {
		all = append(all, s)
		if !sent[name] && s.AdditionalProperties == false {
			s.AdditionalProperties = nil // answers can grow; what is sent must be known in full
		}
	}
	for _, s := range all {
		walk(s, func(s *huma.Schema) {
			if s.Type == huma.TypeArray {
				s.Nullable = false // an empty list is a list
				s.PrecomputeMessages()
			}
		})
	}
	explain(schemas)
}

// walk visits a schema and those within it, not those it refers to.
func walk(s *huma.Schema, visit func(*huma.Schema)) {
	if s == nil {
		return
	}
	visit(s)
	walk(s.Items, visit)
	for _, p := range s.Properties {
		walk(p, visit)
	}
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		walk(more, visit)
	}
}

func operationsOf(item *huma.PathItem) []*huma.Operation {
	var out []*huma.Operation
	for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
		if op != nil {
			out = append(out, op)
		}
	}
	return out
}

// written is the document as it is handed out.
type written struct{ json, yaml []byte }

func write(doc *huma.OpenAPI) (out written, err error) {
	if out.json, err = json.Marshal(doc); err != nil {
		return out, fmt.Errorf("write the description of the API: %w", err)
	}
	if out.yaml, err = doc.YAML(); err != nil {
		return out, fmt.Errorf("write the description of the API: %w", err)
	}
	return out, nil
}

// success is the status and the answer of an operation that is done.
func success(op *huma.Operation) (status string, r *huma.Response) {
	status = strconv.Itoa(op.DefaultStatus)
	return status, op.Responses[status]
}
