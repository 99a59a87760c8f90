package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
)

// The three reasons why a file is refused. They are wrapped with more detail; compare with errors.Is.
var (
	// ErrTooLarge says that the file has more bytes than allowed.
	ErrTooLarge = errors.New("picture has too many bytes")
	// ErrTooManyPixels says that the header declares more pixels than allowed.
	ErrTooManyPixels = errors.New("picture has too many pixels")
	// ErrFormat says that the file is not a picture in a format we know, or a damaged one.
	ErrFormat = errors.New("not a picture that can be read")
)

// Limits bounds what Decode accepts. A zero field means its default.
type Limits struct {
	Bytes  int64 // size of the file; DefaultBytes
	Pixels int64 // width times height; DefaultPixels
}

// The limits of Mastodon's own upload endpoint are 16 MB and 33 megapixels; cameras of today reach 40.
const (
	DefaultBytes  = 16 << 20
	DefaultPixels = 40_000_000
)

// maxSide is the longest side of any picture; it is the largest a JPEG can declare.
const maxSide = 65535

func (l Limits) orDefault() Limits {
	if l.Bytes <= 0 {
		l.Bytes = DefaultBytes
	}
	if l.Pixels <= 0 {
		l.Pixels = DefaultPixels
	}
	return l
}

// allow reports ErrFormat for an empty picture and ErrTooManyPixels for one beyond the limits.
func (l Limits) allow(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return fmt.Errorf("%w: %d x %d pixels", ErrFormat, width, height)
	case width > maxSide || height > maxSide || int64(width)*int64(height) > l.Pixels:
		return fmt.Errorf("%w: %d x %d, at most %d together", ErrTooManyPixels, width, height, l.Pixels)
	}
	return nil
}

// Format is a file format by its short lower-case name.
type Format string

// The formats that Decode reads.
const (
	PNG  Format = "png"
	JPEG Format = "jpeg"
	WebP Format = "webp"
	GIF  Format = "gif"
	AVIF Format = "avif"
)

// ContentType returns the media type, such as image/png.
func (f Format) ContentType() string { return "image/" + string(f) }

// Picture is a decoded picture, upright, not yet rendered. Its zero value is not useful; Decode makes it.
type Picture struct {
	Format        Format // what the file was
	Width, Height int    // in pixels, after the orientation was applied

	img     image.Image
	turn    orientation // applied after scaling down, which is cheaper
	profile []byte      // ICC profile of the pixels; nil means sRGB
	drawn   bool        // came from a lossless format, so that PNG may be the better output
}

// Decode reads one picture. The reader is read to its end or to one byte past the limit. An error is ErrTooLarge, ErrTooManyPixels,
// ErrFormat, or what the reader returned.
func Decode(r io.Reader, lim Limits) (Picture, error) {
	data, err := readAll(r, lim)
	if err != nil {
		return Picture{}, err
	}
	return decode(data, lim)
}

func readAll(r io.Reader, lim Limits) ([]byte, error) {
	lim = lim.orDefault()
	data, err := io.ReadAll(io.LimitReader(r, lim.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	if int64(len(data)) > lim.Bytes {
		return nil, fmt.Errorf("%w: more than %d", ErrTooLarge, lim.Bytes)
	}
	return data, nil
}

// decode is Decode on bytes that passed the byte limit.
func decode(data []byte, lim Limits) (p Picture, err error) {
	// The decoders are other people's code on a stranger's bytes. Should one of them panic, the file is bad and the server is not.
	defer func() {
		if v := recover(); v != nil {
			p, err = Picture{}, fmt.Errorf("%w: decoder stopped: %v", ErrFormat, v)
		}
	}()

	lim = lim.orDefault()
	format, ok := sniff(data)
	if !ok {
		return Picture{}, ErrFormat
	}
	p = Picture{Format: format, turn: upright}
	switch format {
	case PNG:
		err = p.decodePNG(data, lim)
	case JPEG:
		err = p.decodeJPEG(data, lim)
	case WebP:
		err = p.decodeWebP(data, lim)
	case GIF:
		err = p.decodeGIF(data, lim)
	case AVIF:
		err = p.decodeAVIF(data, lim)
	}
	if err != nil {
		return Picture{}, fmt.Errorf("decode %s: %w", format, err)
	}
	p.Width, p.Height = p.img.Bounds().Dx(), p.img.Bounds().Dy()
	if p.turn.swaps() {
		p.Width, p.Height = p.Height, p.Width
	}
	return p, nil
}

// sniff tells the format from the first bytes.
func sniff(data []byte) (Format, bool) {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, true
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return JPEG, true
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		return GIF, true
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return WebP, true
	case isAVIF(data):
		return AVIF, true
	}
	return "", false
}

// isAVIF looks for the brand avif or avis in the leading ftyp box. spec: av1-avif#4
func isAVIF(data []byte) bool {
	if len(data) < 16 || string(data[4:8]) != "ftyp" {
		return false
	}
	size := int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
	if size < 16 || size > min(len(data), 256) {
		return false
	}
	for at := 8; at+4 <= size; at += 4 {
		if brand := string(data[at : at+4]); at != 12 && (brand == "avif" || brand == "avis") {
			return true
		}
	}
	return false
}

// bad marks a decoder's error as the file's fault.
func bad(err error) error { return fmt.Errorf("%w: %w", ErrFormat, err) }

func (p *Picture) decodePNG(data []byte, lim Limits) error {
	cfg, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return bad(err)
	}
	if err := lim.allow(cfg.Width, cfg.Height); err != nil {
		return err
	}
	if p.img, err = png.Decode(bytes.NewReader(data)); err != nil {
		return bad(err)
	}
	p.drawn = true
	exif, profile := pngMetadata(data)
	p.turn, p.profile = exifOrientation(exif), profile
	return nil
}

// maxScans bounds the passes of a progressive JPEG. Encoders write about ten; a hostile file can hold thousands of a few bytes each, and
// every one of them costs a walk over all blocks.
const maxScans = 100

func (p *Picture) decodeJPEG(data []byte, lim Limits) error {
	cfg, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return bad(err)
	}
	if err := lim.allow(cfg.Width, cfg.Height); err != nil {
		return err
	}
	// spec: itu-t81#B.1.1.2: inside entropy-coded data FF is followed by 00 or a restart marker, so FF DA is a start of scan
	// (or, rarely, part of an embedded thumbnail, which has few).
	if n := bytes.Count(data, []byte{0xff, 0xda}); n > maxScans {
		return fmt.Errorf("%w: %d scans", ErrFormat, n)
	}
	if p.img, err = jpeg.Decode(bytes.NewReader(data)); err != nil {
		return bad(err)
	}
	exif, profile := jpegMetadata(data)
	p.turn, p.profile = exifOrientation(exif), profile
	return nil
}

func (p *Picture) decodeGIF(data []byte, lim Limits) error {
	cfg, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return bad(err)
	}
	if err := lim.allow(cfg.Width, cfg.Height); err != nil {
		return err
	}
	frame, err := gif.Decode(bytes.NewReader(data)) // reads the first frame and stops
	if err != nil {
		return bad(err)
	}
	p.img, p.drawn = onCanvas(frame, cfg.Width, cfg.Height), true
	return nil
}
