package demo

import (
	"bytes"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"math"
	"math/rand/v2"
)

// scenes are the pictures of the demo's posts: each is drawn from a few numbers.
var scenes = []struct {
	alt           string
	sky, low, sea color.RGBA
	sun           float64 // height of the sun over the horizon, below 0: none
	hills         int
}{
	{"Morning over the bay: a pale sun above green water, and two rows of hills behind it.", color.RGBA{248, 222, 184, 255}, color.RGBA{236, 170, 120, 255}, color.RGBA{44, 110, 104, 255}, .25, 2},
	{"The back wall of a bus shelter, painted as a shore: a dark blue tide line under an orange sky.", color.RGBA{236, 146, 84, 255}, color.RGBA{248, 200, 140, 255}, color.RGBA{36, 62, 110, 255}, .5, 1},
	{"A map without names: grey hills, a green valley and the sea to the south.", color.RGBA{226, 230, 222, 255}, color.RGBA{176, 196, 160, 255}, color.RGBA{70, 130, 160, 255}, -1, 4},
	{"A field in late light, furrows running towards low hills.", color.RGBA{250, 226, 160, 255}, color.RGBA{214, 176, 96, 255}, color.RGBA{112, 96, 54, 255}, .1, 3},
	{"A postcard: violet sea, a pink evening, and a sun that has almost set.", color.RGBA{206, 150, 190, 255}, color.RGBA{244, 190, 170, 255}, color.RGBA{82, 60, 120, 255}, .05, 1},
	{"A workbench seen from above, reduced to stripes of brown, grey and light.", color.RGBA{232, 224, 210, 255}, color.RGBA{196, 170, 136, 255}, color.RGBA{104, 84, 66, 255}, -1, 5},
	{"The allotments on Mill Lane in autumn: ochre beds under a white sky.", color.RGBA{238, 238, 232, 255}, color.RGBA{222, 196, 130, 255}, color.RGBA{96, 120, 62, 255}, .6, 3},
	{"The sea this morning: grey-blue, very calm, one band of light on the horizon.", color.RGBA{210, 222, 230, 255}, color.RGBA{246, 232, 214, 255}, color.RGBA{74, 108, 134, 255}, .35, 0},
}

func mix(a, b color.RGBA, t float64) color.RGBA {
	t = min(max(t, 0), 1)
	f := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*t) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), 255}
}

// scene draws picture n as a PNG: a sky, hills in the haze, the sea.
func scene(n int) []byte {
	const w, h = 720, 480
	s := scenes[n%len(scenes)]
	rnd := rand.New(rand.NewPCG(uint64(n), 7)) //nolint:gosec // drawn the same each time
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	horizon := float64(h) * .62
	type hill struct{ base, amp, f1, f2, p1, p2 float64 }
	var hills []hill
	for i := range s.hills {
		hills = append(hills, hill{horizon - float64(s.hills-i)*26, 12 + 10*rnd.Float64(), .006 + .006*rnd.Float64(), .017 + .01*rnd.Float64(), 6 * rnd.Float64(), 6 * rnd.Float64()})
	}
	sunX, sunY := float64(w)*(.3+.4*rnd.Float64()), horizon-s.sun*float64(h)*.6
	for y := range h {
		for x := range w {
			fx, fy := float64(x), float64(y)
			c := mix(s.sky, s.low, fy/horizon)
			if d := math.Hypot(fx-sunX, fy-sunY); s.sun >= 0 && d < 90 {
				c = mix(color.RGBA{255, 248, 228, 255}, c, (d-34)/56)
			}
			for i, l := range hills {
				if top := l.base + l.amp*math.Sin(fx*l.f1+l.p1) + l.amp*.4*math.Sin(fx*l.f2+l.p2); fy > top {
					c = mix(s.low, s.sea, .25+.5*float64(i+1)/float64(len(hills)+1))
				}
			}
			if fy > horizon {
				t := (fy - horizon) / (float64(h) - horizon)
				wave := math.Sin(fy*fy*.004+math.Sin(fx*.02)*1.4) * .06
				c = mix(mix(s.sea, s.low, .35), s.sea, t+wave)
			}
			img.SetRGBA(x, y, c)
		}
	}
	return encode(img)
}

// face draws a quiet pattern of a member's own: nobody's photograph is needed.
func face(name string) []byte {
	const w = 200
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name))               // never fails
	rnd := rand.New(rand.NewPCG(sum.Sum64(), 1)) //nolint:gosec // drawn the same each time
	palette := []color.RGBA{{194, 59, 50, 255}, {196, 102, 26, 255}, {150, 117, 11, 255}, {47, 125, 59, 255}, {31, 122, 148, 255}, {47, 86, 168, 255}, {113, 64, 143, 255}}
	back := palette[rnd.IntN(len(palette))]
	front := mix(back, color.RGBA{255, 250, 240, 255}, .72)
	img := image.NewRGBA(image.Rect(0, 0, w, w))
	var cells [5][5]bool
	for y := range 5 {
		for x := range 3 {
			on := rnd.IntN(2) == 0
			cells[y][x], cells[y][4-x] = on, on
		}
	}
	for y := range w {
		for x := range w {
			c := mix(back, color.RGBA{20, 16, 12, 255}, float64(y)/float64(w)*.25)
			cx, cy := (x-25)/30, (y-25)/30
			if x >= 25 && y >= 25 && cx < 5 && cy < 5 && cells[cy][cx] {
				c = front
			}
			img.SetRGBA(x, y, c)
		}
	}
	return encode(img)
}

func encode(img image.Image) []byte {
	var b bytes.Buffer
	_ = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, img) // a buffer does not fail
	return b.Bytes()
}
