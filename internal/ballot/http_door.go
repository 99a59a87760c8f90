package ballot

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/ballotbox"
)

// problem is an error as the scripts of a booth read it.
type problem struct {
	Error    string `json:"error"`
	Sequence uint64 `json:"sequence,omitempty"` // the least that the next ballot of this paper must have
	Taken    bool   `json:"taken,omitempty"`    // the member has a paper already, of another code
}

// refuse answers an error that has words as JSON. What has none, and what is too large, is left to kit/web.
func refuse(w http.ResponseWriter, err error, sequence uint64) error {
	words, ok := fault.Words(err)
	status := web.StatusOf(err)
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		status, words = http.StatusRequestEntityTooLarge, "That is more than a ballot."
	case !ok:
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return web.JSON(w, status, problem{words, sequence, errors.Is(err, errTaken)})
}

// read reads a body in JSON, and nothing else that a form of another site could send.
func read(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return nil, fault.New(fault.Invalid, "It is sent as application/json.")
	}
	w.Header().Set("Cache-Control", "no-store")
	return body, nil
}

// question answers the bytes whose hash is in every ballot. There is one answer for all: a browser asks
// without a sign-in, so that nobody can be handed a question of their own and be known again by it.
func (p *Pages) question(w http.ResponseWriter, r *http.Request) error {
	v, err := p.load(r)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-cache")
	return web.Bytes(w, http.StatusOK, "application/json", []byte(v.QuestionJSON))
}

// paper signs what the member's browser blinded.
func (p *Pages) paper(w http.ResponseWriter, r *http.Request) error {
	body, err := read(w, r)
	if err != nil {
		return refuse(w, err, 0)
	}
	if web.Actor(r).Visitor() {
		return web.JSON(w, http.StatusUnauthorized, problem{Error: t(r.Context(), "You are signed out. Sign in and vote again: the code on this page stays good.")})
	}
	var in struct {
		Blinded        ballotbox.Base64 `json:"blinded"`
		WitnessBlinded ballotbox.Base64 `json:"witness_blinded"`
		WitnessCode    string           `json:"witness_code"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(w, fault.Field("blinded", "This is not a request for a ballot paper."), 0)
	}
	signed, witness, err := p.TakeWitnessed(r.Context(), web.Actor(r), id.Parse(r.PathValue("id")), in.Blinded, in.WitnessCode, in.WitnessBlinded)
	if err != nil {
		return refuse(w, err, 0)
	}
	return web.JSON(w, http.StatusOK, struct {
		Signed  ballotbox.Base64 `json:"signed"`
		Witness ballotbox.Base64 `json:"witness,omitempty"`
	}{signed, witness})
}

// sameSite refuses requests that a page of another site makes. They could do nothing but cast a ballot
// that is good anyway; but whoever votes should see whose page it is.
var sameSite = http.NewCrossOriginProtection()

// box takes a ballot. Nothing in the request may say who sent it, so it refuses one that does: a script
// that forgot to leave the sign-in out would otherwise go unnoticed.
//
// Where a later ballot of the paper is in the box, the answer says which sequence the next one needs. It
// is not to be asked for by GET: the key of the ballot would stand in an address, and addresses stand,
// with the reader's own, in the logs of proxies.
func (p *Pages) box(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Cookie") != "" || r.Header.Get("Authorization") != "" {
		return web.JSON(w, http.StatusBadRequest, problem{Error: "The box takes ballots without a sign-in: send it without cookies."})
	}
	if err := sameSite.Check(r); err != nil {
		return refuse(w, fault.New(fault.Forbidden, "This ballot was sent by another website. Vote on the page of the co-op."), 0)
	}
	body, err := read(w, r)
	if err != nil {
		return refuse(w, err, 0)
	}
	b, err := ballotbox.ParseBallot(body)
	if err != nil {
		return refuse(w, fault.New(fault.Invalid, "This is not a ballot: %s", err), 0)
	}
	vote := id.Parse(r.PathValue("id"))
	receipt, err := p.Cast(r.Context(), vote, b)
	if err == nil {
		return web.JSON(w, http.StatusOK, receipt)
	}
	sequence := uint64(0)
	if fault.Is(err, fault.Conflict) {
		// Cast found the ballot signed by the paper's own key before it said so.
		if next, e := p.Sequence(r.Context(), vote, b.Key); e == nil && next > b.Sequence {
			sequence = next
		}
	}
	return refuse(w, err, sequence)
}

// file publishes the ballots of a closed vote. Once the proof from the record is in it nothing of it is
// ever taken back, and it may be kept for ever.
func (p *Pages) file(w http.ResponseWriter, r *http.Request) error {
	f, err := p.Published(r.Context(), id.Parse(r.PathValue("id")))
	if err != nil {
		return refuse(w, err, 0)
	}
	body, err := f.JSON()
	if err != nil {
		return err
	}
	var c Closing
	if err := json.Unmarshal(f.Record, &c); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	if c.Checkpoint != "" && f.Result.Rule != "" { // a sealed one will change
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Access-Control-Allow-Origin", "*") // anybody's page may recount
	h.Set("Content-Disposition", `attachment; filename="ballots-`+r.PathValue("id")+`.json"`)
	h.Add("Vary", "Accept-Encoding")
	return web.Bytes(w, http.StatusOK, "application/json", web.Compress(w, r, body))
}
