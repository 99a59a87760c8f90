// Package blob keeps files that are too large for the database: pictures, videos, backups.
//
// A blob is a key, a content type and bytes that are written at once and never changed in part. Two stores hold them: a folder, which is
// the default, and a bucket of any S3-compatible service, which several nodes share. Both pass one conformance suite.
//
// Promises: when Put returns, the blob is on disk (or accepted by the service) and whole; a Put that fails or dies leaves the key as it
// was before; nobody ever reads half a blob. A key cannot leave the store.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"
	"time"
)

// Errors that callers act on.
var (
	// ErrNotFound says that nothing has the key.
	ErrNotFound = errors.New("no such blob")
	// ErrKey says that the key breaks the rules of CheckKey.
	ErrKey = errors.New("not a key")
	// ErrSize says that a reader gave more or fewer bytes than Put was told.
	ErrSize = errors.New("blob has another size than announced")
)

// Store keeps blobs. It is safe for use by many goroutines.
type Store interface {
	// Put stores exactly size bytes from r under the key, in place of what was there.
	Put(ctx context.Context, key, contentType string, r io.Reader, size int64) error
	// Get opens a blob, or returns ErrNotFound. The caller closes the body. The context bounds reading as well.
	Get(ctx context.Context, key string) (*Object, error)
	// Delete removes a blob. That there is none is no error, so that a job may be run again.
	Delete(ctx context.Context, key string) error
	// List yields what has a key that starts with the prefix, in no particular order. It stops at the first error.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Info describes a blob.
type Info struct {
	Key     string
	Size    int64 // bytes
	ModTime time.Time
}

// Object is an open blob. Its body can seek, as http.ServeContent wants.
type Object struct {
	Info
	ContentType string
	Body        io.ReadSeekCloser
}

// Open opens the store that spec names: "s3://KEY:SECRET@host/bucket" with the options of OpenS3, or the path of a folder, which is made
// if it is not there. No error shows the secret.
func Open(spec string) (Store, error) {
	if strings.HasPrefix(spec, "s3:") {
		u, err := url.Parse(spec)
		if err != nil {
			return nil, errors.New("open blob store: not an s3://KEY:SECRET@host/bucket address (percent-encode special characters of the secret)")
		}
		return OpenS3(u)
	}
	if spec == "" || strings.Contains(spec, "://") {
		return nil, fmt.Errorf("open blob store: want a folder or an s3:// address")
	}
	return OpenFolder(spec)
}

const maxKey = 512

// CheckKey returns ErrKey unless the key is a relative path of letters, digits, dots, hyphens and underscores, in which no part is
// empty or starts with a dot, at most 512 bytes long with parts of at most 200. Keys that differ only in case must not be used: a folder
// may not tell them apart.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("%w: %d bytes", ErrKey, len(key))
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part[0] == '.' || len(part) > 200 || strings.ContainsFunc(part, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_')
		}) {
			return fmt.Errorf("%w: %q", ErrKey, key)
		}
	}
	return nil
}

// exactly passes on size bytes of r and then ends. It returns ErrSize before the last byte is out of its hands if r is longer, and at the
// end of r if it is shorter, so that a store never completes a blob of the wrong size.
type exactly struct {
	ctx  context.Context
	r    io.Reader
	left int64
	done bool
}

func (e *exactly) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	if e.left == 0 && e.done {
		return 0, io.EOF
	}
	n := 0
	if e.left > 0 {
		var err error
		n, err = e.r.Read(p[:min(int64(len(p)), e.left)])
		e.left -= int64(n)
		if err == io.EOF && e.left > 0 {
			return n, fmt.Errorf("%w: %d bytes are missing", ErrSize, e.left)
		}
		if err != nil && err != io.EOF {
			return n, err
		}
	}
	if e.left == 0 {
		var more [1]byte
		switch m, err := io.ReadFull(e.r, more[:]); {
		case m > 0:
			return 0, fmt.Errorf("%w: too many bytes", ErrSize)
		case err != io.EOF:
			return 0, err
		}
		e.done = true
	}
	return n, nil
}
