package webhook

import (
	"context"
	"net/http"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
)

// Pages are where holders of the power say who is told of what.
type Pages struct {
	*Service
	// Frame is what stands around a page; app connects it.
	Frame func(w http.ResponseWriter, r *http.Request, title string) (ui.PageProps, error)
}

func t(ctx context.Context, msgid string, args ...any) string { return i18n.T(ctx, msgid, args...) }

// Routes are the pages of this feature.
func (p *Pages) Routes() []web.Route {
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: web.Page}
	}
	post := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "POST " + path, Handler: h, Style: web.Page, Act: Manage}
	}
	return []web.Route{
		get("/webhooks", p.list), post("/webhooks", p.add),
		post("/webhooks/{id}/remove", p.change(p.Remove, i18n.Key("It is told of nothing any more."))),
		post("/webhooks/{id}/enable", p.change(p.Enable, i18n.Key("It is told of events again."))),
		post("/webhooks/{id}/try", p.change(func(ctx context.Context, by authz.Actor, hook id.ID, _ string) error { return p.Try(ctx, by, hook) }, i18n.Key("A test event is on its way."))),
	}
}

type listView struct {
	Frame      ui.PageProps
	Hooks      []Hook
	Deliveries []Delivery
	Draft      Draft
	Reason     string
	Now        time.Time
	Form       ui.Problem
}

// shown is how many deliveries the page shows.
const shown = 50

func (p *Pages) list(w http.ResponseWriter, r *http.Request) error {
	return p.draw(w, r, listView{})
}

func (p *Pages) draw(w http.ResponseWriter, r *http.Request, v listView) (err error) {
	ctx, by := r.Context(), web.Actor(r)
	if v.Hooks, err = p.List(ctx, by); err != nil {
		return err
	}
	if v.Deliveries, err = p.Deliveries(ctx, by, shown); err != nil {
		return err
	}
	if v.Frame, err = p.Frame(w, r, t(ctx, "Events for other programs")); err != nil {
		return err
	}
	v.Now, v.Frame.NoIndex = p.db.Now(), true
	return web.Render(w, r, v.Form.Status(), listPage(v))
}

func (p *Pages) add(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := listView{Draft: Draft{URL: in.Text("url")}, Reason: in.Text("reason")}
	for _, e := range Events {
		if in.Bool(e.Name) {
			v.Draft.Events = append(v.Draft.Events, e.Name)
		}
	}
	_, err = p.Add(r.Context(), web.Actor(r), v.Draft, v.Reason)
	if fault.Is(err, fault.Invalid) || fault.Is(err, fault.Conflict) {
		v.Form = ui.ProblemOf(err)
		return p.draw(w, r, v)
	}
	if err != nil {
		return err
	}
	web.SetFlash(w, r, t(r.Context(), "It is told of events from now on. Give its keeper the secret."))
	return web.Redirect(w, r, "/webhooks")
}

func (p *Pages) change(f func(ctx context.Context, by authz.Actor, hook id.ID, reason string) error, done string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := web.Read(r)
		if err != nil {
			return err
		}
		if err := f(r.Context(), web.Actor(r), id.Parse(r.PathValue("id")), in.Text("reason")); err != nil {
			return err
		}
		web.SetFlash(w, r, t(r.Context(), done))
		return web.Redirect(w, r, "/webhooks")
	}
}

// statusWords say how a delivery went.
func statusWords(ctx context.Context, d *Delivery) (words, hue string) {
	switch {
	case d.Delivered():
		return t(ctx, "delivered"), "green"
	case d.Event == "webhook.disabled":
		return t(ctx, "turned off"), "red"
	case !d.DoneAt.IsZero():
		return t(ctx, "given up"), "red"
	case d.Tries > 0:
		return t(ctx, "will be tried again"), "orange"
	}
	return t(ctx, "waits"), "blue"
}

func number(ctx context.Context, n int) string { return i18n.Number(ctx, int64(n)) }

func eventWords(ctx context.Context, name string) string {
	for _, e := range Events {
		if e.Name == name {
			return t(ctx, e.What)
		}
	}
	return name
}
