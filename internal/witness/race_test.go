package witness_test

import (
	"crypto/rand"
	"sync"
	"testing"

	"rochdale/internal/kit/fault"
	"rochdale/internal/lib/ballotbox"
)

// The same at the same time: one vote, one paper each, and guesses are counted.
func TestAtTheSameTime(t *testing.T) {
	t.Parallel()
	each(t, func(p *pair) {
		var wait sync.WaitGroup
		var mu sync.Mutex
		keys := map[string]bool{}
		for range 4 {
			wait.Go(func() {
				got, err := p.a.Arrange(p.a.ctx, p.call)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					p.t.Error(err)
				}
				keys[got.Key.String()] = true
			})
		}
		wait.Wait()
		if len(keys) != 1 {
			p.t.Fatalf("%d keys for one vote", len(keys))
		}
		p.open()
		if len(p.w.sent()) != 6 {
			p.t.Errorf("%d letters", len(p.w.sent()))
		}
		signed, refused := 0, 0
		for i := range 8 {
			code, err := ballotbox.NewCode(rand.Reader)
			p.a.must(err)
			request, err := code.Blind(p.q)
			p.a.must(err)
			voter := i % 2
			mine := p.code(voter)
			wait.Go(func() {
				_, err := p.a.Sign(p.a.ctx, treasurer, p.call.Roll[voter].ID, mine, request.Witness)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					signed++
				case fault.Is(err, fault.Conflict):
					refused++
				default:
					p.t.Error(err)
				}
			})
		}
		wait.Wait()
		if v := p.vote(); signed != 2 || refused != 6 || v.Papers != 2 {
			p.t.Errorf("%d signed, %d refused, %d papers", signed, refused, v.Papers)
		}
		for range 10 {
			wait.Go(func() {
				_, _ = p.a.Sign(p.a.ctx, treasurer, p.call.Roll[5].ID, "0000-0000-0000", make([]byte, 384))
			})
		}
		wait.Wait()
		_, err := p.a.Sign(p.a.ctx, treasurer, p.call.Roll[5].ID, p.code(5), make([]byte, 384))
		p.a.refused(err, fault.Conflict, "Too many wrong witness codes")
		for range 3 {
			wait.Go(func() {
				if err := p.a.Close(p.a.ctx, treasurer, ""); err != nil {
					p.t.Error(err)
				}
			})
		}
		wait.Wait()
		p.w.whole()
	})
}
