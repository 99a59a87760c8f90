package election

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"rochdale/internal/ballot"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
)

// scrutinyView is what a page says of the scrutineers.
type scrutinyView struct {
	Takes          bool // members can offer themselves
	MayOffer       bool // the reader can
	Offered        bool // the reader has
	Offers         []ui.Person
	Needed, Of     int
	Drawn          []keeperView
	Revealed       int
	Mine           *ballot.Scrutineer // the reader is one
	Key            string             // public, of the reader
	Subject, Words string             // for the script
}

type keeperView struct {
	Person   ui.Person
	Revealed bool
}

// fillScrutiny is filled where the rule asks for scrutineers.
func (p *Pages) fillScrutiny(ctx context.Context, by authz.Actor, v *pageView) error {
	if !v.E.sealed() {
		return nil
	}
	r := v.E.Rules()
	s := &scrutinyView{Takes: v.E.TakesScrutineers(), Needed: r.Needed, Of: r.Scrutineers, Subject: v.E.Ref().String(), Words: scrutinyWords(ctx)}
	offers, err := p.Offers(ctx, v.E.ID)
	if err != nil {
		return err
	}
	var drawn []ballot.Scrutineer
	b, ok, err := p.ballot.Of(ctx, p.db, v.E.Ref())
	if err == nil && ok {
		drawn, err = p.ballot.Scrutineers(ctx, p.db, b.ID)
	}
	if err != nil {
		return err
	}
	var who []id.ID
	for _, o := range offers {
		who = append(who, o.Member)
	}
	for _, d := range drawn {
		who = append(who, d.Member)
	}
	people, err := p.People(ctx, who)
	if err != nil {
		return err
	}
	for _, o := range offers {
		s.Offers = append(s.Offers, people[o.Member])
		if by.Member != 0 && o.Member == by.Member {
			s.Offered, s.Key = true, o.Key
		}
	}
	s.MayOffer = s.Takes && v.Takes && (v.Mine == nil || v.Mine.State != Standing && v.Mine.State != Asked)
	for i, d := range drawn {
		s.Drawn = append(s.Drawn, keeperView{people[d.Member], d.Key != ""})
		if d.Key != "" {
			s.Revealed++
		}
		if by.Member != 0 && d.Member == by.Member {
			s.Mine = &drawn[i]
		}
	}
	if s.Takes || len(s.Drawn) > 0 {
		v.Scrutiny = s
	}
	return nil
}

// scrutinyWords are what the script of the forms says.
func scrutinyWords(ctx context.Context) string {
	text, err := json.Marshal(map[string]string{
		"insecure":   t(ctx, "This page was not loaded over a secure connection, so your browser cannot make a key."),
		"no-code":    t(ctx, "Type your code first."),
		"code":       t(ctx, "This is not a code: it has seven groups of four letters and digits, and one of them is mistyped."),
		"other-code": t(ctx, "This code is not the one of the key that you registered for this vote."),
	})
	if err != nil {
		return "{}" // unreachable: texts
	}
	return string(text)
}

// keyOf reads a key of 32 bytes.
func keyOf(in web.Params) (ballotbox.Base64, error) {
	var key ballotbox.Base64
	if err := key.UnmarshalText([]byte(strings.TrimSpace(in.Text("key")))); err != nil || len(key) != 32 {
		return nil, fault.Field("key", "This is not a key: it has 43 letters, digits, hyphens and underscores.")
	}
	return key, nil
}

func (p *Pages) doOffer(r *http.Request, e *Election, in web.Params) (string, error) {
	key, err := keyOf(in)
	if err != nil {
		return "", err
	}
	return t(r.Context(), "You offer to be a scrutineer. Keep your code until the ballots are open."), p.OfferScrutiny(r.Context(), web.Actor(r), e.ID, key)
}

func (p *Pages) doUnoffer(r *http.Request, e *Election, _ web.Params) (string, error) {
	return t(r.Context(), "You do not offer to be a scrutineer any more."), p.WithdrawScrutiny(r.Context(), web.Actor(r), e.ID)
}

func (p *Pages) doReveal(r *http.Request, e *Election, in web.Params) (string, error) {
	key, err := keyOf(in)
	if err != nil {
		return "", err
	}
	return t(r.Context(), "Your key is revealed. When enough are, the ballots are opened and counted."), p.Reveal(r.Context(), web.Actor(r), e.ID, key)
}

// names joins the names of people.
func names(list []ui.Person) string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		out = append(out, p.Name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
