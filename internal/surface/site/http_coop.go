package site

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
)

// officeView is an office in force: who holds it, in which body, until when.
type officeView struct {
	Name, Href, Handle, Picture, Hue string
	Office, Body, Source             string
	From, Until                      time.Time
	Powers                           []string
	Member                           id.ID
}

// offices lists the offices in force.
func (s *Service) offices(ctx context.Context) ([]officeView, error) {
	list, err := s.Mandate.InForce(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]officeView, 0, len(list))
	for _, m := range list {
		o, err := s.office(ctx, m)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (s *Service) office(ctx context.Context, m mandate.Mandate) (officeView, error) {
	o := officeView{Office: m.Office, Body: m.BodyName, From: m.From, Until: m.To, Powers: m.Powers(), Member: m.MemberID, Source: sourceWords(ctx, m.SourceKind)}
	who, err := s.Member.Get(ctx, s.DB, m.MemberID)
	if err != nil {
		return o, err
	}
	v, err := s.memberView(ctx, who)
	o.Name, o.Href, o.Handle, o.Picture, o.Hue = who.Name, v.Href, v.Handle, v.Picture, v.Hue
	return o, err
}

func (s *Service) officesOf(ctx context.Context, who id.ID) ([]officeView, error) {
	all, err := s.offices(ctx)
	return slices.DeleteFunc(all, func(o officeView) bool { return o.Member != who }), err
}

func sourceWords(ctx context.Context, kind string) string {
	switch authz.AuthorityKind(kind) {
	case authz.Genesis:
		return t(ctx, "by the founding")
	case authz.Decision:
		return t(ctx, "by a decision of the members")
	case authz.Operate:
		return t(ctx, "by the operator")
	}
	return kind
}

// memberView is one line of the register.
type memberView struct {
	Name, Href, Handle, Picture, Hue string
	Number                           int64
	Since                            time.Time
	Offices                          []officeView
}

func (s *Service) memberView(ctx context.Context, m member.Member) (memberView, error) {
	v := memberView{Name: m.Name, Number: m.Number, Since: m.Since}
	if m.AccountID == 0 {
		return v, nil
	}
	list, err := s.Social.Accounts(ctx, s.DB, []id.ID{m.AccountID})
	if err != nil || len(list) == 0 {
		return v, err
	}
	a := s.account(list[0])
	v.Href, v.Handle, v.Picture, v.Hue = a.Href, a.Handle, a.Picture, a.Hue
	return v, nil
}

func (s *Service) memberViews(ctx context.Context, list []member.Member) ([]memberView, error) {
	out := make([]memberView, 0, len(list))
	for _, m := range list {
		v, err := s.memberView(ctx, m)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// newest lists the members who joined last, the newest first.
func (s *Service) newest(ctx context.Context, most int) ([]memberView, error) {
	count, err := s.Member.Count(ctx)
	if err != nil {
		return nil, err
	}
	// Numbers never come back, so that the last ones are at least as high as the count.
	list, err := s.Member.List(ctx, int64(max(0, count-most)), 500)
	if err != nil {
		return nil, err
	}
	slices.Reverse(list)
	return s.memberViews(ctx, list[:min(most, len(list))])
}

type hubView struct {
	Frame   ui.PageProps
	Name    string
	Text    string
	Members int
	Records int64
	Since   time.Time
	Offices []officeView
	Hooks   bool // whether the reader may say which programs are told of events
	waiting
}

// hub is the co-op at a glance, and the way to its institutions where there is no rail.
func (s *Service) hub(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	c, err := s.Coop.Get(ctx)
	if err != nil {
		return err
	}
	v := hubView{Name: c.Name, Text: c.Description, Since: c.FoundedAt}
	if v.Members, err = s.Member.Count(ctx); err != nil {
		return err
	}
	last, err := s.Record.List(ctx, 0, "", 1)
	if err != nil {
		return err
	}
	if len(last) > 0 {
		v.Records = last[0].Seq
	}
	if v.Offices, err = s.offices(ctx); err != nil {
		return err
	}
	if !by.Visitor() {
		v.Hooks = s.Mandate.Holds(ctx, by, "webhook.manage")
		if v.waiting, err = s.waiting(ctx, by); err != nil {
			return err
		}
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "The co-op")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, hubPage(v))
}

type membersView struct {
	Frame  ui.PageProps
	Count  int
	List   []memberView
	Next   string
	Invite bool
	waiting
}

const registerPage = 100

// members is the register.
func (s *Service) members(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if _, err := s.Coop.Get(ctx); err != nil {
		return err
	}
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64) // nonsense reads from the start
	list, err := s.Member.List(ctx, after, registerPage)
	if err != nil {
		return err
	}
	v := membersView{Invite: by.Member != 0}
	if v.Count, err = s.Member.Count(ctx); err != nil {
		return err
	}
	if v.List, err = s.memberViews(ctx, list); err != nil {
		return err
	}
	held, err := s.offices(ctx)
	if err != nil {
		return err
	}
	for i, m := range list {
		for _, o := range held {
			if o.Member == m.ID {
				v.List[i].Offices = append(v.List[i].Offices, o)
			}
		}
	}
	if len(list) == registerPage {
		v.Next = "/members?after=" + strconv.FormatInt(list[len(list)-1].Number, 10)
	}
	if !by.Visitor() {
		if v.waiting, err = s.waiting(ctx, by); err != nil {
			return err
		}
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Members")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, membersPage(v))
}

// powerView is one power and who holds it.
type powerView struct {
	Name, What             string
	Irreversible, Reserved bool
	Holders                []officeView
	Where                  string // the page on which the reader, who holds it, can use it
}

// powerPlaces are the pages on which powers are used that have one of their own.
var powerPlaces = map[string]string{member.Admit: "/members/applications", coop.Power: "/about/edit", "webhook.manage": "/webhooks", "moderation.block": "/moderation", "moderation.suspend": "/moderation"}

type powersView struct {
	Frame   ui.PageProps
	Offices []officeView
	Powers  []powerView
}

// powers says who may do what today, why, and until when.
func (s *Service) powers(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	if _, err := s.Coop.Get(ctx); err != nil {
		return err
	}
	var v powersView
	var err error
	if v.Offices, err = s.offices(ctx); err != nil {
		return err
	}
	for _, p := range s.Mandate.Powers() {
		x := powerView{Name: p.Name, What: t(ctx, p.What), Irreversible: p.Irreversible, Reserved: p.Reserved}
		for _, o := range v.Offices {
			if slices.Contains(o.Powers, p.Name) {
				x.Holders = append(x.Holders, o)
			}
		}
		if at := powerPlaces[p.Name]; at != "" && by.Member != 0 && s.Mandate.Holds(ctx, by, p.Name) {
			x.Where = at
		}
		v.Powers = append(v.Powers, x)
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Powers")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, powersPage(v))
}

// joiningWords says in one sentence how one may join.
func joiningWords(ctx context.Context, joining string) string {
	switch joining {
	case coop.ByInvitation:
		return t(ctx, "New members come by the invitation of a member.")
	case coop.Closed:
		return t(ctx, "No new members are taken at present.")
	}
	return t(ctx, "Anyone may apply; the members answer.")
}
