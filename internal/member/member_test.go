package member_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/event"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
)

var schema = []db.Source{record.Migrations(), identity.Migrations(), mandate.Migrations(), member.Migrations()}

var here = netip.MustParseAddr("192.0.2.7")

const password = "correct horse battery"

// register is the feature with everything below it, a founder who may admit, and the usernames taken.
type register struct {
	*member.Service
	t        testing.TB
	db       *db.DB
	clock    *clock.Fake
	ctx      context.Context
	identity *identity.Service
	mandate  *mandate.Service
	record   *record.Service
	founder  authz.Actor
	heard    []string
}

func each(t *testing.T, f func(t *testing.T, r *register)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		i, err := identity.New(d, bus.New(d))
		if err != nil {
			t.Fatal(err)
		}
		r := &register{t: t, db: d, clock: c, ctx: context.Background(), identity: i, record: record.New(d, "coop.example")}
		r.mandate = mandate.New(d, r.record)
		r.Service = member.New(d, i, r.record, r.mandate)
		powers := member.Powers()
		for i := range powers {
			powers[i].Reserved = false // what only decisions carry is tried with decisions; here it is tried what it does
		}
		r.mandate.Declare(powers, r.Effects())
		r.record.Sources = []record.Source{r.States, r.mandate.States}
		r.CheckUsername = r.free
		r.Admitted.On(func(_ context.Context, _ *db.Tx, e member.Admitted) error {
			r.heard = append(r.heard, "admitted "+e.Member.Username)
			return nil
		})
		r.Applied.On(func(_ context.Context, _ *db.Tx, a member.Application) error {
			r.heard = append(r.heard, "applied "+a.Username)
			return nil
		})
		r.Declined.On(func(_ context.Context, _ *db.Tx, a member.Application) error {
			r.heard = append(r.heard, "declined "+a.Username+": "+a.Reason)
			return nil
		})
		r.Ended.On(func(_ context.Context, _ *db.Tx, e member.Ended) error {
			r.heard = append(r.heard, e.Member.Ended+" "+e.Member.Username)
			return nil
		})
		for what, event := range map[string]*event.Event[member.Member]{"suspended": &r.Suspended, "restored": &r.Restored, "reinstated": &r.Reinstated, "erased": &r.Erased} {
			event.On(func(_ context.Context, _ *db.Tx, m member.Member) error {
				r.heard = append(r.heard, what+" "+m.Name)
				return nil
			})
		}
		r.found()
		f(t, r)
	})
}

// forgotten is the secret of the letter that a forgotten password brings.
func (r *register) forgotten(email string) (secret string) {
	r.t.Helper()
	r.identity.SendReset = func(_ context.Context, _ *db.Tx, _, s string) error { secret = s; return nil }
	r.ok(r.identity.ForgotPassword(r.ctx, email))
	return secret
}

// free stands in for the accounts: a name is taken once a member has it.
func (r *register) free(ctx context.Context, h db.Handle, username string) error {
	m, err := r.List(ctx, 0, 500)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(m, func(m member.Member) bool { return m.Username == username }) {
		return fault.Field("username", "This username is taken.")
	}
	return nil
}

func (r *register) found() {
	r.t.Helper()
	hash, err := r.identity.HashPassword(r.ctx, password)
	r.ok(err)
	check := r.CheckUsername
	r.CheckUsername = nil // it reads outside the transaction
	r.ok(r.db.InDurableTx(r.ctx, func(tx *db.Tx) error {
		body, err := r.mandate.FormRoot(r.ctx, tx, "General meeting")
		if err != nil {
			return err
		}
		m, err := r.Enrol(r.ctx, tx, member.Joining{Name: "Fay Founder", Username: "fay", Email: "fay@example.org"}, hash)
		if err != nil {
			return err
		}
		r.founder = authz.Actor{Login: m.LoginID, Member: m.ID, Via: authz.Web}
		if _, err := r.record.Append(r.ctx, tx, record.Entry{Kind: "member.joined", Subject: ref.Ref{Kind: "member", ID: m.ID}, State: member.State(m)}); err != nil {
			return err
		}
		_, err = r.mandate.GrantFounding(r.ctx, tx, m.ID, body)
		return err
	}))
	r.CheckUsername = check
}

func (r *register) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func want(tb testing.TB, err error, kind fault.Kind, what string) {
	tb.Helper()
	if !fault.Is(err, kind) {
		tb.Errorf("%s: got %v, want a fault of kind %q", what, err, kind)
	}
}

func joining(username string) member.Joining {
	return member.Joining{Name: "Person " + username, Username: username, Email: username + "@mail.example", Password: password, Answer: "I garden."}
}

func (r *register) apply(username string) member.Application {
	r.t.Helper()
	r.clock.Advance(time.Second)
	a, err := r.Apply(r.ctx, joining(username))
	r.ok(err)
	return a
}

func (r *register) invite(uses int) member.Invitation {
	r.t.Helper()
	i, err := r.Invite(r.ctx, r.founder, uses, "")
	r.ok(err)
	return i
}

func (r *register) join(username, code string) (member.Member, error) {
	j := joining(username)
	j.Answer, j.Code = "", code
	return r.Join(r.ctx, j)
}

func (r *register) events() []record.Event {
	r.t.Helper()
	e, err := r.record.List(r.ctx, 0, "", 1000)
	r.ok(err)
	slices.Reverse(e)
	return e
}

func TestQueriesArePreparedOnBothEngines(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		if err := db.CheckRegistered(r.ctx, r.db); err != nil {
			t.Error(err)
		}
	})
}

func TestApplicationsAreDecidedByWhoHoldsThePower(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann, bob := r.apply("ann"), r.apply("bob")
		m, err := r.join("mem", r.invite(1).Code)
		r.ok(err)
		for name, by := range map[string]authz.Actor{"visitor": {}, "member": {Member: m.ID, Login: m.LoginID, Via: authz.Web}, "job": {Via: authz.Job},
			"federation": {Via: authz.Federation, Account: 5}} {
			_, err := r.Accept(r.ctx, by, ann.ID, "")
			want(t, err, fault.Forbidden, name+" accepts")
			want(t, r.Decline(r.ctx, by, ann.ID, "no room"), fault.Forbidden, name+" declines")
			_, err = r.Waiting(r.ctx, by)
			want(t, err, fault.Forbidden, name+" reads")
		}
		list, err := r.Waiting(r.ctx, r.founder)
		r.ok(err)
		if len(list) != 2 || list[0].ID != ann.ID || list[1].ID != bob.ID || list[0].Answer != "I garden." {
			t.Fatalf("waiting %+v", list)
		}
		r.heard = nil
		admitted, err := r.Accept(r.ctx, r.founder, ann.ID, "welcome")
		r.ok(err)
		if admitted.Username != "ann" || admitted.Name != "Person ann" || admitted.Number != 3 || !admitted.Present() || admitted.InvitedBy != 0 {
			t.Errorf("admitted %+v", admitted)
		}
		want(t, r.Decline(r.ctx, r.founder, bob.ID, " \n"), fault.Invalid, "declining without a reason")
		r.ok(r.Decline(r.ctx, r.founder, bob.ID, "no room"))
		for _, a := range []id.ID{ann.ID, bob.ID} {
			_, err := r.Accept(r.ctx, r.founder, a, "")
			want(t, err, fault.Conflict, "accepting what is decided")
			want(t, r.Decline(r.ctx, r.founder, a, "no room"), fault.Conflict, "declining what is decided")
		}
		_, err = r.Accept(r.ctx, r.founder, 12345, "")
		want(t, err, fault.NotFound, "no application")
		if !slices.Equal(r.heard, []string{"admitted ann", "declined bob: no room"}) {
			t.Errorf("announced %q", r.heard)
		}
		if n, err := r.CountWaiting(r.ctx); err != nil || n != 0 {
			t.Errorf("%d waiting, %v", n, err)
		}
		if _, _, err := r.identity.SignIn(r.ctx, "ann@mail.example", password, "", here); err != nil {
			t.Errorf("an accepted applicant cannot sign in: %v", err)
		}
		if _, _, err := r.identity.SignIn(r.ctx, "bob@mail.example", password, "", here); err == nil {
			t.Error("a declined applicant signs in")
		}
	})
}

func TestTheRecordCitesAuthorityAndHoldsNoPersonalData(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann, bob := r.apply("ann"), r.apply("bob")
		m, err := r.Accept(r.ctx, r.founder, ann.ID, "welcome")
		r.ok(err)
		r.ok(r.Decline(r.ctx, r.founder, bob.ID, "no room for Bob"))
		joined, err := r.join("cat", r.invite(1).Code)
		r.ok(err)
		mandates, err := r.mandate.InForce(r.ctx)
		r.ok(err)
		authority := "mandate:" + mandates[0].ID.String()
		var kinds []string
		for _, e := range r.events() {
			kinds = append(kinds, e.Kind)
			b, err := e.Read()
			r.ok(err)
			for _, personal := range []string{"@mail.example", "@example.org", "Person ", "Fay", "no room", "garden", `"ann"`, `"bob"`, `"cat"`} {
				if strings.Contains(e.Body, personal) {
					t.Errorf("%q in the hashed body of %s: %s", personal, e.Kind, e.Body)
				}
			}
			switch {
			case e.Kind == "act.member.admit" && (b.Authority != authority || b.Member != "member:"+r.founder.Member.String()):
				t.Errorf("the act cites %q of %q, want %q", b.Authority, b.Member, authority)
			case e.Kind == "act.member.admit" && b.Subject == "member:"+m.ID.String():
				var args map[string]any
				r.ok(json.Unmarshal(b.Data, &args))
				if args["number"] != float64(m.Number) || args["decision"] != "accepted" || b.Reason != "welcome" {
					t.Errorf("the act says %s", e.Body)
				}
			case e.Kind == "member.joined" && b.Subject != "member:"+r.founder.Member.String() && (b.Subject != "member:"+joined.ID.String() || b.Member != "member:"+r.founder.Member.String()):
				t.Errorf("joining says %s", e.Body)
			}
		}
		if !slices.Equal(kinds[3:], []string{"act.member.admit", "act.member.admit", "member.joined"}) {
			t.Errorf("recorded %q", kinds)
		}
		var private string
		r.ok(r.db.Writer().QueryRowContext(r.ctx, "SELECT data FROM record_private WHERE data LIKE '%reason%'").Scan(&private))
		if !strings.Contains(private, "no room for Bob") {
			t.Errorf("the erasable part is %s", private)
		}
		if _, err := r.record.Verify(r.ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestNamesAreReservedWhileWaiting(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann := r.apply("ann")
		invitation := r.invite(5)
		sameName, sameMail := joining("ANN"), joining("cat")
		sameName.Email, sameMail.Email = "other@mail.example", "Ann@Mail.Example"
		for what, j := range map[string]member.Joining{"the username": sameName, "the address": sameMail} {
			_, err := r.Apply(r.ctx, j)
			want(t, err, fault.Conflict, "applying for "+what)
		}
		sameName.Code = invitation.Code
		if _, err := r.Join(r.ctx, sameName); err == nil {
			t.Error("an invitation takes the name that somebody applied with")
		}
		r.ok(r.Decline(r.ctx, r.founder, ann.ID, "no room"))
		if _, err := r.Apply(r.ctx, sameName); err != nil {
			t.Errorf("after the decline: %v", err)
		}
		if _, err := r.Apply(r.ctx, sameMail); err != nil {
			t.Errorf("after the decline: %v", err)
		}
	})
}

func TestAnApplicantWithAnInvitationNeedNotWait(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		ann := r.apply("ann")
		if _, err := r.join("ann", r.invite(1).Code); err != nil {
			t.Fatalf("an applicant who is then invited: %v", err)
		}
		before := len(r.events())
		_, err := r.Accept(r.ctx, r.founder, ann.ID, "")
		want(t, err, fault.Invalid, "accepting who has joined already")
		if len(r.events()) != before {
			t.Error("the refused act is on the record")
		}
		r.ok(r.Decline(r.ctx, r.founder, ann.ID, "joined by invitation"))
	})
}

func TestAddressesBelongToOneMember(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		_, err := r.join("ann", r.invite(1).Code)
		r.ok(err)
		j := joining("bob")
		j.Email = " ANN@mail.EXAMPLE "
		_, err = r.Apply(r.ctx, j)
		want(t, err, fault.Invalid, "applying with a member's address")
		j.Code = r.invite(1).Code
		_, err = r.Join(r.ctx, j)
		want(t, err, fault.Invalid, "joining with a member's address")
		if fault.FieldOf(err) != "email" {
			t.Errorf("at field %q", fault.FieldOf(err))
		}
	})
}

func TestWhatIsFilledInIsChecked(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		for field, change := range map[string]func(*member.Joining){
			"name":     func(j *member.Joining) { j.Name = " \t " },
			"name ":    func(j *member.Joining) { j.Name = strings.Repeat("é", 61) },
			"username": func(j *member.Joining) { j.Username = " @FAY" },
			"email":    func(j *member.Joining) { j.Email = "nothing" },
			"password": func(j *member.Joining) { j.Password = "short" },
			"answer":   func(j *member.Joining) { j.Answer = "\n" },
			"answer ":  func(j *member.Joining) { j.Answer = strings.Repeat("é", 2001) },
		} {
			j := joining("ann")
			change(&j)
			_, err := r.Apply(r.ctx, j)
			want(t, err, fault.Invalid, field)
			if fault.FieldOf(err) != strings.TrimSpace(field) {
				t.Errorf("%s: at field %q", field, fault.FieldOf(err))
			}
		}
		j := joining(" @Ann ")
		j.Email, j.Name = "ann@mail.example", "  Ann   of\tGreen "
		a, err := r.Apply(r.ctx, j)
		r.ok(err)
		if a.Username != "ann" || a.Name != "Ann of Green" {
			t.Errorf("taken as %q, %q", a.Username, a.Name)
		}
	})
}

func TestInvitationsHaveLimits(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		two := r.invite(2)
		for _, name := range []string{"ann", "bob"} {
			if _, m, err := r.Invited(r.ctx, two.Code); err != nil || m.ID != r.founder.Member {
				t.Errorf("invited by %+v, %v", m, err)
			}
			m, err := r.join(name, two.Code)
			r.ok(err)
			if m.InvitedBy != r.founder.Member {
				t.Errorf("%s was invited by %d", name, m.InvitedBy)
			}
		}
		_, err := r.join("cat", two.Code)
		want(t, err, fault.Gone, "the third use of two")
		// A refused joining uses nothing up.
		one := r.invite(1)
		_, err = r.join("ann", one.Code)
		want(t, err, fault.Invalid, "a username that is taken")
		withdrawn := r.invite(1)
		want(t, r.Withdraw(r.ctx, authz.Actor{Member: 99}, withdrawn.ID), fault.NotFound, "withdrawing another's")
		r.ok(r.Withdraw(r.ctx, r.founder, withdrawn.ID))
		want(t, r.Withdraw(r.ctx, r.founder, withdrawn.ID), fault.NotFound, "withdrawing twice")
		_, err = r.join("cat", withdrawn.Code)
		want(t, err, fault.Gone, "a withdrawn invitation")
		_, err = r.join("cat", "GUESS")
		want(t, err, fault.Gone, "a guessed code")
		r.clock.Set(one.ExpiresAt.Add(-time.Millisecond))
		_, err = r.join("cat", one.Code)
		r.ok(err)
		late := r.invite(1)
		r.clock.Set(late.ExpiresAt)
		_, err = r.join("dan", late.Code)
		want(t, err, fault.Gone, "at the end of the term")
		for _, uses := range []int{0, -1, 21} {
			_, err := r.Invite(r.ctx, r.founder, uses, "")
			want(t, err, fault.Invalid, fmt.Sprint(uses, " uses"))
		}
		_, err = r.Invite(r.ctx, authz.Actor{Account: 5}, 1, "")
		want(t, err, fault.Forbidden, "who is no member invites")
		list, err := r.Invitations(r.ctx, r.founder)
		if err != nil || len(list) != 4 {
			t.Errorf("%d invitations, %v", len(list), err)
		}
	})
}

// Twenty people with a link for one: exactly one of them joins, and numbers stay consecutive.
func TestOneUseAdmitsOne(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		one := r.invite(1)
		errs := make(chan error)
		for i := range 20 {
			go func() {
				_, err := r.join(fmt.Sprintf("m%d", i), one.Code)
				errs <- err
			}()
		}
		joined := 0
		for range 20 {
			if err := <-errs; err == nil {
				joined++
			} else {
				want(t, err, fault.Gone, "the others")
			}
		}
		if n, err := r.Count(r.ctx); err != nil || joined != 1 || n != 2 {
			t.Errorf("%d joined, %d members (%v)", joined, n, err)
		}
	})
}

// People who join at the same moment by different doors get consecutive numbers, and nobody is turned away.
func TestNumbersAreConsecutive(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		const people = 12
		var apps [people]member.Application
		var links [people]member.Invitation
		for i := range people {
			apps[i], links[i] = r.apply(fmt.Sprintf("a%d", i)), r.invite(1)
		}
		errs := make(chan error)
		for i := range people {
			go func() {
				_, err := r.join(fmt.Sprintf("j%d", i), links[i].Code)
				errs <- err
			}()
			go func() {
				_, err := r.Accept(r.ctx, r.founder, apps[i].ID, "")
				errs <- err
			}()
		}
		for range 2 * people {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		all, err := r.List(r.ctx, 0, 500)
		r.ok(err)
		for i, m := range all {
			if m.Number != int64(i+1) {
				t.Errorf("member %d has number %d", i+1, m.Number)
			}
		}
		if len(all) != 2*people+1 {
			t.Errorf("%d members", len(all))
		}
		if rest, err := r.List(r.ctx, 20, 3); err != nil || len(rest) != 3 || rest[0].Number != 21 {
			t.Errorf("after 20: %+v, %v", rest, err)
		}
	})
}

// Two holders of the power answer the same application at once: one does.
func TestOneAnswerAtOnce(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		a := r.apply("ann")
		errs := make(chan error)
		for range 4 {
			go func() {
				_, err := r.Accept(r.ctx, r.founder, a.ID, "")
				errs <- err
			}()
			go func() { errs <- r.Decline(r.ctx, r.founder, a.ID, "no room") }()
		}
		done := 0
		for range 8 {
			if err := <-errs; err == nil {
				done++
			} else {
				want(t, err, fault.Conflict, "the others")
			}
		}
		acts := 0
		r.ok(r.db.Writer().QueryRowContext(r.ctx, "SELECT COUNT(*) FROM acts").Scan(&acts))
		if done != 1 || acts != 1 {
			t.Errorf("%d answers, %d acts", done, acts)
		}
	})
}

func TestPasswordsOfApplicantsGoWithTheAnswer(t *testing.T) {
	each(t, func(t *testing.T, r *register) {
		a, b := r.apply("ann"), r.apply("bob")
		_, err := r.Accept(r.ctx, r.founder, a.ID, "")
		r.ok(err)
		r.ok(r.Decline(r.ctx, r.founder, b.ID, "no room"))
		var kept sql.NullString
		r.ok(r.db.Writer().QueryRowContext(r.ctx, "SELECT MAX(password_hash) FROM applications").Scan(&kept))
		if kept.String != "" {
			t.Errorf("still kept: %q", kept.String)
		}
	})
}
