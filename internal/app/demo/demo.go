// Package demo fills a fresh instance with a fictional co-op: forty members, months of posts and
// threads in several languages, pictures it draws itself, follows, favourites and boosts. The same seed
// gives the same co-op. It is for newcomers, screenshots and tests.
package demo

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/mandate"
	"rochdale/internal/media"
	"rochdale/internal/member"
	"rochdale/internal/moderation"
	"rochdale/internal/rulebook"
	"rochdale/internal/social"
)

//go:embed members.txt
var membersText string

//go:embed remote.txt
var remoteText string

//go:embed threads.txt
var threadsText string

// Password is what every member of the demo signs in with.
const Password = "tideline-demo"

// Life is how far back the demo's first day lies: the founding mandates are still in force.
const Life = 85 * 24 * time.Hour

// Clock is the demo's time: it lives through the past while the demo is filled, and follows the
// machine's clock from then on.
type Clock struct{ now atomic.Pointer[clock.Clock] }

// NewClock starts Life ago.
func NewClock(base clock.Clock) (*Clock, *clock.Fake) {
	past := clock.NewFake(base.Now().Add(-Life))
	c := &Clock{}
	c.set(past)
	return c, past
}

func (c *Clock) set(k clock.Clock) { c.now.Store(&k) }

// Arrive lets the clock follow base.
func (c *Clock) Arrive(base clock.Clock) { c.set(base) }

// Now implements clock.Clock.
func (c *Clock) Now() time.Time { return (*c.now.Load()).Now() }

// Deps are the services that the demo fills.
type Deps struct {
	DB       *db.DB
	Coop     *coop.Service
	Member   *member.Service
	Mandate  *mandate.Service
	Identity *identity.Service
	Media    *media.Service
	Social   *social.Service
	Rulebook *rulebook.Service
	Decision *decision.Service
	Ballot   *ballot.Service
	Election *election.Service
	Moderate *moderation.Service
	Past     *clock.Fake
	Until    time.Time
	Seed     uint64
}

type filler struct {
	Deps
	rnd    *rand.Rand
	actors map[string]authz.Actor // by handle as written in the texts
	names  []string               // local handles, in order
	script []happening            // what is still to be decided
	put    map[string]decision.Motion

	awaited []string         // elections that motions ask for, in order
	held    map[string]id.ID // and those that are announced
}

// Fill founds the co-op and lets it live until d.Until. It returns the usernames that can sign in.
func Fill(ctx context.Context, d Deps) ([]string, error) {
	f := &filler{Deps: d, rnd: rand.New(rand.NewPCG(d.Seed, 1844)), actors: map[string]authz.Actor{}, put: map[string]decision.Motion{}, held: map[string]id.ID{}} //nolint:gosec // a demo is to be repeatable
	f.script = append(f.decisions(), f.elections()...)
	slices.SortStableFunc(f.script, func(a, b happening) int { return cmp.Compare(b.ago, a.ago) })
	steps := []func(context.Context) error{f.found, f.admit, f.meet, f.follow, f.talk, f.apply}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("fill demo: %w", err)
		}
	}
	return f.names, nil
}

func rows(text string) [][]string {
	var out [][]string
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		out = append(out, cells)
	}
	return out
}

func (f *filler) found(ctx context.Context) error {
	first := rows(membersText)[0]
	m, err := f.Coop.Found(ctx, authz.Actor{Via: authz.Operator}, coop.Founding{Name: "Tideline Co-op",
		Description: "A small place on the fediverse that its members own. We pay for it, decide about it and look after it together. Nothing here is ranked, sold or watched.",
		Founder:     member.Joining{Name: first[1], Username: first[0], Email: first[0] + "@tideline.example", Password: Password}})
	if err != nil {
		return err
	}
	return f.enter(ctx, m, first[2])
}

// enter remembers whom a member acts as and gives the account a face.
func (f *filler) enter(ctx context.Context, m member.Member, about string) error {
	login, err := f.Identity.LoginOf(ctx, f.DB, m.AccountID)
	if err != nil {
		return err
	}
	by := identity.ActorOf(login, authz.Web)
	f.actors[m.Username] = by
	f.names = append(f.names, m.Username)
	found := m.Username != "sun" // who likes the internet slow
	change := social.ProfileChange{Note: &about, Indexable: &found}
	if len(f.names)%2 == 1 {
		key, err := f.Media.UploadAvatar(ctx, by, bytes.NewReader(face(m.Username)))
		if err != nil {
			return err
		}
		change.Avatar = &key
	}
	_, err = f.Social.UpdateProfile(ctx, by, change)
	return err
}

// admit brings the other members in over the first weeks, by the founder's mandate.
func (f *filler) admit(ctx context.Context) error {
	founder := f.actors[f.names[0]]
	login, err := f.Identity.Me(ctx, founder)
	if err != nil {
		return err
	}
	for _, row := range rows(membersText)[1:] {
		f.Past.Advance(time.Duration(6+f.rnd.IntN(20)) * time.Hour)
		var m member.Member
		err := f.DB.InTx(ctx, func(tx *db.Tx) (err error) {
			// One password for all: its hash is the expensive part of making a member.
			m, err = f.Member.TakeIn(ctx, tx, founder, member.Joining{Name: row[1], Username: row[0], Email: row[0] + "@tideline.example"}, login.PasswordHash,
				"Introduced themselves at an open evening.")
			return err
		})
		if err != nil {
			return err
		}
		if err := f.enter(ctx, m, row[2]); err != nil {
			return err
		}
	}
	return nil
}

// meet makes the accounts of other servers known. They have no inbox: the demo speaks to nobody outside.
func (f *filler) meet(ctx context.Context) error {
	return f.DB.InTx(ctx, func(tx *db.Tx) error {
		for _, row := range rows(remoteText) {
			base := "https://" + row[1]
			uri := base + "/users/" + row[0]
			a, err := f.Social.SaveRemote(ctx, tx, social.Account{Username: row[0], Domain: row[1], Kind: social.Person, URI: uri, URL: base + "/@" + row[0],
				DisplayName: row[2], Note: "<p>" + row[3] + "</p>", Discoverable: true})
			if err != nil {
				return err
			}
			f.actors[row[0]+"@"+row[1]] = authz.Actor{Account: a.ID, Via: authz.Federation}
		}
		return nil
	})
}

// follow lets everybody follow a dozen others; the first members are known to most.
func (f *filler) follow(ctx context.Context) error {
	return f.DB.InTx(ctx, func(tx *db.Tx) error {
		for i, name := range f.names {
			for j, other := range f.names {
				if i == j || f.rnd.IntN(100) >= max(18, 80-3*j) {
					continue
				}
				if err := f.Social.FollowIn(ctx, tx, f.actors[name], f.actors[other].Account, social.FollowOptions{}, ""); err != nil {
					return err
				}
			}
		}
		for handle, remote := range f.actors {
			if !strings.Contains(handle, "@") {
				continue
			}
			for j := range f.names[:8] {
				if err := f.Social.FollowIn(ctx, tx, remote, f.actors[f.names[j]].Account, social.FollowOptions{}, handle+f.names[j]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// apply leaves two applications waiting for the founder.
func (f *filler) apply(ctx context.Context) error {
	for _, j := range []member.Joining{
		{Name: "Maud Ellery", Username: "maud", Email: "maud@tideline.example", Password: Password, Answer: "Tess told me about this place over the allotment fence. I would like somewhere quiet to write about apples."},
		{Name: "Teo Lindgren", Username: "teo", Email: "teo@tideline.example", Password: Password, Answer: "I help run a tool library in Malmö and am curious how you share the work. Happy to take a turn."},
	} {
		if _, err := f.Member.Apply(ctx, j); err != nil {
			return err
		}
		f.Past.Advance(3 * time.Hour)
	}
	return nil
}

func (f *filler) uri(i id.ID, handle string) string {
	_, domain, _ := strings.Cut(handle, "@")
	return "https://" + domain + "/posts/" + i.String()
}
