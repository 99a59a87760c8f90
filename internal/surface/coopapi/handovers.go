package coopapi

import (
	"context"
	"net/http"
	"slices"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/mandate"
)

const ownList = "none: who sits in a body or holds an office of it keeps its hand-over list; the service checks"

func declareHandovers(s *Service) {
	add(s, operation{id: "listHandovers", method: http.MethodGet, path: "/bodies/{handle}/handovers", tag: tagBodies, summary: "The hand-over list of a body", needs: reads,
		about: "What the next holders of its offices should know and be given. For members of the body and holders of its offices."}, s.listHandovers)
	add(s, operation{id: "addHandover", method: http.MethodPost, path: "/bodies/{handle}/handovers", tag: tagBodies, summary: "Write an item on the hand-over list", needs: writes, act: ownList}, s.addHandover)
	add(s, operation{id: "tickHandover", method: http.MethodPost, path: "/handovers/{id}/done", tag: tagBodies, summary: "Say that an item has been handed over", needs: writes, act: ownList}, s.tickHandover)
}

// Handover is something that the holder of an office hands to the next one.
type Handover struct {
	ID     id.ID      `json:"id"`
	Office string     `json:"office"`
	Text   string     `json:"text"`
	By     *Person    `json:"by,omitempty" doc:"Who wrote it down."`
	At     time.Time  `json:"at"`
	Done   *time.Time `json:"done_at,omitempty" doc:"When it was handed over."`
}

func (s *Service) listHandovers(ctx context.Context, by authz.Actor, in *struct {
	Handled
	Paging
}) (*Listed[Handover], error) {
	b, err := s.Mandate.BodyByHandle(ctx, s.DB, in.Handle)
	if err != nil {
		return nil, err
	}
	if ok, err := s.worksIn(ctx, by, b.ID); err != nil {
		return nil, err
	} else if !ok {
		return nil, fault.New(fault.Forbidden, "This is for members of the body and holders of its offices.")
	}
	list, err := s.Mandate.Handovers(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b mandate.Handover) int { return int(a.ID - b.ID) })
	n := s.names()
	return cut(&in.Paging, list, rising, func(h *mandate.Handover) place { return place{int64(h.ID)} }, func(h *mandate.Handover) (Handover, error) {
		who, err := n.person(ctx, h.AddedBy)
		return Handover{h.ID, h.Office, h.Text, who, h.AddedAt.UTC(), instant(h.DoneAt)}, err
	})
}

// worksIn reports whether a member sits in a body or holds an office of it.
func (s *Service) worksIn(ctx context.Context, by authz.Actor, body id.ID) (bool, error) {
	sits, err := s.Mandate.Sits(ctx, s.DB, body, by.Member)
	if err != nil || sits {
		return sits, err
	}
	held, err := s.Mandate.InForce(ctx)
	return slices.ContainsFunc(held, func(m mandate.Mandate) bool { return m.BodyID == body && m.MemberID == by.Member }), err
}

func (s *Service) addHandover(ctx context.Context, by authz.Actor, in *struct {
	Handling
	Body struct {
		Office string `json:"office" minLength:"1" maxLength:"60" doc:"For whose next holder it is."`
		Text   string `json:"text" minLength:"1" maxLength:"500"`
	}
}) (*None, error) {
	b, err := s.Mandate.BodyByHandle(ctx, s.DB, in.Handle)
	if err != nil {
		return nil, err
	}
	return &None{}, s.Mandate.AddHandover(ctx, by, b.ID, in.Body.Office, in.Body.Text)
}

func (s *Service) tickHandover(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
}) (*None, error) {
	return &None{}, s.Mandate.TickHandover(ctx, by, in.id())
}
