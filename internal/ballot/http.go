package ballot

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// Pages are the polling station: the booth, the box, and the page on which anybody checks and recounts.
type Pages struct {
	*Service
	// Frame is what stands around a page; People finds members' names and pictures; Subject is the address
	// of the election or motion that is voted on, "" for none. app connects them.
	Frame   func(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error)
	People  func(ctx context.Context, who []id.ID) (map[id.ID]ui.Person, error)
	Subject func(ctx context.Context, subject ref.Ref) (href string, err error)
}

func t(ctx context.Context, msgid string, args ...any) string { return i18n.T(ctx, msgid, args...) }

func n(ctx context.Context, one, many string, count int, args ...any) string {
	return i18n.N(ctx, one, many, count, args...)
}

func number(ctx context.Context, n int) string { return i18n.Number(ctx, int64(n)) }

// Why the routes need no mandate.
const (
	voter  = "none: the roll of the vote says who may; one paper each"
	bearer = "none: the ballot paper is what entitles"
)

// perPaper bounds what one address asks for. A meeting votes from one address, so it is wide.
var perPaper = web.Limit{Events: 600, Per: time.Minute}

// perFile bounds how often one address has the published file made, which counts all ballots.
var perFile = web.Limit{Events: 60, Per: time.Minute}

// Routes are the doors of the polling station. What goes by without a sign-in is in the style of other
// servers' requests, for which no session is looked up.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET /ballots/{id}", Handler: p.page, Style: web.Page},
		{Pattern: "GET /ballots/{id}/question", Handler: p.question, Style: web.Federation, Problem: web.JSONProblem},
		{Pattern: "GET /ballots/{id}/file", Handler: p.file, Style: web.Federation, Limit: perFile, Problem: web.JSONProblem},
		{Pattern: "POST /ballots/{id}/paper", Handler: p.paper, Style: web.Page, Act: voter, MaxBody: 4 << 10, Limit: perPaper},
		{Pattern: "POST /ballots/{id}/vote", Handler: p.voteFor, Style: web.Page, Act: voter, MaxBody: 64 << 10, Limit: perPaper},
		{Pattern: "POST /ballots/{id}/box", Handler: p.box, Style: web.Federation, Act: bearer, MaxBody: 64 << 10, Limit: perPaper, Problem: web.JSONProblem},
	}
}

// path is the address of a vote's page and, with a part, of what belongs to it.
func path(vote id.ID, part string) string {
	if part != "" {
		part = "/" + part
	}
	return "/ballots/" + vote.String() + part
}

type (
	registerLine struct {
		Person ui.Person
		Taken  bool
	}
	ballotLine struct{ Words, Hash string }
	pageView   struct {
		Frame    ui.PageProps
		Vote     Vote
		Question *ballotbox.Question
		Subject  string // address
		Now      time.Time
		Open     bool
		Booth    BoothView
		Register []registerLine
		Hidden   int // lines of the register that are on the page of all of it
		Ballots  []ballotLine
		More     int // ballots that are in the file only
		Outcome  string
		Told     []string // the count in sentences
		Words    string   // for the script
	}
)

const (
	shownRegister = 1000
	shownBallots  = 200
)

func (p *Pages) load(r *http.Request) (Vote, error) {
	return p.Get(r.Context(), p.db, id.Parse(r.PathValue("id")))
}

func (p *Pages) page(w http.ResponseWriter, r *http.Request) error {
	v, err := p.load(r)
	if err != nil {
		return err
	}
	booth, err := p.booth(r, &v)
	if err != nil {
		return err
	}
	return p.draw(w, r, v, booth)
}

// draw shows the page of a vote; after a refused form with what was wrong in the booth.
func (p *Pages) draw(w http.ResponseWriter, r *http.Request, vote Vote, booth BoothView) error {
	ctx := r.Context()
	v := pageView{Vote: vote, Now: p.db.Now(), Booth: booth}
	v.Open, v.Booth.alone = vote.Open(v.Now), true
	var err error
	if v.Question, err = vote.Question(); err != nil {
		return err
	}
	if p.Subject != nil {
		if v.Subject, err = p.Subject(ctx, vote.Subject()); err != nil {
			return err
		}
	}
	if err = p.fillRegister(r, &v); err != nil {
		return err
	}
	if !vote.ClosedAt.IsZero() && !vote.Voided {
		v.Words = checkWords(ctx)
	}
	if vote.Counted() {
		if err = p.fillBallots(ctx, &v); err != nil {
			return err
		}
		result := vote.Result()
		v.Outcome, v.Told = outcomeWords(ctx, v.Question, result), result.Explain()
	}
	if v.Frame, err = p.Frame(w, r, v.Question.Title); err != nil {
		return err
	}
	v.Frame.Side = boothSide(v)
	return web.Render(w, r, booth.Form.Status(), ballotPage(v))
}

// fillRegister shows the marked register to members, by name.
func (p *Pages) fillRegister(r *http.Request, v *pageView) error {
	by := web.Actor(r)
	if by.Member == 0 {
		return nil
	}
	ticks, err := p.Register(r.Context(), by, v.Vote.ID)
	if err != nil {
		return err
	}
	who := make([]id.ID, len(ticks))
	for i, x := range ticks {
		who[i] = x.Member
	}
	people, err := p.People(r.Context(), who)
	if err != nil {
		return err
	}
	for _, x := range ticks {
		v.Register = append(v.Register, registerLine{people[x.Member], x.Taken})
	}
	slices.SortStableFunc(v.Register, func(a, b registerLine) int {
		return cmp.Compare(strings.ToLower(a.Person.Name), strings.ToLower(b.Person.Name))
	})
	if len(v.Register) > shownRegister && r.URL.Query().Get("register") != "all" {
		v.Hidden = len(v.Register) - shownRegister
		v.Register = v.Register[:shownRegister]
	}
	return nil
}

// fillBallots tells the first ballots in words, for who has no script to look into the file.
func (p *Pages) fillBallots(ctx context.Context, v *pageView) error {
	f, err := p.Counted(ctx, p.db, v.Vote.ID)
	if err != nil {
		return err
	}
	if v.More = len(f.Ballots) - shownBallots; v.More > 0 {
		f.Ballots = f.Ballots[:shownBallots]
	}
	hashes, err := f.Hashes()
	if err != nil {
		return err
	}
	box, err := f.Read()
	if err != nil {
		return err
	}
	for i, c := range box.Choices {
		line := ballotLine{Words: t(ctx, "It cannot be read."), Hash: hashes[i].String()}
		if c != nil {
			line.Words = choiceWords(ctx, v.Question, *c)
		}
		v.Ballots = append(v.Ballots, line)
	}
	return nil
}

// outcomeWords say in a sentence what came out.
func outcomeWords(ctx context.Context, q *ballotbox.Question, r tally.Result) string {
	names := map[string]string{}
	for _, o := range q.Options {
		names[o.ID] = o.Name
	}
	var funded []string
	for _, x := range r.Funded {
		funded = append(funded, names[x])
	}
	switch {
	case r.Outcome == tally.NoQuorum:
		return t(ctx, "Too few voted for the vote to count.")
	case r.Outcome == tally.Blocked:
		return t(ctx, "A block stands.")
	case len(r.Elected) > 0 && q.Method == ballotbox.Ranking:
		return t(ctx, "Elected: %s", strings.Join(r.Elected, ", "))
	case len(r.Elected) > 0:
		return t(ctx, "Chosen: %s", strings.Join(r.Elected, ", "))
	case len(funded) > 0:
		return t(ctx, "Funded: %s", strings.Join(funded, ", "))
	case r.Outcome == tally.Carried:
		return t(ctx, "Carried")
	}
	return t(ctx, "Not carried")
}
