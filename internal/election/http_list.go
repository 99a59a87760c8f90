package election

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
)

type (
	// lineView is an election in a list.
	lineView struct {
		Election
		Body   string
		Hue    string
		Words  string
		When   time.Time
		Before string
		Next   string // what the reader can do, or how it ended
		Yours  bool   // it waits for the reader
	}
	listView struct {
		Frame                ui.PageProps
		Now                  time.Time
		Yours, Running, Past []lineView
		Older                string
		First, Member        bool
	}
)

func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	v := listView{Now: p.db.Now(), Member: by.Member != 0}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // nonsense reads from the newest
	v.First = before <= 0
	bodies, err := p.bodyNames(ctx)
	if err != nil {
		return err
	}
	if v.First {
		running, err := p.Running(ctx)
		if err != nil {
			return err
		}
		for _, l := range lines(ctx, running, bodies) {
			if l.Next, l.Yours, err = p.next(ctx, by, &l.Election); err != nil {
				return err
			}
			if l.Yours {
				v.Yours = append(v.Yours, l)
			} else {
				v.Running = append(v.Running, l)
			}
		}
	}
	const limit = 30
	past, err := p.List(ctx, max(before, 0), limit)
	if err != nil {
		return err
	}
	for _, l := range lines(ctx, past, bodies) {
		if l.Over() {
			l.Next = outcome(ctx, &l.Election)
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

// next says what the reader can do in an election now, and whether it waits for them.
func (p *Pages) next(ctx context.Context, by authz.Actor, e *Election) (words string, yours bool, err error) {
	switch e.State {
	case Nominations:
		return p.nextOfNominations(ctx, by, e)
	case Sealed:
		awaited, err := p.Awaited(ctx, p.db, e)
		if err == nil && by.Member != 0 && slices.Contains(awaited, by.Member) {
			return t(ctx, "You are a scrutineer: give up your key"), true, nil
		}
		return t(ctx, "Waits for the scrutineers"), false, err
	case Final:
		if e.Kind == Budget {
			return t(ctx, "Read what is put forward"), false, nil
		}
		return t(ctx, "Read what the candidates say"), false, nil
	case Open:
		return p.nextOfVote(ctx, by, e)
	case Counted:
		mine, err := p.candidacyOf(ctx, by, e)
		if err != nil || mine == nil || mine.Mandate == 0 || mine.Vacated {
			return outcome(ctx, e), false, err
		}
		m, err := p.mandate.Get(ctx, p.db, mine.Mandate)
		if err == nil && m.AcceptedAt.IsZero() && m.EndedAt.IsZero() {
			return t(ctx, "You are elected: accept the office, or decline it"), true, nil
		}
		return outcome(ctx, e), false, err
	}
	return "", false, nil
}

func (p *Pages) nextOfNominations(ctx context.Context, by authz.Actor, e *Election) (words string, yours bool, err error) {
	if err := p.mayTakePart(ctx, p.db, by, e); err != nil {
		if _, human := fault.Words(err); !human {
			return "", false, err
		}
		return "", false, nil
	}
	if e.Kind == Budget {
		return t(ctx, "Put a project forward"), false, nil
	}
	mine, err := p.candidacyOf(ctx, by, e)
	switch {
	case err != nil:
		return "", false, err
	case mine != nil && mine.State == Asked:
		return t(ctx, "You have been nominated: accept or decline"), true, nil
	case mine != nil && mine.State == Standing:
		return t(ctx, "You stand; nominate others, or answer questions"), false, nil
	}
	return t(ctx, "Stand, or nominate somebody"), false, nil
}

func (p *Pages) nextOfVote(ctx context.Context, by authz.Actor, e *Election) (words string, yours bool, err error) {
	if by.Member == 0 {
		return "", false, nil
	}
	on, voted, err := p.Entry(ctx, by, e)
	if err != nil {
		return "", false, err
	}
	switch {
	case !on:
		return t(ctx, "You are not on the roll"), false, nil
	case !voted:
		return t(ctx, "Vote"), true, nil
	case e.Mode == Secret:
		return t(ctx, "You have taken your ballot paper, and can change your vote"), false, nil
	}
	return t(ctx, "You have voted, and can change your vote"), false, nil
}

// candidacyOf is the actor's own nomination, nil if there is none.
func (p *Pages) candidacyOf(ctx context.Context, by authz.Actor, e *Election) (*Candidate, error) {
	if by.Member == 0 || e.Kind == Budget {
		return nil, nil
	}
	list, err := p.Candidates(ctx, p.db, e.ID)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(list, func(c Candidate) bool { return c.Member == by.Member }); i >= 0 {
		return &list[i], nil
	}
	return nil, nil
}
