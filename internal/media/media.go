package media

import (
	"context"
	"embed"
	"fmt"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "media", Files: migrations} }

// MaxPerPost is how many pictures one post carries.
const MaxPerPost = 4

// MaxAlt is the longest alt text in characters.
const MaxAlt = 1500

// Kinds of attachment. Films and sounds of other servers are passed on as links, so they are Unknown.
const (
	Image   = "image"
	Unknown = "unknown"
)

// Attachment is a picture (or for remote posts any file) that belongs to an account, and to a post
// once the post is published. Until then only its account may see it.
type Attachment struct {
	ID            id.ID     `db:"id"`
	AccountID     id.ID     `db:"account_id"`
	PostID        id.ID     `db:"post_id"`
	Kind          string    `db:"kind"`
	ContentType   string    `db:"content_type"`
	BlobKey       string    `db:"blob_key"`    // "" while a remote file is not in our cache
	PreviewKey    string    `db:"preview_key"` // the small size
	RemoteURL     string    `db:"remote_url"`  // where the original lives, "" for our own
	Width         int       `db:"width"`
	Height        int       `db:"height"`
	PreviewWidth  int       `db:"preview_width"`
	PreviewHeight int       `db:"preview_height"`
	Blurhash      string    `db:"blurhash"`
	Alt           string    `db:"alt"`
	FocusX        float64   `db:"focus_x"` // -1 (left) to 1 (right)
	FocusY        float64   `db:"focus_y"` // -1 (bottom) to 1 (top)
	CreatedAt     time.Time `db:"created_at"`
	FetchedAt     time.Time `db:"fetched_at"` // when a remote file came into our cache
	FailedAt      time.Time `db:"failed_at"`  // when fetching it last failed
}

// Remote describes a file of a post that came from another server.
type Remote struct {
	URL, ContentType, Alt, Blurhash string
	Width, Height                   int
	FocusX, FocusY                  float64
}

// Attach makes the files ids of the account, in that order, the attachments of a post; files that
// were attached to it and are not named any more are let go. A file of another account or another
// post is fault.Invalid.
func (s *Service) Attach(ctx context.Context, tx *db.Tx, account, post id.ID, ids []id.ID) ([]Attachment, error) {
	if len(ids) > MaxPerPost {
		return nil, fault.Field("media_ids", "A post carries %d pictures at most.", MaxPerPost)
	}
	var out []Attachment
	if len(ids) == 0 {
		_, err := detachAll.Run(ctx, tx, post)
		return nil, err
	}
	found, err := listAttachments.All(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[id.ID]Attachment{}
	for _, a := range found {
		byID[a.ID] = a
	}
	for _, i := range ids {
		a, ok := byID[i]
		if !ok || a.AccountID != account || a.PostID != 0 && a.PostID != post {
			return nil, fault.Field("media_ids", "One of the pictures is not there any more. Please upload it again.")
		}
		a.PostID = post
		out = append(out, a)
		delete(byID, i) // the same picture twice is an error, too
	}
	if _, err := detachAll.Run(ctx, tx, post); err != nil {
		return nil, err
	}
	for pos, a := range out {
		if _, err := attach.Run(ctx, tx, a.ID, post, pos); err != nil {
			return nil, fmt.Errorf("attach %d: %w", a.ID, err)
		}
	}
	return out, nil
}

// maxRemote is how many files of one remote post are kept; other software allows more than we show,
// and a bound keeps one post small.
const maxRemote = 16

// AttachRemote replaces the attachments of a remote post. A file that the post had before keeps its
// place in our cache; new files are fetched when somebody looks at them.
func (s *Service) AttachRemote(ctx context.Context, tx *db.Tx, account, post id.ID, files []Remote) error {
	had, err := listOfPosts.All(ctx, tx, []id.ID{post})
	if err != nil {
		return err
	}
	if len(had) > 0 {
		if _, err := detachAll.Run(ctx, tx, post); err != nil {
			return err
		}
	}
	before := make(map[string]id.ID, len(had))
	for _, a := range had {
		before[a.RemoteURL] = a.ID
	}
	for pos, f := range files[:min(len(files), maxRemote)] {
		focus := Focus{f.FocusX, f.FocusY}.within()
		if old := before[f.URL]; old != 0 {
			delete(before, f.URL)
			if _, err := attach.Run(ctx, tx, old, post, pos); err != nil {
				return err
			}
			if _, err := describe.Run(ctx, tx, old, f.Alt, focus.X, focus.Y); err != nil {
				return err
			}
			continue
		}
		if _, err := insertAttachment.Run(ctx, tx, id.New(tx.Now()), account, post, pos, kindOf(f.ContentType), f.ContentType,
			"", "", f.URL, f.Width, f.Height, 0, 0, f.Blurhash, f.Alt, focus.X, focus.Y, tx.Now()); err != nil {
			return err
		}
	}
	return nil
}

// OfPosts gives the attachments of each post, in order.
func (s *Service) OfPosts(ctx context.Context, h db.Handle, posts []id.ID) (map[id.ID][]Attachment, error) {
	list, err := listOfPosts.All(ctx, h, posts)
	if err != nil {
		return nil, err
	}
	out := map[id.ID][]Attachment{}
	for _, a := range list {
		out[a.PostID] = append(out[a.PostID], a)
	}
	return out, nil
}

// Release lets go of a post's files because the post is deleted. A sweep removes files that belong to
// no post after a day, as it does with uploads that were never posted.
func (s *Service) Release(ctx context.Context, tx *db.Tx, post id.ID) error {
	_, err := detachAll.Run(ctx, tx, post)
	return err
}
