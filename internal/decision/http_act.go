package decision

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
)

// action is what a button on a motion's page does: it returns the motion to show afterwards and what to say.
type action func(r *http.Request, m Motion, in web.Params) (next Motion, said string, err error)

// do runs an action; what was wrong with the form is shown on the page it came from.
func (p *Pages) do(f action) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		m, err := p.motion(r)
		if err != nil {
			return err
		}
		in, err := web.Read(r)
		if err != nil {
			return err
		}
		next, said, err := f(r, m, in)
		if err != nil {
			if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
				return p.draw(w, r, m, ui.ProblemOf(err), in.Text("reason"))
			}
			return err
		}
		if said != "" {
			web.SetFlash(w, r, said)
		}
		to := path(next.Number)
		if at := in.String("at"); at != "" && !strings.ContainsAny(at, "/?&#") {
			to += "#" + at
		}
		return web.Redirect(w, r, to)
	}
}

func (p *Pages) doPublish(r *http.Request, m Motion, _ web.Params) (Motion, string, error) {
	m, err := p.Publish(r.Context(), web.Actor(r), m.ID)
	return m, t(r.Context(), "It is published: the members can discuss it."), err
}

func (p *Pages) doCall(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	c := Calling{Urgent: in.Text("urgent")}
	if n := in.Int("hours", 0, 0, 60*24); n > 0 {
		c.For = time.Duration(n) * time.Hour
	} else if n := in.Int("days", 0, 0, 60); n > 0 {
		c.For = time.Duration(n) * day
	}
	if s := in.Text("opens"); s != "" {
		at, err := time.Parse("2006-01-02T15:04", s)
		if err != nil {
			return m, "", fault.Field("opens", "Write the opening as a date and a time (UTC).")
		}
		c.Opens = at
	}
	m, err := p.Call(r.Context(), web.Actor(r), m.ID, c)
	return m, t(r.Context(), "It is called: text, effects and roll are fixed."), err
}

func (p *Pages) doWithdraw(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	m, err := p.Withdraw(r.Context(), web.Actor(r), m.ID, in.Text("reason"))
	return m, t(r.Context(), "It is withdrawn."), err
}

func (p *Pages) doExtend(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	m, err := p.Extend(r.Context(), web.Actor(r), m.ID, m.ClosesAt.Add(time.Duration(in.Int("days", 0, 0, 60))*day), in.Text("reason"))
	return m, t(r.Context(), "Voting stays open longer."), err
}

func (p *Pages) doState(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	m, err := p.State(r.Context(), web.Actor(r), m.ID, in.Text("text"))
	return m, t(r.Context(), "The outcome is stated."), err
}

func (p *Pages) doCollaborate(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	return m, t(r.Context(), "Saved."), p.Collaborate(r.Context(), web.Actor(r), m.ID, in.ID("member"), !in.Bool("out"))
}

func (p *Pages) doReopen(r *http.Request, m Motion, _ web.Params) (Motion, string, error) {
	m, err := p.Reopen(r.Context(), web.Actor(r), m.ID)
	return m, t(r.Context(), "A new motion is drafted from it."), err
}

func (p *Pages) doUndo(r *http.Request, m Motion, _ web.Params) (Motion, string, error) {
	m, err := p.Undo(r.Context(), web.Actor(r), m.ID)
	return m, t(r.Context(), "A motion that would undo it is drafted."), err
}

func (p *Pages) doSupport(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	m, err := p.Support(r.Context(), web.Actor(r), m.ID, in.String("kind"), in.Text("reason"))
	return m, t(r.Context(), "Your name is under it."), err
}

func (p *Pages) doVote(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	_, err := p.Cast(r.Context(), web.Actor(r), m.ID, readChoice(in, &m), in.Text("reason"))
	return m, t(r.Context(), "Your vote is in. You can change it until the close."), err
}

// readChoice reads a vote from a form or from JSON; the service says what is wrong with it.
func readChoice(in web.Params, m *Motion) Choice {
	c := Choice{Choice: in.String("choice")}
	for _, s := range in.List("marks") {
		if x, err := strconv.Atoi(s); err == nil {
			c.Marks = append(c.Marks, x)
		}
	}
	for i := range m.Options() {
		at := "-" + strconv.Itoa(i)
		if in.Has("points" + at) {
			c.Points = append(c.Points, int64(in.Int("points"+at, 0, -1_000_000, 1_000_000)))
		}
		if in.Has("rank" + at) {
			c.Ranks = append(c.Ranks, in.Int("rank"+at, 0, -1, 1000))
		}
		c.Answer = append(c.Answer, in.Int("answer"+at, -1, -1, 10))
		if in.Has("words" + at) {
			c.Words = append(c.Words, in.Text("words"+at))
		}
	}
	return c
}

func (p *Pages) doReview(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	var next time.Time
	if s := in.Text("next"); s != "" {
		at, err := time.Parse(time.DateOnly, s)
		if err != nil {
			return m, "", fault.Field("next", "Write the next review as a date.")
		}
		next = at
	}
	m, err := p.Review(r.Context(), web.Actor(r), m.ID, in.Text("finding"), next)
	return m, t(r.Context(), "The review is noted."), err
}

func (p *Pages) doComment(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	_, err := p.Comment(r.Context(), web.Actor(r), m.ID, in.ID("parent"), in.Text("text"))
	return m, "", err
}

func (p *Pages) doEditComment(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	return m, "", p.EditComment(r.Context(), web.Actor(r), in.ID("comment"), in.Text("text"))
}

func (p *Pages) doReact(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	return m, "", p.React(r.Context(), web.Actor(r), in.ID("comment"), in.String("emoji"), !in.Bool("off"))
}

func (p *Pages) doAmend(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	_, err := p.Amend(r.Context(), web.Actor(r), m.ID, in.Text("text"), in.Text("reason"))
	return m, t(r.Context(), "The amendment is proposed; the mover can accept it."), err
}

func (p *Pages) doAnswer(r *http.Request, m Motion, in web.Params) (Motion, string, error) {
	return m, "", p.Answer(r.Context(), web.Actor(r), in.ID("amendment"), in.String("how"), in.Text("answer"))
}
