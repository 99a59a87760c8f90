package activitypub

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
)

// seenFor is how long the id of an accepted activity is remembered. It is longer than a signature is
// good for, so that nothing can be played back.
const seenFor = 7 * 24 * time.Hour

// typeThread marks a reminder of ours in the queue. Activities are queued as typeActivity, so nobody
// can send one.
const (
	typeActivity = "activity"
	typeThread   = "thread"
)

// nonsense is the answer to what is not an activity.
func nonsense(words string) error { return fault.New(fault.Invalid, "%s", words) }

// readActivity checks the form of an activity, before anything is asked of anybody.
func readActivity(body []byte) (activitystreams.Object, error) {
	o, err := activitystreams.Parse(body)
	if err != nil {
		return o, nonsense("the body is not an activity")
	}
	if o.Actor.ID == "" || len(o.Type) == 0 || len(o.Actor.ID) > 2048 || len(o.ID) > 2048 {
		return o, nonsense("the activity has no type or no actor")
	}
	if _, ok := activitystreams.Origin(o.Actor.ID); !ok {
		return o, nonsense("the actor is not an address")
	}
	if o.ID != "" && !activitystreams.SameOrigin(o.ID, o.Actor.ID) { // spec: fep-fe34
		return o, nonsense("the id of the activity is not of its actor's server")
	}
	return o, nil
}

// pointless reports whether an activity can be dropped before its signature is checked: a Delete by
// an actor we do not know, which every server sends to everybody when an account closes. Checking it
// would mean to fetch a key that is gone.
func (s *Service) pointless(ctx context.Context, o *activitystreams.Object) (bool, error) {
	if !o.Type.Is("Delete") {
		return false, nil
	}
	_, err := s.Social.ByURI(ctx, s.DB, o.Actor.ID)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	return false, err
}

// hashOf is what an activity is remembered by: its actor, so that nobody can use up another's ids, and
// its id, or its text where an id says too little: servers that make ids carelessly send an Update
// again in a new form under the same one.
func hashOf(o *activitystreams.Object, body []byte) int64 {
	h := sha256.New()
	_, _ = h.Write([]byte(o.Actor.ID + "\x00" + o.ID)) // a hash takes everything
	if o.ID == "" || o.Type.Is("Update") {
		_, _ = h.Write([]byte{0})
		_, _ = h.Write(body)
	}
	return int64(binary.BigEndian.Uint64(h.Sum(nil)))
}

// accept stores a verified activity. It returns when that is committed; one that was accepted before
// is fine as well.
func (s *Service) accept(ctx context.Context, o *activitystreams.Object, body []byte) error {
	hash := hashOf(o, body)
	if _, seen, err := getSeen.Find(ctx, s.DB, hash); err != nil || seen {
		return err
	}
	host := hostOf(o.Actor.ID)
	now := s.DB.Now()
	greet := s.greeted.add(host, now, now.Add(time.Minute))
	err := s.group.do(ctx, func(ctx context.Context, tx *db.Tx) error {
		if n, err := insertSeen.Run(ctx, tx, hash, tx.Now()); err != nil || n == 0 {
			return err
		}
		if _, err := insertInbox.Run(ctx, tx, id.New(tx.Now()), o.Actor.ID, typeActivity, body, tx.Now()); err != nil {
			return err
		}
		tx.AfterCommit(s.work.signal)
		if greet {
			return s.heardFrom(ctx, tx, host)
		}
		return nil
	})
	if err != nil && greet {
		s.greeted.drop(host)
	}
	return err
}

// errDrop ends an activity that changes nothing here. It is returned before anything was written.
var errDrop = errors.New("nothing to do")
