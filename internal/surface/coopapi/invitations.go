package coopapi

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/member"
)

const (
	inviter   = "none: every member may invite people; the register checks"
	ownInvite = "none: members withdraw their own invitations"
)

func declareInvitations(s *Service) {
	add(s, operation{id: "listInvitations", method: http.MethodGet, path: "/invitations", tag: tagMembers, summary: "One's own invitations", needs: reads, about: "The newest first."}, s.listInvitations)
	add(s, operation{id: "invite", method: http.MethodPost, path: "/invitations", tag: tagMembers, summary: "Invite people", needs: writes, act: inviter, status: http.StatusCreated,
		about: "Whoever has the link becomes a member at once. It is good for 14 days; the public record says whose it was."}, s.invite)
	add(s, operation{id: "withdrawInvitation", method: http.MethodDelete, path: "/invitations/{id}", tag: tagMembers, summary: "Take an invitation back", needs: writes, act: ownInvite}, s.withdrawInvitation)
	add(s, operation{id: "recordDeath", method: http.MethodPost, path: "/members/{number}/died", tag: tagMembers, summary: "Record that a member has died", needs: writes, act: member.Admit,
		about: "It ends the membership and the offices."}, s.recordDeath)
	add(s, operation{id: "listQuestions", method: http.MethodGet, path: "/applications/questions", tag: tagApplications, summary: "What applicants are asked",
		about: "Without any, they are asked why they would like to join."}, s.listQuestions)
	add(s, operation{id: "setQuestions", method: http.MethodPut, path: "/applications/questions", tag: tagApplications, summary: "Choose what applicants are asked", needs: writes, act: member.Admit,
		about: "All questions are replaced; one that stays as it is keeps its id."}, s.setQuestions)
}

// Invitation lets people join without an application.
type Invitation struct {
	ID        id.ID      `json:"id"`
	Code      string     `json:"code"`
	Link      string     `json:"link" format:"uri" doc:"The page on which one joins with it."`
	Note      string     `json:"note,omitempty" doc:"For oneself: whom it is for."`
	Uses      int        `json:"uses" doc:"How many have joined with it."`
	MaxUses   int        `json:"max_uses"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt time.Time  `json:"expires_at"`
	Withdrawn *time.Time `json:"withdrawn_at,omitempty"`
	Good      bool       `json:"good" doc:"It can still be used."`
}

func (s *Service) showInvitation(i *member.Invitation) Invitation {
	return Invitation{ID: i.ID, Code: i.Code, Link: s.Site.Join("/join?code=" + i.Code), Note: i.Note, Uses: i.Uses, MaxUses: i.MaxUses, CreatedAt: i.CreatedAt.UTC(),
		ExpiresAt: i.ExpiresAt.UTC(), Withdrawn: instant(i.WithdrawnAt), Good: i.Good(s.DB.Now())}
}

func (s *Service) listInvitations(ctx context.Context, by authz.Actor, in *Paging) (*Listed[Invitation], error) {
	list, err := s.Member.Invitations(ctx, by)
	if err != nil {
		return nil, err
	}
	return cut(in, list, falling, func(i *member.Invitation) place { return place{int64(i.ID)} }, func(i *member.Invitation) (Invitation, error) { return s.showInvitation(i), nil })
}

func (s *Service) invite(ctx context.Context, by authz.Actor, in *struct {
	Once
	Body struct {
		MaxUses int    `json:"max_uses,omitempty" minimum:"1" maximum:"20" doc:"How many people can join with it; without it, one."`
		Note    string `json:"note,omitempty" maxLength:"200" doc:"For oneself: whom it is for."`
	}
}) (*Of[Invitation], error) {
	i, err := s.Member.Invite(ctx, by, max(in.Body.MaxUses, 1), in.Body.Note)
	if err != nil {
		return nil, err
	}
	return one(s.showInvitation(&i)), nil
}

func (s *Service) withdrawInvitation(ctx context.Context, by authz.Actor, in *Identified) (*None, error) {
	return &None{}, s.Member.Withdraw(ctx, by, in.id())
}

func (s *Service) recordDeath(ctx context.Context, by authz.Actor, in *struct {
	Number int64 `path:"number" minimum:"1" doc:"The number on the register."`
	Once
	Body *Reason `required:"false"`
}) (*Of[Member], error) {
	m, err := s.Member.ByNumber(ctx, s.DB, in.Number)
	if err != nil {
		return nil, err
	}
	if err := s.Member.RecordDeath(ctx, by, m.ID, in.Body.text()); err != nil {
		return nil, err
	}
	if m, err = s.Member.ByNumber(ctx, s.DB, in.Number); err != nil {
		return nil, err
	}
	return one(s.showMember(&m, nil)), nil
}

// Question is what applicants are asked.
type Question struct {
	ID   id.ID  `json:"id"`
	Text string `json:"text"`
}

func (s *Service) listQuestions(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[Question], error) {
	type numbered struct {
		member.Question
		at int64
	}
	questions, err := s.Member.Questions(ctx)
	if err != nil {
		return nil, err
	}
	var list []numbered
	for i, q := range questions {
		list = append(list, numbered{q, int64(i) + 1})
	}
	return cut(in, list, rising, func(q *numbered) place { return place{q.at} }, func(q *numbered) (Question, error) { return Question{q.ID, q.Text}, nil })
}

func (s *Service) setQuestions(ctx context.Context, by authz.Actor, in *struct {
	Body struct {
		Questions []string `json:"questions" maxItems:"10" doc:"In the order in which they are asked; 300 characters each at most."`
		Reason    string   `json:"reason,omitempty" maxLength:"5000" doc:"Why; it is on the public record."`
	}
}) (*Listed[Question], error) {
	if err := s.Member.SetQuestions(ctx, by, in.Body.Questions, in.Body.Reason); err != nil {
		return nil, err
	}
	return s.listQuestions(ctx, by, &Paging{Limit: 80})
}
