package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"rochdale/internal/kit/web"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/webfinger"
	"rochdale/internal/social"
)

func queryEscape(s string) string { return url.QueryEscape(s) }

// webfinger answers who an address is. spec: rfc7033, fep-d556 for the server itself
func (s *Service) webfinger(w http.ResponseWriter, r *http.Request) error {
	resource := r.URL.Query().Get("resource")
	w.Header().Set("Access-Control-Allow-Origin", "*") // spec: rfc7033#5
	res, err := webfinger.ParseResource(resource, []string{s.Site.Host, hostOf(s.Site.URL)})
	switch {
	case errors.Is(err, webfinger.ErrNotLocal):
		return errNotFound
	case err != nil:
		return nonsense("the resource is not an address")
	}
	name := res.Address.Name
	if u := res.URL; u != nil {
		path := strings.TrimSuffix(u.Path, "/")
		switch {
		case path == "" || path == "/actor":
			return s.instanceJRD(w, resource)
		case strings.HasPrefix(path, "/@"):
			name = path[2:]
		case strings.HasPrefix(path, "/users/"):
			name = strings.TrimPrefix(path, "/users/")
		}
		if name == "" || strings.Contains(name, "/") {
			return errNotFound
		}
	}
	if strings.EqualFold(name, s.instanceName()) {
		return s.instanceJRD(w, "acct:"+s.instanceName()+"@"+s.Site.Host)
	}
	a, err := s.named(r.Context(), name)
	if err != nil {
		return err
	}
	return s.jrd(w, s.jrdOf(a))
}

func (s *Service) jrdOf(a *social.Account) webfinger.JRD {
	out := webfinger.JRD{Subject: "acct:" + a.Username + "@" + s.Site.Host, Aliases: []string{a.URL, a.URI}, Links: []webfinger.Link{
		{Rel: webfinger.RelProfile, Type: "text/html", Href: a.URL},
		{Rel: webfinger.RelSelf, Type: activitystreams.MediaType, Href: a.URI},
		{Rel: webfinger.RelSubscribe, Template: s.Site.Join("/authorize_interaction?uri={uri}")},
	}}
	if image := s.imageOf(a.Avatar, "avatar"); image != nil && a.SuspendedAt.IsZero() {
		out.Links = append(out.Links, webfinger.Link{Rel: webfinger.RelAvatar, Type: image.MediaType, Href: image.URL})
	}
	return out
}

// instanceJRD names the instance actor. spec: fep-d556
func (s *Service) instanceJRD(w http.ResponseWriter, subject string) error {
	return s.jrd(w, webfinger.JRD{Subject: subject, Aliases: []string{s.instanceURI()}, Links: []webfinger.Link{
		{Rel: activitystreams.Namespace + "#Service", Type: activitystreams.MediaType, Href: s.instanceURI()},
		{Rel: webfinger.RelSelf, Type: activitystreams.MediaType, Href: s.instanceURI()},
		{Rel: webfinger.RelProfile, Type: "text/html", Href: s.Site.Join("/about")},
	}})
}

func (s *Service) jrd(w http.ResponseWriter, j webfinger.JRD) error {
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "public, max-age=600")
	return web.Bytes(w, http.StatusOK, webfinger.MediaType+"; charset=utf-8", b)
}

func (s *Service) hostMeta(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Cache-Control", "public, max-age=86400")
	return web.Bytes(w, http.StatusOK, webfinger.HostMetaMediaType+"; charset=utf-8", webfinger.HostMeta(s.Site.URL))
}

const nodeinfoSchema = "http://nodeinfo.diaspora.software/ns/schema/"

// nodeinfoLinks says where the NodeInfo documents are. spec: fep-f1d5, fep-0151
func (s *Service) nodeinfoLinks(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	return web.JSON(w, http.StatusOK, map[string]any{"links": []webfinger.Link{
		{Rel: nodeinfoSchema + "2.1", Href: s.Site.Join("/nodeinfo/2.1")},
		{Rel: nodeinfoSchema + "2.0", Href: s.Site.Join("/nodeinfo/2.0")},
	}})
}

type nodeinfo struct {
	Version           string            `json:"version"`
	Software          map[string]string `json:"software"`
	Protocols         []string          `json:"protocols"`
	Services          map[string]any    `json:"services"`
	OpenRegistrations bool              `json:"openRegistrations"`
	Usage             usage             `json:"usage"`
	Metadata          map[string]any    `json:"metadata"`
}

type usage struct {
	Users      map[string]int `json:"users"`
	LocalPosts int            `json:"localPosts"`
}

func (s *Service) nodeinfo(version string) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		n, err := s.count(r.Context())
		if err != nil {
			return err
		}
		program := s.Version
		if program == "" {
			program = "dev"
		}
		b, err := json.Marshal(nodeinfo{Version: version, Software: map[string]string{"name": "rochdale", "version": program},
			Protocols: []string{"activitypub"}, Services: map[string]any{"inbound": []string{}, "outbound": []string{}},
			// Membership is applied for, and the co-op decides.
			OpenRegistrations: false,
			Usage: usage{Users: map[string]int{"total": n.Accounts, "activeMonth": n.ActiveMonth, "activeHalfyear": n.ActiveHalf},
				LocalPosts: n.Posts}, Metadata: map[string]any{}})
		if err != nil {
			return err
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cache-Control", "public, max-age=600")
		return web.Bytes(w, http.StatusOK, `application/json; profile="`+nodeinfoSchema+version+`#"; charset=utf-8`, b)
	}
}

// numbers keeps the counts for a minute: counting reads a good part of the database.
type numbers struct {
	mu    sync.Mutex
	of    social.Numbers
	until time.Time
}

func (s *Service) count(ctx context.Context) (social.Numbers, error) {
	s.numbers.mu.Lock()
	defer s.numbers.mu.Unlock()
	now := s.DB.Now()
	if now.Before(s.numbers.until) {
		return s.numbers.of, nil
	}
	n, err := s.Social.Count(ctx)
	if err != nil {
		return n, err
	}
	s.numbers.of, s.numbers.until = n, now.Add(time.Minute)
	return n, nil
}
