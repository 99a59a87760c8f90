package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing/fstest"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// Source is one feature's folder of migrations: files named YYYYMMDDHHMM_name.sql in portable SQL, or
// twins name.sqlite.sql and name.postgres.sql where the engines must differ.
type Source struct {
	Feature string
	Files   fs.FS // nil if the feature has no tables
}

// Migrate brings the schema up to date. Migrations of all features are merged and run in the order
// of their times; there is no way down, a backup is the way back.
func (d *DB) Migrate(ctx context.Context, sources []Source) error {
	merged, err := merge(d.dialect, sources)
	if err != nil {
		return err
	}
	dialect := map[Dialect]goose.Dialect{SQLite: goose.DialectSQLite3, Postgres: goose.DialectPostgres}[d.dialect]
	store, err := database.NewStore(dialect, "schema_migrations")
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectCustom, d.writer, merged, goose.WithStore(store),
		goose.WithDisableGlobalRegistry(true), goose.WithAllowOutofOrder(true))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// merge picks the files of one engine out of every feature's folder.
func merge(d Dialect, sources []Source) (fs.FS, error) {
	out := fstest.MapFS{}
	for _, src := range sources {
		if src.Files == nil {
			continue
		}
		err := fs.WalkDir(src.Files, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(name, ".sql") {
				return err
			}
			base := path.Base(name)
			stem := strings.TrimSuffix(base, ".sql")
			if engine := strings.TrimPrefix(path.Ext(stem), "."); engine != "" {
				if engine != d.String() {
					return nil
				}
				base = strings.TrimSuffix(stem, "."+engine) + ".sql"
			}
			if _, twice := out[base]; twice {
				return fmt.Errorf("migration %s of %s exists twice", base, src.Feature)
			}
			b, err := fs.ReadFile(src.Files, name)
			out[base] = &fstest.MapFile{Data: b}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read migrations of %s: %w", src.Feature, err)
		}
	}
	return out, nil
}

// Schema lists the statements that make the tables of a SQLite database, by name.
func (d *DB) Schema(ctx context.Context) (tables []string, err error) {
	rows, err := d.reader.QueryContext(ctx, `SELECT sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL ORDER BY name`)
	if err != nil {
		return nil, wrap("read schema", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, wrap("read schema", err)
		}
		tables = append(tables, s)
	}
	return tables, wrap("read schema", rows.Err())
}
