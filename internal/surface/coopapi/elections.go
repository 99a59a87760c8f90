package coopapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/tally"
	"rochdale/internal/rulebook"
)

const tagElections = "Elections"

func declareElections(s *Service) {
	add(s, operation{id: "listElections", method: http.MethodGet, path: "/elections", tag: tagElections, summary: "Elections, panels and members' budgets", about: "The newest first."}, s.listElections)
	add(s, operation{id: "listElectionsWaiting", method: http.MethodGet, path: "/elections/waiting", tag: tagElections, summary: "Open elections that wait for the member's ballot", needs: reads,
		about: "Those that close first first."}, s.listElectionsWaiting)
	add(s, operation{id: "getElection", method: http.MethodGet, path: "/elections/{number}", tag: tagElections, summary: "One election",
		about: "What it is for, how it is held, who stands, what was asked and answered, and the count once there is one."}, s.getElection)
	declareStanding(s)
	declareBallots(s)
}

// ElectionLine is an election in a list.
type ElectionLine struct {
	ID          id.ID      `json:"id"`
	Number      int64      `json:"number"`
	URL         string     `json:"url" format:"uri"`
	Title       string     `json:"title"`
	Kind        string     `json:"kind" enum:"office,panel,budget"`
	Body        BodyRef    `json:"body" doc:"Whose office it is."`
	Voters      BodyRef    `json:"voters" doc:"The body that votes."`
	State       string     `json:"state" enum:"nominations,candidates final,open,sealed,counted,filled,failed,cancelled"`
	Cause       string     `json:"cause,omitempty" doc:"Why it failed or was called off."`
	Mode        string     `json:"mode" enum:"secret,by name"`
	ModeReason  string     `json:"mode_reason,omitempty" doc:"Why by name, or not sealed, where the rule says otherwise."`
	AnnouncedAt time.Time  `json:"announced_at"`
	FinalAt     time.Time  `json:"final_at" doc:"Nominations are open until then."`
	OpensAt     time.Time  `json:"opens_at"`
	ClosesAt    time.Time  `json:"closes_at"`
	CountedAt   *time.Time `json:"counted_at,omitempty"`
	AcceptBy    *time.Time `json:"accept_by,omitempty" doc:"Until when the elected have to accept."`
	Roll        int        `json:"roll" doc:"How many may vote, fixed when voting opens."`
}

// ElectionDetail is an election as a whole.
type ElectionDetail struct {
	ElectionLine
	Text        string               `json:"text,omitempty"`
	Plan        ElectionPlan         `json:"plan"`
	Rules       rulebook.Election    `json:"rules" doc:"How it is held, as it was when it was announced."`
	Candidates  []ElectionCandidate  `json:"candidates"`
	Questions   []ElectionQuestion   `json:"questions"`
	Observers   []Person             `json:"observers"`
	Scrutineers []ElectionScrutineer `json:"scrutineers,omitempty" doc:"Where ballots are sealed: who offer to be scrutineers, and from the opening on those who were drawn, by their places in the question."`
	Ballot      *SecretBallot        `json:"ballot,omitempty" doc:"The secret ballot, from the opening on."`
	Result      *tally.Result        `json:"result,omitempty"`
	Origin      string               `json:"origin" enum:"decision,mandate,vacancy" doc:"A decision asked for it, a term ends, or an office fell vacant."`
	Follows     *ElectionOriginating `json:"follows,omitempty"`
}

// ElectionScrutineer is one of those to whom ballots are sealed, or who offers to be.
type ElectionScrutineer struct {
	Member   Person `json:"member"`
	Place    int    `json:"place,omitempty" doc:"In the question, from 1."`
	Revealed bool   `json:"revealed,omitempty" doc:"Has given up the key."`
}

// ElectionOriginating says what an election follows.
type ElectionOriginating struct {
	Decision int64 `json:"decision,omitempty" doc:"The number of the decision that asked for it."`
	Mandate  id.ID `json:"mandate,omitempty" doc:"The mandate that ends."`
	Election int64 `json:"election,omitempty" doc:"The number of the election whose seat is vacant."`
}

// ElectionPlan is what an election is for.
type ElectionPlan struct {
	Office   string         `json:"office,omitempty"`
	Seats    int            `json:"seats,omitempty"`
	Powers   []string       `json:"powers,omitempty"`
	Days     int            `json:"days,omitempty" doc:"Of a term."`
	From     *time.Time     `json:"from,omitempty" doc:"The terms begin then; else when they are accepted."`
	Until    *time.Time     `json:"until,omitempty" doc:"The rest of a vacated term ends then."`
	Terms    []ElectionTerm `json:"terms,omitempty" doc:"Staggered terms, the longest first."`
	Reserved []ElectionSeat `json:"reserved,omitempty" doc:"Seats for candidates who declare something."`
	Sum      int64          `json:"sum,omitempty" doc:"Budget: to be spent, in the smallest unit."`
	Decimals int            `json:"decimals,omitempty" doc:"Budget: of the unit."`
}

// ElectionTerm is a term for a number of seats; those elected first have the first.
type ElectionTerm struct {
	Days  int `json:"days"`
	Seats int `json:"seats"`
}

// ElectionSeat is a number of seats that only candidates with a declaration can fill.
type ElectionSeat struct {
	For   string `json:"for"`
	Seats int    `json:"seats"`
}

// ElectionCandidate is a nomination.
type ElectionCandidate struct {
	ID           id.ID  `json:"id"`
	Member       Person `json:"member" doc:"Who stands; of a project, who put it forward."`
	NominatedBy  Person `json:"nominated_by"`
	State        string `json:"state" enum:"asked,standing,declined,withdrawn,struck,dropped"`
	Cause        string `json:"cause,omitempty"`
	Title        string `json:"title,omitempty" doc:"Of a project."`
	Cost         int64  `json:"cost,omitempty" doc:"Of a project, in the smallest unit."`
	Statement    string `json:"statement,omitempty"`
	Affiliation  string `json:"affiliation,omitempty"`
	Reserved     string `json:"reserved,omitempty"`
	Endorsements int    `json:"endorsements"`
	Objections   int    `json:"objections" doc:"To a ruling: where enough members object, the nomination stands."`
	Place        int    `json:"place,omitempty" doc:"On the ballot paper, from 1."`
	Name         string `json:"name,omitempty" doc:"On the ballot paper."`
	Mandate      id.ID  `json:"mandate,omitempty" doc:"Offered to the elected."`
	Vacated      bool   `json:"vacated,omitempty" doc:"Was elected, and does not hold the office any more."`
}

// ElectionQuestion is one that a member put to all candidates.
type ElectionQuestion struct {
	ID      id.ID           `json:"id"`
	Member  Person          `json:"member"`
	Text    string          `json:"text"`
	At      time.Time       `json:"at"`
	Replies []ElectionReply `json:"replies"`
}

// ElectionReply is what a candidate answered.
type ElectionReply struct {
	Candidate id.ID     `json:"candidate"`
	Text      string    `json:"text"`
	At        time.Time `json:"at"`
}

func (n *names) electionLine(ctx context.Context, e *election.Election) (ElectionLine, error) {
	out := ElectionLine{ID: e.ID, Number: e.Number, URL: n.Site.Join(fmt.Sprintf("/elections/%d", e.Number)), Title: e.Title, Kind: e.Kind, State: string(e.State), Cause: e.Cause,
		Mode: e.Mode, ModeReason: e.ModeReason, AnnouncedAt: e.Announced.UTC(), FinalAt: e.FinalAt.UTC(), OpensAt: e.OpensAt.UTC(), ClosesAt: e.ClosesAt.UTC(),
		CountedAt: instant(e.CountedAt), AcceptBy: instant(e.AcceptBy), Roll: e.RollSize}
	for _, x := range []struct {
		body id.ID
		to   *BodyRef
	}{{e.Body, &out.Body}, {e.Voters, &out.Voters}} {
		b, err := n.body(ctx, x.body)
		if err != nil {
			return out, err
		}
		*x.to = *b
	}
	return out, nil
}

func (s *Service) listElections(ctx context.Context, _ authz.Actor, in *Paging) (*Listed[ElectionLine], error) {
	before, err := in.number()
	if err != nil {
		return nil, err
	}
	list, err := s.Election.List(ctx, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return pageOf(in, list, func(e *election.Election) int64 { return e.Number }, func(e *election.Election) (ElectionLine, error) { return n.electionLine(ctx, e) })
}

func (s *Service) listElectionsWaiting(ctx context.Context, by authz.Actor, in *Paging) (*Listed[ElectionLine], error) {
	list, err := s.Election.ToVote(ctx, by)
	if err != nil {
		return nil, err
	}
	n := s.names()
	return cut(in, list, rising, func(e *election.Election) place { return place{e.ClosesAt.UnixMilli(), e.Number} }, func(e *election.Election) (ElectionLine, error) { return n.electionLine(ctx, e) })
}

// ElectionNumbered names an election in an address.
type ElectionNumbered struct {
	Number int64 `path:"number" minimum:"1" doc:"The number of the election."`
}

func (s *Service) getElection(ctx context.Context, by authz.Actor, in *ElectionNumbered) (*Of[ElectionDetail], error) {
	e, err := s.Election.ByNumber(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	out, err := s.wholeElection(ctx, by, &e)
	return one(out), err
}

func (s *Service) wholeElection(ctx context.Context, by authz.Actor, e *election.Election) (ElectionDetail, error) {
	n, plan := s.names(), e.Plan()
	line, err := n.electionLine(ctx, e)
	if err != nil {
		return ElectionDetail{}, err
	}
	out := ElectionDetail{ElectionLine: line, Text: e.Text, Rules: e.Rules(), Origin: e.OriginKind, Plan: ElectionPlan{Office: plan.Office, Seats: plan.Seats, Powers: plan.Powers, Days: plan.Days,
		From: instant(plan.From), Until: instant(plan.Until), Sum: plan.Sum, Decimals: plan.Decimals}}
	for _, t := range plan.Terms {
		out.Plan.Terms = append(out.Plan.Terms, ElectionTerm(t))
	}
	for _, r := range plan.Reserved {
		out.Plan.Reserved = append(out.Plan.Reserved, ElectionSeat(r))
	}
	if e.ResultJSON != "" {
		r := e.Result()
		out.Result = &r
	}
	if out.Follows, err = n.follows(ctx, e); err != nil {
		return out, err
	}
	if out.Candidates, err = n.candidates(ctx, e); err != nil {
		return out, err
	}
	if out.Questions, err = n.questions(ctx, e); err != nil {
		return out, err
	}
	observers, err := s.Election.Observers(ctx, e.ID)
	if err != nil {
		return out, err
	}
	if out.Observers, err = n.persons(ctx, observers); err != nil {
		return out, err
	}
	v, ok, err := s.Ballot.Of(ctx, s.DB, e.Ref())
	if err == nil && ok {
		var b SecretBallot
		b, err = s.secretBallot(ctx, by, &v)
		out.Ballot = &b
	}
	if err != nil {
		return out, err
	}
	out.Scrutineers, err = n.scrutineers(ctx, e, v.ID)
	return out, err
}

// scrutineers are those who were drawn, or before there is a ballot those who offer themselves.
func (n *names) scrutineers(ctx context.Context, e *election.Election, vote id.ID) (out []ElectionScrutineer, err error) {
	add := func(who id.ID, place int, revealed bool) error {
		p, err := n.person(ctx, who)
		if p != nil {
			out = append(out, ElectionScrutineer{*p, place, revealed})
		}
		return err
	}
	if vote == 0 {
		offers, err := n.Election.Offers(ctx, e.ID)
		for _, o := range offers {
			err = errors.Join(err, add(o.Member, 0, false))
		}
		return out, err
	}
	drawn, err := n.Ballot.Scrutineers(ctx, n.DB, vote)
	for _, d := range drawn {
		err = errors.Join(err, add(d.Member, d.Place, d.Key != ""))
	}
	return out, err
}

func (n *names) follows(ctx context.Context, e *election.Election) (*ElectionOriginating, error) {
	out := &ElectionOriginating{}
	switch e.OriginKind {
	case election.ByDecision:
		number, err := n.decisionNumber(ctx, e.OriginID)
		out.Decision = number
		return out, err
	case election.Ending:
		out.Mandate = e.OriginID
	case election.Vacancy:
		from, err := n.Election.Get(ctx, n.DB, e.OriginID)
		out.Election = from.Number
		return out, err
	}
	return out, nil
}

func (n *names) candidates(ctx context.Context, e *election.Election) ([]ElectionCandidate, error) {
	list, err := n.Election.Candidates(ctx, n.DB, e.ID)
	if err != nil {
		return nil, err
	}
	endorsed, err := n.Election.Endorsements(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	objections, err := n.Election.Objections(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	out := make([]ElectionCandidate, 0, len(list))
	for _, c := range list {
		x := ElectionCandidate{ID: c.ID, State: c.State, Cause: c.Cause, Title: c.Title, Cost: c.Cost, Statement: c.Statement, Affiliation: c.Affiliation, Reserved: c.Reserved,
			Endorsements: len(endorsed[c.ID]), Objections: objections[c.ID], Place: c.Place, Name: c.Name, Mandate: c.Mandate, Vacated: c.Vacated}
		for _, y := range []struct {
			who id.ID
			to  *Person
		}{{c.Member, &x.Member}, {c.NominatedBy, &x.NominatedBy}} {
			p, err := n.person(ctx, y.who)
			if err != nil {
				return nil, err
			}
			if p != nil {
				*y.to = *p
			}
		}
		out = append(out, x)
	}
	return out, nil
}

func (n *names) questions(ctx context.Context, e *election.Election) ([]ElectionQuestion, error) {
	questions, replies, err := n.Election.Questions(ctx, e.ID)
	out := make([]ElectionQuestion, 0, len(questions))
	if err != nil {
		return out, err
	}
	for _, q := range questions {
		x := ElectionQuestion{ID: q.ID, Text: q.Text, At: q.At.UTC(), Replies: []ElectionReply{}}
		p, err := n.person(ctx, q.Member)
		if err != nil {
			return out, err
		}
		if p != nil {
			x.Member = *p
		}
		for _, r := range replies {
			if r.Question == q.ID {
				x.Replies = append(x.Replies, ElectionReply{r.Candidate, r.Text, r.At.UTC()})
			}
		}
		out = append(out, x)
	}
	return out, nil
}
