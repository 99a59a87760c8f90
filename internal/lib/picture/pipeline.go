package picture

import (
	"context"
	"io"
)

// Pipeline runs Decode and Render for a whole server and bounds how many pictures are in memory at the same time. The zero value is not
// useful; NewPipeline makes one.
type Pipeline struct {
	lim   Limits
	slots chan struct{}
}

// NewPipeline allows so many pictures at once; 1 suits a small machine, 2 a larger one. Less than 1 means 1.
func NewPipeline(atOnce int, lim Limits) *Pipeline {
	return &Pipeline{lim: lim.orDefault(), slots: make(chan struct{}, max(1, atOnce))}
}

// Render reads, decodes and renders one picture. It waits for its turn after reading, so that a slow uploader holds nobody up, and gives
// up with the context's error. Decoding itself cannot be interrupted; it takes at most a few seconds.
func (p *Pipeline) Render(ctx context.Context, r io.Reader) (Rendered, error) {
	return run(ctx, p, r, Render)
}

// Avatar is Avatar on a picture that is read and decoded first.
func (p *Pipeline) Avatar(ctx context.Context, r io.Reader) (Version, error) {
	return run(ctx, p, r, Avatar)
}

// Header is Header on a picture that is read and decoded first.
func (p *Pipeline) Header(ctx context.Context, r io.Reader) (Version, error) {
	return run(ctx, p, r, Header)
}

func run[T any](ctx context.Context, p *Pipeline, r io.Reader, render func(Picture) (T, error)) (T, error) {
	var none T
	data, err := readAll(r, p.lim)
	if err != nil {
		return none, err
	}
	if err := ctx.Err(); err != nil { // select picks at random when both are ready
		return none, err
	}
	select {
	case <-ctx.Done():
		return none, ctx.Err()
	case p.slots <- struct{}{}:
	}
	defer func() { <-p.slots }()
	pic, err := decode(data, p.lim)
	if err != nil {
		return none, err
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	return render(pic)
}
