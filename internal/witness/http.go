package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
)

// Pages show who witnesses for whom, and give a voter's line of our register to whoever has its code.
type Pages struct {
	*Service
	// Frame is what stands around a page; app connects it.
	Frame func(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error)
}

func t(ctx context.Context, msgid string, args ...any) string { return i18n.T(ctx, msgid, args...) }

func n(ctx context.Context, one, many string, count int, args ...any) string {
	return i18n.N(ctx, one, many, count, args...)
}

func number(ctx context.Context, n int) string { return i18n.Number(ctx, int64(n)) }

// perLook bounds how often one address tries codes.
var perLook = web.Limit{Events: 30, Per: time.Minute}

// Routes are the pages, and the doors for the co-ops for which we witness.
func (p *Pages) Routes() []web.Route {
	return append([]web.Route{
		{Pattern: "GET /witness", Handler: p.list, Style: web.Page},
		{Pattern: "GET /witness/votes/{id}", Handler: p.vote, Style: web.Page},
		{Pattern: "POST /witness/votes/{id}/look", Handler: p.look, Style: web.Page, Act: "none: it reads one line, for whoever holds its code", MaxBody: 4 << 10, Limit: perLook},
		{Pattern: "POST /witness/votes/{id}/letter", Handler: p.letterAgain, Style: web.Page, Act: "none: it writes a letter to a voter on the roll, once an hour", MaxBody: 4 << 10, Limit: perLook},
	}, p.doors()...)
}

// shown is how many votes the page shows.
const shown = 100

type listView struct {
	Frame   ui.PageProps
	Now     time.Time
	Host    string
	Key     ballotbox.Base64
	Ours    []Engagement // in force: one or none
	Served  []Agreement  // in force
	Votes   []Vote
	Witness string // the site of our witness
}

func (p *Pages) list(w http.ResponseWriter, r *http.Request) (err error) {
	ctx := r.Context()
	v := listView{Now: p.db.Now(), Host: p.host}
	if v.Key, err = p.Key(ctx); err != nil {
		return err
	}
	ours, ok, err := getEngaged.Find(ctx, p.db)
	if err != nil {
		return err
	}
	if ok {
		v.Ours, v.Witness = []Engagement{ours}, p.base(ours.Host)
	}
	served, err := listServed.All(ctx, p.db)
	if err != nil {
		return err
	}
	for _, a := range served {
		if a.EndedAt.IsZero() {
			v.Served = append(v.Served, a)
		}
	}
	if v.Votes, err = lastVotes.All(ctx, p.db, shown); err != nil {
		return err
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Witnesses of secret votes")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, listPage(v))
}

type voteView struct {
	Frame  ui.PageProps
	Now    time.Time
	Vote   Vote
	Found  *Found // nil before we have looked
	Error  string // of the form
	Name   string // whose line it is
	Taken  bool
	Looked bool
}

// facts are what anybody's program may know of a vote that we witness.
type facts struct {
	Coop     string           `json:"coop"`
	Vote     string           `json:"vote"`
	Title    string           `json:"title"`
	URL      string           `json:"url"`
	Key      ballotbox.Base64 `json:"key"`
	Roll     int              `json:"roll"`
	RollHash ballotbox.Hash   `json:"roll_hash"`
	Question string           `json:"question,omitempty"` // hash
	Papers   int              `json:"papers"`
	Closes   time.Time        `json:"closes"`
	Closed   time.Time        `json:"closed,omitzero"`
	File     string           `json:"file,omitempty"`
	Found    *Found           `json:"found,omitempty"`
}

func (p *Pages) vote(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	v, err := p.Get(ctx, p.db, id.Parse(r.PathValue("id")))
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept")
	if !web.WantsJSON(r) {
		return p.draw(w, r, http.StatusOK, voteView{Vote: v})
	}
	lines, err := listRegister.All(ctx, p.db, v.ID)
	if err != nil {
		return err
	}
	out := facts{Coop: v.Host, Vote: v.Name, Title: v.Title, URL: v.URL, Roll: v.Roll, RollHash: ballotbox.RollHash(v.Name, voters(lines)), Question: v.Question, Papers: v.Papers,
		Closes: v.ClosesAt.UTC(), File: v.File}
	if out.Key, err = v.key(); err != nil {
		return err
	}
	if !v.ClosedAt.IsZero() {
		out.Closed = v.ClosedAt.UTC()
	}
	if f, ok := v.Found(); ok {
		out.Found = &f
	}
	w.Header().Set("Access-Control-Allow-Origin", "*") // anybody's page may compare
	w.Header().Set("Cache-Control", "no-cache")
	return web.JSON(w, http.StatusOK, out)
}

func (p *Pages) draw(w http.ResponseWriter, r *http.Request, status int, v voteView) (err error) {
	v.Now = p.db.Now()
	if f, ok := v.Vote.Found(); ok {
		v.Found = &f
	}
	if v.Frame, err = p.Frame(w, r, v.Vote.Title); err != nil {
		return err
	}
	v.Frame.NoIndex = true
	return web.Render(w, r, status, votePage(v))
}

// look answers whether the paper of whoever holds a code was taken. The code comes in the body: addresses stand
// in logs.
func (p *Pages) look(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := voteView{}
	if v.Vote, err = p.Get(ctx, p.db, id.Parse(r.PathValue("id"))); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	if v.Name, v.Taken, v.Looked, err = p.Look(ctx, v.Vote.ID, in.Text("code")); err != nil {
		return err
	}
	if v.Looked {
		return p.draw(w, r, http.StatusOK, v)
	}
	v.Error = t(ctx, "This is no witness code of this vote. It has 12 letters and digits.")
	if !v.Vote.ClosedAt.IsZero() {
		v.Error = t(ctx, "The vote is closed, and the codes are erased.")
	}
	return p.draw(w, r, http.StatusUnprocessableEntity, v)
}

// letterAgain has a lost letter written again. The answer is the same for every address.
func (p *Pages) letterAgain(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	vote := id.Parse(r.PathValue("id"))
	if err := p.SendAgain(ctx, vote, in.Text("mail")); err != nil {
		return err
	}
	web.SetFlash(w, r, t(ctx, "If this address is on the roll, has no paper yet and had no letter within the last hour, a new letter is on its way."))
	return web.Redirect(w, r, path(vote))
}

// stateWords say how far a vote is.
func stateWords(ctx context.Context, v *Vote) (words, hue string) {
	switch {
	case !v.ClosedAt.IsZero():
		return t(ctx, "closed"), "plain"
	case v.OpenedAt.IsZero():
		return t(ctx, "not yet open"), "blue"
	}
	return t(ctx, "open"), "violet"
}

// papersWords say how many have taken a paper.
func papersWords(ctx context.Context, v *Vote) string {
	return t(ctx, "%s of %s have taken a witness paper", number(ctx, v.Papers), number(ctx, v.Roll))
}

// foundWords say what we found in the published ballots.
func foundWords(ctx context.Context, f *Found) (words, hue string) {
	switch {
	case f.Wrong > 0:
		return n(ctx, "We have recounted, and %s thing is wrong.", "We have recounted, and %s things are wrong.", f.Wrong, number(ctx, f.Wrong)), "red"
	case f.Sealed:
		return n(ctx, "We have looked: %s ballot, with our signature. The scrutineers have not opened it yet.",
			"We have looked: %s ballots, all with our signature. The scrutineers have not opened them yet.", f.Ballots, number(ctx, f.Ballots)), "blue"
	}
	return n(ctx, "We have recounted: %s ballot, with our signature.", "We have recounted: %s ballots, all with our signature.", f.Ballots, number(ctx, f.Ballots)), "green"
}

// inRecord is where the record tells of an agreement or a vote.
func inRecord(i id.ID) string {
	return "/record?subject=" + ref.Ref{Kind: "witness", ID: i}.String()
}

func closesLabel(ctx context.Context, v *Vote) string {
	if v.ClosedAt.IsZero() {
		return t(ctx, "Closes")
	}
	return t(ctx, "Closed")
}

// keyPrint is the hash of our key: short enough to be compared by eye.
func keyPrint(v *Vote) string {
	key, err := v.key()
	if err != nil {
		return "" // written by us
	}
	sum := sha256.Sum256(key)
	return "SHA-256 " + hex.EncodeToString(sum[:])
}
