package app

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"rochdale/internal/lib/ballotbox"
)

// ballotCmd does what a voter's browser does, in two requests that have nothing in common.
func ballotCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: ballot N NAME CHOICE")
	}
	var e struct{ Ballot struct{ ID string } }
	subject := args[0]
	if !strings.Contains(subject, "/") {
		subject = "elections/" + subject
	}
	ask(ts, http.MethodGet, "/"+subject, "", "", &e)
	var b struct{ Question string }
	ask(ts, http.MethodGet, "/ballots/"+e.Ballot.ID, "", "", &b)
	q, err := ballotbox.ParseQuestion([]byte(b.Question))
	ts.Check(err)
	code := voterCode(ts, args[1]+".code")
	request, err := code.Blind(q)
	ts.Check(err)
	var taken struct{ Signed string }
	status := ask(ts, http.MethodPost, "/ballots/"+e.Ballot.ID+"/paper", fmt.Sprintf(`{"blinded":%q}`, base64.RawURLEncoding.EncodeToString(request.Blinded)), ts.Getenv("TOKEN"), &taken)
	if neg {
		if status < 400 {
			ts.Fatalf("a paper was given out")
		}
		return
	}
	signed, err := base64.RawURLEncoding.DecodeString(taken.Signed)
	ts.Check(err)
	paper, err := request.Finish(signed, nil)
	ts.Check(err)
	choice, err := ballotbox.ParseChoice(args[2])
	ts.Check(err)
	sequence := uint64(1)
	if n, err := os.ReadFile(ts.MkAbs(args[1] + ".sequence")); err == nil {
		_, err = fmt.Sscan(string(n), &sequence)
		ts.Check(err)
		sequence++
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]+".sequence"), fmt.Append(nil, sequence), 0o600))
	ballot, err := code.Seal(q, paper, sequence, choice)
	ts.Check(err)
	var receipt struct{ Ballot, Receipt string }
	if status := ask(ts, http.MethodPost, "/ballots/"+e.Ballot.ID+"/box", string(ballot.JSON()), "", &receipt); status != http.StatusOK {
		ts.Fatalf("the ballot was refused: %d", status)
	}
	hash, err := ballotbox.ParseHash(receipt.Ballot)
	ts.Check(err)
	signature, err := base64.RawURLEncoding.DecodeString(receipt.Receipt)
	ts.Check(err)
	ts.Check(q.CheckReceipt(hash, signature))
	key, err := code.Key(q)
	ts.Check(err)
	_, err = fmt.Fprintf(ts.Stdout(), "%s\n%s\n", receipt.Ballot, base64.RawURLEncoding.EncodeToString(key))
	ts.Check(err)
}

func voterCode(ts *testscript.TestScript, file string) ballotbox.Code {
	if text, err := os.ReadFile(ts.MkAbs(file)); err == nil {
		code, err := ballotbox.ParseCode(string(text))
		ts.Check(err)
		return code
	}
	code, err := ballotbox.NewCode(rand.Reader)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(file), []byte(code.String()), 0o600))
	return code
}

// ask makes a request to the JSON API and reads the answer.
func ask(ts *testscript.TestScript, method, path, body, token string, out any) int {
	req, err := http.NewRequest(method, "http://"+ts.Getenv("HOST")+"/api/coop/v1"+path, strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode < 400 {
		ts.Check(json.Unmarshal(b, out))
	} else {
		ts.Logf("%s %s: %d %s", method, path, resp.StatusCode, b)
	}
	return resp.StatusCode
}

// setenvElection finds an election by its office: elections that begin together may have either number.
func setenvElection(ts *testscript.TestScript, _ bool, args []string) {
	for number := 1; ; number++ {
		var e struct {
			ID     string
			Number int64
			Plan   struct{ Office string }
		}
		if status := ask(ts, http.MethodGet, fmt.Sprintf("/elections/%d", number), "", "", &e); status != http.StatusOK {
			ts.Fatalf("no election to the office %s: %d", args[1], status)
		}
		if e.Plan.Office == args[1] {
			ts.Setenv(args[0], fmt.Sprint(e.Number))
			ts.Setenv(args[0]+"_ID", e.ID)
			return
		}
	}
}

// tamperCmd writes a file of ballots from which something was taken, or in which it was changed, in the form that
// such files have.
func tamperCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: tamper FROM TO WHAT NAME")
	}
	f, err := ballotbox.ReadFile(strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	hashes, err := f.Hashes()
	ts.Check(err)
	named := ""
	switch args[2] {
	case "ballot":
		named, f.Ballots = hashes[1].String(), slices.Delete(f.Ballots, 1, 2)
	case "reveal":
		named, f.Reveals = fmt.Sprint(f.Reveals[0].Place), f.Reveals[1:]
	case "key":
		named, f.Reveals[1].Key = fmt.Sprint(f.Reveals[1].Place), f.Reveals[0].Key
	default:
		ts.Fatalf("nothing is called %s", args[2])
	}
	text, err := f.JSON()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o600))
	ts.Setenv(args[3], named)
}
