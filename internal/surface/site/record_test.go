package site

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rochdale/internal/coop"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/moderation"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
	"rochdale/internal/webhook"
	"rochdale/internal/witness"
)

// refsOf finds people, as app's registry does: what else the record names it can name by itself.
func refsOf(s *Service) ref.Registry {
	return ref.Registry{
		"member": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			m, err := s.Member.Get(ctx, s.DB, i)
			if err != nil || m.Name == "" {
				return ref.Target{}, errNothing
			}
			v, err := s.memberView(ctx, m)
			return ref.Target{Title: m.Name, URL: v.Href}, err
		},
		"account": func(ctx context.Context, _ authz.Actor, i id.ID) (ref.Target, error) {
			a, err := s.Social.Account(ctx, s.DB, i)
			if err != nil {
				return ref.Target{}, err
			}
			return ref.Target{Title: "@" + a.Acct(), URL: "/@" + a.Acct()}, nil
		},
	}
}

type anything = map[string]any

func to(kind string, i id.ID) ref.Ref { return ref.Ref{Kind: kind, ID: i} }

// told puts an entry into a record and says it in words.
func (p *place) told(tb testing.TB, e record.Entry) string {
	tb.Helper()
	ctx := context.Background()
	var ev record.Event
	if err := p.DB.InDurableTx(ctx, func(tx *db.Tx) (err error) {
		ev, err = p.Record.Append(ctx, tx, e)
		return err
	}); err != nil {
		tb.Fatal(err)
	}
	v, err := p.teller(ctx, authz.Actor{}).entry(ev)
	if err != nil {
		tb.Fatal(err)
	}
	return plain(v.Sentence)
}

// Every kind of entry is a sentence. What a thing is called comes from the last state before it.
func TestEveryEntryIsASentence(t *testing.T) {
	t.Parallel()
	p, _ := fresh(t)
	mara := p.found(t)
	jun := p.admit(t, mara, "Jun Abe", "jun")
	m, j := to("member", mara.Member), to("member", jun.Member)
	decision, body, office, seat, rule, vote, comment, amendment, act := to("decision", 12), to("body", 21), to("mandate", 31), to("seat", 41), to("rule", 51), to("vote", 61), to("comment", 71), to("amendment", 81), to("emergency", 91)
	root, err := p.Mandate.Root(t.Context(), p.DB)
	if err != nil {
		t.Fatal(err)
	}
	under := authz.Authority{Kind: authz.Mandate, ID: office.ID}
	byDecision := authz.Authority{Kind: authz.Decision, ID: decision.ID}
	motion := func(more anything) anything {
		out := anything{"number": 7, "title": "Repaint the slip", "body": body.ID}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	held := anything{"member": jun.Member, "body": body.ID, "office": "Keeper", "to": "2027-06-01T00:00:00Z"}
	group := anything{"handle": "slip", "name": "Slipway", "kind": "working group"}
	sits := anything{"member": jun.Member, "body": body.ID}
	poll, box, race := to("election", 13), to("ballot", 14), anything{"number": 3, "title": "Treasurer"}
	said := map[string]bool{}
	for _, tc := range []struct {
		e    record.Entry
		want string
	}{
		{record.Entry{Kind: "coop.founded", Subject: to("coop", 1), Data: anything{"name": "Tideline"}}, "The co-op Tideline was founded."},
		{record.Entry{Kind: "body.formed", Subject: body, State: group}, "The body “Slipway” was formed."},
		{record.Entry{Kind: "act.body.create", Subject: to("body", root.ID), Member: m, Data: anything{"handle": "slip"}}, "Mara Okafor formed the body @slip below “General meeting”."},
		{record.Entry{Kind: "act.body.change", Subject: body, Authority: byDecision, State: group}, "A decision changed the body “Slipway”."},
		{record.Entry{Kind: "act.body.dissolve", Subject: body, Member: m}, "Mara Okafor dissolved the body “Slipway”."},
		{record.Entry{Kind: "act.body.seat", Subject: body, Member: m, Data: anything{"member": jun.Member}}, "Mara Okafor took Jun Abe into “Slipway”."},
		{record.Entry{Kind: "act.body.seat", Subject: body, Member: m, Data: anything{"member": jun.Member, "out": true}}, "Mara Okafor took Jun Abe out of “Slipway”."},
		{record.Entry{Kind: "seat.taken", Subject: seat, Member: j, State: sits}, "Jun Abe joined “Slipway”."},
		{record.Entry{Kind: "seat.given", Subject: seat, State: sits}, "Jun Abe was taken into “Slipway”."},
		{record.Entry{Kind: "seat.left", Subject: seat, Member: j, State: sits}, "Jun Abe left “Slipway”."},
		{record.Entry{Kind: "seat.ended", Subject: seat, State: sits}, "The seat of Jun Abe in “Slipway” ended."},
		{record.Entry{Kind: "act.mandate.appoint", Subject: body, Member: m, Data: anything{"member": jun.Member, "office": "Keeper"}}, "Mara Okafor appointed Jun Abe as Keeper of “Slipway”."},
		{record.Entry{Kind: "mandate.given", Subject: office, State: held}, "Jun Abe was given the office Keeper of “Slipway”, until 1 June 2027."},
		{record.Entry{Kind: "mandate.accepted", Subject: office, Member: j, State: held}, "Jun Abe accepted the office Keeper of “Slipway”."},
		{record.Entry{Kind: "mandate.declined", Subject: office, Member: j, State: held}, "Jun Abe declined the office Keeper of “Slipway”."},
		{record.Entry{Kind: "mandate.resigned", Subject: office, Member: j, State: held}, "Jun Abe gave back the office Keeper of “Slipway”."},
		{record.Entry{Kind: "act.mandate.recall", Subject: office, Authority: under, Member: m}, "Mara Okafor recalled Jun Abe from the office Keeper of “Slipway”."},
		{record.Entry{Kind: "mandate.recalled", Subject: office, State: held}, "Jun Abe was recalled from the office Keeper of “Slipway”."},
		{record.Entry{Kind: "mandate.ended", Subject: office, State: held}, "The office of Jun Abe as Keeper of “Slipway” ended."},
		{record.Entry{Kind: "act.mandate.ratify", Subject: office, Member: m, State: held}, "Mara Okafor ratified the mandate of Jun Abe as Keeper of “Slipway”, until 1 June 2027."},
		{record.Entry{Kind: "act.act.ratify", Subject: ref.Ref{Kind: "act"}, Member: m}, "Mara Okafor ratified what was done in an emergency."},
		{record.Entry{Kind: "emergency.done", Subject: act, Data: anything{"power": "member.admit", "entry": 3}, State: anything{"due": "2027-06-01T00:00:00Z"}}, "Something was done before a decision (" + member.Powers()[0].What + "), and ends on 1 June 2027 unless it is ratified."},
		{record.Entry{Kind: "act.moderation.suspend", Subject: j, Member: m, Veil: &record.Veil{Class: "legal", Until: time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)}}, "Mara Okafor used a power in an emergency: moderation.suspend. What was done is published on 1 June 2027 at the latest."},
		{record.Entry{Kind: record.Published, Subject: j, Data: anything{"entry": 3}}, "What entry 3 kept back is published: it is about Jun Abe."},
		{record.Entry{Kind: "emergency.moved", Subject: act, Data: anything{"power": "x.y", "entry": 3}, State: anything{"due": "2027-06-01T00:00:00Z"}}, "What was done in an emergency ends on 1 June 2027, for the members can answer until then, or what it stands on ends: x.y."},
		{record.Entry{Kind: "emergency.refused", Subject: act, Data: anything{"power": "x.y", "entry": 3}}, "The members voted down what was done in an emergency: x.y."},
		{record.Entry{Kind: "emergency.ratified", Subject: act, Data: anything{"power": "x.y", "entry": 3}}, "What was done in an emergency was ratified: x.y."},
		{record.Entry{Kind: "emergency.undone", Subject: act, Data: anything{"power": "x.y", "entry": 3}}, "What was done in an emergency was undone, since it was not ratified in time: x.y."},
		{record.Entry{Kind: "emergency.review", Subject: act, Data: anything{"power": "x.y", "entry": 3}}, "What was done in an emergency was not ratified, and nothing undoes it; the members look at it: x.y."},
		{record.Entry{Kind: "rule.adopted", Subject: rule, State: anything{"rule": anything{"line": "crane", "title": "The crane"}}}, "The rule “The crane” came into force."},
		{record.Entry{Kind: "act.rule.adopt", Subject: rule, Member: m, Data: anything{"version": 2}}, "Mara Okafor put version 2 of the rule “The crane” in force."},
		{record.Entry{Kind: "act.rule.adopt", Subject: rule, Member: m, Data: anything{"version": 1, "ended": true}}, "Mara Okafor ended version 1 of the rule “The crane”."},
		{record.Entry{Kind: "act.rule.repeal", Subject: rule, Member: m, Data: anything{"version": 1, "ended": true}}, "Mara Okafor repealed the rule “The crane”."},
		{record.Entry{Kind: "decision.published", Subject: decision, Member: m, State: motion(nil)}, "Mara Okafor published motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.published", Subject: decision, State: motion(nil)}, "A rule put motion 7 “Repaint the slip” to the members."},
		{record.Entry{Kind: "decision.edited", Subject: decision, Member: m, State: motion(nil)}, "Mara Okafor changed motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.seconded", Subject: decision, Member: j}, "Jun Abe seconded motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.petitioned", Subject: decision, Member: j}, "Jun Abe signed the petition for motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.commented", Subject: comment, Member: j, Data: anything{"decision": decision.ID}}, "Jun Abe commented on motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.amendment-proposed", Subject: amendment, Member: j, Data: anything{"decision": decision.ID}}, "Jun Abe proposed an amendment to motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.amendment-accepted", Subject: decision, Member: m, State: motion(nil)}, "Mara Okafor accepted an amendment to motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.amendment-declined", Subject: decision, Member: m, State: motion(nil)}, "Mara Okafor declined an amendment to motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.amendment-withdrawn", Subject: decision, Member: j, State: motion(nil)}, "Jun Abe withdrew an amendment to motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.called", Subject: decision, Member: m, State: motion(nil)}, "Mara Okafor called the vote on motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.called", Subject: decision, State: motion(nil)}, "The vote on motion 7 “Repaint the slip” was called."},
		{record.Entry{Kind: "decision.opened", Subject: decision, Data: anything{"roll": 1}, State: motion(nil)}, "Voting opened on motion 7 “Repaint the slip”, with 1 member on the roll."},
		{record.Entry{Kind: "decision.opened", Subject: decision, Data: anything{"roll": 1200}, State: motion(nil)}, "Voting opened on motion 7 “Repaint the slip”, with 1,200 members on the roll."},
		{record.Entry{Kind: "decision.voted", Subject: vote, Member: j, Data: anything{"decision": decision.ID, "version": 1}, Private: anything{"choice": "agree"}}, "Jun Abe voted on motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.voted", Subject: vote, Member: j, Data: anything{"decision": decision.ID, "version": 2}}, "Jun Abe changed their vote on motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.extended", Subject: decision, Member: m, State: motion(anything{"closes": "2027-02-03T10:00:00Z"})}, "Mara Okafor extended the voting on motion 7 “Repaint the slip” until 3 February 2027."},
		{record.Entry{Kind: "decision.reminded", Subject: decision, State: motion(nil)}, "Those who had not voted on motion 7 “Repaint the slip” were reminded."},
		{record.Entry{Kind: "decision.counted", Subject: decision, Data: anything{"outcome": "no quorum"}, State: motion(nil)}, "The votes on motion 7 “Repaint the slip” were counted: no quorum."},
		{record.Entry{Kind: "decision.call-in-asked", Subject: decision, Member: j}, "Jun Abe asked for motion 7 “Repaint the slip” to be called in."},
		{record.Entry{Kind: "decision.called-in", Subject: decision, State: motion(nil)}, "Members called in motion 7 “Repaint the slip”: it goes to the general meeting."},
		{record.Entry{Kind: "decision.in-force", Subject: decision, State: motion(nil)}, "What was decided with motion 7 “Repaint the slip” came into force."},
		{record.Entry{Kind: "decision.executed", Subject: decision, Data: anything{"effects": 2}, State: motion(nil)}, "The changes that motion 7 “Repaint the slip” carried were made: 2."},
		{record.Entry{Kind: "decision.executed", Subject: decision, Data: anything{"effects": 0}, State: motion(nil)}, "Nothing had to be changed for motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.stale", Subject: decision, State: motion(nil)}, "The changes that motion 7 “Repaint the slip” carried were not made: what they were to change had changed."},
		{record.Entry{Kind: "decision.failed", Subject: decision, State: motion(nil)}, "The changes that motion 7 “Repaint the slip” carried could not be made."},
		{record.Entry{Kind: "decision.rescinded", Subject: decision, State: motion(nil)}, "What was decided with motion 7 “Repaint the slip” was rescinded."},
		{record.Entry{Kind: "decision.withdrawn", Subject: decision, Member: m, State: motion(nil)}, "Mara Okafor withdrew motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.stated", Subject: decision, Member: m, State: motion(nil)}, "Mara Okafor stated the outcome of motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.review-due", Subject: decision, State: motion(nil)}, "It is time to review motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.reviewed", Subject: decision, Member: j, State: motion(nil)}, "Jun Abe reviewed motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "decision.settled", Subject: decision, State: motion(nil)}, "Nothing more is due for motion 7 “Repaint the slip”."},
		{record.Entry{Kind: "act.body.change", Subject: body, Authority: byDecision, State: group}, "Decision 7 changed the body “Slipway”."},
		{record.Entry{Kind: "member.joined", Subject: j, Member: m, Data: anything{"number": 2}}, "Jun Abe joined as member 2, invited by Mara Okafor."},
		{record.Entry{Kind: "member.joined", Subject: j, Data: anything{"number": 2}}, "Jun Abe joined as member 2."},
		{record.Entry{Kind: "member.attested", Subject: j, Data: anything{"number": 2}}, "Jun Abe is member 2, as an earlier register says."},
		{record.Entry{Kind: "member.resigned", Subject: j, Member: j, Data: anything{"number": 2}}, "Jun Abe left the co-op."},
		{record.Entry{Kind: "member.lapsed", Subject: j, Data: anything{"number": 2}}, "The membership of Jun Abe lapsed."},
		{record.Entry{Kind: "member.erased", Subject: to("member", 99), Data: anything{"number": 5}, State: anything{"number": 5}}, "The personal data of member 5 was deleted."},
		{record.Entry{Kind: "member.lapsed", Subject: to("member", 99), Data: anything{"number": 5}}, "The membership of member 5 lapsed."},
		{record.Entry{Kind: "register.imported", Member: m, Data: anything{"added": 30}}, "Mara Okafor took over an earlier register: 30 members."},
		{record.Entry{Kind: "act.member.admit", Subject: j, Member: m, Data: anything{"decision": "accepted", "number": 2}}, "Mara Okafor accepted an application: Jun Abe is member 2."},
		{record.Entry{Kind: "act.member.admit", Subject: to("application", 5), Member: m, Data: anything{"decision": "declined"}}, "Mara Okafor declined an application for membership."},
		{record.Entry{Kind: "act.member.admit", Subject: to("application", 5), Member: m, Data: anything{"decision": "waiting"}}, "Mara Okafor took up a declined application again."},
		{record.Entry{Kind: "act.member.enrol", Subject: j, Via: authz.Operator, Authority: authz.Authority{Kind: authz.Operate}, Data: anything{"decision": "enrolled", "number": 2}}, "The operator enrolled Jun Abe as member 2."},
		{record.Entry{Kind: "act.member.enrol", Subject: to("register", 1), Member: m, Data: anything{"decision": "imported", "added": 1}}, "Mara Okafor admitted 1 member from an earlier register."},
		{record.Entry{Kind: "act.member.ask", Subject: to("register", 1), Member: m, Data: anything{"decision": "questions"}}, "Mara Okafor changed what applicants are asked."},
		{record.Entry{Kind: "act.member.admit", Subject: j, Member: m, Data: anything{"decision": "died"}}, "Mara Okafor recorded the death of Jun Abe."},
		{record.Entry{Kind: "act.member.suspend", Subject: j, Member: m, Data: anything{"until": "2027-06-01T00:00:00Z"}}, "Mara Okafor suspended the rights of Jun Abe until 1 June 2027."},
		{record.Entry{Kind: "act.member.suspend", Subject: j, Member: m}, "Mara Okafor suspended the rights of Jun Abe."},
		{record.Entry{Kind: "act.member.expel", Subject: j, Authority: byDecision, Data: anything{"ended": "expelled"}}, "Decision 7 expelled Jun Abe."},
		{record.Entry{Kind: "act.member.expel", Subject: j, Member: m, Data: anything{"ended": "resigned"}}, "Mara Okafor ended the membership of Jun Abe again."},
		{record.Entry{Kind: "act.member.reinstate", Subject: j, Member: m, Data: anything{"from": "suspended"}}, "Mara Okafor gave Jun Abe all rights back."},
		{record.Entry{Kind: "act.member.reinstate", Subject: j, Member: m, Data: anything{"from": "ended"}}, "Mara Okafor took Jun Abe back as a member."},
		{record.Entry{Kind: "act.coop.describe", Subject: to("coop", 1), Member: m}, "Mara Okafor changed what the co-op says about itself."},
		{record.Entry{Kind: "act.coop.publish", Subject: to("coop", 1), Authority: byDecision}, "Decision 7 published a statement in the co-op’s name."},
		{record.Entry{Kind: "act.moderation.block", Subject: to("domain", 5), Member: m, Data: anything{"domain": "bad.example", "level": "block"}}, "Mara Okafor blocked the server bad.example."},
		{record.Entry{Kind: "act.moderation.block", Subject: to("domain", 5), Member: m, Data: anything{"domain": "bad.example", "level": "limit"}}, "Mara Okafor limited the server bad.example."},
		{record.Entry{Kind: "act.moderation.block", Subject: to("domain", 5), Authority: authz.Authority{Kind: authz.Lapse, ID: 3}, Data: anything{"domain": "bad.example", "level": "none"}}, "The end of the time to ratify freed the server bad.example from every limit."},
		{record.Entry{Kind: "act.moderation.suspend", Subject: to("account", jun.Account), Member: m, Data: anything{"level": "suspend", "class": "spam"}}, "Mara Okafor suspended @jun."},
		{record.Entry{Kind: "act.moderation.suspend", Subject: to("account", 5), Member: m, Data: anything{"level": "limit", "account": "@a@b.example"}}, "Mara Okafor limited @a@b.example."},
		{record.Entry{Kind: "act.moderation.suspend", Subject: to("account", 5), Member: m, Data: anything{"level": "none"}}, "Mara Okafor freed an account from every limit."},
		{record.Entry{Kind: "act.webhook.manage", Subject: to("webhook", 5), Member: m, Data: anything{"change": "added", "host": "hook.example"}}, "Mara Okafor lets events be sent to hook.example."},
		{record.Entry{Kind: "act.webhook.manage", Subject: to("webhook", 5), Member: m, Data: anything{"change": "removed", "host": "hook.example"}}, "Mara Okafor stopped the sending of events to hook.example."},
		{record.Entry{Kind: "act.webhook.manage", Subject: to("webhook", 5), Member: m, Data: anything{"change": "enabled", "host": "hook.example"}}, "Mara Okafor lets events be sent to hook.example again."},
		{record.Entry{Kind: "election.announced", Subject: poll, State: race}, "An election was announced: “Treasurer”."},
		{record.Entry{Kind: "election.widened", Subject: poll, State: race}, "More seats fell vacant and are put up with the others: “Treasurer”."},
		{record.Entry{Kind: "election.waits", Subject: poll, State: race}, "A vacant seat waits until another election for the office is over: “Treasurer”."},
		{record.Entry{Kind: "election.vacant", Subject: poll, Data: anything{"cause": "its term ends soon"}, State: race}, "A seat stays vacant: “Treasurer” (its term ends soon)."},
		{record.Entry{Kind: "election.nominated", Subject: poll, Member: j, State: race}, "Jun Abe made a nomination: “Treasurer”."},
		{record.Entry{Kind: "election.accepted", Subject: poll, Member: j, State: race}, "Jun Abe stands: “Treasurer”."},
		{record.Entry{Kind: "election.declined", Subject: poll, Member: j, State: race}, "Jun Abe declined a nomination: “Treasurer”."},
		{record.Entry{Kind: "election.withdrawn", Subject: poll, Member: j, State: race}, "Jun Abe stands no more: “Treasurer”."},
		{record.Entry{Kind: "election.endorsed", Subject: poll, Member: j, State: race}, "Jun Abe endorsed a candidate: “Treasurer”."},
		{record.Entry{Kind: "election.objected", Subject: poll, Member: j, State: race}, "Jun Abe objected to a ruling: “Treasurer”."},
		{record.Entry{Kind: "election.observed", Subject: poll, Member: j, State: race}, "Jun Abe observes an election: “Treasurer”."},
		{record.Entry{Kind: "election.struck", Subject: poll, State: race}, "A nomination was ruled out: “Treasurer”."},
		{record.Entry{Kind: "election.restored", Subject: poll, State: race}, "A nomination was restored: “Treasurer”."},
		{record.Entry{Kind: "election.prolonged", Subject: poll, Member: m, State: race}, "Mara Okafor prolonged an election: “Treasurer”."},
		{record.Entry{Kind: "election.extended", Subject: poll, State: race}, "Nominations were extended, as too few stood: “Treasurer”."},
		{record.Entry{Kind: "election.final", Subject: poll, State: race}, "The list of candidates became final: “Treasurer”."},
		{record.Entry{Kind: "election.opened", Subject: poll, Data: anything{"roll": 40}, State: race}, "Voting opened: “Treasurer”, with 40 members on the roll."},
		{record.Entry{Kind: "election.voted", Subject: to("named-ballot", 6), Member: j}, "Jun Abe voted by name in an election."},
		{record.Entry{Kind: "election.counted", Subject: poll, Data: anything{"elected": []id.ID{jun.Member, mara.Member}}, State: race}, "An election was counted: “Treasurer”. Elected: Jun Abe, Mara Okafor."},
		{record.Entry{Kind: "election.offered", Subject: poll, State: race}, "The office was offered to an elected member: “Treasurer”."},
		{record.Entry{Kind: "election.vacated", Subject: poll, State: race}, "An elected member does not hold the office any more: “Treasurer”."},
		{record.Entry{Kind: "election.counted-back", Subject: poll, Data: anything{"elected": []id.ID{jun.Member}}, State: race}, "A vacancy was filled from the same ballots: “Treasurer”. Elected: Jun Abe."},
		{record.Entry{Kind: "election.filled", Subject: poll, State: race}, "An election was completed: “Treasurer”."},
		{record.Entry{Kind: "election.settled", Subject: poll, State: race}, "An election was completed: “Treasurer”."},
		{record.Entry{Kind: "election.failed", Subject: poll, State: anything{"number": 3, "title": "Treasurer", "cause": "nobody stands"}}, "An election failed: “Treasurer” (nobody stands)."},
		{record.Entry{Kind: "election.cancelled", Subject: poll, State: race}, "An election was called off: “Treasurer”."},
		{record.Entry{Kind: "ballot.opened", Subject: box, State: anything{"vote": poll.String()}}, "A secret ballot was opened with a key of its own: “Treasurer”."},
		{record.Entry{Kind: "ballot.closed", Subject: box, Data: anything{"papers": 31}, State: anything{"vote": poll.String(), "ballots": 30}}, "A secret ballot was closed and its keys erased: “Treasurer”. 31 papers were given out, 30 ballots were in the box."},
		{record.Entry{Kind: "election.scrutineer-offered", Subject: poll, Member: j, State: race}, "Jun Abe offers to be a scrutineer: “Treasurer”."},
		{record.Entry{Kind: "election.scrutineer-withdrew", Subject: poll, Member: j, State: race}, "Jun Abe does not offer to be a scrutineer any more: “Treasurer”."},
		{record.Entry{Kind: "election.wants-scrutineers", Subject: poll, State: race}, "Voting was put off, as too few offered to be scrutineers: “Treasurer”."},
		{record.Entry{Kind: "election.scrutineers", Subject: poll, Data: anything{"drawn": []id.ID{jun.Member}}, State: race}, "Scrutineers were drawn by lot: “Treasurer”. They are: Jun Abe."},
		{record.Entry{Kind: "election.sealed", Subject: poll, State: race}, "Voting closed, and the scrutineers have to open the ballots: “Treasurer”."},
		{record.Entry{Kind: "ballot.revealed", Subject: box, Member: j, State: anything{"vote": poll.String()}}, "Jun Abe, a scrutineer, revealed the key to the sealed ballots: “Treasurer”."},
		{record.Entry{Kind: "ballot.unsealed", Subject: box, State: anything{"vote": poll.String()}}, "The scrutineers’ keys opened the sealed ballots, and they were counted: “Treasurer”."},
		{record.Entry{Kind: "ballot.void", Subject: box, State: anything{"vote": poll.String()}}, "A secret ballot was not counted: its keys were erased and its ballots destroyed unread: “Treasurer”."},
		{record.Entry{Kind: "act.witness.serve", Subject: ref.Ref{Kind: "witness"}, Authority: byDecision, Data: anything{"host": "b.example"}}, "Decision 7 lets us witness the secret votes of b.example."},
		{record.Entry{Kind: "act.witness.cease", Subject: ref.Ref{Kind: "witness"}, Authority: byDecision, Data: anything{"host": "b.example"}}, "Decision 7 ended our witnessing of the secret votes of b.example."},
		{record.Entry{Kind: "act.witness.engage", Subject: ref.Ref{Kind: "witness"}, Authority: byDecision, Data: anything{"host": "b.example"}}, "Decision 7 asked b.example to witness our secret votes."},
		{record.Entry{Kind: "act.witness.dismiss", Subject: ref.Ref{Kind: "witness"}, Authority: byDecision, Data: anything{"host": "b.example"}}, "Decision 7 asked b.example no more to witness our secret votes."},
		{record.Entry{Kind: "witness.serving", Subject: to("witness", 8), Data: anything{"host": "b.example"}}, "We witness the secret votes of b.example."},
		{record.Entry{Kind: "witness.ceased", Subject: to("witness", 8), Data: anything{"host": "b.example"}}, "We witness the secret votes of b.example no more."},
		{record.Entry{Kind: "witness.engaged", Subject: to("witness", 8), Data: anything{"host": "b.example"}}, "b.example is asked to witness our secret votes."},
		{record.Entry{Kind: "witness.dismissed", Subject: to("witness", 8), Data: anything{"host": "b.example"}}, "b.example is asked no more to witness our secret votes."},
		{record.Entry{Kind: "witness.opened", Subject: to("witness", 9), Data: anything{"coop": "b.example"}}, "A secret vote of b.example is witnessed, with a key of its own: an agreement on witnessing."},
		{record.Entry{Kind: "witness.closed", Subject: to("witness", 9), Data: anything{"coop": "b.example", "papers": 1}}, "A secret vote of b.example closed, and our key of it was erased: an agreement on witnessing. We signed 1 paper."},
		{record.Entry{Kind: "act.election.hold", Subject: body, Authority: byDecision}, "Decision 7 held an election in “Slipway”."},
		{record.Entry{Kind: "act.election.call-off", Subject: poll, Authority: byDecision}, "Decision 7 called off the election “Treasurer”."},
		{record.Entry{Kind: "act.election.strike", Subject: to("candidate", 5), Member: m}, "Mara Okafor ruled a nomination out."},
		{record.Entry{Kind: "act.election.restore", Subject: to("candidate", 5), Member: m}, "Mara Okafor restored a nomination."},
		{record.Entry{Kind: "act.election.prolong", Subject: poll, Member: m, Data: anything{"days": 2}}, "Mara Okafor prolonged the election “Treasurer” by 2 days."},
		{record.Entry{Kind: "operator.token.made", Subject: to("account", jun.Account), Via: authz.Operator}, "The operator made an access token for @jun."},
		{record.Entry{Kind: "act.crane.lift", Member: m}, "Mara Okafor used a power: crane.lift."},
		{record.Entry{Kind: "crane.lifted"}, "crane.lifted"},
		{record.Entry{Kind: "crane.\ue000lifted"}, "crane.\ue000lifted"},
	} {
		if got := p.told(t, tc.e); got != tc.want {
			t.Errorf("%s: %s", tc.e.Kind, cmp.Diff(tc.want, got))
		}
		said[tc.e.Kind] = true
	}
	for _, kind := range kinds(t) {
		if !said[kind] {
			t.Errorf("%s is written into the record somewhere, and has no sentence", kind)
		}
	}
}

// kinds are those that the source writes into the record, and the acts of all powers.
func kinds(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, p := range slices.Concat(mandate.Powers(), rulebook.Powers(), member.Powers(), moderation.Powers(), coop.Powers(), webhook.Powers(), election.Powers(), witness.Powers()) {
		out = append(out, "act."+p.Name)
	}
	whole, part := regexp.MustCompile(`record\.Entry\{Kind: "([a-z]+\.[a-z-]+)"`), regexp.MustCompile(`\bentry\("([a-z-]+[a-z])", by\)`)
	steps := regexp.MustCompile(`\b(?:itself\("([a-z-]+)"|by\("([a-z-]+)", a\))`) // of elections
	files, err := filepath.Glob("../../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range whole.FindAllStringSubmatch(string(b), -1) {
			out = append(out, m[1])
		}
		for _, m := range part.FindAllStringSubmatch(string(b), -1) {
			out = append(out, filepath.Base(filepath.Dir(name))+"."+m[1])
		}
		for _, m := range steps.FindAllStringSubmatch(string(b), -1) {
			out = append(out, "election."+m[1]+m[2])
		}
	}
	if len(out) < 60 {
		t.Fatalf("only %d kinds were found: the search has gone blind", len(out))
	}
	return out
}
