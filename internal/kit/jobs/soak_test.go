package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/testkit"
)

// The soak test runs this binary again as a server process; see TestKilledProcessesLoseNothing.
const soakVariable = "ROCHDALE_TEST_SOAK"

func TestMain(m *testing.M) {
	if file := os.Getenv(soakVariable); file != "" {
		if err := soakProcess(file); err != nil {
			slog.Error("soak process", "error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type soakArgs struct {
	N int64 `json:"n"`
}

var (
	soakInsert = db.Stmt(`INSERT INTO soak (n, process) VALUES ($1, $2)`)
	soakCount  = db.Def[soakTotals](`SELECT COUNT(*) AS effects, COUNT(DISTINCT n) AS jobs, COUNT(DISTINCT process) AS processes FROM soak`)
)

type soakTotals struct {
	Effects   int64 `db:"effects"`
	Jobs      int64 `db:"jobs"`
	Processes int64 `db:"processes"`
}

func soakQueue(d *db.DB, work bool) (*jobs.Queue, error) {
	// Seconds, not a minute, after which a job of a killed process runs again.
	return jobs.New(d, []jobs.Worker{jobs.HandleTx("test.soak", jobs.WorkerOptions{Timeout: 3 * time.Second}, func(ctx context.Context, tx *db.Tx, a soakArgs) error {
		_, err := soakInsert.Run(ctx, tx, a.N, os.Getpid())
		return err
	})}, nil, jobs.Options{Work: work, RescueAfter: 4 * time.Second, Clock: clock.NewSystem(), AtOnce: map[string]int{"default": 10}})
}

// soakProcess works until its standard input ends, which is when the test stops it or dies.
func soakProcess(file string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, file, clock.NewSystem())
	if err != nil {
		return err
	}
	q, err := soakQueue(d, true)
	if err != nil {
		return err
	}
	if err := q.Start(ctx); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return errors.Join(q.Stop(ctx), d.Close())
}

type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bytes.Buffer
}

func startProcess(t *testing.T, file string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(exe), out: &bytes.Buffer{}}
	p.cmd.Env = append(os.Environ(), soakVariable+"="+file)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_, _ = p.cmd.Process.Kill(), p.cmd.Wait() // only after a failure, which says more
		}
	})
	return p
}

// Two processes share one database and are killed in the middle of their work, twice; then two more finish it. Every job has had its effect
// exactly once.
func TestKilledProcessesLoseNothing(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); soak(t, filepath.Join(t.TempDir(), "soak.db")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); soak(t, testkit.PostgresAddress(t)) })
}

func soak(t *testing.T, file string) {
	t.Helper()
	const total = 3000
	ctx := t.Context()
	d, err := db.Open(ctx, file, clock.NewSystem())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := jobs.Migrate(ctx, d); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Writer().ExecContext(ctx, `CREATE TABLE soak (n BIGINT NOT NULL, process BIGINT NOT NULL)`); err != nil {
		t.Fatal(err)
	}
	q, err := soakQueue(d, false)
	if err != nil {
		t.Fatal(err)
	}
	args := make([]any, total)
	for i := range args {
		args[i] = soakArgs{int64(i)}
	}
	inTx(t, d, func(tx *db.Tx) error { return q.EnqueueMany(ctx, tx, "test.soak", args) })

	reach := func(n int64) soakTotals {
		t.Helper()
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
			got, err := soakCount.One(ctx, d)
			if err != nil {
				t.Fatal(err)
			}
			if got.Jobs >= n {
				return got
			}
			if time.Now().After(end) {
				s, err := q.Stats(ctx)
				t.Fatalf("stuck at %+v of %d: %+v, %v", got, n, s, err)
			}
		}
	}
	for _, until := range []int64{total / 10, total / 3} {
		processes := []*process{startProcess(t, file), startProcess(t, file)}
		reach(until)
		for _, p := range processes {
			if err := p.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = p.cmd.Wait() // killed, as it says
		}
	}
	killed := reach(0)
	if killed.Jobs >= total {
		t.Fatal("all was done before the kill; the test shows nothing")
	}
	processes := []*process{startProcess(t, file), startProcess(t, file)}
	got := reach(total)
	for _, p := range processes {
		if err := p.stdin.Close(); err != nil {
			t.Error(err)
		}
		if err := p.cmd.Wait(); err != nil {
			t.Error(err)
		}
		if p.out.Len() > 0 {
			t.Errorf("process logged: %s", p.out)
		}
	}
	t.Logf("killed at %+v, ended at %+v", killed, got)
	if got, err = soakCount.One(ctx, d); err != nil || got.Effects != total || got.Jobs != total || got.Processes < 3 {
		t.Errorf("%+v, %v", got, err)
	}
	if s := stats(t, q); len(s) != 1 || s[0].Done != total {
		t.Errorf("%+v", s)
	}
	if err := d.IntegrityCheck(ctx); err != nil {
		t.Error(err)
	}
}
