package ballot

import (
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// Booth is the place to vote on the page of an election or motion; false where that is not voted on in
// secret, or not yet. It draws itself for whoever reads: a form, or why there is none.
func (p *Pages) Booth(r *http.Request, subject ref.Ref) (BoothView, bool, error) {
	v, ok, err := p.Of(r.Context(), p.db, subject)
	if err != nil || !ok {
		return BoothView{}, false, err
	}
	b, err := p.booth(r, &v)
	return b, err == nil, err
}

func (p *Pages) booth(r *http.Request, v *Vote) (BoothView, error) {
	ctx, by := r.Context(), web.Actor(r)
	b := BoothView{Vote: v.ID, Closed: !v.ClosedAt.IsZero(), Void: v.Voided, Sealed: v.Sealed(), Open: v.Open(p.db.Now()), Closes: v.ClosesAt, Member: by.Member != 0, Hash: v.Hash}
	var err error
	if b.OnRoll, b.Taken, err = p.Entry(ctx, by, v.ID); err != nil || !b.Open || !b.OnRoll {
		return b, err
	}
	q, err := v.Question()
	if err != nil {
		return b, err
	}
	if q.Scrutineers != nil {
		b.Needed, b.Of = q.Scrutineers.Needed, len(q.Scrutineers.Keys)
	}
	if q.Witness != nil {
		b.Witness = q.Witness.Host
	}
	b.question, b.voter, b.Title, b.Words = q, by.Member, q.Title, boothWords(ctx)
	b.Options = shuffled(q, v.ID, by.Member)
	if b.Taken {
		return b, nil
	}
	code, err := ballotbox.NewCode(rand.Reader)
	b.Code = code.String()
	return b, err
}

// shuffled puts the options into an order of the member's own, which stays when the page is loaded again:
// whoever stands first on a paper has an advantage, and so nobody always does.
func shuffled(q *ballotbox.Question, vote, member id.ID) []boothOption {
	seed := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(vote)), uint64(member))
	out := make([]boothOption, len(q.Options))
	for i, at := range tally.Lot(seed, "order on the paper", len(q.Options)) {
		out[i] = boothOption{At: at, Name: q.Options[at].Name}
		if b := q.Settings.Budget; b != nil && at < len(b.Costs) {
			out[i].Cost = sum(b.Costs[at], b.Decimals)
		}
	}
	return out
}

// voteFor is the way to vote without script.
func (p *Pages) voteFor(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := p.load(r)
	if err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	q, err := v.Question()
	if err != nil {
		return err
	}
	code, receipt := ballotbox.Code{}, Receipt{}
	choice, err := readChoice(q, in)
	if err == nil {
		if code, err = ballotbox.ParseCode(in.Text("code")); err != nil {
			err = fault.Field("code", "%s", t(ctx, "This is not a code: it has seven groups of four letters and digits, and one of them is mistyped."))
		}
	}
	if err == nil {
		receipt, err = p.VoteFor(ctx, web.Actor(r), v.ID, code, in.Text("witness_code"), choice)
	}
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) && v.Open(p.db.Now()) {
		return p.again(w, r, v, in, err)
	}
	if err != nil {
		return err
	}
	key, err := code.Key(q)
	if err != nil {
		return err
	}
	next, err := p.Sequence(ctx, v.ID, key)
	if err != nil {
		return err
	}
	view := receiptView{Vote: v.ID, Question: q, Code: code.String(), Receipt: receiptText(&v, receipt, key, next-1), Words: choiceWords(ctx, q, choice)}
	if view.Frame, err = p.Frame(w, r, t(ctx, "Your ballot is in the box")); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store") // the code is on it
	return web.Render(w, r, http.StatusOK, receiptPage(view))
}

// again shows the form as it was sent, with what was wrong.
func (p *Pages) again(w http.ResponseWriter, r *http.Request, v Vote, in web.Params, err error) error {
	b, e := p.booth(r, &v)
	if e != nil {
		return e
	}
	b.Form, b.sent = ui.ProblemOf(err), in.Values()
	if code := in.Text("code"); code != "" && !b.Taken {
		b.Code = code // the member may have noted it
	}
	w.Header().Set("Cache-Control", "no-store")
	return p.draw(w, r, v, b)
}

// readChoice makes a choice of the fields of a form.
func readChoice(q *ballotbox.Question, in web.Params) (ballotbox.Choice, error) {
	c := q.Blank()
	switch q.Method {
	case ballotbox.Vote:
		c.Vote = in.Text("vote")
		if c.Vote == "" {
			return c, fault.Field("choice", "Choose one of the answers.")
		}
	case ballotbox.Marks:
		for _, x := range in.List("marks") {
			at, err := strconv.Atoi(x)
			if err != nil {
				return c, fault.Field("choice", "There is no such option.")
			}
			c.Marks = append(c.Marks, at)
		}
		slices.Sort(c.Marks)
		if limit := q.Settings.Max; limit > 0 && len(c.Marks) > limit {
			return c, fault.Field("choice", "You marked %d, and %d can be marked.", len(c.Marks), limit)
		}
	case ballotbox.Points:
		for i := range c.Points {
			if x := in.Text("points-" + strconv.Itoa(i)); x != "" {
				v, err := strconv.ParseInt(x, 10, 64)
				if err != nil {
					return c, fault.Field("choice", "%q is not a whole number.", x)
				}
				c.Points[i] = v
			}
		}
	case ballotbox.Ranking:
		return c, readRanks(q, in, c.Rank)
	}
	return c, nil
}

// readRanks reads numbers as a person may write them and says which is missing or there twice.
func readRanks(q *ballotbox.Question, in web.Params, ranks []int) error {
	names := make([]string, len(ranks)+1) // who has a number
	highest := 0
	for i := range ranks {
		x := in.Text("rank-" + strconv.Itoa(i))
		if x == "" {
			continue
		}
		v, err := strconv.Atoi(x)
		if err != nil || v < 1 || v > len(ranks) {
			return fault.Field("choice", "There is no number %q.", x)
		}
		if names[v] != "" && !equalRanks(q) {
			return fault.Field("choice", "%s and %s both have the number %d. Each number can be given once.", names[v], q.Options[i].Name, v)
		}
		ranks[i], names[v] = v, q.Options[i].Name
		highest = max(highest, v)
	}
	for v := 1; v < highest; v++ {
		if names[v] == "" {
			return fault.Field("choice", "You gave the number %d and not %d. Give 1 to the first, 2 to the next, and leave none out.", highest, v)
		}
	}
	return nil
}
