package witness_test

import (
	"strings"
	"testing"
	"time"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

// codes are all that a voter was sent, the newest last.
func (p *pair) codes(i int) (out []string) {
	p.t.Helper()
	for _, l := range p.w.sent() {
		if l.to == p.call.Roll[i].Mail && strings.HasPrefix(l.subject, "Your witness code") {
			out = append(out, codeText.FindString(l.text))
		}
	}
	return out
}

// A letter that was lost is written again, with another code; who is not on the roll, or has a paper, gets none,
// and nobody can tell.
func TestLettersAreWrittenAgain(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		p.open()
		vote := p.vote().ID
		again := func(mail string) { p.a.must(p.w.SendAgain(p.w.ctx, vote, mail)) }
		first := p.code(0)
		again(p.call.Roll[0].Mail) // within the hour of the first
		if got := p.codes(0); len(got) != 1 {
			t.Fatalf("%d letters within an hour", len(got))
		}
		p.clock.Advance(time.Hour)
		letters := len(p.w.sent())
		again("nobody@elsewhere.example")
		again("")
		if len(p.w.sent()) != letters {
			t.Error("somebody who is not on the roll was written to")
		}
		again("  " + strings.ToUpper(p.call.Roll[0].Mail) + " ")
		again(p.call.Roll[0].Mail)
		got := p.codes(0)
		if len(got) != 2 || got[1] == first {
			t.Fatalf("the letters say %v", got)
		}
		code := ballotbox.Code{1}
		request, err := code.Blind(p.q)
		p.a.must(err)
		_, err = p.a.Sign(p.a.ctx, treasurer, p.call.Roll[0].ID, got[0], request.Witness)
		p.a.refused(err, fault.Forbidden, "not the witness code")
		_, err = p.a.Sign(p.a.ctx, treasurer, p.call.Roll[0].ID, got[1], request.Witness)
		p.a.must(err)
		p.clock.Advance(2 * time.Hour)
		again(p.call.Roll[0].Mail) // has a paper
		if got := p.codes(0); len(got) != 2 {
			t.Errorf("a voter with a paper has %d letters", len(got))
		}
		p.clock.Set(p.got.Closes)
		p.a.refused(p.w.SendAgain(p.w.ctx, vote, p.call.Roll[1].Mail), fault.Conflict, "closed")
		p.a.refused(p.w.SendAgain(p.w.ctx, id.ID(1), ""), fault.NotFound, "no such vote")
		p.w.whole()
	})
}
