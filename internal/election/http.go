package election

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
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
	keeps     = "none: whoever holds the key to a sealed ballot gives it up; the service checks"
)

// Routes are the pages of elections.
func (p *Pages) Routes() []web.Route {
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: web.Page}
	}
	on := func(verb, act string, f action) web.Route {
		return web.Route{Pattern: "POST /elections/{number}/" + verb, Handler: p.do(verb, f), Style: web.Page, Act: act}
	}
	return []web.Route{
		get("/elections", p.list), get("/elections/{number}", p.page), get("/elections/{number}/count", p.count), get("/elections/{number}/officer", p.officer),
		on("nominate", takesPart, p.doNominate), on("accept", stands, p.doAccept), on("decline", stands, p.doDecline), on("withdraw", stands, p.doWithdraw),
		on("endorse", takesPart, p.doEndorse), on("ask", takesPart, p.doAsk), on("reply", stands, p.doReply), on("object", takesPart, p.doObject),
		on("vote", onTheRoll, p.doVote), on("observe", watches, p.doObserve), on("strike", Strike, p.doStrike), on("restore", Restore, p.doRestore), on("extend", Prolong, p.doExtend),
		on("offer", takesPart, p.doOffer), on("unoffer", takesPart, p.doUnoffer), on("reveal", keeps, p.doReveal),
	}
}

// action is what a button on an election's page does; it returns what to say.
type action func(r *http.Request, e *Election, in web.Params) (said string, err error)

func (p *Pages) do(verb string, f action) web.Handler {
	back, draw := "", p.draw
	switch verb {
	case "observe", "strike", "restore", "extend": // on the returning officer's page
		back, draw = "/officer", p.drawOfficer
	}
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
				return draw(w, r, e, refusal{verb, in, ui.ProblemOf(err)})
			}
			return err
		}
		if said != "" {
			web.SetFlash(w, r, said)
		}
		return web.Redirect(w, r, path(e.Number)+back)
	}
}

// refusal is a form that was refused, with what was typed; the zero refusal is none.
type refusal struct {
	verb string
	in   web.Params
	ui.Problem
}

// value is what a field of a form has: what was typed if it was that form which was refused.
func (x refusal) value(verb, field, otherwise string) string {
	if x.verb == verb {
		return x.in.String(field)
	}
	return otherwise
}

// wrong is what is wrong with a field of a form.
func (x refusal) wrong(verb, field string) string {
	if x.verb == verb {
		return x.At(field)
	}
	return ""
}

// about reports whether a refused form was about one of several things, such as a nomination.
func (x refusal) about(verb, field string, what id.ID) bool {
	return x.verb == verb && x.in.ID(field) == what
}

// top is what is wrong with a form, but for what one of its fields says itself.
func (x refusal) top(fields ...string) string {
	if !x.in.Has(x.Field) {
		return x.Words
	}
	return x.Top(fields...)
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
	_, err := p.Ask(r.Context(), web.Actor(r), e.ID, in.Text("text"))
	return t(r.Context(), "The question is put to all candidates."), err
}

func (p *Pages) doReply(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "Answered."), p.Reply(r.Context(), web.Actor(r), in.ID("to"), in.Text("text"))
}

func (p *Pages) doObserve(r *http.Request, e *Election, _ web.Params) (string, error) {
	return t(r.Context(), "You are on the list of observers."), p.Observe(r.Context(), web.Actor(r), e.ID)
}

func (p *Pages) doStrike(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "It is ruled out."), p.Rule(r.Context(), web.Actor(r), in.ID("candidate"), false, in.Text("reason"))
}

func (p *Pages) doRestore(r *http.Request, _ *Election, in web.Params) (string, error) {
	return t(r.Context(), "It stands again."), p.Rule(r.Context(), web.Actor(r), in.ID("candidate"), true, in.Text("reason"))
}

func (p *Pages) doExtend(r *http.Request, e *Election, in web.Params) (string, error) {
	return t(r.Context(), "It is prolonged."), p.Extend(r.Context(), web.Actor(r), e.ID, in.Int("days", 0, 0, 60), in.Text("reason"))
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
		if err := unequal(paper, c.Rank, q.Rule); err != nil {
			return "", err
		}
	}
	return t(r.Context(), "Your vote is in."), p.Vote(r.Context(), web.Actor(r), e.ID, c, in.Text("reason"))
}

// unequal refuses, in words, one number for two candidates and a number left out, where the rule does.
func unequal(paper []Candidate, ranks []int, rule string) error {
	if strings.HasPrefix(rule, tally.RuleSchulze) {
		return nil
	}
	highest := 0
	for i, r := range ranks {
		if j := slices.Index(ranks, r); r > 0 && j < i {
			return fault.Field("choice", "%s and %s both have the number %d.", paper[j].Name, paper[i].Name, r)
		}
		highest = max(highest, r)
	}
	for r := 1; r < highest; r++ {
		if !slices.Contains(ranks, r) {
			return fault.Field("choice", "Somebody has the number %d, and nobody has %d.", highest, r)
		}
	}
	return nil
}
