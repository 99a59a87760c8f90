package coopapi

import (
	"context"
	"net/http"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
)

func declareCollaborators(s *Service) {
	const one = "/decisions/{number}/collaborators/{member}"
	add(s, operation{id: "listCollaborators", method: http.MethodGet, path: "/decisions/{number}/collaborators", tag: tagDecisions, summary: "Who works on a draft with its mover", needs: reads,
		about: "For them and the mover. Once the motion is published it is the mover's alone, and the list is empty."}, s.listCollaborators)
	add(s, operation{id: "addCollaborator", method: http.MethodPut, path: one, tag: tagDecisions, summary: "Let a member work on one's draft", needs: writes, act: mover,
		about: "They see the draft and can change it; only the mover publishes it."}, s.collaborate(true))
	add(s, operation{id: "removeCollaborator", method: http.MethodDelete, path: one, tag: tagDecisions, summary: "Let a member no longer work on one's draft", needs: writes, act: mover}, s.collaborate(false))
}

func (s *Service) listCollaborators(ctx context.Context, by authz.Actor, in *struct {
	Numbered
	Paging
}) (*Listed[Person], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	var list []Person
	if m.State == decision.Draft {
		who, err := s.Decision.Collaborators(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		if list, err = s.names().persons(ctx, who); err != nil {
			return nil, err
		}
	}
	return cut(&in.Paging, list, rising, func(p *Person) place { return place{int64(p.ID)} }, func(p *Person) (Person, error) { return *p, nil })
}

type collaboration struct {
	Numbered
	Member int64 `path:"member" minimum:"1" doc:"The number on the register of the member."`
}

func (s *Service) collaborate(in bool) func(context.Context, authz.Actor, *collaboration) (*None, error) {
	return func(ctx context.Context, by authz.Actor, x *collaboration) (*None, error) {
		m, err := s.motion(ctx, by, &x.Numbered)
		if err != nil {
			return nil, err
		}
		who, err := s.Member.ByNumber(ctx, s.DB, x.Member)
		if err != nil {
			return nil, err
		}
		return &None{}, s.Decision.Collaborate(ctx, by, m.ID, who.ID, in)
	}
}
