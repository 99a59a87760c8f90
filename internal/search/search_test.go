package search_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/media"
	"rochdale/internal/search"
	"rochdale/internal/social"
)

func TestWords(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Hello, World! 42":         "hello world 42",
		"Dídac Ferrer – Café":      "didac ferrer cafe",
		"協同組合とパン":                  "協同 同組 組合 合と とハ ハン",
		"a東京b":                     "a 東京 b",
		`"quotes" OR NEAR(x) -y *`: "quotes or near x y",
		"":                         "",
		strings.Repeat("x", 130):   strings.Repeat("x", 64) + " " + strings.Repeat("x", 64) + " xx",
	} {
		if got := strings.Join(search.Words(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("Hello 東京 ' \" * ( ) & | : ! \\")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range search.Words(text) {
			if w == "" || strings.ContainsAny(w, " '\"*()&|:!\\-") {
				t.Errorf("%q gives %q", text, w)
			}
		}
	})
}

// Who finds what, on both engines.
func TestFindingPosts(t *testing.T) {
	t.Parallel()
	schema := []db.Source{media.Migrations(), social.Migrations(), search.Migrations()}
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		ctx := context.Background()
		store, err := blob.OpenFolder(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		site := config.Site{Host: "coop.example", URL: "https://coop.example"}
		place := social.New(d, bus.New(d), site, media.New(d, store, nil, site, nil))
		s := search.New(d, place)
		place.Published.On(s.OnPublished)
		place.Edited.On(s.OnEdited)
		place.Deleted.On(s.OnDeleted)
		if err := db.CheckRegistered(ctx, d); err != nil {
			t.Fatal(err)
		}
		account := func(name string, indexable bool) authz.Actor {
			var by authz.Actor
			if err := d.InTx(ctx, func(tx *db.Tx) error {
				a, err := place.Open(ctx, tx, social.NewAccount{Username: name, Kind: social.Person})
				if err == nil {
					by = authz.Actor{Account: a.ID, Via: authz.Web}
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := place.UpdateProfile(ctx, by, social.ProfileChange{Indexable: &indexable}); err != nil {
				t.Fatal(err)
			}
			return by
		}
		ann, bob, cat := account("ann", true), account("bob", false), account("cat", false)
		say := func(by authz.Actor, v social.Visibility, text string) id.ID {
			c.Advance(time.Second)
			p, err := place.Publish(ctx, by, social.Draft{Text: text, Visibility: v})
			if err != nil {
				t.Fatal(err)
			}
			return p.ID
		}
		open := say(ann, social.Public, "The kettle was discussed at length")
		quiet := say(ann, social.Unlisted, "The kettle again")
		shy := say(bob, social.Public, "My kettle, Café noir")
		named := say(bob, social.Direct, "@cat about the kettle")
		japanese := say(ann, social.Public, "東京の協同組合")
		find := func(by authz.Actor, words string) []id.ID {
			got, err := s.Posts(ctx, by, search.Question{Words: words, Page: social.Page{Limit: 20}})
			if err != nil {
				t.Fatalf("%q: %v", words, err)
			}
			return got
		}
		check := func(what string, got []id.ID, want ...id.ID) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: found %v, want %v", what, got, want)
			}
		}
		check("everybody finds public posts of who agreed", find(cat, "kettle"), named, open)
		check("one finds one's own", find(bob, "kettle"), named, shy, open)
		check("unlisted posts are found by their author", find(ann, "kettle again"), quiet)
		check("words are joined", find(ann, "kettle nowhere"))
		check("the last word may be a beginning, accents do not matter", find(bob, "CAFE noi"), shy)
		check("without spaces", find(cat, "協同"), japanese)
		check("operators are words", find(cat, `kettle OR "x`))
		check("nothing", find(cat, " !? "))
		if err := place.Favourite(ctx, cat, shy); err != nil {
			t.Fatal(err)
		}
		check("a favourite is found", find(cat, "noir"), shy)
		if _, err := place.Edit(ctx, ann, open, social.Draft{Text: "The teapot"}); err != nil {
			t.Fatal(err)
		}
		check("an edit replaces", find(cat, "teapot"), open)
		check("the old words are gone", find(ann, "discussed"))
		if _, err := place.Delete(ctx, ann, open); err != nil {
			t.Fatal(err)
		}
		check("a deleted post is gone", find(cat, "teapot"))
		if _, err := s.Posts(ctx, authz.Actor{}, search.Question{Words: "kettle"}); err == nil {
			t.Error("a visitor searches")
		}
	})
}
