package app

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rochdale/internal/coop"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/member"
)

// TestMain lets the test binary be the program: a child of itself with RUN_ROCHDALE set.
func TestMain(m *testing.M) {
	if args, ok := os.LookupEnv("RUN_ROCHDALE"); ok {
		os.Exit(Main(strings.Fields(args), os.Stdin, os.Stdout, os.Stderr))
	}
	testscript.Main(m, map[string]func(){"rochdale": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }})
}

const founderPassword = "correct horse battery"

// instance is a configured, founded co-op that tests run in this process or as a child.
type instance struct {
	t      testing.TB
	config Config
}

// eachInstance runs f on a fresh co-op on either engine.
func eachInstance(t *testing.T, f func(t *testing.T, in *instance)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, newInstance(t, "")) })
	t.Run("postgres", func(t *testing.T) { f(t, newInstance(t, testkit.PostgresAddress(t))) })
}

func newInstance(tb testing.TB, database string) *instance {
	tb.Helper()
	host := freeAddress(tb)
	in := &instance{t: tb, config: Config{Listen: host, Host: host, Data: tb.TempDir(), Database: database, PrivateNetworks: true, LogFormat: "text"}}
	if err := in.config.settle(); err != nil {
		tb.Fatal(err)
	}
	in.with(func(a *App) {
		_, err := a.Coop.Found(tb.Context(), authz.Actor{Via: authz.Operator}, coop.Founding{Name: "Test Co-op",
			Founder: member.Joining{Name: "Ann", Username: "ann", Email: "ann@example.org", Password: founderPassword}})
		if err != nil {
			tb.Fatal(err)
		}
	})
	return in
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// with gives f the program, put together but not serving.
func (in *instance) with(f func(a *App)) {
	in.t.Helper()
	a, err := Build(context.Background(), in.config, clock.NewSystem(), slog.New(slog.DiscardHandler), false)
	if err != nil {
		in.t.Fatal(err)
	}
	defer a.Close()
	f(a)
}

// token makes an access token for a member, who is enrolled if there is none of the name.
func (in *instance) token(name string) (token string, account id.ID) {
	in.t.Helper()
	in.with(func(a *App) {
		err := a.DB.InTx(context.Background(), func(tx *db.Tx) error {
			acct, err := a.Social.ByName(context.Background(), tx, name, "")
			if err != nil {
				m, err := a.Member.Enrol(context.Background(), tx, member.Joining{Name: name, Username: name, Email: name + "@example.org"}, "none")
				if err != nil {
					return err
				}
				account = m.AccountID
			} else {
				account = acct.ID
			}
			login, err := a.Identity.LoginOf(context.Background(), tx, account)
			if err != nil {
				return err
			}
			t, err := a.Identity.MakeToken(context.Background(), tx, login.ID, "read write follow push")
			token = t.Plain
			return err
		})
		if err != nil {
			in.t.Fatal(err)
		}
	})
	return token, account
}

// child is the program as a process of its own.
type child struct {
	*exec.Cmd
	t   testing.TB
	log *bytes.Buffer
}

func (in *instance) env() []string {
	c := in.config
	return append(os.Environ(), "ROCHDALE_AT="+c.At, "ROCHDALE_LISTEN="+c.Listen, "ROCHDALE_HOST="+c.Host, "ROCHDALE_DATA="+c.Data, "ROCHDALE_DATABASE="+c.Database,
		"ROCHDALE_ALLOW_PRIVATE_NETWORKS=true", "ROCHDALE_RATE_LIMITS=false")
}

// serve starts the program and waits until it is ready.
func (in *instance) serve() *child {
	in.t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0]), t: in.t, log: &bytes.Buffer{}} // the test binary itself, ended by kill or stop
	c.Env = append(in.env(), "RUN_ROCHDALE=serve")
	c.Stdout, c.Stderr = c.log, c.log
	if err := c.Start(); err != nil {
		in.t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		resp, err := http.Get(in.config.URL + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return c
			}
		}
		if time.Now().After(deadline) {
			_ = c.Process.Kill()
			_ = c.Wait()
			in.t.Fatalf("the program did not get ready: %s", c.log)
		}
	}
}

func (c *child) kill() {
	_ = c.Process.Signal(syscall.SIGKILL)
	_ = c.Wait()
}

// stop asks the program to end, and fails the test if it does not do so in peace.
func (c *child) stop() {
	c.t.Helper()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		c.t.Errorf("stop: %v\n%s", err, c.log)
	}
}
