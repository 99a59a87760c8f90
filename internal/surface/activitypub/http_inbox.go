package activitypub

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/web"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
)

// receiveActivity takes an activity in. What costs little is checked first: whether we listen to that
// server at all, size, form and the form of the signature; then the key is looked for, the signature
// checked and the activity stored. The answer is 202 once it is committed, whatever will become of it.
func (s *Service) receiveActivity(w http.ResponseWriter, r *http.Request) error {
	sig, unsigned := httpsig.Parse(r)
	if unsigned == nil {
		if refused, err := s.refuses(r.Context(), sig.KeyID()); err != nil || refused {
			return orRefused(err)
		}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return readError(err)
	}
	o, err := readActivity(body)
	if err != nil {
		return err
	}
	if unsigned != nil {
		return fmt.Errorf("%w: %w", web.ErrSignature, unsigned)
	}
	if refused, err := s.refusesActor(r.Context(), sig.KeyID(), o.Actor.ID); err != nil || refused {
		return orRefused(err)
	}
	drop, err := s.pointless(r.Context(), &o)
	if err != nil {
		return err
	}
	if !drop {
		if err := s.verify(r, sig, body, &o); err != nil {
			return err
		}
		if err := s.accept(r.Context(), &o, body); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// orRefused is the answer to whom we do not listen to.
func orRefused(err error) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Forbidden, "this server does not take activities from there")
}

// readError tells a body that is too long, or did not come to its end, from our own trouble.
func readError(err error) error {
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return err
	}
	return nonsense("the body could not be read")
}

// verify checks that the actor itself signed this request, for this host, with this body.
func (s *Service) verify(r *http.Request, sig httpsig.Signature, body []byte, o *activitystreams.Object) error {
	ctx := r.Context()
	if !s.ours(r.Host) { // a signature for another host, sent on to us
		return fmt.Errorf("%w: it is for %q", web.ErrSignature, r.Host)
	}
	sig.URLScheme = s.scheme
	k, err := s.keyFor(ctx, sig.KeyID(), o.Actor.ID)
	if err != nil {
		return err
	}
	if k == nil {
		return fmt.Errorf("%w: no key %s of %s", web.ErrSignature, sig.KeyID(), o.Actor.ID)
	}
	err = sig.Verify(r, body, k.public, s.DB.Now())
	if errors.Is(err, httpsig.ErrInvalid) { // perhaps the key was changed
		fresh, e := s.renewKey(ctx, sig.KeyID(), k)
		if e != nil {
			return e
		}
		if fresh != nil {
			err = sig.Verify(r, body, fresh.public, s.DB.Now())
		}
	}
	if err != nil {
		return fmt.Errorf("%w: %w", web.ErrSignature, err)
	}
	return nil
}
