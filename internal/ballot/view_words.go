package ballot

import (
	"context"

	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/lib/ballotbox"
)

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

func crumbs(ctx context.Context, v pageView) []ui.Crumb {
	out := []ui.Crumb{{Label: t(ctx, "Secret ballot")}}
	if v.Subject == "" {
		return out
	}
	above := t(ctx, "Decision")
	if v.Vote.SubjectKind == "election" {
		above = t(ctx, "Election")
	}
	return append([]ui.Crumb{{Label: above, Href: v.Subject}}, out...)
}

func stateWords(ctx context.Context, v pageView) string {
	switch {
	case v.Open:
		return t(ctx, "closes %s", i18n.Ago(ctx, v.Vote.ClosesAt, v.Now))
	case v.Vote.ClosedAt.IsZero():
		return t(ctx, "being counted")
	case v.Vote.Sealed():
		return t(ctx, "sealed")
	case v.Vote.Voided:
		return t(ctx, "not counted")
	}
	return t(ctx, "closed")
}

func turnoutWords(ctx context.Context, v pageView) string {
	return n(ctx, "ballot from %s on the roll · papers given out: %s", "ballots from %s on the roll · papers given out: %s", v.Vote.Ballots, number(ctx, v.Vote.Roll), number(ctx, v.Vote.Papers))
}

func castWords(ctx context.Context, v BoothView) string {
	return choose(v.Taken, t(ctx, "Change my vote"), t(ctx, "Cast my ballot"))
}

func fileName(v pageView) string { return "ballots-" + v.Vote.ID.String() + ".json" }

func rankHint(ctx context.Context, q *ballotbox.Question) string {
	if equalRanks(q) {
		return t(ctx, "Drag, or focus a name and press its number; two with one number are equal. Arrow keys move it, 0 takes it out.")
	}
	return t(ctx, "Drag, or focus a name and press its number. Arrow keys move it, 0 takes it out.")
}

// boothWords are what the script of the booth says. %s is filled in by it.
func boothWords(ctx context.Context) string {
	return wordsJSON(withVotes(ctx, map[string]string{
		"unranked":        t(ctx, "Not ranked"),
		"grip":            t(ctx, "%s: move. Place %s of %s."),
		"grip-out":        t(ctx, "%s: move. Not ranked."),
		"order":           t(ctx, "Your order: %s."),
		"order-out":       t(ctx, "You have ranked nobody."),
		"changed":         t(ctx, "The question that the server gives out is not the one of this page. Do not vote; tell the returning officer."),
		"insecure":        t(ctx, "This page was not loaded over a secure connection, so your browser cannot seal the ballot."),
		"choose":          t(ctx, "Choose first."),
		"marks":           t(ctx, "You marked more than can be marked."),
		"points":          t(ctx, "The points do not fit what can be given."),
		"ranks":           t(ctx, "The numbers have to be 1, 2, 3 and so on."),
		"blank":           t(ctx, "This ballot is blank. Press again to cast it like that."),
		"code":            t(ctx, "This is not a code: it has seven groups of four letters and digits, and one of them is mistyped."),
		"no-code":         t(ctx, "Type your code first."),
		"paper":           t(ctx, "Taking your ballot paper …"),
		"pause":           t(ctx, "Waiting a moment, so that nobody can match the paper and the ballot by time …"),
		"box":             t(ctx, "Putting the ballot into the box …"),
		"network":         t(ctx, "The server could not be reached. Nothing is lost: try again."),
		"busy":            t(ctx, "Too many vote from here at once. Wait a minute and try again; nothing is lost."),
		"refused":         t(ctx, "The server refused: %s"),
		"bad-paper":       t(ctx, "What the server signed is no ballot paper of this vote. Tell the returning officer."),
		"bad-witness":     t(ctx, "What the witness signed is no ballot paper of this vote. Tell the returning officer."),
		"no-witness-code": t(ctx, "Type the code that you have from the witness."),
		"receipt":         t(ctx, "The server gave no good receipt. Try again, and if that does not help tell the returning officer."),
	}))
}

// withVotes adds how choices are told.
func withVotes(ctx context.Context, words map[string]string) map[string]string {
	words["blank-ballot"] = t(ctx, "Blank")
	for _, v := range []string{ballotbox.Agree, ballotbox.Abstain, ballotbox.Disagree, ballotbox.Block} {
		words["vote-"+v] = voteWords(ctx, v)
	}
	return words
}

// checkWords are what the script says that checks and recounts.
func checkWords(ctx context.Context) string {
	return wordsJSON(withVotes(ctx, map[string]string{
		"working":     t(ctx, "Fetching the ballots …"),
		"checking":    t(ctx, "Checking ballot %s of %s …"),
		"network":     t(ctx, "The file could not be fetched: %s"),
		"unread":      t(ctx, "The file is not in form: %s"),
		"question":    t(ctx, "The file answers another question than this page shows."),
		"insecure":    t(ctx, "This page was not loaded over a secure connection, so your browser cannot check signatures."),
		"code":        t(ctx, "This is not a code: it has seven groups of four letters and digits, and one of them is mistyped."),
		"mine":        t(ctx, "Your ballot is there: %s"),
		"mine-more":   t(ctx, "Its hash is %s; your browser cast it as number %s on its paper, and both signatures on it are good."),
		"mine-spoilt": t(ctx, "Your ballot is there, and no answer was sealed in it. Your browser would not have sealed it so: tell the returning officer."),
		"mine-bad":    t(ctx, "A ballot with your key is there, and its signatures are not good. Tell the returning officer."),
		"none":        t(ctx, "No ballot with this code is among the published ones. If you have a receipt, check it: with a good receipt you can prove that one is missing."),

		"receipt-form":    t(ctx, "This is not a receipt: paste all that is in the file."),
		"receipt-other":   t(ctx, "This receipt is of another vote."),
		"receipt-bad":     t(ctx, "The signature on this receipt is not good."),
		"receipt-there":   t(ctx, "The receipt is good, and its ballot is there: %s"),
		"receipt-later":   t(ctx, "The receipt is good, and a later ballot of the same paper is there: %s"),
		"receipt-missing": t(ctx, "The receipt is good, and its ballot is missing. Show the receipt to the returning officer and to the members: the box was tampered with, unless you cast a later ballot and lost its receipt."),

		"signed":  t(ctx, "Every one of the %s ballots is on a paper signed by this vote's key, and signed by a key of its own that no other has."),
		"numbers": t(ctx, "%s ballots are no more than the %s papers given out, and these no more than the %s members on the roll."),
		"seed":    t(ctx, "The lots were drawn from the ballots themselves: %s"),
		"same":    t(ctx, "Counted again by %s, the ballots give the published result: %s"),
		"stages":  t(ctx, "All %s stages of the count have the published totals."),
		"other":   t(ctx, "Counted again by %s, the ballots give another result: %s"),
		"unknown": t(ctx, "Your browser cannot count by the rule %s. The program can: see below."),

		"record":          t(ctx, "The public record names the same ballots since the close."),
		"record-none":     t(ctx, "The file has no entry of the record that could be compared."),
		"record-proof":    t(ctx, "The entry is in the record of %s entries that was signed with the key %s."),
		"record-unsigned": t(ctx, "The record was not signed since the close. Within the hour it is; then recount again."),
		"record-bad":      t(ctx, "The entry is not in the record that was signed."),
		"record-result":   t(ctx, "The public record has another result, or another number of papers."),

		"cannot":      t(ctx, "What this cannot know: whether each paper went to a member who took it, which the marked register shows to members; and whether a ballot was kept out of the box, which its receipt would prove."),
		"fits":        t(ctx, "The result stands."),
		"broken":      t(ctx, "Something does not fit."),
		"failed":      t(ctx, "The recount was not possible."),
		"uncounted":   t(ctx, "The ballots are in order; the count was not repeated."),
		"nobody":      t(ctx, "nobody"),
		"carried":     t(ctx, "Carried"),
		"lost":        t(ctx, "Not carried"),
		"no quorum":   t(ctx, "Too few voted for the vote to count."),
		"blocked":     t(ctx, "A block stands."),
		"find-form":   t(ctx, "Ballot %s: a part of it is missing."),
		"find-paper":  t(ctx, "Ballot %s: its paper is not signed by this vote's key."),
		"find-choice": t(ctx, "Ballot %s: what it says is no answer to the question."),

		"witness":       t(ctx, "Every paper is signed by the witness too: %s."),
		"opened":        t(ctx, "Keys given up by scrutineers: %s of %s. These open the ballots."),
		"spoilt":        t(ctx, "Ballot %s is spoilt: no answer was sealed in it, so it is not counted."),
		"still-sealed":  t(ctx, "Keys given up by scrutineers so far: %s. It takes %s of %s to open the ballots."),
		"sealed":        t(ctx, "All is in order. The ballots are still sealed."),
		"early":         t(ctx, "The file has a result although its ballots are sealed."),
		"choice-sealed": t(ctx, "sealed, and nobody can read it yet"),
		"choice-spoilt": t(ctx, "spoilt: no answer was sealed in it"),
		"record-opened": t(ctx, "The public record says that these very ballots were opened, with this result."),
		"find-witness":  t(ctx, "Ballot %s: its paper is not signed by the witness."),
		"find-reveal":   t(ctx, "The scrutineers’ keys in the file are not those that open its ballots."),

		"find-signature": t(ctx, "Ballot %s: it is not signed by its own key."),
		"find-twice":     t(ctx, "Ballot %s: another one has the same key."),
		"find-order":     t(ctx, "Ballot %s: it does not stand in its place."),
		"find-dropped":   t(ctx, "Ballot %s: the record has it, and the file does not."),
		"find-added":     t(ctx, "Ballot %s: the file has it, and the record does not."),
		"find-papers":    t(ctx, "There are more ballots than papers were given out."),
		"find-roll":      t(ctx, "More papers were given out than there are members on the roll."),
		"find-seed":      t(ctx, "The lots were not drawn from these ballots."),
	}))
}
