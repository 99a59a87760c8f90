package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/riverqueue/river/rivertype"
)

// Stat counts the jobs of one kind by state.
type Stat struct {
	Kind      string
	Waiting   int64 // could run now
	Scheduled int64 // for later
	Retrying  int64 // failed, will run again
	Running   int64
	Done      int64 // in the last hour
	Failed    int64 // in the last 30 days, and will not run again
}

// Stats counts all jobs, by kind in alphabetical order. It reads the whole table: for the operator's metrics, not for pages.
func (q *Queue) Stats(ctx context.Context) (out []Stat, err error) {
	rows, err := q.db.Reader().QueryContext(ctx, `SELECT kind, CAST(state AS TEXT), COUNT(*) FROM river_job GROUP BY kind, state ORDER BY kind`)
	if err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kind, state string
		var n int64
		if err := rows.Scan(&kind, &state, &n); err != nil {
			return nil, fmt.Errorf("count jobs: %w", err)
		}
		if len(out) == 0 || out[len(out)-1].Kind != kind {
			out = append(out, Stat{Kind: kind})
		}
		s := &out[len(out)-1]
		switch rivertype.JobState(state) {
		case rivertype.JobStateAvailable:
			s.Waiting += n
		case rivertype.JobStateScheduled, rivertype.JobStatePending:
			s.Scheduled += n
		case rivertype.JobStateRetryable:
			s.Retrying += n
		case rivertype.JobStateRunning:
			s.Running += n
		case rivertype.JobStateCompleted:
			s.Done += n
		case rivertype.JobStateCancelled, rivertype.JobStateDiscarded:
			s.Failed += n
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count jobs: %w", err)
	}
	return out, nil
}
