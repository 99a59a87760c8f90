package httpsig

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yaronf/httpsign"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var edKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// readRequest parses a request as a server would, and returns its body.
func readRequest(tb testing.TB, text string) (*http.Request, []byte) {
	tb.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		tb.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return r, body
}

func publicKey(tb testing.TB, text string) crypto.PublicKey {
	tb.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		tb.Fatal("no PEM block")
	}
	if block.Type == "PRIVATE KEY" {
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			tb.Fatal(err)
		}
		return key.(crypto.Signer).Public()
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestSpecificationVectors(t *testing.T) {
	t.Parallel()
	cavageTime := time.Date(2014, 1, 5, 21, 31, 40, 0, time.UTC)
	rfcTime := time.Unix(1618884473, 0)
	for _, tc := range []struct {
		name, request, key string
		now                time.Time
		noBody             bool
		want               error // of the whole verification
	}{
		{"cavage C.1 covers too little", fmt.Sprintf(cavageRequest, cavageC1), cavageKey, cavageTime, false, ErrCoverage},
		{"cavage C.2 leaves the body out", fmt.Sprintf(cavageRequest, cavageC2), cavageKey, cavageTime, false, ErrCoverage},
		{"cavage C.2 without body", fmt.Sprintf(cavageRequest, cavageC2), cavageKey, cavageTime, true, nil},
		{"cavage C.3", fmt.Sprintf(cavageRequest, cavageC3), cavageKey, cavageTime, false, nil},
		{"cavage C.3 a day later", fmt.Sprintf(cavageRequest, cavageC3), cavageKey, cavageTime.AddDate(0, 0, 1), false, ErrStale},
		{"rfc B.2.3", rfcRequestPSS, rfcKeyPSS, rfcTime, false, nil},
		{"rfc B.2.3 a day later", rfcRequestPSS, rfcKeyPSS, rfcTime.AddDate(0, 0, 1), false, ErrStale},
		{"rfc B.2.6 leaves the query and body out", rfcRequestEd25519, rfcKeyEd25519, rfcTime, false, ErrCoverage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r, body := readRequest(t, tc.request)
			if tc.noBody {
				body = nil
			}
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			key := publicKey(t, tc.key)
			if err := s.Verify(r, body, key, tc.now); !errors.Is(err, tc.want) {
				t.Errorf("Verify = %v, want %v", err, tc.want)
			}
			// Whatever the policy says, the mathematics must fit.
			base, err := s.base(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.checkKey(base, key); err != nil {
				t.Errorf("signature itself: %v\nbase:\n%s", err, base)
			}
		})
	}
}

const testBody = `{"type":"Create"}`

// newRequest is a request as a client builds it.
func newRequest(tb testing.TB, method, body string) *http.Request {
	tb.Helper()
	r, err := http.NewRequest(method, "https://Social.example/users/a%2Fb/inbox?x=1&y=%20", strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// arrive sends a request through the wire format, as the other side sees it.
func arrive(tb testing.TB, r *http.Request) (*http.Request, []byte) {
	tb.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		tb.Fatal(err)
	}
	return readRequest(tb, wire.String())
}

// signers are the three ways this package signs.
var signers = map[string]func(r *http.Request, digest string) (crypto.PublicKey, error){
	"cavage rsa": func(r *http.Request, digest string) (crypto.PublicKey, error) {
		return rsaKey().Public(), Sign(r, "https://a.example/u#k", rsaKey(), digest, now)
	},
	"rfc9421 rsa": func(r *http.Request, digest string) (crypto.PublicKey, error) {
		return rsaKey().Public(), SignMessage(r, "https://a.example/u#k", rsaKey(), digest, now)
	},
	"rfc9421 ed25519": func(r *http.Request, digest string) (crypto.PublicKey, error) {
		return edKey.Public(), SignMessage(r, "https://a.example/u#k", edKey, digest, now)
	},
}

func TestSignThenVerify(t *testing.T) {
	t.Parallel()
	for name, sign := range signers {
		for _, method := range []string{"GET", "POST"} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				body, digest := "", ""
				if method == "POST" {
					body, digest = testBody, Digest([]byte(testBody))
				}
				out := newRequest(t, method, body)
				pub, err := sign(out, digest)
				if err != nil {
					t.Fatal(err)
				}
				in, got := arrive(t, out)
				s, err := Parse(in)
				if err != nil {
					t.Fatal(err)
				}
				if s.KeyID() != "https://a.example/u#k" {
					t.Errorf("KeyID = %q", s.KeyID())
				}
				for at, want := range map[time.Duration]error{
					0: nil, 11 * time.Hour: nil, 13 * time.Hour: ErrStale,
					-50 * time.Minute: nil, -2 * time.Hour: ErrStale,
				} {
					if err := s.Verify(in, got, pub, now.Add(at)); !errors.Is(err, want) {
						t.Errorf("Verify at %v = %v, want %v", at, err, want)
					}
				}
			})
		}
	}
}

// TestTampering changes one covered part at a time; none may pass.
func TestTampering(t *testing.T) {
	t.Parallel()
	tampers := map[string]struct {
		change func(r *http.Request, body *[]byte)
		want   []error
	}{
		"method":        {func(r *http.Request, _ *[]byte) { r.Method = "PUT" }, []error{ErrInvalid}},
		"path":          {func(r *http.Request, _ *[]byte) { r.RequestURI = "/users/ab/inbox?x=1&y=%20" }, []error{ErrInvalid}},
		"path escaping": {func(r *http.Request, _ *[]byte) { r.RequestURI = "/users/a/b/inbox?x=1&y=%20" }, []error{ErrInvalid}},
		"query":         {func(r *http.Request, _ *[]byte) { r.RequestURI = "/users/a%2Fb/inbox?x=2&y=%20" }, []error{ErrInvalid}},
		"no query":      {func(r *http.Request, _ *[]byte) { r.RequestURI = "/users/a%2Fb/inbox" }, []error{ErrInvalid}},
		"host":          {func(r *http.Request, _ *[]byte) { r.Host = "evil.example" }, []error{ErrInvalid}},
		"body":          {func(_ *http.Request, b *[]byte) { *b = []byte(`{"type":"Delete"}`) }, []error{ErrDigest}},
		"empty body":    {func(_ *http.Request, b *[]byte) { *b = nil }, []error{ErrDigest}},
		"body and digest": {func(r *http.Request, b *[]byte) {
			*b = []byte("{}")
			r.Header.Set("Digest", "SHA-256="+Digest(*b))
			r.Header.Set("Content-Digest", "sha-256=:"+Digest(*b)+":")
		}, []error{ErrInvalid}},
		"no digest": {func(r *http.Request, _ *[]byte) {
			r.Header.Del("Digest")
			r.Header.Del("Content-Digest")
		}, []error{ErrDigest}},
		"date": {func(r *http.Request, _ *[]byte) {
			r.Header.Set("Date", now.Add(time.Minute).Format(http.TimeFormat))
			r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), "created=1", "created=2", 1))
		}, []error{ErrInvalid, ErrStale}},
	}
	for name, sign := range signers {
		for part, tamper := range tampers {
			t.Run(name+" "+part, func(t *testing.T) {
				t.Parallel()
				out := newRequest(t, "POST", testBody)
				pub, err := sign(out, Digest([]byte(testBody)))
				if err != nil {
					t.Fatal(err)
				}
				in, body := arrive(t, out)
				if s, err := Parse(in); err != nil || s.Verify(in, body, pub, now) != nil {
					t.Fatal("the untouched request must verify")
				}
				tamper.change(in, &body)
				if strings.HasPrefix(name, "cavage") {
					in.Header.Del("Signature-Input") // The date tamper sets it.
				}
				s, err := Parse(in)
				if err != nil {
					t.Fatal(err)
				}
				err = s.Verify(in, body, pub, now)
				for _, want := range tamper.want {
					if errors.Is(err, want) {
						return
					}
				}
				t.Errorf("Verify = %v, want one of %v", err, tamper.want)
			})
		}
	}
}

func TestVerifyWrongKey(t *testing.T) {
	t.Parallel()
	out := newRequest(t, "GET", "")
	if err := Sign(out, "k", rsaKey(), "", now); err != nil {
		t.Fatal(err)
	}
	in, _ := arrive(t, out)
	s, err := Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	var none *rsa.PublicKey
	for _, key := range []crypto.PublicKey{other.Public(), edKey.Public(), ed25519.PublicKey{1}, none, nil, "key"} {
		if err := s.Verify(in, nil, key, now); !errors.Is(err, ErrInvalid) {
			t.Errorf("Verify with %T = %v, want ErrInvalid", key, err)
		}
	}
}

// TestCavageVariants signs by hand what other servers send.
func TestCavageVariants(t *testing.T) {
	t.Parallel()
	date := now.Format(http.TimeFormat)
	created := now.Unix()
	for _, tc := range []struct {
		name, method, target, params, base string
		want                               error
	}{
		{"hs2019 with ed25519", "POST", "/inbox", `algorithm="hs2019",headers="(request-target) host date"`,
			"(request-target): post /inbox\nhost: a.example\ndate: " + date, nil},
		{"no algorithm", "POST", "/inbox", `headers="(request-target) host date"`,
			"(request-target): post /inbox\nhost: a.example\ndate: " + date, nil},
		{"created and expires", "POST", "/inbox", fmt.Sprintf(`algorithm="hs2019",created=%d,expires=%d,headers="(request-target) host (created) (expires)"`, created, created+60),
			fmt.Sprintf("(request-target): post /inbox\nhost: a.example\n(created): %d\n(expires): %d", created, created+60), nil},
		{"expired", "POST", "/inbox", fmt.Sprintf(`algorithm="hs2019",created=%d,expires=%d,headers="(request-target) host (created) (expires)"`, created-60, created-1),
			fmt.Sprintf("(request-target): post /inbox\nhost: a.example\n(created): %d\n(expires): %d", created-60, created-1), ErrStale},
		{"created parameter does not count unless signed", "POST", "/inbox", fmt.Sprintf(`created=%d,headers="(request-target) host"`, created),
			"(request-target): post /inbox\nhost: a.example", ErrCoverage},
		{"GET without its query", "GET", "/outbox?page=1", `headers="(request-target) host date"`,
			"(request-target): get /outbox\nhost: a.example\ndate: " + date, nil},
		{"POST without its query", "POST", "/inbox?page=1", `headers="(request-target) host date"`,
			"(request-target): post /inbox\nhost: a.example\ndate: " + date, ErrInvalid},
		{"signed header is missing", "POST", "/inbox", `headers="(request-target) host date x-none"`,
			"(request-target): post /inbox\nhost: a.example\ndate: " + date + "\nx-none: ", ErrMalformed},
		{"two header lines", "POST", "/inbox", `headers="(request-target) host date accept"`,
			"(request-target): post /inbox\nhost: a.example\ndate: " + date + "\naccept: a, b", nil},
		{"no host", "POST", "/inbox", `headers="(request-target) date"`,
			"(request-target): post /inbox\ndate: " + date, ErrCoverage},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(tc.method, tc.target, nil)
			r.Host = "a.example"
			r.Header.Set("Date", date)
			r.Header["Accept"] = []string{" a", "b "}
			value := base64.StdEncoding.EncodeToString(ed25519.Sign(edKey, []byte(tc.base)))
			r.Header.Set("Signature", `keyId="k", `+tc.params+` , signature="`+value+`"`)
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Verify(r, nil, edKey.Public(), now); !errors.Is(err, tc.want) {
				t.Errorf("Verify = %v, want %v", err, tc.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const ok9421 = `sig1=("@method");created=1;keyid="k"`
	for _, tc := range []struct {
		name, input, signature string
		want                   error
	}{
		{"nothing", "", "", ErrNoSignature},
		{"rubbish", "", "rubbish", ErrMalformed},
		{"no key id", "", `signature="YQ=="`, ErrMalformed},
		{"no value", "", `keyId="k",signature=""`, ErrMalformed},
		{"bad base64", "", `keyId="k",signature="?"`, ErrMalformed},
		{"key id twice", "", `keyId="k",keyId="l",signature="YQ=="`, ErrMalformed},
		{"header twice", "", `keyId="k",headers="date date",signature="YQ=="`, ErrMalformed},
		{"unterminated", "", `keyId="k`, ErrMalformed},
		{"hmac", "", `keyId="k",algorithm="hmac-sha256",signature="YQ=="`, ErrMalformed},
		{"created with rsa-sha256", "", `keyId="k",algorithm="rsa-sha256",created=1,headers="(created)",signature="YQ=="`, ErrMalformed},
		{"created missing", "", `keyId="k",headers="(created)",signature="YQ=="`, ErrMalformed},
		{"unknown pseudo header", "", `keyId="k",headers="(foo)",signature="YQ=="`, ErrMalformed},
		{"too long", "", `keyId="k",signature="` + strings.Repeat("a", 9000) + `"`, ErrMalformed},
		{"too many headers", "", `keyId="k",headers="` + manyNames() + `",signature="YQ=="`, ErrMalformed},
		{"9421 without signature", ok9421, "", ErrMalformed},
		{"9421 other label", ok9421, "sig2=:YQ==:", ErrMalformed},
		{"9421 no key id", `sig1=("@method");created=1`, "sig1=:YQ==:", ErrMalformed},
		{"9421 unknown derived", `sig1=("@status");created=1;keyid="k"`, "sig1=:YQ==:", ErrMalformed},
		{"9421 parameters", `sig1=("date";sf);created=1;keyid="k"`, "sig1=:YQ==:", ErrMalformed},
		{"9421 twice", `sig1=("date" "date");created=1;keyid="k"`, "sig1=:YQ==:", ErrMalformed},
		{"9421 upper case", `sig1=("Date");created=1;keyid="k"`, "sig1=:YQ==:", ErrMalformed},
		{"9421 created text", `sig1=("date");created="1";keyid="k"`, "sig1=:YQ==:", ErrMalformed},
		{"9421 hmac", `sig1=("date");created=1;keyid="k";alg="hmac-sha256"`, "sig1=:YQ==:", ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/inbox", nil)
			if tc.input != "" {
				r.Header.Set("Signature-Input", tc.input)
			}
			if tc.signature != "" {
				r.Header.Set("Signature", tc.signature)
			}
			if s, err := Parse(r); !errors.Is(err, tc.want) {
				t.Errorf("Parse = %+v, %v, want %v", s, err, tc.want)
			}
		})
	}
}

func manyNames() string {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "x-%d ", i)
	}
	return b.String()
}

// TestOracle lets another implementation of RFC 9421 read what we sign and
// sign what we read.
func TestOracle(t *testing.T) {
	t.Parallel()
	fields := httpsign.Headers("@method", "@target-uri", "content-digest")
	signConfig := httpsign.NewSignConfig().SetKeyID("k")
	verifyConfig := httpsign.NewVerifyConfig().SetVerifyCreated(false)
	required := httpsign.Headers("@method", "@target-uri", "content-digest")

	rsaSigner, err := httpsign.NewRSASigner(*rsaKey(), signConfig, fields)
	if err != nil {
		t.Fatal(err)
	}
	pssSigner, err := httpsign.NewRSAPSSSigner(*rsaKey(), signConfig, fields)
	if err != nil {
		t.Fatal(err)
	}
	edSigner, err := httpsign.NewEd25519Signer(edKey, signConfig, fields)
	if err != nil {
		t.Fatal(err)
	}
	rsaVerifier, err := httpsign.NewRSAVerifier(rsaKey().PublicKey, verifyConfig, required)
	if err != nil {
		t.Fatal(err)
	}
	edVerifier, err := httpsign.NewEd25519Verifier(edKey.Public().(ed25519.PublicKey), verifyConfig, required)
	if err != nil {
		t.Fatal(err)
	}

	for name, signer := range map[string]*httpsign.Signer{"rsa": rsaSigner, "pss": pssSigner, "ed25519": edSigner} {
		t.Run("theirs "+name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "https://a.example/inbox?x=1", strings.NewReader(testBody))
			r.Header.Set("Content-Digest", "sha-256=:"+Digest([]byte(testBody))+":")
			input, signature, err := httpsign.SignRequest("sig1", *signer, r)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Signature-Input", input)
			r.Header.Set("Signature", signature)
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			at, err := unixTime(s.created) // The oracle reads the real clock.
			if err != nil {
				t.Fatal(err)
			}
			pub := rsaKey().Public()
			if name == "ed25519" {
				pub = edKey.Public()
			}
			if err := s.Verify(r, []byte(testBody), pub, at); err != nil {
				t.Error(err)
			}
		})
	}
	for name, verifier := range map[string]*httpsign.Verifier{"rfc9421 rsa": rsaVerifier, "rfc9421 ed25519": edVerifier} {
		t.Run("ours "+name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "https://a.example/inbox?x=1", strings.NewReader(testBody))
			if _, err := signers[name](r, Digest([]byte(testBody))); err != nil {
				t.Fatal(err)
			}
			if err := httpsign.VerifyRequest("sig1", *verifier, r); err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("", cavageC3)
	f.Add("", `keyId="k\"",created=1,headers="(created) host",signature="YQ=="`)
	f.Add(`sig1=("@method" "@target-uri");created=1618884473;keyid="k"`, "sig1=:YQ==:")
	f.Add(`a=();keyid="k", b=("date");keyid="k"`, "b=:YQ==:")
	f.Fuzz(func(t *testing.T, input, signature string) {
		r := httptest.NewRequest(http.MethodPost, "/inbox?x", nil)
		if input != "" {
			r.Header.Set("Signature-Input", input)
		}
		r.Header.Set("Signature", signature)
		s, err := Parse(r)
		if err != nil {
			if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrNoSignature) {
				t.Errorf("unexpected error %v", err)
			}
			return
		}
		if s.KeyID() == "" || len(s.value) == 0 || len(s.components) > maxComponents {
			t.Errorf("Parse accepted %+v", s)
		}
		if s.Verify(r, nil, edKey.Public(), now) == nil {
			t.Error("a signature that nobody made is valid")
		}
	})
}

func BenchmarkSign(b *testing.B) {
	r := newRequest(b, "POST", testBody)
	digest := Digest([]byte(testBody))
	for name, sign := range signers {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := sign(r, digest); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	for name, sign := range signers {
		b.Run(name, func(b *testing.B) {
			out := newRequest(b, "POST", testBody)
			pub, err := sign(out, Digest([]byte(testBody)))
			if err != nil {
				b.Fatal(err)
			}
			in, body := arrive(b, out)
			b.ReportAllocs()
			for b.Loop() {
				s, err := Parse(in)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Verify(in, body, pub, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
