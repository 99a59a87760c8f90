package election

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/tally"
)

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
	v.Picture = drawCount(&res, v.Stage, t(ctx, "no further choice"))
	list, err := p.Candidates(ctx, p.db, e.ID)
	if err != nil {
		return err
	}
	if len(res.Stages) > 0 {
		v.Order = order(&res)
	}
	v.Names = map[string]string{}
	for _, c := range list {
		v.Names[c.ID.String()] = c.Name
		for i := range v.Words { // the number of a project is for who counts by machine
			v.Words[i] = strings.ReplaceAll(v.Words[i], " ("+c.ID.String()+")", "")
		}
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
	Order      []int // of the table's lines: the elected first, then who stayed longest
	BallotHref string
}

// officer is the page of the returning officer: what is going on, for every member to see, and what the
// holder of the power can do about it.
func (p *Pages) officer(w http.ResponseWriter, r *http.Request) error {
	e, err := p.election(r)
	if err != nil {
		return err
	}
	return p.drawOfficer(w, r, e, refusal{})
}

func (p *Pages) drawOfficer(w http.ResponseWriter, r *http.Request, e Election, refused refusal) (err error) {
	ctx, by := r.Context(), web.Actor(r)
	if by.Member == 0 {
		return fault.New(fault.Forbidden, "The returning officer's page is for members to see.")
	}
	v := pageView{E: e, Plan: e.Plan(), Now: p.db.Now(), Member: true, Refused: refused}
	for _, f := range []func(context.Context, authz.Actor, *pageView) error{p.fillOffice, p.fillCandidates, p.fillTalk, p.fillVote} {
		if err := f(ctx, by, &v); err != nil {
			return err
		}
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Returning officer: %s", e.Title)); err != nil {
		return err
	}
	return web.Render(w, r, refused.Status(), officerPage(v))
}

// order is standingOrder as places in the votes of a stage; who never had a vote comes last.
func order(r *tally.Result) []int {
	var out []int
	votes := r.Stages[0].Votes
	for _, name := range standingOrder(r) {
		if i := slices.IndexFunc(votes, func(x tally.Tally) bool { return x.Option == name }); i >= 0 {
			out = append(out, i)
		}
	}
	for i := range votes {
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out
}
