package notice_test

import (
	"context"
	"testing"

	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/media"
	"rochdale/internal/notice"
	"rochdale/internal/social"
)

func TestQueriesArePreparedOnBothEngines(t *testing.T) {
	t.Parallel()
	schema := []db.Source{media.Migrations(), social.Migrations(), notice.Migrations()}
	testkit.EachDB(t, schema, func(t *testing.T, d *db.DB, _ *clock.Fake) {
		if err := db.CheckRegistered(context.Background(), d); err != nil {
			t.Error(err)
		}
	})
}
