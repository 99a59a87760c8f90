package election

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/lib/tally"
)

// stateWords is where an election stands, in a word or two.
func stateWords(ctx context.Context, s State) string {
	switch s {
	case Nominations:
		return t(ctx, "nominations")
	case Final:
		return t(ctx, "candidates final")
	case Open:
		return t(ctx, "open")
	case Sealed:
		return t(ctx, "sealed")
	case Counted:
		return t(ctx, "counted")
	case Filled:
		return t(ctx, "done")
	case Failed:
		return t(ctx, "failed")
	}
	return t(ctx, "called off")
}

func stateHue(s State) string {
	switch s {
	case Nominations, Final:
		return "blue"
	case Open, Sealed:
		return "violet"
	case Counted, Filled:
		return "green"
	}
	return "plain"
}

// when is the instant that matters most where an election stands, with the word before it.
func when(ctx context.Context, e *Election) (string, time.Time) {
	switch e.State {
	case Nominations:
		return t(ctx, "nominations until") + " ", e.FinalAt
	case Final:
		return t(ctx, "voting opens") + " ", e.OpensAt
	case Open:
		return t(ctx, "closes") + " ", e.ClosesAt
	case Sealed:
		return t(ctx, "to be opened until") + " ", e.DueAt
	}
	if !e.CountedAt.IsZero() {
		return t(ctx, "counted") + " ", e.CountedAt
	}
	return t(ctx, "announced") + " ", e.Announced
}

func lines(ctx context.Context, list []Election, bodies map[id.ID]string) []lineView {
	out := make([]lineView, len(list))
	for i, e := range list {
		out[i] = lineView{Election: e, Body: bodies[e.Body], Hue: stateHue(e.State), Words: stateWords(ctx, e.State)}
		out[i].Before, out[i].When = when(ctx, &e)
	}
	return out
}

// outcome is how an election ended, in a line.
func outcome(ctx context.Context, e *Election) string {
	r := e.Result()
	switch {
	case e.Cause != "":
		return t(ctx, e.Cause)
	case e.ResultJSON == "":
		return ""
	case e.Kind == Budget:
		return n(ctx, "%d project is paid for.", "%d projects are paid for.", len(r.Funded), len(r.Funded))
	case len(r.Elected) == 0:
		return t(ctx, "Nobody is elected.")
	}
	return t(ctx, "Elected: %s", strings.Join(r.Elected, ", "))
}

// stageWords name a stage of the count.
func stageWords(ctx context.Context, s *tally.Stage) string {
	if len(s.Of) == 0 {
		return t(ctx, s.Action)
	}
	return t(ctx, s.Action) + ": " + strings.Join(s.Of, ", ")
}

// ruleWords name the way of counting, with the name that the command line has for it.
func ruleWords(ctx context.Context, rule string) string {
	switch {
	case strings.HasPrefix(rule, "stv/scottish"):
		return t(ctx, "single transferable vote, Scottish rules (%s)", rule)
	case strings.HasPrefix(rule, "stv/"):
		return t(ctx, "single transferable vote, Meek's rules (%s)", rule)
	case strings.HasPrefix(rule, "irv/"):
		return t(ctx, "instant run-off (%s)", rule)
	case strings.HasPrefix(rule, "schulze/"):
		return t(ctx, "Schulze's method (%s)", rule)
	case strings.HasPrefix(rule, "approval/"):
		return t(ctx, "approval voting (%s)", rule)
	case strings.HasPrefix(rule, "sortition/"):
		return t(ctx, "a draw by lot (%s)", rule)
	case strings.HasPrefix(rule, "pb/equal"):
		return t(ctx, "method of equal shares (%s)", rule)
	}
	return rule
}

// steps are those of an election; sealed says whether its ballots are, or may be.
func steps(ctx context.Context, e *Election, sealed bool) []ui.Step {
	order := []State{Nominations, Final, Open, Counted, Filled}
	if sealed {
		order = slices.Insert(order, 3, Sealed)
	}
	at := slices.Index(order, e.State)
	// The year is said where it is not the one of the announcement: the steps are narrow.
	day := func(at time.Time) string {
		if at.Year() != e.Announced.Year() {
			return i18n.Date(ctx, at)
		}
		return i18n.Ago(ctx, at, e.Announced.Truncate(24*time.Hour).Add(-time.Hour))
	}
	small := map[State]string{Nominations: day(e.Announced), Final: day(e.FinalAt), Open: day(e.OpensAt)}
	if !e.ClosesAt.IsZero() {
		small[order[3]] = day(e.ClosesAt)
	}
	var out []ui.Step
	for i, s := range order {
		out = append(out, ui.Step{Label: stateWords(ctx, s), Small: small[s], Done: at > i || e.State == Filled, Current: at == i})
	}
	if at < 0 {
		out = append(out[:1], ui.Step{Label: stateWords(ctx, e.State), Current: true})
	}
	return out
}

func causeWords(ctx context.Context, c *Candidate) string {
	switch c.State {
	case Asked:
		return t(ctx, "has been asked")
	case Declined:
		return t(ctx, "does not stand")
	case Withdrawn:
		return t(ctx, "has withdrawn")
	case Struck:
		return t(ctx, "ruled out: %s", c.Cause)
	case Dropped:
		return t(ctx, c.Cause)
	}
	if c.Vacated && c.Mandate != 0 {
		return t(ctx, "was elected; the office fell vacant")
	}
	return ""
}

// shuffled puts candidates in an order of the reader's own, the same whenever they look: who comes first on
// a paper has an advantage, and nobody should have it with all voters.
func shuffled[T any](list []T, by authz.Actor, election id.ID) []T {
	h := sha256.Sum256(fmt.Appendf(nil, "order of candidates\n%d\n%d\n", election, by.Member))
	out := slices.Clone(list)
	//nolint:gosec // an order, not a secret
	r := rand.New(rand.NewPCG(binary.BigEndian.Uint64(h[:8]), binary.BigEndian.Uint64(h[8:16])))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// choiceWords is a ballot by name in words.
func choiceWords(ctx context.Context, choice string, paper []Candidate) string {
	c, err := ballotbox.ParseChoice(choice)
	if err != nil {
		return choice
	}
	type ranked struct {
		rank int
		name string
	}
	var list []ranked
	for i, r := range c.Rank {
		if r > 0 && i < len(paper) {
			list = append(list, ranked{r, paper[i].Name})
		}
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return a.rank - b.rank })
	var names []string
	for _, x := range list {
		names = append(names, fmt.Sprintf("%d %s", x.rank, x.name))
	}
	for _, m := range c.Marks {
		if m < len(paper) {
			names = append(names, paper[m].Name)
		}
	}
	if len(names) == 0 {
		return t(ctx, "blank")
	}
	return strings.Join(names, ", ")
}

// methodWords says how the election is counted.
func methodWords(ctx context.Context, e *Election) string {
	switch rule := e.countingRule(); {
	case strings.HasPrefix(rule, "stv/scottish"):
		return t(ctx, "You rank the candidates. Seats are shared out so that every large enough group of voters has its own (single transferable vote, by the Scottish rules).")
	case strings.HasPrefix(rule, "stv/"):
		return t(ctx, "You rank the candidates. Seats are shared out so that every large enough group of voters has its own (single transferable vote, by Meek's rules).")
	case strings.HasPrefix(rule, "irv/"):
		return t(ctx, "You rank the candidates. Who has the fewest votes is left out, again and again, until one has more than half.")
	case strings.HasPrefix(rule, "schulze/"):
		return t(ctx, "You rank the candidates. Each is compared with each other; who beats all others is elected (Schulze's method).")
	case strings.HasPrefix(rule, "approval/"):
		return t(ctx, "You mark all whom you would be content with. Those with most marks are elected.")
	case strings.HasPrefix(rule, "sortition/"):
		return t(ctx, "A lot is drawn among those who stand, from data that everybody can check.")
	case strings.HasPrefix(rule, "pb/equal"):
		return t(ctx, "You mark the projects you want. Each voter has an equal share of the sum, and a project is paid by those who want it (method of equal shares).")
	}
	return t(ctx, "You mark the projects you want. Those with most marks are paid for, as long as there is money.")
}

func first[T any](ok bool, a, b T) T {
	if ok {
		return a
	}
	return b
}

// emptyWords say why there is no candidate, and what to do about it.
func emptyWords(ctx context.Context, e *Election) string {
	switch {
	case e.State != Nominations:
		return t(ctx, "The list is final.")
	case e.Kind == Budget:
		return t(ctx, "What would make the place better? Say what it is and what it costs.")
	}
	return t(ctx, "Nominate yourself, or somebody you would trust with it.")
}

// top is what is wrong with a form of the page and has no place beside a field.
func (v *pageView) top() string {
	fields := []string{"text", "reason", "days", "statement"}
	switch {
	case v.E.Kind == Budget:
		fields = append(fields, "title", "cost")
	case len(v.Reserved) > 0:
		fields = append(fields, "affiliation", "member", "reserved")
	default:
		fields = append(fields, "affiliation", "member")
	}
	return v.Refused.top(fields...)
}

// ranked is the number that the reader's ballot by name gives a candidate.
func (v *pageView) ranked(c candidateView) string {
	own := ""
	if i := c.Place - 1; i < len(v.OwnChoice.Rank) && v.OwnChoice.Rank[i] > 0 {
		own = strconv.Itoa(v.OwnChoice.Rank[i])
	}
	return v.Refused.value("vote", "rank-"+strconv.Itoa(c.Place-1), own)
}

func (v *pageView) marked(c candidateView) bool {
	own := first(slices.Contains(v.OwnChoice.Marks, c.Place-1), "1", "")
	return v.Refused.value("vote", "mark-"+strconv.Itoa(c.Place-1), own) != ""
}

func (v *pageView) ownReason() string {
	if v.Own == nil {
		return ""
	}
	return v.Own.Reason
}

// reply is the reader's answer to a question as the form has it.
func (v *pageView) reply(q questionView) string {
	if v.Refused.about("reply", "to", q.ID) {
		return v.Refused.value("reply", "text", "")
	}
	for _, a := range q.Replies {
		if a.Person == v.Mine.Person {
			return a.Text
		}
	}
	return ""
}

func (v *pageView) replyError(q questionView) string {
	return first(v.Refused.about("reply", "to", q.ID), v.Refused.wrong("reply", "text"), "")
}

// ruling is the reason for ruling on a nomination as the form has it.
func (v *pageView) ruling(c candidateView) string {
	verb := first(c.State == Struck, "restore", "strike")
	return first(v.Refused.about(verb, "candidate", c.ID), v.Refused.value(verb, "reason", ""), "")
}

func (v *pageView) rulingError(c candidateView) string {
	verb := first(c.State == Struck, "restore", "strike")
	return first(v.Refused.about(verb, "candidate", c.ID), v.Refused.wrong(verb, "reason"), "")
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func rankOptions(k int) []ui.Option {
	out := []ui.Option{{Value: "", Label: "–"}}
	for i := 1; i <= k; i++ {
		out = append(out, ui.Option{Value: strconv.Itoa(i), Label: strconv.Itoa(i)})
	}
	return out
}

func px(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }

// trim leaves out decimals that are all zero.
func trim(decimal string) string {
	if strings.Contains(decimal, ".") {
		return strings.TrimSuffix(strings.TrimRight(decimal, "0"), ".")
	}
	return decimal
}

// dash is easier to overlook than a zero.
func dash(votes string) string {
	return first(votes == "0", "–", votes)
}

func side(v pageView) templ.Component { return sideBody(v) }
