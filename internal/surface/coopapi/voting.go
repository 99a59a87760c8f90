package coopapi

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
)

// Choice is what a member votes; which field is used depends on the method.
type Choice struct {
	Choice string   `json:"choice,omitempty" doc:"Proposal: agree, abstain, disagree, block where the rule lets. Consent: consent, abstain, objection; integrated for an objection that its author sees met."`
	Marks  []int    `json:"marks,omitempty" doc:"Choose: the options marked, from 0."`
	Points []int64  `json:"points,omitempty" doc:"Score and dots: a number for each option."`
	Ranks  []int    `json:"ranks,omitempty" doc:"Ranking: a rank for each option; 1 is best, 0 unranked."`
	Answer []int    `json:"answer,omitempty" doc:"Count and times: an answer for each option, from 0; -1 for none."`
	Words  []string `json:"words,omitempty" doc:"Question round: an answer for each question."`
}

// Mine is what a vote means for the member.
type Mine struct {
	OnRoll bool     `json:"on_roll" doc:"Whether the member may vote: the roll was fixed when voting opened."`
	Vote   *OwnVote `json:"vote,omitempty"`
}

// OwnVote is the member's own vote with what proves it.
type OwnVote struct {
	Choice
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
	Version int       `json:"version" doc:"How often it was cast."`
	Digest  string    `json:"digest" doc:"What the public record commits to: SHA-256, in hexadecimal, of the salt, a line feed and the paper."`
	Salt    string    `json:"salt"`
	Paper   string    `json:"paper" doc:"The vote in the form that is hashed and counted."`
}

func ownVote(v *decision.Vote) OwnVote {
	return OwnVote{Choice: Choice(v.Choice()), Reason: v.Reason, At: v.At.UTC(), Version: v.Version, Digest: v.Digest, Salt: v.Salt, Paper: v.ChoiceJSON}
}

// Receipt says that a vote is in.
type Receipt struct {
	OwnVote
	Record int64 `json:"record" doc:"Its entry in the public record."`
}

func (s *Service) vote(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body struct {
		Choice
		Reason string `json:"reason,omitempty" maxLength:"2000" doc:"Needed for a block and for an objection."`
	}
}) (*Of[Receipt], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	r, err := s.Decision.Cast(ctx, by, m.ID, decision.Choice(in.Body.Choice), in.Body.Reason)
	if err != nil {
		return nil, err
	}
	return one(Receipt{ownVote(&r.Vote), r.Seq}), nil
}

// Vote is a vote as the members may read it.
type Vote struct {
	Member Person `json:"member"`
	Choice
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

func declareVotes(s *Service) {
	add(s, operation{id: "listVotes", method: http.MethodGet, path: "/decisions/{number}/votes", tag: tagDecisions, summary: "Who voted what, and why", needs: reads,
		about: "For members, once the count may be shown. The newest first."}, s.listVotes)
}

func (s *Service) listVotes(ctx context.Context, by authz.Actor, in *struct {
	Numbered
	Paging
}) (*Listed[Vote], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	sees := decision.Seen{}
	if !m.CalledAt.IsZero() && m.State != decision.Called {
		if sees, err = s.Decision.Sees(ctx, by, &m); err != nil {
			return nil, err
		}
	}
	if !sees.Names {
		return nil, fault.New(fault.Conflict, "The votes on this motion are not shown yet.")
	}
	list, err := s.Decision.Votes(ctx, m.ID, m.Votes+1) // the place of one can change while it is read
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(&in.Paging, list, falling, func(v *decision.Vote) place { return place{v.At.UnixMilli(), int64(v.ID)} }, func(v *decision.Vote) (Vote, error) {
		out := Vote{Choice: Choice(v.Choice()), Reason: v.Reason, At: v.At.UTC()}
		who, err := n.person(ctx, v.Member)
		if who != nil {
			out.Member = *who
		}
		return out, err
	})
}
