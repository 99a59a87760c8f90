package app

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rochdale/internal/kit/testkit"
)

// The stories in testdata/stories drive the real program. Each runs on both engines. Beside what
// testscript knows there are
//
//	ready                            wait until the server of this story answers
//	http METHOD PATH [KEY=VALUE...]  print status line and body; TOKEN, if set, signs in, and
//	                                 KEY=@FILE uploads; "! http" expects a status of 400 or more
//	setenv-stdout NAME               keep the first line of standard output in a variable
func TestStories(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { stories(t, func(testing.TB) string { return "" }) })
	t.Run("postgres", func(t *testing.T) { stories(t, testkit.PostgresDatabase) })
}

func stories(t *testing.T, database func(testing.TB) string) {
	t.Helper()
	files, err := filepath.Glob("testdata/stories/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(filepath.Base(f), ".txtar"), func(t *testing.T) {
			address, second := database(t), database(t)
			testscript.Run(t, testscript.Params{Files: []string{f}, Setup: func(env *testscript.Env) error {
				host := freeAddress(t)
				env.Setenv("HOST", host)
				env.Setenv("ROCHDALE_LISTEN", host)
				env.Setenv("ROCHDALE_HOST", host)
				env.Setenv("ROCHDALE_DATABASE", address)
				env.Setenv("SECOND_DATABASE", second) // empty, to restore into
				return nil
			}, Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready, "http": httpCmd, "setenv-stdout": setenvStdout}})
		})
	}
}

func ready(ts *testscript.TestScript, _ bool, _ []string) {
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := http.Get("http://" + ts.Getenv("HOST") + "/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the server did not get ready")
		}
	}
}

func setenvStdout(ts *testscript.TestScript, _ bool, args []string) {
	line, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	ts.Setenv(args[0], line)
}

func httpCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: http METHOD PATH [KEY=VALUE...]")
	}
	form := url.Values{}
	for _, a := range args[2:] {
		k, v, _ := strings.Cut(a, "=")
		form.Add(k, v)
	}
	var body io.Reader
	if len(form) > 0 {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(args[0], "http://"+ts.Getenv("HOST")+args[1], body)
	ts.Check(err)
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token := ts.Getenv("TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if accept := ts.Getenv("ACCEPT"); accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n%s\n", strconv.Itoa(resp.StatusCode), b)
	ts.Check(err)
	if failed := resp.StatusCode >= 400; failed != neg {
		ts.Fatalf("%s %s: %d %s", args[0], args[1], resp.StatusCode, b)
	}
}
