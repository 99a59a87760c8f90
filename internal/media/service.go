package media

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/singleflight"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/config"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/lib/picture"
)

// Limits of an upload, for the instance document.
const (
	MaxBytes  = picture.DefaultBytes
	MaxPixels = picture.DefaultPixels
)

// ContentTypes are the formats that are taken.
var ContentTypes = [...]string{"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"}

// maxLoose is how many uploads one account may have waiting for a post.
const maxLoose = 100

// Service keeps attachments and the pictures of profiles. The zero value is not useful.
type Service struct {
	db     *db.DB
	store  blob.Store
	client *outbound.Client
	site   config.Site
	log    *slog.Logger

	work    *picture.Pipeline
	flight  singleflight.Group
	fetches chan struct{}

	secret []byte // set by Open

	// Hides tells whether a picture of another server is not shown and not fetched: its account (0 for
	// pictures of profiles) or the server of its address is kept away. nil hides nothing.
	Hides func(ctx context.Context, account id.ID, address string) (bool, error)
}

// New makes the service; Open makes it ready for pictures of other servers. Two pictures are worked on
// at the same time: one for members who upload and one more, so that a large one does not hold
// everybody up.
func New(d *db.DB, store blob.Store, client *outbound.Client, site config.Site, log *slog.Logger) *Service {
	return &Service{db: d, store: store, client: client, site: site, log: log,
		work: picture.NewPipeline(2, picture.Limits{}), fetches: make(chan struct{}, maxFetches)}
}

// Open reads the secret that signs the addresses of cached remote pictures. It is called once, before
// the service is used by anybody; without it no such picture is shown.
func (s *Service) Open(ctx context.Context) error {
	text, err := getSecret.One(ctx, s.db)
	if err != nil {
		return fmt.Errorf("read the secret of media: %w", err)
	}
	s.secret = []byte(text)
	return nil
}

func kindOf(contentType string) string {
	if strings.HasPrefix(contentType, "image/") {
		return Image
	}
	return Unknown
}

// Focus is the point of a picture that must stay in view when it is cropped: -1 to 1 from left to
// right and from bottom to top.
type Focus struct{ X, Y float64 }

func (f Focus) within() Focus {
	one := func(v float64) float64 {
		if math.IsNaN(v) {
			return 0
		}
		return min(max(v, -1), 1)
	}
	return Focus{one(f.X), one(f.Y)}
}

// Upload takes a picture of the actor's, to be attached to a post within a day.
func (s *Service) Upload(ctx context.Context, by authz.Actor, r io.Reader, alt string, focus Focus) (Attachment, error) {
	if err := by.RequireAccount(); err != nil {
		return Attachment{}, err
	}
	alt, err := checkAlt(alt)
	if err != nil {
		return Attachment{}, err
	}
	if n, err := countLoose.One(ctx, s.db, by.Account); err != nil {
		return Attachment{}, err
	} else if n >= maxLoose {
		return Attachment{}, fault.Field("file", "You have uploaded %d pictures without posting them. Please post some first, or wait a day.", n)
	}
	out, err := s.work.Render(ctx, r)
	if err != nil {
		return Attachment{}, explain(err)
	}
	// The blobs first: a row must never point to nothing. What a crash leaves behind is a lone file.
	large, err := s.put(ctx, "f", out.Large)
	if err != nil {
		return Attachment{}, err
	}
	small, err := s.put(ctx, "f", out.Small)
	if err != nil {
		return Attachment{}, errors.Join(err, s.store.Delete(ctx, large))
	}
	focus = focus.within()
	a := Attachment{AccountID: by.Account, Kind: Image, ContentType: out.Large.Format.ContentType(), BlobKey: large, PreviewKey: small,
		Width: out.Large.Width, Height: out.Large.Height, PreviewWidth: out.Small.Width, PreviewHeight: out.Small.Height,
		Blurhash: out.Blurhash, Alt: alt, FocusX: focus.X, FocusY: focus.Y}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		a.ID, a.CreatedAt = id.New(tx.Now()), tx.Now()
		_, err := insertAttachment.Run(ctx, tx, a.ID, a.AccountID, 0, 0, a.Kind, a.ContentType, a.BlobKey, a.PreviewKey, "", a.Width, a.Height,
			a.PreviewWidth, a.PreviewHeight, a.Blurhash, a.Alt, a.FocusX, a.FocusY, a.CreatedAt)
		return err
	})
	if err != nil {
		return Attachment{}, errors.Join(err, s.store.Delete(ctx, large), s.store.Delete(ctx, small))
	}
	return a, nil
}

func checkAlt(alt string) (string, error) {
	alt = strings.TrimSpace(strings.ReplaceAll(alt, "\r\n", "\n"))
	if n := utf8.RuneCountInString(alt); n > MaxAlt {
		return "", fault.Field("description", "This description has %d characters; %d is the most.", n, MaxAlt)
	}
	return alt, nil
}

// explain says what is wrong with a picture in a sentence that names the limit.
func explain(err error) error {
	switch {
	case errors.Is(err, picture.ErrTooLarge):
		return fault.Field("file", "This picture is larger than %d MB, which is the most. Please make it smaller.", MaxBytes>>20)
	case errors.Is(err, picture.ErrTooManyPixels):
		return fault.Field("file", "This picture has more than %d megapixels, which is the most. Please scale it down.", MaxPixels/1_000_000)
	case errors.Is(err, picture.ErrFormat):
		return fault.Field("file", "This file cannot be read as a picture. JPEG, PNG, GIF, WebP and AVIF are taken.")
	}
	return err
}

// put stores one rendition under a name that nobody can guess.
func (s *Service) put(ctx context.Context, folder string, v picture.Version) (key string, err error) {
	name := strings.ToLower(rand.Text())
	ext := "jpg"
	if v.Format != picture.JPEG {
		ext = string(v.Format)
	}
	key = keyPrefix + folder + "/" + name[:2] + "/" + name[2:] + "." + ext
	if err := s.store.Put(ctx, key, v.Format.ContentType(), bytes.NewReader(v.Data), int64(len(v.Data))); err != nil {
		return "", fmt.Errorf("store picture: %w", err)
	}
	return key, nil
}

// Get is an attachment of the actor's own; fault.NotFound if there is none.
func (s *Service) Get(ctx context.Context, by authz.Actor, i id.ID) (Attachment, error) {
	return s.own(ctx, s.db, by, i)
}

func (s *Service) own(ctx context.Context, h db.Handle, by authz.Actor, i id.ID) (Attachment, error) {
	a, ok, err := getAttachment.Find(ctx, h, i)
	if err == nil && (!ok || by.Account == 0 || a.AccountID != by.Account || a.PostID < 0) {
		err = fault.New(fault.NotFound, "Record not found")
	}
	return a, err
}

// Update changes the description and focus of an attachment of the actor's own; nil leaves a thing as
// it is. A post that carries it shows the change at once only through social's Edit, so that readers
// hear of it.
func (s *Service) Update(ctx context.Context, by authz.Actor, i id.ID, alt *string, focus *Focus) (Attachment, error) {
	var a Attachment
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		a, err = s.UpdateIn(ctx, tx, by, i, alt, focus)
		return err
	})
	return a, err
}

// UpdateIn is Update within tx.
func (s *Service) UpdateIn(ctx context.Context, tx *db.Tx, by authz.Actor, i id.ID, alt *string, focus *Focus) (Attachment, error) {
	a, err := s.own(ctx, tx, by, i)
	if err != nil {
		return a, err
	}
	if alt != nil {
		if a.Alt, err = checkAlt(*alt); err != nil {
			return a, err
		}
	}
	if focus != nil {
		f := focus.within()
		a.FocusX, a.FocusY = f.X, f.Y
	}
	_, err = describe.Run(ctx, tx, a.ID, a.Alt, a.FocusX, a.FocusY)
	return a, err
}

// Discard removes an upload of the actor's own that belongs to no post.
// spec: mastodon/methods/media#delete
func (s *Service) Discard(ctx context.Context, by authz.Actor, i id.ID) error {
	var a Attachment
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		if a, err = s.own(ctx, tx, by, i); err != nil {
			return err
		}
		if a.PostID != 0 {
			return fault.New(fault.Invalid, "Media attachment is currently used by a status")
		}
		_, err = deleteAttachment.Run(ctx, tx, i)
		return err
	})
	if err != nil {
		return err
	}
	return errors.Join(s.store.Delete(ctx, a.BlobKey), s.store.Delete(ctx, a.PreviewKey))
}

// UploadAvatar makes an avatar of a picture and returns its key for the account's profile. Once the
// profile has it, Shown lets the one before go.
func (s *Service) UploadAvatar(ctx context.Context, by authz.Actor, r io.Reader) (key string, err error) {
	return s.uploadProfile(ctx, by, "avatar", r, s.work.Avatar)
}

// UploadHeader is UploadAvatar for the wide picture on top of a profile.
func (s *Service) UploadHeader(ctx context.Context, by authz.Actor, r io.Reader) (key string, err error) {
	return s.uploadProfile(ctx, by, "header", r, s.work.Header)
}

func (s *Service) uploadProfile(ctx context.Context, by authz.Actor, size string, r io.Reader,
	render func(context.Context, io.Reader) (picture.Version, error)) (string, error) {
	if err := by.RequireAccount(); err != nil {
		return "", err
	}
	v, err := render(ctx, r)
	if err != nil {
		err = explain(err)
		var f *fault.Error
		if errors.As(err, &f) {
			f.Field = size
		}
		return "", err
	}
	key, err := s.put(ctx, "p", v)
	if err != nil {
		return "", err
	}
	err = s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := insertProfilePicture.Run(ctx, tx, key, by.Account, size, tx.Now())
		return err
	})
	if err != nil {
		return "", errors.Join(err, s.store.Delete(ctx, key))
	}
	return key, nil
}

// Shown says that the actor's profile shows the picture now: the ones it replaced go a day later.
func (s *Service) Shown(ctx context.Context, by authz.Actor, key string) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := showProfilePicture.Run(ctx, tx, by.Account, key, tx.Now())
		return err
	})
}
