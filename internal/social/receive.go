package social

import (
	"context"
	"errors"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/media"
)

// Incoming is a post of another server. The caller has checked that the document is its author's
// (fep-fe34) and resolved the accounts.
type Incoming struct {
	URI, URL   string
	Account    id.ID
	InReplyTo  string // URI of the post it answers, "" if none
	Content    string // HTML as it came; it is sanitised here, once
	Summary    string
	Sensitive  bool
	Language   string
	Visibility Visibility
	Published  time.Time
	Updated    time.Time
	Mentioned  []id.ID
	Tags       []string // as written, without #
	Media      []media.Remote
}

// maxContent bounds what one remote post takes in our tables.
const maxContent = 256 << 10

// ReceiveIn stores a post of another server, or the new form of one that is known. fresh is false if
// nothing was new. A post that was deleted here does not come back.
func (s *Service) ReceiveIn(ctx context.Context, tx *db.Tx, in Incoming) (p Post, fresh bool, err error) {
	if len(in.Content) > maxContent {
		return p, false, fault.New(fault.Invalid, "the post is too long")
	}
	if _, gone, err := getTombstone.Find(ctx, tx, in.URI); err != nil || gone {
		return p, false, errors.Join(err, fault.New(fault.Gone, "the post was deleted"))
	}
	author, err := getAccount.One(ctx, tx, in.Account)
	if err != nil {
		return p, false, err
	}
	if author.Local() {
		return p, false, fault.New(fault.Invalid, "a post of a local account does not come from outside")
	}
	if hidden, err := s.Hidden(ctx, tx, &author); err != nil {
		return p, false, err
	} else if hidden {
		return p, false, fault.New(fault.Forbidden, "the account is suspended or its server blocked")
	}
	mentioned, err := s.Accounts(ctx, tx, in.Mentioned)
	if err != nil {
		return p, false, err
	}
	var tags []posttext.Tag
	for _, t := range in.Tags {
		if f := posttext.FoldTag(t); f != "" {
			tags = append(tags, posttext.Tag{Folded: f, Written: t})
		}
	}
	p, known, err := getPostByURI.Find(ctx, tx, in.URI)
	if err != nil {
		return p, false, err
	}
	if known {
		return s.receiveEdit(ctx, tx, p, in, mentioned, tags)
	}
	published := in.Published
	if published.IsZero() || published.After(tx.Now()) {
		published = tx.Now()
	}
	p = Post{ID: id.New(published), AccountID: author.ID, URI: in.URI, URL: in.URL, InReplyToURI: in.InReplyTo,
		Content: posttext.Sanitise(in.Content), Summary: posttext.Summary(posttext.PlainText(in.Summary), MaxPost), Sensitive: in.Sensitive || in.Summary != "",
		Language: in.Language, Visibility: in.Visibility, MediaCount: len(in.Media), CreatedAt: published}
	if !in.Updated.IsZero() && in.Updated.After(published) && !in.Updated.After(tx.Now()) {
		p.EditedAt = in.Updated
	}
	p.ThreadID = p.ID
	var parent *Post
	if in.InReplyTo != "" {
		q, ok, err := getPostByURI.Find(ctx, tx, in.InReplyTo)
		if err != nil {
			return p, false, err
		}
		if ok {
			parent = &q
		}
	}
	if err := s.insert(ctx, tx, &p, parent, mentioned, tags); err != nil {
		return p, false, err
	}
	if err := s.media.AttachRemote(ctx, tx, author.ID, p.ID, in.Media); err != nil {
		return p, false, err
	}
	if err := s.adopt(ctx, tx, &p); err != nil {
		return p, false, err
	}
	return p, true, s.Published.Emit(ctx, tx, Published{Post: p, Author: &author, Mentioned: mentioned, Parent: parent})
}

// adopt joins replies that arrived before the post they answer to its thread.
func (s *Service) adopt(ctx context.Context, tx *db.Tx, p *Post) error {
	orphans, err := listOrphans.All(ctx, tx, p.URI)
	if err != nil || len(orphans) == 0 {
		return err
	}
	for _, o := range orphans {
		if _, err := adoptReply.Run(ctx, tx, o.ID, p.ID, p.AccountID); err != nil {
			return err
		}
		if _, err := moveThread.Run(ctx, tx, o.ThreadID, p.ThreadID); err != nil {
			return err
		}
		if err := s.postChanged(ctx, tx, o.ID); err != nil {
			return err
		}
	}
	_, err = addReplies.Run(ctx, tx, p.ID, len(orphans))
	return errors.Join(err, s.postChanged(ctx, tx, p.ID))
}

func (s *Service) receiveEdit(ctx context.Context, tx *db.Tx, p Post, in Incoming, mentioned []*Account, tags []posttext.Tag) (Post, bool, error) {
	if p.AccountID != in.Account {
		return p, false, fault.New(fault.Forbidden, "the post is another account's")
	}
	newer := in.Updated.After(p.EditedAt) && in.Updated.After(p.CreatedAt)
	if !newer {
		return p, false, nil
	}
	next := p
	next.Content, next.Summary = posttext.Sanitise(in.Content), posttext.Summary(posttext.PlainText(in.Summary), MaxPost)
	next.Sensitive, next.MediaCount, next.EditedAt = in.Sensitive || in.Summary != "", len(in.Media), in.Updated
	if in.Language != "" {
		next.Language = in.Language
	}
	if err := s.keepVersion(ctx, tx, p); err != nil {
		return p, false, err
	}
	if err := s.media.AttachRemote(ctx, tx, p.AccountID, p.ID, in.Media); err != nil {
		return p, false, err
	}
	p, err := s.change(ctx, tx, next, mentioned, tags)
	return p, true, err
}

// DeleteIn removes a post of the remote account, by its URI; fresh is false if it was not known.
// A tombstone is left in either case, as the Create may still be on its way.
func (s *Service) DeleteIn(ctx context.Context, tx *db.Tx, account id.ID, uri string) (fresh bool, err error) {
	p, known, err := getPostByURI.Find(ctx, tx, uri)
	if err != nil {
		return false, err
	}
	if !known {
		a, err := getAccount.One(ctx, tx, account)
		if err != nil || !activitystreams.SameOrigin(a.URI, uri) { // spec: fep-fe34
			return false, err
		}
		_, err = insertTombstone.Run(ctx, tx, uri, tx.Now())
		return false, err
	}
	if p.AccountID != account {
		return false, fault.New(fault.Forbidden, "the post is another account's")
	}
	return true, s.remove(ctx, tx, p.ID, false)
}

// PostByURI finds a post or boost by its ActivityPub id, whoever may see it.
func (s *Service) PostByURI(ctx context.Context, h db.Handle, uri string) (Post, error) {
	p, err := getPostByURI.One(ctx, h, uri)
	if errors.Is(err, db.ErrNone) {
		return p, errNotFound
	}
	return p, err
}

// HasLocalFollowers reports whether anybody here follows the account.
func (s *Service) HasLocalFollowers(ctx context.Context, h db.Handle, account id.ID) (bool, error) {
	_, ok, err := anyLocalFollower.Find(ctx, h, account)
	return ok, err
}

// FollowerInboxes lists the inboxes of the account's remote followers, each shared inbox once.
func (s *Service) FollowerInboxes(ctx context.Context, h db.Handle, account id.ID) ([]string, error) {
	return listFollowerInboxes.All(ctx, h, account)
}

// PostURI is the ActivityPub id of a post, whoever may see it.
func (s *Service) PostURI(ctx context.Context, h db.Handle, post id.ID) (string, error) {
	p, err := getPost.One(ctx, h, post)
	if errors.Is(err, db.ErrNone) {
		return "", errNotFound
	}
	return p.URI, err
}
