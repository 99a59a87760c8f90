package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func eachStore(t *testing.T, f func(t *testing.T, s Store)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		s, err := Open(filepath.Join(t.TempDir(), "blobs"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.(*Folder).Close(); err != nil {
				t.Error(err)
			}
		})
		f(t, s)
	})
	for _, prefix := range []string{"", "/co-op/media"} {
		t.Run("s3"+prefix, func(t *testing.T) {
			t.Parallel()
			backend := s3mem.New()
			if err := backend.CreateBucket("pictures"); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(gofakes3.New(backend).Server())
			t.Cleanup(server.Close)
			s, err := Open("s3://key:se%2Fcret@" + strings.TrimPrefix(server.URL, "http://") + "/pictures" + prefix + "?tls=off&region=us-east-1")
			if err != nil {
				t.Fatal(err)
			}
			f(t, s)
		})
	}
}

func put(t *testing.T, s Store, key, contentType, body string) {
	t.Helper()
	if err := s.Put(t.Context(), key, contentType, strings.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s Store, key string) (string, *Object) {
	t.Helper()
	o, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(o.Body)
	if err := errors.Join(err, o.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(b), o
}

func list(t *testing.T, s Store, prefix string) (keys []string) {
	t.Helper()
	for o, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, fmt.Sprintf("%s %d", o.Key, o.Size))
	}
	slices.Sort(keys)
	return keys
}

func TestPutGetDelete(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		ctx := t.Context()
		for key, contentType := range map[string]string{"a/1/large.jpg": "image/jpeg", "plain": "text/x-strange", "a/odd.png": "image/webp"} {
			put(t, s, key, contentType, "first")
			put(t, s, key, contentType, "second "+key)
			body, o := get(t, s, key)
			if diff := cmp.Diff([]any{"second " + key, key, contentType, int64(len(body))}, []any{body, o.Key, o.ContentType, o.Size}); diff != "" {
				t.Error(diff)
			}
			if o.ModTime.IsZero() {
				t.Error("no time")
			}
		}
		put(t, s, "a/odd.png", "image/png", "")
		if body, o := get(t, s, "a/odd.png"); body != "" || o.ContentType != "image/png" {
			t.Errorf("%q, %s", body, o.ContentType)
		}
		for range 2 {
			if err := s.Delete(ctx, "plain"); err != nil {
				t.Error(err)
			}
			if _, err := s.Get(ctx, "plain"); !errors.Is(err, ErrNotFound) {
				t.Errorf("got %v", err)
			}
		}
		if _, err := s.Get(ctx, "a/1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a folder is a blob: %v", err)
		}
		if err := s.Delete(ctx, "a"); err != nil {
			t.Errorf("delete of a folder: %v", err)
		}
		if diff := cmp.Diff([]string{"a/1/large.jpg 20", "a/odd.png 0"}, list(t, s, "")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSeek(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		put(t, s, "digits.txt", "text/plain; charset=utf-8", "0123456789")
		o, err := s.Get(t.Context(), "digits.txt")
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int64{7, 2, 9} {
			if _, err := o.Body.Seek(at, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			b := make([]byte, 1)
			if _, err := io.ReadFull(o.Body, b); err != nil || b[0] != byte('0'+at) {
				t.Errorf("at %d: %q, %v", at, b, err)
			}
		}
		if end, err := o.Body.Seek(0, io.SeekEnd); err != nil || end != 10 {
			t.Errorf("end is %d, %v", end, err)
		}
		if err := o.Body.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAFailedPutChangesNothing(t *testing.T) {
	t.Parallel()
	broken := errors.New("line went dead")
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := map[string]struct {
		ctx  context.Context
		r    io.Reader
		size int64
		want error
	}{
		"short":     {context.Background(), strings.NewReader("abc"), 4, ErrSize},
		"long":      {context.Background(), strings.NewReader("abcde"), 4, ErrSize},
		"empty":     {context.Background(), strings.NewReader("a"), 0, ErrSize},
		"negative":  {context.Background(), strings.NewReader("abcde"), -1, ErrSize},
		"broken":    {context.Background(), io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), 4, broken},
		"cancelled": {cancelled, strings.NewReader("abcd"), 4, context.Canceled},
	}
	eachStore(t, func(t *testing.T, s Store) {
		put(t, s, "kept.txt", "text/plain", "old")
		for name, tc := range tests {
			for _, key := range []string{"kept.txt", "new.txt"} {
				if err := s.Put(tc.ctx, key, "text/plain", rewind(tc.r), tc.size); !errors.Is(err, tc.want) {
					t.Errorf("%s: got %v, want %v", name, err, tc.want)
				}
			}
		}
		if body, _ := get(t, s, "kept.txt"); body != "old" {
			t.Errorf("now holds %q", body)
		}
		if diff := cmp.Diff([]string{"kept.txt 3"}, list(t, s, "")); diff != "" {
			t.Error(diff)
		}
	})
}

// rewind lets one case serve several stores and keys.
func rewind(r io.Reader) io.Reader {
	if s, ok := r.(*strings.Reader); ok {
		c := *s
		return &c
	}
	return r
}

func TestLargeBlob(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		body := strings.Repeat("0123456789abcdef", 20<<16) // 20 MiB: more than one part
		put(t, s, "big.zip", "application/zip", body)
		if got, _ := get(t, s, "big.zip"); got != body {
			t.Errorf("%d bytes came back", len(got))
		}
	})
}

func TestList(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		for _, k := range []string{"a/b/1", "a/b-2", "a/c", "ab", "z"} {
			put(t, s, k, "text/plain", "x")
		}
		for prefix, want := range map[string][]string{
			"":    {"a/b-2 1", "a/b/1 1", "a/c 1", "ab 1", "z 1"},
			"a":   {"a/b-2 1", "a/b/1 1", "a/c 1", "ab 1"},
			"a/":  {"a/b-2 1", "a/b/1 1", "a/c 1"},
			"a/b": {"a/b-2 1", "a/b/1 1"},
			"q/x": nil,
		} {
			if diff := cmp.Diff(want, list(t, s, prefix)); diff != "" {
				t.Errorf("%q: %s", prefix, diff)
			}
		}
		n := 0
		for _, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			n++
			break
		}
		if n != 1 {
			t.Errorf("%d after a break", n)
		}
	})
}

func TestKeys(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		for _, key := range []string{"", ".", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", ".tmp/x", "a/.b", `a\b`, "a b", "ü", "a\x00", "x.type~", "C:", strings.Repeat("a", 201), strings.Repeat("a/", 300) + "a"} {
			ctx := t.Context()
			_, getErr := s.Get(ctx, key)
			for _, err := range []error{getErr, s.Put(ctx, key, "text/plain", strings.NewReader("x"), 1), s.Delete(ctx, key)} {
				if !errors.Is(err, ErrKey) {
					t.Errorf("%q: got %v", key, err)
				}
			}
		}
		for _, err := range s.List(t.Context(), "../") {
			if !errors.Is(err, ErrKey) {
				t.Errorf("list: got %v", err)
			}
		}
	})
}

// Readers see one of the bodies that were written, never a mixture.
func TestConcurrentPuts(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, s Store) {
		put(t, s, "k", "text/plain", strings.Repeat("z", 50_000))
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				body := bytes.Repeat([]byte{byte('a' + i)}, 50_000)
				for range 10 {
					if err := s.Put(context.Background(), "k", "text/plain", bytes.NewReader(body), 50_000); err != nil {
						t.Error(err)
					}
				}
			})
			wg.Go(func() {
				for range 10 {
					o, err := s.Get(context.Background(), "k")
					if err != nil {
						t.Error(err)
						return
					}
					b, err := io.ReadAll(o.Body)
					if err := errors.Join(err, o.Body.Close()); err != nil {
						// S3 refuses a read that would mix two versions; that is as good.
						if _, ok := s.(*Folder); ok {
							t.Error(err)
						}
						continue
					}
					if len(b) != 50_000 || strings.Trim(string(b), string(b[:1])) != "" {
						t.Errorf("mixture of %d bytes", len(b))
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestAFolderIsNotLeftThroughALink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outside := filepath.Join(dir, "secret")
	s, err := OpenFolder(filepath.Join(dir, "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(outside, []byte("x"), 0o600), os.Symlink(outside, filepath.Join(dir, "blobs", "link"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "link"); err == nil {
		t.Error("read a file outside")
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"", "http://host/x", "s3://host/bucket", "s3://key:hunter2@host", "s3://key:hunter2@host/b?tls=maybe", "s3://key:hunter2@host/b?what=1", "s3://key:hun%ter2@host/b", "s3:///b"} {
		_, err := Open(spec)
		if err == nil {
			t.Errorf("%q was accepted", spec)
		} else if strings.Contains(err.Error(), "ter2") {
			t.Errorf("%v shows the secret", err)
		}
	}
}

func FuzzCheckKey(f *testing.F) {
	f.Add("a/b.jpg")
	f.Add("../../etc/passwd")
	f.Fuzz(func(t *testing.T, key string) {
		if CheckKey(key) == nil && (!filepath.IsLocal(key) || filepath.ToSlash(filepath.Clean(key)) != key) {
			t.Errorf("%q leaves the folder", key)
		}
	})
}
