package witness

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/outbound"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
	"rochdale/internal/record"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this feature.
func Migrations() db.Source { return db.Source{Feature: "witness", Files: migrations} }

// The powers over agreements with other co-ops. Decisions alone have them.
const (
	Serve   = "witness.serve"
	Cease   = "witness.cease"
	Engage  = "witness.engage"
	Dismiss = "witness.dismiss"
)

// Powers are the powers of this feature.
func Powers() []authz.Power {
	return []authz.Power{
		{Name: Serve, What: i18n.Key("Witness the secret votes of another co-op"), Reserved: true},
		{Name: Cease, What: i18n.Key("Stop witnessing the secret votes of another co-op"), Reserved: true},
		{Name: Engage, What: i18n.Key("Ask another co-op to witness our secret votes"), Reserved: true},
		{Name: Dismiss, What: i18n.Key("Ask a co-op no more to witness our secret votes"), Reserved: true},
	}
}

// Deps are what the service is made from.
type Deps struct {
	DB      *db.DB
	Record  *record.Service
	Mandate authz.Judge
	Client  *outbound.Client // signs nothing: our requests have a signature of their own
	Host    string           // ours, as other co-ops write it
	URL     string           // of our site: "https://coop.example"
}

// Service keeps agreements, the votes of others that we witness, and what others witness of ours.
type Service struct {
	db     *db.DB
	record *record.Service
	judge  authz.Judge
	client *outbound.Client
	host   string
	url    string

	// Enqueue asks for a job of Workers to be done once the transaction is committed; app connects the queue.
	Enqueue func(ctx context.Context, tx *db.Tx, kind string, args any) error
	// Mail sends a letter once the transaction is committed; app connects it.
	Mail func(ctx context.Context, tx *db.Tx, to, subject, text string) error
	// PlainHTTP speaks http with other co-ops in place of https: for labs only.
	PlainHTTP bool
}

// New makes the service.
func New(d Deps) *Service {
	return &Service{db: d.DB, record: d.Record, judge: d.Mandate, client: d.Client, host: strings.ToLower(d.Host), url: strings.TrimSuffix(d.URL, "/")}
}

// Agreement is with a co-op for which we witness.
type Agreement struct {
	ID      id.ID     `db:"id"`
	Host    string    `db:"host"`
	KeyText string    `db:"key"` // Ed25519, base64url
	Since   time.Time `db:"since"`
	EndedAt time.Time `db:"ended_at"`
}

// key is what the co-op signs its requests with.
func (a *Agreement) key() (ed25519.PublicKey, error) { return parseKey(a.KeyText) }

// Engagement is of the co-op that witnesses for us.
type Engagement struct {
	ID      id.ID     `db:"id"`
	Host    string    `db:"host"`
	Since   time.Time `db:"since"`
	EndedAt time.Time `db:"ended_at"`
}

// agreed is what the record carries of either.
type agreed struct {
	Side  string `json:"side"` // serving, engaged
	Host  string `json:"host"`
	Key   string `json:"key,omitempty"`
	Ended bool   `json:"ended,omitempty"`
}

func (a *Agreement) state() agreed  { return agreed{"serving", a.Host, a.KeyText, !a.EndedAt.IsZero()} }
func (e *Engagement) state() agreed { return agreed{"engaged", e.Host, "", !e.EndedAt.IsZero()} }

// States are agreements and the opened votes of others as the record should have them.
func (s *Service) States(ctx context.Context, h db.Handle) (map[ref.Ref]any, error) {
	out := map[ref.Ref]any{}
	served, err := listServed.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for i := range served {
		out[about(served[i].ID)] = served[i].state()
	}
	engaged, err := listEngaged.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for i := range engaged {
		out[about(engaged[i].ID)] = engaged[i].state()
	}
	votes, err := listVotes.All(ctx, h)
	if err != nil {
		return nil, err
	}
	for i := range votes {
		if votes[i].OpenedAt.IsZero() {
			continue // the record has not heard of it
		}
		if out[about(votes[i].ID)], err = s.stateOf(ctx, h, &votes[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func about(i id.ID) ref.Ref { return ref.Ref{Kind: "witness", ID: i} }

// Target is the title and address of what an entry of the record with the subject witness:i is about.
func (s *Service) Target(ctx context.Context, h db.Handle, i id.ID) (ref.Target, error) {
	v, ok, err := getVote.Find(ctx, h, i)
	if err != nil {
		return ref.Target{}, err
	}
	if ok {
		return ref.Target{Title: v.Title, URL: path(v.ID)}, nil
	}
	a, ok, err := getServed.Find(ctx, h, i)
	if err != nil {
		return ref.Target{}, err
	}
	if ok {
		return ref.Target{Title: a.Host, URL: "/witness"}, nil
	}
	engaged, err := listEngaged.All(ctx, h)
	for _, e := range engaged {
		if e.ID == i {
			return ref.Target{Title: e.Host, URL: "/witness"}, err
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "There is no such agreement.")
	}
	return ref.Target{}, err
}

// Ours is the host of the co-op that witnesses for us now, if one does.
func (s *Service) Ours(ctx context.Context, h db.Handle) (host string, ok bool, err error) {
	e, ok, err := getEngaged.Find(ctx, h)
	return e.Host, ok, err
}

// Key is our witness key: what a co-op that witnesses for us enters in its decision. It is made at first
// need and stays.
func (s *Service) Key(ctx context.Context) (ballotbox.Base64, error) {
	pair, err := s.pair(ctx)
	if err != nil {
		return nil, err
	}
	public, _ := pair.Public().(ed25519.PublicKey)
	return ballotbox.Base64(public), nil
}

func (s *Service) pair(ctx context.Context) (ed25519.PrivateKey, error) {
	text, ok, err := getSelf.Find(ctx, s.db)
	if err != nil {
		return nil, err
	}
	if !ok {
		var seed [ed25519.SeedSize]byte
		_, _ = rand.Read(seed[:]) // it never fails
		if err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
			if _, err := insertSelf.Run(ctx, tx, base64.RawURLEncoding.EncodeToString(seed[:])); err != nil {
				return err
			}
			text, err = getSelf.One(ctx, tx) // another process may have been faster
			return err
		}); err != nil {
			return nil, err
		}
	}
	seed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("read witness key: it is damaged")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func parseKey(text string) (ed25519.PublicKey, error) {
	var b ballotbox.Base64
	if err := b.UnmarshalText([]byte(text)); err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fault.Field("key", "A witness key is 43 letters and digits long: copy it from the page /witness of the other co-op.")
	}
	return ed25519.PublicKey(b), nil
}

// hostName is a name, or an address in labs, with a port where it is not the usual one.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*(:[1-9][0-9]{0,4})?$`)

// readHost reads the host of another co-op as a person may write it.
func (s *Service) readHost(text string) (string, error) {
	host := strings.ToLower(strings.TrimSpace(text))
	host = strings.TrimSuffix(strings.TrimPrefix(host, "https://"), "/")
	name, _, _ := strings.Cut(host, ":")
	switch _, err := netip.ParseAddr(name); {
	case len(host) > 253 || !hostName.MatchString(host) || !s.PlainHTTP && (err == nil || !strings.Contains(name, ".")):
		return "", fault.Field("host", "Write the host of the other co-op, such as coop.example.")
	case host == s.host:
		return "", fault.Field("host", "A co-op cannot be its own witness.")
	}
	return host, nil
}

// base is the beginning of all addresses of another co-op.
func (s *Service) base(host string) string {
	if s.PlainHTTP {
		return "http://" + host
	}
	return "https://" + host
}

// path is the address of a vote's page.
func path(vote id.ID) string { return "/witness/votes/" + vote.String() }
