package activitystreams

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Object is any incoming activity, object, actor, link or collection. Fields
// that the sender left out, or filled with something unreadable, are zero.
type Object struct {
	ID   string
	Type Types

	// Activities. spec: activitystreams-vocabulary#activity-types
	Actor  Ref
	Object List[Ref] // a Flag has several
	Target Ref
	Origin Ref
	// Instrument is where FEP-044f puts a quote that asks for approval.
	Instrument Ref

	// Addressing, as ids.
	To, CC, BTo, BCC, Audience List[string]

	// Objects.
	AttributedTo List[Ref]
	InReplyTo    Ref
	Context      Ref // the conversation of FEP-7888, not "@context"
	Conversation string
	Quote        string // FEP-044f and its older names
	Name         string
	NameMap      map[string]string
	Summary      string
	SummaryMap   map[string]string
	Content      string
	ContentMap   map[string]string
	Source       Source
	MediaType    string
	Sensitive    bool
	URLs         List[Ref] // see URL
	Attachment   List[Object]
	Tag          List[Object]
	Icon         List[Object]
	Image        List[Object]
	Generator    Ref
	Replies      Ref
	Likes        Ref
	Shares       Ref
	Published    time.Time
	Updated      time.Time
	StartTime    time.Time
	EndTime      time.Time
	Deleted      time.Time // Tombstone
	FormerType   string    // Tombstone

	// Media and links.
	Href          string
	Rel           List[string]
	HrefLang      string
	Width, Height int64
	Duration      string
	Blurhash      string
	FocalPoint    [2]float64 // x and y from -1 to 1; 0, 0 is the middle
	Value         string     // PropertyValue

	// Question.
	OneOf, AnyOf List[Object]
	VotersCount  int64
	Closed       time.Time

	// Collections.
	Items                         List[Ref] // items or orderedItems
	TotalItems                    int64     // -1 if not said
	First, Last, Next, Prev, Part Ref

	// Profile holds what only actors have; nil if there is none of it.
	Profile *Profile

	// Raw is the object as it was sent. Field finds in it what is not here.
	Raw json.RawMessage
}

// Profile is the part of an Object that describes an actor.
type Profile struct {
	PreferredUsername    string
	Inbox, SharedInbox   string
	Outbox               string
	Followers, Following string
	Featured             string
	FeaturedTags         string
	Keys                 List[Key]
	AlsoKnownAs          List[string]
	MovedTo              string
	Webfinger            string // FEP-2c59, "name@host" without scheme
	ManuallyApproves     bool
	// Discoverable and Indexable are nil if the actor does not say.
	Discoverable, Indexable *bool
	Memorial, Suspended     bool
}

// Source is what the author typed, before it became HTML.
type Source struct{ Content, MediaType string }

// List is a value that may be sent alone or in an array.
type List[T any] []T

// First returns the first element, or the zero value of an empty list.
func (l List[T]) First() T {
	if len(l) > 0 {
		return l[0]
	}
	var zero T
	return zero
}

// Types is an object's type; nearly always one name.
type Types []string

// Is reports whether any of the names is among the types.
func (t Types) Is(names ...string) bool {
	return slices.ContainsFunc(t, func(name string) bool { return slices.Contains(names, name) })
}

// String returns the first type, or "".
func (t Types) String() string { return List[string](t).First() }

// Ref points to another object, which may be embedded.
type Ref struct {
	// ID is empty if the embedded object is anonymous.
	ID string
	// Object is nil if only the id was sent.
	Object *Object
}

// IsZero reports whether the reference points nowhere.
func (r Ref) IsZero() bool { return r.ID == "" && r.Object == nil }

// Parse reads one JSON document. It keeps its own copy of b. The errors are
// ErrTooLarge, ErrTooDeep and ErrMalformed.
func Parse(b []byte) (Object, error) {
	if err := check(b); err != nil {
		return Object{}, err
	}
	v := value(slices.Clone(b))
	v = v[skipSpace(v, 0):]
	if !v.isObject() {
		return Object{}, ErrMalformed
	}
	var o Object
	o.fill(v[:skipValue(v, 0)])
	return o, nil
}

// Field returns a property that Object has no field for, as it was sent, or
// nil if there is none.
func (o *Object) Field(name string) json.RawMessage {
	for key, v := range value(o.Raw).members() {
		if string(key) == name {
			return json.RawMessage(v)
		}
	}
	return nil
}

// IsActor reports whether the object can be followed or act.
func (o *Object) IsActor() bool {
	return o.Type.Is("Person", "Service", "Group", "Application", "Organization")
}

// IsCollection reports whether the object is a collection or a page of one.
func (o *Object) IsCollection() bool {
	return o.Type.Is("Collection", "OrderedCollection", "CollectionPage", "OrderedCollectionPage")
}

// URL returns the address of the object's page for people: the first text/html
// link, else the first plain address, else the first link of any kind.
func (o *Object) URL() string {
	plain, link := "", ""
	for _, ref := range o.URLs {
		if ref.Object == nil {
			if plain == "" {
				plain = ref.ID
			}
			continue
		}
		if ref.Object.Href == "" {
			continue
		}
		if strings.HasPrefix(ref.Object.MediaType, "text/html") {
			return ref.Object.Href
		}
		if link == "" {
			link = ref.Object.Href
		}
	}
	if plain != "" {
		return plain
	}
	return link
}

// Recipients returns every address of the object once, in the order sent.
func (o *Object) Recipients() []string {
	var all []string
	for _, list := range []List[string]{o.To, o.CC, o.BTo, o.BCC, o.Audience} {
		for _, id := range list {
			if !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	return all
}

// Language returns the language that the content map names for the content,
// or "" if there are none or several.
func (o *Object) Language() string {
	for _, m := range []map[string]string{o.ContentMap, o.NameMap, o.SummaryMap} {
		if len(m) == 1 {
			for language := range m {
				if language != "und" {
					return language
				}
			}
		}
	}
	return ""
}
