package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
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
//	api METHOD PATH [JSON]           the same for the co-op's JSON API, with TOKEN
//	ballot N NAME CHOICE             vote in secret in election N, or on decisions/N: take a paper with TOKEN, cast it without;
//	                                 the voter's code is kept in NAME.code, and used again
//	becomes PATH PATTERN             ask the JSON API until the answer matches: what a clock does
//	setenv-json NAME PATH [KEY JSON] keep a value of the JSON last printed, such as items.0.id; of an object with KEY set to JSON
//	setenv-election NAME OFFICE      keep the number of the election to an office in NAME, and its id in NAME_ID
//	tamper FROM TO WHAT NAME         take a reveal or a ballot out of a file of ballots, or change a key; keep which in NAME
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
			t.Parallel() // each has a port, a folder and a database of its own, and waits most of the time
			address, second := database(t), database(t)
			testscript.Run(t, testscript.Params{Files: []string{f}, Setup: func(env *testscript.Env) error {
				host := freeAddress(t)
				env.Setenv("HOST", host)
				env.Setenv("ROCHDALE_LISTEN", host)
				env.Setenv("ROCHDALE_HOST", host)
				env.Setenv("ROCHDALE_DATABASE", address)
				env.Setenv("SECOND_DATABASE", second) // empty, to restore into
				return nil
			}, Cmds: map[string]func(*testscript.TestScript, bool, []string){"ready": ready, "http": httpCmd, "api": apiCmd, "becomes": becomes, "ballot": ballotCmd, "tamper": tamperCmd,
				"setenv-json": setenvJSON, "setenv-stdout": setenvStdout, "setenv-election": setenvElection}})
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
	if signature := ts.Getenv("SIGNATURE"); signature != "" {
		req.Header.Set("Signature", signature)
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

func apiCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: api METHOD PATH [JSON]")
	}
	var body io.Reader
	if len(args) > 2 {
		body = strings.NewReader(strings.Join(args[2:], " "))
	}
	req, err := http.NewRequest(args[0], "http://"+ts.Getenv("HOST")+"/api/coop/v1"+args[1], body)
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	if token := ts.Getenv("TOKEN"); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n", b)
	ts.Check(err)
	if failed := resp.StatusCode >= 400; failed != neg {
		ts.Fatalf("%s %s: %d %s", args[0], args[1], resp.StatusCode, b)
	}
}

func setenvJSON(ts *testscript.TestScript, _ bool, args []string) {
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for _, step := range strings.Split(args[1], ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			ts.Check(err)
			v = x[i]
		}
	}
	if o, ok := v.(map[string]any); ok {
		if len(args) > 3 {
			o[args[2]] = json.RawMessage(strings.Join(args[3:], " "))
		}
		text, err := json.Marshal(o)
		ts.Check(err)
		v = string(text)
	}
	ts.Setenv(args[0], fmt.Sprint(v))
}

func becomes(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[1])
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequest(http.MethodGet, "http://"+ts.Getenv("HOST")+"/api/coop/v1"+args[0], nil)
		ts.Check(err)
		resp, err := http.DefaultClient.Do(req)
		ts.Check(err)
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		ts.Check(err)
		if want.Match(b) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not become %s: %s", args[0], args[1], b)
		}
	}
}
