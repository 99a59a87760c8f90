package witness

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/httpsig"
)

const problemType = "application/problem+json"

// signedBy is why these routes need no mandate here: the members' decision to witness names the key.
const signedBy = "none: signed by the co-op that a decision in force (witness.serve) names, and about its own vote"

const (
	maxBody = 8 << 20
	maxNote = 16 << 10
)

// A co-op speaks for all its voters from one address; taking on a vote makes a key, which is dear.
var (
	perVote  = web.Limit{Events: 60, Per: time.Minute}
	perPaper = web.Limit{Events: 3000, Per: time.Minute}
)

// doors are what a co-op for which we witness asks of us.
func (p *Pages) doors() []web.Route {
	door := func(pattern string, most int64, limit web.Limit, h web.Handler) web.Route {
		return web.Route{Pattern: pattern, Handler: h, Style: web.Federation, Act: signedBy, MaxBody: most, Limit: limit}
	}
	return []web.Route{
		door("POST /witness/votes", maxBody, perVote, p.serveVotes),
		door("PUT /witness/votes/{id}/question", maxBody, perVote, p.onVote(p.serveQuestion)),
		door("PUT /witness/votes/{id}/closes", maxNote, perVote, p.onVote(p.serveCloses)),
		door("POST /witness/votes/{id}/papers", maxNote, perPaper, p.onVote(p.servePapers)),
		door("POST /witness/votes/{id}/close", maxNote, perVote, p.onVote(p.serveClose)),
	}
}

func (p *Pages) serveVotes(w http.ResponseWriter, r *http.Request) error {
	body, a, err := p.signed(r, func(ctx context.Context, host string) (Agreement, bool, error) {
		return findServed.Find(ctx, p.db, host)
	})
	if err != nil {
		return refuse(w, err)
	}
	in, err := decode[votesBody](body)
	if err != nil {
		return refuse(w, err)
	}
	out, err := p.takeOn(r.Context(), &a, in)
	return reply(w, out, err)
}

// onVote lets a co-op do something to its own vote. An agreement that has ended holds for the votes that were
// taken on before.
func (p *Pages) onVote(f func(ctx context.Context, vote id.ID, body []byte) (any, error)) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := p.Get(r.Context(), p.db, id.Parse(r.PathValue("id")))
		if err != nil {
			return refuse(w, err)
		}
		body, _, err := p.signed(r, func(ctx context.Context, host string) (Agreement, bool, error) {
			a, ok, err := getServed.Find(ctx, p.db, v.Agreement)
			return a, ok && a.Host == host, err
		})
		if err != nil {
			return refuse(w, err)
		}
		out, err := f(r.Context(), v.ID, body)
		return reply(w, out, err)
	}
}

func (p *Pages) serveQuestion(ctx context.Context, vote id.ID, body []byte) (any, error) {
	return done{true}, p.open(ctx, vote, body)
}

func (p *Pages) serveCloses(ctx context.Context, vote id.ID, body []byte) (any, error) {
	in, err := decode[closesBody](body)
	if err != nil {
		return nil, err
	}
	return done{true}, p.prolong(ctx, vote, in.Closes)
}

func (p *Pages) servePapers(ctx context.Context, vote id.ID, body []byte) (any, error) {
	in, err := decode[papersBody](body)
	if err != nil {
		return nil, err
	}
	signed, err := p.sign(ctx, vote, in)
	return papersAnswer{signed}, err
}

func (p *Pages) serveClose(ctx context.Context, vote id.ID, body []byte) (any, error) {
	in, err := decode[closeBody](body)
	if err != nil {
		return nil, err
	}
	return done{true}, p.close(ctx, vote, in.File)
}

// signed reads the body of a request that the co-op of an agreement has signed. Who it says it is comes first: for
// a stranger nothing is read.
//
// spec: rfc9421#3.2
func (p *Pages) signed(r *http.Request, agreement func(ctx context.Context, host string) (Agreement, bool, error)) ([]byte, Agreement, error) {
	scheme, site, _ := strings.Cut(p.url, "://")
	if !strings.EqualFold(r.Host, p.host) && !strings.EqualFold(r.Host, site) { // the signature is of an address, which must be ours
		return nil, Agreement{}, unsigned("it was sent to another host")
	}
	signature, err := httpsig.Parse(r)
	if err != nil || signature.Scheme() != httpsig.RFC9421 {
		return nil, Agreement{}, unsigned("it has no signature after RFC 9421")
	}
	a, ok, err := agreement(r.Context(), signature.KeyID())
	if err != nil {
		return nil, a, err
	}
	if !ok {
		return nil, a, fault.New(fault.Forbidden, "We do not witness this for %.253s.", signature.KeyID())
	}
	key, err := a.key()
	if err != nil {
		return nil, a, err
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return nil, a, fault.New(fault.Invalid, "It is sent as application/json.")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, a, err
	}
	signature.URLScheme = scheme
	if err := signature.Verify(r, body, key, p.db.Now()); err != nil {
		return nil, a, unsigned(err.Error())
	}
	return body, a, nil
}

// errUnsigned is a request that is not signed well by the co-op that it names.
var errUnsigned = errors.New("not signed")

func unsigned(why string) error {
	return errors.Join(fault.New(fault.Forbidden, "The request is not signed as it must be: %s.", why), errUnsigned)
}

func reply(w http.ResponseWriter, out any, err error) error {
	if err != nil {
		return refuse(w, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.JSON(w, http.StatusOK, out)
}

// refuse answers an error that has words. What has none is left to kit/web.
// spec: rfc9457#3
func refuse(w http.ResponseWriter, err error) error {
	words, ok := fault.Words(err)
	status := web.StatusOf(err)
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		status, words = http.StatusRequestEntityTooLarge, "That is more than is taken here."
	case !ok:
		return err
	case errors.Is(err, errLocked):
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.Itoa(int(lockedFor.Seconds())))
	case errors.Is(err, errUnsigned):
		status = http.StatusUnauthorized
	}
	w.Header().Set("Cache-Control", "no-store")
	text, err := canonical(problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: words})
	if err != nil {
		return err
	}
	return web.Bytes(w, status, problemType, text)
}
