package election

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
)

// Pages draws elections for people.
type Pages struct {
	*Service
	// Frame is what stands around a page; People finds members' names and pictures; Members are those who
	// can be nominated; Booth is the form in which the reader can vote in secret. app connects them.
	Frame   func(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error)
	People  func(ctx context.Context, who []id.ID) (map[id.ID]ui.Person, error)
	Members func(ctx context.Context) ([]ui.Option, error)
	Booth   func(r *http.Request, subject ref.Ref) (templ.Component, bool, error)
}

func t(ctx context.Context, msgid string, args ...any) string { return i18n.T(ctx, msgid, args...) }

func n(ctx context.Context, one, many string, count int, args ...any) string {
	return i18n.N(ctx, one, many, count, args...)
}

// Why the routes need no mandate.
const (
	takesPart = "none: members of the body that votes take part; the service checks"
	stands    = "none: a nomination is its member's own"
	onTheRoll = "none: the roll of the vote says who may"
	watches   = "none: any member may watch an election"
)

// Routes are the pages of elections.
func (p *Pages) Routes() []web.Route {
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: web.Page}
	}
	on := func(verb, act string, f action) web.Route {
		return web.Route{Pattern: "POST /elections/{number}/" + verb, Handler: p.do(f), Style: web.Page, Act: act}
	}
	return []web.Route{
		get("/elections", p.list), get("/elections/{number}", p.page), get("/elections/{number}/count", p.count), get("/elections/{number}/officer", p.officer),
		on("nominate", takesPart, p.doNominate), on("accept", stands, p.doAccept), on("decline", stands, p.doDecline), on("withdraw", stands, p.doWithdraw),
		on("endorse", takesPart, p.doEndorse), on("ask", takesPart, p.doAsk), on("reply", stands, p.doReply), on("object", takesPart, p.doObject),
		on("vote", onTheRoll, p.doVote), on("observe", watches, p.doObserve), on("strike", Strike, p.doStrike), on("restore", Restore, p.doRestore), on("extend", Prolong, p.doExtend),
	}
}

// action is what a button on an election's page does; it returns what to say.
type action func(r *http.Request, e *Election, in web.Params) (said string, err error)

func (p *Pages) do(f action) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		e, err := p.election(r)
		if err != nil {
			return err
		}
		in, err := web.Read(r)
		if err != nil {
			return err
		}
		said, err := f(r, &e, in)
		if err != nil {
			if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
				return p.draw(w, r, e, ui.ProblemOf(err), in)
			}
			return err
		}
		if said != "" {
			web.SetFlash(w, r, said)
		}
		return web.Redirect(w, r, path(e.Number))
	}
}

func (p *Pages) election(r *http.Request) (Election, error) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || number < 1 {
		return Election{}, errNone
	}
	return p.ByNumber(r.Context(), number)
}

func path(number int64) string { return "/elections/" + strconv.FormatInt(number, 10) }

func candidacy(in web.Params, e *Election) (Candidacy, error) {
	c := Candidacy{Statement: in.Text("statement"), Affiliation: in.Text("affiliation"), Reserved: in.Text("reserved"), Title: in.Text("title")}
	if e.Kind == Budget {
		cost, ok := units(in.Text("cost"), e.Plan().Decimals)
		if !ok {
			return c, fault.Field("cost", "Write the cost as a number, such as %s.", amount(12345, e.Plan().Decimals))
		}
		c.Cost = cost
	}
	return c, nil
}

// units reads an amount such as 12.50 as a number of the smallest unit.
func units(text string, decimals int) (int64, bool) {
	var whole int64
	seen, after := false, -1
	for _, r := range text {
		switch {
		case r >= '0' && r <= '9' && after < decimals:
			if whole = whole*10 + int64(r-'0'); whole > 1e15 {
				return 0, false
			}
			if seen = true; after >= 0 {
				after++
			}
		case (r == '.' || r == ',') && after < 0 && decimals > 0:
			after = 0
		default:
			return 0, false
		}
	}
	for range decimals - max(after, 0) {
		whole *= 10
	}
	return whole, seen
}

func (p *Pages) doNominate(r *http.Request, e *Election, in web.Params) (string, error) {
	c, err := candidacy(in, e)
	if err != nil {
		return "", err
	}
	by := web.Actor(r)
	who := in.ID("member")
	if who == 0 || e.Kind == Budget {
		who = by.Member
	}
	got, err := p.Nominate(r.Context(), by, e.ID, who, c)
	if got.State == Asked {
		return t(r.Context(), "Nominated: the member is asked whether they accept."), err
	}
	return t(r.Context(), "It is on the list."), err
}

func (p *Pages) doAccept(r *http.Request, e *Election, in web.Params) (string, error) {
	c, err := candidacy(in, &Election{Kind: Office, PlanJSON: e.PlanJSON})
	if err != nil {
		return "", err
	}
	return t(r.Context(), "You stand."), p.Answer(r.Context(), web.Actor(r), in.ID("candidate"), true, c)
}

func (p *Pages) doDecline(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "You have declined."), p.Answer(r.Context(), web.Actor(r), in.ID("candidate"), false, Candidacy{})
}

func (p *Pages) doWithdraw(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "You stand no more."), p.Withdraw(r.Context(), web.Actor(r), in.ID("candidate"))
}

func (p *Pages) doEndorse(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "Your name is there."), p.Endorse(r.Context(), web.Actor(r), in.ID("candidate"))
}

func (p *Pages) doObject(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "Your name is there."), p.Object(r.Context(), web.Actor(r), in.ID("candidate"))
}

func (p *Pages) doAsk(r *http.Request, e *Election, in web.Params) (string, error) {
	_, err := p.Ask(r.Context(), web.Actor(r), e.ID, in.Text("question"))
	return t(r.Context(), "The question is put to all candidates."), err
}

func (p *Pages) doReply(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "Answered."), p.Reply(r.Context(), web.Actor(r), in.ID("to"), in.Text("reply"))
}

func (p *Pages) doObserve(r *http.Request, e *Election, _ web.Params) (string, error) {
	return t(r.Context(), "You are on the list of observers."), p.Observe(r.Context(), web.Actor(r), e.ID)
}

func (p *Pages) doStrike(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "It is ruled out."), p.Rule(r.Context(), web.Actor(r), in.ID("candidate"), false, in.Text("why"))
}

func (p *Pages) doRestore(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "It stands again."), p.Rule(r.Context(), web.Actor(r), in.ID("candidate"), true, in.Text("why"))
}

func (p *Pages) doExtend(r *http.Request, e *Election, in web.Params) (string, error) {
	return t(r.Context(), "It is prolonged."), p.Extend(r.Context(), web.Actor(r), e.ID, in.Int("days", 0, 0, 60), in.Text("why"))
}

func (p *Pages) doVote(r *http.Request, e *Election, in web.Params) (string, error) {
	list, err := p.Candidates(r.Context(), p.db, e.ID)
	if err != nil {
		return "", err
	}
	paper := onPaper(list)
	var c ballotbox.Choice
	if q := e.question(paper); q.Method == ballotbox.Marks {
		c.Marks = []int{}
		for i := range paper {
			if in.Bool("mark-" + strconv.Itoa(i)) {
				c.Marks = append(c.Marks, i)
			}
		}
	} else {
		c.Rank = make([]int, len(paper))
		for i := range paper {
			c.Rank[i] = in.Int("rank-"+strconv.Itoa(i), 0, 0, len(paper))
		}
	}
	return t(r.Context(), "Your vote is in."), p.Vote(r.Context(), web.Actor(r), e.ID, c, in.Text("reason"))
}

type (
	lineView struct {
		Election
		Body   string
		Hue    string
		Words  string
		When   time.Time
		Before string
	}
	listView struct {
		Frame         ui.PageProps
		Now           time.Time
		Waiting       []lineView
		Running, Past []lineView
		Older         string
		Member        bool
	}
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
		OnRoll     bool
		Paper      []candidateView
		Marks      bool
		Turnout    int
		Papers     int // of a secret ballot
		BallotHref string
		Result     tally.Result
		Form       ui.Problem
		In         web.Params
		Officer    bool
		Observers  []ui.Person
		Reserved   []ui.Option
		From       *Election
	}
	namedView struct {
		Person ui.Person
		Words  string
		Reason string
	}
)

func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	v := listView{Now: p.db.Now(), Member: by.Member != 0}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // nonsense reads from the newest
	bodies, err := p.bodyNames(ctx)
	if err != nil {
		return err
	}
	if before == 0 {
		waiting, err := p.ToVote(ctx, by)
		if err != nil {
			return err
		}
		running, err := p.Running(ctx)
		if err != nil {
			return err
		}
		v.Waiting, v.Running = lines(ctx, waiting, bodies), lines(ctx, running, bodies)
	}
	const limit = 30
	past, err := p.List(ctx, before, limit)
	if err != nil {
		return err
	}
	for _, l := range lines(ctx, past, bodies) {
		if l.Over() {
			v.Past = append(v.Past, l)
		}
	}
	if len(past) == limit {
		v.Older = "/elections?before=" + strconv.FormatInt(past[limit-1].Number, 10)
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Elections")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, listPage(v))
}

func (p *Pages) bodyNames(ctx context.Context) (map[id.ID]string, error) {
	all, err := p.mandate.Bodies(ctx, p.db)
	out := map[id.ID]string{}
	for _, b := range all {
		out[b.ID] = b.Name
	}
	return out, err
}

func (p *Pages) page(w http.ResponseWriter, r *http.Request) error {
	e, err := p.election(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, e, ui.Problem{}, web.Params{})
}

// draw shows an election; after a refused form with what was wrong.
func (p *Pages) draw(w http.ResponseWriter, r *http.Request, e Election, wrong ui.Problem, in web.Params) error {
	ctx, by := r.Context(), web.Actor(r)
	v := pageView{E: e, Plan: e.Plan(), Now: p.db.Now(), Member: by.Member != 0, Form: wrong, In: in, HTML: posttext.Render(e.Text, posttext.Options{}).HTML, Result: e.Result()}
	for _, f := range []func(context.Context, authz.Actor, *pageView) error{p.fillOffice, p.fillCandidates, p.fillTalk, p.fillVote} {
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
	v.Steps = steps(ctx, &e)
	if v.Frame, err = p.Frame(w, r, e.Title); err != nil {
		return err
	}
	v.Frame.Side = side(v)
	return web.Render(w, r, wrong.Status(), electionPage(v))
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
	v.Takes = p.mayTakePart(ctx, p.db, by, &v.E) == nil
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
		switch {
		case c.State == Standing || c.State == Asked:
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
		v.OnRoll, _, err = p.ballot.Entry(ctx, by, ballot.ID)
		return err
	}
	var err error
	if v.Turnout, err = p.Service.Turnout(ctx, v.E.ID); err != nil {
		return err
	}
	if by.Member != 0 {
		k, err := onRoll.One(ctx, p.db, v.E.ID, by.Member)
		if err != nil {
			return err
		}
		v.OnRoll = k > 0
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
		}
		if v.E.State != Open {
			v.Named = append(v.Named, namedView{people[x.Member], choiceWords(ctx, x.Choice, paper), x.Reason})
		}
	}
	return nil
}

// count shows the count stage by stage.
func (p *Pages) count(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	e, err := p.election(r)
	if err != nil {
		return err
	}
	if e.ResultJSON == "" {
		return fault.New(fault.NotFound, "The ballots have not been counted yet.")
	}
	res := e.Result()
	v := countView{E: e, Result: res, Words: res.Explain(), Stage: len(res.Stages)}
	if k, err := strconv.Atoi(r.URL.Query().Get("stage")); err == nil && k >= 1 && k <= len(res.Stages) {
		v.Stage = k
	}
	v.Picture = drawCount(&res, v.Stage)
	list, err := p.Candidates(ctx, p.db, e.ID)
	if err != nil {
		return err
	}
	v.Names = map[string]string{}
	for _, c := range list {
		v.Names[c.ID.String()] = c.Name
	}
	if ballot, ok, err := p.ballot.Of(ctx, p.db, e.Ref()); err != nil {
		return err
	} else if ok {
		v.BallotHref = "/ballots/" + ballot.ID.String()
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "The count: %s", e.Title)); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, countPage(v))
}

type countView struct {
	Frame      ui.PageProps
	E          Election
	Result     tally.Result
	Words      []string
	Stage      int
	Picture    picture
	Names      map[string]string
	BallotHref string
}

// officer is the page of the returning officer: what is going on, for every member to see, and what the
// holder of the power can do about it.
func (p *Pages) officer(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	e, err := p.election(r)
	if err != nil {
		return err
	}
	if by.Member == 0 {
		return fault.New(fault.Forbidden, "The returning officer's page is for members to see.")
	}
	v := pageView{E: e, Plan: e.Plan(), Now: p.db.Now(), Member: true}
	for _, f := range []func(context.Context, authz.Actor, *pageView) error{p.fillOffice, p.fillCandidates, p.fillTalk, p.fillVote} {
		if err := f(ctx, by, &v); err != nil {
			return err
		}
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Returning officer: %s", e.Title)); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, officerPage(v))
}
