package coopapi

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/member"
)

const tagApplications = "Applications"

func declareApplications(s *Service) {
	add(s, operation{id: "listApplications", method: http.MethodGet, path: "/applications", tag: tagApplications, summary: "Applications that wait for an answer", needs: reads,
		about: "For whoever holds the power member.admit. The oldest first."}, s.listApplications)
	add(s, operation{id: "acceptApplication", method: http.MethodPost, path: "/applications/{id}/accept", tag: tagApplications, summary: "Make the applicant a member", needs: writes, act: member.Admit},
		s.acceptApplication)
	add(s, operation{id: "declineApplication", method: http.MethodPost, path: "/applications/{id}/decline", tag: tagApplications, summary: "Answer with no", needs: writes, act: member.Admit,
		about: "The applicant is told the reason. The public record says that an application was declined, not whose or why."}, s.declineApplication)
}

// Application is a request to become a member.
type Application struct {
	ID        id.ID      `json:"id"`
	Name      string     `json:"name"`
	Username  string     `json:"username"`
	Email     string     `json:"email"`
	Answers   []Answered `json:"answers"`
	CreatedAt time.Time  `json:"created_at"`
}

// Answered is a question and what an applicant wrote.
type Answered struct {
	Question string `json:"question,omitempty" doc:"Empty for the one that every co-op asks which has none of its own: why one would like to join."`
	Answer   string `json:"answer"`
}

func (s *Service) listApplications(ctx context.Context, by authz.Actor, in *Paging) (*Listed[Application], error) {
	list, err := s.Member.Waiting(ctx, by)
	if err != nil {
		return nil, err
	}
	return cut(in, list, rising, func(a *member.Application) place { return place{int64(a.ID)} }, func(a *member.Application) (Application, error) {
		out := Application{ID: a.ID, Name: a.Name, Username: a.Username, Email: a.Email, Answers: []Answered{}, CreatedAt: a.CreatedAt.UTC()}
		for _, x := range a.Answers() {
			out.Answers = append(out.Answers, Answered{x.Question, x.Answer})
		}
		return out, nil
	})
}

func (s *Service) acceptApplication(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
	Body *Reason `required:"false"`
}) (*Of[Member], error) {
	m, err := s.Member.Accept(ctx, by, in.id(), in.Body.text())
	if err != nil {
		return nil, err
	}
	return one(s.showMember(&m, nil)), nil
}

func (s *Service) declineApplication(ctx context.Context, by authz.Actor, in *struct {
	Identified
	Once
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"2000" doc:"The applicant is told it."`
	}
}) (*None, error) {
	return &None{}, s.Member.Decline(ctx, by, in.id(), in.Body.Reason)
}
