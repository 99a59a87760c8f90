package media

import (
	"context"
	"errors"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
)

const (
	keepLoose  = 24 * time.Hour      // uploads without a post, and files whose post is gone
	keepCached = 30 * 24 * time.Hour // remote pictures; they are fetched again when somebody looks
	sweepAt    = 200                 // files in one go, so that writers never wait long
)

// Sweep removes what nobody needs: uploads that were never posted, files of deleted posts, replaced
// avatars, and remote pictures that have been in our cache for a month. Files go before their rows,
// so that whatever is interrupted is done again.
func (s *Service) Sweep(ctx context.Context) error {
	for _, step := range []func(context.Context) (int, error){s.sweepLoose, s.sweepCached, s.sweepPictures, s.sweepReplaced} {
		for {
			n, err := step(ctx)
			if err != nil {
				return err
			}
			if n < sweepAt {
				break
			}
		}
	}
	return nil
}

func (s *Service) sweepLoose(ctx context.Context) (int, error) {
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		_, err := markLoose.Run(ctx, tx, tx.Now().Add(-keepLoose), sweepAt)
		return err
	})
	if err != nil {
		return 0, err
	}
	return s.sweepAttachments(ctx, deleteAttachment, func() ([]Attachment, error) { return listMarked.All(ctx, s.db, sweepAt) })
}

func (s *Service) sweepCached(ctx context.Context) (int, error) {
	return s.sweepAttachments(ctx, forget, func() ([]Attachment, error) {
		return listStale.All(ctx, s.db, s.db.Now().Add(-keepCached), sweepAt)
	})
}

func (s *Service) sweepAttachments(ctx context.Context, end *db.Statement, list func() ([]Attachment, error)) (int, error) {
	found, err := list()
	if err != nil || len(found) == 0 {
		return 0, err
	}
	ids := make([]id.ID, len(found))
	for n, a := range found {
		if err := s.drop(ctx, a.BlobKey, a.PreviewKey); err != nil {
			return 0, err
		}
		ids[n] = a.ID
	}
	return len(ids), s.db.InTx(ctx, func(tx *db.Tx) error {
		for _, i := range ids {
			if _, err := end.Run(ctx, tx, i); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) sweepPictures(ctx context.Context) (int, error) {
	found, err := listStalePictures.All(ctx, s.db, s.db.Now().Add(-keepCached), sweepAt)
	if err != nil {
		return 0, err
	}
	for _, p := range found {
		if err := s.drop(ctx, p.BlobKey); err != nil {
			return 0, err
		}
	}
	return len(found), s.db.InTx(ctx, func(tx *db.Tx) error {
		for _, p := range found {
			if _, err := deleteRemotePicture.Run(ctx, tx, p.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) sweepReplaced(ctx context.Context) (int, error) {
	keys, err := listReplaced.All(ctx, s.db, s.db.Now().Add(-keepLoose), sweepAt)
	if err != nil {
		return 0, err
	}
	if err := s.drop(ctx, keys...); err != nil {
		return 0, err
	}
	return len(keys), s.db.InTx(ctx, func(tx *db.Tx) error {
		for _, k := range keys {
			if _, err := deleteProfilePicture.Run(ctx, tx, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) drop(ctx context.Context, keys ...string) error {
	var errs []error
	for _, k := range keys {
		if k != "" {
			errs = append(errs, s.store.Delete(ctx, k))
		}
	}
	return errors.Join(errs...)
}
