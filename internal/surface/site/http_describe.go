package site

import (
	"net/http"

	"rochdale/internal/coop"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
)

type describeView struct {
	Frame  ui.PageProps
	Text   coop.Description
	Reason string
	Ways   []ui.Option
	form
}

// describeForm lets whoever holds the power change what the co-op says about itself.
func (s *Service) describeForm(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	c, err := s.Coop.Get(ctx)
	if err != nil {
		return err
	}
	if _, err := s.Mandate.Authorise(ctx, s.DB, web.Actor(r), coop.Power, authz.Target{Kind: "coop", ID: 1}); err != nil {
		return err
	}
	return s.drawDescribe(w, r, describeView{Text: coop.Description{Name: c.Name, Description: c.Description, Joining: c.Joining, Conduct: c.Conduct, Contact: c.Contact}})
}

func (s *Service) drawDescribe(w http.ResponseWriter, r *http.Request, v describeView) (err error) {
	ctx := r.Context()
	for _, way := range []string{coop.ByApplication, coop.ByInvitation, coop.Closed} {
		v.Ways = append(v.Ways, ui.Option{Value: way, Label: joiningWords(ctx, way)})
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "What the co-op says about itself")); err != nil {
		return err
	}
	return web.Render(w, r, v.form.status(), describePage(v))
}

func (s *Service) describe(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	d := coop.Description{Name: in.Text("name"), Description: in.Text("description"), Joining: in.String("joining"), Conduct: in.Text("conduct"), Contact: in.Text("contact")}
	if err := s.Coop.Describe(ctx, by, d, in.Text("reason")); err != nil {
		v := describeView{Text: d, Reason: in.Text("reason")}
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawDescribe(w, r, v)
	}
	web.SetFlash(w, r, t(ctx, "It is changed, and on the public record with your mandate."))
	return web.Redirect(w, r, "/about")
}
