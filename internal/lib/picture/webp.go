package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

// A WebP file is a RIFF container. The decoder gets a container rebuilt from the chunks of one frame only, for three reasons: the first
// frame of an animation becomes a still picture, the size that is checked is that of the very bytes that are decoded, and the decoder
// refuses some combinations of flags and chunks that are common in the wild. spec: rfc9649#2

// webpFrame is one picture inside the container.
type webpFrame struct {
	x, y   int
	alpha  []byte // body of ALPH, may be nil
	bits   []byte // body of VP8 or VP8L
	fourCC string
}

func (p *Picture) decodeWebP(data []byte, lim Limits) error {
	var (
		frame           webpFrame
		exif            []byte
		canvasW, canvaH int
	)
	err := eachChunk(data[12:], func(fourCC string, body []byte) error {
		switch fourCC {
		case "VP8X":
			if len(body) < 10 {
				return fmt.Errorf("%w: short VP8X", ErrFormat)
			}
			canvasW, canvaH = uint24(body[4:])+1, uint24(body[7:])+1
			return lim.allow(canvasW, canvaH)
		case "ANMF":
			if frame.bits != nil || len(body) < 16 {
				return nil
			}
			frame.x, frame.y = 2*uint24(body), 2*uint24(body[3:])
			return eachChunk(body[16:], frame.take)
		case "ICCP":
			if len(body) <= maxProfile {
				p.profile = body
			}
		case "EXIF":
			exif = body
		default:
			return frame.take(fourCC, body)
		}
		return nil
	})
	if err != nil {
		return err
	}
	width, height, err := frame.size()
	if err != nil {
		return err
	}
	if err := lim.allow(width, height); err != nil {
		return err
	}
	img, err := webp.Decode(bytes.NewReader(frame.container(width, height)))
	if err != nil {
		return bad(err)
	}
	if canvasW == 0 {
		canvasW, canvaH = width, height
	}
	if frame.x != 0 || frame.y != 0 || width != canvasW || height != canvaH {
		img = onCanvas(translate(img, frame.x, frame.y), canvasW, canvaH)
	}
	p.img, p.turn, p.drawn = img, exifOrientation(exif), frame.fourCC == "VP8L"
	return nil
}

// take keeps the first picture it is offered.
func (f *webpFrame) take(fourCC string, body []byte) error {
	switch {
	case f.bits != nil:
	case fourCC == "ALPH":
		f.alpha = body
	case fourCC == "VP8 " || fourCC == "VP8L":
		f.bits, f.fourCC = body, fourCC
	}
	return nil
}

// size reads the frame's own header. spec: rfc6386#9.1 and rfc9649#3.4
func (f *webpFrame) size() (width, height int, err error) {
	switch {
	case f.fourCC == "VP8 " && len(f.bits) >= 10 && bytes.Equal(f.bits[3:6], []byte{0x9d, 0x01, 0x2a}):
		return int(binary.LittleEndian.Uint16(f.bits[6:])) & 0x3fff, int(binary.LittleEndian.Uint16(f.bits[8:])) & 0x3fff, nil
	case f.fourCC == "VP8L" && len(f.bits) >= 5 && f.bits[0] == 0x2f:
		n := binary.LittleEndian.Uint32(f.bits[1:])
		return int(n&0x3fff) + 1, int(n>>14&0x3fff) + 1, nil
	}
	return 0, 0, fmt.Errorf("%w: no frame", ErrFormat)
}

// container wraps the frame as a file of its own.
func (f *webpFrame) container(width, height int) []byte {
	out := []byte("RIFF\x00\x00\x00\x00WEBP")
	if f.alpha != nil && f.fourCC == "VP8 " { // a VP8L stream carries its own alpha
		const alphaFlag = 0x10
		w, h := width-1, height-1
		out = appendChunk(out, "VP8X", []byte{alphaFlag, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)})
		out = appendChunk(out, "ALPH", f.alpha)
	}
	out = appendChunk(out, f.fourCC, f.bits)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

func appendChunk(out []byte, fourCC string, body []byte) []byte {
	out = append(out, fourCC...)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(body)))
	out = append(out, body...)
	if len(body)%2 == 1 {
		out = append(out, 0)
	}
	return out
}

// eachChunk walks RIFF chunks; a last chunk that is cut short ends the walk.
func eachChunk(b []byte, visit func(fourCC string, body []byte) error) error {
	for len(b) >= 8 {
		size := uint64(binary.LittleEndian.Uint32(b[4:]))
		if size > uint64(len(b)-8) {
			return nil
		}
		if err := visit(string(b[:4]), b[8:8+size]); err != nil {
			return err
		}
		b = b[min(uint64(len(b)), 8+size+size%2):]
	}
	return nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// translate moves the picture's rectangle so that it starts at x, y. Only the types that the WebP decoder returns occur.
func translate(img image.Image, x, y int) image.Image {
	move := image.Pt(x, y).Sub(img.Bounds().Min)
	switch m := img.(type) {
	case *image.NRGBA:
		c := *m
		c.Rect = m.Rect.Add(move)
		return &c
	case *image.YCbCr:
		c := *m // frame offsets are even, so that chroma samples stay aligned
		c.Rect = m.Rect.Add(move)
		return &c
	case *image.NYCbCrA:
		c := *m
		c.Rect = m.Rect.Add(move)
		return &c
	}
	return img
}
