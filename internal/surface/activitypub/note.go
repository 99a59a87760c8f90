package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// noteTypes are what is shown as a post, whatever its own server calls it.
var noteTypes = []string{"Note", "Article", "Page", "Question", "Image", "Video", "Audio", "Event"}

const (
	maxMentions = 100
	maxTags     = 64
	maxMedia    = 16
)

// incoming is a post that has been read but not stored.
type incoming struct {
	social.Incoming
	author *social.Account
}

// read turns a document into a post of its author. The document came from the author's server.
func (s *Service) read(ctx context.Context, h db.Handle, o *activitystreams.Object, author *social.Account) (incoming, error) {
	if !o.Type.Is(noteTypes...) || o.ID == "" || len(o.ID) > 2048 {
		return incoming{}, fmt.Errorf("%w: a %s is no post", errRefused, o.Type)
	}
	if o.AttributedTo.First().ID != author.URI || !activitystreams.SameOrigin(o.ID, author.URI) { // spec: fep-fe34
		return incoming{}, fmt.Errorf("%w: %s is not by %s", errRefused, o.ID, author.URI)
	}
	in := incoming{author: author, Incoming: social.Incoming{URI: o.ID, URL: webAddress(o.URL(), o.ID), Account: author.ID,
		InReplyTo: webAddress(o.InReplyTo.ID, ""), Content: contentOf(o), Summary: summaryOf(o), Sensitive: o.Sensitive,
		Language: languageOf(o), Visibility: visibilityOf(o, author), Published: o.Published, Updated: o.Updated, Media: mediaOf(o)}}
	if o.Type.Is("Note") && o.Content == "" && len(o.ContentMap) == 0 && o.Name != "" && in.InReplyTo != "" { // spec: fep-9967
		return in, fmt.Errorf("%w: a vote is no post", errRefused)
	}
	for _, t := range o.Tag {
		if t.Type.Is("Hashtag") && len(in.Tags) < maxTags {
			in.Tags = append(in.Tags, strings.TrimPrefix(t.Name, "#"))
		}
	}
	var err error
	in.Mentioned, err = s.mentionedIn(ctx, h, o)
	return in, err
}

// mentionedIn finds the accounts known here that a document names: in its tags, and for our own also
// among those it is addressed to, since a direct post may come without a tag.
func (s *Service) mentionedIn(ctx context.Context, h db.Handle, o *activitystreams.Object) ([]id.ID, error) {
	var uris []string
	for _, t := range o.Tag {
		if t.Type.Is("Mention") && t.Href != "" && !slices.Contains(uris, t.Href) {
			uris = append(uris, t.Href)
		}
	}
	for _, to := range o.Recipients() {
		if s.localName(to) != "" && !slices.Contains(uris, to) {
			uris = append(uris, to)
		}
	}
	var out []id.ID
	for n, uri := range uris {
		if n == maxMentions {
			break
		}
		a, err := s.Social.ByURI(ctx, h, uri)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, a.ID)
	}
	return out, nil
}

// visibilityOf reads who a document is addressed to. spec: mastodon/spec/activitypub#properties-used
func visibilityOf(o *activitystreams.Object, author *social.Account) social.Visibility {
	switch {
	case slices.ContainsFunc(o.To, activitystreams.IsPublic):
		return social.Public
	case slices.ContainsFunc(o.CC, activitystreams.IsPublic):
		return social.Unlisted
	case author.Followers != "" && slices.Contains(o.Recipients(), author.Followers):
		return social.Followers
	}
	return social.Direct
}

// contentOf is the HTML to show. What is not a note has a title, and often lives better on its own page.
func contentOf(o *activitystreams.Object) string {
	content := o.Content
	if content == "" && len(o.ContentMap) > 0 {
		content = o.ContentMap[firstKey(o.ContentMap)]
	}
	if o.MediaType == "text/plain" || o.MediaType == "text/markdown" {
		content = "<p>" + strings.ReplaceAll(html.EscapeString(content), "\n", "<br>") + "</p>"
	}
	if !o.Type.Is("Note", "Question") {
		if content == "" {
			content = o.Summary
		}
		if o.Name != "" {
			content = "<h1>" + html.EscapeString(o.Name) + "</h1>" + content
		}
		if u := webAddress(o.URL(), ""); u != "" {
			content += `<p><a href="` + html.EscapeString(u) + `">` + html.EscapeString(u) + `</a></p>`
		}
	}
	if options := append(slices.Clone(o.OneOf), o.AnyOf...); len(options) > 0 {
		content += "<ul>"
		for n, opt := range options {
			if n == 20 {
				break
			}
			content += "<li>" + html.EscapeString(opt.Name) + "</li>"
		}
		content += "</ul>"
	}
	return content
}

func summaryOf(o *activitystreams.Object) string {
	if o.Summary == "" && len(o.SummaryMap) > 0 {
		return o.SummaryMap[firstKey(o.SummaryMap)]
	}
	if !o.Type.Is("Note", "Question") {
		return "" // elsewhere the summary is an abstract, not a warning
	}
	return o.Summary
}

func firstKey(m map[string]string) string {
	first := ""
	for k := range m {
		if first == "" || k < first {
			first = k
		}
	}
	return first
}

func languageOf(o *activitystreams.Object) string {
	l := o.Language()
	if len(l) > 35 || strings.ContainsFunc(l, func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		return ""
	}
	return l
}

func mediaOf(o *activitystreams.Object) []media.Remote {
	var out []media.Remote
	add := func(m *activitystreams.Object, address string) {
		if address = webAddress(address, ""); address == "" || len(out) == maxMedia {
			return
		}
		alt := m.Name
		if alt == "" {
			alt = m.Summary
		}
		out = append(out, media.Remote{URL: address, ContentType: contentType(m, address), Alt: clip(alt, 4*media.MaxAlt),
			Blurhash: clip(m.Blurhash, 128), Width: int(m.Width), Height: int(m.Height), FocusX: m.FocalPoint[0], FocusY: m.FocalPoint[1]})
	}
	for i := range o.Attachment {
		m := &o.Attachment[i]
		if !m.Type.Is("Document", "Image", "Video", "Audio") {
			continue
		}
		address := m.URL()
		if address == "" {
			address = m.Href
		}
		add(m, address)
	}
	if o.Type.Is("Video", "Audio", "Image") { // the document itself is the file; its page is a link beside it
		for _, u := range o.URLs {
			if u.Object != nil && slices.Contains([]string{"video", "audio", "image"}, kindOf(u.Object.MediaType)) {
				add(u.Object, u.Object.Href)
				break
			}
		}
	}
	return out
}

func kindOf(contentType string) string {
	kind, _, _ := strings.Cut(contentType, "/")
	return kind
}

func contentType(m *activitystreams.Object, address string) string {
	if t, _, err := mime.ParseMediaType(m.MediaType); err == nil {
		return t
	}
	if u, err := url.Parse(address); err == nil {
		if t, _, err := mime.ParseMediaType(mime.TypeByExtension(strings.ToLower(path.Ext(u.Path)))); err == nil {
			return t
		}
	}
	switch {
	case m.Type.Is("Image"):
		return "image/jpeg"
	case m.Type.Is("Video"):
		return "video/mp4"
	case m.Type.Is("Audio"):
		return "audio/mpeg"
	}
	return "application/octet-stream"
}

// matters reports whether anybody here has to do with a post: a follower of its author, somebody it
// mentions, or who wrote (or took part in) what it answers.
func (s *Service) matters(ctx context.Context, h db.Handle, in incoming) (bool, error) {
	if in.Visibility != social.Direct {
		if ok, err := s.Social.HasLocalFollowers(ctx, h, in.author.ID); err != nil || ok {
			return ok, err
		}
		if in.InReplyTo != "" {
			_, err := s.Social.PostByURI(ctx, h, in.InReplyTo)
			if err == nil || !fault.Is(err, fault.NotFound) {
				return err == nil, err
			}
		}
	}
	accounts, err := s.Social.Accounts(ctx, h, in.Mentioned)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(accounts, (*social.Account).Local), nil
}

// maxThread is how far up a thread is followed for one reply.
const maxThread = 40

// thread reminds us to fetch what a stored post answers, and what that answers, and so on.
type thread struct {
	URI  string `json:"uri"`
	Left int    `json:"left"`
}

// remind stores the reminder in the transaction of the reply.
func (s *Service) remind(ctx context.Context, tx *db.Tx, uri string, left int) error {
	if uri == "" || left <= 0 || s.local(uri) {
		return nil
	}
	if _, err := s.Social.PostByURI(ctx, tx, uri); err == nil || !fault.Is(err, fault.NotFound) {
		return err
	}
	b, err := json.Marshal(thread{uri, left})
	if err != nil {
		return err
	}
	if _, err := insertInbox.Run(ctx, tx, id.New(tx.Now()), "thread "+hostOf(uri), typeThread, b, tx.Now()); err != nil {
		return err
	}
	tx.AfterCommit(s.work.signal)
	return nil
}

// obtain is the post with this id, fetched from its server if it is not known here. Up to left posts
// that it answers will be fetched later.
func (s *Service) obtain(ctx context.Context, uri string, left int) (social.Post, error) {
	p, err := s.Social.PostByURI(ctx, s.DB, uri)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return p, err
	}
	if s.local(uri) {
		return p, fmt.Errorf("get %s: %w", uri, errGone)
	}
	if _, gone, err := s.Social.Tombstone(ctx, s.DB, uri); err != nil || gone {
		return p, errors.Join(err, fmt.Errorf("get %s: %w", uri, errGone))
	}
	v, err, _ := s.flight.Do("post "+uri, func() (any, error) {
		o, err := s.get(ctx, uri)
		if err != nil {
			return nil, err
		}
		return s.store(ctx, &o, left)
	})
	if err != nil {
		return p, err
	}
	return v.(social.Post), nil
}

// store keeps a post whose document came from its own server.
func (s *Service) store(ctx context.Context, o *activitystreams.Object, left int) (social.Post, error) {
	if inner := o.Object.First().Object; o.Type.Is("Create") && inner != nil && activitystreams.SameOrigin(inner.ID, o.ID) {
		o = inner
	}
	if !o.Type.Is(noteTypes...) {
		return social.Post{}, fmt.Errorf("%w: a %s is no post", errRefused, o.Type)
	}
	if !activitystreams.SameOrigin(o.ID, o.AttributedTo.First().ID) {
		return social.Post{}, fmt.Errorf("%w: %s is not its author's", errRefused, o.ID)
	}
	author, err := s.account(ctx, o.AttributedTo.First().ID)
	if err != nil {
		return social.Post{}, err
	}
	if hidden, err := s.Social.Hidden(ctx, s.DB, author); err != nil {
		return social.Post{}, err
	} else if hidden {
		return social.Post{}, fmt.Errorf("%w: %s is suspended here", errRefused, author.URI)
	}
	var p social.Post
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		in, err := s.read(ctx, tx, o, author)
		if err != nil {
			return err
		}
		p, err = s.receive(ctx, tx, in, left)
		return err
	})
	return p, err
}

// receive stores a post and remembers what it answers.
func (s *Service) receive(ctx context.Context, tx *db.Tx, in incoming, left int) (social.Post, error) {
	p, fresh, err := s.Social.ReceiveIn(ctx, tx, in.Incoming)
	if err != nil || !fresh {
		return p, err
	}
	return p, s.remind(ctx, tx, in.InReplyTo, left)
}

func actor(a *social.Account) authz.Actor { return authz.Actor{Account: a.ID, Via: authz.Federation} }
