package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"

	"github.com/kovidgoyal/imaging"
	"github.com/kovidgoyal/imaging/prism/meta/icc"
)

// onCanvas puts a frame at its place on a transparent canvas, or returns it as it is when it fills the canvas.
func onCanvas(frame image.Image, width, height int) image.Image {
	canvas := image.Rect(0, 0, width, height)
	if frame.Bounds() == canvas {
		return frame
	}
	out := image.NewNRGBA(canvas)
	draw.Draw(out, frame.Bounds().Intersect(canvas), frame, frame.Bounds().Intersect(canvas).Min, draw.Src)
	return out
}

// raster is a working copy: 8-bit straight alpha, origin at 0,0, in sRGB, upright.
type raster struct {
	*image.NRGBA
	opaque bool
}

// raster cuts the picture to crop (in stored coordinates), scales it down to width x height (also stored), converts the
// colours and turns it upright.
func (p *Picture) raster(crop image.Rectangle, width, height int) (raster, error) {
	src := p.img
	if crop != src.Bounds() {
		sub, ok := src.(interface {
			SubImage(image.Rectangle) image.Image
		})
		if !ok {
			return raster{}, fmt.Errorf("crop picture: %T cannot be cut", src)
		}
		src = sub.SubImage(crop)
	}
	opaque := isOpaque(src)
	if m, ok := src.(*image.NYCbCrA); ok {
		src = straight(m)
	}
	out := scale(src, width, height, opaque)
	out = p.toSRGB(out)
	return raster{NRGBA: p.turn.apply(out), opaque: opaque}, nil
}

// straight converts the pixels of a lossy WebP with alpha, whose transparency the scaler's own conversion loses.
func straight(m *image.NYCbCrA) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		row := out.Pix[out.PixOffset(m.Rect.Min.X, y):]
		for x := range m.Rect.Dx() {
			c := m.NYCbCrAAt(m.Rect.Min.X+x, y)
			row[4*x], row[4*x+1], row[4*x+2] = color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
			row[4*x+3] = c.A
		}
	}
	return out
}

func isOpaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// scale makes a straight-alpha copy of the wanted size.
func scale(src image.Image, width, height int, opaque bool) *image.NRGBA {
	b := src.Bounds()
	if b.Dx() == width && b.Dy() == height {
		return copyNRGBA(src, opaque)
	}
	// Box is the fastest filter and shows no fault when many pixels become one; closer to the original size it is uneven.
	filter := imaging.Lanczos
	if b.Dx() >= 2*width {
		filter = imaging.Box
	}
	if opaque && b.Dx() != width {
		// In two steps, because the scaler is slow on its own three-byte format, in which the first step ends.
		src = copyNRGBA(imaging.ResizeWithOpacity(src, width, b.Dy(), filter, true), true)
		if b.Dy() == height {
			return copyNRGBA(src, true)
		}
	}
	return copyNRGBA(imaging.Resize(src, width, height, filter), opaque)
}

// copyNRGBA returns the picture in our format with its origin at 0,0. It may share pixels only if src was ours already.
func copyNRGBA(src image.Image, opaque bool) *image.NRGBA {
	b := src.Bounds()
	r := image.Rect(0, 0, b.Dx(), b.Dy())
	switch m := src.(type) {
	case *image.NRGBA: // a cut keeps its old origin and stride
		return &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: r}
	case *imaging.NRGB:
		return fromNRGB(m)
	}
	if opaque {
		// Without transparency RGBA and NRGBA are the same bytes, and package draw has fast paths for the first.
		out := image.NewRGBA(r)
		draw.Draw(out, r, src, b.Min, draw.Src)
		return &image.NRGBA{Pix: out.Pix, Stride: out.Stride, Rect: r}
	}
	out := imaging.ClonePreservingOrigin(src)
	out.Rect = r
	return out
}

func fromNRGB(m *imaging.NRGB) *image.NRGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		from, to := m.Pix[y*m.Stride:][:3*w], out.Pix[y*out.Stride:][:4*w]
		for x := range w {
			to[4*x], to[4*x+1], to[4*x+2], to[4*x+3] = from[3*x], from[3*x+1], from[3*x+2], 0xff
		}
	}
	return out
}

// toSRGB converts from the file's colour profile. A profile that cannot be used is ignored: the picture then looks as it does in every
// program that knows no profiles. Profiles of CMYK and grey files do not fit the RGB pixels that we have by now.
func (p *Picture) toSRGB(m *image.NRGBA) *image.NRGBA {
	if len(p.profile) < 128 || string(p.profile[16:20]) != "RGB " { // spec: icc.1:2022#7.2.6
		return m
	}
	profile, err := icc.DecodeProfile(bytes.NewReader(p.profile))
	if err != nil {
		return m
	}
	m = &image.NRGBA{Pix: slices.Clone(m.Pix), Stride: m.Stride, Rect: m.Rect} // the conversion works in place
	converted, err := imaging.ConvertToSRGB(profile, imaging.Relative, true, m)
	if err != nil {
		return m
	}
	if out, ok := converted.(*image.NRGBA); ok {
		return out
	}
	return m
}

// apply returns the upright picture. spec: exif-2.32#4.6.4.A
func (o orientation) apply(m *image.NRGBA) *image.NRGBA {
	if o <= upright || o > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if o.swaps() {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewNRGBA(size)
	for y := range h {
		for x := range w {
			var tx, ty int
			switch o {
			case 2:
				tx, ty = w-1-x, y
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				tx, ty = x, h-1-y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[ty*out.Stride+4*tx:][:4], m.Pix[y*m.Stride+4*x:][:4])
		}
	}
	return out
}
