package activitypub

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/activitystreams"
	"rochdale/internal/lib/httpsig"
	"rochdale/internal/social"
)

// patience is how long we try to reach a host before what waits for it is dropped.
const patience = 7 * 24 * time.Hour

// tell enqueues an activity for one account elsewhere; between two of ours, or two of others, there
// is nothing to tell.
func (s *Service) tell(ctx context.Context, tx *db.Tx, from, to *social.Account, a activitystreams.Activity) error {
	if !from.Local() || to.Local() {
		return nil
	}
	if hidden, err := s.Social.Hidden(ctx, tx, to); err != nil || hidden {
		return err
	}
	return s.enqueue(ctx, tx, from.ID, a, []string{to.Inbox})
}

// send enqueues an activity for whoever the visibility reaches, and some more accounts. Servers that
// share an inbox among their accounts get it once.
func (s *Service) send(ctx context.Context, tx *db.Tx, from *social.Account, a activitystreams.Activity, v social.Visibility, also []*social.Account) error {
	var inboxes []string
	if v != social.Direct {
		var err error
		if inboxes, err = s.Social.FollowerInboxes(ctx, tx, from.ID); err != nil {
			return err
		}
	}
	for _, to := range also {
		if to.Local() || !to.GoneAt.IsZero() {
			continue
		}
		if hidden, err := s.Social.Hidden(ctx, tx, to); err != nil {
			return err
		} else if hidden {
			continue
		}
		inbox := to.SharedInbox
		if inbox == "" {
			inbox = to.Inbox
		}
		if !slices.Contains(inboxes, inbox) {
			inboxes = append(inboxes, inbox)
		}
	}
	return s.enqueue(ctx, tx, from.ID, a, inboxes)
}

// parcel is one delivery in the form insertDeliveries reads.
type parcel struct {
	D     int64  `json:"d"`
	Host  string `json:"h"`
	Inbox string `json:"i"`
}

// enqueue stores an activity and one delivery for each inbox.
func (s *Service) enqueue(ctx context.Context, tx *db.Tx, account id.ID, a activitystreams.Activity, inboxes []string) error {
	var parcels []parcel
	for _, inbox := range inboxes {
		refused, err := s.refuses(ctx, inbox)
		if err != nil {
			return err
		}
		if host := hostOf(inbox); host != "" && !refused {
			parcels = append(parcels, parcel{D: int64(id.New(tx.Now())), Host: host, Inbox: inbox})
		}
	}
	if len(parcels) == 0 {
		return nil
	}
	body, err := activitystreams.Marshal(a)
	if err != nil {
		return err
	}
	list, err := json.Marshal(parcels)
	if err != nil {
		return err
	}
	out := id.New(tx.Now())
	if _, err := insertOutgoing.Run(ctx, tx, out, account, body, httpsig.Digest(body), tx.Now()); err != nil {
		return err
	}
	// The peers' rows come first: locked by us, they cannot be found idle before we commit.
	if _, err := wakePeers.Run(ctx, tx, string(list), tx.Now()); err != nil {
		return err
	}
	n, err := insertDeliveries.Run(ctx, tx, string(list), out, tx.Now(), tx.Now().Add(-patience))
	if err != nil {
		return err
	}
	if n == 0 { // all of them have been dead for long
		_, err = deleteHeard.Run(ctx, tx, out)
		return err
	}
	tx.AfterCommit(s.delivery.signal)
	return nil
}
