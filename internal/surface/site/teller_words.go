package site

import (
	"context"
	"strings"

	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// sentence says what happened. A kind without a sentence of its own shows its name: the entry is there
// for everybody to read in full.
func (w *teller) sentence() []part {
	topic, verb, _ := strings.Cut(w.e.Kind, ".")
	words := ""
	switch topic {
	case "coop":
		words = w.ofCoop(verb)
	case "body", "seat":
		words = w.ofBodies(w.e.Kind)
	case "mandate":
		words = w.ofMandates(verb)
	case "emergency":
		words = w.ofEmergencies(verb)
	case "rule":
		if verb == "adopted" {
			words = t(w.ctx, "The rule %s came into force.", w.name(w.about))
		}
	case "decision":
		words = w.ofDecisions(verb)
	case "election":
		words = w.ofElections(verb)
	case "ballot":
		words = w.ofBallots(verb)
	case "witness":
		words = w.ofWitnesses(verb)
	case "member", "register":
		words = w.ofMembers(w.e.Kind)
	case "record":
		if w.e.Kind == record.Published {
			entry := w.data.text("entry")
			words = t(w.ctx, "What entry %s kept back is published: it is about %s.", w.mark(part{entry, "/record/" + entry}), w.name(w.about))
		}
	case "operator":
		words = t(w.ctx, "The operator did something to %s: %s.", w.name(w.about), w.word(verb))
		if verb == "token.made" {
			words = t(w.ctx, "The operator made an access token for %s.", w.name(w.about))
		}
	case "act":
		words = w.ofActs(verb)
	}
	if words == "" {
		words = w.word(w.e.Kind)
	}
	return w.parts(words)
}

// ofWitnesses says who witnesses whose secret votes.
func (w *teller) ofWitnesses(verb string) string {
	ctx := w.ctx
	switch verb {
	case "serving":
		return t(ctx, "We witness the secret votes of %s.", w.word(w.data.text("host")))
	case "ceased":
		return t(ctx, "We witness the secret votes of %s no more.", w.word(w.data.text("host")))
	case "engaged":
		return t(ctx, "%s is asked to witness our secret votes.", w.word(w.data.text("host")))
	case "dismissed":
		return t(ctx, "%s is asked no more to witness our secret votes.", w.word(w.data.text("host")))
	case "opened":
		return t(ctx, "A secret vote of %s is witnessed, with a key of its own: %s.", w.word(w.data.text("coop")), w.name(w.about))
	case "closed":
		papers := w.data.number("papers")
		return n(ctx, "A secret vote of %s closed, and our key of it was erased: %s. We signed %s paper.", "A secret vote of %s closed, and our key of it was erased: %s. We signed %s papers.",
			papers, w.word(w.data.text("coop")), w.name(w.about), w.number(papers))
	}
	return ""
}

func (w *teller) ofCoop(verb string) string {
	if verb == "founded" {
		return t(w.ctx, "The co-op %s was founded.", w.word(w.data.text("name")))
	}
	return ""
}

func (w *teller) ofBodies(kind string) string {
	ctx := w.ctx
	seat := w.state(w.about)
	who, body := seat.ref("member", "member"), seat.ref("body", "body")
	switch kind {
	case "body.formed":
		return t(ctx, "The body %s was formed.", w.name(w.about))
	case "seat.taken":
		return t(ctx, "%s joined %s.", w.name(who), w.name(body))
	case "seat.given":
		return t(ctx, "%s was taken into %s.", w.name(who), w.name(body))
	case "seat.left":
		return t(ctx, "%s left %s.", w.name(who), w.name(body))
	case "seat.ended":
		return t(ctx, "The seat of %s in %s ended.", w.name(who), w.name(body))
	}
	return ""
}

// office is the mandate in hand in three words for a sentence: who, as what, of which body.
func (w *teller) office(r ref.Ref) (who, office, body string) {
	f := w.state(r)
	return w.name(f.ref("member", "member")), w.word(f.text("office")), w.name(f.ref("body", "body"))
}

func (w *teller) ofMandates(verb string) string {
	ctx := w.ctx
	who, office, body := w.office(w.about)
	switch verb {
	case "given":
		return t(ctx, "%s was given the office %s of %s, until %s.", who, office, body, w.word(w.own.date(ctx, "to")))
	case "accepted":
		return t(ctx, "%s accepted the office %s of %s.", who, office, body)
	case "declined":
		return t(ctx, "%s declined the office %s of %s.", who, office, body)
	case "resigned":
		return t(ctx, "%s gave back the office %s of %s.", who, office, body)
	case "recalled":
		return t(ctx, "%s was recalled from the office %s of %s.", who, office, body)
	case "ended":
		return t(ctx, "The office of %s as %s of %s ended.", who, office, body)
	}
	return ""
}

func (w *teller) ofEmergencies(verb string) string {
	ctx := w.ctx
	act := w.mark(part{w.power(w.data.text("power")), "/record/" + w.data.text("entry")})
	switch verb {
	case "done":
		return t(ctx, "Something was done before a decision (%s), and ends on %s unless it is ratified.", act, w.word(w.own.date(ctx, "due")))
	case "moved":
		return t(ctx, "What was done in an emergency ends on %s, for the members can answer until then, or what it stands on ends: %s.", w.word(w.own.date(ctx, "due")), act)
	case "refused":
		return t(ctx, "The members voted down what was done in an emergency: %s.", act)
	case "ratified":
		return t(ctx, "What was done in an emergency was ratified: %s.", act)
	case "undone":
		return t(ctx, "What was done in an emergency was undone, since it was not ratified in time: %s.", act)
	case "review":
		return t(ctx, "What was done in an emergency was not ratified, and nothing undoes it; the members look at it: %s.", act)
	}
	return ""
}

func (w *teller) ofDecisions(verb string) string {
	ctx, m := w.ctx, w.name(w.about)
	job := w.b.Member == ""
	switch verb {
	case "published":
		if job {
			return t(ctx, "A rule put %s to the members.", m)
		}
		return t(ctx, "%s published %s.", w.doer(), m)
	case "edited":
		return t(ctx, "%s changed %s.", w.doer(), m)
	case "called":
		if job {
			return t(ctx, "The vote on %s was called.", m)
		}
		return t(ctx, "%s called the vote on %s.", w.doer(), m)
	case "opened":
		roll := w.data.number("roll")
		return n(ctx, "Voting opened on %s, with %s member on the roll.", "Voting opened on %s, with %s members on the roll.", roll, m, w.number(roll))
	case "voted":
		if w.data.number("version") > 1 {
			return t(ctx, "%s changed their vote on %s.", w.doer(), m)
		}
		return t(ctx, "%s voted on %s.", w.doer(), m)
	case "extended":
		return t(ctx, "%s extended the voting on %s until %s.", w.doer(), m, w.word(w.own.date(ctx, "closes")))
	case "reminded":
		return t(ctx, "Those who had not voted on %s were reminded.", m)
	case "counted":
		return t(ctx, "The votes on %s were counted: %s.", m, w.word(outcomeWords(ctx, w.data.text("outcome"))))
	case "in-force":
		return t(ctx, "What was decided with %s came into force.", m)
	case "executed":
		if made := w.data.number("effects"); made > 0 {
			return n(ctx, "The change that %s carried was made: %s.", "The changes that %s carried were made: %s.", made, m, w.number(made))
		}
		return t(ctx, "Nothing had to be changed for %s.", m)
	case "stale":
		return t(ctx, "The changes that %s carried were not made: what they were to change had changed.", m)
	case "failed":
		return t(ctx, "The changes that %s carried could not be made.", m)
	case "rescinded":
		return t(ctx, "What was decided with %s was rescinded.", m)
	case "called-in":
		return t(ctx, "Members called in %s: it goes to the general meeting.", m)
	case "withdrawn":
		return t(ctx, "%s withdrew %s.", w.doer(), m)
	case "review-due":
		return t(ctx, "It is time to review %s.", m)
	case "settled":
		return t(ctx, "Nothing more is due for %s.", m)
	}
	return w.ofTalk(verb, m)
}

func (w *teller) ofTalk(verb, m string) string {
	ctx := w.ctx
	switch verb {
	case "stated":
		return t(ctx, "%s stated the outcome of %s.", w.doer(), m)
	case "reviewed":
		return t(ctx, "%s reviewed %s.", w.doer(), m)
	case "seconded":
		return t(ctx, "%s seconded %s.", w.doer(), m)
	case "petitioned":
		return t(ctx, "%s signed the petition for %s.", w.doer(), m)
	case "call-in-asked":
		return t(ctx, "%s asked for %s to be called in.", w.doer(), m)
	case "commented":
		return t(ctx, "%s commented on %s.", w.doer(), m)
	case "amendment-proposed":
		return t(ctx, "%s proposed an amendment to %s.", w.doer(), m)
	case "amendment-accepted":
		return t(ctx, "%s accepted an amendment to %s.", w.doer(), m)
	case "amendment-declined":
		return t(ctx, "%s declined an amendment to %s.", w.doer(), m)
	case "amendment-withdrawn":
		return t(ctx, "%s withdrew an amendment to %s.", w.doer(), m)
	}
	return ""
}

func (w *teller) ofMembers(kind string) string {
	ctx, who, number := w.ctx, w.name(w.about), w.word(w.data.text("number"))
	switch kind {
	case "member.joined":
		if by := ref.Parse(w.b.Member); by.ID != 0 && by != w.about {
			return t(ctx, "%s joined as member %s, invited by %s.", who, number, w.name(by))
		}
		return t(ctx, "%s joined as member %s.", who, number)
	case "member.attested":
		return t(ctx, "%s is member %s, as an earlier register says.", who, number)
	case "member.resigned":
		return t(ctx, "%s left the co-op.", who)
	case "member.lapsed":
		return t(ctx, "The membership of %s lapsed.", who)
	case "member.erased":
		return t(ctx, "The personal data of member %s was deleted.", number)
	case "register.imported":
		added := w.data.number("added")
		return n(ctx, "%s took over an earlier register: %s member.", "%s took over an earlier register: %s members.", added, w.doer(), w.number(added))
	}
	return ""
}

func (w *teller) ofActs(power string) string {
	ctx := w.ctx
	if w.b.Veiled {
		return t(ctx, "%s used a power in an emergency: %s. What was done is published on %s at the latest.", w.doer(), w.word(w.power(power)), w.word(w.data.date(ctx, "until")))
	}
	topic, _, _ := strings.Cut(power, ".")
	words := ""
	switch topic {
	case "member":
		words = w.ofMemberActs(power)
	case "body", "mandate", "act":
		words = w.ofBodyActs(power)
	case "moderation":
		words = w.ofModeration(power)
	case "election":
		words = w.ofElectionActs(power)
	case "rule":
		rule := w.name(w.about)
		switch {
		case power == "rule.repeal":
			words = t(ctx, "%s repealed the rule %s.", w.doer(), rule)
		case w.data.has("ended"):
			words = t(ctx, "%s ended version %s of the rule %s.", w.doer(), w.word(w.data.text("version")), rule)
		default:
			words = t(ctx, "%s put version %s of the rule %s in force.", w.doer(), w.word(w.data.text("version")), rule)
		}
	}
	switch power {
	case "coop.describe":
		words = t(ctx, "%s changed what the co-op says about itself.", w.doer())
	case "coop.publish":
		words = t(ctx, "%s published a statement in the co-op’s name.", w.doer())
	case "witness.serve":
		words = t(ctx, "%s lets us witness the secret votes of %s.", w.doer(), w.word(w.data.text("host")))
	case "witness.cease":
		words = t(ctx, "%s ended our witnessing of the secret votes of %s.", w.doer(), w.word(w.data.text("host")))
	case "witness.engage":
		words = t(ctx, "%s asked %s to witness our secret votes.", w.doer(), w.word(w.data.text("host")))
	case "witness.dismiss":
		words = t(ctx, "%s asked %s no more to witness our secret votes.", w.doer(), w.word(w.data.text("host")))
	case "webhook.manage":
		words = t(ctx, "%s changed which other programs are told of events: %s.", w.doer(), w.word(w.data.text("host")))
		switch w.data.text("change") {
		case "added":
			words = t(ctx, "%s lets events be sent to %s.", w.doer(), w.word(w.data.text("host")))
		case "enabled":
			words = t(ctx, "%s lets events be sent to %s again.", w.doer(), w.word(w.data.text("host")))
		case "removed":
			words = t(ctx, "%s stopped the sending of events to %s.", w.doer(), w.word(w.data.text("host")))
		}
	}
	if words == "" {
		words = t(ctx, "%s used a power: %s.", w.doer(), w.word(w.power(power)))
	}
	return words
}

func (w *teller) ofMemberActs(power string) string {
	ctx, who, by := w.ctx, w.name(w.about), w.doer()
	number := w.word(w.data.text("number"))
	switch power {
	case "member.admit", "member.enrol", "member.ask":
		switch w.data.text("decision") {
		case "accepted":
			return t(ctx, "%s accepted an application: %s is member %s.", by, who, number)
		case "declined":
			return t(ctx, "%s declined an application for membership.", by)
		case "waiting":
			return t(ctx, "%s took up a declined application again.", by)
		case "enrolled":
			return t(ctx, "%s enrolled %s as member %s.", by, who, number)
		case "imported":
			added := w.data.number("added")
			return n(ctx, "%s admitted %s member from an earlier register.", "%s admitted %s members from an earlier register.", added, by, w.number(added))
		case "questions":
			return t(ctx, "%s changed what applicants are asked.", by)
		case "died":
			return t(ctx, "%s recorded the death of %s.", by, who)
		}
	case "member.suspend":
		if until := w.data.date(ctx, "until"); until != "" {
			return t(ctx, "%s suspended the rights of %s until %s.", by, who, w.word(until))
		}
		return t(ctx, "%s suspended the rights of %s.", by, who)
	case "member.expel":
		if how := w.data.text("ended"); how != "" && how != "expelled" {
			return t(ctx, "%s ended the membership of %s again.", by, who)
		}
		return t(ctx, "%s expelled %s.", by, who)
	case "member.reinstate":
		if w.data.text("from") == "suspended" {
			return t(ctx, "%s gave %s all rights back.", by, who)
		}
		return t(ctx, "%s took %s back as a member.", by, who)
	}
	return ""
}

func (w *teller) ofBodyActs(power string) string {
	ctx, by := w.ctx, w.doer()
	switch power {
	case "body.create":
		return t(ctx, "%s formed the body %s below %s.", by, w.mark(part{"@" + w.data.text("handle"), "/groups/" + w.data.text("handle")}), w.name(w.about))
	case "body.change":
		return t(ctx, "%s changed the body %s.", by, w.name(w.about))
	case "body.dissolve":
		return t(ctx, "%s dissolved the body %s.", by, w.name(w.about))
	case "body.seat":
		who := w.name(w.data.ref("member", "member"))
		if w.data.has("out") {
			return t(ctx, "%s took %s out of %s.", by, who, w.name(w.about))
		}
		return t(ctx, "%s took %s into %s.", by, who, w.name(w.about))
	case "mandate.appoint":
		return t(ctx, "%s appointed %s as %s of %s.", by, w.name(w.data.ref("member", "member")), w.word(w.data.text("office")), w.name(w.about))
	case "mandate.recall":
		who, office, body := w.office(w.about)
		return t(ctx, "%s recalled %s from the office %s of %s.", by, who, office, body)
	case "mandate.ratify":
		who, office, body := w.office(w.about)
		return t(ctx, "%s ratified the mandate of %s as %s of %s, until %s.", by, who, office, body, w.word(w.own.date(ctx, "to")))
	case "act.ratify":
		return t(ctx, "%s ratified what was done in an emergency.", by)
	}
	return ""
}

func (w *teller) ofModeration(power string) string {
	ctx, by, level := w.ctx, w.doer(), w.data.text("level")
	switch power {
	case "moderation.block":
		server := w.word(w.data.text("domain"))
		switch level {
		case "block":
			return t(ctx, "%s blocked the server %s.", by, server)
		case "limit":
			return t(ctx, "%s limited the server %s.", by, server)
		}
		return t(ctx, "%s freed the server %s from every limit.", by, server)
	case "moderation.suspend":
		account := w.name(w.about)
		if acct := w.data.text("account"); acct != "" {
			account = w.word(acct)
		}
		switch level {
		case "suspend":
			return t(ctx, "%s suspended %s.", by, account)
		case "limit":
			return t(ctx, "%s limited %s.", by, account)
		}
		return t(ctx, "%s freed %s from every limit.", by, account)
	}
	return ""
}

func outcomeWords(ctx context.Context, outcome string) string {
	switch outcome {
	case "carried":
		return t(ctx, "carried")
	case "lost":
		return t(ctx, "lost")
	case "no quorum":
		return t(ctx, "no quorum")
	case "blocked":
		return t(ctx, "blocked")
	case "tied":
		return t(ctx, "tied")
	case "answered":
		return t(ctx, "answered")
	}
	return outcome
}

// kindWords name a thing of which no more can be said.
func kindWords(ctx context.Context, kind string) string {
	switch kind {
	case "member":
		return t(ctx, "a member")
	case "account":
		return t(ctx, "an account")
	case "application":
		return t(ctx, "an application")
	case "register":
		return t(ctx, "the register")
	case "body":
		return t(ctx, "a body")
	case "seat":
		return t(ctx, "a seat")
	case "mandate":
		return t(ctx, "an office")
	case "rule", "rulebook":
		return t(ctx, "a rule")
	case "decision", "vote", "comment", "amendment":
		return t(ctx, "a motion")
	case "emergency", "act":
		return t(ctx, "an act")
	case "domain":
		return t(ctx, "a server")
	case "coop":
		return t(ctx, "the co-op")
	case "witness":
		return t(ctx, "an agreement on witnessing")
	case "webhook":
		return t(ctx, "a program that is told of events")
	}
	return kind
}

// classWords are the sorts of reasons that are public even where the reason is not.
func classWords(ctx context.Context, class string) string {
	switch class {
	case "spam":
		return t(ctx, "spam")
	case "legal":
		return t(ctx, "an order of a court or an authority")
	case "harassment":
		return t(ctx, "harassment")
	case "illegal":
		return t(ctx, "against the law")
	case "safety":
		return t(ctx, "safety")
	case "rules":
		return t(ctx, "against our rules")
	case "other":
		return t(ctx, "another reason")
	}
	return class
}

// reasonWords translate the reasons that the program itself gives.
func reasonWords(ctx context.Context, reason string) string {
	switch reason {
	case "membership ended":
		return t(ctx, "the membership ended")
	case "term over":
		return t(ctx, "the term is over")
	case "the body was dissolved":
		return t(ctx, "the body was dissolved")
	case "enough members asked for it":
		return t(ctx, "enough members asked for it")
	case "it was urgent and not ratified":
		return t(ctx, "it was urgent and not ratified")
	case "nothing undoes it":
		return t(ctx, "nothing undoes it")
	case "not ratified", "not ratified in time":
		return t(ctx, "it was not ratified in time")
	case "invited":
		return t(ctx, "by invitation")
	case "second call":
		return t(ctx, "a second call, after there was no quorum")
	case "called in":
		return t(ctx, "members called the motion before it in")
	case "ratifies":
		return t(ctx, "what was urgent has to be ratified")
	case "emergency":
		return t(ctx, "something was done in an emergency")
	}
	return reason
}
