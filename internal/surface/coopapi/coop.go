package coopapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
)

const tagCoop = "The co-op"

func declareCoop(s *Service) {
	add(s, operation{id: "getCoop", method: http.MethodGet, path: "/coop", tag: tagCoop, summary: "What the co-op says about itself",
		about: "Its name, how one joins it, its rules of conduct, and how much of everything there is."}, s.getCoop)
	add(s, operation{id: "describeCoop", method: http.MethodPut, path: "/coop", tag: tagCoop, summary: "Change what the co-op says about itself", needs: writes, act: coop.Power,
		about: "All of it is replaced. It is an act on the public record; the address for questions stays outside it."}, s.describeCoop)
}

// Coop is the co-op at a glance.
type Coop struct {
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Host        string    `json:"host"`
	URL         string    `json:"url" format:"uri"`
	Account     id.ID     `json:"account_id,omitempty" doc:"The co-op's own account, as Mastodon's API knows it."`
	Contact     string    `json:"contact,omitempty" doc:"An e-mail address."`
	Joining     string    `json:"joining" enum:"application,invitation,closed" doc:"How one may join."`
	Conduct     []string  `json:"conduct" doc:"The rules of conduct, one each."`
	Preset      string    `json:"preset" doc:"The rulebook it was founded on."`
	FoundedAt   time.Time `json:"founded_at"`
	Counts      Counts    `json:"counts"`
}

// Counts are how much of everything there is.
type Counts struct {
	Members   int   `json:"members"`
	Bodies    int   `json:"bodies" doc:"With the general meeting."`
	Mandates  int   `json:"mandates" doc:"In force."`
	OpenVotes int   `json:"open_votes"`
	Record    int64 `json:"record" doc:"Entries of the public record."`
}

func (s *Service) getCoop(ctx context.Context, _ authz.Actor, _ *struct{}) (*Of[Coop], error) {
	c, err := s.Coop.Get(ctx)
	if err != nil {
		return nil, err
	}
	out := Coop{Name: c.Name, Description: c.Description, Host: s.Site.Host, URL: s.Site.URL, Account: c.AccountID, Contact: c.Contact, Joining: c.Joining,
		Conduct: append([]string{}, c.Rules()...), Preset: c.Preset, FoundedAt: c.FoundedAt.UTC()}
	if out.Counts, err = s.counts(ctx); err != nil {
		return nil, err
	}
	return one(out), nil
}

func (s *Service) describeCoop(ctx context.Context, by authz.Actor, in *struct {
	Body struct {
		Name        string   `json:"name" minLength:"1" maxLength:"80"`
		Description string   `json:"description" maxLength:"1000"`
		Joining     string   `json:"joining" enum:"application,invitation,closed" doc:"How one may join."`
		Conduct     []string `json:"conduct" maxItems:"100" doc:"The rules of conduct, one each."`
		Contact     string   `json:"contact,omitempty" maxLength:"254" doc:"An e-mail address for questions."`
		Reason      string   `json:"reason,omitempty" maxLength:"5000" doc:"Why; it is on the public record."`
	}
}) (*Of[Coop], error) {
	d := coop.Description{Name: in.Body.Name, Description: in.Body.Description, Joining: in.Body.Joining, Conduct: strings.Join(in.Body.Conduct, "\n"), Contact: in.Body.Contact}
	if err := s.Coop.Describe(ctx, by, d, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.getCoop(ctx, by, nil)
}

func (s *Service) counts(ctx context.Context) (out Counts, err error) {
	if out.Members, err = s.Member.Count(ctx); err != nil {
		return out, err
	}
	bodies, err := s.Mandate.Bodies(ctx, s.DB)
	if err != nil {
		return out, err
	}
	mandates, err := s.Mandate.InForce(ctx)
	if err != nil {
		return out, err
	}
	out.Bodies, out.Mandates = len(bodies), len(mandates)
	if out.Record, err = s.Record.Size(ctx); err != nil {
		return out, err
	}
	for f := (decision.Filter{Phase: "open", Limit: 100}); ; {
		part, err := s.Decision.List(ctx, f)
		if err != nil {
			return out, err
		}
		out.OpenVotes += len(part)
		if len(part) < f.Limit {
			return out, nil
		}
		f.Before = part[len(part)-1].Number
	}
}
