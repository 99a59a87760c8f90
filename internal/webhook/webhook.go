package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/ref"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "webhook", Files: migrations} }

// Manage is the power over who is told of events.
const Manage = "webhook.manage"

// Powers are the powers of this feature.
func Powers() []authz.Power {
	// What a program was told cannot be taken back, and a removal forgets the address and the secret, which
	// nobody should keep: so nothing undoes these acts. They are looked at where others would be undone.
	return []authz.Power{{Name: Manage, What: i18n.Key("Send events to other programs"), Irreversible: true}}
}

// The events that a program can be told of. Test is what a holder of the power sends by hand.
const (
	DecisionPublished = "decision.published"
	DecisionOpened    = "decision.opened"
	DecisionCounted   = "decision.counted"
	DecisionChanged   = "decision.changed"
	MemberJoined      = "member.joined"
	MemberEnded       = "member.ended"
	MemberSuspended   = "member.suspended"
	MemberRestored    = "member.restored"
	MemberReinstated  = "member.reinstated"
	Test              = "webhook.test"
)

// Event is a kind of event, with words for a person.
type Event struct{ Name, What string }

// Events are all that can be chosen.
var Events = []Event{
	{DecisionPublished, i18n.Key("A motion was published")},
	{DecisionOpened, i18n.Key("Voting opened")},
	{DecisionCounted, i18n.Key("Votes were counted")},
	{DecisionChanged, i18n.Key("A motion took any other step: called, in force, carried out, withdrawn, rescinded")},
	{MemberJoined, i18n.Key("Somebody became a member")},
	{MemberEnded, i18n.Key("A membership ended")},
	{MemberSuspended, i18n.Key("The rights of a member were suspended")},
	{MemberRestored, i18n.Key("The rights of a member were given back")},
	{MemberReinstated, i18n.Key("A former member came back")},
}

// Decision is what is told of a motion.
type Decision struct {
	Number    int64     `json:"number"`
	Title     string    `json:"title"`
	URL       string    `json:"url"`
	Body      string    `json:"body"` // short name of the body that decides
	State     string    `json:"state"`
	Outcome   string    `json:"outcome,omitempty"`
	Execution string    `json:"execution,omitempty"`
	Opens     time.Time `json:"opens,omitzero"`
	Closes    time.Time `json:"closes,omitzero"`
}

// Member is what is told of a membership: the register's public facts without the name, which a member
// can have deleted here and not elsewhere.
type Member struct {
	Number int64     `json:"number"`
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`
	Ended  string    `json:"ended,omitempty"` // how
}

// Bounds.
const (
	maxHooks = 20
	maxURL   = 500

	// A hook is turned off after so many failures in a row, the first of them at least so long ago: a
	// receiver that is down for a minute in a busy hour is not given up.
	mostFailures = 20
	failingFor   = time.Hour

	tries   = 16 // about two days
	keepFor = 30 * 24 * time.Hour
)

// Hook is a program that is told of events.
type Hook struct {
	ID           id.ID     `db:"id"`
	URL          string    `db:"url"`
	Secret       string    `db:"secret"`
	EventsJSON   string    `db:"events"`
	CreatedBy    id.ID     `db:"created_by"`
	CreatedAt    time.Time `db:"created_at"`
	DisabledAt   time.Time `db:"disabled_at"`
	Failures     int       `db:"failures"`
	FailingSince time.Time `db:"failing_since"`
}

// Events are what the program is told of.
func (h *Hook) Events() []string {
	var out []string
	_ = json.Unmarshal([]byte(h.EventsJSON), &out) // written by us
	return out
}

// Host is the name of the program's server: the address may hold a secret, its host is public.
func (h *Hook) Host() string { return hostOf(h.URL) }

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// state is what the record keeps of a hook.
type state struct {
	Host   string          `json:"host"`
	Events json.RawMessage `json:"events"`
}

func (h *Hook) state() state { return state{h.Host(), json.RawMessage(h.EventsJSON)} }

var gone = json.RawMessage(`"gone"`) // record.Gone

// Delivery is one event on its way to one program, or the remark that a program was turned off.
type Delivery struct {
	ID        id.ID     `db:"id"`
	Hook      id.ID     `db:"webhook_id"`
	URL       string    `db:"url"`
	Event     string    `db:"event"`
	Body      string    `db:"body"`
	CreatedAt time.Time `db:"created_at"`
	Tries     int       `db:"tries"`
	TriedAt   time.Time `db:"tried_at"`
	Status    int       `db:"status"`
	Problem   string    `db:"problem"`
	DoneAt    time.Time `db:"done_at"`
}

// Host is where it goes.
func (d *Delivery) Host() string { return hostOf(d.URL) }

// Delivered reports whether the receiver has taken it.
func (d *Delivery) Delivered() bool { return !d.DoneAt.IsZero() && d.Problem == "" }

// Service keeps the hooks.
type Service struct {
	db     *db.DB
	judge  authz.Judge
	client *outbound.Client

	// Enqueue asks for Deliver to be called with the job, again and again until it returns nil; app
	// connects the queue.
	Enqueue func(ctx context.Context, tx *db.Tx, job Job) error
	// PlainHTTP lets addresses begin with http: for labs only.
	PlainHTTP bool
}

// New makes the service. The client should sign nothing: a delivery has a signature of its own.
func New(d *db.DB, judge authz.Judge, client *outbound.Client) *Service {
	return &Service{db: d, judge: judge, client: client}
}

// Draft is a hook to be added.
type Draft struct {
	URL    string
	Events []string
}

func (s *Service) check(d *Draft) error {
	d.URL = strings.TrimSpace(d.URL)
	u, err := url.Parse(d.URL)
	switch {
	case err != nil || u.Host == "" || len(d.URL) > maxURL || u.User != nil || u.Fragment != "":
		return fault.Field("url", "Write the whole address to which events are sent, such as https://example.org/hook.")
	case u.Scheme != "https" && (u.Scheme != "http" || !s.PlainHTTP):
		return fault.Field("url", "The address begins with https.")
	case len(d.Events) == 0:
		return fault.Field("events", "Choose at least one event.")
	}
	for _, e := range d.Events {
		if !known(e) {
			return fault.Field("events", "There is no event called %q.", e)
		}
	}
	slices.Sort(d.Events)
	d.Events = slices.Compact(d.Events)
	return nil
}

func known(event string) bool {
	return slices.ContainsFunc(Events, func(e Event) bool { return e.Name == event })
}

// Add lets a program be told of events: an act of the power webhook.manage. The record says which
// server, not the whole address. The hook carries the secret that the receiver needs.
func (s *Service) Add(ctx context.Context, by authz.Actor, d Draft, reason string) (Hook, error) {
	if err := s.check(&d); err != nil {
		return Hook{}, err
	}
	events, err := json.Marshal(d.Events)
	if err != nil {
		return Hook{}, fmt.Errorf("add webhook: %w", err)
	}
	var h Hook
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		h = Hook{ID: id.New(tx.Now()), URL: d.URL, Secret: newSecret(), EventsJSON: string(events), CreatedBy: by.Member, CreatedAt: tx.Now()}
		if _, err := s.perform(ctx, tx, by, &h, "added", reason, h.state()); err != nil {
			return err
		}
		if n, err := countHooks.One(ctx, tx); err != nil {
			return err
		} else if n >= maxHooks {
			return fault.New(fault.Conflict, "%d programs are told of events already; remove one first.", n)
		}
		_, err := insertHook.Run(ctx, tx, h.ID, h.URL, h.Secret, h.EventsJSON, h.CreatedBy, h.CreatedAt)
		return err
	})
	return h, err
}

func (s *Service) perform(ctx context.Context, tx *db.Tx, by authz.Actor, h *Hook, change, reason string, state any) (authz.Authority, error) {
	return s.judge.Perform(ctx, tx, by, authz.Act{Power: Manage, Target: authz.Target{Kind: "webhook", ID: h.ID}, Reason: strings.TrimSpace(reason),
		Args:    map[string]any{"change": change, "host": h.Host(), "events": json.RawMessage(h.EventsJSON)},
		Private: map[string]string{"url": h.URL}, State: state})
}

// newSecret makes the key of the signatures, in the form of Standard Webhooks.
func newSecret() string {
	var key [32]byte
	_, _ = rand.Read(key[:]) // it never fails
	return "whsec_" + base64.StdEncoding.EncodeToString(key[:])
}

// Remove stops the telling and forgets what was told: an act of the power webhook.manage.
func (s *Service) Remove(ctx context.Context, by authz.Actor, hook id.ID, reason string) error {
	return s.on(ctx, by, hook, func(tx *db.Tx, h *Hook) error {
		if _, err := s.perform(ctx, tx, by, h, "removed", reason, gone); err != nil {
			return err
		}
		_, err := deleteHook.Run(ctx, tx, hook)
		return err
	})
}

// Enable turns on again what was turned off: an act of the power webhook.manage.
func (s *Service) Enable(ctx context.Context, by authz.Actor, hook id.ID, reason string) error {
	return s.on(ctx, by, hook, func(tx *db.Tx, h *Hook) error {
		if _, err := s.perform(ctx, tx, by, h, "enabled", reason, h.state()); err != nil {
			return err
		}
		n, err := enableHook.Run(ctx, tx, hook)
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "This program is told of events already.")
		}
		return err
	})
}

// Try sends an event that means nothing, so that a receiver can be tried out. It changes nothing.
func (s *Service) Try(ctx context.Context, by authz.Actor, hook id.ID) error {
	return s.on(ctx, by, hook, func(tx *db.Tx, h *Hook) error {
		if !h.DisabledAt.IsZero() {
			return fault.New(fault.Conflict, "This program is turned off.")
		}
		return s.send(ctx, tx, []Hook{*h}, Test, struct{}{})
	})
}

// on authorises before it tells whether there is such a hook.
func (s *Service) on(ctx context.Context, by authz.Actor, hook id.ID, f func(tx *db.Tx, h *Hook) error) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		if _, err := s.judge.Authorise(ctx, tx, by, Manage, authz.Target{Kind: "webhook", ID: hook}); err != nil {
			return err
		}
		h, ok, err := getHook.Find(ctx, tx, hook)
		if err == nil && !ok {
			err = fault.New(fault.NotFound, "There is no such program.")
		}
		if err != nil {
			return err
		}
		return f(tx, &h)
	})
}

// List is all programs that are told of events, with their secrets: for holders of the power.
func (s *Service) List(ctx context.Context, by authz.Actor) ([]Hook, error) {
	if _, err := s.judge.Authorise(ctx, s.db, by, Manage, authz.Target{Kind: "webhook"}); err != nil {
		return nil, err
	}
	return listHooks.All(ctx, s.db)
}

// Deliveries are the last ones, the newest first: for holders of the power.
func (s *Service) Deliveries(ctx context.Context, by authz.Actor, limit int) ([]Delivery, error) {
	if _, err := s.judge.Authorise(ctx, s.db, by, Manage, authz.Target{Kind: "webhook"}); err != nil {
		return nil, err
	}
	return lastDeliveries.All(ctx, s.db, limit)
}

// States are the hooks as the record should have them.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	all, err := listHooks.All(ctx, h)
	out := make(map[ref.Ref]any, len(all))
	for _, x := range all {
		out[ref.Ref{Kind: "webhook", ID: x.ID}] = x.state()
	}
	return out, err
}

// On tells of an event, in the transaction in which it happens. The payload becomes JSON and must hold
// public facts only.
func (s *Service) On(ctx context.Context, tx *db.Tx, event string, payload any) error {
	if !known(event) {
		return fmt.Errorf("tell of event: there is none called %q", event)
	}
	all, err := listHooks.All(ctx, tx)
	if err != nil {
		return err
	}
	return s.send(ctx, tx, slices.DeleteFunc(all, func(h Hook) bool { return !h.DisabledAt.IsZero() || !slices.Contains(h.Events(), event) }), event, payload)
}

// send makes a delivery for each hook, whose bytes stay the same at every try.
// spec: standardwebhooks/1.0#payload-structure
func (s *Service) send(ctx context.Context, tx *db.Tx, to []Hook, event string, payload any) error {
	if len(to) == 0 {
		return nil
	}
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{event, tx.Now().UTC(), payload})
	if err != nil {
		return fmt.Errorf("tell of %s: %w", event, err)
	}
	if s.Enqueue == nil {
		return errors.New("tell of event: there is no queue")
	}
	for _, h := range to {
		delivery := id.New(tx.Now())
		if _, err := insertDelivery.Run(ctx, tx, delivery, h.ID, event, string(body), tx.Now()); err != nil {
			return err
		}
		if err := s.Enqueue(ctx, tx, Job{delivery}); err != nil {
			return err
		}
	}
	return nil
}

// Sign is the signature of a message: the version and HMAC-SHA256 of id, Unix seconds and body, joined
// by dots, in base64.
// spec: standardwebhooks/1.0#signature-scheme
func Sign(secret, message string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return "", fmt.Errorf("sign webhook: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}
