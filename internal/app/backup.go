package app

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"rochdale/internal/kit/blob"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/db"
)

// A backup is a gzipped tar: first the database (database.sqlite, or database.dump made by pg_dump),
// then media/KEY for every picture. The database is copied first and pictures are stored before the row
// that names them, so that every picture the copy speaks of is in it.
const (
	backupSQLite   = "database.sqlite"
	backupPostgres = "database.dump"
	backupMedia    = "media/"
)

// Backup writes everything into a new file while the server runs, and returns the number of pictures.
func (a *App) Backup(ctx context.Context, file string) (pictures int, err error) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			_ = os.Remove(file) // half a backup is worse than none
		}
	}()
	z := gzip.NewWriter(f)
	t := tar.NewWriter(z)
	if err := a.backupDatabase(ctx, t); err != nil {
		return 0, fmt.Errorf("backup: %w", err)
	}
	for info, err := range a.Blobs.List(ctx, "") {
		if err != nil {
			return pictures, fmt.Errorf("backup: %w", err)
		}
		if err := a.backupBlob(ctx, t, info.Key); err != nil {
			return pictures, fmt.Errorf("backup: %w", err)
		}
		pictures++
	}
	return pictures, errors.Join(t.Close(), z.Close(), f.Sync())
}

func (a *App) backupDatabase(ctx context.Context, t *tar.Writer) error {
	dir, err := os.MkdirTemp(a.Config.Data, "backup-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := filepath.Join(dir, backupSQLite)
	if a.DB.Dialect() == db.Postgres {
		name = filepath.Join(dir, backupPostgres)
		out, err := exec.CommandContext(ctx, "pg_dump", "--format=custom", "--no-owner", "--file="+name, a.Config.Database).CombinedOutput() //nolint:gosec // the operator's own address
		if err != nil {
			return fmt.Errorf("pg_dump: %w: %s", err, out)
		}
	} else if err := a.DB.Snapshot(ctx, name); err != nil {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return addFile(t, filepath.Base(name), info.Size(), f)
}

func (a *App) backupBlob(ctx context.Context, t *tar.Writer, key string) error {
	o, err := a.Blobs.Get(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return nil // swept since it was listed
	}
	if err != nil {
		return err
	}
	return errors.Join(addFile(t, backupMedia+key, o.Size, o.Body), o.Body.Close())
}

func addFile(t *tar.Writer, name string, size int64, r io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := io.Copy(t, r)
	return err
}

// Restore puts a backup where the configuration says, which must be empty.
func Restore(ctx context.Context, cfg Config, r io.Reader) error {
	postgres := strings.HasPrefix(cfg.Database, "postgres")
	if _, err := os.Stat(cfg.Database); !postgres && err == nil {
		return fmt.Errorf("restore: %s is there already; choose an empty data folder", cfg.Database)
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("restore: this is not a backup: %w", err)
	}
	blobs, err := blob.Open(cfg.Blobs)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	found := false
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("restore: the backup is damaged: %w", err)
		}
		switch name := path.Clean(h.Name); {
		case name == backupSQLite && !postgres:
			found, err = true, restoreSQLite(ctx, cfg, t)
		case name == backupPostgres && postgres:
			found, err = true, restorePostgres(ctx, cfg, t)
		case strings.HasPrefix(name, backupMedia):
			err = blobs.Put(ctx, strings.TrimPrefix(name, backupMedia), "", t, h.Size)
		default:
			err = fmt.Errorf("it holds %s, which does not fit the database %s", name, withoutPassword(cfg.Database))
		}
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	if !found {
		return errors.New("restore: the backup holds no database")
	}
	return nil
}

func restoreSQLite(ctx context.Context, cfg Config, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(cfg.Database), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(cfg.Database, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	d, err := db.Open(ctx, cfg.Database, clock.NewSystem())
	if err != nil {
		return err
	}
	return errors.Join(d.IntegrityCheck(ctx), d.Close())
}

func restorePostgres(ctx context.Context, cfg Config, r io.Reader) error {
	c := exec.CommandContext(ctx, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+cfg.Database) //nolint:gosec // the operator's own address
	c.Stdin = r
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_restore: %w: %s", err, out)
	}
	return nil
}
