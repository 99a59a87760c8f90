package election

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"rochdale/internal/lib/tally"
)

// picture is a count as bars and the streams between them: one column a stage, one bar a candidate, as high
// as their votes; a stream is votes that move from one candidate to another, or stay. It is for the eye
// alone: the numbers are in the table beside it.
type picture struct {
	Width, Height int
	Bars          []bar
	Streams       []stream
	Labels        []mark
}

type bar struct {
	X, Y, W, H float64
	Hue        int // 1 to 8, by candidate; 0 for votes without a further preference
	State      string
	Title      string
}

type stream struct {
	Path  string
	Hue   int
	Title string
	Last  bool // it moved in the stage that is shown
}

type mark struct {
	X, Y  float64
	Text  string
	Title string // the whole text where it was shortened
	End   bool
	Head  bool // the number of a stage
}

// Sizes in the picture's own units.
const (
	page       = 556.0 // what a page has room for: fewer stages are drawn closer to fit
	columnMin  = 72.0
	columnMax  = 104.0
	barWidth   = 16.0
	tallest    = 420.0
	gap        = 14.0
	labelWidth = 148.0
	top        = 26.0
	longest    = 19 // letters of a name
)

// lapsed stands for the votes that found no further preference: no candidate has an empty name.
const lapsed = ""

// drawCount draws the first stages of a count, up to and with the last; without is the label of votes
// without a further preference.
func drawCount(r *tally.Result, last int, without string) picture {
	stages := r.Stages[:min(last, len(r.Stages))]
	if len(stages) == 0 || len(stages[0].Votes) == 0 {
		return picture{}
	}
	order := append(standingOrder(r), lapsed)
	label := func(name string) string { return first(name == lapsed, without, name) }
	scale := scaleOf(stages)
	column := min(max((page-2*labelWidth-barWidth)/max(float64(len(stages)-1), 1), columnMin), columnMax)
	p := picture{Width: int(labelWidth + column*float64(len(stages)-1) + barWidth + labelWidth)}
	elected := map[string]bool{}
	deepest := 0.0
	var before map[string]bar
	for k, s := range stages {
		x := labelWidth + column*float64(k)
		p.Labels = append(p.Labels, mark{X: x + barWidth/2, Y: 12, Text: strconv.Itoa(s.Number), Head: true})
		for _, name := range slices.Concat(s.Elected, s.Filled) {
			elected[name] = true
		}
		now, y := map[string]bar{}, top
		for i, name := range order {
			h := votesOf(&s, name) * scale
			b := bar{X: x, Y: y, W: barWidth, H: h, Hue: i%8 + 1, Title: label(name) + ": " + trim(valueOf(&s, name))}
			switch {
			case name == lapsed:
				b.Hue = 0
			case elected[name]:
				b.State = "elected"
			case slices.Contains(s.Excluded, name):
				b.State = "excluded"
			}
			now[name] = b
			if h <= 0 {
				continue
			}
			p.Bars = append(p.Bars, b)
			y += h + gap
			deepest = max(deepest, y)
			if k == 0 {
				p.Labels = append(p.Labels, caption(label(name), "", x-8, b, true))
			}
			if k == len(stages)-1 {
				p.Labels = append(p.Labels, caption(label(name), short(votesOf(&s, name)), x+barWidth+8, b, false))
			}
		}
		if k > 0 {
			p.Streams = append(p.Streams, streams(order, &s, before, now, scale, k == len(stages)-1, label)...)
		}
		before = now
	}
	p.Height = int(deepest)
	return p
}

// caption is the label of a bar: the name, or as much of it as there is room for, and the votes.
func caption(name, votes string, x float64, b bar, end bool) mark {
	m := mark{X: x, Y: b.Y + b.H/2 + 4, Text: name, End: end}
	if room := longest - utf8.RuneCountInString(votes); utf8.RuneCountInString(name) > room {
		m.Title = name
		m.Text = strings.TrimRight(string([]rune(name)[:max(room-1, 1)]), " -,") + "…"
	}
	if votes != "" {
		m.Text += " " + votes
	}
	return m
}

// streams are what stayed with each candidate and what moved in a stage.
func streams(order []string, s *tally.Stage, before, now map[string]bar, scale float64, last bool, label func(string) string) []stream {
	left, right := map[string]float64{}, map[string]float64{} // how much of a bar's edge is used
	moved := map[string]float64{}
	for _, f := range s.Flows {
		moved[f.From] += number(f.Votes)
	}
	var out []stream
	add := func(from, to string, h float64, title string) {
		if h < 0.2 {
			return
		}
		a, b := before[from], now[to]
		x0, y0, x1, y1 := a.X+a.W, a.Y+left[from], b.X, b.Y+right[to]
		left[from] += h
		right[to] += h
		m := (x0 + x1) / 2
		out = append(out, stream{Path: ribbon(x0, y0, x1, y1, m, h), Hue: a.Hue, Title: title, Last: last && from != to})
	}
	for _, name := range order {
		add(name, name, max(0, min(before[name].H-moved[name]*scale, now[name].H)), "")
	}
	for _, name := range order {
		for _, f := range s.Flows {
			if f.To == name {
				add(f.From, f.To, number(f.Votes)*scale, label(f.From)+" → "+label(f.To)+": "+trim(f.Votes))
			}
		}
	}
	return out
}

// ribbon is the outline of a stream of height h from one point to another.
func ribbon(x0, y0, x1, y1, m, h float64) string {
	return fmt.Sprintf("M%.1f %.1fC%.1f %.1f %.1f %.1f %.1f %.1fv%.1fC%.1f %.1f %.1f %.1f %.1f %.1fz", x0, y0, m, y0, m, y1, x1, y1, h, m, y1+h, m, y0+h, x0, y0+h)
}

// standingOrder lists the options by how long they lasted, the elected first, so that streams cross little.
func standingOrder(r *tally.Result) []string {
	out := slices.Clone(r.Elected)
	for _, s := range slices.Backward(r.Stages) {
		for _, x := range s.Excluded {
			if !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
		for _, v := range s.Votes {
			if number(v.Value) > 0 && !slices.Contains(out, v.Option) && !lostLater(r, v.Option) {
				out = append(out, v.Option)
			}
		}
	}
	return out
}

func lostLater(r *tally.Result, name string) bool {
	return slices.ContainsFunc(r.Stages, func(s tally.Stage) bool { return slices.Contains(s.Excluded, name) })
}

func scaleOf(stages []tally.Stage) float64 {
	most := 1.0
	for _, s := range stages {
		sum := 0.0
		for _, v := range s.Votes {
			sum += number(v.Value)
		}
		sum += number(s.Lapsed)
		most = max(most, sum)
	}
	return tallest / most
}

func votesOf(s *tally.Stage, name string) float64 { return number(valueOf(s, name)) }

func valueOf(s *tally.Stage, name string) string {
	if name == lapsed {
		return s.Lapsed
	}
	for _, v := range s.Votes {
		if v.Option == name {
			return v.Value
		}
	}
	return "0"
}

// short is a number of votes as a label has room for it; the title and the table have all decimals.
func short(votes float64) string {
	if votes >= 100 {
		return strconv.FormatFloat(votes, 'f', 0, 64)
	}
	return trim(strconv.FormatFloat(votes, 'f', 2, 64))
}

// number reads a decimal for drawing. Nothing is counted with it.
func number(decimal string) float64 {
	r, ok := new(big.Rat).SetString(decimal)
	if !ok {
		return 0
	}
	f, _ := r.Float64()
	return f
}
