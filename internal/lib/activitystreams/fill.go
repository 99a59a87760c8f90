package activitystreams

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"
)

// fill reads the members of an object. A key unknown here stays in Raw.
func (o *Object) fill(v value) {
	o.Raw = json.RawMessage(v)
	o.TotalItems = -1
	for key, v := range v.members() {
		switch string(bytes.TrimPrefix(key, prefixAS)) {
		case "id", "@id":
			o.ID = v.text()
		case "type", "@type":
			o.Type = types(v)
		case "actor":
			o.Actor = ref(v.first())
		case "object":
			o.Object = refs(v)
		case "target":
			o.Target = ref(v.first())
		case "origin":
			o.Origin = ref(v.first())
		case "instrument":
			o.Instrument = ref(v.first())
		case "to":
			o.To = ids(v)
		case "cc":
			o.CC = ids(v)
		case "bto":
			o.BTo = ids(v)
		case "bcc":
			o.BCC = ids(v)
		case "audience":
			o.Audience = ids(v)
		case "attributedTo":
			o.AttributedTo = refs(v)
		case "inReplyTo":
			o.InReplyTo = ref(v.first())
		case "context":
			o.Context = ref(v.first())
		case "conversation", "ostatus:conversation":
			o.Conversation = id(v.first())
		case "quote":
			o.Quote = id(v.first())
		case "quoteUrl", "quoteUri", "_misskey_quote":
			if o.Quote == "" {
				o.Quote = id(v.first())
			}
		case "name":
			o.Name = v.first().text()
		case "nameMap":
			o.NameMap = languages(v)
		case "summary":
			o.Summary = v.first().text()
		case "summaryMap":
			o.SummaryMap = languages(v)
		case "content":
			o.Content = v.first().text()
		case "contentMap":
			o.ContentMap = languages(v)
		case "source":
			o.Source = source(v)
		case "mediaType":
			o.MediaType = v.text()
		case "sensitive":
			o.Sensitive = v.truth()
		case "url":
			o.URLs = refs(v)
		case "attachment":
			o.Attachment = objects(v)
		case "tag":
			o.Tag = objects(v)
		case "icon":
			o.Icon = objects(v)
		case "image":
			o.Image = objects(v)
		case "generator":
			o.Generator = ref(v.first())
		case "replies":
			o.Replies = ref(v.first())
		case "likes":
			o.Likes = ref(v.first())
		case "shares":
			o.Shares = ref(v.first())
		case "published":
			o.Published = ParseTime(v.text())
		case "updated":
			o.Updated = ParseTime(v.text())
		case "startTime":
			o.StartTime = ParseTime(v.text())
		case "endTime":
			o.EndTime = ParseTime(v.text())
		case "deleted":
			o.Deleted = ParseTime(v.text())
		case "formerType":
			o.FormerType = types(v).String()
		case "href":
			o.Href = v.text()
		case "rel":
			o.Rel = ids(v)
		case "hreflang":
			o.HrefLang = v.text()
		case "width":
			o.Width = size(v)
		case "height":
			o.Height = size(v)
		case "duration":
			o.Duration = v.text()
		case "blurhash", "toot:blurhash":
			o.Blurhash = v.text()
		case "focalPoint", "toot:focalPoint":
			o.FocalPoint = focalPoint(v)
		case "value", "schema:value", "http://schema.org#value":
			o.Value = v.text()
		case "oneOf":
			o.OneOf = objects(v)
		case "anyOf":
			o.AnyOf = objects(v)
		case "votersCount", "toot:votersCount":
			o.VotersCount = max(0, v.count())
		case "closed":
			o.Closed = ParseTime(v.text())
		case "items", "orderedItems":
			o.Items = append(o.Items, refs(v)...)
		case "totalItems":
			o.TotalItems = max(0, v.count())
		case "first":
			o.First = ref(v.first())
		case "last":
			o.Last = ref(v.first())
		case "next":
			o.Next = ref(v.first())
		case "prev":
			o.Prev = ref(v.first())
		case "partOf":
			o.Part = ref(v.first())
		default:
			o.fillProfile(key, v)
		}
	}
}

var (
	prefixAS   = []byte("as:")
	prefixToot = []byte("toot:")
)

// fillProfile reads the members that only actors have.
func (o *Object) fillProfile(key []byte, v value) {
	if o.Profile != nil {
		o.Profile.set(key, v)
		return
	}
	// Most objects have no profile but many unknown keys, so nothing is
	// allocated until there is something to keep.
	var fresh Profile
	if fresh.set(key, v) {
		kept := fresh
		o.Profile = &kept
	}
}

// set reads one member and reports whether it belongs to a profile.
func (p *Profile) set(key []byte, v value) bool {
	switch string(bytes.TrimPrefix(bytes.TrimPrefix(key, prefixToot), prefixAS)) {
	case "preferredUsername":
		p.PreferredUsername = v.first().text()
	case "inbox", "ldp:inbox":
		p.Inbox = id(v.first())
	case "outbox":
		p.Outbox = id(v.first())
	case "followers":
		p.Followers = id(v.first())
	case "following":
		p.Following = id(v.first())
	case "featured":
		p.Featured = id(v.first())
	case "featuredTags":
		p.FeaturedTags = id(v.first())
	case "endpoints":
		for key, v := range v.first().members() {
			if string(key) == "sharedInbox" {
				p.SharedInbox = id(v)
			}
		}
	case "sharedInbox":
		if p.SharedInbox == "" {
			p.SharedInbox = id(v)
		}
	case "publicKey", "assertionMethod":
		p.Keys = append(p.Keys, keys(v)...)
	case "alsoKnownAs":
		p.AlsoKnownAs = ids(v)
	case "movedTo":
		p.MovedTo = id(v.first())
	case "webfinger":
		p.Webfinger = strings.TrimPrefix(v.text(), "acct:")
	case "manuallyApprovesFollowers":
		p.ManuallyApproves = v.truth()
	case "discoverable":
		p.Discoverable = choice(v)
	case "indexable":
		p.Indexable = choice(v)
	case "memorial":
		p.Memorial = v.truth()
	case "suspended":
		p.Suspended = v.truth()
	default:
		return false
	}
	return true
}

// types drops the namespace that JSON-LD processors sometimes leave in.
func types(v value) Types {
	var all Types
	for item := range v.items() {
		name := item.text()
		name = strings.TrimPrefix(strings.TrimPrefix(name, Namespace+"#"), "as:")
		if name != "" {
			all = append(all, name)
		}
	}
	return all
}

func object(v value) *Object {
	o := new(Object)
	o.fill(v)
	return o
}

func ref(v value) Ref {
	switch {
	case v.isString():
		return Ref{ID: v.text()}
	case v.isObject():
		o := object(v)
		return Ref{ID: o.ID, Object: o}
	}
	return Ref{}
}

func refs(v value) List[Ref] {
	var all List[Ref]
	for item := range v.items() {
		if r := ref(item); !r.IsZero() {
			all = append(all, r)
		}
	}
	return all
}

// id returns a string, or the id of an object without reading the rest.
// A Link has its target in href.
func id(v value) string {
	if !v.isObject() {
		return v.text()
	}
	found := ""
	for key, v := range v.members() {
		switch string(key) {
		case "id", "@id":
			found = v.text()
		case "href":
			if found == "" {
				found = v.text()
			}
		}
	}
	return found
}

func ids(v value) List[string] {
	var all List[string]
	for item := range v.items() {
		if s := id(item); s != "" {
			all = append(all, s)
		}
	}
	return all
}

// objects reads a list of embedded objects. An address alone becomes an
// object with that id and URL.
func objects(v value) List[Object] {
	var all List[Object]
	for item := range v.items() {
		switch {
		case item.isObject():
			all = append(all, Object{})
			all[len(all)-1].fill(item)
		case item.isString():
			s := item.text()
			all = append(all, Object{ID: s, URLs: List[Ref]{{ID: s}}, TotalItems: -1})
		}
	}
	return all
}

func languages(v value) map[string]string {
	var m map[string]string
	for language, v := range v.members() {
		if !v.isString() {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[string(language)] = v.text()
	}
	return m
}

func source(v value) Source {
	var s Source
	for key, v := range v.members() {
		switch string(key) {
		case "content":
			s.Content = v.text()
		case "mediaType":
			s.MediaType = v.text()
		}
	}
	return s
}

func size(v value) int64 {
	n := v.number()
	if n < 0 || n > math.MaxInt32 {
		return 0
	}
	return int64(n)
}

func focalPoint(v value) [2]float64 {
	var p [2]float64
	i := 0
	for item := range v.items() {
		if i == len(p) {
			break
		}
		p[i] = min(1, max(-1, item.number()))
		i++
	}
	return p
}

func choice(v value) *bool {
	switch string(v) {
	case "true", "false":
		b := string(v) == "true"
		return &b
	}
	return nil
}

// timeLayouts are the forms seen in use beside RFC 3339.
var timeLayouts = [...]string{
	time.RFC3339Nano,
	"2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999 MST",
	"2006-01-02 15:04:05.999999999",
	time.RFC1123,
	time.DateOnly,
}

// ParseTime reads a time in RFC 3339 or one of the forms that servers send
// instead; without a zone it is taken as UTC. The result is UTC, and the zero
// time if the text cannot be read.
func ParseTime(s string) time.Time {
	if s == "" || len(s) > 64 {
		return time.Time{}
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
