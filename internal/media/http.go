package media

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/web"
)

// fetchBudget is how many remote pictures one address may look at: a page shows some forty, and what
// is in the reader's own cache is not asked for.
var fetchBudget = web.Limit{Events: 3000, Per: 5 * time.Minute}

// Routes are the addresses of pictures.
func (s *Service) Routes() []web.Route {
	return []web.Route{
		{Pattern: "GET /media/{key...}", Style: web.Plain, Handler: s.serveFile},
		{Pattern: "GET /media/remote/{name}/{size}", Style: web.API, Limit: fetchBudget, Handler: s.serveRemote},
	}
}

// serveFile answers with a picture of ours. Its name is random and its bytes never change, so it may
// be kept for ever.
func (s *Service) serveFile(w http.ResponseWriter, r *http.Request) error {
	return s.serve(w, r, keyPrefix+r.PathValue("key"), "public, max-age=31536000, immutable")
}

// serveRemote answers with a picture of another server from our cache.
func (s *Service) serveRemote(w http.ResponseWriter, r *http.Request) error {
	key, err := s.remoteKey(r.Context(), r.PathValue("name"), r.PathValue("size"))
	if err != nil {
		return err
	}
	return s.serve(w, r, key, "public, max-age=604800")
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, key, caching string) error {
	if blob.CheckKey(key) != nil {
		return errNoPicture
	}
	o, err := s.store.Get(r.Context(), key)
	if errors.Is(err, blob.ErrNotFound) {
		return errNoPicture
	}
	if err != nil {
		return err
	}
	defer func() { _ = o.Body.Close() }() // it was only read
	kind := o.ContentType
	if !slices.Contains(ContentTypes[:], kind) {
		kind = "application/octet-stream"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", caching)
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	// Should a picture ever be opened as a document, it can do nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	http.ServeContent(w, r, "", o.ModTime, o.Body)
	return nil
}
