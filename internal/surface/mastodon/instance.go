package mastodon

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/web"
	"rochdale/internal/media"
	"rochdale/internal/social"
)

// speaks is the version of Mastodon's API that apps may count on.
const speaks = "4.5.0"

func (s *Service) version() string { return speaks + " (compatible; Rochdale " + s.Version + ")" }

// info is what app says about the co-op, with what no app may be left without.
func (c *call) info() (InstanceInfo, error) {
	var i InstanceInfo
	var err error
	if c.Instance != nil {
		if i, err = c.Instance(c.r.Context()); err != nil {
			return i, err
		}
	}
	if i.Name == "" {
		i.Name = c.Site.Host
	}
	if len(i.Languages) == 0 {
		i.Languages = []string{"en"}
	}
	if i.Rules == nil {
		i.Rules = []Rule{}
	}
	if i.SourceURL == "" {
		i.SourceURL = c.Site.Join("/about")
	}
	if i.UpdatedAt.IsZero() {
		i.UpdatedAt = c.DB.Now()
	}
	return i, nil
}

func (c *call) contact(i InstanceInfo) (any, error) {
	if i.Contact == 0 {
		return nil, nil
	}
	a, err := c.Social.Account(c.r.Context(), c.DB, i.Contact)
	if err != nil {
		return nil, err
	}
	return c.accountEntity(a), nil
}

func (c *call) streamingURL() string { return "ws" + strings.TrimPrefix(c.Site.URL, "http") }

// configuration is what apps need to know before they send. spec: mastodon/entities/Instance#configuration
func (c *call) configuration() map[string]any {
	return map[string]any{
		"urls":     map[string]any{"streaming": c.streamingURL(), "status": nil, "about": c.Site.Join("/about"), "privacy_policy": nil, "terms_of_service": nil},
		"vapid":    map[string]any{"public_key": ""},
		"accounts": map[string]any{"max_featured_tags": 0, "max_pinned_statuses": social.MaxPins, "max_profile_fields": social.MaxFields, "profile_field_name_limit": social.MaxFieldText, "profile_field_value_limit": social.MaxFieldText, "max_display_name_length": social.MaxDisplayName, "max_note_length": social.MaxNote},
		"statuses": map[string]any{"max_characters": social.MaxPost, "max_media_attachments": media.MaxPerPost, "characters_reserved_per_url": 23},
		"media_attachments": map[string]any{"description_limit": media.MaxAlt, "supported_mime_types": media.ContentTypes, "image_size_limit": media.MaxBytes,
			"image_matrix_limit": media.MaxPixels, "video_size_limit": 0, "video_frame_rate_limit": 0, "video_matrix_limit": 0},
		"polls":              map[string]any{"max_options": 0, "max_characters_per_option": 0, "min_expiration": 0, "max_expiration": 0},
		"translation":        map[string]any{"enabled": false},
		"timelines_access":   map[string]any{"live_feeds": map[string]string{"local": "public", "remote": "public"}, "hashtag_feeds": map[string]string{"local": "public", "remote": "public"}, "trending_link_feeds": map[string]string{"local": "authenticated", "remote": "authenticated"}},
		"limited_federation": false,
	}
}

// spec: mastodon/methods/instance#v2
func instanceV2(c *call) error {
	i, err := c.info()
	if err != nil {
		return err
	}
	n, err := c.Social.Count(c.r.Context())
	if err != nil {
		return err
	}
	contact, err := c.contact(i)
	if err != nil {
		return err
	}
	icon := c.Site.Join(blankAvatar)
	return c.json(map[string]any{
		"domain": c.Site.Host, "title": i.Name, "version": c.version(), "source_url": i.SourceURL, "description": i.Short,
		"usage":         map[string]any{"users": map[string]int{"active_month": n.ActiveMonth}},
		"thumbnail":     map[string]any{"url": c.Site.Join(blankHeader), "blurhash": nil, "description": nil, "versions": map[string]string{}},
		"icon":          []map[string]string{{"src": icon, "size": "120x120"}},
		"languages":     i.Languages,
		"configuration": c.configuration(),
		"registrations": map[string]any{"enabled": i.Registrations, "approval_required": true, "reason_required": true, "message": text(i.Message),
			"url": text(i.JoinURL), "min_age": nil},
		"api_versions": map[string]int{"mastodon": 2},
		"contact":      map[string]any{"email": i.Email, "account": contact},
		"rules":        i.Rules,
	})
}

// spec: mastodon/methods/instance#v1
func instanceV1(c *call) error {
	i, err := c.info()
	if err != nil {
		return err
	}
	n, err := c.Social.Count(c.r.Context())
	if err != nil {
		return err
	}
	contact, err := c.contact(i)
	if err != nil {
		return err
	}
	conf := c.configuration()
	return c.json(map[string]any{
		"uri": c.Site.Host, "title": i.Name, "short_description": i.Short, "description": i.Description, "email": i.Email, "version": c.version(),
		"urls": map[string]string{"streaming_api": c.streamingURL()}, "thumbnail": c.Site.Join(blankHeader), "languages": i.Languages,
		"stats":         map[string]int{"user_count": n.Accounts, "status_count": n.Posts, "domain_count": n.Domains},
		"registrations": i.Registrations, "approval_required": true, "invites_enabled": false, "contact_account": contact, "rules": i.Rules,
		"configuration": map[string]any{"accounts": conf["accounts"], "statuses": conf["statuses"], "media_attachments": conf["media_attachments"], "polls": conf["polls"]},
	})
}

// spec: mastodon/methods/instance#rules
func instanceRules(c *call) error {
	i, err := c.info()
	if err != nil {
		return err
	}
	return c.json(i.Rules)
}

// spec: mastodon/methods/instance#peers
func instancePeers(c *call) error {
	if c.Peers == nil {
		return emptyList(c)
	}
	hosts, err := c.Peers(c.r.Context())
	if err != nil {
		return err
	}
	if hosts == nil {
		hosts = []string{}
	}
	return c.json(hosts)
}

// domainBlocks lists the servers that are limited or blocked. Why they are is on the public record.
// spec: mastodon/methods/instance#domain_blocks
func domainBlocks(c *call) error {
	list, err := c.Social.DomainLimits(c.r.Context())
	if err != nil {
		return err
	}
	type block struct {
		Domain   string `json:"domain"`
		Digest   string `json:"digest"`
		Severity string `json:"severity"`
		Comment  string `json:"comment"`
	}
	out := make([]block, len(list))
	for i, d := range list {
		sum := sha256.Sum256([]byte(d.Name))
		out[i] = block{d.Name, hex.EncodeToString(sum[:]), "silence", ""}
		if d.Level == social.LevelBlock {
			out[i].Severity = "suspend"
		}
	}
	return c.json(out)
}

// instanceActivity gives the shape that apps want; week by week nobody is counted here.
// spec: mastodon/methods/instance#activity
func instanceActivity(c *call) error {
	type week struct {
		Week          string `json:"week"`
		Statuses      string `json:"statuses"`
		Logins        string `json:"logins"`
		Registrations string `json:"registrations"`
	}
	now := c.DB.Now()
	monday := now.AddDate(0, 0, -int((now.Weekday()+6)%7)).Truncate(24 * time.Hour)
	out := make([]week, 12)
	for n := range out {
		out[n] = week{strconv.FormatInt(monday.AddDate(0, 0, -7*n).Unix(), 10), "0", "0", "0"}
	}
	return c.json(out)
}

// spec: mastodon/methods/instance#extended_description
func extendedDescription(c *call) error {
	i, err := c.info()
	if err != nil {
		return err
	}
	return c.json(map[string]any{"content": i.Extended, "updated_at": instant(i.UpdatedAt)})
}

// spec: mastodon/methods/health
func health(w http.ResponseWriter, _ *http.Request) error {
	return web.Bytes(w, http.StatusOK, "text/plain; charset=utf-8", []byte("OK"))
}
