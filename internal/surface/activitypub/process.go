package activitypub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/social"
)

const (
	maxInHand  = 512              // activities taken from the queue and not done
	maxClaim   = 8                // of them, taken and applied together: whoever is accepting shares the writer
	workLease  = 15 * time.Minute // how long they are ours without news
	maxWaiting = 16               // actors whose activities wait for the network at once
	maxTries   = 7                // with growing waits: some nine hours
)

// lines keep the order of one actor's activities while one of them waits for the network: what comes
// after it stands in line behind it.
type lines struct {
	mu    sync.Mutex
	m     map[string][]queued
	count int
	busy  int
}

// join puts a row behind others of its actor; false if nobody of that actor waits.
func (l *lines) join(q queued) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest, waiting := l.m[q.ActorURI]
	if waiting {
		l.m[q.ActorURI] = append(rest, q)
		l.count++
	}
	return waiting
}

func (l *lines) open(q queued) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.m[q.ActorURI] = []queued{q}
	l.count++
	l.busy++
}

// next takes the first of a line; the line ends when nobody stands in it.
func (l *lines) next(actorURI string) (queued, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.m[actorURI]
	if len(rest) == 0 {
		delete(l.m, actorURI)
		l.busy--
		return queued{}, false
	}
	l.m[actorURI] = rest[1:]
	return rest[0], true
}

func (l *lines) done() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count--
}

func (l *lines) room() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy >= maxWaiting {
		return 0
	}
	return maxInHand - l.count
}

// job is one activity on its way.
type job struct {
	queued
	o     activitystreams.Object
	by    *social.Account // who did it
	note  *incoming       // the post it brings
	actor *actorUpdate    // the profile it brings
	post  string          // the id of a post it is about
	idle  bool            // there is nothing to do
	after func(context.Context) error
}

type actorUpdate struct {
	account social.Account
	keys    []activitystreams.Key
}

// processDue takes what waits in the inbox. What can be applied at once is, together in one
// transaction; what waits for another server does so in its own goroutine. It returns how many it took.
func (s *Service) processDue(ctx context.Context) (int, error) {
	room := min(s.lines.room(), maxClaim)
	if room <= 0 {
		return 0, nil
	}
	now := s.DB.Now()
	if _, some, err := anyInbox.Find(ctx, s.DB, now); err != nil || !some {
		return 0, err
	}
	var rows []queued
	err := s.DB.InTx(ctx, func(tx *db.Tx) (err error) {
		rows, err = claimInbox.All(ctx, tx, tx.Now(), tx.Now().Add(workLease), room, id.Node())
		return err
	})
	if err != nil {
		return 0, err
	}
	slices.SortFunc(rows, func(a, b queued) int { return cmp.Compare(a.ID, b.ID) })
	var ready []*job
	var waiting []string
	for _, q := range rows {
		if s.lines.join(q) {
			continue
		}
		j, err := s.prepare(ctx, q, false)
		switch {
		case errors.Is(err, errNetwork):
			s.lines.open(q)
			waiting = append(waiting, q.ActorURI)
		case err != nil && !errors.Is(err, errDrop):
			if err := s.fail(ctx, q, err); err != nil {
				s.Log.ErrorContext(ctx, "process activity", "actor", q.ActorURI, "error", err.Error())
			}
		default:
			ready = append(ready, j) // with nothing to do it is still to be removed
		}
	}
	err = s.applyAll(ctx, ready)
	for _, actorURI := range waiting { // after what came before
		s.work.jobs.Go(func() { s.walk(ctx, actorURI) })
	}
	return len(rows), err
}

// walk works through an actor's line, waiting for other servers where it must.
func (s *Service) walk(ctx context.Context, actorURI string) {
	for {
		q, ok := s.lines.next(actorURI)
		if !ok {
			s.work.signal() // there is room again
			return
		}
		err := errNetwork
		var j *job
		if !s.work.stopped() { // what is still in line at the end stays in the queue
			if j, err = s.prepare(ctx, q, true); err == nil || errors.Is(err, errDrop) {
				err = s.applyAll(ctx, []*job{j})
			} else {
				err = s.fail(ctx, q, err)
			}
		}
		if err != nil && !errors.Is(err, errNetwork) {
			s.Log.ErrorContext(ctx, "process activity", "actor", actorURI, "error", err.Error())
		}
		s.lines.done()
	}
}

// applyAll applies jobs in one transaction together with their removal from the queue; if one of them
// cannot be, each has its own.
func (s *Service) applyAll(ctx context.Context, jobs []*job) error {
	if len(jobs) == 0 {
		return nil
	}
	err := safely(func() error {
		return s.DB.InTx(ctx, func(tx *db.Tx) error {
			ids := make([]id.ID, len(jobs))
			for i, j := range jobs {
				ids[i] = j.ID
				if err := s.apply(ctx, tx, j); err != nil && !errors.Is(err, errDrop) {
					return err
				}
			}
			_, err := deleteInboxAll.Run(ctx, tx, ids)
			return err
		})
	})
	switch {
	case err == nil:
		for _, j := range jobs {
			if j.after != nil {
				if err := j.after(ctx); err != nil && !unreachable(err) && fault.Is(err, fault.Internal) {
					return err
				}
			}
		}
		return nil
	case len(jobs) == 1:
		return s.fail(ctx, jobs[0].queued, err)
	}
	for _, j := range jobs {
		if err := s.applyAll(ctx, []*job{j}); err != nil {
			return err
		}
	}
	return nil
}

// fail drops an activity that the rules of this place refuse, and keeps one that may do better later.
func (s *Service) fail(ctx context.Context, q queued, cause error) error {
	if errors.Is(cause, errPanic) {
		s.Log.ErrorContext(ctx, "activity dropped", "actor", q.ActorURI, "error", cause.Error(), "body", clip(string(q.Body), 4096))
		return s.DB.InTx(ctx, func(tx *db.Tx) error {
			_, err := deleteInbox.Run(ctx, tx, q.ID)
			return err
		})
	}
	refused := errors.Is(cause, errRefused) || errors.Is(cause, errGone) || unreachable(cause) && !errors.Is(cause, errSilent)
	if !refused && fault.KindOf(cause) == fault.Internal && q.Attempts+1 < maxTries && q.Type == typeActivity {
		if !errors.Is(cause, errSilent) {
			s.Log.WarnContext(ctx, "activity postponed", "actor", q.ActorURI, "attempt", q.Attempts+1, "error", cause.Error())
		}
		return s.DB.InTx(ctx, func(tx *db.Tx) error {
			_, err := postponeInbox.Run(ctx, tx, q.ID, tx.Now().Add(backoff(1+2*q.Attempts)))
			return err
		})
	}
	level := s.Log.InfoContext
	if refused || fault.KindOf(cause) != fault.Internal {
		level = s.Log.DebugContext
	}
	level(ctx, "activity dropped", "actor", q.ActorURI, "type", q.Type, "attempts", q.Attempts+1, "error", cause.Error())
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		_, err := deleteInbox.Run(ctx, tx, q.ID)
		return err
	})
}

// errNetwork says that another server must be asked first.
var errNetwork = errors.New("another server must be asked")

// prepare reads an activity and finds everything it needs. Without the network it answers errNetwork
// where it would have to ask; with it, what it fetches is stored in transactions of its own.
func (s *Service) prepare(ctx context.Context, q queued, network bool) (j *job, err error) {
	j = &job{queued: q}
	err = safely(func() error { return s.gather(ctx, j, network) })
	j.idle = errors.Is(err, errDrop)
	return j, err
}

func (s *Service) gather(ctx context.Context, j *job, network bool) error {
	q := j.queued
	if q.Type == typeThread {
		if !network {
			return errNetwork
		}
		return s.followThread(ctx, q)
	}
	var err error
	if j.o, err = activitystreams.Parse(q.Body); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	if refused, err := s.refuses(ctx, q.ActorURI); err != nil || refused {
		return orDrop(err)
	}
	j.by, err = s.Social.ByURI(ctx, s.DB, q.ActorURI)
	if fault.Is(err, fault.NotFound) || err == nil && !j.by.GoneAt.IsZero() {
		if j.o.Type.Is("Delete") {
			return errDrop
		}
		if !network {
			return errNetwork
		}
		j.by, err = s.fetchAccount(ctx, q.ActorURI)
	}
	if err != nil {
		return err
	}
	if j.by.Local() {
		return fmt.Errorf("%w: %s is ours", errRefused, j.by.URI)
	}
	if hidden, err := s.Social.Hidden(ctx, s.DB, j.by); err != nil || hidden {
		return orDrop(err)
	}
	switch {
	case j.o.Type.Is("Create", "Update"):
		return s.prepareNote(ctx, j, network)
	case j.o.Type.Is("Announce"):
		return s.prepareAnnounce(ctx, j, network)
	case j.o.Type.Is("Add"):
		return s.prepareFeatured(ctx, j, network)
	}
	return nil
}

func orDrop(err error) error {
	if err != nil {
		return err
	}
	return errDrop
}

// followThread fetches one post of a thread; storing it leaves a reminder for the next.
func (s *Service) followThread(ctx context.Context, q queued) error {
	var t thread
	if err := json.Unmarshal(q.Body, &t); err != nil {
		return err
	}
	_, err := s.obtain(ctx, t.URI, t.Left-1)
	return err
}

// prepareNote finds the post that a Create or Update brings.
func (s *Service) prepareNote(ctx context.Context, j *job, network bool) error {
	ref := j.o.Object.First()
	if ref.ID == "" {
		return errDrop
	}
	if ref.ID == j.by.URI { // a profile
		return s.prepareActor(ctx, j, ref.Object, network)
	}
	o := ref.Object
	if o != nil && !o.Type.Is(noteTypes...) {
		return errDrop
	}
	if o == nil || !activitystreams.SameOrigin(o.ID, j.by.URI) || o.AttributedTo.First().ID != j.by.URI {
		return s.prepareElsewhere(ctx, j, ref.ID, network)
	}
	in, err := s.read(ctx, s.DB, o, j.by)
	if err != nil {
		return err
	}
	ok, err := s.matters(ctx, s.DB, in)
	if err == nil && !ok && j.o.Type.Is("Update") { // one that is known is kept up to date
		if _, err = s.Social.PostByURI(ctx, s.DB, in.URI); err == nil {
			ok = true
		} else if fault.Is(err, fault.NotFound) {
			err = nil
		}
	}
	if err != nil {
		return err
	}
	if !ok {
		return errDrop
	}
	if err := s.prepareParent(ctx, in, network); err != nil {
		return err
	}
	j.note = &in
	return nil
}

// prepareParent fetches what a post answers, so that the answer goes to those who follow both. A
// parent that cannot be had does not hold the answer up.
func (s *Service) prepareParent(ctx context.Context, in incoming, network bool) error {
	if in.InReplyTo == "" || s.local(in.InReplyTo) || in.Visibility == social.Direct {
		return nil
	}
	_, err := s.Social.PostByURI(ctx, s.DB, in.InReplyTo)
	if err == nil || !fault.Is(err, fault.NotFound) {
		return err
	}
	if !network {
		return errNetwork
	}
	if s.silent.has(in.InReplyTo, s.DB.Now()) {
		return nil
	}
	if _, err := s.obtain(ctx, in.InReplyTo, maxThread-1); err != nil {
		if !unreachable(err) && !errors.Is(err, errRefused) && fault.KindOf(err) == fault.Internal {
			return err
		}
		now := s.DB.Now()
		s.silent.add(in.InReplyTo, now, now.Add(quiet))
	}
	return nil
}

// prepareElsewhere handles an activity that only names a post, or brings one that its actor cannot
// vouch for: the post is fetched from its own server, if anybody here has to do with the actor.
func (s *Service) prepareElsewhere(ctx context.Context, j *job, uri string, network bool) error {
	known, err := s.Social.PostByURI(ctx, s.DB, uri)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil && (known.Local || !j.o.Type.Is("Update")) {
		return errDrop
	}
	isKnown := err == nil
	concerned, err := s.Social.HasLocalFollowers(ctx, s.DB, j.by.ID)
	if err != nil {
		return err
	}
	if !isKnown && !concerned && !slices.ContainsFunc(j.o.Recipients(), func(to string) bool { return s.localName(to) != "" }) {
		return errDrop
	}
	if s.local(uri) {
		return errDrop
	}
	if !network {
		return errNetwork
	}
	o, err := s.get(ctx, uri)
	if err != nil {
		return err
	}
	_, err = s.store(ctx, &o, maxThread)
	if err != nil {
		return err
	}
	return errDrop // it is stored; the activity has no more to say
}

// prepareActor reads the profile that an Update brings. It came signed by the actor itself.
func (s *Service) prepareActor(ctx context.Context, j *job, o *activitystreams.Object, network bool) error {
	if o == nil || !j.o.Type.Is("Update") {
		return errDrop
	}
	a, err := s.accountOf(o)
	if err != nil {
		return err
	}
	if !strings.EqualFold(a.Username, j.by.Username) { // a new name must be found again under its domain
		if !network {
			return errNetwork
		}
		if _, err := s.saveAccount(ctx, o); err != nil {
			return err
		}
		return errDrop
	}
	a.Domain = j.by.Domain
	j.actor = &actorUpdate{a, o.Profile.Keys}
	return nil
}

// prepareAnnounce finds the boosted post: one of ours, or for an account that somebody here follows
// any post that can be had.
func (s *Service) prepareAnnounce(ctx context.Context, j *job, network bool) error {
	uri := j.o.Object.First().ID
	j.post = uri
	p, err := s.Social.PostByURI(ctx, s.DB, uri)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err == nil && p.Local {
		return nil
	}
	followed, e := s.Social.HasLocalFollowers(ctx, s.DB, j.by.ID)
	switch {
	case e != nil:
		return e
	case !followed:
		return errDrop
	case err == nil:
		return nil
	case s.local(uri) || uri == "":
		return errDrop
	case !network:
		return errNetwork
	}
	_, err = s.obtain(ctx, uri, maxThread)
	return err
}

// prepareFeatured pins a post of somebody who is followed here, in a transaction of its own.
func (s *Service) prepareFeatured(ctx context.Context, j *job, network bool) error {
	if j.by.Featured == "" || j.o.Target.ID != j.by.Featured {
		return errDrop
	}
	uri := j.o.Object.First().ID
	followed, err := s.Social.HasLocalFollowers(ctx, s.DB, j.by.ID)
	if err != nil {
		return err
	}
	if !followed || !activitystreams.SameOrigin(uri, j.by.URI) {
		return errDrop
	}
	if _, err = s.Social.PostByURI(ctx, s.DB, uri); fault.Is(err, fault.NotFound) && !network {
		return errNetwork
	} else if fault.Is(err, fault.NotFound) {
		_, err = s.obtain(ctx, uri, 0)
	}
	j.post = uri
	return err
}
