package activitystreams

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var published = Time{time.Date(2026, 2, 3, 5, 5, 6, 789, time.FixedZone("", 3600))}

func testNote() Note {
	warning := "bread"
	return Note{
		ID: "https://a.example/users/ana/statuses/1", Type: "Note", Summary: &warning, Published: published,
		URL: "https://a.example/@ana/1", AttributedTo: "https://a.example/users/ana",
		To: []string{Public}, CC: []string{"https://a.example/users/ana/followers"}, Sensitive: true,
		Content: "<p>a & b</p>", ContentMap: map[string]string{"en": "<p>a & b</p>"},
		Attachment: []Attachment{{Type: "Document", MediaType: "image/png", URL: "https://a.example/1.png",
			Blurhash: "U", FocalPoint: &[2]float64{0, 0.5}, Width: 4, Height: 3}},
		Tag:     []Tag{NewMention("https://b.example/ben", "@ben@b.example")},
		Replies: "https://a.example/users/ana/statuses/1/replies",
	}
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	note := testNote()
	note.Attachment[0].FocalPoint = &[2]float64{}
	const noteJSON = `{"id":"https://a.example/users/ana/statuses/1","type":"Note","summary":"bread","inReplyTo":null,` +
		`"published":"2026-02-03T04:05:06Z","url":"https://a.example/@ana/1","attributedTo":"https://a.example/users/ana",` +
		`"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":["https://a.example/users/ana/followers"],"sensitive":true,` +
		`"content":"<p>a & b</p>","contentMap":{"en":"<p>a & b</p>"},` +
		`"attachment":[{"type":"Document","mediaType":"image/png","url":"https://a.example/1.png","blurhash":"U","focalPoint":[0,0],"width":4,"height":3}],` +
		`"tag":[{"type":"Mention","href":"https://b.example/ben","name":"@ben@b.example"}],` +
		`"replies":"https://a.example/users/ana/statuses/1/replies"}`
	for _, tc := range []struct {
		name string
		in   any
		want string
	}{
		{"note in a create", Activity{Context: true, ID: "i", Type: "Create", Actor: "a", Object: note},
			`{"@context":` + contextJSON + `,"id":"i","type":"Create","actor":"a","object":` + noteJSON + `}`},
		{"delete", Activity{ID: "i", Type: "Delete", Actor: "a", Object: NewTombstone("n")},
			`{"id":"i","type":"Delete","actor":"a","object":{"id":"n","type":"Tombstone"}}`},
		{"accept echoes", Activity{ID: "i", Type: "Accept", Actor: "a", Object: json.RawMessage(`{"x":1}`)},
			`{"id":"i","type":"Accept","actor":"a","object":{"x":1}}`},
		{"empty collection", NewCollection("c", 0, ""), `{"id":"c","type":"OrderedCollection","totalItems":0}`},
		{"empty page", CollectionPage{ID: "p", Type: "OrderedCollectionPage", PartOf: "c", Ordered: []any{}},
			`{"id":"p","type":"OrderedCollectionPage","partOf":"c","orderedItems":[]}`},
		{"poll option", NewPollOption("A", 2), `{"type":"Note","name":"A","replies":{"type":"Collection","totalItems":2}}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Marshal(tc.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if !json.Valid([]byte(contextJSON)) {
		t.Error("the context is not JSON")
	}
}

// TestActorRoundTrip reads back with Parse what the builder wrote.
func TestActorRoundTrip(t *testing.T) {
	t.Parallel()
	const id = "https://a.example/users/ana"
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	b, err := Marshal(Actor{Context: true, ID: id, Type: "Person", PreferredUsername: "ana", Webfinger: "ana@a.example",
		Inbox: id + "/inbox", Outbox: id + "/outbox", Followers: id + "/followers", Following: id + "/following",
		Featured: id + "/collections/featured", Endpoints: Endpoints{SharedInbox: "https://a.example/inbox"},
		PublicKey:       PublicKey{ID: id + "#main-key", Owner: id, PEM: "pem"},
		AssertionMethod: []Multikey{NewMultikey(id+"#ed25519-key", id, key)}, Discoverable: true, Published: published,
		Icon:       &Image{Type: "Image", MediaType: "image/png", URL: "https://a.example/i.png"},
		Attachment: []PropertyValue{{Type: "PropertyValue", Name: "web", Value: "v"}}, AlsoKnownAs: []string{"https://b.example/ana"}})
	if err != nil {
		t.Fatal(err)
	}
	o := parse(t, string(b))
	yes, no := true, false
	want := &Profile{PreferredUsername: "ana", Webfinger: "ana@a.example", Inbox: id + "/inbox", Outbox: id + "/outbox",
		Followers: id + "/followers", Following: id + "/following", Featured: id + "/collections/featured",
		SharedInbox: "https://a.example/inbox", AlsoKnownAs: List[string]{"https://b.example/ana"}, Discoverable: &yes, Indexable: &no,
		Keys: List[Key]{{ID: id + "#main-key", Owner: id, PEM: "pem"}, {ID: id + "#ed25519-key", Owner: id, Multibase: EncodeMultikey(key)}}}
	if diff := cmp.Diff(want, o.Profile); diff != "" {
		t.Error(diff)
	}
	icon := o.Icon.First()
	if o.ID != id || !o.IsActor() || icon.URL() != "https://a.example/i.png" || o.Attachment[0].Value != "v" || !o.Published.Equal(published.Truncate(time.Second)) {
		t.Errorf("actor = %s", b)
	}
	if !strings.HasPrefix(string(b), `{"@context":[`) {
		t.Errorf("the context does not come first: %.60s", b)
	}
}

func BenchmarkMarshalCreate(b *testing.B) {
	create := Activity{Context: true, ID: "i", Type: "Create", Actor: "a", Object: testNote()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Marshal(create); err != nil {
			b.Fatal(err)
		}
	}
}
