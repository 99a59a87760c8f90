package coopapi

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/tally"
	"rochdale/internal/rulebook"
)

const tagDecisions = "Decisions"

func declareDecisions(s *Service) {
	add(s, operation{id: "listDecisions", method: http.MethodGet, path: "/decisions", tag: tagDecisions, summary: "Motions and decisions",
		about: "The newest first. The phase draft lists the member's own drafts, and those that the member works on with others."}, s.listDecisions)
	add(s, operation{id: "listWaiting", method: http.MethodGet, path: "/decisions/waiting", tag: tagDecisions, summary: "Open votes that wait for the member", needs: reads,
		about: "Those that close first first."}, s.listWaiting)
	add(s, operation{id: "getDecision", method: http.MethodGet, path: "/decisions/{number}", tag: tagDecisions, summary: "One motion or decision",
		about: "Its text, the rule it runs under, what it would change or has changed, where it stands, the count as far as it may be shown now, and the member's own vote."}, s.getDecision)
}

// DecisionLine is a motion in a list.
type DecisionLine struct {
	ID           id.ID      `json:"id"`
	Number       int64      `json:"number"`
	URL          string     `json:"url" format:"uri"`
	Title        string     `json:"title"`
	Body         BodyRef    `json:"body" doc:"Who decides."`
	Mover        *Person    `json:"mover,omitempty" doc:"Without one it was put by a rule."`
	Method       string     `json:"method" enum:"proposal,consent,ranking,choose,score,dots,count,times,questions"`
	Phase        string     `json:"phase" enum:"draft,discussion,open,window,in force,closed"`
	State        string     `json:"state" enum:"draft,discussion,called,open,closed,window,in force,called in,withdrawn,rescinded,lapsing"`
	Outcome      string     `json:"outcome,omitempty" doc:"Once counted: carried, lost, no quorum, blocked, answered."`
	Execution    string     `json:"execution,omitempty" enum:"done,stale,failed" doc:"How the effects went."`
	Petition     bool       `json:"petition,omitempty" doc:"Called by a share of the members, whatever the rules ask for."`
	Urgent       string     `json:"urgent,omitempty" doc:"Why the urgent procedure is taken, if it is."`
	CreatedAt    time.Time  `json:"created_at"`
	PublishedAt  *time.Time `json:"published_at,omitempty"`
	CalledAt     *time.Time `json:"called_at,omitempty" doc:"When the text was frozen."`
	OpensAt      *time.Time `json:"opens_at,omitempty"`
	ClosesAt     *time.Time `json:"closes_at,omitempty"`
	CountedAt    *time.Time `json:"counted_at,omitempty"`
	WindowEndsAt *time.Time `json:"window_ends_at,omitempty" doc:"Until then members can call it in."`
	InForceAt    *time.Time `json:"in_force_at,omitempty"`
	ReviewAt     *time.Time `json:"review_at,omitempty"`
	Roll         int        `json:"roll" doc:"How many may vote, fixed when voting opens."`
	Votes        int        `json:"votes" doc:"How many have voted."`
}

func (n *names) line(ctx context.Context, m *decision.Motion) (DecisionLine, error) {
	out := DecisionLine{ID: m.ID, Number: m.Number, URL: n.Site.Join(fmt.Sprintf("/decisions/%d", m.Number)), Title: m.Title, Method: m.Method, Phase: m.Phase(),
		State: string(m.State), Outcome: string(m.Outcome), Execution: m.Execution, Petition: m.Petition, Urgent: m.Urgent, CreatedAt: m.CreatedAt.UTC(),
		PublishedAt: instant(m.PublishedAt), CalledAt: instant(m.CalledAt), OpensAt: instant(m.OpensAt), ClosesAt: instant(m.ClosesAt), CountedAt: instant(m.CountedAt),
		WindowEndsAt: instant(m.WindowEndsAt), InForceAt: instant(m.InForceAt), ReviewAt: instant(m.ReviewAt), Roll: m.RollSize, Votes: m.Votes}
	b, err := n.body(ctx, m.Body)
	if err != nil {
		return out, err
	}
	out.Body = *b
	out.Mover, err = n.person(ctx, m.Mover)
	return out, err
}

func (s *Service) listDecisions(ctx context.Context, by authz.Actor, in *struct {
	Phase string `query:"phase" enum:"draft,discussion,open,window,in force,closed" doc:"Only those in this phase."`
	Where string `query:"body" maxLength:"60" doc:"Only those of the body with this handle."` // Body would be what is sent
	Paging
}) (*Listed[DecisionLine], error) {
	before, err := in.number()
	if err != nil {
		return nil, err
	}
	f := decision.Filter{Phase: in.Phase, Before: before}
	if in.Where != "" {
		b, err := s.Mandate.BodyByHandle(ctx, s.DB, in.Where)
		if err != nil {
			return nil, err
		}
		f.Body = b.ID
	}
	var list []decision.Motion
	if in.Phase == decision.PhaseDraft {
		list, err = s.drafts(ctx, by, f)
	} else {
		list, err = s.motions(ctx, f, in.Limit+1)
	}
	if err != nil {
		return nil, err
	}
	n := s.names()
	return pageOf(&in.Paging, list, func(m *decision.Motion) int64 { return m.Number }, func(m *decision.Motion) (DecisionLine, error) { return n.line(ctx, m) })
}

// motions reads so many motions of a body or of a phase, or of both.
func (s *Service) motions(ctx context.Context, f decision.Filter, most int) ([]decision.Motion, error) {
	phase := f.Phase
	if f.Limit = most; f.Body != 0 && phase != "" {
		f.Limit = 100 // the feature narrows by one of them
	}
	var out []decision.Motion
	for {
		part, err := s.Decision.List(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, m := range part {
			if (phase == "" || m.Phase() == phase) && len(out) < most {
				out = append(out, m)
			}
		}
		if len(out) == most || len(part) < f.Limit {
			return out, nil
		}
		f.Before = part[len(part)-1].Number
	}
}

func (s *Service) drafts(ctx context.Context, by authz.Actor, f decision.Filter) ([]decision.Motion, error) {
	list, err := s.Decision.Drafts(ctx, by)
	return slices.DeleteFunc(list, func(m decision.Motion) bool {
		return f.Before != 0 && m.Number >= f.Before || f.Body != 0 && m.Body != f.Body
	}), err
}

func (s *Service) listWaiting(ctx context.Context, by authz.Actor, in *Paging) (*Listed[DecisionLine], error) {
	list, err := s.Decision.ToVote(ctx, by)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(in, list, rising, func(m *decision.Motion) place { return place{m.ClosesAt.UnixMilli(), m.Number} }, func(m *decision.Motion) (DecisionLine, error) { return n.line(ctx, m) })
}

// Decision is a motion in full.
type Decision struct {
	DecisionLine
	Text        string            `json:"text" doc:"Markdown."`
	TextVersion int               `json:"text_version" doc:"See GET /decisions/{number}/texts for those before."`
	Settings    decision.Settings `json:"settings" doc:"What the method needs beside the text."`
	Choices     []string          `json:"choices" doc:"What is voted on or with: the words of a proposal or of consent, otherwise the options in their order."`
	Rule        *RuleVersion      `json:"rule,omitempty" doc:"The version it was called under; before the call, the one that would be taken now."`
	CallFrom    *time.Time        `json:"call_from,omitempty" doc:"When it can be called at the earliest, while it is in discussion."`
	Effects     []ShownEffect     `json:"effects"`
	Support     Support           `json:"support"`
	Result      *tally.Result     `json:"result,omitempty" doc:"The count, final or as it stands, where it may be shown to the reader now."`
	Ballot      *SecretBallot     `json:"ballot,omitempty" doc:"Where the rule asks for a secret ballot: votes go through it."`
	ByName      string            `json:"by_name,omitempty" doc:"Why the vote is by name although the rule asks for a secret ballot."`
	Mine        *Mine             `json:"mine,omitempty" doc:"What it means for the member."`
	Statement   string            `json:"statement,omitempty" doc:"The outcome in the mover's words."`
	Cause       string            `json:"cause,omitempty" doc:"Why the effects were not applied or not undone."`
	Origin      *Related          `json:"origin,omitempty" doc:"The decision it follows from."`
	Followers   []Related         `json:"followers" doc:"The decisions that follow from it."`
	Workers     []Person          `json:"collaborators,omitempty" doc:"Who works on the draft with its mover."`
	Posts       []id.ID           `json:"posts" doc:"The posts that told of it, as Mastodon's API knows them."`
}

// ShownEffect is an effect of a motion as people see it.
type ShownEffect struct {
	Effect
	Option *int   `json:"option,omitempty" doc:"The alternative it belongs to, from 0; without it, the motion."`
	Title  string `json:"title"`
	Before []Line `json:"before" doc:"What the target says now; empty once the effect is done."`
	After  []Line `json:"after"`
	Wrong  string `json:"wrong,omitempty" doc:"Why it could not be applied now."`
	Moved  bool   `json:"moved,omitempty" doc:"What it would change has changed since the call: it would be stale."`
}

// Support are the names under a motion.
type Support struct {
	Seconds     []Person `json:"seconds"`
	Petitioners []Person `json:"petitioners"`
	CallIns     int      `json:"call_ins"`
	Needed      int      `json:"needed,omitempty" doc:"How many names second it, call the petition, or call the decision in, whichever it is time for."`
}

// Related is a decision that another one follows from, or that follows from it.
type Related struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	Kind   string `json:"kind" doc:"reopens, second call, called in, ratifies, rescinds, emergency."`
}

func (s *Service) getDecision(ctx context.Context, by authz.Actor, in *Numbered) (*Of[Decision], error) {
	m, err := s.motion(ctx, by, in)
	if err != nil {
		return nil, err
	}
	return s.shown(ctx, by, &m, nil)
}

// shown is a motion in full, as the actor may see it; what is wrong before it is handed on.
func (s *Service) shown(ctx context.Context, by authz.Actor, m *decision.Motion, err error) (*Of[Decision], error) {
	if err != nil {
		return nil, err
	}
	n := s.names()
	if m.Votes, err = s.Decision.Turnout(ctx, s.DB, m); err != nil {
		return nil, err
	}
	out := Decision{ByName: m.ByName(), Text: m.Text, TextVersion: m.TextVersion, Settings: m.Settings(), Statement: m.Statement, Cause: m.Cause}
	if out.DecisionLine, err = n.line(ctx, m); err != nil {
		return nil, err
	}
	for _, fill := range []func(context.Context, authz.Actor, *decision.Motion, *Decision) error{n.fillRule, n.fillEffects, n.fillVotes, n.fillSupport, n.fillRelated} {
		if err := fill(ctx, by, m, &out); err != nil {
			return nil, err
		}
	}
	if v, ok, err := s.Ballot.Of(ctx, s.DB, m.Ref()); err != nil {
		return nil, err
	} else if ok {
		b, err := s.secretBallot(ctx, by, &v)
		if err != nil {
			return nil, err
		}
		out.Ballot = &b
	}
	return one(out), nil
}

func (n *names) fillRule(ctx context.Context, _ authz.Actor, m *decision.Motion, out *Decision) error {
	out.Choices = append([]string{}, m.Options()...)
	v, err := n.Decision.Rule(ctx, n.DB, m)
	if fault.Is(err, fault.Invalid) {
		return nil // no rule fits the draft as it is
	}
	if err != nil {
		return err
	}
	rule, err := n.rule(ctx, &v)
	if err != nil {
		return err
	}
	out.Rule = &rule
	if m.Method == rulebook.Proposal || m.Method == rulebook.Consent {
		out.Choices = decision.Choices(m.Method, &v.Rule)
	}
	if m.State == decision.Discussion && !m.Petition {
		out.CallFrom = instant(m.PublishedAt.AddDate(0, 0, v.Rule.Discussion))
		out.Support.Needed = v.Rule.Seconds
	}
	switch {
	case m.State == decision.Window:
		good, err := n.Member.InGoodStanding(ctx, n.DB, n.DB.Now())
		if err != nil {
			return err
		}
		out.Support.Needed = v.Rule.CallInNeeded(len(good))
	case m.Petition && (m.State == decision.Draft || m.State == decision.Discussion):
		out.Support.Needed, err = n.Decision.PetitionNeeded(ctx, &v.Rule)
	}
	return err
}

func (n *names) fillEffects(ctx context.Context, _ authz.Actor, m *decision.Motion, out *Decision) error {
	shown, err := n.Decision.Shown(ctx, n.DB, m)
	if err != nil {
		return err
	}
	out.Effects = make([]ShownEffect, len(shown))
	for i, e := range shown {
		x := ShownEffect{Effect: Effect{e.Kind, e.Args}, Title: e.Change.Title, Before: []Line{}, After: []Line{}}
		if k, ok := n.Decision.Effects().Kind(e.Kind); ok && x.Title == "" {
			x.Title = i18n.T(ctx, k.What)
		}
		if e.Option >= 0 {
			x.Option = &e.Option
		}
		if m.Execution != decision.Done { // afterwards it would be compared with itself
			x.Wrong, x.Moved, x.Before, x.After = e.Wrong, e.Moved, linesOf(e.Change.Before), linesOf(e.Change.After)
		}
		out.Effects[i] = x
	}
	return nil
}

func (n *names) fillVotes(ctx context.Context, by authz.Actor, m *decision.Motion, out *Decision) error {
	if m.CalledAt.IsZero() || m.State == decision.Called {
		return nil
	}
	sees, err := n.Decision.Sees(ctx, by, m)
	if err != nil {
		return err
	}
	if by.Member != 0 {
		out.Mine = &Mine{OnRoll: sees.OnRoll}
		if sees.Mine != nil {
			v := ownVote(sees.Mine)
			out.Mine.Vote = &v
		}
	}
	if !sees.Results {
		return nil
	}
	result := m.Result()
	if m.CountedAt.IsZero() {
		counting, err := n.Decision.Standing(ctx, n.DB, m)
		if err != nil {
			return err
		}
		if result, err = decision.Count(counting); err != nil {
			return err
		}
	}
	out.Result = &result
	return nil
}

func (n *names) fillSupport(ctx context.Context, _ authz.Actor, m *decision.Motion, out *Decision) error {
	list, err := n.Decision.Supports(ctx, m.ID)
	if err != nil {
		return err
	}
	var seconds, petitioners []id.ID
	for _, x := range list {
		switch x.Kind {
		case decision.Second:
			seconds = append(seconds, x.Member)
		case decision.Petition:
			petitioners = append(petitioners, x.Member)
		case decision.CallIn:
			out.Support.CallIns++
		}
	}
	if out.Support.Seconds, err = n.persons(ctx, seconds); err != nil {
		return err
	}
	out.Support.Petitioners, err = n.persons(ctx, petitioners)
	return err
}

func (n *names) fillRelated(ctx context.Context, by authz.Actor, m *decision.Motion, out *Decision) error {
	out.Followers, out.Posts = []Related{}, []id.ID{}
	if m.OriginID != 0 && m.OriginKind != decision.Emergency {
		from, err := n.Decision.ByID(ctx, by, m.OriginID)
		switch {
		case err == nil:
			out.Origin = &Related{from.Number, from.Title, m.OriginKind}
		case !fault.Is(err, fault.NotFound):
			return err
		}
	}
	followers, err := n.Decision.Followers(ctx, by, m.ID)
	if err != nil {
		return err
	}
	for _, f := range followers {
		out.Followers = append(out.Followers, Related{f.Number, f.Title, f.OriginKind})
	}
	if m.State == decision.Draft {
		workers, err := n.Decision.Collaborators(ctx, m.ID)
		if err != nil {
			return err
		}
		if out.Workers, err = n.persons(ctx, workers); err != nil {
			return err
		}
	}
	posts, err := n.Decision.Posts(ctx, n.DB, m.ID)
	out.Posts = append(out.Posts, posts...)
	return err
}
