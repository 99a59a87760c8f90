package moderation

import (
	"context"
	"net/http"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/social"
)

// Pages show which servers and accounts the co-op limits, and let whoever holds the power change it.
type Pages struct {
	*Service
	Frame func(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error)
}

func t(ctx context.Context, msgid string, args ...any) string { return i18n.T(ctx, msgid, args...) }

// Routes are the pages of moderation.
func (p *Pages) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET /moderation", Style: web.Page, Handler: p.page},
		{Pattern: "POST /moderation/domains", Style: web.Page, Handler: p.setDomain, Act: Block},
		{Pattern: "POST /moderation/accounts", Style: web.Page, Handler: p.setAccount, Act: Suspend},
	}
}

type levelView struct {
	Name, Href, Level string
	Since             time.Time
}

type pageView struct {
	Frame             ui.PageProps
	Domains, Accounts []levelView
	Blocks, Suspends  bool // what the reader may do
	Member            bool
	Values            map[string]string
	Form              ui.Problem
	Now               time.Time
}

func (p *Pages) page(w http.ResponseWriter, r *http.Request) error {
	return p.draw(w, r, map[string]string{"domain": r.URL.Query().Get("domain"), "account": r.URL.Query().Get("account")}, ui.Problem{})
}

func (p *Pages) draw(w http.ResponseWriter, r *http.Request, values map[string]string, wrong ui.Problem) error {
	ctx, by := r.Context(), web.Actor(r)
	v := pageView{Values: values, Form: wrong, Now: p.db.Now(), Member: by.Member != 0}
	domains, err := p.social.DomainLimits(ctx)
	if err != nil {
		return err
	}
	for _, d := range domains {
		v.Domains = append(v.Domains, levelView{Name: d.Name, Level: Words(ctx, d.Level), Since: d.Since})
	}
	for power, may := range map[string]*bool{Block: &v.Blocks, Suspend: &v.Suspends} {
		_, err := p.judge.Authorise(ctx, p.db, by, power, authz.Target{})
		if *may = err == nil; err != nil && !fault.Is(err, fault.Forbidden) {
			return err
		}
	}
	if v.Member {
		accounts, err := p.social.LeveledAccounts(ctx, p.db)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			if l := a.Level(); l != social.LevelNone {
				v.Accounts = append(v.Accounts, levelView{Name: "@" + a.Acct(), Level: Words(ctx, l)})
			}
		}
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Moderation")); err != nil {
		return err
	}
	return web.Render(w, r, wrong.Status(), moderationPage(v))
}

// done draws the page again with what was wrong, or says that it is done.
func (p *Pages) done(w http.ResponseWriter, r *http.Request, in web.Params, err error) error {
	ctx := r.Context()
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.NotFound) {
		values := map[string]string{}
		for name := range in.Values() {
			values[name] = in.Text(name)
		}
		return p.draw(w, r, values, ui.ProblemOf(err))
	}
	if err != nil {
		return err
	}
	web.SetFlash(w, r, t(ctx, "It is done, and on the public record with your mandate."))
	return web.Redirect(w, r, "/moderation")
}

func (p *Pages) setDomain(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	level, err := parseLevel(in.String("level"), social.LevelNone, social.LevelLimit, social.LevelBlock)
	if err == nil {
		err = p.SetDomain(r.Context(), web.Actor(r), in.Text("domain"), level, in.Text("reason"))
	}
	return p.done(w, r, in, err)
}

func (p *Pages) setAccount(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	name, domain, _ := strings.Cut(strings.TrimPrefix(in.Text("account"), "@"), "@")
	level, err := parseLevel(in.String("level"), social.LevelNone, social.LevelLimit, social.LevelSuspend)
	if err != nil {
		return p.done(w, r, in, err)
	}
	a, err := p.social.KnownByName(ctx, p.db, name, domain)
	if err == nil {
		err = p.SetAccount(ctx, web.Actor(r), a.ID, Measure{Level: level, Class: in.String("class"), Confidential: in.Bool("confidential")}, in.Text("reason"))
	}
	return p.done(w, r, in, err)
}

func parseLevel(s string, allowed ...social.Level) (social.Level, error) {
	for _, l := range allowed {
		if s == string(l) || l == social.LevelNone && s == None {
			return l, nil
		}
	}
	return "", fault.Field("level", "Choose a level.")
}

func levelOptions(ctx context.Context, levels ...social.Level) []ui.Option {
	var out []ui.Option
	for _, l := range levels {
		v := string(l)
		if l == social.LevelNone {
			v = None
		}
		out = append(out, ui.Option{Value: v, Label: Words(ctx, l)})
	}
	return out
}

func classOptions(ctx context.Context) []ui.Option {
	words := map[string]string{"spam": t(ctx, "spam"), "harassment": t(ctx, "harassment"), "illegal": t(ctx, "illegal content"), "legal": t(ctx, "an order of a court or an authority"), "safety": t(ctx, "safety"), "rules": t(ctx, "rules of conduct"), "other": t(ctx, "something else")}
	var out []ui.Option
	for _, c := range Classes {
		out = append(out, ui.Option{Value: c, Label: words[c]})
	}
	return out
}
