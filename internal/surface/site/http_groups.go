package site

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
)

// bodyView is a body in the tree.
type bodyView struct {
	Name, Href, Kind, Aim string
	Depth, Members        int
	Root, Open            bool
}

type groupsView struct {
	Frame   ui.PageProps
	Bodies  []bodyView
	Waiting []emergencyView
	Member  bool
}

type emergencyView struct {
	ID           id.ID
	What, Reason string
	Due          time.Time
	Ratify       bool
}

// groups is the tree of bodies.
func (s *Service) groups(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	all, err := s.Mandate.Bodies(ctx, s.DB)
	if err != nil {
		return err
	}
	v := groupsView{Member: by.Member != 0}
	if v.Bodies, err = s.tree(ctx, all, 0, 0); err != nil {
		return err
	}
	if v.Waiting, err = s.emergencies(ctx, by); err != nil {
		return err
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Groups")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, groupsPage(v))
}

func (s *Service) tree(ctx context.Context, all []mandate.Body, parent id.ID, depth int) ([]bodyView, error) {
	var out []bodyView
	for i := range all {
		b := &all[i]
		if b.ParentID != parent {
			continue
		}
		v := bodyView{Name: b.Name, Href: "/groups/" + b.Handle, Kind: bodyKind(ctx, b.Kind), Aim: b.Aim, Depth: min(depth, 4), Root: b.Root(), Open: b.Joining == mandate.Open}
		var err error
		if v.Members, err = s.countIn(ctx, b); err != nil {
			return nil, err
		}
		below, err := s.tree(ctx, all, b.ID, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(append(out, v), below...)
	}
	return out, nil
}

func (s *Service) countIn(ctx context.Context, b *mandate.Body) (int, error) {
	if b.Root() {
		return s.Member.Count(ctx)
	}
	seats, err := s.Mandate.SeatsIn(ctx, s.DB, b.ID, s.DB.Now())
	return len(seats), err
}

func bodyKind(ctx context.Context, kind string) string {
	switch kind {
	case mandate.GeneralMeeting:
		return t(ctx, "general meeting")
	case mandate.WorkingGroup:
		return t(ctx, "working group")
	case mandate.Circle:
		return t(ctx, "circle")
	case mandate.Board:
		return t(ctx, "board")
	}
	return kind
}

// emergencies are the acts that were done before a decision and still wait.
func (s *Service) emergencies(ctx context.Context, by authz.Actor) ([]emergencyView, error) {
	list, err := s.Mandate.Emergencies(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	out := make([]emergencyView, 0, len(list))
	for _, e := range list {
		v := emergencyView{ID: e.Act, What: s.powerWords(ctx, e.Power), Reason: e.Reason, Due: e.Due}
		if !e.Until.IsZero() {
			v.Reason = t(ctx, "%s; what was done is published on %s at the latest", classWords(ctx, e.Class), i18n.Date(ctx, e.Until))
		}
		if authz.AuthorityKind(e.AuthorityKind) == authz.Operate {
			a, err := s.Mandate.Authorise(ctx, s.DB, by, e.Power, authz.Target{Kind: e.TargetKind, ID: e.TargetID})
			v.Ratify = err == nil && a.Kind == authz.Mandate
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *Service) powerWords(ctx context.Context, power string) string {
	for _, p := range s.Mandate.Powers() {
		if p.Name == power {
			return t(ctx, p.What)
		}
	}
	return power
}

type seatView struct {
	Person ui.Person
	Line   string
}

type mandateView struct {
	ID         id.ID
	Person     ui.Person
	Office     string
	Powers     []string
	Until      time.Time
	Offered    bool // not accepted yet
	Mine       bool
	Ended      string
	Source     string
	SourceHref string
	Soon       bool
}

type groupView struct {
	Frame    ui.PageProps
	Body     mandate.Body
	Kind     string
	Parent   *mandate.Body
	Below    []bodyView
	Domain   []string
	Members  []seatView
	Count    int
	Offices  []mandateView
	Past     []mandateView
	Motions  []decision.Motion
	Elected  []election.Election // the elections of its offices
	Acts     []entryView
	Record   recordQuery // where the record tells of it
	Handover []mandate.Handover
	Account  string
	In       bool // the reader sits in it
	CanJoin  bool
	Works    bool // the reader may write on the hand-over list
	Now      time.Time
	Member   bool
}

// group is the page of one body.
func (s *Service) group(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	b, err := s.Mandate.BodyByHandle(ctx, s.DB, r.PathValue("handle"))
	if err != nil {
		return err
	}
	v := groupView{Body: b, Kind: bodyKind(ctx, b.Kind), Now: s.DB.Now(), Member: by.Member != 0}
	for _, p := range b.Domain() {
		v.Domain = append(v.Domain, s.domainWords(ctx, p))
	}
	for _, f := range []func(context.Context, authz.Actor, *groupView) error{s.fillSeats, s.fillOffices, s.fillWork} {
		if err := f(ctx, by, &v); err != nil {
			return err
		}
	}
	if v.Frame, err = s.frame(w, r, b.Name); err != nil {
		return err
	}
	v.Frame.Head = recordHead(t(ctx, "What %s does", b.Name), v.Record.at("/record.atom", 0), v.Record.at("/record.json", 0))
	return web.Render(w, r, http.StatusOK, groupPage(v))
}

func (s *Service) domainWords(ctx context.Context, pattern string) string {
	if pattern == "*" {
		return t(ctx, "everything that no other body has")
	}
	if w := s.powerWords(ctx, pattern); w != pattern {
		return w
	}
	return pattern
}

func (s *Service) fillSeats(ctx context.Context, by authz.Actor, v *groupView) error {
	b := &v.Body
	var err error
	if v.Count, err = s.countIn(ctx, b); err != nil {
		return err
	}
	if b.AccountID != 0 {
		list, err := s.Social.Accounts(ctx, s.DB, []id.ID{b.AccountID})
		if err != nil {
			return err
		}
		for _, a := range list {
			v.Account = "@" + a.Acct()
		}
	}
	if !b.Root() {
		p, err := s.Mandate.Body(ctx, s.DB, b.ParentID)
		if err != nil {
			return err
		}
		v.Parent = &p
	}
	all, err := s.Mandate.Bodies(ctx, s.DB)
	if err != nil {
		return err
	}
	if v.Below, err = s.tree(ctx, all, b.ID, 0); err != nil || b.Root() {
		return err
	}
	seats, err := s.Mandate.SeatsIn(ctx, s.DB, b.ID, s.DB.Now())
	if err != nil {
		return err
	}
	who := make([]id.ID, len(seats))
	for i, x := range seats {
		who[i] = x.Member
		v.In = v.In || x.Member == by.Member
	}
	people, err := s.People(ctx, who)
	if err != nil {
		return err
	}
	for _, x := range seats {
		v.Members = append(v.Members, seatView{people[x.Member], t(ctx, "since %s", date(ctx, x.From))})
	}
	v.CanJoin = by.Member != 0 && !v.In && b.Joining == mandate.Open && b.DissolvedAt.IsZero() && (b.Seats == 0 || len(seats) < b.Seats)
	return nil
}

func (s *Service) fillOffices(ctx context.Context, by authz.Actor, v *groupView) error {
	list, err := s.Mandate.InBody(ctx, v.Body.ID)
	if err != nil {
		return err
	}
	who := make([]id.ID, len(list))
	for i := range list {
		who[i] = list[i].MemberID
	}
	people, err := s.People(ctx, who)
	if err != nil {
		return err
	}
	for i := range list {
		m := &list[i]
		x := mandateView{ID: m.ID, Person: people[m.MemberID], Office: m.Office, Until: m.To, Offered: m.AcceptedAt.IsZero(), Mine: m.MemberID == by.Member && by.Member != 0,
			Soon: m.To.Sub(v.Now) < 60*24*time.Hour}
		for _, p := range m.Powers() {
			x.Powers = append(x.Powers, s.powerWords(ctx, p))
		}
		if x.Source, x.SourceHref, err = s.source(ctx, by, m.SourceKind, m.SourceID); err != nil {
			return err
		}
		switch {
		case m.EndedAt.IsZero() && v.Now.Before(m.To):
			v.Offices = append(v.Offices, x)
			v.Works = v.Works || x.Mine && !x.Offered
		case len(v.Past) < 20:
			if x.Ended, x.Until = endWords(ctx, m.EndedBy), m.EndedAt; m.EndedAt.IsZero() {
				x.Ended, x.Until = endWords(ctx, mandate.TermOver), m.To
			}
			v.Past = append(v.Past, x)
		}
	}
	v.Works = v.Works || v.In
	return nil
}

func endWords(ctx context.Context, how string) string {
	switch how {
	case mandate.Resigned:
		return t(ctx, "resigned")
	case mandate.Recalled:
		return t(ctx, "recalled")
	case mandate.Declined:
		return t(ctx, "declined")
	case mandate.BodyDissolved:
		return t(ctx, "the body was dissolved")
	case mandate.MembershipEnded:
		return t(ctx, "the membership ended")
	}
	return t(ctx, "term over")
}

// source says what a mandate or a rule rests on, and where that is to be read.
func (s *Service) source(ctx context.Context, by authz.Actor, kind string, i id.ID) (words, href string, err error) {
	if authz.AuthorityKind(kind) != authz.Decision {
		return sourceWords(ctx, kind), "", nil
	}
	m, err := s.Decision.ByID(ctx, by, i)
	if fault.Is(err, fault.NotFound) {
		return sourceWords(ctx, kind), "", nil
	}
	number := strconv.FormatInt(m.Number, 10)
	return t(ctx, "by decision %s", number), "/decisions/" + number, err
}

func (s *Service) fillWork(ctx context.Context, by authz.Actor, v *groupView) (err error) {
	if v.Motions, err = s.Decision.List(ctx, decision.Filter{Body: v.Body.ID, Limit: 8}); err != nil {
		return err
	}
	if v.Elected, err = s.Election.ForBody(ctx, v.Body.ID); err != nil {
		return err
	}
	acts, err := s.Record.Find(ctx, record.Filter{Within: ref.Ref{Kind: "body", ID: v.Body.ID}, Kinds: []string{"act."}, Limit: 10})
	if err != nil {
		return err
	}
	v.Record = recordQuery{body: v.Body.Handle}
	if v.Acts, err = s.teller(ctx, by).entries(acts); err != nil {
		return err
	}
	if v.Works {
		v.Handover, err = s.Mandate.Handovers(ctx, v.Body.ID)
	}
	return err
}

// People finds names and pictures of members, for pages that are not this package's.
func (s *Service) People(ctx context.Context, who []id.ID) (map[id.ID]ui.Person, error) {
	out := make(map[id.ID]ui.Person, len(who))
	for _, i := range who {
		if _, ok := out[i]; ok || i == 0 {
			continue
		}
		m, err := s.Member.Get(ctx, s.DB, i)
		if err != nil {
			return nil, err
		}
		v, err := s.memberView(ctx, m)
		if err != nil {
			return nil, err
		}
		out[i] = ui.Person{Name: v.Name, Href: v.Href, Handle: v.Handle, Picture: v.Picture, Hue: v.Hue}
	}
	return out, nil
}

func (s *Service) onGroup(f func(ctx context.Context, by authz.Actor, b mandate.Body, in web.Params) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		b, err := s.Mandate.BodyByHandle(r.Context(), s.DB, r.PathValue("handle"))
		if err != nil {
			return err
		}
		in, err := web.Read(r)
		if err != nil {
			return err
		}
		if err := f(r.Context(), web.Actor(r), b, in); err != nil {
			return err
		}
		return web.Redirect(w, r, "/groups/"+b.Handle)
	}
}

func (s *Service) joinGroup(w http.ResponseWriter, r *http.Request) error {
	return s.onGroup(func(ctx context.Context, by authz.Actor, b mandate.Body, _ web.Params) error {
		return s.Mandate.Join(ctx, by, b.ID)
	})(w, r)
}

func (s *Service) leaveGroup(w http.ResponseWriter, r *http.Request) error {
	return s.onGroup(func(ctx context.Context, by authz.Actor, b mandate.Body, _ web.Params) error {
		return s.Mandate.Leave(ctx, by, b.ID)
	})(w, r)
}

func (s *Service) addHandover(w http.ResponseWriter, r *http.Request) error {
	return s.onGroup(func(ctx context.Context, by authz.Actor, b mandate.Body, in web.Params) error {
		return s.Mandate.AddHandover(ctx, by, b.ID, in.Text("office"), in.Text("text"))
	})(w, r)
}

// onID runs what a button does to the thing of the route, and goes back.
func (s *Service) onID(w http.ResponseWriter, r *http.Request, f func(ctx context.Context, by authz.Actor, i id.ID, in web.Params) error) error {
	i, err := web.PathID(r, "id")
	if err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	if err := f(r.Context(), web.Actor(r), i, in); err != nil {
		return err
	}
	return web.Redirect(w, r, web.Back(r, "/groups"))
}

func (s *Service) tickHandover(w http.ResponseWriter, r *http.Request) error {
	return s.onID(w, r, func(ctx context.Context, by authz.Actor, i id.ID, _ web.Params) error {
		return s.Mandate.TickHandover(ctx, by, i)
	})
}

func (s *Service) acceptOffice(w http.ResponseWriter, r *http.Request) error {
	return s.onID(w, r, func(ctx context.Context, by authz.Actor, i id.ID, _ web.Params) error {
		return s.Mandate.Accept(ctx, by, i)
	})
}

func (s *Service) resignOffice(w http.ResponseWriter, r *http.Request) error {
	return s.onID(w, r, func(ctx context.Context, by authz.Actor, i id.ID, in web.Params) error {
		return s.Mandate.Resign(ctx, by, i, in.Text("reason"))
	})
}

func (s *Service) ratifyAct(w http.ResponseWriter, r *http.Request) error {
	return s.onID(w, r, func(ctx context.Context, by authz.Actor, i id.ID, in web.Params) error {
		return s.Mandate.Ratify(ctx, by, i, in.Text("reason"))
	})
}
