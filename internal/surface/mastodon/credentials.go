package mastodon

import (
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/social"
)

// spec: mastodon/entities/Account#CredentialAccount
type credentialEntity struct {
	accountEntity
	Source sourceEntity `json:"source"`
	Role   roleEntity   `json:"role"`
}

type sourceEntity struct {
	Privacy            string        `json:"privacy"`
	Sensitive          bool          `json:"sensitive"`
	Language           text          `json:"language"`
	Note               string        `json:"note"`
	Fields             []fieldEntity `json:"fields"`
	FollowRequests     int           `json:"follow_requests_count"`
	HideCollections    bool          `json:"hide_collections"`
	Discoverable       bool          `json:"discoverable"`
	Indexable          bool          `json:"indexable"`
	AttributionDomains none          `json:"attribution_domains"`
	QuotePolicy        string        `json:"quote_policy"`
}

// spec: mastodon/methods/accounts#verify_credentials
func verifyCredentials(c *call) error {
	a, err := c.Social.Account(c.r.Context(), c.DB, c.by.Account)
	if err != nil {
		return err
	}
	return c.credentials(a)
}

func (c *call) credentials(a *social.Account) error {
	asking, err := c.Social.FollowRequests(c.r.Context(), c.by, social.Page{Limit: 80})
	if err != nil {
		return err
	}
	e := credentialEntity{accountEntity: c.accountEntity(a), Role: roleEntity{ID: "-99", Permissions: "0"},
		Source: sourceEntity{Privacy: a.DefaultVisibility.String(), Sensitive: a.DefaultSensitive, Language: text(a.DefaultLanguage), Note: a.NoteSource,
			Fields: []fieldEntity{}, FollowRequests: len(asking), Discoverable: a.Discoverable, Indexable: a.Indexable, QuotePolicy: "nobody"}}
	for _, f := range a.Fields() {
		e.Source.Fields = append(e.Source.Fields, fieldEntity{f.Name, f.Source, instant(f.VerifiedAt)})
	}
	return c.json(e)
}

// spec: mastodon/methods/accounts#update_credentials
func updateCredentials(c *call) error {
	ctx := c.r.Context()
	var ch social.ProfileChange
	c.words("display_name", &ch.DisplayName)
	c.words("note", &ch.Note)
	c.words("source[language]", &ch.DefaultLanguage)
	c.flag("locked", &ch.Locked)
	c.flag("bot", &ch.Bot)
	c.flag("discoverable", &ch.Discoverable)
	c.flag("indexable", &ch.Indexable)
	c.flag("source[sensitive]", &ch.DefaultSensitive)
	if p := c.String("source[privacy]"); p != "" {
		v, ok := social.ParseVisibility(p)
		if !ok {
			return fault.Field("source", "Validation failed: Privacy is not included in the list")
		}
		ch.DefaultVisibility = &v
	}
	if fields, ok := c.fields(); ok {
		ch.Fields = &fields
	}
	avatar, err := c.picture("avatar", c.Media.UploadAvatar)
	if err != nil {
		return err
	}
	header, err := c.picture("header", c.Media.UploadHeader)
	if err != nil {
		return err
	}
	ch.Avatar, ch.Header = avatar, header
	a, err := c.Social.UpdateProfile(ctx, c.by, ch)
	if err != nil {
		return err
	}
	for _, key := range []*string{avatar, header} {
		if key != nil {
			if err := c.Media.Shown(ctx, c.by, *key); err != nil {
				return err
			}
		}
	}
	return c.credentials(a)
}

func (c *call) words(name string, dst **string) {
	if c.Has(name) {
		v := c.Text(name)
		*dst = &v
	}
}

func (c *call) flag(name string, dst **bool) {
	if c.Has(name) {
		v := c.Bool(name)
		*dst = &v
	}
}

// picture takes an uploaded file to media and returns its key, nil if none was sent.
func (c *call) picture(name string, take func(context.Context, authz.Actor, io.Reader) (string, error)) (*string, error) {
	h := c.File(name)
	if h == nil {
		return nil, nil
	}
	f, err := h.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	key, err := take(c.r.Context(), c.by, f)
	return &key, err
}

// fields reads the profile's table, which apps send as a list ("fields_attributes[][name]") or as
// numbered entries ("fields_attributes[0][name]").
func (c *call) fields() (out []social.Field, ok bool) {
	values := c.Values()
	if names, contents := values["fields_attributes[][name]"], values["fields_attributes[][value]"]; len(names) > 0 {
		for n, name := range names {
			f := social.Field{Name: strings.TrimSpace(name)}
			if n < len(contents) {
				f.Source = strings.TrimSpace(contents[n])
			}
			out = append(out, f)
		}
		return out, true
	}
	byNumber := map[int]*social.Field{}
	for k := range values {
		rest, is := strings.CutPrefix(k, "fields_attributes[")
		number, rest, closed := strings.Cut(rest, "]")
		n, err := strconv.Atoi(number)
		if !is || !closed || err != nil || n < 0 {
			continue
		}
		if byNumber[n] == nil {
			byNumber[n] = &social.Field{}
		}
		switch rest {
		case "[name]":
			byNumber[n].Name = c.Text(k)
		case "[value]":
			byNumber[n].Source = c.Text(k)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		out = append(out, *byNumber[n])
	}
	return out, len(byNumber) > 0
}

// removePicture takes the avatar or header off the profile.
// spec: mastodon/methods/profile#delete-profile-avatar
func removePicture(name string) handler {
	return func(c *call) error {
		var gone string
		ch := social.ProfileChange{Avatar: &gone}
		if name == "header" {
			ch = social.ProfileChange{Header: &gone}
		}
		a, err := c.Social.UpdateProfile(c.r.Context(), c.by, ch)
		if err != nil {
			return err
		}
		return c.credentials(a)
	}
}

// spec: mastodon/methods/preferences#get
func preferences(c *call) error {
	a, err := c.Social.Account(c.r.Context(), c.DB, c.by.Account)
	if err != nil {
		return err
	}
	return c.json(map[string]any{"posting:default:visibility": a.DefaultVisibility.String(), "posting:default:sensitive": a.DefaultSensitive,
		"posting:default:language": text(a.DefaultLanguage), "posting:default:quote_policy": "nobody",
		"reading:expand:media": "default", "reading:expand:spoilers": false, "reading:autoplay:gifs": false})
}

// spec: mastodon/entities/Marker
type markerEntity struct {
	LastReadID id.ID   `json:"last_read_id"`
	Version    int     `json:"version"`
	UpdatedAt  instant `json:"updated_at"`
}

// spec: mastodon/methods/markers#get
func getMarkers(c *call) error {
	timelines := c.List("timeline")
	if len(timelines) == 0 {
		return emptyObject(c)
	}
	list, err := c.Notice.Markers(c.r.Context(), c.by, timelines)
	if err != nil {
		return err
	}
	out := map[string]markerEntity{}
	for _, m := range list {
		out[m.Timeline] = markerEntity{m.LastReadID, m.Version, instant(m.UpdatedAt)}
	}
	return c.json(out)
}

// spec: mastodon/methods/markers#create
func setMarkers(c *call) error {
	marks := map[string]id.ID{}
	for _, t := range []string{"home", "notifications"} {
		if i := c.ID(t + "[last_read_id]"); i != 0 {
			marks[t] = i
		}
	}
	list, err := c.Notice.SetMarkers(c.r.Context(), c.by, marks)
	if err != nil {
		return err
	}
	out := map[string]markerEntity{}
	for _, m := range list {
		out[m.Timeline] = markerEntity{m.LastReadID, m.Version, instant(m.UpdatedAt)}
	}
	return c.json(out)
}
