package mastodon

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"time"

	"rochdale/internal/kit/id"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// encode is json.Marshal without the escapes that only a page with scripts in it would need.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// mustEncode is encode for entities of ours, which hold nothing that JSON cannot say; should one ever
// do, null is the honest answer.
func mustEncode(v any) []byte {
	b, err := encode(v)
	if err != nil {
		return []byte("null")
	}
	return b
}

// account is an account's JSON, made once for each form of it: social gives equal pointers as long as
// nothing has changed.
func (s *Service) account(a *social.Account) []byte {
	b, ok, ticket := s.people.Get(a)
	if ok {
		return b
	}
	b = mustEncode(s.accountEntity(a))
	s.people.Put(a, b, ticket)
	return b
}

func (s *Service) accountEntity(a *social.Account) accountEntity {
	e := accountEntity{ID: a.ID, Username: a.Username, Acct: a.Acct(), DisplayName: a.DisplayName, Locked: a.Locked,
		Bot: a.Bot || a.Kind == social.Service_ || a.Kind == social.Application, Discoverable: a.Discoverable, Indexable: a.Indexable,
		Group: a.Kind == social.Group, CreatedAt: instant(a.CreatedAt.Truncate(24 * time.Hour)), Note: a.Note, URL: a.URL, URI: a.URI,
		Avatar:    s.Media.PictureURL(a.Avatar, "avatar", s.Site.Join(blankAvatar)),
		Header:    s.Media.PictureURL(a.Header, "header", s.Site.Join(blankHeader)),
		Followers: a.FollowersCount, Following: a.FollowingCount, Statuses: a.PostsCount, LastStatusAt: day(a.LastPostAt),
		Suspended: !a.GoneAt.IsZero() || !a.SuspendedAt.IsZero(), Fields: []fieldEntity{}}
	if e.URL == "" {
		e.URL = a.URI
	}
	e.AvatarStatic, e.HeaderStatic = e.Avatar, e.Header
	for _, f := range a.Fields() {
		e.Fields = append(e.Fields, fieldEntity{f.Name, f.Value, instant(f.VerifiedAt)})
	}
	return e
}

// suspendedEntity is what others are shown of a suspended account: who it is, and nothing of what it says.
func (s *Service) suspendedEntity(a *social.Account) accountEntity {
	return s.accountEntity(&social.Account{ID: a.ID, Username: a.Username, Domain: a.Domain, Kind: a.Kind, URI: a.URI, URL: a.URL,
		CreatedAt: a.CreatedAt, SuspendedAt: a.SuspendedAt})
}

// part is what a post looks like to everybody, as the fields of a JSON object without its braces.
func (s *Service) part(p *social.Part) []byte {
	b, ok, ticket := s.parts.Get(p)
	if ok {
		return b
	}
	b = mustEncode(s.statusEntity(p))
	b = b[1 : len(b)-1]
	s.parts.Put(p, b, ticket)
	return b
}

func (s *Service) statusEntity(p *social.Part) statusEntity {
	e := statusEntity{ID: p.ID, CreatedAt: instant(p.CreatedAt), InReplyTo: maybe(p.InReplyToID), InReplyToAccount: maybe(p.InReplyToAccountID),
		Sensitive: p.Sensitive, SpoilerText: p.Summary, Visibility: p.Visibility.String(), Language: text(p.Language), URI: p.URI, URL: p.URL,
		Replies: p.RepliesCount, Reblogs: p.BoostsCount, Favourites: p.FavouritesCount, EditedAt: instant(p.EditedAt), Content: p.Content,
		Media: s.mediaEntities(p.Media), Mentions: []mentionEntity{}, Tags: []tagLink{}, QuoteApproval: quoteApproval{CurrentUser: "denied"}}
	if e.URL == "" {
		e.URL = p.URI
	}
	if p.InReplyToID == 0 {
		e.InReplyToAccount = 0
	}
	for _, m := range p.Mentioned {
		at := m.URL
		if at == "" {
			at = m.URI
		}
		e.Mentions = append(e.Mentions, mentionEntity{m.ID, m.Username, at, m.Acct()})
	}
	for _, t := range p.Tags {
		e.Tags = append(e.Tags, tagLink{t, s.tagURL(t)})
	}
	return e
}

func (s *Service) tagURL(name string) string { return s.Site.Join("/tags/" + url.PathEscape(name)) }

func (s *Service) tagEntity(name string) tagEntity {
	return tagEntity{ID: name, Name: name, URL: s.tagURL(name)}
}

func (s *Service) mediaEntities(list []media.Attachment) []mediaEntity {
	out := make([]mediaEntity, len(list))
	for i, a := range list {
		out[i] = s.mediaEntity(a)
	}
	return out
}

func (s *Service) mediaEntity(a media.Attachment) mediaEntity {
	return mediaEntity{ID: a.ID, Type: a.Kind, URL: text(s.Media.URL(a)), PreviewURL: text(s.Media.PreviewURL(a)), RemoteURL: text(a.RemoteURL),
		Meta:        mediaMeta{Original: sizeOf(a.Width, a.Height), Small: sizeOf(a.PreviewWidth, a.PreviewHeight), Focus: focus{a.FocusX, a.FocusY}},
		Description: text(a.Alt), Blurhash: text(a.Blurhash)}
}

func sizeOf(w, h int) *mediaSize {
	if w <= 0 || h <= 0 {
		return nil
	}
	return &mediaSize{w, h, strconv.Itoa(w) + "x" + strconv.Itoa(h), float64(w) / float64(h)}
}

// appendStatus writes a post as its viewer sees it: the shared parts and, for a member, five marks.
func (s *Service) appendStatus(b []byte, v *social.View, member bool) []byte {
	return append(s.appendOpen(b, v, member), '}')
}

// appendOpen is appendStatus without the brace at the end, for what has more to say.
func (s *Service) appendOpen(b []byte, v *social.View, member bool) []byte {
	b = append(b, '{')
	b = append(b, s.part(v.Part)...)
	b = append(b, `,"account":`...)
	b = append(b, s.account(v.Author)...)
	if v.Boost != nil {
		b = append(b, `,"reblog":`...)
		b = s.appendStatus(b, v.Boost, member)
	} else {
		b = append(b, `,"reblog":null`...)
	}
	if !member {
		return b
	}
	// A mark belongs to the post, so a boost of it shows the same.
	m := v.Shown().Marks
	b = appendBool(append(b, `,"favourited":`...), m.Favourited)
	b = appendBool(append(b, `,"reblogged":`...), m.Boosted)
	b = appendBool(append(b, `,"muted":`...), m.Muted)
	b = appendBool(append(b, `,"bookmarked":`...), m.Bookmarked)
	b = appendBool(append(b, `,"pinned":`...), v.Pinned)
	return append(b, `,"filtered":[]`...)
}

func appendBool(b []byte, v bool) []byte { return strconv.AppendBool(b, v) }

// perStatus is about what a post takes, to make room once.
const perStatus = 2500

func (s *Service) appendStatuses(b []byte, views []*social.View, member bool) []byte {
	b = slices.Grow(b, 2+perStatus*len(views))
	b = append(b, '[')
	for i, v := range views {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendStatus(b, v, member)
	}
	return append(b, ']')
}

func (s *Service) appendAccounts(b []byte, list []*social.Account) []byte {
	b = append(b, '[')
	for i, a := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, s.account(a)...)
	}
	return append(b, ']')
}

func relationship(i id.ID, r social.Relation) relationshipEntity {
	e := relationshipEntity{ID: i, Following: r.Follows, ShowingReblogs: (r.Follows || r.Requested) && r.Boosts, Notifying: r.Follows && r.Notify,
		FollowedBy: r.FollowedBy, Blocking: r.Blocking, BlockedBy: r.BlockedBy, Muting: r.Muting, MutingNotices: r.MutingNotices,
		Requested: r.Requested, RequestedBy: r.RequestedBy, Note: r.Note}
	if r.Muting {
		e.MutingExpiresAt = instant(r.MuteUntil)
	}
	return e
}
