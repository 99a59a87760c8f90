package site

import (
	"testing"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

// Whoever is answered in the discussion of a motion finds it among the notifications, with the way
// there; what is deleted since is not shown.
func TestNotificationsOfDiscussions(t *testing.T) {
	t.Parallel()
	p, c := fresh(t)
	mara := p.found(t)
	jun := p.admit(t, mara, "Jun Abe", "jun")
	m, err := p.Decision.Draft(t.Context(), mara, decision.Drafting{Title: "Repaint the slip", Text: "In red."})
	if err == nil {
		m, err = p.Decision.Publish(t.Context(), mara, m.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	say := func(by authz.Actor, text string) id.ID {
		t.Helper()
		c.Advance(time.Second)
		x, err := p.Decision.Comment(t.Context(), by, m.ID, 0, text)
		if err != nil {
			t.Fatal(err)
		}
		return x.ID
	}
	mine, theirs, gone := say(mara, "Red is loud."), say(jun, "@mara so is the sea."), say(jun, "@mara never mind")
	if err := p.DB.InTx(t.Context(), func(tx *db.Tx) error {
		to := func(by authz.Actor) *social.Account {
			a, err := p.Social.Account(t.Context(), tx, by.Account)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		for _, x := range []id.ID{theirs, gone} {
			if err := p.Notice.Discussed(t.Context(), tx, to(mara), jun.Account, 0, x); err != nil {
				return err
			}
		}
		return p.Notice.Reacted(t.Context(), tx, to(mara), jun.Account, mine)
	}); err != nil {
		t.Fatal(err)
	}
	if err := p.Decision.EditComment(t.Context(), jun, gone, ""); err != nil {
		t.Fatal(err)
	}

	s := p.as(t, "mara")
	s.get("/notifications")
	s.sees("Jun Abe wrote to you in the discussion of motion 1", "so is the sea", "Jun Abe reacted to your comment on motion 1", "Red is loud.")
	s.misses("never mind")
	found := map[string]bool{}
	for _, a := range s.each("a") {
		found[attr(a, "href")] = true
	}
	for _, x := range []id.ID{mine, theirs} {
		if want := "/decisions/1#c" + x.String(); !found[want] {
			t.Errorf("nothing leads to %s", want)
		}
	}
	sound(t, s)
	s.get("/notifications?show=mentions")
	s.sees("so is the sea")
	s.misses("reacted")
}
