package mastodon

import (
	"time"

	"rochdale/internal/kit/id"
)

// instant writes a time as Mastodon does, with milliseconds; the zero time is null.
type instant time.Time

// MarshalJSON implements json.Marshaler.
func (t instant) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000Z"`), nil
}

// day writes the date only.
type day time.Time

// MarshalJSON implements json.Marshaler.
func (t day) MarshalJSON() ([]byte, error) {
	if time.Time(t).IsZero() {
		return []byte("null"), nil
	}
	return time.Time(t).UTC().AppendFormat(nil, `"2006-01-02"`), nil
}

// text is a string that is null when it is empty.
type text string

// MarshalJSON implements json.Marshaler.
func (t text) MarshalJSON() ([]byte, error) {
	if t == "" {
		return []byte("null"), nil
	}
	return encode(string(t))
}

// maybe is an id that is null when there is none.
type maybe id.ID

// MarshalJSON implements json.Marshaler.
func (m maybe) MarshalJSON() ([]byte, error) {
	if m == 0 {
		return []byte("null"), nil
	}
	return []byte(`"` + id.ID(m).String() + `"`), nil
}

// none is an empty list in any place.
type none struct{}

// MarshalJSON implements json.Marshaler.
func (none) MarshalJSON() ([]byte, error) { return []byte("[]"), nil }

// spec: mastodon/entities/Account
type accountEntity struct {
	ID             id.ID         `json:"id"`
	Username       string        `json:"username"`
	Acct           string        `json:"acct"`
	DisplayName    string        `json:"display_name"`
	Locked         bool          `json:"locked"`
	Bot            bool          `json:"bot"`
	Discoverable   bool          `json:"discoverable"`
	Indexable      bool          `json:"indexable"`
	Group          bool          `json:"group"`
	CreatedAt      instant       `json:"created_at"`
	Note           string        `json:"note"`
	URL            string        `json:"url"`
	URI            string        `json:"uri"`
	Avatar         string        `json:"avatar"`
	AvatarStatic   string        `json:"avatar_static"`
	Header         string        `json:"header"`
	HeaderStatic   string        `json:"header_static"`
	Followers      int           `json:"followers_count"`
	Following      int           `json:"following_count"`
	Statuses       int           `json:"statuses_count"`
	LastStatusAt   day           `json:"last_status_at"`
	HideCollection bool          `json:"hide_collections"`
	NoIndex        bool          `json:"noindex"`
	Suspended      bool          `json:"suspended,omitempty"`
	Emojis         none          `json:"emojis"`
	Roles          none          `json:"roles"`
	Fields         []fieldEntity `json:"fields"`
}

type fieldEntity struct {
	Name       string  `json:"name"`
	Value      string  `json:"value"`
	VerifiedAt instant `json:"verified_at"`
}

// spec: mastodon/entities/Status; what stands around it is added by appendStatus.
type statusEntity struct {
	ID               id.ID           `json:"id"`
	CreatedAt        instant         `json:"created_at"`
	InReplyTo        maybe           `json:"in_reply_to_id"`
	InReplyToAccount maybe           `json:"in_reply_to_account_id"`
	Sensitive        bool            `json:"sensitive"`
	SpoilerText      string          `json:"spoiler_text"`
	Visibility       string          `json:"visibility"`
	Language         text            `json:"language"`
	URI              string          `json:"uri"`
	URL              string          `json:"url"`
	Replies          int             `json:"replies_count"`
	Reblogs          int             `json:"reblogs_count"`
	Favourites       int             `json:"favourites_count"`
	Quotes           int             `json:"quotes_count"`
	EditedAt         instant         `json:"edited_at"`
	Content          string          `json:"content"`
	Application      *struct{}       `json:"application"`
	Media            []mediaEntity   `json:"media_attachments"`
	Mentions         []mentionEntity `json:"mentions"`
	Tags             []tagLink       `json:"tags"`
	Emojis           none            `json:"emojis"`
	Card             *struct{}       `json:"card"`
	Poll             *struct{}       `json:"poll"`
	Quote            *struct{}       `json:"quote"`
	QuoteApproval    quoteApproval   `json:"quote_approval"`
}

// Posts cannot be quoted yet, and say so.
type quoteApproval struct {
	Automatic   none   `json:"automatic"`
	Manual      none   `json:"manual"`
	CurrentUser string `json:"current_user"`
}

// spec: mastodon/entities/MediaAttachment
type mediaEntity struct {
	ID          id.ID     `json:"id"`
	Type        string    `json:"type"`
	URL         text      `json:"url"`
	PreviewURL  text      `json:"preview_url"`
	RemoteURL   text      `json:"remote_url"`
	TextURL     text      `json:"text_url"`
	Meta        mediaMeta `json:"meta"`
	Description text      `json:"description"`
	Blurhash    text      `json:"blurhash"`
}

type mediaMeta struct {
	Original *mediaSize `json:"original,omitempty"`
	Small    *mediaSize `json:"small,omitempty"`
	Focus    focus      `json:"focus"`
}

type focus struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

type mediaSize struct {
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Size   string  `json:"size"`
	Aspect float64 `json:"aspect"`
}

type mentionEntity struct {
	ID       id.ID  `json:"id"`
	Username string `json:"username"`
	URL      string `json:"url"`
	Acct     string `json:"acct"`
}

type tagLink struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// spec: mastodon/entities/Tag
type tagEntity struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	History   none   `json:"history"`
	Following bool   `json:"following"`
	Featuring bool   `json:"featuring"`
}

// spec: mastodon/entities/Relationship
type relationshipEntity struct {
	ID              id.ID   `json:"id"`
	Following       bool    `json:"following"`
	ShowingReblogs  bool    `json:"showing_reblogs"`
	Notifying       bool    `json:"notifying"`
	Languages       none    `json:"languages"`
	FollowedBy      bool    `json:"followed_by"`
	Blocking        bool    `json:"blocking"`
	BlockedBy       bool    `json:"blocked_by"`
	Muting          bool    `json:"muting"`
	MutingNotices   bool    `json:"muting_notifications"`
	MutingExpiresAt instant `json:"muting_expires_at"`
	Requested       bool    `json:"requested"`
	RequestedBy     bool    `json:"requested_by"`
	DomainBlocking  bool    `json:"domain_blocking"`
	Endorsed        bool    `json:"endorsed"`
	Note            string  `json:"note"`
}

// spec: mastodon/entities/Role
type roleEntity struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Color       string `json:"color"`
	Permissions string `json:"permissions"`
	Highlighted bool   `json:"highlighted"`
}
