package site

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/record"
)

// entryView is one entry of the public record.
type entryView struct {
	Seq                int64
	At                 time.Time
	Kind               string
	Sentence           string
	By, Under, UnderTo string // what permitted it, and where that is to be read
	Reason             string
	Hash, Prev         string
	Subject            string
	JSON               string // the body as it is hashed, set in lines
	Raw                string
	Private            bool // there is personal data outside of the hash
}

type recordView struct {
	Frame ui.PageProps
	Kind  string
	Kinds []ui.Option
	List  []entryView
	Now   time.Time
	pager
}

const recordPage = 50

func recordKinds(ctx context.Context) []ui.Option {
	return []ui.Option{
		{Value: "", Label: t(ctx, "Everything")}, {Value: "act.", Label: t(ctx, "Acts under a mandate")}, {Value: "member.", Label: t(ctx, "Members")},
		{Value: "mandate.", Label: t(ctx, "Mandates")}, {Value: "body.", Label: t(ctx, "Bodies")}, {Value: "coop.", Label: t(ctx, "The co-op")},
		{Value: "operator.", Label: t(ctx, "Acts of the operator")},
	}
}

// recordList reads the public record, the newest first.
func (s *Service) recordList(w http.ResponseWriter, r *http.Request) error {
	ctx, q := r.Context(), r.URL.Query()
	if _, err := s.Coop.Get(ctx); err != nil {
		return err
	}
	v := recordView{Now: s.DB.Now(), Kinds: recordKinds(ctx)}
	for _, k := range v.Kinds { // only the kinds that are offered, nothing else of the query
		if k.Value == q.Get("kind") {
			v.Kind = k.Value
		}
	}
	before, _ := strconv.ParseInt(q.Get("before"), 10, 64) // nonsense reads from the newest
	list, err := s.Record.List(ctx, before, v.Kind, recordPage)
	if err != nil {
		return err
	}
	for _, e := range list {
		x, err := s.entry(ctx, e)
		if err != nil {
			return err
		}
		v.List = append(v.List, x)
	}
	if before > 0 {
		v.Newer = "/record?kind=" + v.Kind
	}
	if len(list) == recordPage {
		v.Older = "/record?kind=" + v.Kind + "&before=" + strconv.FormatInt(list[len(list)-1].Seq, 10)
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Public record")); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, recordPageOf(v))
}

type entryPageView struct {
	Frame      ui.PageProps
	Entry      entryView
	Now        time.Time
	Prev, Next string
}

// recordEntry shows one entry with what it is hashed from.
func (s *Service) recordEntry(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	seq, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil || seq < 1 {
		return errNothing
	}
	e, err := s.Record.Get(ctx, seq)
	if err != nil {
		return err
	}
	v := entryPageView{Now: s.DB.Now()}
	if v.Entry, err = s.entry(ctx, e); err != nil {
		return err
	}
	if seq > 1 {
		v.Prev = "/record/" + strconv.FormatInt(seq-1, 10)
	}
	if _, err := s.Record.Get(ctx, seq+1); err == nil {
		v.Next = "/record/" + strconv.FormatInt(seq+1, 10)
	} else if !fault.Is(err, fault.NotFound) {
		return err
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Entry %s of the public record", strconv.FormatInt(seq, 10))); err != nil {
		return err
	}
	return web.Render(w, r, http.StatusOK, entryPage(v))
}

// entry puts an entry into words.
func (s *Service) entry(ctx context.Context, e record.Event) (entryView, error) {
	v := entryView{Seq: e.Seq, At: e.At, Kind: e.Kind, Hash: e.Hash, Prev: e.Prev, Raw: e.Body}
	b, err := e.Read()
	if err != nil {
		return v, err
	}
	var set bytes.Buffer
	if err := json.Indent(&set, []byte(e.Body), "", "  "); err != nil {
		return v, err
	}
	v.JSON, v.Reason, v.Subject, v.Private = set.String(), b.Reason, b.Subject, b.Private != ""
	names := entryNames{}
	if names.by, err = s.nameOf(ctx, b.Member); err != nil {
		return v, err
	}
	if names.subject, err = s.nameOf(ctx, b.Subject); err != nil {
		return v, err
	}
	v.By = names.by
	v.Sentence = sentence(ctx, e.Kind, names, factsOf(b.Data))
	v.Under, v.UnderTo, err = s.under(ctx, b.Authority)
	return v, err
}

// entryNames are the people an entry speaks of.
type entryNames struct{ by, subject string }

// nameOf is the name of the member, or the address of the account, behind a reference; "" if it is to
// something else or to nobody any more.
func (s *Service) nameOf(ctx context.Context, text string) (string, error) {
	to := ref.Parse(text)
	switch to.Kind {
	case "account":
		a, err := s.Social.Account(ctx, s.DB, to.ID)
		if fault.Is(err, fault.NotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return "@" + a.Acct(), nil
	case "member":
	default:
		return "", nil
	}
	m, err := s.Member.Get(ctx, s.DB, to.ID)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return m.Name, err
}

// under says what permitted an act.
func (s *Service) under(ctx context.Context, authority string) (words, href string, err error) {
	to := ref.Parse(authority)
	switch authz.AuthorityKind(to.Kind) {
	case authz.Genesis:
		return t(ctx, "by the founding"), "", nil
	case authz.Operate:
		return t(ctx, "emergency act of the operator"), "", nil
	case authz.Mandate:
		m, err := s.Mandate.Get(ctx, s.DB, to.ID)
		if fault.Is(err, fault.NotFound) {
			return authority, "", nil
		}
		if err != nil {
			return "", "", err
		}
		return t(ctx, "under the mandate %s of %s, until %s", m.Office, date(ctx, m.From), date(ctx, m.To)), "/powers", nil
	}
	return authority, "", nil
}

// facts are the public data of an entry, as far as sentences need them.
type facts map[string]any

func factsOf(data json.RawMessage) facts {
	f := facts{}
	if len(data) > 0 {
		_ = json.Unmarshal(data, &f) // data that is no object has no facts by name
	}
	return f
}

func (f facts) text(key string) string {
	switch v := f[key].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func (f facts) date(ctx context.Context, key string) string {
	at, err := time.Parse(time.RFC3339, f.text(key))
	if err != nil {
		return f.text(key)
	}
	return date(ctx, at)
}

// sentence says what happened. A kind that has no sentence of its own shows its name: the entry is
// there for everybody to read in full.
func sentence(ctx context.Context, kind string, who entryNames, f facts) string {
	somebody := func(name string) string {
		if name == "" {
			return t(ctx, "Somebody")
		}
		return name
	}
	switch kind {
	case "coop.founded":
		return t(ctx, "The co-op %s was founded.", f.text("name"))
	case "body.formed":
		return t(ctx, "The body %s was formed.", f.text("name"))
	case "member.joined":
		if who.by != "" && who.by != who.subject {
			return t(ctx, "%s joined as member %s, invited by %s.", somebody(who.subject), f.text("number"), who.by)
		}
		return t(ctx, "%s joined as member %s.", somebody(who.subject), f.text("number"))
	case "mandate.given":
		return t(ctx, "%s was given the office %s until %s.", somebody(who.by), f.text("office"), f.date(ctx, "to"))
	case "act.member.admit":
		if f.text("decision") == "declined" {
			return t(ctx, "%s declined an application for membership.", somebody(who.by))
		}
		return t(ctx, "%s accepted an application: %s is member %s.", somebody(who.by), somebody(who.subject), f.text("number"))
	case "operator.token.made":
		return t(ctx, "The operator made an access token for %s.", somebody(who.subject))
	case "act.coop.describe":
		return t(ctx, "%s changed what the co-op says about itself.", somebody(who.by))
	}
	if power, ok := strings.CutPrefix(kind, "act."); ok && who.by != "" {
		return t(ctx, "%s used the power %s.", who.by, power)
	}
	return kind
}
