package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"testing"

	"github.com/gen2brain/avif"
)

func encodeAVIF(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := avif.Encode(&b, m, avif.Options{Quality: 60, Speed: 10}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// withSequenceBits returns the file with every sequence header changed by set, which reports whether it did.
func withSequenceBits(tb testing.TB, file []byte, set func(header []byte) bool) []byte {
	tb.Helper()
	file = bytes.Clone(file)
	changed := false
	for i := 0; i+12 < len(file); i++ {
		if file[i] == 0x0a && int(file[i+1]) < 32 && i+2+int(file[i+1]) <= len(file) { // a sequence header with its size
			if _, _, err := sequenceHeader(file[i+2 : i+2+int(file[i+1])]); err == nil && set(file[i+2:i+2+int(file[i+1])]) {
				changed = true
			}
		}
	}
	if !changed {
		tb.Fatal("found no sequence header")
	}
	return file
}

func TestAVIFThatLiesAboutItsSizeIsRefused(t *testing.T) {
	t.Parallel()
	honest := encodeAVIF(t, quarters(64, 48))
	if _, err := Decode(bytes.NewReader(honest), Limits{Pixels: 64 * 48}); err != nil {
		t.Fatalf("an honest file: %v", err)
	}
	if _, err := Decode(bytes.NewReader(honest), Limits{Pixels: 64*48 - 1}); !errors.Is(err, ErrTooManyPixels) {
		t.Errorf("a file over the limit: %v", err)
	}
	// The container goes on saying 64 x 48 while the stream says 64 x 64.
	liar := withSequenceBits(t, honest, func(h []byte) bool {
		if w, ht, _ := sequenceHeader(h); w != 64 || ht != 48 {
			return false
		}
		at := 10 // after profile, still, reduced and the level
		if h[0]&8 == 0 {
			at = 5 + 1 + 1 + 5 + 12 + 5 // no timing, no display, one operating point of a low level
		}
		at += 4 + 4 + 6 // widths of the sizes, the width
		for i := at; i < at+6; i++ {
			h[i/8] |= 0x80 >> (i % 8)
		}
		return true
	})
	if _, err := Decode(bytes.NewReader(liar), Limits{Pixels: 64 * 48}); !errors.Is(err, ErrTooManyPixels) {
		t.Errorf("a lying file: %v", err)
	}
}

func TestAVIFIsTurned(t *testing.T) {
	t.Parallel()
	file := encodeAVIF(t, quarters(64, 48))
	for angle, want := range []image.Point{{64, 48}, {48, 64}, {64, 48}, {48, 64}} {
		p, err := Decode(bytes.NewReader(withIrot(t, file, byte(angle))), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Width != want.X || p.Height != want.Y {
			t.Errorf("angle %d: %d x %d", angle, p.Width, p.Height)
		}
	}
	// Against the clock: the red quarter at the top left goes to the bottom left.
	p, err := Decode(bytes.NewReader(withIrot(t, file, 1)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.raster(p.img.Bounds(), 64, 48)
	if err != nil {
		t.Fatal(err)
	}
	before, err := Decode(bytes.NewReader(file), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := before.raster(before.img.Bounds(), 64, 48)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.NRGBAAt(5, 60), o.NRGBAAt(5, 5); got != want {
		t.Errorf("bottom left is %v, want %v", got, want)
	}
}

// withIrot adds a turn to the primary item: a property, and its number in the item's list.
func withIrot(tb testing.TB, file []byte, angle byte) []byte {
	tb.Helper()
	ipco := bytes.Index(file, []byte("ipco"))
	ipma := bytes.Index(file, []byte("ipma"))
	if ipco < 0 || ipma < ipco {
		tb.Fatal("no properties")
	}
	properties := 0
	size := int(binary.BigEndian.Uint32(file[ipco-4:]))
	if err := eachBox(file[ipco+4:ipco-4+size], func(string, []byte, []byte) error { properties++; return nil }); err != nil {
		tb.Fatal(err)
	}
	irot := []byte{0, 0, 0, 9, 'i', 'r', 'o', 't', angle}
	list := ipma + 4 + 4 + 4 + 2 // version and flags, entries, item
	var out []byte
	out = append(out, file[:ipco-4+size]...)
	out = append(out, irot...)
	out = append(out, file[ipco-4+size:list]...)
	out = append(out, file[list]+1, 0x80|byte(properties+1))
	out = append(out, file[list+1:]...)
	grow := func(at, by int) {
		binary.BigEndian.PutUint32(out[at:], binary.BigEndian.Uint32(out[at:])+uint32(by))
	}
	grow(ipco-4, len(irot))
	grow(ipma-4+len(irot), 1)
	grow(bytes.Index(out, []byte("iprp"))-4, len(irot)+1)
	grow(bytes.Index(out, []byte("meta"))-4, len(irot)+1)
	// Item locations are offsets from the start of the file.
	iloc := bytes.Index(out, []byte("iloc"))
	grow(iloc+4+4+2+2+2+2+2, len(irot)+1)
	return out
}

func FuzzAVIFContainer(f *testing.F) {
	f.Add(encodeAVIF(f, quarters(8, 6)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if !isAVIF(data) {
			return
		}
		still, meta, err := stillAVIF(data)
		if err != nil {
			return
		}
		h := heif{file: still, items: map[uint32]*heifItem{}}
		if err := h.read(meta); err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		for _, item := range h.items {
			if _, _, err := h.sequenceSize(item); err != nil && !errors.Is(err, ErrFormat) {
				t.Fatal(err)
			}
		}
		if o := h.orientation(); o < 1 || o > 8 {
			t.Fatalf("orientation %d", o)
		}
	})
}
