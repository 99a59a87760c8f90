package social

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/posttext"
)

// MaxPost is the longest post in characters, counted as Mastodon does (a link is 23).
const MaxPost = 500

// Visibility says who may see a post.
type Visibility int

// The four visibilities, widest first.
const (
	Public    Visibility = iota // everybody, and in the public timelines
	Unlisted                    // everybody, but not in the public timelines
	Followers                   // followers and whoever is mentioned
	Direct                      // only whoever is mentioned
)

var visibilityNames = [...]string{"public", "unlisted", "private", "direct"}

// String is Mastodon's name of the visibility.
func (v Visibility) String() string { return visibilityNames[v] }

// ParseVisibility reads Mastodon's name; ok is false for anything else.
func ParseVisibility(s string) (v Visibility, ok bool) {
	for i, n := range visibilityNames {
		if n == s {
			return Visibility(i), true
		}
	}
	return Public, false
}

// Post is one post, or a boost of one (BoostOfID). Who may see it: sight.go.
type Post struct {
	ID                 id.ID      `db:"id"`
	AccountID          id.ID      `db:"account_id"`
	URI                string     `db:"uri"`
	URL                string     `db:"url"`
	Local              bool       `db:"local"`
	Listed             bool       `db:"listed"`
	BoostOfID          id.ID      `db:"boost_of_id"`
	InReplyToID        id.ID      `db:"in_reply_to_id"`
	InReplyToAccountID id.ID      `db:"in_reply_to_account_id"`
	InReplyToURI       string     `db:"in_reply_to_uri"`
	ThreadID           id.ID      `db:"thread_id"`
	Content            string     `db:"content"` // safe HTML
	Source             string     `db:"source"`  // what its member wrote; "" for remote posts
	Summary            string     `db:"summary"` // the content warning, plain text
	Sensitive          bool       `db:"sensitive"`
	Language           string     `db:"language"`
	Visibility         Visibility `db:"visibility"`
	RepliesCount       int        `db:"replies_count"`
	BoostsCount        int        `db:"boosts_count"`
	FavouritesCount    int        `db:"favourites_count"`
	MediaCount         int        `db:"media_count"`
	PinnedAt           time.Time  `db:"pinned_at"`
	CreatedAt          time.Time  `db:"created_at"`
	EditedAt           time.Time  `db:"edited_at"`
}

// Draft is what a member writes.
type Draft struct {
	Text       string
	Summary    string
	Sensitive  bool
	Language   string
	Visibility Visibility
	InReplyTo  id.ID
	Media      []id.ID
	// Key makes a repeated request give the first one's post (Mastodon's Idempotency-Key).
	Key string
}

func (d *Draft) check() error {
	d.Text = strings.TrimSpace(strings.ReplaceAll(d.Text, "\r\n", "\n"))
	d.Summary = strings.Join(strings.Fields(d.Summary), " ")
	if d.Text == "" && len(d.Media) == 0 {
		return fault.Field("status", "Write something or add a picture before you post.")
	}
	if n := posttext.CharCount(d.Text) + utf8.RuneCountInString(d.Summary); n > MaxPost {
		return fault.Field("status", "This post has %d characters; %d is the most. Please shorten it.", n, MaxPost)
	}
	if d.Visibility < Public || d.Visibility > Direct {
		return fault.Field("visibility", "Choose who may see the post.")
	}
	if len(d.Language) > 35 {
		return fault.Field("language", "This language is not known here.")
	}
	d.Sensitive = d.Sensitive || d.Summary != ""
	return nil
}

// Publish writes a post of the actor. What it answers must be visible to the actor.
func (s *Service) Publish(ctx context.Context, by authz.Actor, d Draft) (Post, error) {
	if err := s.mayAct(ctx, s.db, by); err != nil {
		return Post{}, err
	}
	if err := d.check(); err != nil {
		return Post{}, err
	}
	found := posttext.Scan(d.Text)
	if err := s.resolveUnknown(ctx, found.Mentions); err != nil {
		return Post{}, err
	}
	var p Post
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		p, err = s.publishIn(ctx, tx, by, d, found)
		return err
	})
	return p, err
}

// PublishIn writes a post within the caller's transaction; it mentions only accounts known here. The
// co-op's and bodies' accounts speak through it.
func (s *Service) PublishIn(ctx context.Context, tx *db.Tx, by authz.Actor, d Draft) (Post, error) {
	if err := d.check(); err != nil {
		return Post{}, err
	}
	return s.publishIn(ctx, tx, by, d, posttext.Scan(d.Text))
}

func (s *Service) publishIn(ctx context.Context, tx *db.Tx, by authz.Actor, d Draft, found posttext.Found) (Post, error) {
	if err := s.mayAct(ctx, tx, by); err != nil {
		return Post{}, err
	}
	if d.Key != "" {
		old, again, err := getIdempotent.Find(ctx, tx, by.Account, d.Key)
		if err != nil || again {
			return old, err
		}
	}
	author, err := getAccount.One(ctx, tx, by.Account)
	if err != nil {
		return Post{}, fmt.Errorf("get author: %w", err)
	}
	mentioned, err := s.mentioned(ctx, tx, found.Mentions)
	if err != nil {
		return Post{}, err
	}
	i := id.New(tx.Now())
	p := Post{ID: i, AccountID: author.ID, URI: author.URI + "/statuses/" + i.String(), URL: s.site.Join("/@" + author.Username + "/" + i.String()),
		Local: true, ThreadID: i, Source: d.Text, Summary: d.Summary, Sensitive: d.Sensitive, Language: d.Language,
		Visibility: d.Visibility, MediaCount: len(d.Media), CreatedAt: tx.Now()}
	p.Content = posttext.Render(d.Text, s.renderOptions(mentioned)).HTML
	var parent *Post
	if d.InReplyTo != 0 {
		q, err := s.visible(ctx, tx, by.Account, d.InReplyTo)
		if err != nil {
			return Post{}, fault.Field("in_reply_to_id", "The post you answer is not there any more.")
		}
		parent = &q
	}
	if err := s.insert(ctx, tx, &p, parent, accountsOf(mentioned), found.Tags); err != nil {
		return Post{}, err
	}
	if _, err := s.media.Attach(ctx, tx, author.ID, p.ID, d.Media); err != nil {
		return Post{}, err
	}
	if d.Key != "" {
		if _, err := insertIdempotent.Run(ctx, tx, by.Account, d.Key, p.ID, tx.Now()); err != nil {
			return Post{}, err
		}
	}
	return p, s.Published.Emit(ctx, tx, Published{Post: p, Author: &author, Mentioned: accountsOf(mentioned), Parent: parent})
}

// insert stores a post with its thread, mentions, tags and counts, and puts it into home timelines.
func (s *Service) insert(ctx context.Context, tx *db.Tx, p *Post, parent *Post, mentioned []*Account, tags []posttext.Tag) error {
	if parent != nil {
		p.InReplyToID, p.InReplyToAccountID, p.ThreadID, p.InReplyToURI = parent.ID, parent.AccountID, parent.ThreadID, parent.URI
	}
	answersOther := p.InReplyToURI != "" && p.InReplyToAccountID != p.AccountID
	p.Listed = p.Visibility == Public && p.BoostOfID == 0 && !answersOther
	if err := insertPostRow(ctx, tx, p); err != nil {
		return err
	}
	for _, a := range mentioned {
		if _, err := insertMention.Run(ctx, tx, p.ID, a.ID); err != nil {
			return err
		}
	}
	if err := s.tag(ctx, tx, p.ID, tags); err != nil {
		return err
	}
	if parent != nil && p.Visibility != Direct {
		if _, err := addReplies.Run(ctx, tx, parent.ID, 1); err != nil {
			return err
		}
		if err := s.postChanged(ctx, tx, parent.ID); err != nil {
			return err
		}
	}
	if _, err := countPost.Run(ctx, tx, p.AccountID, 1, p.CreatedAt); err != nil {
		return err
	}
	if err := s.accountChanged(ctx, tx, p.AccountID); err != nil {
		return err
	}
	if err := s.fanOut(ctx, tx, p); err != nil {
		return err
	}
	return s.bus.Publish(ctx, tx, TopicNew, p.ID.String())
}

// boostAgain is how long a post that was boosted into a home timeline is not boosted into it again.
const boostAgain = 48 * time.Hour

// fanOut writes the home timelines: the author's own, and in one statement every local follower's who
// wants to see it.
func (s *Service) fanOut(ctx context.Context, tx *db.Tx, p *Post) error {
	if p.Local {
		if _, err := insertHome.Run(ctx, tx, p.AccountID, p.ID, p.AccountID); err != nil {
			return err
		}
	}
	if p.Visibility == Direct {
		return nil
	}
	var err error
	switch {
	case p.BoostOfID != 0:
		_, err = fanOutBoost.Run(ctx, tx, p.ID, p.AccountID, p.BoostOfID, id.Before(tx.Now().Add(-boostAgain)))
	case p.InReplyToAccountID != 0 && p.InReplyToAccountID != p.AccountID:
		_, err = fanOutReply.Run(ctx, tx, p.ID, p.AccountID, p.InReplyToAccountID)
	default:
		_, err = fanOutPost.Run(ctx, tx, p.ID, p.AccountID)
	}
	return err
}

func (s *Service) tag(ctx context.Context, tx *db.Tx, post id.ID, tags []posttext.Tag) error {
	for n, t := range tags {
		if n == 32 { // more tags than words is spam; the text itself stays as it was written
			break
		}
		tagID, err := upsertTag.One(ctx, tx, id.New(tx.Now()), t.Folded)
		if err != nil {
			return err
		}
		if _, err := insertPostTag.Run(ctx, tx, post, tagID); err != nil {
			return err
		}
	}
	return nil
}

// resolveUnknown looks up, before the transaction begins, mentioned accounts of other servers that
// are not known here. One that cannot be found stays plain text.
func (s *Service) resolveUnknown(ctx context.Context, mentions []posttext.Mention) error {
	if s.FindRemote == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	for n, m := range mentions {
		if m.Domain == "" || strings.EqualFold(m.Domain, s.site.Host) || n >= 16 {
			continue
		}
		_, known, err := getAccountByHandle.Find(ctx, s.db, handleOf(m.Name, m.Domain))
		if err != nil {
			return err
		}
		if !known {
			// The post matters more than the link: whoever is not found is not linked.
			_, _ = s.FindRemote(ctx, m.Name, m.Domain)
		}
	}
	return nil
}

func (s *Service) mentioned(ctx context.Context, h db.Handle, mentions []posttext.Mention) (map[posttext.Mention]*Account, error) {
	out := map[posttext.Mention]*Account{}
	for _, m := range mentions {
		a, err := s.ByName(ctx, h, m.Name, m.Domain)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[m] = a
	}
	return out, nil
}

func accountsOf(m map[posttext.Mention]*Account) []*Account {
	var out []*Account
	seen := map[id.ID]bool{}
	for _, a := range m {
		if !seen[a.ID] {
			seen[a.ID] = true
			out = append(out, a)
		}
	}
	return out
}

// Edit changes the actor's own post; what it was before stays readable in its history.
func (s *Service) Edit(ctx context.Context, by authz.Actor, post id.ID, d Draft) (Post, error) {
	if err := d.check(); err != nil {
		return Post{}, err
	}
	found := posttext.Scan(d.Text)
	if err := s.resolveUnknown(ctx, found.Mentions); err != nil {
		return Post{}, err
	}
	var p Post
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		if p, err = s.own(ctx, tx, by, post); err != nil {
			return err
		}
		mentioned, err := s.mentioned(ctx, tx, found.Mentions)
		if err != nil {
			return err
		}
		next := p
		next.Source, next.Summary, next.Sensitive, next.MediaCount = d.Text, d.Summary, d.Sensitive, len(d.Media)
		if d.Language != "" {
			next.Language = d.Language
		}
		next.Content = posttext.Render(d.Text, s.renderOptions(mentioned)).HTML
		if err := s.keepVersion(ctx, tx, p); err != nil {
			return err
		}
		if _, err := s.media.Attach(ctx, tx, p.AccountID, p.ID, d.Media); err != nil {
			return err
		}
		p, err = s.change(ctx, tx, next, accountsOf(mentioned), found.Tags)
		return err
	})
	return p, err
}

// change stores the new form of an edited post and tells the world.
func (s *Service) change(ctx context.Context, tx *db.Tx, p Post, mentioned []*Account, tags []posttext.Tag) (Post, error) {
	if p.EditedAt.IsZero() || p.Local {
		p.EditedAt = tx.Now()
	}
	if _, err := updatePost.Run(ctx, tx, p.ID, p.Content, p.Source, p.Summary, p.Sensitive, p.Language, p.MediaCount, p.EditedAt); err != nil {
		return p, err
	}
	before, err := listMentioned.All(ctx, tx, p.ID)
	if err != nil {
		return p, err
	}
	had := map[id.ID]bool{}
	for _, i := range before {
		had[i] = true
	}
	if _, err := deleteMentions.Run(ctx, tx, p.ID); err != nil {
		return p, err
	}
	if _, err := deletePostTags.Run(ctx, tx, p.ID); err != nil {
		return p, err
	}
	var fresh []*Account
	for _, a := range mentioned {
		if _, err := insertMention.Run(ctx, tx, p.ID, a.ID); err != nil {
			return p, err
		}
		if !had[a.ID] {
			fresh = append(fresh, a)
		}
	}
	if err := s.tag(ctx, tx, p.ID, tags); err != nil {
		return p, err
	}
	author, err := getAccount.One(ctx, tx, p.AccountID)
	if err != nil {
		return p, err
	}
	if err := errors.Join(s.postChanged(ctx, tx, p.ID), s.bus.Publish(ctx, tx, TopicEdit, p.ID.String())); err != nil {
		return p, err
	}
	return p, s.Edited.Emit(ctx, tx, Edited{Post: p, Author: &author, Mentioned: mentioned, NewlyMentioned: fresh})
}

func (s *Service) keepVersion(ctx context.Context, tx *db.Tx, p Post) error {
	files, err := s.media.OfPosts(ctx, tx, []id.ID{p.ID})
	if err != nil {
		return err
	}
	ids := []id.ID{}
	for _, f := range files[p.ID] {
		ids = append(ids, f.ID)
	}
	b, err := json.Marshal(ids)
	if err != nil {
		return err
	}
	at := p.CreatedAt
	if !p.EditedAt.IsZero() {
		at = p.EditedAt
	}
	_, err = insertEdit.Run(ctx, tx, id.New(tx.Now()), p.ID, p.Content, p.Source, p.Summary, p.Sensitive, string(b), at)
	return err
}

// Version is what a post said between two edits.
type Version struct {
	Content   string    `db:"content"`
	Summary   string    `db:"summary"`
	Sensitive bool      `db:"sensitive"`
	CreatedAt time.Time `db:"created_at"`
}

// History lists what a visible post said, oldest first, the present form last.
func (s *Service) History(ctx context.Context, by authz.Actor, post id.ID) ([]Version, error) {
	p, err := s.visible(ctx, s.db, by.Account, post)
	if err != nil {
		return nil, err
	}
	out, err := listVersions.All(ctx, s.db, post)
	at := p.CreatedAt
	if !p.EditedAt.IsZero() {
		at = p.EditedAt
	}
	return append(out, Version{p.Content, p.Summary, p.Sensitive, at}), err
}

// Delete removes the actor's own post, its boosts and all marks on it, and leaves a tombstone. It
// returns the post as it was, so that its writer may begin anew from it.
func (s *Service) Delete(ctx context.Context, by authz.Actor, post id.ID) (Post, error) {
	var p Post
	err := s.db.InTx(ctx, func(tx *db.Tx) (err error) {
		if err := s.mayAct(ctx, tx, by); err != nil {
			return err
		}
		if p, err = s.own(ctx, tx, by, post); err != nil {
			return err
		}
		return s.remove(ctx, tx, post, false)
	})
	return p, err
}

// own is the actor's own post, or fault.NotFound.
func (s *Service) own(ctx context.Context, h db.Handle, by authz.Actor, post id.ID) (Post, error) {
	p, err := getPost.One(ctx, h, post)
	if errors.Is(err, db.ErrNone) || err == nil && (p.AccountID != by.Account || p.BoostOfID != 0) {
		return Post{}, errNotFound
	}
	return p, err
}

// remove deletes a post and everything that hangs on it; withAccount says that its author goes too.
func (s *Service) remove(ctx context.Context, tx *db.Tx, post id.ID, withAccount bool) error {
	p, known, err := getPost.Find(ctx, tx, post)
	if err != nil || !known {
		return err
	}
	author, err := getAccount.One(ctx, tx, p.AccountID)
	if err != nil {
		return err
	}
	mentioned, err := s.mentionedIn(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	if p.BoostOfID == 0 {
		if err := s.Deleted.Emit(ctx, tx, Deleted{Post: p, Author: &author, Mentioned: mentioned, WithAccount: withAccount}); err != nil {
			return err
		}
	}
	boosts, err := listBoosts.All(ctx, tx, p.ID)
	if err != nil {
		return err
	}
	for _, b := range boosts {
		if err := s.erase(ctx, tx, b); err != nil {
			return err
		}
	}
	return s.erase(ctx, tx, p)
}

// erase takes the rows of one post or boost away and corrects the counts.
func (s *Service) erase(ctx context.Context, tx *db.Tx, p Post) error {
	if p.InReplyToID != 0 && p.Visibility != Direct {
		if _, err := addReplies.Run(ctx, tx, p.InReplyToID, -1); err != nil {
			return err
		}
		if err := s.postChanged(ctx, tx, p.InReplyToID); err != nil {
			return err
		}
	}
	if err := s.media.Release(ctx, tx, p.ID); err != nil {
		return err
	}
	if _, err := deleteHomeOfPost.Run(ctx, tx, p.ID, p.AccountID); err != nil {
		return err
	}
	for _, st := range []*db.Statement{orphanReplies, deletePost} {
		if _, err := st.Run(ctx, tx, p.ID); err != nil {
			return err
		}
	}
	if _, err := insertTombstone.Run(ctx, tx, p.URI, tx.Now()); err != nil {
		return err
	}
	if _, err := countPost.Run(ctx, tx, p.AccountID, -1, time.Time{}); err != nil {
		return err
	}
	return errors.Join(s.accountChanged(ctx, tx, p.AccountID), s.postChanged(ctx, tx, p.ID), s.bus.Publish(ctx, tx, TopicGone, p.ID.String()))
}

// Tombstone reports whether a post with this URI was deleted here, and when.
func (s *Service) Tombstone(ctx context.Context, h db.Handle, uri string) (time.Time, bool, error) {
	return getTombstone.Find(ctx, h, uri)
}

func (s *Service) mentionedIn(ctx context.Context, h db.Handle, post id.ID) ([]*Account, error) {
	ids, err := listMentioned.All(ctx, h, post)
	if err != nil {
		return nil, err
	}
	return s.Accounts(ctx, h, ids)
}

// Mentioned are the accounts a post mentions.
func (s *Service) Mentioned(ctx context.Context, h db.Handle, post id.ID) ([]*Account, error) {
	return s.mentionedIn(ctx, h, post)
}
