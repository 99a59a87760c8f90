package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
)

// Two facts are read from a file's metadata before all of it is dropped: which way is up, and what the numbers of the colours mean. A
// file whose metadata is damaged is still a picture, so these readers answer "nothing there" instead of failing.

// maxProfile bounds an ICC profile; those of cameras and screens have 0.5 to 600 kB.
const maxProfile = 1 << 20

// jpegMetadata walks the segments before the first scan. spec: itu-t81#B.1.1.4, exif-2.32#4.5.4, icc.1:2022#B.4
func jpegMetadata(data []byte) (exif, profile []byte) {
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker := data[at+1]
		if marker == 0xff { // fill byte
			at++
			continue
		}
		if marker == 0xda || marker == 0xd9 {
			break
		}
		end := at + 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if end > len(data) || end < at+4 {
			break
		}
		body := data[at+4 : end]
		if rest, ok := bytes.CutPrefix(body, []byte("Exif\x00\x00")); ok && marker == 0xe1 && exif == nil {
			exif = rest
		}
		// A long profile is split over segments, numbered from 1; writers keep them in order.
		if rest, ok := bytes.CutPrefix(body, []byte("ICC_PROFILE\x00")); ok && marker == 0xe2 && len(rest) > 2 && len(profile) < maxProfile {
			profile = append(profile, rest[2:]...)
		}
		at = end
	}
	return exif, profile
}

// pngMetadata walks the chunks. spec: png-3#11.3.3.3 (iCCP), png-3#11.3.5.1 (eXIf)
func pngMetadata(data []byte) (exif, profile []byte) {
	for at := 8; at+12 <= len(data); {
		size := int(binary.BigEndian.Uint32(data[at:]))
		if size < 0 || size > len(data)-at-12 {
			break
		}
		body := data[at+8 : at+8+size]
		switch string(data[at+4 : at+8]) {
		case "eXIf":
			exif = body
		case "iCCP":
			if _, packed, ok := bytes.Cut(body, []byte{0}); ok && len(packed) > 1 {
				profile = inflate(packed[1:])
			}
		}
		at += 12 + size
	}
	return exif, profile
}

func inflate(packed []byte) []byte {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil || len(out) > maxProfile {
		return nil
	}
	return out
}

// orientation is the EXIF value: where row 0 and column 0 of the stored picture belong. spec: exif-2.32#4.6.4.A
type orientation uint8

const upright orientation = 1

// swaps reports whether width and height change places.
func (o orientation) swaps() bool { return o >= 5 && o <= 8 }

// exifOrientation finds tag 0x0112 in the first directory of a TIFF block. Anything strange means upright. spec: tiff-6#2
func exifOrientation(b []byte) orientation {
	b, _ = bytes.CutPrefix(b, []byte("Exif\x00\x00")) // some WebP writers keep JPEG's prefix
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(b[4:]))
	if at+2 > uint64(len(b)) {
		return upright
	}
	count := uint64(order.Uint16(b[at:]))
	for entry := at + 2; count > 0 && entry+12 <= uint64(len(b)); entry, count = entry+12, count-1 {
		if order.Uint16(b[entry:]) != 0x0112 || order.Uint16(b[entry+2:]) != 3 { // 3 is SHORT
			continue
		}
		if v := order.Uint16(b[entry+8:]); v >= 1 && v <= 8 {
			return orientation(v)
		}
	}
	return upright
}
