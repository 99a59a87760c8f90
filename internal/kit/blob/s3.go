package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is a store in a bucket of an S3-compatible service.
type S3 struct {
	client *minio.Client
	bucket string
	prefix string // put before every key; "" or ends in a slash
	plain  bool   // without TLS
}

// OpenS3 reads s3://KEY:SECRET@host[:port]/bucket[/prefix] with the options region=NAME, tls=off (for a service on the same machine) and
// style=path|host (how the bucket is named; found out by the host if it is left out). The bucket must exist. Nothing is sent yet.
func OpenS3(u *url.URL) (*S3, error) {
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	secret, hasSecret := u.User.Password()
	if u.Scheme != "s3" || u.Host == "" || bucket == "" || u.User.Username() == "" || !hasSecret {
		return nil, errors.New("open blob store: want s3://KEY:SECRET@host/bucket")
	}
	if prefix != "" {
		if err := CheckKey(prefix); err != nil {
			return nil, fmt.Errorf("open blob store: prefix: %w", err)
		}
		prefix += "/"
	}
	options := &minio.Options{Creds: credentials.NewStaticV4(u.User.Username(), secret, ""), Secure: true}
	for name, values := range u.Query() {
		switch value := values[0]; {
		case name == "region":
			options.Region = value
		case name == "tls" && (value == "on" || value == "off"):
			options.Secure = value == "on"
		case name == "style" && value == "path":
			options.BucketLookup = minio.BucketLookupPath
		case name == "style" && value == "host":
			options.BucketLookup = minio.BucketLookupDNS
		default:
			return nil, fmt.Errorf("open blob store: option %s=%s is not known", name, value)
		}
	}
	client, err := minio.New(u.Host, options)
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	return &S3{client: client, bucket: bucket, prefix: prefix, plain: !options.Secure}, nil
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, key, contentType string, r io.Reader, size int64) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if size < 0 {
		return fmt.Errorf("%w: %d", ErrSize, size)
	}
	var body io.Reader = &exactly{ctx: ctx, r: r, left: size}
	if size == 0 { // the client sends no length for an empty body unless it knows the reader, so the check is made here
		if _, err := body.Read(nil); err != nil && err != io.EOF {
			return fmt.Errorf("put %s: %w", key, err)
		}
		body = http.NoBody
	}
	_, err := s.client.PutObject(ctx, s.bucket, s.prefix+key, body, size, minio.PutObjectOptions{
		ContentType:          contentType,
		DisableContentSha256: s.plain, // signing every piece of the body is what TLS makes needless, and some small services do not know it
	})
	if err != nil {
		return fmt.Errorf("put %s: %w", key, err)
	}
	return nil
}

// Get implements Store.
func (s *S3) Get(ctx context.Context, key string) (*Object, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	body, err := s.client.GetObject(ctx, s.bucket, s.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	info, err := body.Stat()
	if err != nil {
		// The close repeats the error of the request that failed.
		_ = body.Close()
		if isMissing(err) {
			return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		return nil, fmt.Errorf("get %s: %w", key, err)
	}
	return &Object{Info{key, info.Size, info.LastModified}, info.ContentType, body}, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	err := s.client.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})
	if err != nil && !isMissing(err) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// isMissing tells a missing key from a missing bucket, which is a mistake of the operator and must not look like an empty store.
func isMissing(err error) bool {
	r := minio.ToErrorResponse(err)
	return r.Code == minio.NoSuchKey || r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket
}

// List implements Store.
func (s *S3) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if prefix != "" && CheckKey(prefix+"x") != nil {
			yield(Info{}, fmt.Errorf("%w: prefix %q", ErrKey, prefix))
			return
		}
		for o := range s.client.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + prefix, Recursive: true}) {
			if o.Err != nil {
				yield(Info{}, fmt.Errorf("list %q: %w", prefix, o.Err))
				return
			}
			if !yield(Info{strings.TrimPrefix(o.Key, s.prefix), o.Size, o.LastModified}, nil) {
				return
			}
		}
	}
}
