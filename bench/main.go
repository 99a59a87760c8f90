// Command bench measures the program as its users would meet it: it starts the real binary on SQLite
// and, where ROCHDALE_TEST_POSTGRES names a server, on PostgreSQL, fills it, and loads it over HTTP from
// the same machine. It prints figures and ratios, never a verdict. All traffic stays on the loopback.
//
//	go run ./bench [-n 2000] [-c 8] [-accounts 101] [-posts 0] [-only home,post] [-profile DIR]
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rochdale/internal/app"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/testkit"
)

var (
	binary   = flag.String("binary", "bin/rochdale", "the program to measure")
	requests = flag.Int("n", 2000, "requests in a phase")
	clients  = flag.Int("c", 8, "clients at once")
	accounts = flag.Int("accounts", 101, "members; the first posts, the others follow")
	posts    = flag.Int("posts", 0, "posts that the instance holds beforehand")
	only     = flag.String("only", "", "comma list of phases; all if empty")
	profile  = flag.String("profile", "", "folder for CPU profiles of each phase")
	engines  = flag.String("db", "sqlite,postgres", "engines to measure")
)

func main() {
	flag.Parse()
	fmt.Printf("%s, %d cores, %s, load %s\n", runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly), loadavg())
	if info, err := os.Stat(*binary); err == nil {
		fmt.Printf("binary %.1f MB\n", float64(info.Size())/1e6)
	}
	for _, engine := range strings.Split(*engines, ",") {
		if err := measure(engine); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}

func loadavg() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

// server is the program under test.
type server struct {
	cmd    *exec.Cmd
	url    string
	addr   string
	ops    string
	config app.Config
	env    []string
}

func measure(engine string) (err error) {
	dir, err := os.MkdirTemp("", "rochdale-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	port, ops := freePort(), freePort()
	host := "127.0.0.1:" + strconv.Itoa(port)
	cfg := app.Config{Listen: host, Data: dir, Host: host, URL: "http://" + host, Database: filepath.Join(dir, "rochdale.db"), Blobs: filepath.Join(dir, "media")}
	if engine == "postgres" {
		address := os.Getenv("ROCHDALE_TEST_POSTGRES")
		if address == "" {
			fmt.Println("\npostgres: not measured, ROCHDALE_TEST_POSTGRES is not set")
			return nil
		}
		t := &holder{}
		defer t.cleanup()
		cfg.Database = testkit.PostgresAddress(t)
	}
	fmt.Printf("\n== %s, %d accounts, %d posts\n", engine, *accounts, *posts)
	w, err := fill(cfg)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	s := &server{url: cfg.URL, addr: host, ops: "127.0.0.1:" + strconv.Itoa(ops), config: cfg, env: append(os.Environ(), "ROCHDALE_LISTEN="+host, "ROCHDALE_DATA="+dir,
		"ROCHDALE_HOST="+host, "ROCHDALE_DATABASE="+cfg.Database, "ROCHDALE_RATE_LIMITS=false", "ROCHDALE_ALLOW_PRIVATE_NETWORKS=true",
		"ROCHDALE_OPERATOR_LISTEN=127.0.0.1:"+strconv.Itoa(ops))}
	took, err := s.start()
	if err != nil {
		return err
	}
	defer s.stop()
	time.Sleep(2 * time.Second)
	fmt.Printf("start to ready %.0f ms, idle RSS %.1f MiB\n", took.Seconds()*1000, s.rss())
	if err := s.phases(w); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	fmt.Printf("RSS after load %.1f MiB, load %s\n", s.rss(), loadavg())
	return nil
}

func (s *server) start() (time.Duration, error) {
	s.cmd = exec.Command(*binary, "serve")
	s.cmd.Env = s.env
	var log bytes.Buffer
	s.cmd.Stderr = &log
	begin := time.Now()
	if err := s.cmd.Start(); err != nil {
		return 0, err
	}
	for time.Since(begin) < 20*time.Second {
		resp, err := http.Get(s.url + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(begin), nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return 0, fmt.Errorf("the program did not start: %s", log.String())
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	_ = s.cmd.Wait()
}

// rss is the resident memory of the program in MiB.
func (s *server) rss() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return float64(kb) / 1024
		}
	}
	return 0
}

// cpu is the processor time the program has used.
func (s *server) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// record takes a CPU profile while a phase runs.
func (s *server) record(name string) (done func()) {
	if *profile == "" {
		return func() {}
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		resp, err := http.Get("http://" + s.ops + "/debug/pprof/profile?seconds=3")
		if err != nil {
			return
		}
		defer func() { _ = resp.Body.Close() }()
		f, err := os.Create(filepath.Join(*profile, name+".prof"))
		if err != nil {
			return
		}
		defer func() { _ = f.Close() }()
		_, _ = io.Copy(f, resp.Body)
	}()
	return func() { <-finished }
}

func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func build(cfg app.Config) (*app.App, error) {
	return app.Build(context.Background(), cfg, clock.NewSystem(), quiet(), false)
}

func wants(phase string) bool {
	if *only == "" {
		return true
	}
	for _, p := range strings.Split(*only, ",") {
		if strings.HasPrefix(phase, p) {
			return true
		}
	}
	return false
}

func escape(s string) string { return url.QueryEscape(s) }
