// Package assets holds what pages load: style sheet, scripts and fonts, bundled, minified and
// compressed at generate time and embedded in the program.
//
// Sources are in src and third_party; "go generate" writes dist and manifest.go, which are committed. Every file's name
// carries a hash of its content, so that browsers may keep it for ever and a new version is a new
// address. Nothing here needs eval, inline script or inline style: pages run under
// "default-src 'self'".
package assets

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

//go:generate go run ./gen

//go:embed dist
var dist embed.FS

// Prefix is where Handler expects to be mounted.
const Prefix = "/assets/"

// URL returns the address of a file by its source name, such as "app.css". A name that is not in the
// manifest gives an address that answers 404.
func URL(name string) string {
	if hashed, ok := names[name]; ok {
		return Prefix + hashed
	}
	return Prefix + name
}

// Names lists the source names that URL knows.
func Names() []string {
	out := make([]string, 0, len(names))
	for name := range names {
		out = append(out, name)
	}
	return out
}

// file is one embedded answer.
type file struct {
	contentType string
	body, gz    []byte
}

// Handler serves the files under Prefix. Answers may be cached for ever; a client that takes gzip gets
// the copy that was compressed at generate time.
//
// spec: rfc8246#2 rfc9110#12.5.3
func Handler() http.Handler {
	files := map[string]file{}
	for _, hashed := range names {
		f := file{contentType: typeOf(hashed)}
		var err error
		if f.body, err = fs.ReadFile(dist, "dist/"+hashed); err != nil {
			continue // A missing file is a 404; the tests say which.
		}
		if gz, err := fs.ReadFile(dist, "dist/"+hashed+".gz"); err == nil {
			f.gz = gz
		}
		files[hashed] = f
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, Prefix)
		f, ok := files[name]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("ETag", `"`+name+`"`)
		body := f.body
		if f.gz != nil {
			h.Set("Vary", "Accept-Encoding")
			if takesGzip(r.Header.Get("Accept-Encoding")) {
				body = f.gz
				h.Set("Content-Encoding", "gzip")
				h.Set("ETag", `"`+name+`-gz"`)
			}
		}
		if r.Header.Get("If-None-Match") == h.Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		h.Set("Content-Length", fmt.Sprint(len(body)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(body) // A client that hung up is not our error.
		}
	})
}

// takesGzip reads an Accept-Encoding header as far as the question goes.
func takesGzip(accept string) bool {
	for part := range strings.SplitSeq(accept, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if !strings.EqualFold(coding, "gzip") && coding != "*" {
			continue
		}
		q := strings.ReplaceAll(params, " ", "")
		return !strings.HasPrefix(q, "q=0") || strings.Trim(q[3:], ".0") != ""
	}
	return false
}

func typeOf(name string) string {
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "css":
		return "text/css; charset=utf-8"
	case "js":
		return "text/javascript; charset=utf-8"
	case "woff2":
		return "font/woff2"
	case "svg":
		return "image/svg+xml"
	}
	return "application/octet-stream"
}
