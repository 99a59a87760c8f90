package ballot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// BoothView is what Booth draws.
type BoothView struct {
	Vote                         id.ID
	Title, Hash                  string
	Closes                       time.Time
	Open, Closed, Member, OnRoll bool
	Void, Sealed                 bool
	Needed, Of                   int    // scrutineers, where ballots are sealed to them
	Witness                      string // host, where there is one
	Taken                        bool   // the reader has a paper already, and so a code
	Code                         string // made here for who votes without script
	Options                      []boothOption
	Words                        string // for the script, as JSON
	Form                         ui.Problem

	question *ballotbox.Question
	voter    id.ID
	sent     url.Values // a refused form
	alone    bool       // on the vote's own page, whose heading is the title
}

// boothOption is an option with its place in the question.
type boothOption struct {
	At   int
	Name string
	Cost string // of a project in a members' budget
}

// sum writes a number of the smallest unit as an amount.
func sum(units int64, decimals int) string {
	text := fmt.Sprintf("%0*d", decimals+1, units)
	if decimals == 0 {
		return text
	}
	return text[:len(text)-decimals] + "." + text[len(text)-decimals:]
}

func (o boothOption) field(prefix string) string { return prefix + "-" + strconv.Itoa(o.At) }

// value is what a refused form had in a field; before there is one, nothing is chosen.
func (v BoothView) value(name string) string { return v.sent.Get(name) }

func (v BoothView) marked(name, value string) bool { return slices.Contains(v.sent[name], value) }

func equalRanks(q *ballotbox.Question) bool { return strings.HasPrefix(q.Rule, tally.RuleSchulze) }

func rankOptions(n int) []ui.Option {
	out := []ui.Option{{Value: "", Label: "–"}}
	for i := 1; i <= n; i++ {
		out = append(out, ui.Option{Value: strconv.Itoa(i), Label: strconv.Itoa(i)})
	}
	return out
}

func voteWords(ctx context.Context, vote string) string {
	switch vote {
	case ballotbox.Agree:
		return t(ctx, "Agree")
	case ballotbox.Disagree:
		return t(ctx, "Disagree")
	case ballotbox.Block:
		return t(ctx, "Block")
	}
	return t(ctx, "Abstain")
}

func voteOptions(ctx context.Context, q *ballotbox.Question) []ui.Option {
	votes := []string{ballotbox.Agree, ballotbox.Abstain, ballotbox.Disagree}
	if q.Settings.Block {
		votes = append(votes, ballotbox.Block)
	}
	out := make([]ui.Option, len(votes))
	for i, v := range votes {
		out[i] = ui.Option{Value: v, Label: voteWords(ctx, v)}
	}
	return out
}

// howWords say how the form is filled in.
func howWords(ctx context.Context, q *ballotbox.Question) string {
	switch {
	case q.Method == ballotbox.Ranking && equalRanks(q):
		return t(ctx, "Give 1 to what you like best, 2 to the next. Equal numbers are equal; what you leave empty comes last.")
	case q.Method == ballotbox.Ranking:
		return t(ctx, "Give 1 to whom you want most, 2 to the next, as far as you like. A later number never counts against an earlier one.")
	case q.Method == ballotbox.Marks && q.Settings.Max > 0:
		return n(ctx, "Mark %d.", "Mark up to %d.", q.Settings.Max, q.Settings.Max)
	case q.Method == ballotbox.Marks:
		return t(ctx, "Mark all that you are for.")
	case q.Method == ballotbox.Points && q.Settings.Dots > 0:
		return n(ctx, "You have %d point to give.", "You have %d points to give.", int(q.Settings.Dots), int(q.Settings.Dots))
	case q.Method == ballotbox.Points:
		return t(ctx, "From %d to %d; what you leave empty counts as 0.", q.Settings.Low, q.Settings.High)
	}
	return ""
}

// choiceWords tell a choice in the names of the options.
func choiceWords(ctx context.Context, q *ballotbox.Question, c ballotbox.Choice) string {
	var out []string
	switch {
	case c.Vote != "":
		return voteWords(ctx, c.Vote)
	case c.Rank != nil:
		for rank := 1; rank <= len(c.Rank); rank++ {
			var level []string
			for o, r := range c.Rank {
				if r == rank {
					level = append(level, q.Options[o].Name)
				}
			}
			if len(level) > 0 {
				out = append(out, strconv.Itoa(rank)+". "+strings.Join(level, " = "))
			}
		}
	case c.Marks != nil:
		for _, o := range c.Marks {
			out = append(out, q.Options[o].Name)
		}
	case c.Points != nil:
		for o, v := range c.Points {
			if v != 0 {
				out = append(out, q.Options[o].Name+": "+strconv.FormatInt(v, 10))
			}
		}
	}
	if len(out) == 0 {
		return t(ctx, "Blank")
	}
	return strings.Join(out, ", ")
}

// receiptText is what a member keeps: nothing in it is secret from who knows the ballot. By the key a later
// ballot of the same paper is found.
func receiptText(v *Vote, r Receipt, key ballotbox.Base64, sequence uint64) string {
	text, err := json.Marshal(struct {
		Format   string `json:"format"`
		Vote     string `json:"vote"`
		Question string `json:"question"`
		Receipt
		Key      ballotbox.Base64 `json:"key"`
		Sequence uint64           `json:"sequence"`
	}{ballotbox.Format, v.Subject().String(), v.Hash, r, key, sequence})
	if err != nil {
		return "" // unreachable: texts
	}
	return string(text)
}

type receiptView struct {
	Frame         ui.PageProps
	Vote          id.ID
	Question      *ballotbox.Question
	Code, Receipt string
	Words         string
}

// wordsJSON puts the words of a script where the script finds them.
func wordsJSON(words map[string]string) string {
	b, err := json.Marshal(words)
	if err != nil {
		return "{}" // unreachable: texts
	}
	return string(b)
}
