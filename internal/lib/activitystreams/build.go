package activitystreams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Context marshals to this package's fixed @context if it is true. Set it on
// the outermost struct of a document only; inside others it is left out.
type Context bool

// contextJSON defines every term the builders use. The extensions are spelled
// out rather than referred to, so that nobody needs to fetch anything. Its two
// addresses are the ones every implementation has built in.
const contextJSON = `["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",{` +
	`"manuallyApprovesFollowers":"as:manuallyApprovesFollowers","sensitive":"as:sensitive",` +
	`"Hashtag":"as:Hashtag","movedTo":{"@id":"as:movedTo","@type":"@id"},` +
	`"alsoKnownAs":{"@id":"as:alsoKnownAs","@type":"@id"},` +
	`"toot":"http://joinmastodon.org/ns#","featured":{"@id":"toot:featured","@type":"@id"},` +
	`"featuredTags":{"@id":"toot:featuredTags","@type":"@id"},` +
	`"discoverable":"toot:discoverable","indexable":"toot:indexable","suspended":"toot:suspended","Emoji":"toot:Emoji",` +
	`"votersCount":"toot:votersCount","blurhash":"toot:blurhash",` +
	`"focalPoint":{"@container":"@list","@id":"toot:focalPoint"},` +
	`"schema":"http://schema.org#","PropertyValue":"schema:PropertyValue","value":"schema:value",` +
	`"sec":"https://w3id.org/security#","Multikey":"sec:Multikey",` +
	`"assertionMethod":{"@id":"sec:assertionMethod","@type":"@id","@container":"@set"},` +
	`"controller":{"@id":"sec:controller","@type":"@id"},"publicKeyMultibase":"sec:publicKeyMultibase",` +
	`"webfinger":"https://purl.archive.org/socialweb/webfinger#webfinger"}]`

// MarshalJSON writes the fixed @context.
func (Context) MarshalJSON() ([]byte, error) { return []byte(contextJSON), nil }

// Marshal encodes one of this package's builders without escaping HTML, which
// would make posts a fifth longer.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("marshal activity: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Time marshals as RFC 3339 in UTC with whole seconds, as Mastodon writes it.
type Time struct{ time.Time }

// MarshalJSON writes the time.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.UTC().AppendFormat(nil, `"2006-01-02T15:04:05Z"`), nil
}

// IsZero lets omitzero leave out a time that is not set.
func (t Time) IsZero() bool { return t.Time.IsZero() }

// Actor is an outgoing Person, Service, Group, Application or Organization.
type Actor struct {
	Context           Context         `json:"@context,omitzero"`
	ID                string          `json:"id"`
	Type              string          `json:"type"`
	PreferredUsername string          `json:"preferredUsername"`
	Webfinger         string          `json:"webfinger,omitempty"` // FEP-2c59
	Name              string          `json:"name"`
	Summary           string          `json:"summary"` // HTML
	URL               string          `json:"url,omitempty"`
	Inbox             string          `json:"inbox"`
	Outbox            string          `json:"outbox,omitempty"`
	Followers         string          `json:"followers,omitempty"`
	Following         string          `json:"following,omitempty"`
	Featured          string          `json:"featured,omitempty"`
	FeaturedTags      string          `json:"featuredTags,omitempty"`
	Endpoints         Endpoints       `json:"endpoints,omitzero"`
	PublicKey         PublicKey       `json:"publicKey"`
	AssertionMethod   []Multikey      `json:"assertionMethod,omitempty"` // FEP-521a
	ManuallyApproves  bool            `json:"manuallyApprovesFollowers"`
	Discoverable      bool            `json:"discoverable"`
	Indexable         bool            `json:"indexable"`
	Memorial          bool            `json:"memorial,omitempty"`
	Suspended         bool            `json:"suspended,omitempty"`
	Published         Time            `json:"published,omitzero"`
	Updated           Time            `json:"updated,omitzero"`
	Icon              *Image          `json:"icon,omitempty"`
	Image             *Image          `json:"image,omitempty"`
	Attachment        []PropertyValue `json:"attachment,omitempty"`
	Tag               []Tag           `json:"tag,omitempty"`
	AlsoKnownAs       []string        `json:"alsoKnownAs,omitempty"`
	MovedTo           string          `json:"movedTo,omitempty"`
	AttributedTo      string          `json:"attributedTo,omitempty"`
}

// Endpoints holds the inbox that a server shares among its actors.
type Endpoints struct {
	SharedInbox string `json:"sharedInbox"`
}

// PublicKey is the key for HTTP signatures; PEM comes from EncodePEM.
type PublicKey struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	PEM   string `json:"publicKeyPem"`
}

// Multikey is an Ed25519 key as FEP-521a publishes it. Make it with NewMultikey.
type Multikey struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Controller string `json:"controller"`
	Multibase  string `json:"publicKeyMultibase"`
}

// Image is an avatar, a header or an emoji's picture. Its Type is "Image".
type Image struct {
	Type      string `json:"type"`
	MediaType string `json:"mediaType,omitempty"`
	URL       string `json:"url"`
	Name      string `json:"name,omitempty"`
}

// PropertyValue is one line of a profile; Value is HTML.
type PropertyValue struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Tag is a Mention or Hashtag (Href, Name), or an Emoji (ID, Name, Icon, Updated).
type Tag struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Href    string `json:"href,omitempty"`
	Name    string `json:"name"`
	Icon    *Image `json:"icon,omitempty"`
	Updated Time   `json:"updated,omitzero"`
}

// Attachment is a media file. Its Type is "Document" unless Mastodon needs to
// know better ("Image", "Video", "Audio").
type Attachment struct {
	Type       string      `json:"type"`
	MediaType  string      `json:"mediaType"`
	URL        string      `json:"url"`
	Name       string      `json:"name,omitempty"` // the description
	Blurhash   string      `json:"blurhash,omitempty"`
	FocalPoint *[2]float64 `json:"focalPoint,omitempty"`
	Width      int         `json:"width,omitempty"`
	Height     int         `json:"height,omitempty"`
}

// Note is an outgoing post: a Note, Article or Question by its Type.
type Note struct {
	Context      Context           `json:"@context,omitzero"`
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	Name         string            `json:"name,omitempty"`
	Summary      *string           `json:"summary"` // the content warning; null if none
	InReplyTo    *string           `json:"inReplyTo"`
	Published    Time              `json:"published"`
	Updated      Time              `json:"updated,omitzero"`
	URL          string            `json:"url"`
	AttributedTo string            `json:"attributedTo"`
	To           []string          `json:"to,omitempty"`
	CC           []string          `json:"cc,omitempty"`
	Sensitive    bool              `json:"sensitive"`
	Conversation string            `json:"conversation,omitempty"`
	Content      string            `json:"content"`
	ContentMap   map[string]string `json:"contentMap,omitempty"`
	Quote        string            `json:"quote,omitempty"`
	Attachment   []Attachment      `json:"attachment,omitempty"`
	Tag          []Tag             `json:"tag,omitempty"`
	Replies      any               `json:"replies,omitempty"` // an id or a *Collection
	Likes        string            `json:"likes,omitempty"`
	Shares       string            `json:"shares,omitempty"`

	// Question only.
	OneOf       []PollOption `json:"oneOf,omitempty"`
	AnyOf       []PollOption `json:"anyOf,omitempty"`
	EndTime     Time         `json:"endTime,omitzero"`
	Closed      Time         `json:"closed,omitzero"`
	VotersCount *int64       `json:"votersCount,omitempty"`
}

// PollOption is a choice of a Question. Make it with NewPollOption.
type PollOption struct {
	Type    string    `json:"type"`
	Name    string    `json:"name"`
	Replies VoteCount `json:"replies"`
}

// VoteCount is the collection of votes for a choice, of which only the size is told.
type VoteCount struct {
	Type       string `json:"type"`
	TotalItems int64  `json:"totalItems"`
}

// Activity is an outgoing activity. Object and Target are an id (string), one
// of the builders without Context, an id list, or json.RawMessage of what a
// peer sent and expects back.
type Activity struct {
	Context   Context  `json:"@context,omitzero"`
	ID        string   `json:"id"`
	Type      string   `json:"type"`
	Actor     string   `json:"actor"`
	Published Time     `json:"published,omitzero"`
	To        []string `json:"to,omitempty"`
	CC        []string `json:"cc,omitempty"`
	Content   string   `json:"content,omitempty"` // a Flag's comment
	Object    any      `json:"object,omitempty"`
	Target    any      `json:"target,omitempty"`
}

// Collection is an OrderedCollection or Collection. Give either Items or First.
type Collection struct {
	Context    Context `json:"@context,omitzero"`
	ID         string  `json:"id"`
	Type       string  `json:"type"`
	TotalItems *int64  `json:"totalItems,omitempty"`
	First      any     `json:"first,omitempty"` // an id or a *CollectionPage
	Last       string  `json:"last,omitempty"`
	Items      []any   `json:"items,omitzero"`        // of a Collection
	Ordered    []any   `json:"orderedItems,omitzero"` // of an OrderedCollection
}

// CollectionPage is an OrderedCollectionPage or CollectionPage.
type CollectionPage struct {
	Context    Context `json:"@context,omitzero"`
	ID         string  `json:"id"`
	Type       string  `json:"type"`
	TotalItems *int64  `json:"totalItems,omitempty"`
	PartOf     string  `json:"partOf"`
	Next       string  `json:"next,omitempty"`
	Prev       string  `json:"prev,omitempty"`
	Items      []any   `json:"items,omitzero"`        // of a CollectionPage
	Ordered    []any   `json:"orderedItems,omitzero"` // of an OrderedCollectionPage
}

// Tombstone stands where an object was.
type Tombstone struct {
	Context    Context `json:"@context,omitzero"`
	ID         string  `json:"id"`
	Type       string  `json:"type"`
	FormerType string  `json:"formerType,omitempty"`
	Deleted    Time    `json:"deleted,omitzero"`
}
