package site

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/member"
)

// A member reads their own entry, takes everything away, leaves, and has the rest deleted.
func TestLeaving(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	p.admit(t, mara, "Jun Abe", "jun")
	jun := p.as(t, "jun")
	jun.get("/settings/membership")
	jun.at("/settings/membership")
	jun.sees("Jun Abe", "in good standing", "Joined", "Leave the co-op")
	jun.misses("Delete your personal data")
	jun.get("/settings/membership/archive")
	z, err := zip.NewReader(strings.NewReader(jun.body), int64(len(jun.body)))
	if err != nil || len(z.File) < 5 {
		t.Fatalf("the archive: %v", err)
	}
	jun.get("/settings/membership")
	jun.send("/settings/membership/resign", fields{"password": "something else"})
	jun.sees("This is not your password.")
	c.Advance(time.Hour)
	jun.send("/settings/membership/resign", fields{"password": password})
	jun.at("/sign-in")
	jun.sees("Your membership has ended.")
	jun.get("/home")
	jun.at("/sign-in")
	// Signing in again leads to the one page that is left.
	jun.send("/sign-in", fields{"email": "jun@tideline.example", "password": password})
	jun.at("/settings/membership")
	jun.sees("no longer a member", "Membership ended: resigned", "Delete your personal data")
	jun.misses("Leave the co-op")
	jun.get("/settings/membership/archive")
	if !bytes.HasPrefix([]byte(jun.body), []byte("PK")) {
		t.Errorf("no archive for a former member: %q", jun.body)
	}
	jun.get("/members/2")
	if jun.status != 404 {
		t.Errorf("a former member's entry is shown to a visitor: %d", jun.status)
	}
	jun.get("/settings/membership")
	jun.send("/settings/membership/erase", fields{"password": password})
	jun.at("/")
	jun.sees("Your personal data is deleted.")
	jun.get("/settings/membership")
	jun.misses("Jun Abe")
	other := p.as(t, "mara")
	other.get("/members/2")
	other.at("/members/2")
	other.sees("A former member", "resigned")
	other.misses("Jun Abe")
	if _, err := p.Record.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// Whoever holds a mandate acts on a member's page; nobody else is offered anything.
func TestActsOnAMembersPage(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	p.admit(t, mara, "Jun Abe", "jun")
	visitor := p.surf(t)
	visitor.get("/members/2")
	visitor.sees("Jun Abe", "Member since")
	visitor.misses("Acts under your mandate")
	jun := p.as(t, "jun")
	jun.get("/members/1")
	jun.misses("Acts under your mandate")
	// The rights of a member are for the meeting to take and to give back: any member can move it.
	jun.sees("Only a decision of the general meeting", "Move to suspend the rights")
	visitor.misses("Move to suspend the rights")
	s := p.as(t, "mara")
	s.get("/members/2")
	s.misses("Expel")
	s.sees("Move to suspend the rights")
	if href := "/decisions/new?effect=member.suspend&amp;member="; !strings.Contains(s.body, href) {
		t.Errorf("no link to %s", href)
	}
	s.send("/members/2/died", fields{"reason": "By mistake."})
	s.sees("A death can be recorded 30 days after the last sign of life")
	c.Advance(member.SignOfLife)
	s.get("/members/2")
	s.send("/members/2/died", fields{"reason": "By mistake."})
	s.sees("Membership ended", "Move to take them back as a member")
	jun.get("/home")
	jun.at("/sign-in")
	for _, path := range []string{"/members/0", "/members/99", "/members/nobody"} {
		s.get(path)
		if s.status != 404 {
			t.Errorf("%s answers %d", path, s.status)
		}
	}
}

func TestQuestionsForApplicants(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	p.found(t)
	visitor := p.surf(t)
	visitor.get("/members/questions")
	visitor.at("/sign-in")
	s := p.as(t, "mara")
	s.get("/members/applications")
	s.follow("Questions")
	s.send("/members/questions", fields{"questions": "What do you do at sea?\nWho sent you?"})
	s.sees("Applicants are asked these questions from now on.")
	kofi := p.surf(t)
	kofi.get("/join")
	kofi.sees("What do you do at sea?", "Who sent you?")
	kofi.misses("Why would you like to join?")
	list, err := p.Member.Questions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	typed := fields{"name": "Kofi Mensah", "username": "kofi", "email": "kofi@tideline.example", "password": password, list[0].Field(): "I sail."}
	kofi.send("/join", typed)
	kofi.sees("Please answer this question.")
	if kofi.value(list[0].Field()) != "I sail." {
		t.Errorf("what was typed is gone: %q", kofi.value(list[0].Field()))
	}
	typed[list[1].Field()] = "The wind."
	kofi.send("/join", typed)
	kofi.at("/join/thanks")
	s.get("/members/applications")
	s.sees("What do you do at sea?", "I sail.", "Who sent you?", "The wind.")
	by := authz.Actor{Via: authz.Operator}
	waiting, err := p.Member.Waiting(t.Context(), by)
	if err != nil || len(waiting) != 1 || len(waiting[0].Answers()) != 2 {
		t.Errorf("%+v, %v", waiting, err)
	}
	if _, err := p.Member.Accept(t.Context(), by, waiting[0].ID, ""); err != nil {
		t.Fatal(err)
	}
	if n, err := p.Member.StandingOn(t.Context(), p.DB, waiting[0].ID, p.DB.Now()); err != nil || n != member.NoMember {
		t.Errorf("an application is no member: %q, %v", n, err)
	}
}
