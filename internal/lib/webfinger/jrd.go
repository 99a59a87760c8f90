package webfinger

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
)

const (
	// MediaType is that of a JRD.
	MediaType = "application/jrd+json"
	// HostMetaMediaType is that of host-meta.
	HostMetaMediaType = "application/xrd+xml"

	// RelSelf links to the actor document.
	RelSelf = "self"
	// RelProfile links to the page for people.
	RelProfile = "http://webfinger.net/rel/profile-page"
	// RelAvatar links to the picture.
	RelAvatar = "http://webfinger.net/rel/avatar"
	// RelSubscribe holds the template with which a visitor follows from home.
	RelSubscribe = "http://ostatus.org/schema/1.0/subscribe"
)

// JRD is the answer to a WebFinger query. spec: rfc7033#4.4
type JRD struct {
	Subject    string            `json:"subject"`
	Aliases    []string          `json:"aliases,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Links      []Link            `json:"links"`
}

// Link is one relation; it has either an Href or a Template with "{uri}".
type Link struct {
	Rel      string `json:"rel"`
	Type     string `json:"type,omitempty"`
	Href     string `json:"href,omitempty"`
	Template string `json:"template,omitempty"`
}

// ParseJRD reads another server's answer. The caller bounds its size.
func ParseJRD(b []byte) (JRD, error) {
	// Properties and titles may hold null or be of odd types elsewhere, and we
	// need none of them, so they are not decoded.
	var raw struct {
		Subject string          `json:"subject"`
		Aliases json.RawMessage `json:"aliases"`
		Links   []Link          `json:"links"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return JRD{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	jrd := JRD{Subject: raw.Subject, Links: raw.Links}
	if len(raw.Aliases) > 0 && raw.Aliases[0] == '[' {
		if err := json.Unmarshal(raw.Aliases, &jrd.Aliases); err != nil {
			jrd.Aliases = nil
		}
	}
	return jrd, nil
}

// Actor returns the address of the ActivityPub actor, or "" if there is none.
func (j JRD) Actor() string {
	for _, link := range j.Links {
		if link.Rel != RelSelf || link.Href == "" {
			continue
		}
		kind := strings.ReplaceAll(strings.ToLower(link.Type), " ", "")
		if strings.HasPrefix(kind, "application/activity+json") ||
			strings.HasPrefix(kind, "application/ld+json") && strings.Contains(kind, "activitystreams") {
			return link.Href
		}
	}
	return ""
}

// SubscribeTemplate returns the template for following from home, or "".
func (j JRD) SubscribeTemplate() string {
	for _, link := range j.Links {
		if link.Rel == RelSubscribe && strings.Contains(link.Template, "{uri}") {
			return link.Template
		}
	}
	return ""
}

// HostMeta returns the host-meta document of the server at baseURL, which
// tells old clients where WebFinger is. spec: rfc6415#2
func HostMeta(baseURL string) []byte {
	var escaped bytes.Buffer
	// Writing to a buffer cannot fail.
	_ = xml.EscapeText(&escaped, []byte(strings.TrimSuffix(baseURL, "/")))
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">` + "\n" +
		`  <Link rel="lrdd" template="` + escaped.String() + `/.well-known/webfinger?resource={uri}"/>` + "\n" +
		"</XRD>\n")
}
