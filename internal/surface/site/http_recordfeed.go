package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/record"
)

// feed is what both feeds are drawn from: the record as a visitor reads it.
type feed struct {
	Title   string
	Query   recordQuery
	List    []entryView
	Updated time.Time
	Next    int64 // the entries before this one are on the next page
}

func (s *Service) feed(r *http.Request) (feed, error) {
	// Feeds are read by programs in their reader's language.
	ctx := i18n.WithLocale(r.Context(), i18n.Negotiate(r.Header.Get("Accept-Language"), ""))
	c, err := s.Coop.Get(ctx)
	if err != nil {
		return feed{}, err
	}
	f := feed{Title: t(ctx, "Public record of %s", c.Name), Query: queryOf(r.URL.Query()), Updated: c.FoundedAt}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // nonsense reads from the newest
	list, body, err := s.findEntries(ctx, f.Query, before)
	if err != nil {
		return f, err
	}
	if body.ID != 0 {
		f.Title = t(ctx, "%s in the public record of %s", body.Name, c.Name)
	}
	if len(list) > 0 {
		f.Updated = list[0].At
	}
	if len(list) == recordPage {
		f.Next = list[len(list)-1].Seq
	}
	f.List, err = s.teller(ctx, authz.Actor{}).entries(list)
	return f, err
}

// serveFeed answers readers who have this very version with "not modified". The names of people can
// change without a new entry, so that the version is a hash of the whole.
// spec: rfc9110#8.8.3
func serveFeed(w http.ResponseWriter, r *http.Request, contentType string, b []byte, updated time.Time) error {
	b = web.Compress(w, r, b)
	sum := sha256.Sum256(b)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "public, no-cache")
	h.Set("Vary", "Accept-Language, Accept-Encoding")
	h.Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	http.ServeContent(w, r, "", updated, bytes.NewReader(b))
	return nil
}

// spec: rfc4287
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  atomAuthor  `xml:"author"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomAuthor struct {
		Name string `xml:"name"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr,omitempty"`
		Type string `xml:"type,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
	atomEntry struct {
		ID       string       `xml:"id"`
		Title    string       `xml:"title"`
		Updated  string       `xml:"updated"`
		Link     atomLink     `xml:"link"`
		Category atomCategory `xml:"category"`
		Content  string       `xml:"content"`
	}
)

// recordAtom is the record as an Atom feed, with the filters of the page.
func (s *Service) recordAtom(w http.ResponseWriter, r *http.Request) error {
	f, err := s.feed(r)
	if err != nil {
		return err
	}
	base := s.Site.URL
	out := atomFeed{ID: base + f.Query.at("/record", 0), Title: f.Title, Updated: f.Updated.UTC().Format(time.RFC3339), Author: atomAuthor{s.Site.Host},
		Links: []atomLink{{"self", "application/atom+xml", base + f.Query.at("/record.atom", 0)}, {"alternate", "text/html", base + f.Query.at("/record", 0)}}}
	if f.Next > 0 { // spec: rfc5005#3
		out.Links = append(out.Links, atomLink{"next", "application/atom+xml", base + f.Query.at("/record.atom", f.Next)})
	}
	for _, e := range f.List {
		at := base + "/record/" + seq(e.Seq)
		out.Entries = append(out.Entries, atomEntry{ID: at, Title: xmlText(plain(e.Sentence)), Updated: e.At.UTC().Format(time.RFC3339), Link: atomLink{"alternate", "text/html", at},
			Category: atomCategory{e.Kind}, Content: xmlText(e.text(r.Context()))})
	}
	b, err := xml.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	return serveFeed(w, r, "application/atom+xml; charset=utf-8", append([]byte(xml.Header), b...), f.Updated)
}

// xmlText leaves out what XML has no way to write: control characters.
func xmlText(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

// text is an entry in two lines: what happened, and what permitted it and why.
func (e *entryView) text(ctx context.Context) string {
	lines := []string{plain(e.Sentence)}
	if len(e.Under) > 0 {
		lines = append(lines, plain(e.Under))
	}
	if e.Reason != "" {
		lines = append(lines, t(ctx, "Reason: %s", e.Reason))
	}
	if e.Class != "" {
		lines = append(lines, t(ctx, "Sort of reason: %s", e.Class))
	}
	return strings.Join(lines, "\n")
}

// spec: jsonfeed/1.1
type (
	jsonFeed struct {
		Version     string         `json:"version"`
		Title       string         `json:"title"`
		HomePageURL string         `json:"home_page_url"`
		FeedURL     string         `json:"feed_url"`
		NextURL     string         `json:"next_url,omitempty"`
		Items       []jsonFeedItem `json:"items"`
	}
	jsonFeedItem struct {
		ID            string     `json:"id"`
		URL           string     `json:"url"`
		Title         string     `json:"title"`
		ContentText   string     `json:"content_text"`
		DatePublished string     `json:"date_published"`
		Tags          []string   `json:"tags"`
		Record        jsonRecord `json:"_record"`
	}
	// jsonRecord is the entry itself, as it is hashed.
	jsonRecord struct {
		Seq  int64       `json:"seq"`
		Kind string      `json:"kind"`
		At   int64       `json:"at"` // milliseconds
		Prev string      `json:"prev"`
		Hash string      `json:"hash"`
		Body record.Body `json:"body"`
	}
)

// recordJSON is the record as a JSON Feed, with the filters of the page.
func (s *Service) recordJSON(w http.ResponseWriter, r *http.Request) error {
	f, err := s.feed(r)
	if err != nil {
		return err
	}
	base := s.Site.URL
	out := jsonFeed{Version: "https://jsonfeed.org/version/1.1", Title: f.Title, HomePageURL: base + f.Query.at("/record", 0), FeedURL: base + f.Query.at("/record.json", 0), Items: []jsonFeedItem{}}
	if f.Next > 0 {
		out.NextURL = base + f.Query.at("/record.json", f.Next)
	}
	for _, e := range f.List {
		at := base + "/record/" + seq(e.Seq)
		out.Items = append(out.Items, jsonFeedItem{ID: at, URL: at, Title: plain(e.Sentence), ContentText: e.text(r.Context()), DatePublished: e.At.UTC().Format(time.RFC3339),
			Tags: []string{e.Kind}, Record: jsonRecord{e.Seq, e.Kind, e.At.UnixMilli(), e.Prev, e.Hash, e.Body}})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return serveFeed(w, r, "application/feed+json; charset=utf-8", b, f.Updated)
}

// checkpoint is the newest signed checkpoint, or the one of a size.
func (s *Service) checkpoint(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Record.LatestCheckpoint(r.Context())
	if size := r.URL.Query().Get("size"); err == nil && size != "" {
		n, _ := strconv.ParseInt(size, 10, 64) // nonsense is a size that no checkpoint has
		c, err = s.Record.CheckpointAt(r.Context(), n)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Last-Modified", c.At.UTC().Format(http.TimeFormat))
	return web.Bytes(w, http.StatusOK, "text/plain; charset=utf-8", []byte(c.Note))
}

// recordKey is the public key of the checkpoints.
func (s *Service) recordKey(w http.ResponseWriter, r *http.Request) error {
	key, err := s.Record.VerifierKey(r.Context())
	if err != nil {
		return err
	}
	return web.Bytes(w, http.StatusOK, "text/plain; charset=utf-8", []byte(key+"\n"))
}

// numberOf reads a number of the query; 0 is for none.
func numberOf(r *http.Request, name string) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fault.Field(name, "%q is no number.", text)
	}
	return n, nil
}

// proof gives the path of hashes from an entry to the root of the log.
func (s *Service) proof(w http.ResponseWriter, r *http.Request) error {
	n, err := numberOf(r, "seq")
	if err != nil {
		return err
	}
	size, err := numberOf(r, "size")
	if err != nil {
		return err
	}
	p, err := s.Record.Inclusion(r.Context(), n, size)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p)
}

// consistency gives the hashes that prove the log of one size to be the beginning of another.
func (s *Service) consistency(w http.ResponseWriter, r *http.Request) error {
	from, err := numberOf(r, "from")
	if err != nil {
		return err
	}
	to, err := numberOf(r, "to")
	if err != nil {
		return err
	}
	p, err := s.Record.Consistency(r.Context(), from, to)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, p)
}

type checkView struct {
	Frame ui.PageProps
	Entry entryView
	Key   string // of the checkpoints, "" before the first
	Words string // what the module may have to say, as JSON
	URL   string
	Now   time.Time
}

// recordCheck is the page on which the reader's browser checks an entry by itself.
func (s *Service) recordCheck(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	e, err := s.recordEvent(r)
	if err != nil {
		return err
	}
	v := checkView{URL: s.Site.URL, Now: s.DB.Now()}
	if v.Entry, err = s.teller(ctx, web.Actor(r)).entry(e); err != nil {
		return err
	}
	if v.Key, err = s.Record.VerifierKey(ctx); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	words, err := json.Marshal(checkWords(ctx))
	if err != nil {
		return err
	}
	v.Words = string(words)
	if v.Frame, err = s.frame(w, r, t(ctx, "Check entry %s", seq(e.Seq))); err != nil {
		return err
	}
	v.Frame.Head = checkHead()
	return web.Render(w, r, http.StatusOK, checkPage(v))
}

// checkWords are what the module says about what it finds. Each %s is filled in by it.
func checkWords(ctx context.Context) map[string]string {
	return map[string]string{
		"fits":   t(ctx, "This entry is in the log, and everything fits."),
		"broken": t(ctx, "Something does not fit. Do not trust what this server shows; ask other members what they see."),
		"failed": t(ctx, "It could not be checked here and now."),

		"leaf":              t(ctx, "Entry %s has %s bytes as it is hashed. They have the hash that this page shows, and as a leaf of the tree the hash %s."),
		"leaf-bad":          t(ctx, "The server gave another content for entry %s than the one whose hash this page shows: %s bytes with the leaf hash %s."),
		"path":              t(ctx, "With %s more hashes it leads to the root of the log of %s entries: %s."),
		"path-bad":          t(ctx, "The %s hashes that the server gave do not lead to the root of the log of %s entries: %s."),
		"no-proof":          t(ctx, "The server has no proof for entry %s."),
		"root":              t(ctx, "The checkpoint of %s entries has this very root: %s."),
		"root-bad":          t(ctx, "The checkpoint of %s entries has another root: %s."),
		"newer":             t(ctx, "The entry is newer than the last checkpoint, of %s entries, which is the beginning of the log of %s entries. The next checkpoint is signed within the hour."),
		"newer-bad":         t(ctx, "The last checkpoint, of %s entries, is not the beginning of the log of %s entries that the server shows."),
		"unsigned":          t(ctx, "No checkpoint has been signed yet: the first comes within an hour."),
		"signature":         t(ctx, "The checkpoint is signed by %s with the key %s."),
		"signature-bad":     t(ctx, "The checkpoint is not signed by %s with the key %s."),
		"signature-unknown": t(ctx, "This browser cannot check the signature (Ed25519); the checkpoint’s hashes were checked all the same."),
		"first":             t(ctx, "This browser now remembers this checkpoint of %s entries, and will compare it the next time."),
		"memory":            t(ctx, "The checkpoint of %s entries that this browser remembered and the one of %s entries belong to one log: nothing was changed, left out or put in."),
		"memory-bad":        t(ctx, "THE LOG WAS CHANGED. This browser remembers a checkpoint of %s entries, and the log of %s entries does not go on from it."),
		"shorter":           t(ctx, "The log has become shorter: this browser remembers %s entries, the newest checkpoint has %s."),
		"evidence":          t(ctx, "Keep these two signed notes: together they prove it. The one remembered: %s The one shown now: %s"),
		"key-bad":           t(ctx, "THE KEY HAS CHANGED. This browser remembers the key %s, and the server now shows %s."),
		"forgetful":         t(ctx, "This browser does not keep anything for this site, so that the log cannot be compared with an earlier visit."),
		"insecure":          t(ctx, "Browsers compute hashes only on pages that come over https. Open this page so, or check with a program."),
		"error":             t(ctx, "The check was not finished: %s"),
	}
}
