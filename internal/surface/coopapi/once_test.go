package coopapi_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"rochdale/internal/surface/coopapi"
)

// A request that comes again with its key is done once and answered the same.
func TestTwiceIsOnce(t *testing.T) { inWorld(t, 3, func(t *testing.T, w *world) { w.keys() }) }

func (w *world) keys() {
	ann, ben := w.people[1], w.people[2]
	draft := func(p *person, title, key string) answer {
		return p.do("POST /decisions", nil, "", object{"title": title}, "Idempotency-Key", key)
	}
	first := draft(ann, "A pond", "k1").want(201)
	again := draft(ann, "A pond", "k1").want(201)
	if string(first.body) != string(again.body) || again.header.Get("Idempotency-Replayed") != "true" || first.header.Get("Idempotency-Replayed") != "" ||
		again.header.Get("Location") != first.header.Get("Location") || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		w.Errorf("the second answer differs: %s %v\n%s %v", first.body, first.header, again.body, again.header)
	}
	draft(ann, "A lake", "k1").refused(422, "invalid").is("field", "Idempotency-Key")
	if other := draft(ben, "A pond", "k1").want(201); other.text("number") == first.text("number") {
		w.Error("another member's key is the same")
	}
	if fresh := draft(ann, "A pond", "k2").want(201); fresh.text("number") == first.text("number") {
		w.Error("another key is the same")
	}
	n := first.number("number")
	publish := func(key string) answer {
		return ann.do("POST /decisions/{number}/publish", at(n), "", nil, "Idempotency-Key", key)
	}
	publish("k3").want(200)
	publish("k3").want(200).is("phase", "discussion")
	publish("k4").refused(409, "conflict")

	// What was refused may come again.
	comment := func(text string) answer {
		return ben.do("POST /decisions/{number}/comments", at(n), "", object{"text": text}, "Idempotency-Key", "k5")
	}
	comment("").refused(422, "invalid")
	comment("How deep?").want(201)
	comment("How deep?").want(201)
	if list := ann.do("GET /decisions/{number}/comments", at(n), "", nil).want(200); list.len("items") != 1 {
		w.Errorf("comments: %s", list.body)
	}

	// An act without content is remembered as well.
	am := ben.do("POST /decisions/{number}/amendments", at(n), "", object{"text": "A deep pond."}).want(201).text("id")
	for range 2 {
		ann.do("POST /amendments/{id}/answer", at(am), "", object{"answer": "declined"}, "Idempotency-Key", "k6").want(204)
	}

	// After a day the key is forgotten, whether it was swept or not.
	w.clock.Advance(24*time.Hour - time.Second)
	draft(ann, "A pond", "k1").want(201).is("number", fmt.Sprint(n))
	w.clock.Advance(time.Second)
	if late := draft(ann, "A pond", "k1").want(201); late.number("number") == n {
		w.Error("the key is known for longer than a day")
	}
	w.ok(w.Sweep(w.ctx))
	w.clock.Advance(24*time.Hour + time.Second)
	w.ok(w.Sweep(w.ctx))
}

// Of requests that come at the same moment with one key, one is done; the others are told so or get its
// answer.
func TestAtTheSameMoment(t *testing.T) { inWorld(t, 2, func(t *testing.T, w *world) { w.crowd() }) }

func (w *world) crowd() {
	ann := w.people[1]
	answers := make([]answer, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			answers[i] = ann.send("POST", coopapi.Base+"/decisions", object{"title": "A shed"}, "Idempotency-Key", "shed")
		})
	}
	wg.Wait()
	done := 0
	for _, a := range answers {
		switch a.status {
		case 201:
			done++
		case 409:
		default:
			w.Errorf("answer %d: %s", a.status, a.body)
		}
	}
	sheds := 0
	for _, d := range ann.do("GET /decisions", nil, "phase=draft", nil).want(200).at("items").([]any) {
		if d.(object)["title"] == "A shed" {
			sheds++
		}
	}
	if done == 0 || sheds != 1 {
		w.Errorf("%d answers, %d drafts", done, sheds)
	}
}

// What was begun and not ended is not done again: nobody knows how far it came.
func TestBrokenOff(t *testing.T) {
	inWorld(t, 2, func(t *testing.T, w *world) {
		ann := w.people[1]
		ann.do("POST /decisions", nil, "", object{"title": "A wall"}, "Idempotency-Key", "wall").want(201)
		coopapi.Forget(t, w.Service, ann.by.Member, "wall")
		ann.do("POST /decisions", nil, "", object{"title": "A wall"}, "Idempotency-Key", "wall").refused(409, "conflict")
		ann.do("POST /decisions", nil, "", object{"title": "A wall"}, "Idempotency-Key", "wall2").want(201)
		w.clock.Advance(25 * time.Hour)
		w.ok(w.Sweep(w.ctx))
		if n := coopapi.Kept(t, w.Service); n != 0 {
			t.Errorf("%d answers are kept after the sweep", n)
		}
		ann.do("POST /decisions", nil, "", object{"title": "A wall"}, "Idempotency-Key", "wall").want(201)
	})
}
