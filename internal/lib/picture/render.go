package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"

	"github.com/buckket/go-blurhash"
)

const (
	// LargeSide and SmallSide are the longest sides, in pixels, of the two versions that Render makes.
	LargeSide = 2048
	SmallSide = 400
	// AvatarSide is the side of an avatar; HeaderWidth and HeaderHeight are the size of a profile's header.
	AvatarSide   = 400
	HeaderWidth  = 1500
	HeaderHeight = 500

	quality = 82
	// maxPNG bounds a PNG that we publish. Other servers refuse files above 16 MB; a transparent photograph that is larger is halved.
	maxPNG = 8 << 20
)

// Version is one encoded file.
type Version struct {
	Data          []byte
	Format        Format
	Width, Height int
}

// Aspect is width divided by height, as Mastodon's meta.aspect. spec: mastodon/entities/MediaAttachment#meta
func (v Version) Aspect() float64 { return float64(v.Width) / float64(v.Height) }

// Rendered is what is published of a picture.
type Rendered struct {
	Large    Version // longest side at most LargeSide
	Small    Version // longest side at most SmallSide
	Blurhash string  // 4 x 3 components
	Average  string  // mean colour on white, as #rrggbb
}

// Render writes the two versions and their stand-ins. Pictures are scaled down, never up.
func Render(p Picture) (out Rendered, err error) {
	defer recovered(&err)
	full := p.img.Bounds()
	w, h := within(full.Dx(), full.Dy(), LargeSide)
	large, err := p.raster(full, w, h)
	if err != nil {
		return Rendered{}, err
	}
	if out.Large, err = encode(large, p.drawn); err != nil {
		return Rendered{}, fmt.Errorf("encode large picture: %w", err)
	}
	w, h = within(large.Rect.Dx(), large.Rect.Dy(), SmallSide)
	small := raster{NRGBA: scale(large.NRGBA, w, h, large.opaque), opaque: large.opaque}
	if out.Small, err = encode(small, p.drawn); err != nil {
		return Rendered{}, fmt.Errorf("encode small picture: %w", err)
	}
	w, h = within(w, h, 32)
	tiny := onWhite(scale(small.NRGBA, w, h, small.opaque))
	if out.Blurhash, err = blurhash.Encode(4, 3, tiny); err != nil {
		return Rendered{}, fmt.Errorf("encode blurhash: %w", err)
	}
	out.Average = average(tiny)
	return out, nil
}

// Avatar cuts the largest centred square and scales it to AvatarSide.
func Avatar(p Picture) (Version, error) { return p.cut(AvatarSide, AvatarSide) }

// Header cuts the largest centred rectangle of 3:1 and scales it to HeaderWidth x HeaderHeight.
func Header(p Picture) (Version, error) { return p.cut(HeaderWidth, HeaderHeight) }

// cut crops to the aspect of width:height around the centre and scales down, never up.
func (p *Picture) cut(width, height int) (v Version, err error) {
	defer recovered(&err)
	if p.turn.swaps() { // the cut is made in stored coordinates
		width, height = height, width
	}
	b := p.img.Bounds()
	w, h := b.Dx(), b.Dy()
	if w*height > h*width {
		w = max(1, (h*width+height/2)/height)
	} else {
		h = max(1, (w*height+width/2)/width)
	}
	at := b.Min.Add(image.Pt((b.Dx()-w)/2, (b.Dy()-h)/2))
	m, err := p.raster(image.Rectangle{at, at.Add(image.Pt(w, h))}, min(w, width), min(h, height))
	if err != nil {
		return Version{}, err
	}
	if v, err = encode(m, p.drawn); err != nil {
		return Version{}, fmt.Errorf("encode picture: %w", err)
	}
	return v, nil
}

// recovered turns a panic in an image library into ErrFormat; see decode.
func recovered(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w: renderer stopped: %v", ErrFormat, v)
	}
}

// within returns the largest size of the same aspect whose longest side is at most side.
func within(w, h, side int) (int, int) {
	longest := max(w, h)
	if longest <= side {
		return w, h
	}
	fit := func(n int) int { return max(1, (n*side+longest/2)/longest) }
	return fit(w), fit(h)
}

// encode writes the file; doc.go says why these formats.
func encode(m raster, drawn bool) (Version, error) {
	v := Version{Width: m.Rect.Dx(), Height: m.Rect.Dy()}
	var asJPEG, asPNG bytes.Buffer
	if m.opaque {
		rgba := &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect} // the same bytes, and the encoder's fast path
		if err := jpeg.Encode(&asJPEG, rgba, &jpeg.Options{Quality: quality}); err != nil {
			return Version{}, err
		}
	}
	if !m.opaque || drawn {
		if err := (&png.Encoder{CompressionLevel: png.DefaultCompression}).Encode(&asPNG, m.NRGBA); err != nil {
			return Version{}, err
		}
	}
	switch {
	case m.opaque && (!drawn || asJPEG.Len() < asPNG.Len()):
		v.Data, v.Format = asJPEG.Bytes(), JPEG
	case asPNG.Len() > maxPNG:
		half := scale(m.NRGBA, max(1, v.Width/2), max(1, v.Height/2), m.opaque)
		return encode(raster{NRGBA: half, opaque: m.opaque}, drawn)
	default:
		v.Data, v.Format = asPNG.Bytes(), PNG
	}
	return v, nil
}

// onWhite is the picture without transparency, for the hash and the average: readers see it on a page.
func onWhite(m *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, m, m.Rect.Min, draw.Over)
	return out
}

// average is the mean in linear light, which is what the eye sees from afar.
func average(m *image.NRGBA) string {
	var sum [3]float64
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		for c := range 3 {
			sum[c] += math.Pow(float64(m.Pix[i+c])/255, 2.2)
		}
	}
	n := float64(len(m.Pix) / 4)
	var out [3]uint8
	for c := range 3 {
		out[c] = uint8(math.Round(255 * math.Pow(sum[c]/n, 1/2.2)))
	}
	return fmt.Sprintf("#%02x%02x%02x", out[0], out[1], out[2])
}
