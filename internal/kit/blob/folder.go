package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
)

// Folder is a store in a folder of the file system. A blob's path is its key, so that an operator can look at it and copy it with
// ordinary tools. Its content type follows from the extension; where it does not, a file of the same name with ".type~" behind it holds it.
type Folder struct {
	root *os.Root // the system itself refuses to leave it, also through a symbolic link
}

const (
	// Files under way have their place inside the root, since a rename is atomic only within one file system. What a dead process left
	// there may be deleted while no server runs.
	workFolder = ".tmp"
	typeSuffix = ".type~" // no key has a tilde
)

// OpenFolder opens or makes the folder.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	if err := root.MkdirAll(workFolder, 0o750); err != nil {
		return nil, errors.Join(fmt.Errorf("open blob folder: %w", err), root.Close())
	}
	return &Folder{root}, nil
}

// Put implements Store.
func (f *Folder) Put(ctx context.Context, key, contentType string, r io.Reader, size int64) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if size < 0 {
		return fmt.Errorf("%w: %d", ErrSize, size)
	}
	if err := f.root.MkdirAll(path.Dir(key), 0o750); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	if contentType != typeByExtension(key) {
		if err := f.write(key+typeSuffix, strings.NewReader(contentType)); err != nil {
			return fmt.Errorf("put %s: %w", key, err)
		}
	} else if err := f.root.Remove(key + typeSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put %s: %w", key, err)
	}
	if err := f.write(key, &exactly{ctx: ctx, r: r, left: size}); err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// write makes the file appear whole or not at all.
func (f *Folder) write(name string, r io.Reader) (err error) {
	tmp := path.Join(workFolder, rand.Text())
	file, err := f.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(f.root.Remove(tmp)))
		}
	}()
	_, err = io.Copy(file, r)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := f.root.Rename(tmp, name); err != nil {
		return err
	}
	return f.syncFolder(path.Dir(name))
}

// syncFolder makes the new name itself survive a power cut.
func (f *Folder) syncFolder(name string) error {
	dir, err := f.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Get implements Store.
func (f *Folder) Get(ctx context.Context, key string) (*Object, error) {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return nil, err
	}
	file, err := f.root.Open(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("get %s: %w", key, err), file.Close())
	}
	if !info.Mode().IsRegular() { // a folder on the way to other keys
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrNotFound, key), file.Close())
	}
	contentType := typeByExtension(key)
	switch b, err := f.root.ReadFile(key + typeSuffix); {
	case err == nil:
		contentType = string(b)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, errors.Join(fmt.Errorf("get %s: %w", key, err), file.Close())
	}
	return &Object{Info{key, info.Size(), info.ModTime()}, contentType, file}, nil
}

// Delete implements Store.
func (f *Folder) Delete(ctx context.Context, key string) error {
	if err := errors.Join(CheckKey(key), ctx.Err()); err != nil {
		return err
	}
	info, err := f.root.Lstat(key)
	if err != nil || info.IsDir() { // a folder on the way to other keys is no blob
		return ignoreMissing(err)
	}
	if err := errors.Join(ignoreMissing(f.root.Remove(key)), ignoreMissing(f.root.Remove(key+typeSuffix))); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// List implements Store.
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		start := path.Dir(prefix + "x") // the folder in which all matches lie
		if start != "." && CheckKey(start) != nil {
			yield(Info{}, fmt.Errorf("%w: prefix %q", ErrKey, prefix))
			return
		}
		err := fs.WalkDir(f.root.FS(), start, func(name string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			switch {
			case errors.Is(err, fs.ErrNotExist): // deleted while we walk, or nothing there at all
				return nil
			case err != nil:
				return err
			case d.IsDir() && name == workFolder:
				return fs.SkipDir
			case !d.Type().IsRegular() || !strings.HasPrefix(name, prefix) || errors.Is(CheckKey(name), ErrKey):
				return nil
			}
			info, err := d.Info()
			if err != nil {
				return ignoreMissing(err)
			}
			if !yield(Info{name, info.Size(), info.ModTime()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Info{}, fmt.Errorf("list %q: %w", prefix, err))
		}
	}
}

// Close gives the folder back to the system.
func (f *Folder) Close() error { return f.root.Close() }

// typeByExtension knows the files that this program writes. It does not ask the system's table, which differs between machines.
func typeByExtension(key string) string {
	switch path.Ext(key) {
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".webp":
		return "image/webp"
	case ".gif":
		return "image/gif"
	case ".avif":
		return "image/avif"
	case ".mp4":
		return "video/mp4"
	case ".webm":
		return "video/webm"
	case ".mp3":
		return "audio/mpeg"
	case ".ogg":
		return "audio/ogg"
	case ".json":
		return "application/json"
	case ".pdf":
		return "application/pdf"
	case ".zip":
		return "application/zip"
	case ".csv":
		return "text/csv; charset=utf-8"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
