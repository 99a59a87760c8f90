package decision

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
	"rochdale/internal/lib/posttext"
	"rochdale/internal/rulebook"
)

// Pages draws motions for people.
type Pages struct {
	*Service
	// Frame is what stands around a page; People finds members' names and pictures; Choices what can
	// be chosen in a form field of a kind (member, body, mandate, powers, line). app connects them.
	Frame   func(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error)
	People  func(ctx context.Context, who []id.ID) (map[id.ID]ui.Person, error)
	Choices func(ctx context.Context, kind string) ([]ui.Option, error)
	// Booth is the form in which the reader can vote in secret, and where to check and recount it.
	Booth func(r *http.Request, subject ref.Ref) (templ.Component, bool, error)
	// Replies are the answers that members and other servers gave to the posts about a motion.
	Replies func(ctx context.Context, by authz.Actor, posts []id.ID) ([]Reply, error)
}

// Reply is what somebody on the fediverse answered to a post about a motion: discussion, never a vote.
type Reply struct {
	Person ui.Person
	HTML   string // sanitised
	Href   string
	At     time.Time
}

func t(ctx context.Context, msgid string, args ...any) string { return i18n.T(ctx, msgid, args...) }

func n(ctx context.Context, one, many string, count int, args ...any) string {
	return i18n.N(ctx, one, many, count, args...)
}

// Why the routes need no mandate: each is judged by who is a member, who moved, who is on the roll.
const (
	mover   = "none: the mover of a motion, or who works on its draft; the service checks"
	speaker = "none: every member may take part in a discussion"
	voter   = "none: the roll of the vote says who may"
)

// Routes are the pages of motions.
func (p *Pages) Routes() []web.Route {
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: web.Page}
	}
	post := func(path, act string, h web.Handler) web.Route {
		return web.Route{Pattern: "POST " + path, Handler: h, Style: web.Page, Act: act}
	}
	on := func(verb, act string, f action) web.Route {
		return post("/decisions/{number}/"+verb, act, p.do(f))
	}
	return []web.Route{
		get("/decisions", p.list), get("/decisions/new", p.newForm), post("/decisions", mover, p.create),
		get("/decisions/{number}", p.page), get("/decisions/{number}/edit", p.editForm), post("/decisions/{number}/edit", mover, p.save),
		get("/decisions/{number}/texts", p.texts), get("/decisions/{number}/votes", p.votes),
		on("publish", mover, p.doPublish), on("call", mover, p.doCall), on("withdraw", mover, p.doWithdraw), on("extend", mover, p.doExtend),
		on("state", mover, p.doState), on("collaborate", mover, p.doCollaborate), on("reopen", mover, p.doReopen), on("undo", mover, p.doUndo),
		on("support", voter, p.doSupport), on("vote", voter, p.doVote), on("review", voter, p.doReview),
		on("comment", speaker, p.doComment), on("react", speaker, p.doReact), on("comment-edit", speaker, p.doEditComment),
		on("amend", speaker, p.doAmend), on("answer", speaker, p.doAnswer),
	}
}

// lineView is a motion in a list.
type lineView struct {
	Number        int64
	Title, Body   string
	State         string
	Hue           string
	When          time.Time
	Before        string // the word before the time
	Turnout       string
	Share         float64
	Mine          bool // waits for the reader's vote
	Urgent, Draft bool
}

type listView struct {
	Frame          ui.PageProps
	Phase          string
	Nav            []ui.NavItem
	Waiting, Mend  []lineView
	Drafts, List   []lineView
	Templates      []template
	Older          string
	Now            time.Time
	Member         bool
	Total, Pending int
}

const listPage = 30

func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx, by, q := r.Context(), web.Actor(r), r.URL.Query()
	v := listView{Phase: q.Get("phase"), Now: p.db.Now(), Member: by.Member != 0, Templates: templates(ctx)}
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64) // nonsense reads from the newest
	f := Filter{Phase: v.Phase, Before: before, Limit: listPage}
	if _, ok := phases[f.Phase]; !ok {
		f.Phase, v.Phase = "", ""
	}
	names, err := p.bodyNames(ctx)
	if err != nil {
		return err
	}
	list, err := p.List(ctx, f)
	if err != nil {
		return err
	}
	v.List = p.lines(ctx, list, names)
	if len(list) == listPage {
		v.Older = "/decisions?phase=" + v.Phase + "&before=" + strconv.FormatInt(list[len(list)-1].Number, 10)
	}
	if before == 0 && v.Phase == "" {
		for _, part := range []struct {
			f  func(context.Context, authz.Actor) ([]Motion, error)
			to *[]lineView
		}{{p.ToVote, &v.Waiting}, {p.ToMend, &v.Mend}, {p.Drafts, &v.Drafts}} {
			ms, err := part.f(ctx, by)
			if err != nil {
				return err
			}
			*part.to = p.lines(ctx, ms, names)
		}
	}
	for _, x := range append([]string{""}, Phases()...) {
		href := "/decisions"
		if x != "" {
			href += "?phase=" + x
		}
		v.Nav = append(v.Nav, ui.NavItem{Label: phaseName(ctx, x), Href: href, Current: x == v.Phase})
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Decisions")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, listPageOf(v))
}

func (p *Pages) bodyNames(ctx context.Context) (map[id.ID]string, error) {
	all, err := p.mandate.Bodies(ctx, p.db)
	out := map[id.ID]string{}
	for _, b := range all {
		out[b.ID] = b.Name
	}
	return out, err
}

func (p *Pages) lines(ctx context.Context, list []Motion, bodies map[id.ID]string) []lineView {
	out := make([]lineView, len(list))
	for i := range list {
		m := &list[i]
		out[i] = lineView{Number: m.Number, Title: m.Title, Body: bodies[m.Body], State: StateWords(ctx, m), Hue: StateHue(m), When: m.when(), Before: whenIs(ctx, m), Urgent: m.Urgent != "", Draft: m.State == Draft}
		if m.RollSize > 0 {
			out[i].Turnout = t(ctx, "%d of %d voted", m.Votes, m.RollSize)
			out[i].Share = float64(m.Votes) / float64(m.RollSize)
		}
	}
	return out
}

// when is the instant that matters most about a motion where it stands.
func (m *Motion) when() time.Time {
	for _, x := range []struct {
		in State
		at time.Time
	}{{Called, m.OpensAt}, {Open, m.ClosesAt}, {Window, m.WindowEndsAt}, {InForce, m.InForceAt}, {Closed, m.CountedAt}} {
		if m.State == x.in {
			return x.at
		}
	}
	if !m.PublishedAt.IsZero() {
		return m.PublishedAt
	}
	return m.CreatedAt
}

// whenIs is the word before that instant.
func whenIs(ctx context.Context, m *Motion) string {
	switch m.State {
	case Called:
		return t(ctx, "opens") + " "
	case Open:
		return t(ctx, "closes") + " "
	case Window:
		return t(ctx, "in force from") + " "
	default:
		return ""
	}
}

// motion loads the motion of a route.
func (p *Pages) motion(r *http.Request) (Motion, error) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || number < 1 {
		return Motion{}, errNone
	}
	return p.Get(r.Context(), web.Actor(r), number)
}

func path(number int64) string { return "/decisions/" + strconv.FormatInt(number, 10) }

type (
	effectView struct {
		Title, Option, Wrong string
		Moved                bool
		Rows                 []changeView
	}
	changeView struct{ Name, Before, After string }
	voteView   struct {
		Person ui.Person
		Words  string
		Hue    string
		Reason string
		At     time.Time
	}
	resultView struct {
		Parts        []ui.BarPart
		Label, Value string
		Share        float64
		Hue          string
		Won          bool
	}
	commentView struct {
		Comment
		Person    ui.Person
		Depth     int
		Mine      bool
		Reactions []reactionView
	}
	reactionView struct {
		Emoji string
		N     int
		Mine  bool
	}
	amendmentView struct {
		Amendment
		Person     ui.Person
		Old        string
		Mine, Fits bool
	}
	supportView struct {
		Person ui.Person
		Kind   string
	}
	pageView struct {
		Frame         ui.PageProps
		M             Motion
		Now           time.Time
		Steps         []ui.Step
		Body          string
		BodyHref      string
		Mover         ui.Person
		HTML          string
		Options       []Option
		Effects       []effectView
		Rule          rulebook.Version
		RuleLines     []string
		Seen          Seen
		Mine          Choice
		Member        bool
		IsMover       bool
		MayMove       bool
		Collaborators []ui.Person
		Members       []ui.Option
		Turnout       string
		Share         float64
		Quorum        string
		Results       []resultView
		Verdict       string
		Votes         []voteView
		MoreVotes     bool
		Comments      []commentView
		Amendments    []amendmentView
		Seconds       []supportView
		Petitioners   []supportView
		CallIns       []supportView
		Needed        int // names that call it in, or call the petition
		From          *Motion
		Followers     []Motion
		Replies       []Reply
		CallFrom      time.Time
		Statement     string
		Booth         templ.Component // of a secret ballot
		Form          ui.Problem
		Reason        string
	}
)

func (p *Pages) page(w http.ResponseWriter, r *http.Request) error {
	m, err := p.motion(r)
	if err != nil {
		return err
	}
	return p.draw(w, r, m, ui.Problem{}, "")
}

// draw shows a motion; after a refused form with what was wrong.
func (p *Pages) draw(w http.ResponseWriter, r *http.Request, m Motion, wrong ui.Problem, reason string) error {
	ctx, by := r.Context(), web.Actor(r)
	v := pageView{M: m, Now: p.db.Now(), Member: by.Member != 0, IsMover: by.Member != 0 && by.Member == m.Mover, Form: wrong, Reason: reason,
		HTML: posttext.Render(m.Text, posttext.Options{}).HTML, Options: m.Settings().Options, Statement: m.Statement}
	var err error
	for _, f := range []func(context.Context, authz.Actor, *pageView) error{p.fillRule, p.fillEffects, p.fillVotes, p.fillTalk, p.fillPeople} {
		if err = f(ctx, by, &v); err != nil {
			return err
		}
	}
	if m.Secret() && p.Booth != nil {
		booth, ok, err := p.Booth(r, m.Ref())
		if err != nil {
			return err
		}
		if ok {
			v.Booth = booth
		}
	}
	v.Steps = steps(ctx, &v)
	if v.Frame, err = p.Frame(w, r, m.Title); err != nil {
		return err
	}
	v.Frame.Side = side(v)
	return web.Render(w, r, wrong.Status(), motionPage(v))
}

func (p *Pages) fillRule(ctx context.Context, by authz.Actor, v *pageView) (err error) {
	if v.Rule, err = p.Rule(ctx, p.db, &v.M); err != nil && !fault.Is(err, fault.Invalid) {
		return err
	}
	b, err := p.mandate.Body(ctx, p.db, v.M.Body)
	if err != nil {
		return err
	}
	v.Body, v.BodyHref = b.Name, "/groups/"+b.Handle
	if v.MayMove, err = p.belongs(ctx, p.db, b.ID, by.Member); err != nil {
		return err
	}
	v.CallFrom = v.M.PublishedAt.Add(time.Duration(v.Rule.Rule.Discussion) * day)
	switch {
	case v.M.State == Window:
		good, err := p.member.InGoodStanding(ctx, p.db, p.db.Now())
		if err != nil {
			return err
		}
		v.Needed = v.Rule.Rule.CallInNeeded(len(good))
	case v.M.Petition:
		v.Needed, err = p.PetitionNeeded(ctx, &v.Rule.Rule)
	}
	return err
}

func (p *Pages) fillEffects(ctx context.Context, _ authz.Actor, v *pageView) error {
	shown, err := p.Shown(ctx, p.db, &v.M)
	if err != nil {
		return err
	}
	for _, s := range shown {
		e := effectView{Title: s.Change.Title, Wrong: s.Wrong, Moved: s.Moved}
		if k, ok := p.effects.Kind(s.Kind); ok && e.Title == "" {
			e.Title = t(ctx, k.What)
		}
		if s.Option >= 0 && s.Option < len(v.Options) {
			e.Option = v.Options[s.Option].Title
		}
		for _, c := range changes(s.Change.Before, s.Change.After) {
			for _, text := range []*string{&c.Before, &c.After} {
				if *text, err = p.named(ctx, *text); err != nil {
					return err
				}
			}
			e.Rows = append(e.Rows, c)
		}
		v.Effects = append(v.Effects, e)
	}
	return nil
}

// named puts a member's name where a change names the member, so that names are kept in the register
// alone.
func (p *Pages) named(ctx context.Context, text string) (string, error) {
	r := ref.Parse(text)
	if r.Kind != "member" || r.ID == 0 {
		return text, nil
	}
	people, err := p.People(ctx, []id.ID{r.ID})
	if err != nil {
		return text, err
	}
	return people[r.ID].Name, nil
}

func (p *Pages) fillVotes(ctx context.Context, by authz.Actor, v *pageView) (err error) {
	m := &v.M
	if m.CalledAt.IsZero() || m.State == Called {
		return nil
	}
	if v.Seen, err = p.Sees(ctx, by, m); err != nil {
		return err
	}
	if v.Seen.Mine != nil {
		v.Mine = v.Seen.Mine.Choice()
	}
	if m.Votes, err = p.Service.Turnout(ctx, p.db, m); err != nil {
		return err
	}
	if m.RollSize > 0 {
		v.Share = float64(m.Votes) / float64(m.RollSize)
	}
	v.Turnout = n(ctx, "of %d member", "of %d members", m.RollSize, m.RollSize)
	v.Quorum = quorumWords(ctx, m, &v.Rule.Rule)
	if !v.Seen.Results {
		return nil
	}
	result := m.Result()
	if m.CountedAt.IsZero() {
		c, err := p.Standing(ctx, p.db, m)
		if err != nil {
			return err
		}
		if result, err = Count(c); err != nil {
			return err
		}
	}
	v.Results, v.Verdict = results(ctx, m, result), verdict(ctx, m, result)
	return nil
}

func (p *Pages) fillTalk(ctx context.Context, by authz.Actor, v *pageView) error {
	supports, err := p.Supports(ctx, v.M.ID)
	if err != nil {
		return err
	}
	comments, reactions, err := p.Thread(ctx, v.M.ID)
	if err != nil {
		return err
	}
	amendments, err := p.Amendments(ctx, v.M.ID)
	if err != nil {
		return err
	}
	texts, err := p.Texts(ctx, v.M.ID)
	if err != nil {
		return err
	}
	var votes []Vote
	if v.Seen.Names {
		if votes, err = p.Votes(ctx, v.M.ID, 51); err != nil {
			return err
		}
		if v.MoreVotes = len(votes) > 50; v.MoreVotes {
			votes = votes[:50]
		}
	}
	collaborators, err := p.Collaborators(ctx, v.M.ID)
	if err != nil {
		return err
	}
	who := append([]id.ID{v.M.Mover}, collaborators...)
	for _, s := range supports {
		who = append(who, s.Member)
	}
	for _, c := range comments {
		who = append(who, c.Member)
	}
	for _, a := range amendments {
		who = append(who, a.Member)
	}
	for _, x := range votes {
		who = append(who, x.Member)
	}
	people, err := p.People(ctx, who)
	if err != nil {
		return err
	}
	v.Mover = people[v.M.Mover]
	for _, c := range collaborators {
		v.Collaborators = append(v.Collaborators, people[c])
	}
	for _, s := range supports {
		x := supportView{people[s.Member], s.Kind}
		switch s.Kind {
		case Second:
			v.Seconds = append(v.Seconds, x)
		case Petition:
			v.Petitioners = append(v.Petitioners, x)
		case CallIn:
			v.CallIns = append(v.CallIns, x)
		}
	}
	if v.Member {
		v.Comments = thread(comments, reactions, people, by.Member)
	}
	v.Amendments = amendmentViews(amendments, texts, people, &v.M, by.Member)
	for _, x := range votes {
		c := x.Choice()
		v.Votes = append(v.Votes, voteView{people[x.Member], c.words(ctx, &v.M), choiceHue(c.Choice), x.Reason, x.At})
	}
	return nil
}

func (p *Pages) fillPeople(ctx context.Context, by authz.Actor, v *pageView) (err error) {
	if v.M.OriginID != 0 && v.M.OriginKind != Emergency {
		if m, err := p.ByID(ctx, by, v.M.OriginID); err == nil {
			v.From = &m
		} else if !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	if v.Followers, err = p.Followers(ctx, by, v.M.ID); err != nil {
		return err
	}
	if v.M.State == Draft && v.IsMover {
		if v.Members, err = p.Choices(ctx, "member"); err != nil {
			return err
		}
	}
	if p.Replies == nil {
		return nil
	}
	posts, err := p.Posts(ctx, p.db, v.M.ID)
	if err != nil || len(posts) == 0 {
		return err
	}
	v.Replies, err = p.Replies(ctx, by, posts)
	return err
}

type textsView struct {
	Frame ui.PageProps
	M     Motion
	Texts []Text
	Names map[id.ID]ui.Person
	Now   time.Time
}

// texts shows every version of a motion's text, each compared with the one before.
func (p *Pages) texts(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	m, err := p.motion(r)
	if err != nil {
		return err
	}
	v := textsView{M: m, Now: p.db.Now()}
	if v.Texts, err = p.Texts(ctx, m.ID); err != nil {
		return err
	}
	var who []id.ID
	for _, x := range v.Texts {
		who = append(who, x.By)
	}
	if v.Names, err = p.People(ctx, who); err != nil {
		return err
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Versions of motion %d", m.Number)); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, textsPage(v))
}

type votesView struct {
	Frame ui.PageProps
	M     Motion
	Votes []voteView
	Now   time.Time
}

// votes shows who voted what, to members, once the rule shows it.
func (p *Pages) votes(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	m, err := p.motion(r)
	if err != nil {
		return err
	}
	seen, err := p.Sees(ctx, by, &m)
	if err != nil {
		return err
	}
	if !seen.Names {
		return fault.New(fault.Forbidden, "Who voted how is for members to see, when the rule says so.")
	}
	list, err := p.Votes(ctx, m.ID, 5000)
	if err != nil {
		return err
	}
	var who []id.ID
	for _, x := range list {
		who = append(who, x.Member)
	}
	people, err := p.People(ctx, who)
	if err != nil {
		return err
	}
	v := votesView{M: m, Now: p.db.Now()}
	for _, x := range list {
		c := x.Choice()
		v.Votes = append(v.Votes, voteView{people[x.Member], c.words(ctx, &m), choiceHue(c.Choice), x.Reason, x.At})
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Votes on motion %d", m.Number)); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, votesPage(v))
}
