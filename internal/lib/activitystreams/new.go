package activitystreams

import "crypto/ed25519"

// NewMultikey publishes an Ed25519 key of controller, an actor's id.
func NewMultikey(id, controller string, key ed25519.PublicKey) Multikey {
	return Multikey{ID: id, Type: "Multikey", Controller: controller, Multibase: EncodeMultikey(key)}
}

// NewPollOption is a choice with its votes so far.
func NewPollOption(name string, votes int64) PollOption {
	return PollOption{Type: "Note", Name: name, Replies: VoteCount{Type: "Collection", TotalItems: votes}}
}

// NewTombstone says that the object with this id is gone.
func NewTombstone(id string) Tombstone { return Tombstone{ID: id, Type: "Tombstone"} }

// NewMention names an actor as "@name@host".
func NewMention(href, name string) Tag { return Tag{Type: "Mention", Href: href, Name: name} }

// NewHashtag links a tag, written "#name".
func NewHashtag(href, name string) Tag { return Tag{Type: "Hashtag", Href: href, Name: name} }

// NewEmoji defines a custom emoji, written ":name:".
func NewEmoji(id, name string, icon Image) Tag {
	return Tag{ID: id, Type: "Emoji", Name: name, Icon: &icon}
}

// NewCollection is an OrderedCollection whose items are on pages.
func NewCollection(id string, total int64, first string) Collection {
	c := Collection{ID: id, Type: "OrderedCollection", TotalItems: &total}
	if first != "" {
		c.First = first
	}
	return c
}
