package election

import (
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
)

type (
	candidateView struct {
		Candidate
		Person     ui.Person
		By         ui.Person
		HTML       string
		Endorsed   int
		Needed     int
		Mine       bool
		Endorser   bool // the reader has endorsed
		Cost       string
		Elected    bool
		Offered    bool // elected, and has not accepted yet
		Objections int
		Why        string
	}
	replyView struct {
		Person ui.Person
		Text   string
	}
	questionView struct {
		Question
		Person  ui.Person
		Replies []replyView
	}
	pageView struct {
		Frame      ui.PageProps
		E          Election
		Plan       Plan
		Now        time.Time
		Steps      []ui.Step
		Body       mandate.Body
		Voters     string
		HTML       string
		PowerWords []ui.Option
		Candidates []candidateView
		Out        []candidateView // declined, withdrawn, struck, dropped
		Mine       *candidateView
		Questions  []questionView
		Members    []ui.Option
		Member     bool
		Takes      bool // takes part
		Booth      templ.Component
		Named      []namedView
		Own        *Named
		OwnChoice  ballotbox.Choice
		Offer      *mandate.Mandate // to the reader
		WhyNot     string           // why the reader does not take part
		OnRoll     bool
		Paper      []candidateView
		Marks      bool
		Turnout    int
		Papers     int // of a secret ballot
		BallotHref string
		Result     tally.Result
		Refused    refusal
		Officer    bool
		Observers  []ui.Person
		Reserved   []ui.Option
		From       *Election
		Scrutiny   *scrutinyView // where ballots are sealed

		Witness, WitnessHref string // its host, and the page of the vote there
	}
	namedView struct {
		Person ui.Person
		Words  string
		Reason string
	}
)

func (p *Pages) page(w http.ResponseWriter, r *http.Request) error {
	e, err := p.election(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, e, refusal{})
}

// draw shows an election; after a refused form with what was wrong.
func (p *Pages) draw(w http.ResponseWriter, r *http.Request, e Election, refused refusal) error {
	ctx, by := r.Context(), web.Actor(r)
	v := pageView{E: e, Plan: e.Plan(), Now: p.db.Now(), Member: by.Member != 0, Refused: refused, HTML: posttext.Render(e.Text, posttext.Options{}).HTML, Result: e.Result()}
	for _, f := range []func(context.Context, authz.Actor, *pageView) error{p.fillOffice, p.fillCandidates, p.fillTalk, p.fillVote, p.fillScrutiny} {
		if err := f(ctx, by, &v); err != nil {
			return err
		}
	}
	var err error
	if e.State == Open && e.Mode == Secret && p.Booth != nil {
		booth, ok, err := p.Booth(r, e.Ref())
		if err != nil {
			return err
		}
		if ok {
			v.Booth = booth
		}
	}
	v.Steps = steps(ctx, &e, v.Scrutiny != nil)
	if v.Frame, err = p.Frame(w, r, e.Title); err != nil {
		return err
	}
	v.Frame.Side = side(v)
	return web.Render(w, r, refused.Status(), electionPage(v))
}

func (p *Pages) fillOffice(ctx context.Context, by authz.Actor, v *pageView) (err error) {
	if v.Body, err = p.mandate.Body(ctx, p.db, v.E.Body); err != nil {
		return err
	}
	voters, err := p.mandate.Body(ctx, p.db, v.E.Voters)
	if err != nil {
		return err
	}
	if v.Voters = voters.Name; voters.Root() {
		v.Voters = t(ctx, "all members")
	}
	for _, name := range v.Plan.Powers {
		for _, x := range p.mandate.Powers() {
			if x.Name == name {
				v.PowerWords = append(v.PowerWords, ui.Option{Label: t(ctx, x.What), Hint: x.Name})
			}
		}
	}
	for _, s := range v.Plan.Reserved {
		v.Reserved = append(v.Reserved, ui.Option{Value: s.For, Label: s.For})
	}
	switch err := p.mayTakePart(ctx, p.db, by, &v.E); {
	case err == nil:
		v.Takes = true
	case by.Member != 0:
		words, human := fault.Words(err)
		if !human {
			return err
		}
		v.WhyNot = words
	}
	v.Officer = p.mandate.Holds(ctx, by, Strike) || p.mandate.Holds(ctx, by, Prolong)
	if v.E.OriginKind == Vacancy {
		if from, err := p.Get(ctx, p.db, v.E.OriginID); err == nil {
			v.From = &from
		}
	}
	return nil
}

func (p *Pages) fillCandidates(ctx context.Context, by authz.Actor, v *pageView) error {
	list, err := p.Candidates(ctx, p.db, v.E.ID)
	if err != nil {
		return err
	}
	names, err := p.Endorsements(ctx, v.E.ID)
	if err != nil {
		return err
	}
	objections, err := p.Objections(ctx, v.E.ID)
	if err != nil {
		return err
	}
	var who []id.ID
	for _, c := range list {
		who = append(who, c.Member, c.NominatedBy)
	}
	people, err := p.People(ctx, who)
	if err != nil {
		return err
	}
	rules := v.E.Rules()
	for _, c := range list {
		x := candidateView{Candidate: c, Person: people[c.Member], By: people[c.NominatedBy], HTML: posttext.Render(c.Statement, posttext.Options{}).HTML,
			Endorsed: len(names[c.ID]), Needed: rules.Endorsements, Mine: by.Member != 0 && c.Member == by.Member, Cost: amount(c.Cost, v.Plan.Decimals),
			Elected: c.Mandate != 0 && !c.Vacated, Objections: objections[c.ID], Why: causeWords(ctx, &c)}
		for _, e := range names[c.ID] {
			x.Endorser = x.Endorser || e == by.Member
		}
		for _, f := range v.Result.Funded {
			x.Elected = x.Elected || f == c.ID.String()
		}
		if x.Mine && v.E.Kind != Budget {
			mine := x
			v.Mine = &mine
		}
		if c.Mandate != 0 && !c.Vacated {
			m, err := p.mandate.Get(ctx, p.db, c.Mandate)
			if err != nil {
				return err
			}
			if x.Offered = m.AcceptedAt.IsZero() && m.EndedAt.IsZero(); x.Offered && x.Mine {
				v.Offer = &m
			}
		}
		switch c.State {
		case Standing, Asked:
			v.Candidates = append(v.Candidates, x)
		default:
			v.Out = append(v.Out, x)
		}
	}
	if v.E.State != Nominations { // no place on the page is better than another
		v.Candidates = shuffled(v.Candidates, by, v.E.ID)
	}
	if v.E.State == Nominations && v.Takes && p.Members != nil && v.E.Kind != Budget {
		v.Members, err = p.Members(ctx)
	}
	return err
}

func (p *Pages) fillTalk(ctx context.Context, _ authz.Actor, v *pageView) error {
	questions, replies, err := p.Questions(ctx, v.E.ID)
	if err != nil {
		return err
	}
	var who []id.ID
	for _, q := range questions {
		who = append(who, q.Member)
	}
	observers, err := p.Observers(ctx, v.E.ID)
	if err != nil {
		return err
	}
	people, err := p.People(ctx, append(who, observers...))
	if err != nil {
		return err
	}
	for _, q := range questions {
		x := questionView{Question: q, Person: people[q.Member]}
		for _, a := range replies {
			if a.Question != q.ID {
				continue
			}
			for _, c := range append(v.Candidates, v.Out...) {
				if c.ID == a.Candidate {
					x.Replies = append(x.Replies, replyView{c.Person, a.Text})
				}
			}
		}
		v.Questions = append(v.Questions, x)
	}
	for _, o := range observers {
		v.Observers = append(v.Observers, people[o])
	}
	return nil
}

func (p *Pages) fillVote(ctx context.Context, by authz.Actor, v *pageView) error {
	if v.E.RollSize == 0 {
		return nil
	}
	if v.E.Mode == Secret {
		ballot, ok, err := p.ballot.Of(ctx, p.db, v.E.Ref())
		if err != nil || !ok {
			return err
		}
		v.Turnout, v.Papers, v.BallotHref = ballot.Ballots, ballot.Papers, "/ballots/"+ballot.ID.String()
		if v.OnRoll, _, err = p.ballot.Entry(ctx, by, ballot.ID); err != nil {
			return err
		}
		q, err := ballot.Question()
		if err != nil || q.Witness == nil || p.Witness == nil {
			return err
		}
		a, ok, err := p.Witness.Arranged(ctx, p.db, v.E.Ref())
		if ok {
			v.Witness, v.WitnessHref = a.Host, p.Witness.Page(&a)
		}
		return err
	}
	var err error
	if v.Turnout, err = p.Service.Turnout(ctx, v.E.ID); err != nil {
		return err
	}
	if v.OnRoll, _, err = p.Entry(ctx, by, &v.E); err != nil {
		return err
	}
	list, err := p.Candidates(ctx, p.db, v.E.ID)
	if err != nil {
		return err
	}
	paper := onPaper(list)
	q := v.E.question(paper)
	v.Marks = q.Method == ballotbox.Marks
	for _, c := range v.Candidates {
		if c.Place > 0 {
			v.Paper = append(v.Paper, c)
		}
	}
	named, err := p.NamedBallots(ctx, by, &v.E)
	if err != nil {
		return err
	}
	var who []id.ID
	for _, x := range named {
		who = append(who, x.Member)
	}
	people, err := p.People(ctx, who)
	if err != nil {
		return err
	}
	for i, x := range named {
		if x.Member == by.Member {
			v.Own = &named[i]
			if v.OwnChoice, err = ballotbox.ParseChoice(x.Choice); err != nil {
				return err
			}
		}
		if v.E.State != Open {
			v.Named = append(v.Named, namedView{people[x.Member], choiceWords(ctx, x.Choice, paper), x.Reason})
		}
	}
	return nil
}
