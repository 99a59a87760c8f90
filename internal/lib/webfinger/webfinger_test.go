package webfinger

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Address{
		"@a@b.example":             {"a", "b.example"},
		"a@b.example":              {"a", "b.example"},
		"acct:a@b.example":         {"a", "b.example"},
		"ACCT:a@b.example":         {"a", "b.example"},
		" @Ana_1.x-y@B.Example. ":  {"Ana_1.x-y", "b.example"},
		"@a@Bücher.example":        {"a", "xn--bcher-kva.example"},
		"@a@XN--BCHER-KVA.example": {"a", "xn--bcher-kva.example"},
		"@a@localhost:8080":        {"a", "localhost:8080"},
		"_@b.example":              {"_", "b.example"},
	} {
		got, err := ParseAddress(in)
		if err != nil || got != want {
			t.Errorf("ParseAddress(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "@", "a", "@a", "@@b.example", "a@", "a@b@c", "a b@c.example", "a@b c", "a@b/c", "a@b.example/x",
		"a@b..example", "a@-b.example", "a@b.example:", "a@b.example:0", "a@b.example:99999", "a@[::1]", ".a@b.example", "a-@b.example",
		"é@b.example", "a@b?c", "a@b#c", "a@b\\c", "a@" + strings.Repeat("x", 64) + ".example", strings.Repeat("a", 200) + "@b.example",
		"a@" + strings.Repeat("x.", 2000), "acct:", "a\x00@b.example", "a@0\xc30"} {
		if got, err := ParseAddress(in); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseAddress(%.50q) = %v, %v, want ErrMalformed", in, got, err)
		}
	}
	a := Address{"ana", "xn--bcher-kva.example"}
	if diff := cmp.Diff([]string{"acct:ana@xn--bcher-kva.example", "ana@bücher.example"}, []string{a.Acct(), a.Display()}); diff != "" {
		t.Error(diff)
	}
}

func TestParseResource(t *testing.T) {
	t.Parallel()
	local := []string{"coop.example", "xn--bcher-kva.example", "localhost:8080"}
	for _, tc := range []struct {
		in, want string
		err      error
	}{
		{"acct:ana@coop.example", "ana@coop.example", nil},
		{"acct:Ana@COOP.example", "Ana@coop.example", nil},
		{"@ana@coop.example", "ana@coop.example", nil},
		{"ana@bücher.example", "ana@xn--bcher-kva.example", nil},
		{"acct:ana@localhost:8080", "ana@localhost:8080", nil},
		{"https://coop.example/@ana", "https://coop.example/@ana", nil},
		{"HTTPS://Coop.Example:443/users/ana", "https://coop.example/users/ana", nil},
		{"http://localhost:8080/users/ana", "http://localhost:8080/users/ana", nil},
		{"acct:ana@other.example", "", ErrNotLocal},
		{"acct:ana@coop.example.evil", "", ErrNotLocal},
		{"https://other.example/@ana", "", ErrNotLocal},
		{"https://coop.example:8443/@ana", "", ErrNotLocal},
		{"https://coop.example@other.example/@ana", "", ErrMalformed},
		{"ftp://coop.example/", "", ErrMalformed},
		{"https://%zz/", "", ErrMalformed},
		{"ana", "", ErrMalformed},
		{"", "", ErrMalformed},
		{"https://" + strings.Repeat("a", 3000), "", ErrMalformed},
	} {
		r, err := ParseResource(tc.in, local)
		got := ""
		switch {
		case err != nil:
		case r.URL != nil:
			got = r.URL.String()
		default:
			got = r.Address.String()
		}
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("ParseResource(%.50q) = %q, %v, want %q, %v", tc.in, got, err, tc.want, tc.err)
		}
	}
}

func TestJRD(t *testing.T) {
	t.Parallel()
	jrd := JRD{Subject: "acct:ana@coop.example", Aliases: []string{"https://coop.example/@ana"}, Links: []Link{
		{Rel: RelProfile, Type: "text/html", Href: "https://coop.example/@ana"},
		{Rel: RelSelf, Type: "application/activity+json", Href: "https://coop.example/users/ana"},
		{Rel: RelSubscribe, Template: "https://coop.example/authorize_interaction?uri={uri}"},
	}}
	b, err := json.Marshal(jrd)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseJRD(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(jrd, got); diff != "" {
		t.Error(diff)
	}
	if got.Actor() != "https://coop.example/users/ana" || got.SubscribeTemplate() == "" {
		t.Errorf("Actor = %q, SubscribeTemplate = %q", got.Actor(), got.SubscribeTemplate())
	}
	odd, err := ParseJRD([]byte(`{"subject":"acct:a@b","aliases":"x","properties":{"p":null},"links":[{"rel":"self","type":"text/html","href":"no"},
		{"rel":"self","type":"application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"","href":"yes"}]}`))
	if err != nil || odd.Actor() != "yes" {
		t.Errorf("odd JRD = %+v, %v", odd, err)
	}
	for _, in := range []string{"", "[]", "<html>", `{"links":5}`} {
		if _, err := ParseJRD([]byte(in)); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseJRD(%q) = %v", in, err)
		}
	}
}

func TestHostMeta(t *testing.T) {
	t.Parallel()
	var doc struct {
		XMLName xml.Name `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD"`
		Link    struct {
			Rel      string `xml:"rel,attr"`
			Template string `xml:"template,attr"`
		}
	}
	if err := xml.Unmarshal(HostMeta(`https://coop.example/a"&b/`), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Link.Rel != "lrdd" || doc.Link.Template != `https://coop.example/a"&b/.well-known/webfinger?resource={uri}` {
		t.Errorf("host-meta = %+v", doc)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"@a@b.example", "acct:a@bücher.example", "a@b:80", "a@ß.example", "a@1.2.3.4"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		if err != nil {
			return
		}
		again, err := ParseAddress(a.Acct())
		if err != nil || again != a {
			t.Errorf("ParseAddress(%q) = %v, and again %v, %v", s, a, again, err)
		}
		if strings.ContainsAny(a.Host, "/?#@\\ \x00") || a.Host != strings.ToLower(a.Host) {
			t.Errorf("host %q is not canonical", a.Host)
		}
	})
}

func FuzzParseResource(f *testing.F) {
	for _, s := range []string{"acct:a@coop.example", "https://coop.example/@a", "https://coop.example:443/?x#y", "http://x@coop.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseResource(s, []string{"coop.example"})
		if err != nil {
			return
		}
		if r.URL != nil && r.URL.Host != "coop.example" || r.URL == nil && r.Address.Host != "coop.example" {
			t.Errorf("ParseResource(%q) = %+v", s, r)
		}
	})
}
