package coopapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
)

// Why these need no power: each is judged by who is a member, who moved, who is on the roll.
const (
	mover   = "none: the mover of a motion, or who works on its draft; the service checks"
	speaker = "none: every member may take part in a discussion"
	voter   = "none: the roll of the vote says who may"
)

func declareDeciding(s *Service) {
	post := func(verb, opID, act, summary, about string) operation {
		return operation{id: opID, method: http.MethodPost, path: "/decisions/{number}/" + verb, tag: tagDecisions, summary: summary, about: about, needs: writes, act: act}
	}
	made := func(o operation) operation { o.status = http.StatusCreated; return o }
	add(s, operation{id: "draftDecision", method: http.MethodPost, path: "/decisions", tag: tagDecisions, summary: "Draft a motion", needs: writes, act: mover, status: http.StatusCreated,
		about: "Only the mover sees it until it is published."}, s.draft)
	add(s, operation{id: "editDecision", method: http.MethodPut, path: "/decisions/{number}", tag: tagDecisions, summary: "Change a motion that is not called", needs: writes, act: mover,
		about: "All of it is replaced. Once it is published, each change of the text is a version that anyone can read."}, s.edit)
	add(s, post("publish", "publishDecision", mover, "Open the discussion", "The members are told."), s.publish)
	add(s, post("call", "callDecision", mover, "Put a motion to the vote", "It freezes the text, the effects with what they change, the rule and the day of the roll."), s.callVote)
	add(s, post("withdraw", "withdrawDecision", mover, "Take a motion back before its close", ""), s.withdraw)
	add(s, post("extend", "extendDecision", mover, "Let an open vote close later", ""), s.extend)
	add(s, post("support", "supportDecision", voter, "Put one's name under a motion",
		"To second it, to sign a petition, or to call a carried decision in. A petition with enough names is called at once; a decision that enough members call in goes to the general meeting."), s.support)
	add(s, post("vote", "vote", voter, "Vote, or change one's vote", "Which field is used depends on the method. It can be changed until the close; the last one counts."), s.vote)
	add(s, post("state", "stateOutcome", mover, "State the outcome in one's own words", ""), s.state)
	add(s, post("review", "reviewDecision", voter, "Note what a look back at a decision found", "Members of the body can."), s.review)
	add(s, made(post("reopen", "reopenDecision", mover, "Draft a motion again that is over", "Re-opening makes a new decision.")), s.reopen)
	add(s, made(post("undo", "undoDecision", mover, "Draft a motion that would undo a decision in force", "It carries the inverses of the effects.")), s.undo)
}

// Draft is what a mover writes.
type Draft struct {
	Body     string            `json:"body,omitempty" doc:"The handle of the body that decides; without it, the general meeting."`
	Title    string            `json:"title" minLength:"1" maxLength:"120"`
	Text     string            `json:"text,omitempty" maxLength:"20000" doc:"Markdown."`
	Method   string            `json:"method,omitempty" enum:"proposal,consent,ranking,choose,score,dots,count,times,questions" doc:"Without it, a proposal."`
	Settings decision.Settings `json:"settings,omitzero" doc:"What the method needs: options for all but proposal and consent; max for choose; low and high for score; dots for dots; results: \"after close\" or \"after voting\", to show the count later than the rule says."`
	Effects  []DraftEffect     `json:"effects,omitempty" maxItems:"10" doc:"What the program changes once the motion is in force."`
	Review   time.Time         `json:"review,omitzero" doc:"When the members look at it again; without it, as the rule says."`
	Petition bool              `json:"petition,omitempty" doc:"Put to the general meeting by a share of the members, whatever the rules ask for otherwise."`
}

// DraftEffect is an effect as a mover puts it.
type DraftEffect struct {
	Effect
	Option *int `json:"option,omitempty" minimum:"0" doc:"The alternative it belongs to, from 0; without it, the motion."`
}

func (s *Service) drafting(ctx context.Context, d *Draft) (decision.Drafting, error) {
	b, err := s.bodyNamed(ctx, d.Body)
	if err != nil {
		return decision.Drafting{}, err
	}
	out := decision.Drafting{Body: b.ID, Title: d.Title, Text: d.Text, Method: d.Method, Settings: d.Settings, Review: d.Review, Petition: d.Petition}
	for i := range d.Effects {
		e := &d.Effects[i]
		p := decision.Proposed{Option: -1, Stored: e.stored()}
		if e.Option != nil {
			p.Option = *e.Option
		}
		out.Effects = append(out.Effects, p)
	}
	return out, nil
}

// Made is the answer with something new, and where it is.
type Made[T any] struct {
	Location string `header:"Location" doc:"Where it is from now on."`
	Body     T
}

func (s *Service) made(ctx context.Context, by authz.Actor, m *decision.Motion, err error) (*Made[Decision], error) {
	d, err := s.shown(ctx, by, m, err)
	if err != nil {
		return nil, err
	}
	return &Made[Decision]{fmt.Sprintf("%s/decisions/%d", Base, m.Number), d.Body}, nil
}

func (s *Service) draft(ctx context.Context, by authz.Actor, in *struct {
	Once
	Body Draft
}) (*Made[Decision], error) {
	d, err := s.drafting(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	m, err := s.Decision.Draft(ctx, by, d)
	return s.made(ctx, by, &m, err)
}

func (s *Service) edit(ctx context.Context, by authz.Actor, in *struct {
	Numbered
	Body Draft
}) (*Of[Decision], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	d, err := s.drafting(ctx, &in.Body)
	if err != nil {
		return nil, err
	}
	m, err = s.Decision.Edit(ctx, by, m.ID, d)
	return s.shown(ctx, by, &m, err)
}

// Step is an act on a motion.
type Step struct {
	Numbered
	Once
}

// step does something with the motion of an address.
func (s *Service) step(ctx context.Context, by authz.Actor, in *Step, do func(motion id.ID) (decision.Motion, error)) (*Of[Decision], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	m, err = do(m.ID)
	return s.shown(ctx, by, &m, err)
}

func (s *Service) publish(ctx context.Context, by authz.Actor, in *Step) (*Of[Decision], error) {
	return s.step(ctx, by, in, func(m id.ID) (decision.Motion, error) { return s.Decision.Publish(ctx, by, m) })
}

// Calling is how a motion is put to the vote.
type Calling struct {
	Opens  time.Time `json:"opens,omitzero" doc:"When voting opens; without it, at once. 90 days ahead at most."`
	Hours  int       `json:"hours,omitempty" minimum:"1" maximum:"1440" doc:"How long voting is open; without it, as the rule says."`
	Urgent string    `json:"urgent,omitempty" maxLength:"2000" doc:"Why the urgent procedure is needed, to take it."`
}

func (s *Service) callVote(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body *Calling `required:"false"`
}) (*Of[Decision], error) {
	var c decision.Calling
	if in.Body != nil {
		c = decision.Calling{Opens: in.Body.Opens, For: time.Duration(in.Body.Hours) * time.Hour, Urgent: in.Body.Urgent}
	}
	return s.step(ctx, by, &in.Step, func(m id.ID) (decision.Motion, error) { return s.Decision.Call(ctx, by, m, c) })
}

func (s *Service) withdraw(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body *Reason `required:"false"`
}) (*Of[Decision], error) {
	return s.step(ctx, by, &in.Step, func(m id.ID) (decision.Motion, error) { return s.Decision.Withdraw(ctx, by, m, in.Body.text()) })
}

func (s *Service) extend(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body struct {
		Closes time.Time `json:"closes" doc:"The new close: later than the present one by as many days as the rule gives a vote, 60 days after the opening at most. A vote is extended once, and not in its last hour."`
		Reason string    `json:"reason" minLength:"1" maxLength:"5000" doc:"Why; it is on the public record."`
	}
}) (*Of[Decision], error) {
	return s.step(ctx, by, &in.Step, func(m id.ID) (decision.Motion, error) {
		return s.Decision.Extend(ctx, by, m, in.Body.Closes, in.Body.Reason)
	})
}

func (s *Service) support(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body struct {
		Kind   string `json:"kind" enum:"second,petition,call in"`
		Reason string `json:"reason,omitempty" maxLength:"5000"`
	}
}) (*Of[Decision], error) {
	return s.step(ctx, by, &in.Step, func(m id.ID) (decision.Motion, error) {
		return s.Decision.Support(ctx, by, m, in.Body.Kind, in.Body.Reason)
	})
}

func (s *Service) state(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body struct {
		Text string `json:"text" minLength:"1" maxLength:"5000"`
	}
}) (*Of[Decision], error) {
	return s.step(ctx, by, &in.Step, func(m id.ID) (decision.Motion, error) { return s.Decision.State(ctx, by, m, in.Body.Text) })
}

func (s *Service) review(ctx context.Context, by authz.Actor, in *struct {
	Step
	Body struct {
		Finding string    `json:"finding" minLength:"1" maxLength:"2000" doc:"What the look back found."`
		Next    time.Time `json:"next,omitzero" doc:"When to look again."`
	}
}) (*Of[Decision], error) {
	return s.step(ctx, by, &in.Step, func(m id.ID) (decision.Motion, error) {
		return s.Decision.Review(ctx, by, m, in.Body.Finding, in.Body.Next)
	})
}

func (s *Service) reopen(ctx context.Context, by authz.Actor, in *Step) (*Made[Decision], error) {
	return s.again(ctx, by, in, s.Decision.Reopen)
}

func (s *Service) undo(ctx context.Context, by authz.Actor, in *Step) (*Made[Decision], error) {
	return s.again(ctx, by, in, s.Decision.Undo)
}

func (s *Service) again(ctx context.Context, by authz.Actor, in *Step, do func(context.Context, authz.Actor, id.ID) (decision.Motion, error)) (*Made[Decision], error) {
	m, err := s.motion(ctx, by, &in.Numbered)
	if err != nil {
		return nil, err
	}
	m, err = do(ctx, by, m.ID)
	return s.made(ctx, by, &m, err)
}
