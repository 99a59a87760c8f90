package rulebook

import (
	"context"

	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/lib/tally"
)

// Lines says a rule in words, one line a name and what the rule says about it.
func (r *Rule) Lines(ctx context.Context) []effect.Line { return lines(ctx, r) }

func lines(ctx context.Context, r *Rule) []effect.Line {
	t := func(s string, args ...any) string { return i18n.T(ctx, s, args...) }
	days := func(n int) string { return i18n.N(ctx, "%d day", "%d days", n, n) }
	var out []effect.Line
	add := func(name, text string) { out = append(out, effect.Line{Name: name, Text: text}) }

	add(t("Governs"), Governs(ctx, r))
	if r.Scope == Meeting {
		add(t("Decided by"), t("the general meeting: all members"))
	} else {
		add(t("Decided by"), t("the members of the body, within its domain"))
	}
	add(t("Methods"), methodsWords(ctx, r.Methods))
	if r.Seconds > 0 {
		add(t("Seconded by"), i18n.N(ctx, "%d member beside the mover", "%d members beside the mover", r.Seconds, r.Seconds))
	}
	if r.Discussion > 0 {
		add(t("Discussion"), t("at least %s", days(r.Discussion)))
	}
	add(t("Voting"), t("at least %s", days(r.Open)))
	add(t("Carried by"), threshold(ctx, r))
	if r.Block && r.Override.Num > 0 {
		add(t("Block"), t("a block stops the motion, unless %s agree", percent(r.Override)))
	} else if r.Block {
		add(t("Block"), t("a block stops the motion"))
	}
	add(t("Quorum"), quorum(ctx, r, days))
	if r.Abstention != "" {
		add(t("Abstaining"), t(r.Abstention))
	}
	if r.Secret {
		add(t("Ballot"), t("secret; by name where fewer than five may vote"))
	}
	add(t("Results"), resultsWords(ctx, r.Results))
	if r.Waiting > 0 {
		add(t("New members"), t("vote after %s on the register", days(r.Waiting)))
	}
	if r.Interest {
		add(t("Interest"), t("a member whom the motion concerns may speak, not vote"))
	}
	if r.Window > 0 {
		add(t("Window"), t("%s in which %d members, or %s of the roll if that is more, can call it in", days(r.Window), r.CallIn, percent(r.CallInShare)))
	} else {
		add(t("Window"), t("none: in force at once"))
	}
	if r.Review > 0 {
		add(t("Review"), t("after %s", days(r.Review)))
	}
	if r.Urgent != nil {
		add(t("Urgent"), t("with a reason, %s of voting, and ratified within %s", i18n.N(ctx, "%d hour", "%d hours", r.Urgent.Hours, r.Urgent.Hours), days(r.Urgent.Ratify)))
	}
	if e := r.Emergency; e != nil {
		add(t("Emergency"), t("members of @%s may act at once (%s); undone unless ratified within %s, or as long as a vote about it takes if that is longer", e.Body, list(e.Acts), days(e.Days)))
	}
	if r.Election != nil || r.governs("mandate.appoint") > 1 {
		e := r.ElectionIn()
		out = append(out, electionLines(ctx, &e)...)
	}
	if r.Emergency != nil && r.Emergency.Veil > 0 {
		add(t("Published later"), t("what a legal order or somebody's safety asks for, after %s at the latest; that it was done is on the record at once", days(r.Emergency.Veil)))
	}
	if r.Petition.Num > 0 {
		add(t("Petition"), t("%s of the members can always put a motion to the general meeting", percent(r.Petition)))
	}
	return out
}

// Governs says in words which acts the line governs.
func Governs(ctx context.Context, r *Rule) string {
	if len(r.Acts) == 1 && r.Acts[0] == "*" {
		return i18n.T(ctx, "everything that no other line names")
	}
	return list(r.Acts)
}

func percent(r tally.Ratio) string { return r.Percent() + " %" }

func threshold(ctx context.Context, r *Rule) string {
	if len(r.Methods) > 0 && r.Methods[0] == Consent {
		if r.Override.Num > 0 {
			return i18n.T(ctx, "consent: no objection stands, or %s consent", percent(r.Override))
		}
		return i18n.T(ctx, "consent: no objection stands")
	}
	if r.Strict {
		return i18n.T(ctx, "more than %s of those who agree or disagree", percent(r.Threshold))
	}
	return i18n.T(ctx, "at least %s of those who agree or disagree", percent(r.Threshold))
}

func quorum(ctx context.Context, r *Rule, days func(int) string) string {
	if r.Quorum.Num == 0 {
		return i18n.T(ctx, "none")
	}
	of := i18n.T(ctx, "%s of the roll", percent(r.Quorum))
	if r.ActiveRoll {
		of = i18n.T(ctx, "%s of the members who voted in the last twelve months", percent(r.Quorum))
	}
	if r.Again > 0 {
		return i18n.T(ctx, "%s; a second call after %s needs %s", of, days(r.Again), percent(r.AgainQuorum))
	}
	return of
}

// MethodName is the name of a method of deciding.
func MethodName(ctx context.Context, method string) string {
	switch method {
	case Proposal:
		return i18n.T(ctx, "proposal")
	case Consent:
		return i18n.T(ctx, "consent")
	case Ranking:
		return i18n.T(ctx, "ranking of alternatives")
	case Choose:
		return i18n.T(ctx, "choice")
	case Score:
		return i18n.T(ctx, "score")
	case Dots:
		return i18n.T(ctx, "dot vote")
	case Count:
		return i18n.T(ctx, "count: who is in")
	case Times:
		return i18n.T(ctx, "time for a meeting")
	case Questions:
		return i18n.T(ctx, "question round")
	}
	return method
}

func methodsWords(ctx context.Context, methods []string) string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = MethodName(ctx, m)
	}
	return list(names)
}

func resultsWords(ctx context.Context, when string) string {
	switch when {
	case Always:
		return i18n.T(ctx, "shown while voting is open")
	case AfterVote:
		return i18n.T(ctx, "shown to those who have voted, and to all after the close")
	}
	return i18n.T(ctx, "shown after the close")
}
