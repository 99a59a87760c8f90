package site

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/ref"
	"rochdale/internal/kit/web"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/mandate"
	"rochdale/internal/record"
)

// recordRoutes are the pages of the public record, its feeds, and what checkers of it ask for. Feeds and
// proofs are open to scripts of every origin: they say what anybody may read.
func (s *Service) recordRoutes() []web.Route {
	get := func(path string, h web.Handler, style web.Style) web.Route {
		return web.Route{Pattern: "GET " + path, Handler: h, Style: style}
	}
	return []web.Route{
		get("/record", s.recordList, web.Page), get("/record/{seq}", s.recordEntry, web.Page), get("/record/{seq}/check", s.recordCheck, web.Page),
		get("/record.atom", s.recordAtom, web.API), get("/record.json", s.recordJSON, web.API),
		get("/record/checkpoint", s.checkpoint, web.API), get("/record/key", s.recordKey, web.API),
		get("/record/proof", s.proof, web.API), get("/record/consistency", s.consistency, web.API),
	}
}

const recordPage = 50

// recordGroups are the choices of the record's filter: each is the beginnings of the kinds it shows.
var recordGroups = []struct {
	name  string
	kinds []string
}{
	{"", nil},
	{"acts", []string{"act."}},
	{"members", []string{"member.", "register.", "act.member."}},
	{"bodies", []string{"body.", "seat.", "mandate.", "act.body.", "act.mandate."}},
	{"rules", []string{"rule.", "act.rule."}},
	{"decisions", []string{"decision."}},
	{"emergencies", []string{"emergency.", "operator.", "act.act."}},
	{"moderation", []string{"act.moderation."}},
	{"coop", []string{"coop.", "act.coop.", "act.webhook."}},
}

func groupWords(ctx context.Context, group string) string {
	switch group {
	case "":
		return t(ctx, "Everything")
	case "acts":
		return t(ctx, "Acts of power")
	case "members":
		return t(ctx, "Members")
	case "bodies":
		return t(ctx, "Mandates and bodies")
	case "rules":
		return t(ctx, "Rules")
	case "decisions":
		return t(ctx, "Decisions")
	case "emergencies":
		return t(ctx, "Emergencies")
	case "moderation":
		return t(ctx, "Moderation")
	case "coop":
		return t(ctx, "The co-op")
	}
	return group
}

// recordQuery is what of the record is asked for, as addresses say it.
type recordQuery struct {
	kind                       string // a group, or the beginning of kinds: "decision.counted"
	subject, member, authority string // references: "decision:123"
	body                       string // the handle of a body: what it did and what concerns it
	from, until                string // days, both included
}

var (
	kindPattern = regexp.MustCompile(`^[a-z]{1,30}(\.[a-z-]{0,30}){1,3}$`)
	bodyPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,59}$`)
	refPattern  = regexp.MustCompile(`^[a-z]{1,30}:[0-9]{1,19}$`)
)

// queryOf reads what makes sense and leaves out the rest.
func queryOf(q url.Values) recordQuery {
	var out recordQuery
	for _, x := range []struct {
		name string
		to   *string
		ok   func(string) bool
	}{{"kind", &out.kind, func(v string) bool { return kindPattern.MatchString(v) || groupOf(v) != nil }},
		{"subject", &out.subject, refPattern.MatchString}, {"member", &out.member, refPattern.MatchString}, {"authority", &out.authority, refPattern.MatchString},
		{"body", &out.body, bodyPattern.MatchString},
		{"from", &out.from, isDay}, {"until", &out.until, isDay}} {
		if v := q.Get(x.name); x.ok(v) {
			*x.to = v
		}
	}
	return out
}

func isDay(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}

func groupOf(name string) []string {
	i := slices.IndexFunc(recordGroups, func(g struct {
		name  string
		kinds []string
	}) bool {
		return g.name == name
	})
	if i < 0 {
		return nil
	}
	return recordGroups[i].kinds
}

// findEntries reads a page of what is asked for, and the body that it is about.
func (s *Service) findEntries(ctx context.Context, q recordQuery, before int64) ([]record.Event, mandate.Body, error) {
	var b mandate.Body
	f := q.filter(before)
	if q.body != "" {
		var err error
		if b, err = s.Mandate.BodyByHandle(ctx, s.DB, q.body); err != nil {
			return nil, b, err
		}
		f.Within = ref.Ref{Kind: "body", ID: b.ID}
	}
	f.About(ref.Parse(q.subject))
	list, err := s.Record.Find(ctx, f)
	return list, b, err
}

func (q recordQuery) filter(before int64) record.Filter {
	f := record.Filter{Kinds: groupOf(q.kind), Member: ref.Parse(q.member), Authority: ref.Parse(q.authority), Before: before, Limit: recordPage}
	if f.Kinds == nil && q.kind != "" {
		f.Kinds = []string{q.kind}
	}
	if q.from != "" {
		f.From, _ = time.Parse(time.DateOnly, q.from) // checked when it was read
	}
	if q.until != "" {
		f.Until, _ = time.Parse(time.DateOnly, q.until)
		f.Until = f.Until.AddDate(0, 0, 1)
	}
	return f
}

// at is the address of what is asked for, on a page or a feed.
func (q recordQuery) at(path string, before int64) string {
	v := url.Values{}
	for name, x := range map[string]string{"kind": q.kind, "subject": q.subject, "member": q.member, "authority": q.authority, "body": q.body, "from": q.from, "until": q.until} {
		if x != "" {
			v.Set(name, x)
		}
	}
	if before > 0 {
		v.Set("before", strconv.FormatInt(before, 10))
	}
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// entryView is one entry of the public record.
type entryView struct {
	Seq          int64
	At           time.Time
	Kind         string
	Sentence     []part
	By           part
	Under        []part // what permitted it
	Reason       string
	Quoted       bool   // the reason is somebody's own words
	Class        string // the sort of a reason
	Confidential bool   // the reason itself is for few
	Subject      part
	Body         record.Body
	Hash, Prev   string
	JSON         string // the body as it is hashed, set in lines
}

// entry puts an entry into words.
func (w *teller) entry(e record.Event) (entryView, error) {
	v := entryView{Seq: e.Seq, At: e.At, Kind: e.Kind, Hash: e.Hash, Prev: e.Prev}
	if err := w.take(e); err != nil {
		return v, err
	}
	v.Body, v.Sentence, v.Under = w.b, w.sentence(), w.under()
	v.Reason, v.Class = reasonWords(w.ctx, w.b.Reason), classWords(w.ctx, w.data.text("class"))
	v.Quoted = v.Reason == w.b.Reason
	v.Confidential = v.Reason == "" && v.Class != "" && w.b.Private != ""
	if w.b.Member != "" {
		v.By = w.thing(ref.Parse(w.b.Member))
	}
	if w.b.Subject != "" && w.about.ID != 0 {
		v.Subject = w.thing(w.about)
	}
	var set bytes.Buffer
	if err := json.Indent(&set, []byte(e.Body), "", "  "); err != nil {
		return v, err
	}
	v.JSON = set.String()
	return v, w.err
}

func (w *teller) entries(list []record.Event) ([]entryView, error) {
	out := make([]entryView, len(list))
	for i, e := range list {
		var err error
		if out[i], err = w.entry(e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// narrowing is a part of what is asked for that can be taken away again.
type narrowing struct{ Label, Value, Without string }

type recordView struct {
	Frame      ui.PageProps
	Query      recordQuery
	Kinds      []ui.Option
	Narrow     []narrowing
	List       []entryView
	Now        time.Time
	Atom, JSON string
	Checkpoint record.Signed
	pager
}

// recordList reads the public record, the newest first.
func (s *Service) recordList(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	if _, err := s.Coop.Get(ctx); err != nil {
		return err
	}
	q := queryOf(r.URL.Query())
	v := recordView{Query: q, Now: s.DB.Now(), Atom: q.at("/record.atom", 0), JSON: q.at("/record.json", 0)}
	for _, g := range recordGroups {
		v.Kinds = append(v.Kinds, ui.Option{Value: g.name, Label: groupWords(ctx, g.name)})
	}
	if groupOf(q.kind) == nil && q.kind != "" {
		v.Kinds = append(v.Kinds, ui.Option{Value: q.kind, Label: q.kind})
	}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // nonsense reads from the newest
	list, body, err := s.findEntries(ctx, q, before)
	if err != nil {
		return err
	}
	tell := s.teller(ctx, web.Actor(r))
	if v.List, err = tell.entries(list); err != nil {
		return err
	}
	v.Narrow = tell.narrowed(q)
	if q.body != "" {
		without := q
		without.body = ""
		v.Narrow = append(v.Narrow, narrowing{t(ctx, "Body"), body.Name, without.at("/record", 0)})
	}
	if before > 0 {
		v.Newer = q.at("/record", 0)
	}
	if len(list) == recordPage {
		v.Older = q.at("/record", list[len(list)-1].Seq)
	}
	if v.Checkpoint, err = s.Record.LatestCheckpoint(ctx); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Public record")); err != nil {
		return err
	}
	v.Frame.Head = recordHead(t(ctx, "Public record"), v.Atom, v.JSON)
	return web.Render(w, r, http.StatusOK, recordPageOf(v))
}

// narrowed are the references that are asked for, in words.
func (w *teller) narrowed(q recordQuery) []narrowing {
	var out []narrowing
	add := func(label, value string, without recordQuery) {
		if value != "" {
			out = append(out, narrowing{label, w.thing(ref.Parse(value)).Text, without.at("/record", 0)})
		}
	}
	w.about, w.own, w.data = ref.Ref{}, nil, nil
	about, by, under := q, q, q
	about.subject, by.member, under.authority = "", "", ""
	add(t(w.ctx, "About"), q.subject, about)
	add(t(w.ctx, "Done by"), q.member, by)
	switch a := ref.Parse(q.authority); authz.AuthorityKind(a.Kind) {
	case authz.Genesis, authz.Operate:
		w.b = record.Body{Authority: q.authority}
		out = append(out, narrowing{t(w.ctx, "Authority"), plain(w.under()), under.at("/record", 0)})
	default:
		add(t(w.ctx, "Authority"), q.authority, under)
	}
	return out
}

type entryPageView struct {
	Frame      ui.PageProps
	Entry      entryView
	Now        time.Time
	Prev, Next string
	Changed    []changed
	ChangedOf  string // the entry with the state before; "" if this one is the first
	Gone       bool
	Beside     []entryView // entries of the same moment
	Kept       bool        // the personal data is there
	Case       []changed   // and what it says, for those who may read it
	CaseWhy    string
	About, Did string // entries about the same thing, by the same member,
	Permitted  string // under the same authority
}

// recordEntry shows one entry: what it changed, what permitted that, and what it is hashed from.
func (s *Service) recordEntry(w http.ResponseWriter, r *http.Request) error {
	ctx, by := r.Context(), web.Actor(r)
	e, err := s.recordEvent(r)
	if err != nil {
		return err
	}
	tell := s.teller(ctx, by)
	v := entryPageView{Now: s.DB.Now()}
	if v.Entry, err = tell.entry(e); err != nil {
		return err
	}
	if err := s.fillChange(tell, e, &v); err != nil {
		return err
	}
	if err := s.fillCase(tell, &v); err != nil {
		return err
	}
	if err := s.fillBeside(tell, e, &v); err != nil {
		return err
	}
	if b := v.Entry.Body; b.Subject != "" {
		v.About = recordQuery{subject: b.Subject}.at("/record", 0)
	}
	if b := v.Entry.Body; b.Member != "" {
		v.Did = recordQuery{member: b.Member}.at("/record", 0)
	}
	if b := v.Entry.Body; b.Authority != "" {
		v.Permitted = recordQuery{authority: b.Authority}.at("/record", 0)
	}
	if v.Frame, err = s.frame(w, r, t(ctx, "Entry %s of the public record", seq(e.Seq))); err != nil {
		return err
	}
	v.Frame.Description = plain(v.Entry.Sentence)
	return web.Render(w, r, http.StatusOK, entryPage(v))
}

func (s *Service) recordEvent(r *http.Request) (record.Event, error) {
	n, err := strconv.ParseInt(r.PathValue("seq"), 10, 64)
	if err != nil || n < 1 {
		return record.Event{}, errNothing
	}
	return s.Record.Get(r.Context(), n)
}

func (s *Service) fillChange(w *teller, e record.Event, v *entryPageView) error {
	after := v.Entry.Body.State
	if after == nil {
		return nil
	}
	x, before, err := s.Record.Before(w.ctx, e)
	if err != nil {
		return err
	}
	if before.State != nil {
		v.ChangedOf = seq(x.Seq)
	}
	if v.Gone = string(after) == string(record.Gone); v.Gone {
		after = nil
	}
	v.Changed = w.changes(w.about.Kind, before.State, after)
	return w.err
}

// fillCase shows the personal data of an entry to those who may read it: who holds the power that the act
// names by a mandate in force, whom or whose account it is about, and who did something that was no act, such as a vote.
func (s *Service) fillCase(w *teller, v *entryPageView) error {
	if v.Entry.Body.Private == "" || v.Entry.Body.Veiled {
		return nil
	}
	data, ok, err := s.Record.Private(w.ctx, s.DB, v.Entry.Seq)
	if v.Kept = ok; err != nil || !ok {
		return err
	}
	power, act := strings.CutPrefix(v.Entry.Kind, "act.")
	me := ref.Ref{Kind: "member", ID: w.by.Member}.String()
	switch {
	case w.by.Member == 0:
		return nil
	case v.Entry.Body.Subject == me, w.by.Account != 0 && w.about == ref.Ref{Kind: "account", ID: w.by.Account}:
		v.CaseWhy = t(w.ctx, "You see it because it is about you.")
	case !act && v.Entry.Body.Member == me:
		v.CaseWhy = t(w.ctx, "You see it because it is yours.")
	case act && w.powers[power] != "":
		holds, err := s.holds(w.ctx, w.by, power, authz.Target{Kind: w.about.Kind, ID: w.about.ID})
		if err != nil || !holds {
			return err
		}
		v.CaseWhy = t(w.ctx, "You see it because you hold the power by a mandate: %s.", w.power(power))
	default:
		return nil
	}
	v.Case = w.changes("", nil, data)
	return w.err
}

// holds reports whether a member holds a power over a thing by a mandate; a rule for emergencies is not
// enough to read.
func (s *Service) holds(ctx context.Context, by authz.Actor, power string, target authz.Target) (bool, error) {
	a, err := s.Mandate.Authorise(ctx, s.DB, by, power, target)
	if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil && a.Kind == authz.Mandate, err
}

// fillBeside finds the neighbours of the entry, and those of the same moment, which mostly belong to it.
func (s *Service) fillBeside(w *teller, e record.Event, v *entryPageView) error {
	const near = 6
	list, err := s.Record.Find(w.ctx, record.Filter{Before: e.Seq + near + 1, Limit: 2*near + 1})
	if err != nil {
		return err
	}
	slices.Reverse(list)
	for _, x := range list {
		switch x.Seq {
		case e.Seq - 1:
			v.Prev = "/record/" + seq(x.Seq)
		case e.Seq + 1:
			v.Next = "/record/" + seq(x.Seq)
		}
		if x.Seq != e.Seq && x.At.Equal(e.At) {
			beside, err := w.entry(x)
			if err != nil {
				return err
			}
			v.Beside = append(v.Beside, beside)
		}
	}
	return nil
}
