package activitystreams

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"
)

func parse(tb testing.TB, text string) Object {
	tb.Helper()
	o, err := Parse([]byte(text))
	if err != nil {
		tb.Fatalf("Parse: %v", err)
	}
	return o
}

func mastodonCreate(tb testing.TB) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/mastodon_create.json")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func TestParseMastodonCreate(t *testing.T) {
	t.Parallel()
	o := parse(t, string(mastodonCreate(t)))
	if !o.Type.Is("Create") || o.Actor.ID != "https://social.example/users/ana" || len(o.To) != 1 || !IsPublic(o.To.First()) {
		t.Errorf("activity = %v %v %v", o.Type, o.Actor, o.To)
	}
	n := o.Object.First().Object
	if n == nil {
		t.Fatal("no embedded note")
	}
	type summary struct {
		ID, Type, By, URL, Language, Summary, Content string
		Sensitive                                     bool
		Published                                     time.Time
		Tags, Media                                   []string
		Recipients                                    []string
		Replies                                       string
	}
	got := summary{ID: n.ID, Type: n.Type.String(), By: n.AttributedTo.First().ID, URL: n.URL(),
		Language: n.Language(), Summary: n.Summary, Content: n.Content, Sensitive: n.Sensitive,
		Published: n.Published, Recipients: n.Recipients(), Replies: n.Replies.ID}
	for _, tag := range n.Tag {
		got.Tags = append(got.Tags, tag.Type.String()+" "+tag.Name)
	}
	for _, a := range n.Attachment {
		got.Media = append(got.Media, a.Type.String()+" "+a.MediaType+" "+a.URL())
	}
	want := summary{
		ID: "https://social.example/users/ana/statuses/114", Type: "Note", By: "https://social.example/users/ana",
		URL: "https://social.example/@ana/114", Language: "en", Summary: "bread",
		Content:   `<p>Hello <a href="https://coop.example/@ben">@ben</a> “café” 🥖</p>`,
		Sensitive: true, Published: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
		Tags:       []string{"Mention @ben@coop.example", "Hashtag #bread", "Emoji :loaf:"},
		Media:      []string{"Document image/jpeg https://files.example/a.jpg"},
		Recipients: []string{Public, "https://social.example/users/ana/followers", "https://coop.example/users/ben"},
		Replies:    "https://social.example/users/ana/statuses/114/replies",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	a := n.Attachment.First()
	if a.Blurhash != "UBL_:rOpGG" || a.FocalPoint != [2]float64{-0.5, 1} || a.Width != 640 || a.Name != "A loaf" {
		t.Errorf("attachment = %+v", a)
	}
	if icon := n.Tag[2].Icon.First(); icon.URL() != "https://files.example/loaf.png" {
		t.Errorf("emoji icon = %q", icon.URL())
	}
	if got := string(n.Field("atomUri")); got != `"https://social.example/users/ana/statuses/114"` {
		t.Errorf("unknown field = %s", got)
	}
	if n.Field("nothing") != nil {
		t.Error("a field that is not there is not nil")
	}
}

// TestParseShapes has one line for each way in which some server differs.
func TestParseShapes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, json string
		get        func(o Object) any
		want       any
	}{
		{"type list", `{"type":["Person","as:Service"]}`, func(o Object) any { return o.Type.Is("Service") && o.IsActor() }, true},
		{"expanded type", `{"@type":"https://www.w3.org/ns/activitystreams#Note","@id":"x"}`, func(o Object) any { return o.Type.String() + o.ID }, "Notex"},
		{"lemmy announce", `{"type":"Announce","object":{"type":"Create","object":{"type":"Page","name":"T","audience":"https://l.example/c/m"}}}`,
			func(o Object) any { return o.Object.First().Object.Object.First().Object.Audience.First() }, "https://l.example/c/m"},
		{"lemmy list attribution", `{"attributedTo":[{"type":"Person","id":"p"},{"type":"Group","id":"g"}]}`, func(o Object) any { return o.AttributedTo[1].Object.Type.String() }, "Group"},
		{"flag objects", `{"type":"Flag","object":["a","b",null]}`, func(o Object) any { return len(o.Object) }, 2},
		{"to string", `{"to":"as:Public"}`, func(o Object) any { return IsPublic(o.To.First()) }, true},
		{"url list", `{"url":[{"type":"Link","mediaType":"video/mp4","href":"v"},{"type":"Link","mediaType":"text/html","href":"h"}]}`, func(o Object) any { return o.URL() }, "h"},
		{"url object", `{"url":{"type":"Link","href":"h"}}`, func(o Object) any { return o.URL() }, "h"},
		{"url plain beats video", `{"url":[{"href":"v","mediaType":"video/mp4"},"p"]}`, func(o Object) any { return o.URL() }, "p"},
		{"icon string", `{"icon":"i"}`, func(o Object) any { i := o.Icon.First(); return i.URL() }, "i"},
		{"inReplyTo null", `{"inReplyTo":null}`, func(o Object) any { return o.InReplyTo.IsZero() }, true},
		{"misskey quote", `{"_misskey_quote":"q","quoteUrl":"r"}`, func(o Object) any { return o.Quote }, "q"},
		{"quote wins", `{"quoteUrl":"r","quote":"q"}`, func(o Object) any { return o.Quote }, "q"},
		{"wrong types", `{"name":5,"content":{},"sensitive":1,"published":true,"tag":7,"width":"640","to":{}}`, func(o Object) any { return o.Name + o.Content }, ""},
		{"number as text", `{"width":"640"}`, func(o Object) any { return o.Width }, int64(640)},
		{"null character", `{"content":"a\u0000b"}`, func(o Object) any { return o.Content }, "ab"},
		{"invalid utf-8", "{\"content\":\"a\xffb\"}", func(o Object) any { return o.Content }, "a\ufffdb"},
		{"escaped key", `{"\u0069d":"x"}`, func(o Object) any { return o.ID }, "x"},
		{"spaces", " { \"id\" :\t\"x\" , \"to\" : [ \"a\" , \"b\" ] } \n", func(o Object) any { return o.ID + o.To[1] }, "xb"},
		{"poll", `{"type":"Question","oneOf":[{"name":"A","replies":{"type":"Collection","totalItems":3}}],"votersCount":4}`,
			func(o Object) any { return o.OneOf[0].Replies.Object.TotalItems + o.VotersCount }, int64(7)},
		{"no total", `{"type":"Collection"}`, func(o Object) any { return o.TotalItems }, int64(-1)},
		{"collection", `{"type":"OrderedCollectionPage","orderedItems":["a",{"id":"b"}],"next":"n"}`, func(o Object) any { return o.Items[1].ID + o.Next.ID }, "bn"},
		{"tombstone", `{"type":"Tombstone","formerType":"Note"}`, func(o Object) any { return o.FormerType }, "Note"},
		{"huge number", `{"totalItems":1e400,"votersCount":-5}`, func(o Object) any { return o.TotalItems + o.VotersCount }, int64(0)},
		{"actor", `{"type":"Person","inbox":"i","endpoints":{"sharedInbox":"s"},"webfinger":"acct:a@b"}`,
			func(o Object) any { return o.Profile.Inbox + o.Profile.SharedInbox + o.Profile.Webfinger }, "isa@b"},
		{"not an actor", `{"type":"Note"}`, func(o Object) any { return o.Profile == nil }, true},
		{"discoverable", `{"discoverable":false}`, func(o Object) any { return *o.Profile.Discoverable }, false},
		{"also known as", `{"alsoKnownAs":"x","movedTo":{"id":"y"}}`, func(o Object) any { return o.Profile.AlsoKnownAs.First() + o.Profile.MovedTo }, "xy"},
		{"keys", `{"publicKey":[{"id":"k1","owner":"o","publicKeyPem":"p"}],"assertionMethod":["k2",{"id":"k3","controller":"o","publicKeyMultibase":"z"}]}`,
			func(o Object) any { return []Key(o.Profile.Keys) },
			[]Key{{ID: "k1", Owner: "o", PEM: "p"}, {ID: "k2"}, {ID: "k3", Owner: "o", Multibase: "z"}}},
		{"property value", `{"attachment":[{"type":"PropertyValue","name":"web","value":"<a>"}]}`, func(o Object) any { return o.Attachment[0].Value }, "<a>"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, tc.get(parse(t, tc.json))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, json string
		want       error
	}{
		{"empty", "", ErrMalformed},
		{"list", "[]", ErrMalformed},
		{"string", `"x"`, ErrMalformed},
		{"null", "null", ErrMalformed},
		{"cut off", `{"a":`, ErrMalformed},
		{"two documents", `{} {}`, ErrMalformed},
		{"at the limit", strings.Repeat(`{"a":`, MaxDepth-1) + "{}" + strings.Repeat("}", MaxDepth-1), nil},
		{"over the limit", strings.Repeat(`{"a":`, MaxDepth) + "{}" + strings.Repeat("}", MaxDepth), ErrTooDeep},
		{"very deep lists", strings.Repeat("[", 100_000), ErrTooDeep},
		{"brackets in strings do not count", `{"a":"` + strings.Repeat("[", 100) + `\"["}`, nil},
		{"many objects", `{"tag":[{}` + strings.Repeat(",{}", MaxObjects) + "]}", ErrTooLarge},
		{"many bytes", `{"a":"` + strings.Repeat("a", MaxBytes) + `"}`, ErrTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse([]byte(tc.json)); !errors.Is(err, tc.want) {
				t.Errorf("Parse = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, s := range []string{"2026-02-03T04:05:06Z", "2026-02-03T04:05:06.000Z", "2026-02-03T05:05:06+01:00",
		"2026-02-03T05:05:06+0100", "2026-02-03T04:05:06", "2026-02-03 04:05:06", "Tue, 03 Feb 2026 04:05:06 UTC"} {
		if got := ParseTime(s); !got.Equal(want) {
			t.Errorf("ParseTime(%q) = %v", s, got)
		}
	}
	for _, s := range []string{"", "soon", "2026-13-01T00:00:00Z", strings.Repeat("1", 100)} {
		if got := ParseTime(s); !got.IsZero() {
			t.Errorf("ParseTime(%q) = %v, want zero", s, got)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"https://a.example/x", "https://a.example/y#k", true},
		{"https://a.example/x", "https://A.Example:443/", true},
		{"http://a.example:80/x", "http://a.example", true},
		{"https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/", true},
		{"https://a.example/x", "http://a.example/x", false},
		{"https://a.example/x", "https://a.example:8443/x", false},
		{"https://a.example/x", "https://b.a.example/x", false},
		{"https://a.example/x", "https://a.example.evil/x", false},
		{"https://a.example@evil/x", "https://a.example/x", false},
		{"https://a.example/x", "https://a.example\\@evil/x", false},
		{"", "", false},
		{"acct:a@b", "acct:a@b", false},
		{"https:///x", "https:///x", false},
		{"ap://did:key:z/x", "ap://did:key:z/x", false},
	} {
		if got := SameOrigin(tc.a, tc.b); got != tc.want {
			t.Errorf("SameOrigin(%q, %q) = %v", tc.a, tc.b, got)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	// spec: did-key, the example Ed25519 key of the multikey specification.
	const example = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
	pub, err := Key{Multibase: example}.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	if got := EncodeMultikey(pub.(ed25519.PublicKey)); got != example {
		t.Errorf("EncodeMultikey = %q", got)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text, err := EncodePEM(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if pub, err := (Key{PEM: text}).PublicKey(); err != nil || !rsaKey.PublicKey.Equal(pub) {
		t.Errorf("PEM round trip = %v, %v", pub, err)
	}
	for _, k := range []Key{{}, {PEM: "x"}, {Multibase: "z"}, {Multibase: "z0"}, {Multibase: "u6Mk"}, {Multibase: example[:40]},
		{Multibase: "z" + strings.Repeat("1", 5000)}, {PEM: strings.Repeat("x", 10_000)},
		{PEM: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}} {
		if _, err := k.PublicKey(); !errors.Is(err, ErrKey) {
			t.Errorf("PublicKey of %.40v = %v, want ErrKey", k, err)
		}
	}
	roundTrip := func(b []byte) bool {
		got, ok := decodeBase58(encodeBase58(b))
		return ok && string(got) == string(b)
	}
	if err := quick.Check(roundTrip, nil); err != nil {
		t.Error(err)
	}
	if got := encodeBase58([]byte("\x00\x00Hello World!")); got != "112NEpo7TZRRrLZSi2U" {
		t.Errorf("encodeBase58 = %q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mastodonCreate(f))
	f.Add([]byte(`{"id":1,"type":["a",null],"tag":[[1],{"x":"\"]"}],"publicKey":{},"endpoints":[{}]}`))
	f.Add([]byte(`{"a":-1.5e9,"totalItems":true,"closed":false,"url":[{"href":""}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Parse(b)
		if err != nil {
			return
		}
		// The walker must see the same members as the standard library does.
		var want map[string]json.RawMessage
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		got := map[string]json.RawMessage{}
		for key, v := range value(o.Raw).members() {
			var name string
			quoted, err := json.Marshal(string(key))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(quoted, &name); err != nil {
				t.Fatal(err)
			}
			got[name] = json.RawMessage(v)
		}
		for key, v := range want {
			if !strings.ContainsRune(key, 0) && string(got[key]) != string(v) {
				t.Fatalf("member %q = %s, want %s", key, got[key], v)
			}
		}
		o.URL()
		o.Recipients()
		if p := o.Profile; p != nil {
			for _, k := range p.Keys {
				if _, err := k.PublicKey(); err != nil && !errors.Is(err, ErrKey) {
					t.Errorf("unexpected error %v", err)
				}
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	doc := mastodonCreate(b)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseDeep(b *testing.B) {
	doc := []byte(strings.Repeat("[", 100_000))
	for b.Loop() {
		if _, err := Parse(doc); !errors.Is(err, ErrTooDeep) {
			b.Fatal(err)
		}
	}
}
