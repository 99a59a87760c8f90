package rulebook_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/lib/tally"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

func share(num, den int64) tally.Ratio { return tally.Ratio{Num: num, Den: den} }

func line(t *testing.T, preset, name string) rulebook.Rule {
	t.Helper()
	p, ok := rulebook.FindPreset(preset)
	if !ok {
		t.Fatalf("no preset %s", preset)
	}
	for _, r := range p.Rules {
		if r.Line == name {
			return r
		}
	}
	t.Fatalf("%s has no line %s", preset, name)
	return rulebook.Rule{}
}

// The numbers of the presets are those of the co-ops they come from (governance research, 6.4).
func TestPresetsSayWhatTheirCoopsSay(t *testing.T) {
	t.Parallel()
	for _, p := range rulebook.Presets() {
		for _, r := range p.Rules {
			if err := r.Check(); err != nil {
				t.Errorf("%s/%s: %v", p.Name, r.Line, err)
			}
			var back rulebook.Rule
			b, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &back); err != nil {
				t.Fatal(err)
			}
			again, _ := json.Marshal(back)
			if string(again) != string(b) {
				t.Errorf("%s/%s does not survive JSON: %s", p.Name, r.Line, cmp.Diff(string(b), string(again)))
			}
		}
	}
	type numbers struct {
		Discussion, Open int
		Threshold        string
		Strict, Block    bool
		Override         string
	}
	for _, tc := range []struct {
		preset, line string
		want         numbers
	}{
		{"social-coop", rulebook.Ordinary, numbers{0, 6, "50", false, true, "90"}},
		{"social-coop", rulebook.Rules, numbers{0, 10, "75", false, true, "95"}},
		{"assembly", rulebook.Ordinary, numbers{14, 6, "50", true, false, "0"}},
		{"assembly", rulebook.Rules, numbers{14, 6, "75", false, false, "0"}},
		{"uk-society", rulebook.Ordinary, numbers{0, 14, "50", true, false, "0"}},
		{"uk-society", rulebook.Rules, numbers{0, 14, "75", true, false, "0"}},
		{"two-speed", rulebook.Ordinary, numbers{4, 3, "50", true, false, "0"}},
	} {
		r := line(t, tc.preset, tc.line)
		got := numbers{r.Discussion, r.Open, r.Threshold.Percent(), r.Strict, r.Block, r.Override.Percent()}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s/%s: %s", tc.preset, tc.line, d)
		}
	}
	if r := line(t, "circle", rulebook.Ordinary); r.Methods[0] != rulebook.Consent || r.Review == 0 {
		t.Error("a circle decides by consent, and reviews")
	}
}

// What no rule can do (invariants 5, 7 and 13): each change alone makes a good rule a refused one.
func TestRulesThatCloseTheWayBackAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(r *rulebook.Rule){
		"a petition of none":                func(r *rulebook.Rule) { r.Petition = share(0, 1) },
		"a petition of one in five hundred": func(r *rulebook.Rule) { r.Petition = share(1, 500) },
		"a petition of a quarter":           func(r *rulebook.Rule) { r.Petition = share(1, 4) },
		"a threshold of all":                func(r *rulebook.Rule) { r.Threshold = share(1, 1) },
		"a threshold of 91 %":               func(r *rulebook.Rule) { r.Threshold = share(91, 100) },
		"a negative threshold":              func(r *rulebook.Rule) { r.Threshold = share(-1, 2) },
		"a threshold by nothing":            func(r *rulebook.Rule) { r.Threshold = share(1, 0) },
		"a quorum of most":                  func(r *rulebook.Rule) { r.Quorum = share(51, 100) },
		"voting for a year":                 func(r *rulebook.Rule) { r.Open = 365 },
		"no voting":                         func(r *rulebook.Rule) { r.Open = 0 },
		"a window for ever":                 func(r *rulebook.Rule) { r.Window = 31 },
		"a window nobody can use":           func(r *rulebook.Rule) { r.CallIn = 0 },
		"no method":                         func(r *rulebook.Rule) { r.Methods = nil },
		"an unknown method":                 func(r *rulebook.Rule) { r.Methods = []string{"shouting"} },
		"rules moved to the bodies":         func(r *rulebook.Rule) { r.Scope = rulebook.Bodies },
		"rules without their acts":          func(r *rulebook.Rule) { r.Acts = []string{"*"} },
		"a block that nothing overrides":    func(r *rulebook.Rule) { r.Override = share(0, 1) },
		"urgent without time to ratify":     func(r *rulebook.Rule) { r.Urgent = &rulebook.Urgent{Hours: 24, Ratify: 1} },
		"emergency powers over offices": func(r *rulebook.Rule) {
			r.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{"mandate.*"}, Days: 7}
		},
		"emergency powers over all": func(r *rulebook.Rule) { r.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{"*"}, Days: 7} },
		"emergency powers for a year": func(r *rulebook.Rule) {
			r.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{"moderation.*"}, Days: 365}
		},
	} {
		r := line(t, "social-coop", rulebook.Rules)
		change(&r)
		if err := r.Check(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := line(t, "social-coop", rulebook.Ordinary)
	other.Line, other.Acts = "easy", []string{"rule.adopt"}
	if err := other.Check(); !fault.Is(err, fault.Invalid) {
		t.Errorf("rules by another line: %v", err)
	}
	good := line(t, "social-coop", rulebook.Ordinary)
	good.Emergency = &rulebook.Emergency{Body: "care", Acts: []string{"moderation.*"}, Days: 7}
	if err := good.Check(); err != nil {
		t.Errorf("a good emergency rule: %v", err)
	}
}

// The closest line governs, and versions follow each other.
func TestTheClosestLineGoverns(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, []db.Source{record.Migrations(), mandate.Migrations(), rulebook.Migrations()}, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		ctx := context.Background()
		rec := record.New(d, "coop.example")
		judge := mandate.New(d, rec)
		s := rulebook.New(d, rec, judge)
		if err := d.InDurableTx(ctx, func(tx *db.Tx) error { return s.Found(ctx, tx, "social-coop") }); err != nil {
			t.Fatal(err)
		}
		for _, tc := range []struct {
			scope string
			kinds []string
			want  string
		}{
			{rulebook.Meeting, nil, "ordinary/1"}, {rulebook.Meeting, []string{"coop.describe"}, "ordinary/1"}, {rulebook.Meeting, []string{"rule.adopt"}, "rules/1"},
			{rulebook.Meeting, []string{"member.expel"}, "removals/1"}, {rulebook.Meeting, []string{"member.admit"}, "ordinary/1"}, {rulebook.Bodies, []string{"coop.describe"}, "group/1"},
			{rulebook.Meeting, []string{"member.expel", "mandate.recall"}, "removals/1"}, {rulebook.Meeting, []string{"member.expel", "rule.adopt"}, ""},
		} {
			v, err := s.For(ctx, d, tc.scope, tc.kinds)
			if tc.want == "" && !fault.Is(err, fault.Invalid) || tc.want != "" && (err != nil || v.String() != tc.want) {
				t.Errorf("%s %v: %s, %v; want %s", tc.scope, tc.kinds, v.String(), err, tc.want)
			}
		}
		// Nobody changes a rule but a decision: not the operator, not a mandate.
		judge.Declare(rulebook.Powers(), s.Effects())
		r := line(t, "social-coop", rulebook.Group)
		r.Open = 5
		args, err := json.Marshal(map[string]any{"rule": r})
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Effects().Load(effect.Stored{Kind: rulebook.Adopt, Args: args})
		if err != nil {
			t.Fatal(err)
		}
		for _, by := range []authz.Actor{{Via: authz.Operator}, {Member: 1, Via: authz.Web}, {Via: authz.Job}, {Decision: 7, Via: authz.Job}} {
			err := d.InDurableTx(ctx, func(tx *db.Tx) error {
				_, err := e.Apply(ctx, tx, by, "because")
				return err
			})
			if !fault.Is(err, fault.Forbidden) {
				t.Errorf("by %+v: %v", by, err)
			}
		}
		if _, err := s.Effects().Load(effect.Stored{Kind: rulebook.Repeal, Args: []byte(`{"line":"ordinary","extra":1}`)}); !fault.Is(err, fault.Invalid) {
			t.Errorf("an unknown field: %v", err)
		}
	})
}
