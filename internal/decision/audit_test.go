package decision_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/rulebook"
)

// The auditor is a second reader of the bylaws. It walks the record from the first entry, keeps what each
// thing is according to it, and asks of every act, vote, count and effect whether the invariants of
// DESIGN §3 let it be, in words of its own: it shares with the program the types of a rule and the
// count, and nothing that judges.

type auditedAct struct {
	ID            id.ID     `db:"id"`
	Power         string    `db:"power"`
	TargetKind    string    `db:"target_kind"`
	TargetID      id.ID     `db:"target_id"`
	Args          string    `db:"args"`
	Inverse       string    `db:"inverse"`
	Member        id.ID     `db:"member_id"`
	Via           string    `db:"via"`
	AuthorityKind string    `db:"authority_kind"`
	AuthorityID   id.ID     `db:"authority_id"`
	Seq           int64     `db:"record_seq"`
	At            time.Time `db:"at"`
}

type auditedVote struct {
	ID       id.ID     `db:"id"`
	Decision id.ID     `db:"decision_id"`
	Member   id.ID     `db:"member_id"`
	Choice   string    `db:"choice"`
	Reason   string    `db:"reason"`
	Version  int       `db:"version"`
	At       time.Time `db:"at"`
}

type auditedEffect struct {
	Decision id.ID  `db:"decision_id"`
	Position int    `db:"position"`
	Option   int    `db:"option"`
	Kind     string `db:"kind"`
	Args     string `db:"args"`
	Base     string `db:"base"`
	Inverse  string `db:"inverse"`
}

type auditedEmergency struct {
	Act      id.ID     `db:"act_id"`
	Due      time.Time `db:"due_at"`
	Ended    time.Time `db:"ended_at"`
	Outcome  string    `db:"outcome"`
	Decision id.ID     `db:"decision_id"`
}

type auditedPair struct {
	Decision id.ID `db:"decision_id"`
	Member   id.ID `db:"member_id"`
}

const motionFields = `id, number, body_id, mover_id, title, text, text_version, method, settings, petition, urgent, state, outcome, execution, cause, rule_id, again,
	roll_size, quorum_base, roll_hash, votes_count, result, statement, origin_kind, origin_id, created_at, published_at, called_at, opens_at, closes_at,
	counted_at, window_ends_at, in_force_at, review_at, reviewed_at, reminded_at, due_at, extended_at, secret, revision`

var (
	auditEvents = db.Def[record.Event](`SELECT seq, at, kind, body, prev, hash, subject, member, authority FROM record_events ORDER BY seq`)
	auditActs   = db.Def[auditedAct](`SELECT id, power, target_kind, target_id, args, inverse, member_id, via, authority_kind, authority_id, record_seq, at FROM acts ORDER BY record_seq`)
	auditVotes  = db.Def[auditedVote](`SELECT id, decision_id, member_id, choice, reason, version, at FROM decision_votes ORDER BY id`)
	auditRoll   = db.Def[auditedPair](`SELECT decision_id, member_id FROM decision_roll`)
	auditEffect = db.Def[auditedEffect](`SELECT decision_id, position, option, kind, args, base, inverse FROM decision_effects ORDER BY decision_id, position`)
	auditUrgent = db.Def[auditedEmergency](`SELECT act_id, due_at, ended_at, outcome, decision_id FROM emergencies ORDER BY act_id`)
	auditMotion = db.Def[decision.Motion](`SELECT ` + motionFields + ` FROM decisions ORDER BY id`)
)

// What the record says of things.
type (
	saidBody struct {
		Parent    id.ID      `json:"parent"`
		Handle    string     `json:"handle"`
		Domain    []string   `json:"domain"`
		Joining   string     `json:"joining"`
		Dissolved *time.Time `json:"dissolved"`
	}
	saidSeat struct {
		Body   id.ID      `json:"body"`
		Member id.ID      `json:"member"`
		From   time.Time  `json:"from"`
		Until  *time.Time `json:"until"`
	}
	saidMandate struct {
		Member   id.ID      `json:"member"`
		Body     id.ID      `json:"body"`
		Powers   []string   `json:"powers"`
		From     time.Time  `json:"from"`
		To       time.Time  `json:"to"`
		Source   string     `json:"source"`
		Accepted *time.Time `json:"accepted"`
		Ended    *time.Time `json:"ended"`
		EndedBy  string     `json:"ended_by"`
	}
	saidRule struct {
		Rule   rulebook.Rule `json:"rule"`
		Number int           `json:"number"`
		From   time.Time     `json:"from"`
		Until  *time.Time    `json:"until"`
	}
	saidDecision struct {
		Number    int64           `json:"number"`
		Body      id.ID           `json:"body"`
		Title     string          `json:"title"`
		Text      string          `json:"text"` // its hash
		Version   int             `json:"version"`
		Effects   json.RawMessage `json:"effects"`
		State     decision.State  `json:"state"`
		Outcome   string          `json:"outcome"`
		Execution string          `json:"execution"`
		Rule      id.ID           `json:"rule"`
		Roll      int             `json:"roll"`
		RollHash  string          `json:"roll_hash"`
		Opens     time.Time       `json:"opens"`
		Closes    time.Time       `json:"closes"`
		Window    time.Time       `json:"window"`
		InForce   time.Time       `json:"in_force"`
		Result    json.RawMessage `json:"result"`
	}
	saidEmergency struct {
		Due     time.Time  `json:"due"`
		Outcome string     `json:"outcome"`
		Ended   *time.Time `json:"ended"`
		Refused *time.Time `json:"refused"`
	}
	saidVote struct {
		Decision id.ID `json:"decision"`
		Member   id.ID `json:"member"`
		Version  int   `json:"version"`
	}
)

// membership is a member as the record goes.
type membership struct {
	member.PublicState
	since   time.Time // joined or taken back
	founder bool      // and never away
}

func (m *membership) good(at time.Time) bool {
	suspended := !m.Suspended.IsZero() && (m.SuspendedUntil.IsZero() || at.Before(m.SuspendedUntil))
	return m.Ended == "" && !suspended
}

// course is what the record has said of one decision so far.
type course struct {
	m       *decision.Motion
	effects []auditedEffect
	roll    []id.ID
	votes   []auditedVote

	called, opened, counted int // indexes of entries, -1 before
	atCall                  map[string]json.RawMessage
	eligible                map[id.ID]bool // on the day of the call
	executed, acts          int
	before                  map[string]json.RawMessage // states just before the first act of it
	cast                    map[id.ID]int              // how often
}

type entry struct {
	record.Event
	body record.Body
	ref  ref.Ref
}

type audit struct {
	h      *hall
	wrong  map[int][]string
	seen   map[string]int // how many of each were looked at, so that a blind check is noticed
	events []entry
	acts   map[int64]*auditedAct
	urgent map[id.ID]*auditedEmergency
	byID   map[id.ID]*auditedAct

	states  map[string]json.RawMessage
	members map[id.ID]*membership
	courses map[id.ID]*course
	veiled  map[int64]time.Time // acts of which the record keeps back what they did, since when
	fallen  map[id.ID]bool      // emergency acts that fell with what they stood on
	genesis time.Time
}

func (a *audit) fail(invariant int, format string, args ...any) {
	a.wrong[invariant] = append(a.wrong[invariant], fmt.Sprintf(format, args...))
}

// report tells what is wrong: of all invariants, or of those that are named.
func (a *audit) report(t reporter, only ...int) {
	t.Helper()
	for n := 1; n <= 13; n++ {
		for i, w := range a.wrong[n] {
			if (len(only) == 0 || slices.Contains(only, n)) && i < 5 {
				t.Errorf("invariant %d: %s", n, w)
			}
		}
	}
}

// audit walks the record and looks at the tables beside it.
func (h *hall) audit() *audit {
	h.t.Helper()
	a := &audit{h: h, wrong: map[int][]string{}, seen: map[string]int{}, acts: map[int64]*auditedAct{}, urgent: map[id.ID]*auditedEmergency{}, byID: map[id.ID]*auditedAct{},
		states: map[string]json.RawMessage{}, members: map[id.ID]*membership{}, courses: map[id.ID]*course{}, fallen: map[id.ID]bool{}, veiled: map[int64]time.Time{}}
	a.load()
	for i := range a.events {
		a.step(i)
	}
	a.finish()
	if _, err := h.record.Verify(h.ctx); err != nil {
		a.fail(10, "the record: %v", err)
	}
	return a
}

func all[T any](h *hall, q *db.Query[T]) []T {
	h.t.Helper()
	out, err := q.All(h.ctx, h.db)
	h.ok(err)
	return out
}

func (a *audit) load() {
	a.h.t.Helper()
	for _, e := range all(a.h, auditEvents) {
		b, err := e.Read()
		a.h.ok(err)
		a.events = append(a.events, entry{e, b, ref.Parse(b.Subject)})
	}
	a.genesis = a.events[0].At
	acts := all(a.h, auditActs)
	for i := range acts {
		a.acts[acts[i].Seq], a.byID[acts[i].ID] = &acts[i], &acts[i]
	}
	emergencies := all(a.h, auditUrgent)
	for i := range emergencies {
		a.urgent[emergencies[i].Act] = &emergencies[i]
	}
	list := all(a.h, auditMotion)
	for i := range list {
		a.courses[list[i].ID] = &course{m: &list[i], called: -1, opened: -1, counted: -1, cast: map[id.ID]int{}}
	}
	for _, e := range all(a.h, auditEffect) {
		c := a.courses[e.Decision]
		c.effects = append(c.effects, e)
	}
	for _, p := range all(a.h, auditRoll) {
		c := a.courses[p.Decision]
		c.roll = append(c.roll, p.Member)
	}
	for _, v := range all(a.h, auditVotes) {
		c := a.courses[v.Decision]
		c.votes = append(c.votes, v)
	}
}

// said reads the last state of a thing.
func said[T any](a *audit, kind string, i id.ID) (out T, ok bool) {
	b, ok := a.states[ref.Ref{Kind: kind, ID: i}.String()]
	if !ok {
		return out, false
	}
	if err := json.Unmarshal(b, &out); err != nil {
		a.fail(10, "the state of %s:%s cannot be read: %v", kind, i, err)
	}
	return out, true
}

// every calls f with the states of all things of a kind, in the order of their ids.
func every[T any](a *audit, kind string, f func(i id.ID, x T)) {
	var found []id.ID
	for name := range a.states {
		if r := ref.Parse(name); r.Kind == kind {
			found = append(found, r.ID)
		}
	}
	slices.Sort(found)
	for _, i := range found {
		if x, ok := said[T](a, kind, i); ok {
			f(i, x)
		}
	}
}

func covers(patterns []string, power string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		_, ok := rulebook.Covers(p, power)
		return ok
	})
}

func powerOf(name string) (authz.Power, bool) {
	powers := allPowers()
	i := slices.IndexFunc(powers, func(p authz.Power) bool { return p.Name == name })
	if i < 0 {
		return authz.Power{}, false
	}
	return powers[i], true
}

func (a *audit) within(body, above id.ID) bool {
	for range 50 {
		if body == above {
			return true
		}
		b, ok := said[saidBody](a, "body", body)
		if !ok || b.Parent == 0 {
			return false
		}
		body = b.Parent
	}
	return false
}

// step judges one entry by what was before it, and then takes in what it says.
func (a *audit) step(i int) {
	e := a.events[i]
	switch {
	case strings.HasPrefix(e.Kind, "act."):
		a.act(i)
	case e.ref.Kind == "decision" || strings.HasPrefix(e.Kind, "decision."):
		a.decision(i)
	case e.body.State != nil:
		a.change(i)
	}
	if e.body.State == nil || e.Subject == "" {
		return
	}
	if e.ref.Kind == "member" {
		a.member(e)
	}
	if e.ref.Kind == "mandate" {
		a.granted(i)
	}
	a.states[e.Subject] = e.body.State
}

func (a *audit) member(e entry) {
	m, known := a.members[e.ref.ID]
	if !known {
		m = &membership{founder: e.At.Equal(a.genesis)}
		a.members[e.ref.ID] = m
	}
	was := known && m.Ended == ""
	m.PublicState = member.PublicState{}
	if err := json.Unmarshal(e.body.State, &m.PublicState); err != nil {
		a.fail(10, "entry %d: %v", e.Seq, err)
	}
	if m.Ended == "" && !was {
		m.since = e.At
		m.founder = m.founder && !known
	}
}

// act judges an act: what it cites must have given this power to this actor for this target just then.
func (a *audit) act(i int) {
	e, power := a.events[i], strings.TrimPrefix(a.events[i].Kind, "act.")
	a.seen["act"]++
	x, ok := a.acts[e.Seq]
	if !ok {
		a.fail(1, "entry %d says %s, but there is no such act", e.Seq, e.Kind)
		return
	}
	a.seen["act by "+x.AuthorityKind]++
	target := ref.Ref{Kind: x.TargetKind, ID: x.TargetID}
	about := target.String()
	if e.body.Veiled { // what it is about is published later
		about, a.veiled[e.Seq] = "", e.At
		a.seen["veiled"]++
	}
	if e.Authority != (ref.Ref{Kind: x.AuthorityKind, ID: x.AuthorityID}).String() || x.Power != power || e.Subject != about {
		a.fail(1, "entry %d and its act %s differ", e.Seq, x.ID)
	}
	p, ok := powerOf(power)
	if !ok {
		a.fail(1, "entry %d: nobody knows the power %s", e.Seq, power)
	}
	wrong := ""
	switch authz.AuthorityKind(x.AuthorityKind) {
	case authz.Mandate:
		wrong = a.byMandate(x, p)
	case authz.Decision:
		wrong = a.byDecision(i, x)
	case authz.Emergency:
		wrong = a.byEmergency(x, p)
	case authz.Lapse:
		wrong = a.byLapse(x)
	case authz.Operate:
		if x.Via != string(authz.Operator) || p.Reserved {
			wrong = "the operator cannot do that"
		}
	default:
		wrong = "that is no authority"
	}
	if wrong != "" {
		a.fail(1, "entry %d, %s of %s by %s:%s: %s", e.Seq, power, target, x.AuthorityKind, x.AuthorityID, wrong)
	}
	if k := authz.AuthorityKind(x.AuthorityKind); k == authz.Operate || k == authz.Emergency {
		if a.urgent[x.ID] == nil {
			a.fail(9, "entry %d is an emergency act without an end", e.Seq)
		}
	} else if a.urgent[x.ID] != nil {
		a.fail(9, "entry %d is none of an emergency", e.Seq)
	}
	a.widened(e, x)
	a.undoable(e, x, p)
}

func (a *audit) byMandate(x *auditedAct, p authz.Power) string {
	m, ok := said[saidMandate](a, "mandate", x.AuthorityID)
	if !ok {
		return "there is no such mandate"
	}
	b, _ := said[saidBody](a, "body", m.Body)
	holder := a.members[x.Member]
	switch {
	case p.Reserved:
		return "only a decision can do that"
	case m.Member != x.Member:
		return "it is somebody else's"
	case x.At.Before(m.From) || !x.At.Before(m.To) || m.Ended != nil || m.Accepted == nil:
		return "it was not in force"
	case !slices.Contains(m.Powers, p.Name):
		return "it does not give this power"
	case b.Dissolved != nil || !covers(b.Domain, p.Name):
		return "that is outside the domain of its body"
	case holder == nil || !holder.good(x.At):
		return "its holder has no rights"
	case x.TargetKind == "body" && x.TargetID != 0 && !a.within(x.TargetID, m.Body):
		return "the target lies outside its body"
	}
	return ""
}

func (a *audit) byDecision(i int, x *auditedAct) string {
	c := a.courses[x.AuthorityID]
	d, ok := said[saidDecision](a, "decision", x.AuthorityID)
	if c == nil || !ok {
		return "there is no such decision"
	}
	if c.before == nil {
		c.before = clone(a.states)
	}
	lapse := a.lapses(i, x.AuthorityID)
	b, _ := said[saidBody](a, "body", d.Body)
	switch {
	case d.State != decision.InForce:
		return "it is " + string(d.State)
	case d.Execution != "" && !lapse:
		return "it was carried out before"
	case !covers(b.Domain, x.Power):
		return "that is outside the domain of the body that took it"
	}
	if !lapse {
		c.acts++
	}
	for _, f := range c.effects {
		s := effect.Stored{Kind: f.Kind, Args: json.RawMessage(f.Args)}
		if lapse {
			s = effect.Stored{}
			_ = json.Unmarshal([]byte(f.Inverse), &s) // "" is none
		}
		if s.Kind != x.Power || !lapse && !a.won(c, f) {
			continue
		}
		loaded, err := a.h.effects.Load(s)
		if err != nil {
			return err.Error()
		}
		to := loaded.Target()
		same := to == (authz.Target{Kind: x.TargetKind, ID: x.TargetID})
		if same || x.TargetKind == "rule" && to.Kind == "rulebook" || x.TargetKind == "member" && to.Kind == "application" {
			return ""
		}
	}
	return "it carries no such effect"
}

// lapses reports whether a decision is being undone at an entry, rather than carried out.
func (a *audit) lapses(i int, d id.ID) bool {
	for _, e := range a.events[i:] {
		if e.ref == (ref.Ref{Kind: "decision", ID: d}) {
			return e.Kind == "decision.rescinded"
		}
	}
	return false
}

func (a *audit) won(c *course, f auditedEffect) bool {
	if f.Option < 0 {
		return true
	}
	options, elected := c.m.Options(), c.m.Result().Elected
	return f.Option < len(options) && len(elected) > 0 && elected[0] == options[f.Option]
}

// widened refuses a body that has widened itself, and powers that came from nobody who had them.
func (a *audit) widened(e entry, x *auditedAct) {
	if e.ref.Kind != "body" || e.body.State == nil || x.Power != mandate.ChangeBody && x.Power != mandate.CreateBody {
		return
	}
	was, _ := said[saidBody](a, "body", e.ref.ID)
	a.given(e.Seq, x, a.domainOf(e), was.Domain, was.Dissolved != nil)
}

func (a *audit) domainOf(e entry) []string {
	var now saidBody
	if err := json.Unmarshal(e.body.State, &now); err != nil {
		a.fail(10, "entry %d: %v", e.Seq, err)
	}
	return now.Domain
}

// given compares the powers that an act hands on with those that its authority has.
func (a *audit) given(seq int64, x *auditedAct, after, before []string, again bool) {
	var has []string
	switch authz.AuthorityKind(x.AuthorityKind) {
	case authz.Decision:
		d, _ := said[saidDecision](a, "decision", x.AuthorityID)
		b, _ := said[saidBody](a, "body", d.Body)
		has = b.Domain
	case authz.Mandate:
		m, _ := said[saidMandate](a, "mandate", x.AuthorityID)
		b, _ := said[saidBody](a, "body", m.Body)
		for _, p := range m.Powers {
			if covers(b.Domain, p) {
				has = append(has, p)
			}
		}
	case authz.Lapse:
		return // puts back what was there
	}
	for _, p := range allPowers() {
		if covers(after, p.Name) && (again || !covers(before, p.Name)) && !covers(has, p.Name) {
			a.fail(7, "entry %d gives %s, which %s:%s does not have", seq, p.Name, x.AuthorityKind, x.AuthorityID)
		}
	}
}

// granted looks at a mandate when it is given.
func (a *audit) granted(i int) {
	e := a.events[i]
	if e.Kind != "mandate.given" {
		return
	}
	a.seen["mandate"]++
	var m saidMandate
	if err := json.Unmarshal(e.body.State, &m); err != nil {
		a.fail(10, "entry %d: %v", e.Seq, err)
	}
	b, _ := said[saidBody](a, "body", m.Body)
	if !m.To.After(m.From) || m.To.Sub(m.From) > mandate.MaxTerm {
		a.fail(7, "entry %d: a mandate from %s to %s", e.Seq, m.From, m.To)
	}
	for _, p := range m.Powers {
		if x, ok := powerOf(p); !ok || x.Reserved || !covers(b.Domain, p) {
			a.fail(7, "entry %d: a mandate with %s in a body with the domain %v", e.Seq, p, b.Domain)
		}
	}
	x := a.cause(i, mandate.Appoint)
	if x == nil {
		return // founding; change() looks at what else it could be
	}
	a.given(e.Seq, x, m.Powers, nil, true)
	if authz.AuthorityKind(x.AuthorityKind) == authz.Mandate {
		if of, _ := said[saidMandate](a, "mandate", x.AuthorityID); m.To.After(of.To) {
			a.fail(7, "entry %d: it outlives the mandate that gave it", e.Seq)
		}
	}
}

// cause is the act of a power that stands just before an entry, in the same transaction.
func (a *audit) cause(i int, power string) *auditedAct {
	for n := i - 1; n >= 0 && n >= i-3 && a.events[n].At.Equal(a.events[i].At); n-- {
		if a.events[n].Kind == "act."+power {
			return a.acts[a.events[n].Seq]
		}
	}
	return nil
}

// undoable asks each act for what undoes it.
func (a *audit) undoable(e entry, x *auditedAct, p authz.Power) {
	var undo effect.Stored
	_ = json.Unmarshal([]byte(x.Inverse), &undo) // of another form: none
	switch {
	case undo.Kind != "":
		if _, err := a.h.effects.Load(undo); err != nil {
			a.fail(8, "entry %d, %s: what undoes it cannot be read: %v", e.Seq, x.Power, err)
		}
		if p.Irreversible {
			a.fail(8, "entry %d: %s is said to be irreversible, and is not", e.Seq, x.Power)
		}
		a.seen["inverse"]++
	case p.Irreversible:
	default:
		a.fail(8, "entry %d: nothing undoes %s", e.Seq, x.Power)
	}
}

// change judges what changed without an act of its own: it must follow from one, or be one's own affair.
func (a *audit) change(i int) {
	e := a.events[i]
	a.seen["change"]++
	if e.At.Equal(a.genesis) && e.body.Authority == "genesis:0" {
		return
	}
	self := func(who id.ID) bool { return e.Member == (ref.Ref{Kind: "member", ID: who}).String() }
	ok := true
	switch e.Kind {
	case "body.formed":
		ok = a.cause(i, mandate.CreateBody) != nil
		if x := a.cause(i, mandate.CreateBody); x != nil {
			a.given(e.Seq, x, a.domainOf(e), nil, true)
		}
	case "mandate.given":
		ok = a.cause(i, mandate.Appoint) != nil
	case "mandate.recalled":
		ok = a.cause(i, mandate.Recall) != nil
	case "mandate.accepted", "mandate.resigned", "mandate.declined":
		m, _ := said[saidMandate](a, "mandate", e.ref.ID)
		ok = self(m.Member)
	case "mandate.ended":
		m, _ := said[saidMandate](a, "mandate", e.ref.ID)
		b, _ := said[saidBody](a, "body", m.Body)
		holder := a.members[m.Member]
		ok = e.body.Reason == mandate.TermOver && !e.At.Before(m.To) || holder != nil && holder.Ended != "" || b.Dissolved != nil || a.dissolves(i)
	case "seat.taken":
		var s saidSeat
		_ = json.Unmarshal(e.body.State, &s)
		b, _ := said[saidBody](a, "body", s.Body)
		ok = self(s.Member) && b.Joining == mandate.Open && b.Dissolved == nil
	case "seat.left":
		s, _ := said[saidSeat](a, "seat", e.ref.ID)
		ok = self(s.Member)
	case "seat.given":
		ok = a.cause(i, mandate.SeatMember) != nil
	case "seat.ended":
		s, _ := said[saidSeat](a, "seat", e.ref.ID)
		m := a.members[s.Member]
		ok = a.cause(i, mandate.SeatMember) != nil || m != nil && m.Ended != "" || a.dissolves(i)
	case "member.resigned":
		ok = self(e.ref.ID)
	case "member.erased":
		m := a.members[e.ref.ID]
		ok = self(e.ref.ID) && m.Ended != ""
	case "ballot.opened", "ballot.closed", "ballot.void": // with its motion, which is looked at on its own
	case "vote":
	case record.Published:
		ok = a.published(e)
	case "emergency.done", "emergency.moved", "emergency.refused", "emergency.ratified", "emergency.undone", "emergency.review":
		a.emergency(e)
	default:
		ok = false
	}
	if !ok {
		a.fail(1, "entry %d: %s changes %s, and nothing permits it", e.Seq, e.Kind, e.Subject)
	}
}

// dissolves reports whether the transaction of an entry goes on to dissolve a body.
func (a *audit) dissolves(i int) bool {
	for _, e := range a.events[i:] {
		if !e.At.Equal(a.events[i].At) {
			return false
		}
		if e.Kind == "act."+mandate.DissolveBody {
			return true
		}
	}
	return false
}

func clone(m map[string]json.RawMessage) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// The auditor must be able to find something: each tampering with the tables is found by the check that
// looks at such things.
func (h *hall) caught(t *testing.T, invariant int, what, query string, args ...any) {
	t.Helper()
	before := h.dump()
	h.exec(query, args...)
	if a := h.audit(); len(a.wrong[invariant]) == 0 {
		t.Errorf("%s: the auditor of invariant %d saw nothing; it found %v", what, invariant, a.wrong)
	}
	h.restore(before)
}
