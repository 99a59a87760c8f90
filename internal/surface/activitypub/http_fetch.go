package activitypub

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"rochdale/internal/kit/outbound"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/social"
)

var (
	// errRefused means that the document is not what it says, or not for us: asking again is no use.
	errRefused = errors.New("the document is not acceptable")
	// errGone means that the other server says it is not there (any more).
	errGone = errors.New("the document is not there")
	// errSilent means that the other server gives no answer now.
	errSilent = errors.New("the other server does not answer")
)

// unreachable reports whether err is the other server's, and not ours.
func unreachable(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, errSilent) || errors.Is(err, outbound.ErrForbiddenAddress) ||
		errors.Is(err, outbound.ErrTooLarge) || errors.Is(err, outbound.ErrTooManyRedirects)
}

// SignGet signs a request without a body in the name of the instance actor. To a server that we do not
// speak with it signs none, whoever asks for it and wherever a redirect has led; so none is sent.
func (s *Service) SignGet(r *http.Request) error {
	if level, err := s.Social.Domain(r.Context(), r.URL.Host); err != nil {
		return err
	} else if level == social.LevelBlock {
		return fmt.Errorf("%w: %s is blocked", outbound.ErrForbiddenAddress, r.URL.Host)
	}
	k, err := s.keyOf(r.Context(), instance)
	if err != nil {
		return err
	}
	return httpsig.Sign(r, keyID(s.instanceURI()), k.rsa, "", s.DB.Now())
}

// get fetches the ActivityStreams document at an address. The document's id has the origin it came
// from; where the id is not the address asked for, it is fetched from there. spec: fep-fe34
func (s *Service) get(ctx context.Context, address string) (activitystreams.Object, error) {
	o, final, err := s.getOnce(ctx, address)
	if err != nil {
		return o, err
	}
	if o.ID == final || o.ID == address && activitystreams.SameOrigin(o.ID, final) {
		return o, nil
	}
	// It may be a copy or a lie, or the address of a page: its own server can tell.
	if o, final, err = s.getOnce(ctx, o.ID); err != nil {
		return o, err
	}
	if !activitystreams.SameOrigin(o.ID, final) {
		return o, fmt.Errorf("get %s: %w: %s came from elsewhere", address, errRefused, o.ID)
	}
	return o, nil
}

func (s *Service) getOnce(ctx context.Context, address string) (o activitystreams.Object, final string, err error) {
	bare, _, _ := strings.Cut(address, "#")
	refused, err := s.refuses(ctx, bare)
	if err != nil {
		return o, "", err
	}
	if _, ok := activitystreams.Origin(bare); !ok || s.local(bare) || refused {
		return o, "", fmt.Errorf("get %s: %w", address, errRefused)
	}
	res, err := s.fetch(ctx, bare, activitystreams.MediaType+", "+activitystreams.MediaTypeLD, activitystreams.MaxBytes)
	if err != nil {
		return o, "", err
	}
	kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	// A server that lets strangers upload files must not vouch for them by accident.
	if err != nil || kind != activitystreams.MediaType && (kind != "application/ld+json" || params["profile"] != activitystreams.Namespace) {
		return o, "", fmt.Errorf("get %s: %w: it is %q", address, errRefused, res.Header.Get("Content-Type"))
	}
	if o, err = activitystreams.Parse(res.Body); err != nil {
		return o, "", fmt.Errorf("get %s: %w: %w", address, errRefused, err)
	}
	if o.ID == "" {
		return o, "", fmt.Errorf("get %s: %w: it has no id", address, errRefused)
	}
	return o, res.URL, nil
}

// fetch gets an address. The errors are errGone, errSilent and the guarded client's own.
func (s *Service) fetch(ctx context.Context, address, accept string, limit int64) (outbound.Response, error) {
	u, err := url.Parse(address)
	if err != nil {
		return outbound.Response{}, fmt.Errorf("get %s: %w: %w", address, errRefused, err)
	}
	r := &http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"Accept": {accept}}}
	res, err := s.Client.Do(ctx, r.WithContext(ctx), limit)
	if err != nil {
		if errors.Is(err, outbound.ErrForbiddenAddress) || errors.Is(err, outbound.ErrTooLarge) || errors.Is(err, outbound.ErrTooManyRedirects) {
			return res, err
		}
		return res, fmt.Errorf("%w: %w", errSilent, err)
	}
	switch {
	case res.Status >= 200 && res.Status < 300:
		return res, nil
	case res.Status == http.StatusTooManyRequests, res.Status == http.StatusRequestTimeout, res.Status >= 500:
		return res, fmt.Errorf("get %s: %w: status %d", address, errSilent, res.Status)
	}
	return res, fmt.Errorf("get %s: %w: status %d", address, errGone, res.Status)
}

// post delivers a body to an inbox, signed in the name of an account.
func (s *Service) post(ctx context.Context, inbox, keyID string, k *actorKey, body []byte, digest string) (outbound.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, inbox, strings.NewReader(string(body)))
	if err != nil {
		return outbound.Response{}, fmt.Errorf("%w: %w", outbound.ErrForbiddenAddress, err)
	}
	r.Header.Set("Content-Type", activitystreams.MediaType)
	if err := httpsig.Sign(r, keyID, k.rsa, digest, s.DB.Now()); err != nil {
		return outbound.Response{}, err
	}
	return s.Client.Do(ctx, r, 64<<10)
}
