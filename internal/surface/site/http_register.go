package site

import (
	"context"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/member"
)

// archiveBudget bounds how often everything about a member is gathered.
var archiveBudget = web.Limit{Events: 6, Per: time.Hour}

// registerRoutes are the pages of the register beyond its list.
func (s *Service) registerRoutes() []web.Route {
	get := func(path string, h web.Handler) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: web.Page}
	}
	post := func(path, act string, h web.Handler) web.Route {
		return web.Route{Pattern: "POST " + path, Handler: h, Style: web.Page, Act: act}
	}
	archive := get("/settings/membership/archive", s.memberArchive)
	archive.Limit = archiveBudget
	resign := post("/settings/membership/resign", "none: members end their own membership", s.resign)
	erase := post("/settings/membership/erase", "none: former members have their own data deleted", s.eraseMember)
	resign.Limit, erase.Limit = signInBudget, signInBudget
	return []web.Route{
		get("/settings/membership", s.membership), archive, resign, erase,
		get("/members/questions", s.questionsForm), post("/members/questions", member.Ask, s.saveQuestions),
		get("/members/{number}", s.memberPage),
		post("/members/{number}/died", member.Admit, s.buries),
	}
}

type membershipView struct {
	Frame    ui.PageProps
	Tabs     []ui.NavItem // none for a former member, who has no other settings
	Me       member.Member
	Email    string
	Standing member.Standing
	History  []member.Fact
	Now      time.Time
	Leaving  form
	Erasing  form
}

// membership is a member's own page of the register, and what is left of it for a former one.
func (s *Service) membership(w http.ResponseWriter, r *http.Request) error {
	return s.drawMembership(w, r, membershipView{})
}

func (s *Service) drawMembership(w http.ResponseWriter, r *http.Request, v membershipView) error {
	ctx, by := r.Context(), web.Actor(r)
	var err error
	if v.Me, err = s.Member.Mine(ctx, by); err != nil {
		return err
	}
	login, err := s.Identity.Me(ctx, by)
	if err != nil {
		return err
	}
	v.Email, v.Now = login.Email, s.DB.Now()
	if v.Standing, err = s.Member.StandingOn(ctx, s.DB, v.Me.ID, v.Now); err != nil {
		return err
	}
	if v.History, err = s.Member.History(ctx, s.DB, v.Me.ID); err != nil {
		return err
	}
	if by.Visitor() {
		if v.Frame, err = s.frame(w, r, t(ctx, "Your former membership")); err != nil {
			return err
		}
		v.Frame.NoIndex = true
	} else if v.Frame, v.Tabs, err = s.settings(w, r); err != nil {
		return err
	} else {
		v.Tabs = settingsTabs(ctx, "/settings/membership")
	}
	return web.Render(w, r, max(v.Leaving.status(), v.Erasing.status()), membershipPage(v))
}

// resign ends the member's own membership, and with it every session.
func (s *Service) resign(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	if err := s.Member.Resign(r.Context(), web.Actor(r), in.String("password"), web.Client(r)); err != nil {
		var v membershipView
		if v.Leaving, err = check(err); err != nil {
			return err
		}
		return s.drawMembership(w, r, v)
	}
	web.ClearSession(w, r)
	web.SetFlash(w, r, t(r.Context(), "Your membership has ended. Sign in once more to fetch your archive, or to have your personal data deleted."))
	return web.Redirect(w, r, "/sign-in")
}

// eraseMember deletes the personal data of a former member.
func (s *Service) eraseMember(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	if err := s.Member.Erase(r.Context(), web.Actor(r), in.String("password"), web.Client(r)); err != nil {
		var v membershipView
		if v.Erasing, err = check(err); err != nil {
			return err
		}
		return s.drawMembership(w, r, v)
	}
	web.ClearSession(w, r)
	web.SetFlash(w, r, t(r.Context(), "Your personal data is deleted. Farewell."))
	return web.Redirect(w, r, "/")
}

// memberArchive gives the member everything that is kept about them. It is gathered before the first byte
// goes out, so that an error in the middle does not look like an archive.
func (s *Service) memberArchive(w http.ResponseWriter, r *http.Request) (err error) {
	ctx, by := r.Context(), web.Actor(r)
	m, err := s.Member.Mine(ctx, by)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp("", "rochdale-archive-*.zip")
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close() // it is read to its end or of no use
		_ = os.Remove(f.Name())
	}()
	if err := s.Member.WriteArchive(ctx, by, f); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Content-Disposition", `attachment; filename="`+m.Username+"-"+s.DB.Now().Format(time.DateOnly)+`.zip"`)
	h.Set("Cache-Control", "no-store")
	_, _ = io.Copy(w, f) // a client that hung up is not our error
	return nil
}

type questionsView struct {
	Frame  ui.PageProps
	Text   string // one question a line
	Reason string
	form
}

// questionsForm lets whoever answers applications choose what applicants are asked.
func (s *Service) questionsForm(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if _, err := s.Mandate.Authorise(ctx, s.DB, web.Actor(r), member.Ask, authz.Target{Kind: "register", ID: 1}); err != nil {
		return err
	}
	list, err := s.Member.Questions(ctx)
	if err != nil {
		return err
	}
	var lines []string
	for _, q := range list {
		lines = append(lines, q.Text)
	}
	return s.drawQuestions(w, r, questionsView{Text: strings.Join(lines, "\n")})
}

func (s *Service) drawQuestions(w http.ResponseWriter, r *http.Request, v questionsView) (err error) {
	if v.Frame, err = s.frame(w, r, t(r.Context(), "Questions for applicants")); err != nil {
		return err
	}
	return web.Render(w, r, v.form.status(), questionsPage(v))
}

func (s *Service) saveQuestions(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := questionsView{Text: in.Text("questions"), Reason: in.Text("reason")}
	if err := s.Member.SetQuestions(ctx, web.Actor(r), strings.Split(v.Text, "\n"), v.Reason); err != nil {
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawQuestions(w, r, v)
	}
	web.SetFlash(w, r, t(ctx, "Applicants are asked these questions from now on."))
	return web.Redirect(w, r, "/members/questions")
}

type memberPageView struct {
	Frame    ui.PageProps
	Who      memberView
	Member   member.Member
	Standing member.Standing
	Moves    []ui.ButtonProps // what the reader can move the meeting to decide about the member
	Buries   bool             // whether the reader may record a death
	Now      time.Time
	Reason   string
	form
}

// memberPage is the entry of one person in the register. Who has left is shown to members only.
func (s *Service) memberPage(w http.ResponseWriter, r *http.Request) error {
	return s.drawMember(w, r, memberPageView{})
}

func (s *Service) byNumber(r *http.Request) (member.Member, error) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || number < 1 {
		return member.Member{}, errNothing
	}
	m, err := s.Member.ByNumber(r.Context(), s.DB, number)
	if err == nil && !m.Present() && web.Actor(r).Member == 0 {
		err = errNothing
	}
	return m, err
}

func (s *Service) drawMember(w http.ResponseWriter, r *http.Request, v memberPageView) error {
	ctx, by := r.Context(), web.Actor(r)
	m, err := s.byNumber(r)
	if err != nil {
		return err
	}
	v.Member, v.Now = m, s.DB.Now()
	if v.Who, err = s.memberView(ctx, m); err != nil {
		return err
	}
	if v.Who.Name == "" {
		v.Who.Name, v.Who.Href, v.Who.Handle, v.Who.Picture = t(ctx, "A former member"), "", "", ""
	}
	if v.Who.Offices, err = s.officesOf(ctx, m.ID); err != nil {
		return err
	}
	if v.Standing, err = s.Member.StandingOn(ctx, s.DB, m.ID, v.Now); err != nil {
		return err
	}
	present, suspended := m.Present(), m.Suspended(v.Now)
	move := func(power, label string) {
		v.Moves = append(v.Moves, ui.ButtonProps{Label: label, Href: "/decisions/new?effect=" + power + "&member=" + m.ID.String(), Kind: "quiet", Small: true})
	}
	switch {
	case by.Member == 0:
	case suspended && present:
		move(member.Reinstatement, t(ctx, "Move to give the rights back"))
	case present:
		move(member.Suspension, t(ctx, "Move to suspend the rights"))
	case m.ErasedAt.IsZero():
		move(member.Reinstatement, t(ctx, "Move to take them back as a member"))
	}
	v.Buries = present && s.Mandate.Holds(ctx, by, member.Admit)
	if v.Frame, err = s.frame(w, r, v.Who.Name); err != nil {
		return err
	}
	v.Frame.NoIndex = !present
	return web.Render(w, r, v.form.status(), memberEntryPage(v))
}

// buries records that a member has died.
func (s *Service) buries(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	m, err := s.byNumber(r)
	if err != nil {
		return err
	}
	in, err := web.Read(r)
	if err != nil {
		return err
	}
	v := memberPageView{Reason: in.Text("reason")}
	if err := s.Member.RecordDeath(ctx, web.Actor(r), m.ID, v.Reason); err != nil {
		if v.form, err = check(err); err != nil {
			return err
		}
		return s.drawMember(w, r, v)
	}
	web.SetFlash(w, r, t(ctx, "It is done, and on the public record with your mandate."))
	return web.Redirect(w, r, "/members/"+strconv.FormatInt(m.Number, 10))
}

// standingWords say how somebody stands with the co-op.
func standingWords(ctx context.Context, s member.Standing) string {
	switch s {
	case member.Current:
		return t(ctx, "in good standing")
	case member.DueSoon:
		return t(ctx, "in good standing; dues are due soon")
	case member.Grace:
		return t(ctx, "in good standing; dues are late")
	case member.Arrears:
		return t(ctx, "in arrears with the dues")
	case member.Waived:
		return t(ctx, "in good standing; dues are waived")
	case member.Paused:
		return t(ctx, "membership is paused")
	case member.NoRights:
		return t(ctx, "rights are suspended")
	case member.FormerMember:
		return t(ctx, "no longer a member")
	}
	return t(ctx, "no member")
}

// factWords say what happened to a membership.
func factWords(ctx context.Context, f member.Fact) string {
	switch {
	case f.Kind == member.Joined:
		return t(ctx, "Joined")
	case f.Kind == member.EndedThen:
		return t(ctx, "Membership ended: %s", member.EndWords(ctx, f.How))
	case f.Kind == member.ReinstatedAt:
		return t(ctx, "Became a member again")
	case f.Kind == member.SuspendedFrom && f.Until.IsZero():
		return t(ctx, "Rights suspended")
	case f.Kind == member.SuspendedFrom:
		return t(ctx, "Rights suspended until %s", i18n.Date(ctx, f.Until))
	}
	return t(ctx, "Rights given back")
}
