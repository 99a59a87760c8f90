package media

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
)

const (
	// keyPrefix begins every key of ours in the store, and no key of anybody else's. It is also the
	// first part of the address.
	keyPrefix = "media/"

	maxFetches  = 6         // at the same time, for the whole program
	fetchLimit  = MaxBytes  // bytes of one remote picture
	retryFailed = time.Hour // before a picture that could not be had is asked for again
	fetchTerm   = 40 * time.Second
)

// The sizes of cached remote pictures, as they stand in addresses.
const (
	sizeOriginal = "original"
	sizeSmall    = "small"
	sizeAvatar   = "avatar"
	sizeHeader   = "header"
)

// URL is where the attachment is to be had in full size: here, or for a remote file that is no
// picture at its origin.
func (s *Service) URL(a Attachment) string { return s.address(a, sizeOriginal, a.BlobKey) }

// PreviewURL is where the small size of a picture is to be had; "" if there is none.
func (s *Service) PreviewURL(a Attachment) string {
	if a.Kind != Image {
		return ""
	}
	return s.address(a, sizeSmall, a.PreviewKey)
}

func (s *Service) address(a Attachment, size, key string) string {
	switch {
	case a.RemoteURL == "":
		return s.site.Join("/" + key)
	case a.Kind != Image:
		return a.RemoteURL
	}
	// The address stays the same whether the file is in our cache at the moment or not. It is signed,
	// as ids can be guessed and the post may not be for everybody.
	name := a.ID.String()
	return s.site.Join("/media/remote/" + name + "-" + s.sign("attachment", name) + "/" + size)
}

// PictureURL is where an account's avatar or header (size "avatar" or "header") is shown: key is a
// blob of ours, or the address of a remote picture, which is shown through our cache; fallback if
// there is none.
func (s *Service) PictureURL(key, size, fallback string) string {
	switch {
	case strings.HasPrefix(key, keyPrefix):
		return s.site.Join("/" + key)
	case strings.HasPrefix(key, "https://"), strings.HasPrefix(key, "http://"):
		if len(key) > 1000 {
			return fallback
		}
		mac := s.sign(size, key)
		if mac == "" {
			return fallback
		}
		return s.site.Join("/media/remote/" + base64.RawURLEncoding.EncodeToString([]byte(key)) + "." + mac + "/" + size)
	}
	return fallback
}

// sign makes the part of an address that only we can make; "" if the service was not opened.
func (s *Service) sign(what, name string) string {
	if s.secret == nil {
		return ""
	}
	m := hmac.New(sha256.New, s.secret)
	m.Write([]byte(what + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:12])
}

func (s *Service) signed(mac, what, name string) bool {
	want := s.sign(what, name)
	return want != "" && hmac.Equal([]byte(mac), []byte(want))
}

var errNoPicture = fault.New(fault.NotFound, "There is no picture at this address.")

// remoteKey is the blob of a cached remote picture, fetched now if need be. name and size are the two
// parts of the address.
func (s *Service) remoteKey(ctx context.Context, name, size string) (string, error) {
	if i, mac, ok := strings.Cut(name, "-"); ok && (size == sizeOriginal || size == sizeSmall) && s.signed(mac, "attachment", i) {
		return s.attachmentKey(ctx, id.Parse(i), size)
	}
	if enc, mac, ok := strings.Cut(name, "."); ok && (size == sizeAvatar || size == sizeHeader) {
		if url, err := base64.RawURLEncoding.DecodeString(enc); err == nil && s.signed(mac, size, string(url)) {
			return s.pictureKey(ctx, string(url), size)
		}
	}
	return "", errNoPicture
}

func (s *Service) attachmentKey(ctx context.Context, i id.ID, size string) (string, error) {
	pick := func(a Attachment) string {
		if size == sizeSmall {
			return a.PreviewKey
		}
		return a.BlobKey
	}
	a, ok, err := getAttachment.Find(ctx, s.db, i)
	if err != nil {
		return "", err
	}
	if !ok || a.PostID <= 0 || a.Kind != Image || a.RemoteURL == "" {
		return "", errNoPicture
	}
	if err := s.mayShow(ctx, a.AccountID, a.RemoteURL); err != nil {
		return "", err
	}
	if key := pick(a); key != "" {
		return key, nil
	}
	if s.db.Now().Sub(a.FailedAt) < retryFailed {
		return "", errNoPicture
	}
	if err := s.once(ctx, "a"+i.String(), func(ctx context.Context) error { return s.fetchAttachment(ctx, i) }); err != nil {
		return "", err
	}
	if a, err = getAttachment.One(ctx, s.db, i); err != nil || pick(a) == "" {
		return "", errors.Join(err, errNoPicture)
	}
	return pick(a), nil
}

func (s *Service) mayShow(ctx context.Context, account id.ID, address string) error {
	if s.Hides == nil {
		return nil
	}
	hidden, err := s.Hides(ctx, account, address)
	if err == nil && hidden {
		err = errNoPicture
	}
	return err
}

// once lets many readers of one picture wait for one fetch. It goes on when the reader who began it
// hangs up, as the others still wait.
func (s *Service) once(ctx context.Context, key string, f func(context.Context) error) error {
	done := s.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTerm)
		defer cancel()
		select {
		case s.fetches <- struct{}{}:
			defer func() { <-s.fetches }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		return nil, f(ctx)
	})
	select {
	case r := <-done:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Service) fetchAttachment(ctx context.Context, i id.ID) error {
	a, err := getAttachment.One(ctx, s.db, i)
	if err != nil || a.BlobKey != "" { // the flight before this one has just landed
		return err
	}
	out, err := fetch(ctx, s, a.RemoteURL, s.work.Render)
	if err != nil {
		return s.failed(ctx, err, func(tx *db.Tx) error { _, err := setFailed.Run(ctx, tx, i, tx.Now()); return err })
	}
	large, err := s.put(ctx, "c", out.Large)
	if err != nil {
		return err
	}
	small, err := s.put(ctx, "c", out.Small)
	if err != nil {
		return errors.Join(err, s.store.Delete(ctx, large))
	}
	var kept bool
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := setFetched.Run(ctx, tx, i, large, small, out.Large.Width, out.Large.Height, out.Small.Width, out.Small.Height, out.Blurhash, tx.Now())
		kept = n > 0
		return err
	})
	if err != nil || !kept { // the post was deleted meanwhile, or another node was faster
		return errors.Join(err, s.store.Delete(ctx, large), s.store.Delete(ctx, small))
	}
	return nil
}

func (s *Service) pictureKey(ctx context.Context, url, size string) (string, error) {
	if err := s.mayShow(ctx, 0, url); err != nil {
		return "", err
	}
	p, known, err := getRemotePicture.Find(ctx, s.db, url, size)
	if err != nil {
		return "", err
	}
	if known && p.BlobKey != "" {
		return p.BlobKey, nil
	}
	if known && s.db.Now().Sub(p.FailedAt) < retryFailed {
		return "", errNoPicture
	}
	if err := s.once(ctx, size+" "+url, func(ctx context.Context) error { return s.fetchPicture(ctx, url, size) }); err != nil {
		return "", err
	}
	p, _, err = getRemotePicture.Find(ctx, s.db, url, size)
	if err == nil && p.BlobKey == "" {
		err = errNoPicture
	}
	return p.BlobKey, err
}

func (s *Service) fetchPicture(ctx context.Context, url, size string) error {
	if p, _, err := getRemotePicture.Find(ctx, s.db, url, size); err != nil || p.BlobKey != "" {
		return err
	}
	render := s.work.Avatar
	if size == sizeHeader {
		render = s.work.Header
	}
	v, err := fetch(ctx, s, url, render)
	if err != nil {
		return s.failed(ctx, err, func(tx *db.Tx) error {
			_, err := upsertRemotePicture.Run(ctx, tx, id.New(tx.Now()), url, size, "", time.Time{}, tx.Now())
			return err
		})
	}
	key, err := s.put(ctx, "c", v)
	if err != nil {
		return err
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := upsertRemotePicture.Run(ctx, tx, id.New(tx.Now()), url, size, key, tx.Now(), time.Time{})
		return err
	})
	if err != nil {
		return errors.Join(err, s.store.Delete(ctx, key))
	}
	return nil
}

// failed remembers that a picture is not to be had now, so that it is not asked for again at once.
func (s *Service) failed(ctx context.Context, why error, remember func(*db.Tx) error) error {
	s.log.DebugContext(ctx, "could not fetch a picture", "error", why.Error())
	if errors.Is(why, outbound.ErrBusy) { // nothing was asked, so nothing was refused
		return errNoPicture
	}
	// The time for fetching may be over, which must not keep us from remembering.
	if err := s.db.InTx(context.WithoutCancel(ctx), remember); err != nil {
		return err
	}
	return errNoPicture
}

// fetch gets a remote picture and renders it anew: what we pass on are its pixels, never its bytes.
func fetch[T any](ctx context.Context, s *Service, url string, render func(context.Context, io.Reader) (T, error)) (T, error) {
	var none T
	if s.client == nil {
		return none, errors.New("there is no client")
	}
	r, err := s.client.Get(ctx, url, fetchLimit)
	if err != nil {
		return none, err
	}
	if r.Status != 200 {
		return none, fmt.Errorf("get %s: status %d", url, r.Status)
	}
	out, err := render(ctx, bytes.NewReader(r.Body))
	if err != nil {
		return none, fmt.Errorf("render %s: %w", url, err)
	}
	return out, nil
}
