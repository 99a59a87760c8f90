package decision

import (
	"context"
	"slices"
	"strconv"
	"time"

	"rochdale/internal/kit/web/ui"
	"rochdale/internal/rulebook"
)

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func has(list []int, x int) bool { return slices.Contains(list, x) }

func pointsOf(list []int64, i int) string {
	if i < len(list) {
		return strconv.FormatInt(list[i], 10)
	}
	return ""
}

func rankOf(list []int, i int) string {
	if i < len(list) && list[i] > 0 {
		return strconv.Itoa(list[i])
	}
	return ""
}

// answerOf is "" where nothing was answered, so that nothing is chosen beforehand.
func answerOf(list []int, i int) string {
	if i < len(list) && list[i] >= 0 {
		return strconv.Itoa(list[i])
	}
	return ""
}

func wordsOf(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func reasonOf(v pageView) string {
	if v.Reason == "" && v.Seen.Mine != nil {
		return v.Seen.Mine.Reason
	}
	return v.Reason
}

func choiceOptions(ctx context.Context, v pageView) []ui.Option {
	words := Choices(v.M.Method, &v.Rule.Rule)
	if v.M.Method == rulebook.Consent && (v.Mine.Choice == Object || v.Mine.Choice == Integrate) {
		words = append(words, Integrate)
	}
	out := make([]ui.Option, len(words))
	for i, w := range words {
		out[i] = ui.Option{Value: w, Label: choiceWords(ctx, w), Hint: choiceHint(ctx, w, &v.Rule.Rule)}
	}
	return out
}

func rankOptions(n int) []ui.Option {
	out := []ui.Option{{Value: "", Label: "–"}}
	for i := 1; i <= n; i++ {
		out = append(out, ui.Option{Value: strconv.Itoa(i), Label: strconv.Itoa(i)})
	}
	return out
}

func answerOptions(ctx context.Context, method string) []ui.Option {
	out := make([]ui.Option, 3)
	for i := range out {
		out[i] = ui.Option{Value: strconv.Itoa(i), Label: upper(answerWords(ctx, method, i))}
	}
	return out
}

func whenWords(ctx context.Context, r *rulebook.Rule, m *Motion) string {
	when := r.Results
	if x := m.Settings().Results; x != "" && when != rulebook.AfterClose {
		when = x
	}
	switch when {
	case rulebook.Always:
		return t(ctx, "shown while voting is open")
	case rulebook.AfterVote:
		return t(ctx, "shown to those who have voted")
	}
	return t(ctx, "shown after the close")
}

func resultOptions(ctx context.Context) []ui.Option {
	return []ui.Option{{Value: "", Label: t(ctx, "as the rule says")}, {Value: rulebook.AfterVote, Label: t(ctx, "to those who have voted")}, {Value: rulebook.AfterClose, Label: t(ctx, "after the close")}}
}

func amendmentWords(ctx context.Context, state string) string {
	switch state {
	case AmendmentAccepted:
		return t(ctx, "accepted")
	case AmendmentDeclined:
		return t(ctx, "declined")
	case AmendmentWithdrawn:
		return t(ctx, "withdrawn")
	}
	return t(ctx, "open")
}

func needsOptions(method string) bool {
	return method != rulebook.Proposal && method != rulebook.Consent && method != ""
}

func optionChoices(ctx context.Context, v formView) []ui.Option {
	out := []ui.Option{{Value: "-1", Label: t(ctx, "any of them")}}
	for i, o := range v.D.Settings.Options {
		out = append(out, ui.Option{Value: strconv.Itoa(i), Label: o.Title})
	}
	return out
}

// prefix is what the names of an effect's fields begin with; about names what the form has to say of the effect
// itself, so that no field can be called the same.
func prefix(at int) string { return "e" + strconv.Itoa(at) + "." }

func about(at int, name string) string { return name + strconv.Itoa(at) }

func positive(x int64) string {
	if x == 0 {
		return ""
	}
	return strconv.FormatInt(x, 10)
}

func dateOf(x time.Time) string {
	if x.IsZero() {
		return ""
	}
	return x.Format(time.DateOnly)
}
