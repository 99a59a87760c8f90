package activitypub

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/bus"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/kit/web"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

var schema = []db.Source{media.Migrations(), social.Migrations(), Migrations()}

// TestMain gives every name that ends in .test the loopback address, so that servers in tests have
// names like real ones.
func TestMain(m *testing.M) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go serveNames(conn)
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp4", conn.LocalAddr().String())
	}}
	os.Exit(m.Run())
}

func serveNames(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var msg dnsmessage.Message
		if msg.Unpack(buf[:n]) != nil || len(msg.Questions) != 1 {
			continue
		}
		q := msg.Questions[0]
		msg.Response, msg.Additionals = true, nil
		if !strings.HasSuffix(q.Name.String(), ".test.") {
			msg.RCode = dnsmessage.RCodeNameError
		} else if q.Type == dnsmessage.TypeA {
			msg.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 60},
				Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		if b, err := msg.Pack(); err == nil {
			_, _ = conn.WriteTo(b, from)
		}
	}
}

// node is one whole server of ours.
type node struct {
	*Service
	t     testing.TB
	clock *clock.Fake
	http  *httptest.Server
	posts atomic.Int32 // requests to inboxes
	down  atomic.Bool
}

func newNode(tb testing.TB, name string, d *db.DB, c *clock.Fake) *node {
	tb.Helper()
	return patientNode(tb, name, d, c, 0)
}

// patientNode waits for others for so long.
func patientNode(tb testing.TB, name string, d *db.DB, c *clock.Fake, patience time.Duration) *node {
	tb.Helper()
	n := &node{t: tb, clock: c}
	n.http = httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(n.http.Listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	site := config.Site{Host: name + ".test:" + port, URL: "http://" + name + ".test:" + port}
	b := bus.New(d)
	client := outbound.New(outbound.Options{UserAgent: "rochdale-test", AllowPrivate: true, Timeout: patience, DialTimeout: patience,
		Sign: func(r *http.Request) error { return n.SignGet(r) }})
	log := slog.New(slog.NewTextHandler(testWriter{tb}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	store, err := blob.OpenFolder(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	m := media.New(d, store, client, site, log)
	if err := m.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	so := social.New(d, b, site, m)
	n.Service = New(Deps{DB: d, Bus: b, Site: site, Social: so, Media: m, Client: client, Log: log})
	wire(so, n.Service)
	srv, err := web.New(web.Options{Log: log, Clock: c}, n.Routes())
	if err != nil {
		tb.Fatal(err)
	}
	n.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		if r.Method == http.MethodPost {
			n.posts.Add(1)
		}
		srv.ServeHTTP(w, r)
	})
	n.http.Start()
	tb.Cleanup(func() {
		n.http.Close()
		client.Close()
	})
	return n
}

// wire is what app/reactions.go does.
func wire(so *social.Service, s *Service) {
	so.FindRemote = s.Find
	so.Published.On(s.OnPublished)
	so.Edited.On(s.OnEdited)
	so.Deleted.On(s.OnDeleted)
	so.Boosted.On(s.OnBoosted)
	so.Unboosted.On(s.OnUnboosted)
	so.Favourited.On(s.OnFavourited)
	so.Unfavourited.On(s.OnUnfavourited)
	so.Pinned.On(s.OnPinned)
	so.FollowRequested.On(s.OnFollowRequested)
	so.FollowAnswered.On(s.OnFollowAnswered)
	so.Unfollowed.On(s.OnUnfollowed)
	so.Blocked.On(s.OnBlocked)
	so.ProfileChanged.On(s.OnProfileChanged)
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(b []byte) (int, error) {
	if testing.Verbose() {
		_, _ = os.Stderr.Write(b)
	}
	return len(b), nil
}

func (n *node) member(name string) *social.Account {
	n.t.Helper()
	var a *social.Account
	err := n.DB.InTx(context.Background(), func(tx *db.Tx) (err error) {
		a, err = n.Social.Open(context.Background(), tx, social.NewAccount{Username: name, Kind: social.Person, Member: 1})
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
	return a
}

func as(a *social.Account) authz.Actor { return authz.Actor{Account: a.ID, Via: authz.API} }

// settle lets all servers deliver and process until there is nothing left to do.
func settleAll(tb testing.TB, nodes ...*node) {
	tb.Helper()
	ctx := context.Background()
	for quiet := 0; quiet < 2; {
		moved := 0
		for _, n := range nodes {
			for _, step := range []func(context.Context) (int, error){n.deliverDue, n.processDue} {
				k, err := step(ctx)
				if err != nil {
					tb.Fatal(err)
				}
				moved += k
			}
			n.delivery.jobs.Wait()
			n.work.jobs.Wait()
		}
		if moved > 0 {
			quiet = 0
		} else {
			quiet++
		}
	}
}

func (n *node) find(a *social.Account, home *node) *social.Account {
	n.t.Helper()
	got, err := n.Find(context.Background(), a.Username, home.Site.Host)
	if err != nil {
		n.t.Fatal(err)
	}
	return got
}

// pair runs a test with two servers that share a clock but nothing else.
func pair(t *testing.T, f func(t *testing.T, a, b *node)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, []db.Source, clock.Clock) *db.DB{"sqlite": testkit.SQLite, "postgres": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			f(t, newNode(t, "a", open(t, schema, ticking{c}), c), newNode(t, "b", open(t, schema, ticking{c}), c))
		})
	}
}

// ticking is a clock that moves a little whenever it is looked at, so that things that happen one
// after the other have rising ids, although all tests of this process share one sequence of them.
type ticking struct{ *clock.Fake }

func (c ticking) Now() time.Time {
	c.Advance(time.Millisecond)
	return c.Fake.Now()
}

func newClock() *clock.Fake { return clock.NewFake(testkit.Start) }

func sqlite(tb testing.TB, c *clock.Fake) *db.DB {
	tb.Helper()
	return testkit.SQLite(tb, schema, ticking{c})
}
