package jobs

import (
	"context"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"rochdale/internal/kit/db"
)

// Drain does all jobs that are due by the clock, here and one after another, and those that they enqueue, until none is left. It returns how many
// it did. The first error ends it and leaves that job in the queue. It is for tests, which thereby need neither a worker nor to wait, and for
// commands that must not end before their work has; no process may work on the same queue meanwhile.
func (q *Queue) Drain(ctx context.Context) (done int, err error) {
	for {
		due, err := q.due(ctx)
		if err != nil || len(due) == 0 {
			return done, err
		}
		for _, row := range due {
			w, ok := q.workers[row.Kind]
			if !ok {
				return done, fmt.Errorf("drain jobs: no such kind of job: %s", row.Kind)
			}
			job := &river.Job[payload]{JobRow: row, Args: payload{row.Kind, row.EncodedArgs}}
			if err := w.run(context.WithValue(ctx, runningKey{}, job), q, row.EncodedArgs); err != nil {
				return done, fmt.Errorf("job %s: %w", row.Kind, err)
			}
			// For HandleTx it is gone already.
			if err := q.db.InTx(ctx, func(tx *db.Tx) error { return remove(ctx, tx, row.ID) }); err != nil {
				return done, err
			}
			done++
		}
	}
}

func (q *Queue) due(ctx context.Context) ([]*rivertype.JobRow, error) {
	list, err := q.client.JobList(ctx, river.NewJobListParams().
		States(rivertype.JobStateAvailable, rivertype.JobStateScheduled, rivertype.JobStateRetryable).
		OrderBy(river.JobListOrderByID, river.SortOrderAsc).First(10_000))
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	var due []*rivertype.JobRow
	for _, j := range list.Jobs {
		if !j.ScheduledAt.After(q.clock.Now()) {
			due = append(due, j)
		}
	}
	return due, nil
}

func remove(ctx context.Context, tx *db.Tx, id int64) error {
	text := `DELETE FROM river_job WHERE id = ?1`
	if tx.Dialect() == db.Postgres {
		text = `DELETE FROM river_job WHERE id = $1`
	}
	if _, err := tx.SQL().ExecContext(ctx, text, id); err != nil {
		return fmt.Errorf("remove job: %w", err)
	}
	return nil
}
