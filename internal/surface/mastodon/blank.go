package mastodon

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// Accounts without a picture get one from here, under the addresses by which some apps know it.
const (
	blankAvatar = "/avatars/original/missing.png"
	blankHeader = "/headers/original/missing.png"
)

type pictures struct{ avatar, header []byte }

// drawBlank draws a head and shoulders, and a plain band.
func drawBlank() pictures {
	paper, ink := color.Gray{0xd8}, color.Gray{0xa0}
	a := image.NewPaletted(image.Rect(0, 0, 120, 120), color.Palette{paper, ink})
	for y := range 120 {
		for x := range 120 {
			dx, dy := x-60, y-46
			if dx*dx+dy*dy < 24*24 || dx*dx+(y-124)*(y-124) < 48*48 {
				a.SetColorIndex(x, y, 1)
			}
		}
	}
	h := image.NewPaletted(image.Rect(0, 0, 300, 100), color.Palette{paper, ink})
	return pictures{encodePNG(a), encodePNG(h)}
}

func encodePNG(m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil { // a buffer takes everything
		return nil
	}
	return b.Bytes()
}
