package activitypub

import (
	"context"
	"mime"
	"path"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// rendered is a finished document and the shared value it was made from: while readers are given the
// same pointer, nothing has changed.
type rendered struct {
	of   any
	body []byte
}

// actorOf is the document of one of our accounts.
func (s *Service) actorOf(a *social.Account, k *actorKey) activitystreams.Actor {
	out := activitystreams.Actor{ID: a.URI, Type: string(a.Kind), PreferredUsername: a.Username, Webfinger: a.Username + "@" + s.Site.Host,
		Name: a.DisplayName, Summary: a.Note, URL: a.URL, Inbox: a.Inbox, Outbox: a.Outbox, Followers: a.Followers, Following: a.Following,
		Featured: a.Featured, FeaturedTags: a.URI + "/collections/tags", Endpoints: activitystreams.Endpoints{SharedInbox: s.Site.Join("/inbox")},
		PublicKey:        activitystreams.PublicKey{ID: keyID(a.URI), Owner: a.URI, PEM: k.pem},
		AssertionMethod:  []activitystreams.Multikey{activitystreams.NewMultikey(multikeyID(a.URI), a.URI, publicOf(k))},
		ManuallyApproves: a.Locked, Discoverable: a.Discoverable, Indexable: a.Indexable, Published: activitystreams.Time{Time: a.CreatedAt},
		Updated: activitystreams.Time{Time: a.UpdatedAt}, Icon: s.imageOf(a.Avatar, "avatar"), Image: s.imageOf(a.Header, "header")}
	if a.Bot && a.Kind == social.Person {
		out.Type = string(social.Service_)
	}
	if !a.SuspendedAt.IsZero() {
		// Its name and keys stay, so that others can check that it is we who say so.
		// spec: mastodon/spec/activitypub#suspended
		out.Suspended, out.Name, out.Summary, out.Icon, out.Image, out.Discoverable, out.Indexable = true, "", "", nil, nil, false, false
		return out
	}
	for _, f := range a.Fields() {
		out.Attachment = append(out.Attachment, activitystreams.PropertyValue{Type: "PropertyValue", Name: f.Name, Value: f.Value})
	}
	return out
}

// instanceActor is the server itself: it signs what nobody here asked for in person.
func (s *Service) instanceActor(k *actorKey) activitystreams.Actor {
	uri := s.instanceURI()
	return activitystreams.Actor{ID: uri, Type: "Application", PreferredUsername: s.instanceName(), Webfinger: s.instanceName() + "@" + s.Site.Host,
		Name: s.Site.Host, URL: s.Site.Join("/about"), Inbox: uri + "/inbox", Outbox: uri + "/outbox",
		Endpoints:        activitystreams.Endpoints{SharedInbox: s.Site.Join("/inbox")},
		PublicKey:        activitystreams.PublicKey{ID: keyID(uri), Owner: uri, PEM: k.pem},
		AssertionMethod:  []activitystreams.Multikey{activitystreams.NewMultikey(multikeyID(uri), uri, publicOf(k))},
		ManuallyApproves: true}
}

// instanceName is our host, which is no name a member can have. A port, in labs, does not belong to it.
func (s *Service) instanceName() string {
	name, _, _ := strings.Cut(s.Site.Host, ":")
	return name
}

func (s *Service) imageOf(key, size string) *activitystreams.Image {
	address := s.Media.PictureURL(key, size, "")
	if address == "" {
		return nil
	}
	return &activitystreams.Image{Type: "Image", MediaType: mime.TypeByExtension(path.Ext(key)), URL: address}
}

// mention is an account named in a post, as documents address it.
type mention struct{ uri, acct string }

func mentionsOf(accounts []*social.Account) []mention {
	var out []mention
	for _, a := range accounts {
		out = append(out, mention{a.URI, a.Acct()})
	}
	return out
}

// noteOf is the document of one of our posts.
func (s *Service) noteOf(p *social.Post, author *social.Account, mentioned []mention, files []media.Attachment) activitystreams.Note {
	n := activitystreams.Note{ID: p.URI, Type: "Note", Published: activitystreams.Time{Time: p.CreatedAt},
		Updated: activitystreams.Time{Time: p.EditedAt}, URL: p.URL, AttributedTo: author.URI, Sensitive: p.Sensitive, Content: p.Content,
		Replies: p.URI + "/replies"}
	n.To, n.CC = s.audience(p.Visibility, author, mentioned)
	if p.Summary != "" {
		n.Summary = &p.Summary
	}
	if p.InReplyToURI != "" {
		n.InReplyTo = &p.InReplyToURI
	}
	if p.Language != "" {
		n.ContentMap = map[string]string{p.Language: p.Content}
	}
	for _, m := range mentioned {
		name := "@" + m.acct
		if s.localName(m.uri) != "" {
			name += "@" + s.Site.Host
		}
		n.Tag = append(n.Tag, activitystreams.NewMention(m.uri, name))
	}
	for _, t := range posttext.Scan(p.Source).Tags {
		n.Tag = append(n.Tag, activitystreams.NewHashtag(s.Site.Join("/tags/"+t.Folded), "#"+t.Written))
	}
	for _, f := range files {
		a := activitystreams.Attachment{Type: "Document", MediaType: f.ContentType, URL: s.Media.URL(f), Name: f.Alt,
			Blurhash: f.Blurhash, Width: f.Width, Height: f.Height}
		if f.FocusX != 0 || f.FocusY != 0 {
			a.FocalPoint = &[2]float64{f.FocusX, f.FocusY}
		}
		n.Attachment = append(n.Attachment, a)
	}
	return n
}

// audience writes a visibility as addresses. spec: mastodon/spec/activitypub#properties-used
func (s *Service) audience(v social.Visibility, author *social.Account, mentioned []mention) (to, cc []string) {
	var named []string
	for _, m := range mentioned {
		named = append(named, m.uri)
	}
	switch v {
	case social.Public:
		return []string{activitystreams.Public}, append([]string{author.Followers}, named...)
	case social.Unlisted:
		return []string{author.Followers}, append([]string{activitystreams.Public}, named...)
	case social.Followers:
		return append([]string{author.Followers}, named...), nil
	}
	return named, nil
}

func (s *Service) createOf(n activitystreams.Note) activitystreams.Activity {
	return activitystreams.Activity{Context: true, ID: n.ID + "/activity", Type: "Create", Actor: n.AttributedTo, Published: n.Published,
		To: n.To, CC: n.CC, Object: n}
}

// announceOf is the activity of a boost: its id is the boost's own.
func (s *Service) announceOf(boost *social.Post, by *social.Account, post, postAuthor string) activitystreams.Activity {
	to, cc := s.audience(boost.Visibility, by, []mention{{uri: postAuthor}})
	return activitystreams.Activity{Context: true, ID: boost.URI, Type: "Announce", Actor: by.URI,
		Published: activitystreams.Time{Time: boost.CreatedAt}, To: to, CC: cc, Object: post}
}

func likeOf(by *social.Account, mark id.ID, post string) activitystreams.Activity {
	return activitystreams.Activity{Context: true, ID: by.URI + "#likes/" + mark.String(), Type: "Like", Actor: by.URI, Object: post}
}

func followOf(f social.Followed) activitystreams.Activity {
	a := activitystreams.Activity{Context: true, ID: f.URI, Type: "Follow", Actor: f.By.URI, Object: f.Target.URI}
	if f.By.Local() || f.URI == "" {
		a.ID = f.By.URI + "#follows/" + f.ID.String()
	}
	return a
}

func blockOf(b social.Blocked) activitystreams.Activity {
	return activitystreams.Activity{Context: true, ID: b.By.URI + "#blocks/" + b.ID.String(), Type: "Block", Actor: b.By.URI, Object: b.Target.URI}
}

// undo takes an activity back. It is embedded, as many servers do not remember ids.
func undo(a activitystreams.Activity, now time.Time) activitystreams.Activity {
	a.Context = false
	return activitystreams.Activity{Context: true, ID: a.ID + "/undo/" + strconv.FormatInt(now.UnixMilli(), 10), Type: "Undo", Actor: a.Actor,
		To: a.To, CC: a.CC, Object: a}
}

// actorJSON is the finished document of one of our accounts.
func (s *Service) actorJSON(ctx context.Context, a *social.Account) ([]byte, error) {
	r, ok, ticket := s.actors.Get(a.ID)
	if ok && r.of == a {
		return r.body, nil
	}
	k, err := s.keyOf(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	doc := s.actorOf(a, k)
	doc.Context = true
	b, err := activitystreams.Marshal(doc)
	if err != nil {
		return nil, err
	}
	s.actors.Put(a.ID, rendered{a, b}, ticket)
	return b, nil
}

// noteJSON is the finished document of one of our posts.
func (s *Service) noteJSON(v *social.View) ([]byte, error) {
	r, ok, ticket := s.notes.Get(v.ID)
	if ok && r.of == v.Part {
		return r.body, nil
	}
	n := s.noteOf(&v.Post, v.Author, partMentions(v.Part), v.Media)
	n.Context = true
	b, err := activitystreams.Marshal(n)
	if err != nil {
		return nil, err
	}
	s.notes.Put(v.ID, rendered{v.Part, b}, ticket)
	return b, nil
}

func partMentions(p *social.Part) []mention {
	var out []mention
	for _, m := range p.Mentioned {
		out = append(out, mention{m.URI, m.Acct()})
	}
	return out
}
