package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/gen2brain/avif"
)

// An AVIF file says its size three times: in the container (ispe), in the sequence header of the AV1 stream, and in each frame. The
// decoder allocates what the stream says, so that is what is held against the limits before it runs; a frame's own size has no more
// bits than the sequence header gives it. Image sequences are read as the still picture that such a file also holds.
// spec: av1-avif#2.2.2, iso-14496-12#8.11, av1-spec#5.5.1

func (p *Picture) decodeAVIF(data []byte, lim Limits) error {
	data, meta, err := stillAVIF(data)
	if err != nil {
		return err
	}
	h := heif{file: data, items: map[uint32]*heifItem{}}
	if err := h.read(meta); err != nil {
		return err
	}
	coded := 0
	for _, item := range h.items {
		if item.kind != "av01" {
			continue
		}
		if coded++; coded > maxTiles {
			return fmt.Errorf("%w: more than %d tiles", ErrFormat, maxTiles)
		}
		width, height, err := h.sequenceSize(item)
		if err != nil {
			return err
		}
		if err := lim.allow(width, height); err != nil {
			return err
		}
	}
	if coded == 0 {
		return fmt.Errorf("%w: no AV1 picture", ErrFormat)
	}
	cfg, err := avif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return bad(err)
	}
	if err := lim.allow(cfg.Width, cfg.Height); err != nil {
		return err
	}
	if p.img, err = avif.Decode(bytes.NewReader(data)); err != nil {
		return bad(err)
	}
	p.turn = h.orientation()
	return nil
}

const (
	maxTiles = 256 // of a grid; cameras use up to 48
	maxItems = 1024
)

// stillAVIF returns a copy of the file without its image sequence, and the body of its meta box.
func stillAVIF(data []byte) (still, meta []byte, err error) {
	still = bytes.Clone(data)
	copy(still[8:12], "avif")
	err = eachBox(still, func(kind string, header, body []byte) error {
		switch kind {
		case "moov":
			copy(header[4:8], "free")
		case "meta":
			if meta != nil || len(body) < 4 {
				return fmt.Errorf("%w: meta box", ErrFormat)
			}
			meta = body[4:]
		}
		return nil
	})
	if err == nil && meta == nil {
		err = fmt.Errorf("%w: no meta box", ErrFormat)
	}
	return still, meta, err
}

// eachBox walks the boxes in b; header is the box's own 8 or 16 first bytes.
func eachBox(b []byte, visit func(kind string, header, body []byte) error) error {
	for len(b) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
		switch size {
		case 0: // to the end
			size = uint64(len(b))
		case 1:
			if len(b) < 16 {
				return fmt.Errorf("%w: box header", ErrFormat)
			}
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size < head || size > uint64(len(b)) {
			return fmt.Errorf("%w: box size", ErrFormat)
		}
		if err := visit(string(b[4:8]), b[:head], b[head:size]); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// heif is what the meta box says. spec: iso-23008-12#6
type heif struct {
	file, idat []byte
	primary    uint32
	items      map[uint32]*heifItem
	properties []heifProperty
}

type heifProperty struct {
	kind string
	body []byte
}

type heifItem struct {
	kind       string
	inIdat     bool
	extents    []extent
	properties []int // numbers from 1
}

type extent struct{ at, size uint64 }

func (h *heif) item(i uint32) (*heifItem, error) {
	if h.items[i] == nil {
		if len(h.items) == maxItems {
			return nil, fmt.Errorf("%w: too many items", ErrFormat)
		}
		h.items[i] = &heifItem{}
	}
	return h.items[i], nil
}

func (h *heif) read(meta []byte) error {
	return eachBox(meta, func(kind string, _, body []byte) error {
		r := &bits{b: body}
		switch kind {
		case "idat":
			h.idat = body
		case "pitm":
			version := r.version()
			h.primary = r.id(version >= 1)
		case "iinf":
			return h.readInfo(r)
		case "iloc":
			return h.readLocations(r)
		case "iprp":
			return eachBox(body, func(kind string, _, body []byte) error {
				switch kind {
				case "ipco":
					return eachBox(body, func(kind string, _, body []byte) error {
						h.properties = append(h.properties, heifProperty{kind, body})
						return nil
					})
				case "ipma":
					return h.readAssociations(&bits{b: body})
				}
				return nil
			})
		}
		return r.err()
	})
}

func (h *heif) readInfo(r *bits) error {
	if r.version() == 0 {
		r.take(16)
	} else {
		r.take(32)
	}
	if err := r.err(); err != nil {
		return err
	}
	return eachBox(r.rest(), func(kind string, _, body []byte) error {
		if kind != "infe" {
			return nil
		}
		e := &bits{b: body}
		version := e.version()
		if version < 2 {
			return fmt.Errorf("%w: item entry", ErrFormat)
		}
		i := e.id(version >= 3)
		e.take(16)
		name := binary.BigEndian.AppendUint32(nil, uint32(e.take(32)))
		if err := e.err(); err != nil {
			return err
		}
		item, err := h.item(i)
		if err != nil {
			return err
		}
		item.kind = string(name)
		return nil
	})
}

func (h *heif) readLocations(r *bits) error {
	version := r.version()
	offsetSize, lengthSize, baseSize, indexSize := r.take(4)*8, r.take(4)*8, r.take(4)*8, r.take(4)*8
	if version == 0 {
		indexSize = 0
	}
	count := r.id(version >= 2)
	for ; count > 0 && !r.short; count-- {
		item, err := h.item(r.id(version >= 2))
		if err != nil {
			return err
		}
		if version >= 1 {
			r.take(12)
			switch r.take(4) {
			case 0:
			case 1:
				item.inIdat = true
			default:
				return fmt.Errorf("%w: item made of items", ErrFormat)
			}
		}
		r.take(16)
		base := r.take(int(baseSize))
		for extents := r.take(16); extents > 0 && !r.short; extents-- {
			r.take(int(indexSize))
			at := r.take(int(offsetSize))
			item.extents = append(item.extents, extent{base + at, r.take(int(lengthSize))})
		}
	}
	return r.err()
}

func (h *heif) readAssociations(r *bits) error {
	version := r.version()
	wide := r.flags&1 == 1
	for count := r.take(32); count > 0 && !r.short; count-- {
		item, err := h.item(r.id(version >= 1))
		if err != nil {
			return err
		}
		for n := r.take(8); n > 0 && !r.short; n-- {
			r.take(1)
			size := 7
			if wide {
				size = 15
			}
			item.properties = append(item.properties, int(r.take(size)))
		}
	}
	return r.err()
}

// orientation is what irot and imir say of the primary item: mirroring comes after turning where a file has both, as MIAF asks.
// spec: iso-23008-12#6.5.10, iso-23008-12#6.5.12
func (h *heif) orientation() orientation {
	turn, mirror := 0, -1
	if item := h.items[h.primary]; item != nil {
		for _, n := range item.properties {
			if n < 1 || n > len(h.properties) || len(h.properties[n-1].body) < 1 {
				continue
			}
			switch q := h.properties[n-1]; q.kind {
			case "irot":
				turn = int(q.body[0] & 3) // quarters, against the clock
			case "imir":
				mirror = int(q.body[0] & 1) // 0: top and bottom change places, 1: left and right
			}
		}
	}
	switch mirror {
	case 0:
		return [4]orientation{4, 7, 2, 5}[turn]
	case 1:
		return [4]orientation{2, 5, 4, 7}[turn]
	}
	return [4]orientation{upright, 8, 3, 6}[turn]
}

// sequenceSize is the largest frame that the item's AV1 stream may hold.
func (h *heif) sequenceSize(item *heifItem) (width, height int, err error) {
	source := h.file
	if item.inIdat {
		source = h.idat
	}
	var stream []byte
	for _, e := range item.extents {
		end := e.at + e.size
		if e.size == 0 { // to the end
			end = uint64(len(source))
		}
		if end < e.at || end > uint64(len(source)) || len(stream)+int(end-e.at) > len(h.file) {
			return 0, 0, fmt.Errorf("%w: item lies outside the file", ErrFormat)
		}
		stream = append(stream, source[e.at:end]...)
	}
	found := false
	for len(stream) > 0 {
		kind, body, rest, err := nextOBU(stream)
		if err != nil {
			return 0, 0, err
		}
		stream = rest
		if kind != obuSequenceHeader {
			continue
		}
		w, ht, err := sequenceHeader(body)
		if err != nil {
			return 0, 0, err
		}
		width, height, found = max(width, w), max(height, ht), true
	}
	if !found {
		return 0, 0, fmt.Errorf("%w: no sequence header", ErrFormat)
	}
	return width, height, nil
}

const obuSequenceHeader = 1

// nextOBU splits the first open bitstream unit off. spec: av1-spec#5.3
func nextOBU(b []byte) (kind int, body, rest []byte, err error) {
	bad := fmt.Errorf("%w: AV1 stream", ErrFormat)
	kind, head := int(b[0]>>3&15), 1
	if b[0]&4 != 0 { // extension
		head = 2
	}
	if len(b) < head {
		return 0, nil, nil, bad
	}
	if b[0]&2 == 0 { // no size: to the end
		return kind, b[head:], nil, nil
	}
	var size uint64
	for n := 0; ; n++ { // spec: av1-spec#4.10.5
		if n == 8 || head >= len(b) {
			return 0, nil, nil, bad
		}
		c := b[head]
		head++
		size |= uint64(c&0x7f) << (7 * n)
		if c&0x80 == 0 {
			break
		}
	}
	if size > uint64(len(b)-head) {
		return 0, nil, nil, bad
	}
	return kind, b[head : head+int(size)], b[head+int(size):], nil
}

// sequenceHeader reads as far as the largest frame's size. spec: av1-spec#5.5.1
func sequenceHeader(body []byte) (width, height int, err error) {
	r := &bits{b: body}
	r.take(3) // seq_profile
	r.take(1) // still_picture
	reduced := r.take(1) == 1
	if reduced {
		r.take(5) // seq_level_idx
	} else {
		r.operatingPoints()
	}
	wBits, hBits := int(r.take(4))+1, int(r.take(4))+1
	width, height = int(r.take(wBits))+1, int(r.take(hBits))+1
	if err := r.err(); err != nil {
		return 0, 0, err
	}
	// In a full stream a frame may give a size of its own in as many bits. Writers use no more bits than the size needs, so that it
	// cannot double; one that does is taken by what it could say.
	if !reduced && 1<<wBits > 2*width {
		width = 1 << wBits
	}
	if !reduced && 1<<hBits > 2*height {
		height = 1 << hBits
	}
	return width, height, nil
}

// operatingPoints skips timing and levels.
func (r *bits) operatingPoints() {
	var decoderModel bool
	var delayBits int
	if r.take(1) == 1 { // timing_info
		r.take(32)
		r.take(32)
		if r.take(1) == 1 { // equal_picture_interval: uvlc
			zeros := 0
			for !r.short && zeros < 32 && r.take(1) == 0 {
				zeros++
			}
			r.take(min(zeros, 31))
		}
		if decoderModel = r.take(1) == 1; decoderModel {
			delayBits = int(r.take(5)) + 1
			r.take(32)
			r.take(10)
		}
	}
	display := r.take(1) == 1
	for n := r.take(5) + 1; n > 0 && !r.short; n-- {
		r.take(12)
		if r.take(5) > 7 {
			r.take(1)
		}
		if decoderModel && r.take(1) == 1 {
			r.take(delayBits)
			r.take(delayBits)
			r.take(1)
		}
		if display && r.take(1) == 1 {
			r.take(4)
		}
	}
}

// bits reads big-endian numbers of any width; past the end it gives zeros and remembers.
type bits struct {
	b     []byte
	at    int // in bits
	short bool
	flags uint32
}

func (r *bits) take(n int) (v uint64) {
	if r.at+n > 8*len(r.b) {
		r.short = true
		return 0
	}
	for ; n > 0; n-- {
		v = v<<1 | uint64(r.b[r.at/8]>>(7-r.at%8)&1)
		r.at++
	}
	return v
}

// version reads the head of a full box.
func (r *bits) version() int {
	v := int(r.take(8))
	r.flags = uint32(r.take(24))
	return v
}

// id reads an item's number.
func (r *bits) id(wide bool) uint32 {
	if wide {
		return uint32(r.take(32))
	}
	return uint32(r.take(16))
}

func (r *bits) rest() []byte { return r.b[r.at/8:] }

func (r *bits) err() error {
	if r.short {
		return fmt.Errorf("%w: box ends early", ErrFormat)
	}
	return nil
}
