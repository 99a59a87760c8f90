package web

import (
	"encoding/json"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Params are the parameters of a request wherever they came from: query, form, multipart or a JSON
// body, whose objects are flattened the way forms write them ("poll[expires_in]", "media_ids[]").
type Params struct {
	values url.Values
	files  map[string][]*multipart.FileHeader
}

const maxJSONDepth = 16

// Read collects the parameters of r.
func Read(r *http.Request) (Params, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	p := Params{values: url.Values{}}
	var err error
	switch kind {
	case "application/json":
		err = p.readJSON(r)
	case "multipart/form-data":
		if err = r.ParseMultipartForm(1 << 20); err == nil { //nolint:gosec // the server bounds every body
			p.files = r.MultipartForm.File
			merge(p.values, r.Form)
		}
	default:
		if err = r.ParseForm(); err == nil {
			merge(p.values, r.Form)
		}
	}
	if err != nil {
		var tooMuch *http.MaxBytesError
		if ok := asMaxBytes(err, &tooMuch); ok {
			return p, tooMuch
		}
		return p, fault.New(fault.Invalid, "The request could not be read: %v.", err)
	}
	return p, nil
}

func (p *Params) readJSON(r *http.Request) error {
	merge(p.values, r.URL.Query())
	var body map[string]any
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&body); err != nil {
		if err.Error() == "EOF" {
			return nil
		}
		return err
	}
	for k, v := range body {
		if err := p.flatten(k, v, 0); err != nil {
			return err
		}
	}
	return nil
}

func (p *Params) flatten(key string, v any, depth int) error {
	if depth > maxJSONDepth {
		return fmt.Errorf("it is nested too deeply")
	}
	switch v := v.(type) {
	case nil:
	case bool:
		p.values.Add(key, strconv.FormatBool(v))
	case string:
		p.values.Add(key, v)
	case json.Number:
		p.values.Add(key, v.String())
	case []any:
		for _, e := range v {
			if err := p.flatten(key+"[]", e, depth+1); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, e := range v {
			if err := p.flatten(key+"["+k+"]", e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func merge(dst, src url.Values) {
	for k, v := range src {
		dst[k] = append(dst[k], v...)
	}
}

// Has reports whether the parameter was sent at all.
func (p Params) Has(name string) bool { return p.values.Has(name) || p.values.Has(name+"[]") }

// String is the parameter, or "".
func (p Params) String(name string) string { return p.values.Get(name) }

// Text is the parameter without surrounding space, with line ends as \n: browsers send \r\n.
func (p Params) Text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(p.values.Get(name), "\r\n", "\n"))
}

// Bool is true for what Mastodon's clients and browsers send for yes.
func (p Params) Bool(name string) bool {
	switch strings.ToLower(p.values.Get(name)) {
	case "1", "true", "on", "yes", "t":
		return true
	}
	return false
}

// Int is the parameter within [lo, hi], or def if it is missing or not a number.
func (p Params) Int(name string, def, lo, hi int) int {
	n, err := strconv.Atoi(p.values.Get(name))
	if err != nil {
		return def
	}
	return min(max(n, lo), hi)
}

// ID is the parameter as an id, 0 if it is none.
func (p Params) ID(name string) id.ID { return id.Parse(p.values.Get(name)) }

// List is a repeated parameter, "name[]" or "name".
func (p Params) List(name string) []string {
	return append(append([]string{}, p.values[name+"[]"]...), p.values[name]...)
}

// IDs is a repeated parameter of ids.
func (p Params) IDs(name string) []id.ID {
	var out []id.ID
	for _, s := range p.List(name) {
		if i := id.Parse(s); i != 0 {
			out = append(out, i)
		}
	}
	return out
}

// Values are all parameters, as a form writes them.
func (p Params) Values() url.Values { return p.values }

// File is an uploaded file, or nil.
func (p Params) File(name string) *multipart.FileHeader {
	if f := p.files[name]; len(f) > 0 && f[0].Size > 0 {
		return f[0]
	}
	return nil
}

// Files are all files uploaded under a name; empty file inputs are left out.
func (p Params) Files(name string) []*multipart.FileHeader {
	var out []*multipart.FileHeader
	for _, f := range p.files[name] {
		if f.Size > 0 {
			out = append(out, f)
		}
	}
	return out
}

// PathID is a path segment as an id; a segment that is none names nothing.
func PathID(r *http.Request, name string) (id.ID, error) {
	i := id.Parse(r.PathValue(name))
	if i == 0 {
		return 0, fault.New(fault.NotFound, "Record not found")
	}
	return i, nil
}
