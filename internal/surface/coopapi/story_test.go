package coopapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
)

func describe(name string) object {
	return object{"kind": coop.Power, "args": object{"name": name, "description": "", "joining": "application", "conduct": ""}}
}

// Every operation of the document, done and answered as the document says.
func TestEveryOperation(t *testing.T) {
	inWorld(t, 5, func(t *testing.T, w *world) {
		w.theCoop()
		w.theRules()
		number := w.aMotion()
		w.theDiscussion()
		w.theBodies()
		w.theOtherSteps()
		w.theApplications()
		w.theInvitations()
		w.theElections()
		w.theRecord(number)
		for path, item := range w.spec.paths {
			for method, op := range item.(object) {
				for status := range op.(object)["responses"].(object) {
					if key := strings.ToUpper(method) + " " + path + " " + status; status[0] == '2' && !w.spec.tested[key] {
						t.Errorf("%s was not tried", key)
					}
				}
			}
		}
		if _, err := w.Record.Verify(w.ctx); err != nil {
			t.Errorf("the record: %v", err)
		}
	})
}

func (w *world) theCoop() {
	ann, nobody := w.people[1], w.visitor()
	a := nobody.do("GET /coop", nil, "", nil).want(200).is("name", "Garden Co-op").is("joining", "application").is("preset", "social-coop").is("counts.members", "5").is("counts.bodies", "1").is("counts.open_votes", "0")
	if a.len("conduct") != 4 || a.number("counts.record") < 5 || a.header.Get("Access-Control-Allow-Origin") != "*" {
		w.Errorf("the co-op: %s", a.body)
	}
	nobody.do("GET /members", nil, "", nil).want(200).is("items.0.name", "Fay Founder").is("items.0.username", "fay").is("items.4.number", "5")
	nobody.do("GET /members/{number}", at(2), "", nil).want(200).is("name", "Member 2").is("username", "m2")
	nobody.do("GET /members/{number}", at(99), "", nil).refused(404, "not found")
	me := ann.do("GET /members/me", nil, "", nil).want(200).is("number", "2").is("standing", "current").is("history.0.kind", "joined")
	if me.len("seats") != 0 || me.len("mandates") != 0 {
		w.Errorf("me: %s", me.body)
	}
	if founder := w.people[0].do("GET /members/me", nil, "", nil).want(200).is("mandates.0.state", "in force").is("offices.0.office", "Founder"); founder.text("mandates.0.source.kind") != "genesis" {
		w.Errorf("founder: %s", founder.body)
	}
}

func (w *world) theRules() {
	nobody, ann := w.visitor(), w.people[1]
	nobody.do("GET /rules", nil, "", nil).want(200).is("items.0.line", "ordinary").is("items.0.rule.threshold", "1/2").is("items.0.version", "1").is("items.0.words.0.name", "Governs")
	nobody.do("GET /rules/presets", nil, "limit=2", nil).want(200).is("items.0.name", "social-coop").is("items.1.name", "assembly")
	nobody.do("GET /rules/{line}", at("rules"), "", nil).want(200).is("items.0.source.kind", "genesis").is("items.0.rule.override", "19/20")
	nobody.do("GET /rules/{line}", at("nonsense"), "", nil).refused(404, "not found")
	kinds := nobody.do("GET /effects", nil, "", nil).want(200).is("items.0.kind", mandate.CreateBody)
	if kinds.len("items") < 12 || kinds.len("items.0.fields") < 6 {
		w.Errorf("effects: %s", kinds.body)
	}
	ann.do("POST /effects/check", nil, "", describe("Orchard Co-op")).want(200).is("before.0.text", "Garden Co-op").is("after.0.text", "Orchard Co-op").is("decides", "true").is("rule", "ordinary").is("target", "coop:1")
	ann.do("POST /effects/check", nil, "", describe("")).refused(422, "invalid").is("field", "name")
	ann.do("POST /effects/check", nil, "", object{"kind": "coop.nonsense"}).refused(422, "invalid")
	ann.do("POST /effects/check", nil, "", object{"kind": coop.Power, "args": object{"nonsense": 1}}).refused(422, "invalid")
	ann.do("POST /effects/check", nil, "", object{"kind": coop.Power, "body": "nobody"}).refused(422, "invalid").is("field", "body")
}

// aMotion goes the whole way, from the draft to the effect, and returns its number.
func (w *world) aMotion() int64 {
	nobody, ann, ben, cem := w.visitor(), w.people[1], w.people[2], w.people[3]
	draft := object{"title": "A better name", "text": "We call ourselves Orchard.", "effects": []object{describe("Orchard Co-op")}}
	a := ann.do("POST /decisions", nil, "", draft).want(201).is("state", "draft").is("phase", "draft").is("mover.number", "2").is("effects.0.after.0.text", "Orchard Co-op").is("effects.0.args.name", "Orchard Co-op")
	n := a.number("number")
	if got, want := a.header.Get("Location"), fmt.Sprintf("/api/coop/v1/decisions/%d", n); got != want {
		w.Errorf("it is at %s, want %s", got, want)
	}
	for who, want := range map[*person]int{nobody: 404, ben: 404, ann: 200} {
		who.do("GET /decisions/{number}", at(n), "", nil).want(want)
	}
	ann.do("GET /decisions", nil, "phase=draft", nil).want(200).is("items.0.number", fmt.Sprint(n))
	ben.do("PUT /decisions/{number}/collaborators/{member}", at(n, ben.number), "", nil).refused(404, "not found")
	ann.do("PUT /decisions/{number}/collaborators/{member}", at(n, ben.number), "", nil).want(204)
	ann.do("PUT /decisions/{number}/collaborators/{member}", at(n, 999), "", nil).refused(404, "not found")
	ben.do("GET /decisions/{number}/collaborators", at(n), "", nil).want(200).is("items.0.number", fmt.Sprint(ben.number))
	ben.do("PUT /decisions/{number}/collaborators/{member}", at(n, cem.number), "", nil).refused(409, "conflict")
	ann.do("DELETE /decisions/{number}/collaborators/{member}", at(n, ben.number), "", nil).want(204)
	ann.do("GET /decisions/{number}/collaborators", at(n), "", nil).want(200).is("items", "[]")
	ben.do("GET /decisions/{number}/collaborators", at(n), "", nil).refused(404, "not found")
	draft["text"] = "We call ourselves Orchard, from spring on."
	ann.do("PUT /decisions/{number}", at(n), "", draft).want(200).is("text_version", "2")
	ben.do("PUT /decisions/{number}", at(n), "", draft).refused(404, "not found")
	ann.do("POST /decisions/{number}/publish", at(n), "", nil).want(200).is("phase", "discussion")
	ann.do("POST /decisions/{number}/publish", at(n), "", nil).refused(409, "conflict")
	ben.do("PUT /decisions/{number}", at(n), "", draft).refused(403, "forbidden")
	nobody.do("GET /decisions/{number}/texts", at(n), "", nil).want(200).is("items.0.version", "2").is("items.1.text", "We call ourselves Orchard.")
	ben.do("POST /decisions/{number}/vote", at(n), "", object{"choice": "agree"}).refused(409, "conflict")
	ann.do("GET /decisions/{number}/votes", at(n), "", nil).refused(409, "conflict")
	ann.do("POST /decisions/{number}/call", at(n), "", object{"hours": 1}).refused(422, "invalid").is("field", "for")
	ann.do("POST /decisions/{number}/call", at(n), "", nil).want(200).is("state", "open").is("roll", "5").is("rule.rule.open_days", "6")
	ben.do("GET /decisions/waiting", nil, "", nil).want(200).is("items.0.number", fmt.Sprint(n))
	nobody.do("GET /decisions", nil, "phase=open&body=general-meeting", nil).want(200).is("items.0.title", "A better name")
	if got := nobody.do("GET /coop", nil, "", nil); got.number("counts.open_votes") != 1 {
		w.Errorf("open votes: %s", got.body)
	}
	w.vote(n)
	closes := ann.do("GET /decisions/{number}", at(n), "", nil).text("closes_at")
	late, err := time.Parse(time.RFC3339, closes)
	w.ok(err)
	late = late.Add(day)
	ann.do("POST /decisions/{number}/extend", at(n), "", object{"closes": late, "reason": ""}).refused(422, "invalid").is("field", "reason")
	ann.do("POST /decisions/{number}/extend", at(n), "", object{"closes": late, "reason": "A holiday."}).want(200).is("closes_at", late.Format(time.RFC3339))
	w.wait(7 * day)
	nobody.do("GET /decisions/{number}", at(n), "", nil).want(200).is("phase", "window").is("outcome", "carried").is("result.voted", "4").is("support.needed", "3")
	cem.do("POST /decisions/{number}/support", at(n), "", object{"kind": "call in"}).want(200).is("support.call_ins", "1")
	ann.do("POST /decisions/{number}/state", at(n), "", object{"text": "Orchard it is."}).want(200).is("statement", "Orchard it is.")
	w.wait(2 * day)
	nobody.do("GET /decisions/{number}", at(n), "", nil).want(200).is("phase", "in force").is("execution", "done").is("effects.0.title", "Change what the co-op says about itself")
	nobody.do("GET /coop", nil, "", nil).is("name", "Orchard Co-op")
	ben.do("POST /decisions/{number}/review", at(n), "", object{"finding": "All is well.", "next": w.clock.Now().Add(90 * day)}).want(200)
	undo := ben.do("POST /decisions/{number}/undo", at(n), "", nil).want(201).is("origin.number", fmt.Sprint(n)).is("origin.kind", "rescinds").is("effects.0.args.name", "Garden Co-op")
	ben.do("POST /decisions/{number}/withdraw", at(undo.number("number")), "", object{"reason": "A mistake."}).want(200).is("state", "withdrawn")
	return n
}

// vote votes on an open motion: three agree, one disagrees and changes the vote, the last stays away.
func (w *world) vote(n int64) {
	nobody, ann, ben := w.visitor(), w.people[1], w.people[2]
	ben.do("POST /decisions/{number}/vote", at(n), "", object{"choice": "block"}).refused(422, "invalid").is("field", "reason")
	ben.do("POST /decisions/{number}/vote", at(n), "", object{"choice": "perhaps"}).refused(422, "invalid")
	r := ben.do("POST /decisions/{number}/vote", at(n), "", object{"choice": "disagree", "reason": "I like gardens."}).want(200).is("version", "1").is("choice", "disagree")
	sum := sha256.Sum256([]byte(r.text("salt") + "\n" + r.text("paper")))
	if hex.EncodeToString(sum[:]) != r.text("digest") {
		w.Errorf("the receipt does not prove itself: %s", r.body)
	}
	nobody.do("GET /record/{seq}", at(r.number("record")), "", nil).want(200).is("kind", "decision.voted").is("state.digest", r.text("digest")).is("via", "api")
	ben.do("POST /decisions/{number}/vote", at(n), "", object{"choice": "abstain"}).want(200).is("version", "2")
	for _, p := range []*person{w.people[0], ann, w.people[4]} {
		p.do("POST /decisions/{number}/vote", at(n), "", object{"choice": "agree"}).want(200)
	}
	w.join().do("POST /decisions/{number}/vote", at(n), "", object{"choice": "agree"}).refused(403, "forbidden")
	ben.do("GET /decisions/{number}", at(n), "", nil).want(200).is("mine.on_roll", "true").is("mine.vote.choice", "abstain").is("result.voted", "4").is("votes", "4").is("choices.3", "block")
	if a := nobody.do("GET /decisions/{number}", at(n), "", nil).want(200); a.has("mine") || !a.has("result") {
		w.Errorf("a visitor sees %s", a.body)
	}
	votes := ann.do("GET /decisions/{number}/votes", at(n), "", nil).want(200)
	if votes.len("items") != 4 || strings.Contains(string(votes.body), "salt") {
		w.Errorf("votes: %s", votes.body)
	}
	if waiting := ben.do("GET /decisions/waiting", nil, "", nil).want(200); waiting.len("items") != 0 {
		w.Errorf("still waiting: %s", waiting.body)
	}
}

func (w *world) theDiscussion() {
	nobody, ann, ben := w.visitor(), w.people[1], w.people[2]
	n := ann.do("POST /decisions", nil, "", object{"title": "Where we meet", "text": "In the park.", "method": "choose", "settings": object{"options": []object{{"title": "Park"}, {"title": "Hall", "text": "It rains."}}}}).
		want(201).is("settings.max", "1").is("choices.1", "Hall").number("number")
	ann.do("POST /decisions/{number}/publish", at(n), "", nil).want(200)
	c := ben.do("POST /decisions/{number}/comments", at(n), "", object{"text": "And if it rains?"}).want(201).is("member.number", "3").text("id")
	ann.do("POST /decisions/{number}/comments", at(n), "", object{"text": "Then in the hall.", "parent": c}).want(201).is("parent", c)
	ann.do("POST /decisions/{number}/comments", at(n), "", object{"text": "What?", "parent": "12"}).refused(422, "invalid").is("field", "parent")
	for _, emoji := range decision.Emojis { // as the document has them
		ann.do("PUT /comments/{id}/reactions/{emoji}", at(c, emoji), "", nil).want(204)
	}
	ann.do("DELETE /comments/{id}/reactions/{emoji}", at(c, "🎉"), "", nil).want(204)
	ann.do("PUT /comments/{id}/reactions/{emoji}", at(c, "x"), "", nil).refused(422, "invalid").is("field", "emoji")
	ben.do("PUT /comments/{id}", at(c), "", object{"text": "And if it rains, or snows?"}).want(204)
	ben.do("PUT /comments/{id}", at(c), "", object{"text": "  "}).refused(422, "invalid")
	ann.do("PUT /comments/{id}", at(c), "", object{"text": "Mine now."}).refused(404, "not found")
	list := ann.do("GET /decisions/{number}/comments", at(n), "", nil).want(200).is("items.0.text", "And if it rains, or snows?").is("items.0.reactions.0.mine", "true")
	if list.len("items.0.reactions") != len(decision.Emojis)-1 || !list.has("items.0.edited_at") {
		w.Errorf("comments: %s", list.body)
	}
	ben.do("DELETE /comments/{id}", at(c), "", nil).want(204)
	ann.do("GET /decisions/{number}/comments", at(n), "", nil).want(200).is("items.0.text", "").is("items.1.parent", c)
	nobody.do("GET /decisions/{number}/comments", at(n), "", nil).refused(401, "forbidden")

	a := ben.do("POST /decisions/{number}/amendments", at(n), "", object{"text": "In the hall.", "reason": "It is dry."}).want(201).is("state", "open").is("base", "1").text("id")
	ben.do("POST /amendments/{id}/answer", at(a), "", object{"answer": "accepted"}).refused(403, "forbidden")
	ann.do("POST /amendments/{id}/answer", at(a), "", object{"answer": "perhaps"}).refused(422, "invalid").is("field", "answer")
	ann.do("POST /amendments/{id}/answer", at(a), "", object{"answer": "accepted", "words": "Gladly."}).want(204)
	nobody.do("GET /decisions/{number}/amendments", at(n), "", nil).want(200).is("items.0.state", "accepted").is("items.0.answer", "Gladly.")
	nobody.do("GET /decisions/{number}", at(n), "", nil).want(200).is("text", "In the hall.")
	ann.do("POST /decisions/{number}/call", at(n), "", object{"hours": 160}).want(200)
	ann.do("POST /decisions/{number}/vote", at(n), "", object{"marks": []int{1}}).want(200).is("marks.0", "1")
	w.wait(7 * day)
	nobody.do("GET /decisions/{number}", at(n), "", nil).want(200).is("result.elected.0", "Hall")
}

func (w *world) theBodies() {
	nobody, fay, ann := w.visitor(), w.people[0], w.people[1]
	root := nobody.do("GET /bodies", nil, "", nil).want(200).is("items.0.handle", "general-meeting").is("items.0.domain.0", "*").text("items.0.id")
	w.carry(object{"kind": mandate.CreateBody, "args": object{"parent": root, "kind": "working group", "handle": "beds", "name": "Beds", "aim": "Dig.", "domain": []string{"member.admit"}, "seats": 2, "joining": "open"}})
	nobody.do("GET /bodies", nil, "", nil).want(200).is("items.1.parent", "general-meeting").is("items.1.seats", "2")
	ann.do("POST /bodies/{handle}/join", at("beds"), "", nil).want(200).is("members.0.number", "2")
	ann.do("POST /bodies/{handle}/join", at("beds"), "", nil).refused(409, "conflict")
	ann.do("POST /bodies/{handle}/join", at("general-meeting"), "", nil).refused(403, "forbidden")
	ann.do("POST /bodies/{handle}/join", at("nobody"), "", nil).refused(404, "not found")
	ann.do("GET /members/me", nil, "", nil).want(200).is("seats.0.body.handle", "beds")
	beds := nobody.do("GET /bodies/{handle}", at("beds"), "", nil).want(200).is("kind", "working group").text("id")

	w.carry(object{"kind": mandate.Appoint, "args": object{"body": beds, "member": ann.by.Member.String(), "office": "Digger", "powers": []string{"member.admit"}, "days": 100}})
	offer := ann.do("GET /members/me", nil, "", nil).want(200).is("mandates.0.state", "offered")
	m := offer.text("mandates.0.id")
	fay.do("POST /mandates/{id}/accept", at(m), "", nil).refused(403, "forbidden")
	ann.do("POST /mandates/{id}/accept", at(m), "", nil).want(200).is("state", "in force")
	if d := nobody.do("GET /mandates", nil, "", nil).want(200).is("items.1.office", "Digger").is("items.1.source.kind", "decision"); d.number("items.1.source.decision") == 0 {
		w.Errorf("mandates: %s", d.body)
	}
	held := false
	for _, p := range nobody.do("GET /powers", nil, "", nil).want(200).at("items").([]any) {
		for _, h := range p.(object)["holders"].([]any) {
			held = held || p.(object)["name"] == "member.admit" && h.(object)["office"] == "Digger"
		}
		if p.(object)["reserved"] == true && len(p.(object)["holders"].([]any)) > 0 {
			w.Errorf("a reserved power is held: %v", p)
		}
	}
	if !held {
		w.Error("the power of the digger is not shown")
	}
	nobody.do("GET /members/{number}", at(2), "", nil).want(200).is("offices.0.body.handle", "beds")
	ann.do("POST /bodies/{handle}/handovers", at("beds"), "", object{"office": "Digger", "text": "The key to the shed."}).want(204)
	fay.do("POST /bodies/{handle}/handovers", at("beds"), "", object{"office": "Digger", "text": "Mine."}).refused(403, "forbidden")
	fay.do("GET /bodies/{handle}/handovers", at("beds"), "", nil).refused(403, "forbidden")
	item := ann.do("GET /bodies/{handle}/handovers", at("beds"), "", nil).want(200).is("items.0.text", "The key to the shed.").is("items.0.by.number", "2").text("items.0.id")
	ann.do("POST /handovers/{id}/done", at(item), "", nil).want(204)
	if a := ann.do("GET /bodies/{handle}/handovers", at("beds"), "", nil).want(200); !a.has("items.0.done_at") {
		w.Errorf("not handed over: %s", a.body)
	}
	ann.do("POST /handovers/{id}/done", at(12), "", nil).refused(404, "not found")
	ann.do("POST /mandates/{id}/resign", at(m), "", object{"reason": "My back."}).want(200).is("ended_by", "resigned")
	ann.do("POST /mandates/{id}/resign", at(m), "", nil).refused(409, "conflict")
	ann.do("POST /bodies/{handle}/leave", at("beds"), "", nil).want(200)
	ann.do("POST /bodies/{handle}/leave", at("beds"), "", nil).refused(404, "not found")

	w.ok(w.Coop.Describe(w.ctx, authz.Actor{Via: authz.Operator}, coop.Description{Name: "Shell Co-op", Joining: "application"}, "a test"))
	e := nobody.do("GET /emergencies", nil, "", nil).want(200).is("items.0.power", coop.Power).is("items.0.authority.kind", "operator").is("items.0.undoable", "true").is("items.0.reason", "a test")
	ann.do("POST /emergencies/{id}/ratify", at(e.text("items.0.id")), "", nil).refused(403, "forbidden")
	fay.do("POST /emergencies/{id}/ratify", at(e.text("items.0.id")), "", object{"reason": "It was needed."}).want(204)
	if left := nobody.do("GET /emergencies", nil, "", nil).want(200); left.len("items") != 0 {
		w.Errorf("emergencies: %s", left.body)
	}
}

// carry makes a decision with one effect, by the votes of the first three.
func (w *world) carry(effect object) {
	fay := w.people[0]
	n := fay.do("POST /decisions", nil, "", object{"title": "Do it", "effects": []object{effect}}).want(201).number("number")
	fay.do("POST /decisions/{number}/publish", at(n), "", nil).want(200)
	fay.do("POST /decisions/{number}/call", at(n), "", nil).want(200)
	for _, p := range []*person{fay, w.people[2], w.people[3]} {
		p.do("POST /decisions/{number}/vote", at(n), "", object{"choice": "agree"}).want(200)
	}
	w.wait(6 * day)
	w.wait(2 * day)
	fay.do("GET /decisions/{number}", at(n), "", nil).want(200).is("execution", "done")
}

func (w *world) theOtherSteps() {
	ann, ben := w.people[1], w.people[2]
	n := ann.do("POST /decisions", nil, "", object{"title": "A bench", "petition": true}).want(201).is("petition", "true").number("number")
	ann.do("POST /decisions/{number}/publish", at(n), "", nil).want(200).is("support.needed", "1")
	ann.do("POST /decisions/{number}/call", at(n), "", nil).refused(409, "conflict")
	ben.do("POST /decisions/{number}/support", at(n), "", object{"kind": "petition", "reason": "My feet."}).want(200).is("state", "open").is("support.petitioners.0.number", "3")
	w.wait(7 * day)
	ann.do("GET /decisions/{number}", at(n), "", nil).want(200).is("phase", "closed")
	again := ben.do("POST /decisions/{number}/reopen", at(n), "", nil).want(201).is("title", "A bench").is("origin.kind", "reopens").is("origin.number", fmt.Sprint(n))
	if again.header.Get("Location") == "" {
		w.Error("a motion that is put again has no address")
	}
	n = ann.do("POST /decisions", nil, "", object{"title": "Not now"}).want(201).number("number")
	ann.do("POST /decisions/{number}/withdraw", at(n), "", nil).want(200).is("state", "withdrawn")
}

func (w *world) theApplications() {
	fay, ann := w.people[0], w.people[1]
	apply := func(name string) string {
		a, err := w.Member.Apply(w.ctx, member.Joining{Name: name, Username: strings.ToLower(name), Email: name + "@mail.example", Password: "correct horse battery", Answer: "I like beds."})
		w.ok(err)
		return a.ID.String()
	}
	first, second := apply("Gus"), apply("Hal")
	ann.do("GET /applications", nil, "", nil).refused(403, "forbidden")
	fay.do("GET /applications", nil, "", nil).want(200).is("items.0.name", "Gus").is("items.0.answers.0.answer", "I like beds.").is("items.1.username", "hal")
	ann.do("POST /applications/{id}/accept", at(first), "", nil).refused(403, "forbidden")
	fay.do("POST /applications/{id}/accept", at(first), "", object{"reason": "Welcome."}).want(200).is("name", "Gus").is("username", "gus")
	fay.do("POST /applications/{id}/accept", at(first), "", nil).refused(409, "conflict")
	fay.do("POST /applications/{id}/decline", at(second), "", object{"reason": ""}).refused(422, "invalid")
	fay.do("POST /applications/{id}/decline", at(second), "", object{"reason": "No beds are left."}).want(204)
}

func (w *world) theInvitations() {
	nobody, fay, ann, ben := w.visitor(), w.people[0], w.people[1], w.people[2]
	ann.do("GET /invitations", nil, "", nil).want(200).is("items", "[]")
	made := ann.do("POST /invitations", nil, "", object{"max_uses": 2, "note": "My neighbours"}).want(201).is("uses", "0").is("max_uses", "2").is("good", "true")
	if want := "https://coop.example/join?code=" + made.text("code"); made.text("link") != want {
		w.Errorf("the link is %s", made.text("link"))
	}
	ann.do("POST /invitations", nil, "", object{"max_uses": 21}).refused(422, "invalid").is("field", "max_uses")
	ann.do("POST /invitations", nil, "", object{}).want(201).is("max_uses", "1")
	ben.do("DELETE /invitations/{id}", at(made.text("id")), "", nil).refused(404, "not found")
	ann.do("DELETE /invitations/{id}", at(made.text("id")), "", nil).want(204)
	ann.do("GET /invitations", nil, "limit=1", nil).want(200).is("items.0.max_uses", "1")
	ann.do("GET /invitations", nil, "", nil).want(200).is("items.1.good", "false").is("items.1.note", "My neighbours")

	nobody.do("GET /applications/questions", nil, "", nil).want(200).is("items", "[]")
	ask := object{"questions": []string{"Which beds do you like?", "How many?"}, "reason": "To know."}
	ann.do("PUT /applications/questions", nil, "", ask).refused(403, "forbidden")
	first := fay.do("PUT /applications/questions", nil, "", ask).want(200).is("items.1.text", "How many?").text("items.1.id")
	fay.do("PUT /applications/questions", nil, "", ask).refused(409, "conflict")
	fay.do("PUT /applications/questions", nil, "", object{"questions": []string{"How many?"}}).want(200)
	nobody.do("GET /applications/questions", nil, "", nil).want(200).is("items.0.id", first)

	about := object{"name": "Orchard", "description": "We grow together.", "joining": "invitation", "conduct": []string{"Be kind.", "Share tools."}}
	ann.do("PUT /coop", nil, "", about).refused(403, "forbidden")
	fay.do("PUT /coop", nil, "", about).want(200).is("name", "Orchard").is("conduct.1", "Share tools.").is("joining", "invitation")

	lost := w.people[4] // who has not been here for a month
	fay.do("POST /members/{number}/died", at(w.join().number), "", nil).refused(409, "conflict")
	ann.do("POST /members/{number}/died", at(lost.number), "", nil).refused(403, "forbidden")
	fay.do("POST /members/{number}/died", at(lost.number), "", object{"reason": "We miss Eve."}).want(200).is("ended", "died").is("former", "true")
	fay.do("POST /members/{number}/died", at(999), "", nil).refused(404, "not found")
}

func (w *world) theRecord(number int64) {
	nobody := w.visitor()
	m, err := w.Decision.Get(w.ctx, authz.Actor{}, number)
	w.ok(err)
	nobody.do("GET /record/checkpoint", nil, "", nil).refused(404, "not found")
	if _, err := w.Record.Checkpoint(w.ctx); err != nil {
		w.Fatal(err)
	}
	list := nobody.do("GET /record", nil, "kind=decision.counted&limit=3", nil).want(200).is("items.0.kind", "decision.counted").is("items.0.via", "job")
	about := nobody.do("GET /record", nil, "subject=decision:"+m.ID.String(), nil).want(200)
	if list.len("items") != 3 || !list.has("next") || about.len("items") < 5 {
		w.Errorf("record: %s\n%s", list.body, about.body)
	}
	voted := nobody.do("GET /record", nil, "subject=decision:"+m.ID.String()+"&kind=decision.voted", nil).want(200)
	if voted.len("items") == 0 || voted.has("items.0.choice") {
		w.Errorf("the votes of motion %d: %s", m.Number, voted.body)
	}
	meeting := nobody.do("GET /record", nil, "body=general-meeting&kind=body.", nil).want(200)
	if meeting.len("items") != 2 { // it was formed, and decided to form a group
		w.Errorf("the general meeting: %s", meeting.body)
	}
	nobody.do("GET /record", nil, "body=general-meeting&kind=decision.voted", nil).want(200).is("items", "[]")
	nobody.do("GET /record", nil, "body=nowhere", nil).refused(422, "invalid").is("field", "body")
	nobody.do("GET /record", nil, "subject=nonsense", nil).refused(422, "invalid").is("field", "subject")
	nobody.do("GET /record", nil, "from=2027-01-04T09:00:00Z&until=2027-01-05T00:00:00Z&kind=coop.", nil).want(200).is("items.0.kind", "coop.founded")
	first := nobody.do("GET /record/{seq}", at(1), "", nil).want(200).is("kind", "coop.founded").is("prev", "").is("authority", "genesis:0")
	nobody.do("GET /record/{seq}", at(99999), "", nil).refused(404, "not found")

	// The hash is that of the leaf as the document says.
	at1, err := time.Parse(time.RFC3339, first.text("at"))
	w.ok(err)
	leaf := fmt.Sprintf("rochdale record v1\n1\n%d\n%s\n%s\n%s", at1.UnixMilli(), first.text("kind"), first.text("prev"), first.text("body"))
	if sum := sha256.Sum256([]byte(leaf)); hex.EncodeToString(sum[:]) != first.text("hash") {
		w.Errorf("the hash of entry 1 is not that of %q", leaf)
	}

	// The checkpoint is signed, in both forms, and the proofs lead to its root.
	cp := nobody.do("GET /record/checkpoint", nil, "", nil).want(200)
	plain := nobody.do("GET /record/checkpoint", nil, "", nil, "Accept", "text/plain").want(200)
	verifier, err := note.NewVerifier(cp.text("key"))
	w.ok(err)
	if n, err := note.Open(plain.body, note.VerifierList(verifier)); err != nil || string(plain.body) != cp.text("note") || !strings.HasPrefix(n.Text, "coop.example/record\n") {
		w.Errorf("the note %q: %v", plain.body, err)
	}
	size, root := cp.number("size"), hashed(w, cp.text("root"))
	proof := nobody.do("GET /record/proof/{seq}", at(1), "", nil).want(200).is("size", fmt.Sprint(size)).is("leaf", leaf)
	var path tlog.RecordProof
	for _, h := range proof.at("path").([]any) {
		path = append(path, hashed(w, h.(string)))
	}
	if err := tlog.CheckRecord(path, size, root, 0, tlog.RecordHash([]byte(leaf))); err != nil {
		w.Errorf("entry 1 is not in the record of the checkpoint: %v", err)
	}
	grown := nobody.do("GET /record/consistency", nil, fmt.Sprintf("from=5&to=%d", size), nil).want(200)
	var tree tlog.TreeProof
	for _, h := range grown.at("path").([]any) {
		tree = append(tree, hashed(w, h.(string)))
	}
	if err := tlog.CheckTree(tree, size, root, 5, hashed(w, grown.text("from_root"))); err != nil {
		w.Errorf("the record of five entries is not its beginning: %v", err)
	}
	nobody.do("GET /record/proof/{seq}", at(7), "size=5", nil).refused(422, "invalid").is("field", "size")
	nobody.do("GET /record/consistency", nil, "from=5", nil).refused(422, "invalid").is("field", "to")
}

func hashed(tb testing.TB, text string) (h tlog.Hash) {
	tb.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != len(h) {
		tb.Fatalf("%q is no hash: %v", text, err)
	}
	copy(h[:], b)
	return h
}

// The way of a motion on both engines, and every statement on both schemas.
func TestOnBothEngines(t *testing.T) {
	t.Parallel()
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, c *clock.Fake) {
		w := newWorld(t, d, c, 5)
		if err := db.CheckRegistered(t.Context(), d); err != nil {
			t.Error(err)
		}
		w.theCoop()
		w.aMotion()
		w.keys()
		w.crowd()
	})
}
