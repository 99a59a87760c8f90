package app

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"rochdale/internal/surface/activitypub"
)

// jobActs and commandActs say of everything but a route that can change something which power it needs,
// or "none: " and why it needs none (DESIGN §3, invariant 1). A new job or command without a line here
// fails, and so does a line without its job or command.
var jobActs = map[string]string{
	"record.checkpoint": "none: it signs what is there",
	"identity.sweep":    "none: it removes sessions and tokens that have run out",
	"member.sweep":      "none: it removes applications and invitations that have run out",
	"media.sweep":       "none: it removes copies of remote media and uploads nobody used",
	"social.sweep":      "none: it removes what nobody can see any more",
	"mandate.sweep":     "none: terms end by themselves, and emergency acts are undone under the authority of their lapse",
	"decision.sweep":    "none: each act of a decision in force cites that decision; the judge is asked for every one",
	"decision.advance":  "none: each act of a decision in force cites that decision; the judge is asked for every one",
	"decision.ask":      "none: a rule puts the question to the members; it decides nothing",
	"decision.tell":     "none: it sends notices and letters",
	"ballot.stir":       "none: it writes rows anew in another order, and changes none",
	"election.sweep":    "none: each office is offered under the authority of its election; the judge is asked for every one",
	"election.advance":  "none: each office is offered under the authority of its election; the judge is asked for every one",
	"election.tell":     "none: it sends letters",
	"mail.send":         "none: it sends a letter that was written in a transaction of its own cause",
	"webhook.deliver":   "none: it sends what is public to those whom an act allowed",
	"webhook.sweep":     "none: it forgets old deliveries",
	"election.witness":  "none: it tells the witness of a vote what is public of it",
	"witness.letters":   "none: it mails codes to the roll of a vote that a decision in force lets us witness",
	"witness.recount":   "none: it reads what another co-op publishes",
	"witness.sweep":     "none: votes that we witness close themselves when their time is over",
	"coopapi.sweep":     "none: it forgets answers to repeated requests",
}

var commandActs = map[string]string{
	"serve": "none: it runs the program", "demo": "none: a fictional co-op in a folder of its own", "verify": "none: it reads", "tally": "none: it counts a file", "scrutineer key": "none: it makes a key and keeps nothing", "scrutineer reveal": "none: it makes a key and keeps nothing", "version": "none: it reads",
	"found":          "none: the genesis itself, once",
	"account create": "member.enrol", "account list": "none: it reads",
	"token create": "none: the operator could read the database; the token acts for its member and is listed to the member",
	"backup":       "none: it reads", "restore": "none: it fills an empty folder only", "migrate": "none: the form of the tables, not what they say",
	"config": "none: it reads", "docs": "none: it reads",
	"import members": "member.enrol", "export members": "none: it reads",
}

func checkAct(t *testing.T, what, act string, powers map[string]bool) {
	t.Helper()
	if why, none := strings.CutPrefix(act, "none: "); none && len(why) < 8 || !none && !powers[act] {
		t.Errorf("%s: %q is neither a power of the program nor a reason why it needs none", what, act)
	}
}

func TestEveryJobCommandAndActivityIsMapped(t *testing.T) {
	in := newInstance(t, "")
	in.with(func(a *App) {
		powers := map[string]bool{}
		for _, p := range a.Mandate.Powers() {
			powers[p.Name] = true
		}
		var jobs []string
		for _, f := range a.Features {
			for _, w := range f.Workers {
				jobs = append(jobs, w.Kind())
			}
			for _, p := range f.Periodic {
				jobs = append(jobs, p.Kind())
			}
		}
		compare(t, "job", jobs, jobActs, powers)
		compare(t, "command", commands(t), commandActs, powers)
		activities := activitypub.Handlers()
		if len(activities) < 10 {
			t.Errorf("only %d kinds of activities: the check has gone blind", len(activities))
		}
		for _, h := range activities {
			checkAct(t, "activity "+h.Type, h.Act, powers)
		}
	})
}

func compare(t *testing.T, sort string, there []string, acts map[string]string, powers map[string]bool) {
	t.Helper()
	for _, x := range there {
		act, ok := acts[x]
		if !ok {
			t.Errorf("the %s %q can change something: say here which power it needs, or why none", sort, x)
			continue
		}
		checkAct(t, sort+" "+x, act, powers)
	}
	for x := range acts {
		if !slices.Contains(there, x) {
			t.Errorf("there is no %s %q any more", sort, x)
		}
	}
	if len(there) < 8 {
		t.Errorf("only %d of kind %s: the check has gone blind", len(there), sort)
	}
}

// commands are the leaves of the command line.
func commands(t *testing.T) []string {
	t.Helper()
	k, err := kong.New(&cli{}, kong.Name("rochdale"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(n *kong.Node, path string)
	walk = func(n *kong.Node, path string) {
		if n.Type == kong.CommandNode && len(n.Children) == 0 {
			out = append(out, path)
		}
		for _, c := range n.Children {
			walk(c, strings.TrimSpace(path+" "+c.Name))
		}
	}
	walk(k.Model.Node, "")
	return out
}
