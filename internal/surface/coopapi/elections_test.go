package coopapi_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/election"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
)

// elect lets the members decide to hold an election, and returns its number.
func (w *world) elect(plan object) int64 {
	w.Helper()
	root, err := w.Mandate.Root(w.ctx, w.DB)
	w.ok(err)
	plan["body"] = root.ID
	w.decide(election.Hold, plan)
	list, err := w.Election.List(w.ctx, 0, 1)
	w.ok(err)
	if len(list) == 0 {
		w.Fatal("no election was announced")
	}
	return list[0].Number
}

// decide carries one effect with everybody's agreement.
func (w *world) decide(kind string, plan object) {
	w.Helper()
	args, err := json.Marshal(plan)
	w.ok(err)
	by := w.people[0].by
	m, err := w.Decision.Draft(w.ctx, by, decision.Drafting{Title: "An election", Effects: []decision.Proposed{{Option: -1, Stored: effect.Stored{Kind: kind, Args: args}}}})
	w.ok(err)
	_, err = w.Decision.Publish(w.ctx, by, m.ID)
	w.ok(err)
	m, err = w.Decision.Call(w.ctx, by, m.ID, decision.Calling{})
	w.ok(err)
	for _, p := range w.people {
		if _, err := w.Decision.Cast(w.ctx, p.by, m.ID, decision.Choice{Choice: decision.Agree}, ""); err != nil && !fault.Is(err, fault.Forbidden) {
			w.Fatal(err)
		}
	}
	w.wait(m.ClosesAt.Sub(w.clock.Now()))
	w.wait(2 * day)
	m, err = w.Decision.ByID(w.ctx, by, m.ID)
	w.ok(err)
	if m.Execution != decision.Done {
		w.Fatalf("the motion is %s, %s: %s", m.State, m.Execution, m.Cause)
	}
}

// officer gives a member an office with powers.
func (w *world) officer(p *person, powers ...string) {
	w.Helper()
	root, err := w.Mandate.Root(w.ctx, w.DB)
	w.ok(err)
	w.decide(mandate.Appoint, object{"body": root.ID, "member": p.by.Member, "office": "Returning officer", "powers": powers, "days": 100})
	coming, err := w.Mandate.Coming(w.ctx, w.DB)
	w.ok(err)
	for _, m := range coming {
		if m.Office == "Returning officer" && m.AcceptedAt.IsZero() {
			w.ok(w.Mandate.Accept(w.ctx, p.by, m.ID))
		}
	}
}

func (w *world) theElections() {
	nobody, fay, ann, ben, cem, dan := w.visitor(), w.people[0], w.people[1], w.people[2], w.people[3], w.join() // Eve is no more
	w.join()
	w.clock.Advance(31 * day)
	n := w.elect(object{"office": "Steward", "seats": 1, "powers": []string{member.Admit}, "days": 200, "text": "Look after the gate."})
	const one = "GET /elections/{number}"
	nobody.do("GET /elections", nil, "limit=1", nil).want(200).is("items.0.title", "Steward").is("items.0.state", "nominations").is("items.0.mode", "secret")
	nobody.do(one, at(n), "", nil).want(200).is("plan.office", "Steward").is("plan.powers.0", member.Admit).is("rules.method", "stv/scottish2007").is("origin", "decision")
	nobody.do(one, at(999), "", nil).refused(404, "not found")

	on := func(p *person, verb string, parts []any, body any) answer {
		p.Helper()
		return p.do("POST /elections/{number}/"+verb, append(at(n), parts...), "", body)
	}
	ann1 := on(ann, "nominations", nil, object{"statement": "I have a key."}).want(201).is("candidates.0.state", "standing").is("candidates.0.statement", "I have a key.").text("candidates.0.id")
	on(ann, "nominations", nil, object{}).refused(409, "conflict")
	ben1 := on(ann, "nominations", nil, object{"member": ben.by.Member.String()}).want(201).is("candidates.1.state", "asked").text("candidates.1.id")
	on(cem, "nominations/{id}/accept", []any{ben1}, object{}).refused(403, "forbidden")
	on(ben, "nominations/{id}/decline", []any{ben1}, nil).want(200).is("candidates.1.state", "declined")
	on(ben, "nominations/{id}/accept", []any{ben1}, object{"statement": "Well then."}).want(200).is("candidates.1.state", "standing")
	cem1 := on(cem, "nominations", nil, object{}).want(201).text("candidates.2.id")
	on(cem, "nominations/{id}/withdraw", []any{cem1}, nil).want(200).is("candidates.2.state", "withdrawn")
	on(dan, "nominations/{id}/endorse", []any{ann1}, nil).want(200).is("candidates.0.endorsements", "1")
	on(dan, "nominations/{id}/endorse", []any{"1"}, nil).refused(404, "not found")
	// The founder's mandate ended long ago: an officer is appointed to try the rulings.
	w.officer(fay, election.Strike, election.Restore, election.Prolong)
	on(dan, "nominations/{id}/strike", []any{ann1}, object{"reason": "no"}).refused(403, "forbidden")
	on(fay, "nominations/{id}/strike", []any{ann1}, object{"reason": "the key is lost"}).want(200).is("candidates.0.state", "struck")
	on(dan, "nominations/{id}/object", []any{ann1}, nil).want(200).is("candidates.0.objections", "1")
	on(fay, "nominations/{id}/restore", []any{ann1}, object{"reason": "it was found"}).want(200).is("candidates.0.state", "standing")
	on(fay, "prolong", nil, object{"days": 2, "reason": "a holiday"}).want(200)
	on(dan, "observe", nil, nil).want(200).is("observers.0.number", fmt.Sprint(dan.number))
	q := on(dan, "questions", nil, object{"text": "Who has the other key?"}).want(200).text("questions.0.id")
	on(ann, "questions/{id}/reply", []any{q}, object{"text": "Nobody."}).want(200).is("questions.0.replies.0.text", "Nobody.")

	e, err := w.Election.ByNumber(w.ctx, n)
	w.ok(err)
	w.wait(e.FinalAt.Sub(w.clock.Now()))
	w.wait(e.OpensAt.Sub(w.clock.Now()))
	dan.do("GET /elections/waiting", nil, "", nil).want(200).is("items.0.number", fmt.Sprint(n))
	open := dan.do(one, at(n), "", nil).want(200).is("state", "open").is("ballot.on_roll", "true").is("ballot.taken", "false")
	ballotID := open.text("ballot.id")
	question := nobody.do("GET /ballots/{id}", at(ballotID), "", nil).want(200).is("on_roll", "false").text("question")
	on(dan, "vote", nil, object{"rank": []int{1, 2}}).refused(409, "conflict")
	for _, p := range []*person{ann, ben, cem, dan, fay} {
		w.secretly(p, ballotID, question)
	}
	dan.do("GET /ballots/{id}/register", at(ballotID), "", nil).want(200)
	w.wait(e.ClosesAt.Sub(w.clock.Now()))
	nobody.do(one, at(n), "", nil).want(200).is("state", "counted").is("result.elected.0", "Member 2")
	nobody.do("GET /ballots/{id}", at(ballotID), "", nil).want(200).is("file", "https://coop.example/ballots/"+ballotID+"/file")

	w.sealedToTwo(ann, ben, cem, dan, fay)
	w.byName(dan)
}

// sealedToTwo is an election whose ballots two scrutineers open.
func (w *world) sealedToTwo(ann, ben, cem, dan, fay *person) {
	w.Helper()
	rule, err := w.Rulebook.ForElection(w.ctx, w.DB, true)
	w.ok(err)
	sealed := rule.Rule.ElectionIn()
	sealed.Scrutineers, sealed.Needed, sealed.Reveal = 2, 2, 3
	changed := rule.Rule
	changed.Election = &sealed
	w.decide("rule.adopt", object{"rule": changed})
	n := w.elect(object{"office": "Warden", "seats": 1, "days": 100})
	for _, p := range []*person{ann, ben} {
		p.do("POST /elections/{number}/nominations", at(n), "", object{}).want(201)
	}
	const one = "GET /elections/{number}"
	e, err := w.Election.ByNumber(w.ctx, n)
	w.ok(err)
	keys := map[*person][2]string{}
	for i, p := range []*person{cem, dan, fay} {
		private, public, err := ballotbox.ScrutineerKey(ballotbox.Code{byte(i)}, e.Ref().String())
		w.ok(err)
		keys[p] = [2]string{private.String(), public.String()}
		p.do("POST /elections/{number}/scrutineers", at(n), "", object{"key": public.String()}).want(200).is("rules.scrutineers", "2")
	}
	cem.do("POST /elections/{number}/scrutineers", at(n), "", object{"key": "no key"}).refused(422, "invalid")
	ann.do("POST /elections/{number}/scrutineers", at(n), "", object{"key": keys[dan][1]}).refused(403, "forbidden")
	cem.do("POST /elections/{number}/scrutineers/withdraw", at(n), "", nil).want(200)
	if a := dan.do(one, at(n), "", nil).want(200); a.len("scrutineers") != 2 {
		w.Errorf("who offer to be scrutineers: %s", a.body)
	}
	w.wait(e.FinalAt.Sub(w.clock.Now()))
	w.wait(e.OpensAt.Sub(w.clock.Now()))
	ballotID := dan.do(one, at(n), "", nil).want(200).is("state", "open").is("scrutineers.1.place", "2").text("ballot.id")
	question := w.visitor().do("GET /ballots/{id}", at(ballotID), "", nil).want(200).text("question")
	for _, p := range []*person{ann, ben, cem} {
		w.secretly(p, ballotID, question)
	}
	dan.do("POST /elections/{number}/reveal", at(n), "", object{"key": keys[dan][0]}).refused(409, "conflict")
	w.wait(e.ClosesAt.Sub(w.clock.Now()))
	w.visitor().do("GET /ballots/{id}", at(ballotID), "", nil).want(200).is("sealed", "true")
	dan.do("POST /elections/{number}/reveal", at(n), "", object{"key": keys[fay][0]}).refused(422, "invalid")
	dan.do("POST /elections/{number}/reveal", at(n), "", object{"key": keys[dan][0]}).want(200).is("state", "sealed")
	fay.do("POST /elections/{number}/reveal", at(n), "", object{"key": keys[fay][0]}).want(200)
	w.wait(time.Second)
	w.visitor().do(one, at(n), "", nil).want(200).is("state", "counted").is("result.elected.0", "Member 2").is("scrutineers.0.revealed", "true")
}

// secretly votes for the first on the paper, the second time in another session without a token.
func (w *world) secretly(p *person, ballotID, question string) {
	p.Helper()
	q, err := ballotbox.ParseQuestion([]byte(question))
	w.ok(err)
	code, err := ballotbox.NewCode(rand.Reader)
	w.ok(err)
	request, err := code.Blind(q)
	w.ok(err)
	signed := p.do("POST /ballots/{id}/paper", at(ballotID), "", object{"blinded": base64.RawURLEncoding.EncodeToString(request.Blinded)}).want(200).text("signed")
	bytes, err := base64.RawURLEncoding.DecodeString(signed)
	w.ok(err)
	paper, err := request.Finish(bytes, nil)
	w.ok(err)
	b, err := code.Seal(q, paper, 1, ballotbox.Choice{Rank: []int{1, 0}})
	w.ok(err)
	p.do("POST /ballots/{id}/box", at(ballotID), "", string(b.JSON())).refused(422, "invalid")
	receipt := w.visitor().do("POST /ballots/{id}/box", at(ballotID), "", string(b.JSON())).want(200)
	hash, err := ballotbox.ParseHash(receipt.text("ballot"))
	w.ok(err)
	signature, err := base64.RawURLEncoding.DecodeString(receipt.text("receipt"))
	w.ok(err)
	w.ok(q.CheckReceipt(hash, signature))
}

// byName is an election whose rule asks for names.
func (w *world) byName(dan *person) {
	w.Helper()
	root, err := w.Mandate.Root(w.ctx, w.DB)
	w.ok(err)
	rule, err := w.Rulebook.ForElection(w.ctx, w.DB, true)
	w.ok(err)
	open := rule.Rule.ElectionIn()
	open.Secret, open.Scrutineers, open.Needed, open.Reveal = false, 0, 0, 0
	changed := rule.Rule
	changed.Election = &open
	w.decide("rule.adopt", object{"rule": changed})
	n := w.elect(object{"office": "Scribe", "body": root.ID, "seats": 1, "days": 100})
	for _, p := range w.people[1:3] {
		p.do("POST /elections/{number}/nominations", at(n), "", object{}).want(201)
	}
	e, err := w.Election.ByNumber(w.ctx, n)
	w.ok(err)
	w.wait(e.FinalAt.Sub(w.clock.Now()))
	w.wait(e.OpensAt.Sub(w.clock.Now()))
	w.people[3].do("POST /elections/{number}/vote", at(n), "", object{"rank": []int{0, 1}, "reason": "neat hand"}).want(200)
	dan.do("POST /elections/{number}/vote", at(n), "", object{"rank": []int{5, 1}}).refused(422, "invalid")
	dan.do("GET /elections/{number}/ballots", at(n), "", nil).want(200)
	w.wait(e.ClosesAt.Sub(w.clock.Now()))
	dan.do("GET /elections/{number}/ballots", at(n), "", nil).want(200).is("items.0.reason", "neat hand")
}
