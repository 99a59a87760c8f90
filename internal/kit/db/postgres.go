package db

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
)

// openPostgres is the one place that knows the PostgreSQL driver. Queries go through database/sql so
// that both engines share one transaction type; the pool underneath also serves LISTEN.
func (d *DB) openPostgres(ctx context.Context, dsn string) error {
	d.dialect = Postgres
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("read database address: %w", err)
	}
	if cfg.MaxConns < 8 {
		cfg.MaxConns = int32(max(8, 4*runtime.GOMAXPROCS(0)))
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	d.pool = pool
	d.writer = stdlib.OpenDBFromPool(pool)
	d.reader = d.writer
	return nil
}

func postgresKind(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return nil
	}
	switch pg.Code {
	case "23505":
		return ErrExists
	case "23503":
		return ErrMissing
	case "40001", "40P01":
		return ErrRetry
	}
	return nil
}
