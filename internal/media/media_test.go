package media_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/media"
)

type house struct {
	*media.Service
	db    *db.DB
	clock *clock.Fake
	store blob.Store
	http  *httptest.Server
}

func each(t *testing.T, f func(t *testing.T, h house)) {
	t.Helper()
	t.Parallel()
	testkit.EachDB(t, []db.Source{media.Migrations()}, func(t *testing.T, d *db.DB, c *clock.Fake) {
		store, err := blob.OpenFolder(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		s := media.New(d, store, outbound.New(outbound.Options{AllowPrivate: true}), config.Site{Host: "coop.test", URL: "https://coop.test"}, log)
		if err := s.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		srv, err := web.New(web.Options{Log: log, Clock: c}, s.Routes())
		if err != nil {
			t.Fatal(err)
		}
		front := httptest.NewServer(srv)
		t.Cleanup(front.Close)
		f(t, house{s, d, c, store, front})
	})
}

var alice, bob = authz.Actor{Account: 7, Via: authz.API}, authz.Actor{Account: 8, Via: authz.API}

func photo(tb testing.TB, w, h int) []byte {
	tb.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = byte(i * 7)
	}
	for x := range w {
		m.Set(x, 0, color.White)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// reply is an answer apart from its body.
type reply struct {
	StatusCode int
	Header     http.Header
}

// get asks for a path of a URL of ours.
func (h house) get(tb testing.TB, url string, header ...string) (reply, []byte) {
	tb.Helper()
	r, err := http.NewRequest(http.MethodGet, h.http.URL+strings.TrimPrefix(url, "https://coop.test"), nil)
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return reply{res.StatusCode, res.Header}, b
}

func (h house) blobs(tb testing.TB) int {
	tb.Helper()
	n := 0
	for _, err := range h.store.List(context.Background(), "") {
		if err != nil {
			tb.Fatal(err)
		}
		n++
	}
	return n
}

func (h house) attach(tb testing.TB, by authz.Actor, post id.ID, ids ...id.ID) error {
	tb.Helper()
	return h.db.InTx(context.Background(), func(tx *db.Tx) error {
		_, err := h.Attach(context.Background(), tx, by.Account, post, ids)
		return err
	})
}

func TestQueriesArePreparedOnBothEngines(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		if err := db.CheckRegistered(context.Background(), h.db); err != nil {
			t.Error(err)
		}
	})
}

func TestUploadIsServedInTwoSizes(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := context.Background()
		a, err := h.Upload(ctx, alice, bytes.NewReader(photo(t, 1000, 500)), "  a field\r\nof noise ", media.Focus{X: 5, Y: -0.5})
		if err != nil {
			t.Fatal(err)
		}
		if a.Alt != "a field\nof noise" || a.FocusX != 1 || a.FocusY != -0.5 || a.Width != 1000 || a.PreviewWidth != 400 || a.Blurhash == "" {
			t.Errorf("attachment: %+v", a)
		}
		for url, width := range map[string]int{h.URL(a): 1000, h.PreviewURL(a): 400} {
			res, b := h.get(t, url)
			cfg, _, err := image.DecodeConfig(bytes.NewReader(b))
			if err != nil || cfg.Width != width {
				t.Errorf("%s: width %d, %v", url, cfg.Width, err)
			}
			if got := res.Header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
				t.Errorf("Cache-Control: %q", got)
			}
			if res.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") ||
				res.Header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("headers: %v", res.Header)
			}
		}
		if res, b := h.get(t, h.URL(a), "Range", "bytes=0-1"); res.StatusCode != http.StatusPartialContent || len(b) != 2 {
			t.Errorf("range: %d, %d bytes", res.StatusCode, len(b))
		}
	})
}

func TestUploadRefusesWithTheLimit(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		bomb := bytes.Buffer{}
		if err := png.Encode(&bomb, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
			t.Fatal(err)
		}
		huge := bomb.Bytes()
		copy(huge[16:24], []byte{0, 0, 0xff, 0, 0, 0, 0xff, 0}) // a header that says 65280 x 65280
		fixCRC(huge)
		for name, c := range map[string]struct {
			file []byte
			alt  string
			want string
		}{
			"bytes":  {append(photo(t, 8, 8), make([]byte, media.MaxBytes)...), "", "16 MB"},
			"pixels": {huge, "", "40 megapixels"},
			"format": {[]byte("<svg onload=alert(1)>"), "", "JPEG, PNG, GIF, WebP and AVIF"},
			"empty":  {nil, "", "cannot be read as a picture"},
			"alt":    {photo(t, 8, 8), strings.Repeat("ä", media.MaxAlt+1), "1500"},
		} {
			_, err := h.Upload(context.Background(), alice, bytes.NewReader(c.file), c.alt, media.Focus{})
			if words, _ := fault.Words(err); !fault.Is(err, fault.Invalid) || !strings.Contains(words, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := h.blobs(t); n != 0 {
			t.Errorf("%d files are left of refused uploads", n)
		}
		if _, err := h.Upload(context.Background(), authz.Actor{}, bytes.NewReader(photo(t, 8, 8)), "", media.Focus{}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a visitor uploads: %v", err)
		}
	})
}

func TestAttachmentsAreTheirAccountsOwn(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := context.Background()
		a, err := h.Upload(ctx, alice, bytes.NewReader(photo(t, 20, 20)), "", media.Focus{})
		if err != nil {
			t.Fatal(err)
		}
		words := "changed"
		if _, err := h.Get(ctx, bob, a.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another account gets it: %v", err)
		}
		if _, err := h.Update(ctx, bob, a.ID, &words, nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("another account changes it: %v", err)
		}
		if err := h.Discard(ctx, bob, a.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("another account removes it: %v", err)
		}
		if err := h.attach(t, bob, 100, a.ID); !fault.Is(err, fault.Invalid) {
			t.Errorf("another account attaches it: %v", err)
		}
		if got, err := h.Update(ctx, alice, a.ID, &words, &media.Focus{X: 0.25}); err != nil || got.Alt != words || got.FocusX != 0.25 {
			t.Errorf("update: %+v, %v", got, err)
		}
		if err := h.attach(t, alice, 100, a.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.attach(t, alice, 101, a.ID); !fault.Is(err, fault.Invalid) {
			t.Errorf("one picture in two posts: %v", err)
		}
		if err := h.Discard(ctx, alice, a.ID); !fault.Is(err, fault.Invalid) {
			t.Errorf("remove a posted picture: %v", err)
		}
		if m, err := h.OfPosts(ctx, h.db, []id.ID{100}); err != nil || len(m[100]) != 1 || m[100][0].Alt != words {
			t.Errorf("of post: %v, %v", m, err)
		}
	})
}

func TestSweepRemovesWhatNobodyNeeds(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := context.Background()
		upload := func() media.Attachment {
			a, err := h.Upload(ctx, alice, bytes.NewReader(photo(t, 20, 20)), "", media.Focus{})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		kept, never, released := upload(), upload(), upload()
		for post, a := range map[id.ID]media.Attachment{100: kept, 101: released} {
			if err := h.attach(t, alice, post, a.ID); err != nil {
				t.Fatal(err)
			}
		}
		var keys []string
		for range 2 {
			k, err := h.UploadAvatar(ctx, alice, bytes.NewReader(photo(t, 20, 20)))
			if err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(time.Second)
			if err := h.Shown(ctx, alice, k); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, k)
		}
		if err := h.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if n := h.blobs(t); n != 8 {
			t.Errorf("%d files after a sweep that has nothing to do, want 8", n)
		}
		if err := h.db.InTx(ctx, func(tx *db.Tx) error { return h.Release(ctx, tx, 101) }); err != nil {
			t.Fatal(err)
		}
		h.clock.Advance(25 * time.Hour)
		if err := h.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		for _, a := range []media.Attachment{never, released} {
			if _, err := h.Get(ctx, alice, a.ID); !fault.Is(err, fault.NotFound) {
				t.Errorf("%d is still there: %v", a.ID, err)
			}
		}
		if n := h.blobs(t); n != 3 { // two sizes of the posted picture and the present avatar
			t.Errorf("%d files, want 3", n)
		}
		if res, _ := h.get(t, h.PictureURL(keys[1], "avatar", "")); res.StatusCode != http.StatusOK {
			t.Errorf("the present avatar: %d", res.StatusCode)
		}
		if res, _ := h.get(t, h.URL(kept)); res.StatusCode != http.StatusOK {
			t.Errorf("the posted picture: %d", res.StatusCode)
		}
	})
}

// peer is another server with pictures.
type peer struct {
	*httptest.Server
	asked atomic.Int64
	body  atomic.Value
}

func newPeer(t *testing.T, body []byte) *peer {
	t.Helper()
	p := &peer{}
	p.body.Store(body)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		w.Header().Set("Content-Type", "text/html") // what a peer says about its files counts for nothing
		_, _ = w.Write(p.body.Load().([]byte))
	}))
	t.Cleanup(p.Close)
	return p
}

func TestRemotePicturesAreFetchedOnceAndMadeAnew(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := context.Background()
		original := photo(t, 800, 600)
		p := newPeer(t, append(original, "<script>trailing</script>"...))
		files := []media.Remote{{URL: p.URL + "/a.jpg", ContentType: "image/jpeg", Alt: "one"}, {URL: p.URL + "/film.mp4", ContentType: "video/mp4"}}
		put := func() []media.Attachment {
			if err := h.db.InTx(ctx, func(tx *db.Tx) error { return h.AttachRemote(ctx, tx, 9, 200, files) }); err != nil {
				t.Fatal(err)
			}
			m, err := h.OfPosts(ctx, h.db, []id.ID{200})
			if err != nil || len(m[200]) != 2 {
				t.Fatal(m, err)
			}
			return m[200]
		}
		list := put()
		if film := list[1]; film.Kind != media.Unknown || h.URL(film) != p.URL+"/film.mp4" || h.PreviewURL(film) != "" {
			t.Errorf("a film is passed on as a link: %+v", film)
		}
		pic := list[0]
		var wg sync.WaitGroup
		for n := range 8 {
			wg.Go(func() {
				url := h.URL(pic)
				if n%2 == 0 {
					url = h.PreviewURL(pic)
				}
				res, b := h.get(t, url)
				if res.StatusCode != http.StatusOK || bytes.Contains(b, []byte("script")) || res.Header.Get("Content-Type") != "image/jpeg" {
					t.Errorf("%s: %d %s", url, res.StatusCode, res.Header.Get("Content-Type"))
				}
			})
		}
		wg.Wait()
		if n := p.asked.Load(); n != 1 {
			t.Errorf("asked %d times", n)
		}
		files[0].Alt = "two" // an edit keeps what is in the cache
		if again := put()[0]; again.ID != pic.ID || again.Alt != "two" || again.Width != 800 || h.URL(again) != h.URL(pic) {
			t.Errorf("after an edit: %+v", again)
		}
		h.clock.Advance(31 * 24 * time.Hour)
		if err := h.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if n := h.blobs(t); n != 0 {
			t.Errorf("%d files in the cache after a month", n)
		}
		if res, _ := h.get(t, h.URL(pic)); res.StatusCode != http.StatusOK || p.asked.Load() != 2 {
			t.Errorf("after the sweep: %d, asked %d times", res.StatusCode, p.asked.Load())
		}
	})
}

func TestRemoteAvatars(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		p := newPeer(t, []byte("no picture"))
		url := h.PictureURL(p.URL+"/me.png", "avatar", "/fallback.svg")
		if res, _ := h.get(t, url); res.StatusCode != http.StatusNotFound {
			t.Errorf("status %d", res.StatusCode)
		}
		p.body.Store(photo(t, 900, 600))
		if res, _ := h.get(t, url); res.StatusCode != http.StatusNotFound || p.asked.Load() != 1 {
			t.Errorf("asked again at once: %d, %d times", res.StatusCode, p.asked.Load())
		}
		h.clock.Advance(61 * time.Minute)
		for range 2 {
			res, b := h.get(t, url)
			cfg, _, err := image.DecodeConfig(bytes.NewReader(b))
			if res.StatusCode != http.StatusOK || err != nil || cfg.Width != 400 || cfg.Height != 400 {
				t.Errorf("%d, %v, %v", res.StatusCode, cfg, err)
			}
		}
		if n := p.asked.Load(); n != 2 {
			t.Errorf("asked %d times", n)
		}
		for _, empty := range []string{"", "javascript:alert(1)", "https://" + strings.Repeat("a", 2000)} {
			if got := h.PictureURL(empty, "avatar", "/fallback.svg"); got != "/fallback.svg" {
				t.Errorf("%.20q: %s", empty, got)
			}
		}
	})
}

func TestNobodyElseCanMakeUsFetch(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := context.Background()
		p := newPeer(t, photo(t, 20, 20))
		good := h.PictureURL(p.URL+"/me.png", "avatar", "")
		_, rest, _ := strings.Cut(good, "/media/remote/")
		enc, tail, _ := strings.Cut(rest, ".")
		mac, _, _ := strings.Cut(tail, "/")
		other, _, _ := strings.Cut(strings.TrimPrefix(h.PictureURL(p.URL+"/you.png", "avatar", ""), "https://coop.test/media/remote/"), ".")
		err := h.db.InTx(ctx, func(tx *db.Tx) error {
			return h.AttachRemote(ctx, tx, 9, 200, []media.Remote{{URL: p.URL + "/secret.jpg", ContentType: "image/jpeg"}})
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := h.OfPosts(ctx, h.db, []id.ID{200})
		if err != nil {
			t.Fatal(err)
		}
		secret := m[200][0].ID
		for _, path := range []string{
			other + "." + mac + "/avatar", enc + "." + mac + "/header", enc + "./avatar", enc + "/avatar", enc + "." + mac + "/original",
			fmt.Sprintf("%d/original", secret), fmt.Sprintf("%d-/original", secret), fmt.Sprintf("%d-%s/original", secret, mac), "x/y", "..%2f..%2fx/avatar",
		} {
			if res, _ := h.get(t, "/media/remote/"+path); res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", path, res.StatusCode)
			}
		}
		if n := p.asked.Load(); n != 0 {
			t.Errorf("asked %d times", n)
		}
	})
}

func TestOnlyPicturesAreServed(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := context.Background()
		for key, kind := range map[string]string{"backup/all.tar": "application/x-tar", "media/f/odd.html": "text/html"} {
			if err := h.store.Put(ctx, key, kind, strings.NewReader("<b>"), 3); err != nil {
				t.Fatal(err)
			}
		}
		for _, path := range []string{"/media/../backup/all.tar", "/media/%2e%2e/backup/all.tar", "/media/..%2fbackup%2fall.tar", "/media/", "/media/.", "/media/f"} {
			if res, b := h.get(t, path); res.StatusCode == http.StatusOK {
				t.Errorf("%s: %d %q", path, res.StatusCode, b)
			}
		}
		if res, _ := h.get(t, "/media/f/odd.html"); res.Header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("type %q", res.Header.Get("Content-Type"))
		}
	})
}
