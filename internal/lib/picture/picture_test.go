package picture

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gen2brain/avif"
	"github.com/gen2brain/webp"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	red   = color.NRGBA{220, 20, 20, 255}
	green = color.NRGBA{20, 200, 20, 255}
	blue  = color.NRGBA{20, 20, 220, 255}
	white = color.NRGBA{250, 250, 250, 255}
)

// quarters has one colour in each corner, so that every orientation can be told.
func quarters(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetNRGBA(x, y, [2][2]color.NRGBA{{red, green}, {blue, white}}[2*y/h][2*x/w])
		}
	}
	return m
}

// photo is a smooth picture with some noise, so that JPEG behaves as on a photograph.
func photo(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	seed := uint32(1)
	for y := range h {
		for x := range w {
			seed = seed*1664525 + 1013904223
			n := byte(seed >> 28)
			m.SetRGBA(x, y, color.RGBA{byte(x*200/w) + n, byte(y*200/h) + n, byte((x+y)*100/(w+h)) + n, 255})
		}
	}
	return m
}

func encodeJPEG(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 92}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func encodePNG(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// corners names the colours at the four corners, in reading order.
func corners(t *testing.T, v Version) string {
	t.Helper()
	m, _, err := image.Decode(bytes.NewReader(v.Data))
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bounds()
	if b.Dx() != v.Width || b.Dy() != v.Height {
		t.Errorf("file is %v, version says %d x %d", b, v.Width, v.Height)
	}
	var out string
	for _, p := range []image.Point{{b.Dx() / 8, b.Dy() / 8}, {b.Dx() * 7 / 8, b.Dy() / 8}, {b.Dx() / 8, b.Dy() * 7 / 8}, {b.Dx() * 7 / 8, b.Dy() * 7 / 8}} {
		got := color.NRGBAModel.Convert(m.At(p.X, p.Y)).(color.NRGBA)
		letter := "?"
		for name, want := range map[string]color.NRGBA{"r": red, "g": green, "b": blue, "w": white} {
			if near(got.R, want.R) && near(got.G, want.G) && near(got.B, want.B) {
				letter = name
			}
		}
		out += letter
	}
	return out
}

func near(a, b uint8) bool { return math.Abs(float64(a)-float64(b)) < 40 }

// exifBlock is a TIFF block with an orientation and a position in Rochdale.
func exifBlock(order binary.AppendByteOrder, value uint16) []byte {
	b := []byte("II*\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	entry := func(tag, kind uint16, count, v uint32) {
		b = order.AppendUint16(b, tag)
		b = order.AppendUint16(b, kind)
		b = order.AppendUint32(b, count)
		if kind == 3 {
			b = order.AppendUint16(b, uint16(v))
			b = order.AppendUint16(b, 0)
			return
		}
		b = order.AppendUint32(b, v)
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	entry(0x0112, 3, 1, uint32(value))
	entry(0x8825, 4, 1, 38) // GPS directory
	b = order.AppendUint32(b, 0)
	b = order.AppendUint16(b, 1)
	entry(0x0002, 5, 3, 56) // GPSLatitude, three rationals
	b = order.AppendUint32(b, 0)
	for _, n := range []uint32{53, 1, 37, 1, 421234, 10000} {
		b = order.AppendUint32(b, n)
	}
	return append(b, "GPS-MARK"...)
}

func withSegments(file []byte, segments ...[]byte) []byte {
	out := append([]byte(nil), file[:2]...)
	for _, s := range segments {
		out = append(out, 0xff, s[0])
		out = binary.BigEndian.AppendUint16(out, uint16(len(s)+1))
		out = append(out, s[1:]...)
	}
	return append(out, file[2:]...)
}

func segment(marker byte, parts ...string) []byte {
	return append([]byte{marker}, strings.Join(parts, "")...)
}

func TestOrientationIsAppliedAndMetadataIsGone(t *testing.T) {
	t.Parallel()
	// Where red, green, blue, white of the stored picture end up.
	want := map[uint16]string{1: "rgbw", 2: "grwb", 3: "wbgr", 4: "bwrg", 5: "rbgw", 6: "brwg", 7: "wgbr", 8: "gwrb"}
	plain := encodeJPEG(t, quarters(640, 480))
	for value, corner := range want {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			t.Run(fmt.Sprint(value, order), func(t *testing.T) {
				t.Parallel()
				exif := string(exifBlock(order, value))
				file := withSegments(plain,
					segment(0xe1, "Exif\x00\x00", exif),
					segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>GPS-MARK</x:xmpmeta>"),
					segment(0xe2, "ICC_PROFILE\x00\x01\x01", "GPS-MARK", strings.Repeat("x", 200)),
					segment(0xed, "Photoshop 3.0\x00GPS-MARK"),
					segment(0xfe, "GPS-MARK"))
				p, err := Decode(bytes.NewReader(file), Limits{})
				if err != nil {
					t.Fatal(err)
				}
				w, h := 640, 480
				if value >= 5 {
					w, h = h, w
				}
				if p.Width != w || p.Height != h {
					t.Errorf("picture is %d x %d, want %d x %d", p.Width, p.Height, w, h)
				}
				r, err := Render(p)
				if err != nil {
					t.Fatal(err)
				}
				avatar, err := Avatar(p)
				if err != nil {
					t.Fatal(err)
				}
				header, err := Header(p)
				if err != nil {
					t.Fatal(err)
				}
				for name, v := range map[string]Version{"large": r.Large, "small": r.Small, "avatar": avatar, "header": header} {
					if got := corners(t, v); got != corner {
						t.Errorf("%s: corners %s, want %s", name, got, corner)
					}
					for _, s := range []string{"Exif", "GPS", "xmpmeta", "ICC_PROFILE", "Photoshop", "iCCP", "eXIf"} {
						if bytes.Contains(v.Data, []byte(s)) {
							t.Errorf("%s: still contains %q", name, s)
						}
					}
				}
				if header.Width != w || math.Abs(header.Aspect()-3) > 0.01 {
					t.Errorf("header is %d x %d", header.Width, header.Height)
				}
			})
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	m := quarters(320, 200)
	hole := quarters(320, 200)
	for y := 80; y < 120; y++ {
		for x := 140; x < 180; x++ {
			hole.SetNRGBA(x, y, color.NRGBA{})
		}
	}
	file := func(f func(io.Writer) error) []byte {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	asWebP := func(m image.Image, o webp.Options) []byte {
		return file(func(w io.Writer) error { return webp.Encode(w, m, o) })
	}
	tests := map[string]struct {
		file   []byte
		format Format
		out    Format
		alpha  bool
	}{
		"png":            {encodePNG(t, m), PNG, PNG, false},
		"png with hole":  {encodePNG(t, hole), PNG, PNG, true},
		"png photograph": {encodePNG(t, photo(320, 200)), PNG, JPEG, false},
		"jpeg":           {encodeJPEG(t, m), JPEG, JPEG, false},
		"gif": {file(func(w io.Writer) error {
			p := image.NewPaletted(m.Rect, color.Palette{red, green, blue, white})
			draw.Draw(p, p.Rect, m, image.Point{}, draw.Src)
			return gif.Encode(w, p, nil)
		}), GIF, PNG, false},
		"webp lossy":          {asWebP(m, webp.Options{Quality: 90}), WebP, JPEG, false},
		"webp lossy, hole":    {asWebP(hole, webp.Options{Quality: 90}), WebP, PNG, true},
		"webp lossless":       {asWebP(m, webp.Options{Lossless: true}), WebP, PNG, false},
		"webp lossless, hole": {asWebP(hole, webp.Options{Lossless: true}), WebP, PNG, true},
		"avif": {file(func(w io.Writer) error {
			return avif.Encode(w, m, avif.Options{Quality: 90, ChromaSubsampling: image.YCbCrSubsampleRatio444})
		}), AVIF, JPEG, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Decode(bytes.NewReader(tc.file), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]any{tc.format, 320, 200}, []any{p.Format, p.Width, p.Height}); diff != "" {
				t.Error(diff)
			}
			r, err := Render(p)
			if err != nil {
				t.Fatal(err)
			}
			if name != "png photograph" {
				if got := corners(t, r.Large); got != "rgbw" {
					t.Errorf("corners %s", got)
				}
			}
			if r.Large.Format != tc.out {
				t.Errorf("written as %s, want %s", r.Large.Format, tc.out)
			}
			out, _, err := image.Decode(bytes.NewReader(r.Large.Data))
			if err != nil {
				t.Fatal(err)
			}
			if _, _, _, a := out.At(160, 100).RGBA(); (a == 0) != tc.alpha {
				t.Errorf("alpha in the middle is %d", a)
			}
			if len(r.Blurhash) != 28 || len(r.Average) != 7 {
				t.Errorf("blurhash %q, average %q", r.Blurhash, r.Average)
			}
		})
	}
}

func TestAnimationKeepsTheFirstFrame(t *testing.T) {
	t.Parallel()
	first := image.NewPaletted(image.Rect(40, 0, 80, 60), color.Palette{red, blue})
	second := image.NewPaletted(image.Rect(0, 0, 80, 60), color.Palette{blue, red})
	var g bytes.Buffer
	if err := gif.EncodeAll(&g, &gif.GIF{Image: []*image.Paletted{first, second}, Delay: []int{1, 1}, Config: image.Config{Width: 80, Height: 60}}); err != nil {
		t.Fatal(err)
	}
	var still bytes.Buffer
	if err := webp.Encode(&still, quarters(40, 60), webp.Options{Lossless: true}); err != nil {
		t.Fatal(err)
	}
	var frame webpFrame
	if err := eachChunk(still.Bytes()[12:], frame.take); err != nil {
		t.Fatal(err)
	}
	anmf := func(x byte) []byte {
		return appendChunk([]byte{x / 2, 0, 0, 0, 0, 0, 39, 0, 0, 59, 0, 0, 9, 0, 0, 0}, frame.fourCC, frame.bits)
	}
	animated := []byte("RIFF\x00\x00\x00\x00WEBP")
	animated = appendChunk(animated, "VP8X", []byte{0x12, 0, 0, 0, 79, 0, 0, 59, 0, 0})
	animated = appendChunk(animated, "ANIM", make([]byte, 6))
	animated = appendChunk(animated, "ANMF", anmf(40))
	animated = appendChunk(animated, "ANMF", anmf(0))
	for name, file := range map[string][]byte{"gif": g.Bytes(), "webp": animated} {
		p, err := Decode(bytes.NewReader(file), Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Width != 80 || p.Height != 60 {
			t.Errorf("%s: %d x %d", name, p.Width, p.Height)
		}
		if _, _, _, a := p.img.At(10, 10).RGBA(); a != 0 {
			t.Errorf("%s: second frame shows at the left", name)
		}
		if c := color.NRGBAModel.Convert(p.img.At(45, 5)); c != red {
			t.Errorf("%s: first frame has %v", name, c)
		}
	}
}

// pngClaiming has a correct header and then the given number of bytes of nonsense.
func pngClaiming(w, h uint32) []byte {
	out := []byte("\x89PNG\r\n\x1a\n")
	ihdr := append([]byte("IHDR"), binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)...)
	ihdr = append(ihdr, 8, 6, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, 13)
	out = append(out, ihdr...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(ihdr))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	good := encodePNG(t, quarters(100, 100))
	wp := []byte("RIFF\x00\x00\x00\x00WEBP")
	tests := map[string]struct {
		file []byte
		lim  Limits
		want error
	}{
		"empty":               {nil, Limits{}, ErrFormat},
		"text":                {[]byte("<svg onload=alert(1)>"), Limits{}, ErrFormat},
		"cut png":             {good[:len(good)/2], Limits{}, ErrFormat},
		"no pixels":           {pngClaiming(0, 10), Limits{}, ErrFormat},
		"bytes":               {good, Limits{Bytes: int64(len(good)) - 1}, ErrTooLarge},
		"bytes exactly":       {good, Limits{Bytes: int64(len(good))}, nil},
		"pixels":              {good, Limits{Pixels: 9_999}, ErrTooManyPixels},
		"pixels exactly":      {good, Limits{Pixels: 10_000}, nil},
		"png bomb":            {pngClaiming(50_000, 50_000), Limits{}, ErrTooManyPixels},
		"png line":            {pngClaiming(30_000_000, 1), Limits{}, ErrTooManyPixels},
		"webp canvas bomb":    {appendChunk(wp, "VP8X", []byte{2, 0, 0, 0, 255, 255, 0, 255, 255, 0}), Limits{}, ErrTooManyPixels},
		"webp frame bomb":     {appendChunk(wp, "VP8L", []byte{0x2f, 0xff, 0xff, 0xff, 0xff}), Limits{}, ErrTooManyPixels},
		"webp without frame":  {wp, Limits{}, ErrFormat},
		"gif bomb":            {[]byte("GIF89a\xff\xff\xff\xff\x00\x00\x00"), Limits{}, ErrTooManyPixels},
		"jpeg of many scans":  {append(encodeJPEG(t, quarters(8, 8)), bytes.Repeat([]byte{0xff, 0xda}, 200)...), Limits{}, ErrFormat},
		"avif of nothing":     {[]byte("\x00\x00\x00\x14ftypavif\x00\x00\x00\x00mif1"), Limits{}, ErrFormat},
		"jpeg of no contents": {[]byte("\xff\xd8\xff\xd9"), Limits{}, ErrFormat},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Decode(bytes.NewReader(tc.file), tc.lim)
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
	broken := errors.New("line went dead")
	if _, err := Decode(iotest.ErrReader(broken), Limits{}); !errors.Is(err, broken) || errors.Is(err, ErrFormat) {
		t.Errorf("reader's error became %v", err)
	}
}

// Not parallel: it measures the memory of the process.
func TestBombsCostNoMemory(t *testing.T) {
	for name, tc := range map[string]struct {
		file []byte
		most uint64 // bytes allocated in all
	}{
		"2,500 MP declared":                    {pngClaiming(50_000, 50_000), 1 << 20},
		"40 MP declared, none there":           {pngClaiming(8_000, 5_000), 1 << 20},
		"40 MP in 40 kB, decoded and rendered": {encodePNG(t, image.NewGray(image.Rect(0, 0, 8_000, 5_000))), 150 << 20},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		p, err := Decode(bytes.NewReader(tc.file), Limits{})
		if err == nil {
			_, err = Render(p)
		}
		runtime.ReadMemStats(&after)
		used := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes of file, %d kB allocated, error %v", name, len(tc.file), used>>10, err)
		if used > tc.most {
			t.Errorf("%s: allocated %d bytes, at most %d allowed", name, used, tc.most)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 3000).Draw(t, "w"), rapid.IntRange(1, 60).Draw(t, "h")
		if rapid.Bool().Draw(t, "tall") {
			w, h = h, w
		}
		turn := orientation(rapid.IntRange(1, 8).Draw(t, "turn"))
		p := Picture{img: image.NewGray(image.Rect(0, 0, w, h)), turn: turn, Width: w, Height: h}
		if turn.swaps() {
			p.Width, p.Height = h, w
		}
		r, err := Render(p)
		if err != nil {
			t.Fatal(err)
		}
		for v, side := range map[*Version]int{&r.Large: LargeSide, &r.Small: SmallSide} {
			if max(v.Width, v.Height) != min(side, max(w, h)) {
				t.Errorf("%d x %d became %d x %d", p.Width, p.Height, v.Width, v.Height)
			}
			if (v.Width > v.Height) != (p.Width > p.Height) && v.Width != v.Height {
				t.Errorf("%d x %d became %d x %d", p.Width, p.Height, v.Width, v.Height)
			}
		}
		a, err := Avatar(p)
		if err != nil {
			t.Fatal(err)
		}
		if want := min(AvatarSide, w, h); a.Width != want || a.Height != want {
			t.Errorf("avatar of %d x %d is %d x %d", w, h, a.Width, a.Height)
		}
		b, err := Header(p)
		if err != nil {
			t.Fatal(err)
		}
		if b.Width > min(HeaderWidth, p.Width) || b.Height > min(HeaderHeight, p.Height) {
			t.Errorf("header of %d x %d is %d x %d", p.Width, p.Height, b.Width, b.Height)
		}
	})
}

func TestLargeTransparentPhotographStaysBelowThePNGLimit(t *testing.T) {
	t.Parallel()
	m := copyNRGBA(photo(2048, 2048), true)
	seed := uint32(7)
	for i := range m.Pix {
		seed = seed*1664525 + 1013904223
		m.Pix[i] = byte(seed >> 24)
	}
	v, err := encode(raster{NRGBA: m}, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Data) > maxPNG || v.Width != 1024 {
		t.Errorf("%d bytes, %d wide", len(v.Data), v.Width)
	}
}

func TestPipelineBoundsAndCancels(t *testing.T) {
	t.Parallel()
	p := NewPipeline(1, Limits{})
	p.slots <- struct{}{} // somebody is at work
	ctx, cancel := context.WithCancel(context.Background())
	file := encodePNG(t, quarters(10, 10))
	done := make(chan error)
	go func() { _, err := p.Render(ctx, bytes.NewReader(file)); done <- err }()
	select {
	case err := <-done:
		t.Fatalf("did not wait: %v", err)
	default:
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-p.slots
	if _, err := p.Avatar(context.Background(), bytes.NewReader(file)); err != nil {
		t.Error(err)
	}
	if _, err := p.Header(context.Background(), bytes.NewReader(file)); err != nil {
		t.Error(err)
	}
	if len(p.slots) != 0 {
		t.Error("slot not given back")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encodePNG(f, quarters(8, 6)))
	f.Add(withSegments(encodeJPEG(f, quarters(8, 6)), segment(0xe1, "Exif\x00\x00", string(exifBlock(binary.BigEndian, 6)))))
	var g, w bytes.Buffer
	if err := errors.Join(gif.Encode(&g, quarters(8, 6), nil), webp.Encode(&w, quarters(8, 6), webp.Options{Quality: 50})); err != nil {
		f.Fatal(err)
	}
	f.Add(g.Bytes())
	f.Add(w.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		if isAVIF(data) {
			return // its container has FuzzAVIFContainer; the decoder itself is too slow to fuzz
		}
		p, err := Decode(bytes.NewReader(data), Limits{Pixels: 100_000})
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooManyPixels) {
				t.Fatal(err)
			}
			return
		}
		r, err := Render(p)
		if err != nil {
			if errors.Is(err, ErrFormat) {
				return
			}
			t.Fatal(err)
		}
		if r.Large.Width != min(p.Width, LargeSide) && p.Width >= p.Height {
			t.Fatalf("%d became %d", p.Width, r.Large.Width)
		}
	})
}

func BenchmarkPhoto12MP(b *testing.B) {
	file := encodeJPEG(b, photo(4000, 3000))
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		p, err := Decode(bytes.NewReader(file), Limits{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := Render(p); err != nil {
			b.Fatal(err)
		}
	}
}

// wideGamut is a minimal matrix profile with the primaries of Display P3. spec: icc.1:2022#7
func wideGamut() []byte {
	type tag struct{ name, body string }
	xyz := func(x, y, z float64) string {
		b := []byte("XYZ \x00\x00\x00\x00")
		for _, v := range []float64{x, y, z} {
			b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
		}
		return string(b)
	}
	const gamma = "curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33\x00\x00"
	tags := []tag{
		{"wtpt", xyz(0.9642, 1, 0.8249)},
		{"rXYZ", xyz(0.5151, 0.2412, -0.0011)}, {"gXYZ", xyz(0.2920, 0.6922, 0.0419)}, {"bXYZ", xyz(0.1571, 0.0666, 0.7841)},
		{"rTRC", gamma}, {"gTRC", gamma}, {"bTRC", gamma},
	}
	head := make([]byte, 128)
	copy(head[8:], "\x02\x40\x00\x00mntrRGB XYZ ")
	copy(head[36:], "acsp")
	copy(head[68:], xyz(0.9642, 1, 0.8249)[8:])
	table, body := binary.BigEndian.AppendUint32(nil, uint32(len(tags))), []byte(nil)
	for _, tg := range tags {
		table = append(table, tg.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(132+12*len(tags)+len(body)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(tg.body)))
		body = append(body, tg.body...)
	}
	out := append(append(head, table...), body...)
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}

func TestWideGamutIsConvertedOnce(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	draw.Draw(m, m.Rect, image.NewUniform(color.NRGBA{200, 100, 60, 255}), image.Point{}, draw.Src)
	file := withSegments(encodeJPEG(t, m), segment(0xe2, "ICC_PROFILE\x00\x01\x01", string(wideGamut())))
	p, err := Decode(bytes.NewReader(file), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	// P3 200,100,60 is a stronger red than sRGB's: more red and less blue after the conversion.
	for range 2 {
		r, err := Render(p)
		if err != nil {
			t.Fatal(err)
		}
		out, _, err := image.Decode(bytes.NewReader(r.Large.Data))
		if err != nil {
			t.Fatal(err)
		}
		got := color.NRGBAModel.Convert(out.At(32, 32)).(color.NRGBA)
		if math.Abs(float64(got.R)-215) > 6 || math.Abs(float64(got.G)-95) > 6 || math.Abs(float64(got.B)-47) > 8 {
			t.Errorf("got %v", got)
		}
	}
}
