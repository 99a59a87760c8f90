package assets

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"testing"
)

// TestContrast holds every pairing of the tokens to WCAG 2.2 AA in both themes: 4.5 for text, 3 for the
// edges of controls. Tints are the colour-mix that style sheets use, here in sRGB, which is within a
// few hundredths of oklab at these shares.
//
// spec: wcag22#contrast-minimum wcag22#non-text-contrast
func TestContrast(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("src/css/tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	tokens := [2]map[string]colour{{}, {}}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);`).FindAllStringSubmatch(string(src), -1) {
		tokens[0][m[1]], tokens[1][m[1]] = parse(t, m[2]), parse(t, m[3])
	}
	if len(tokens[0]) < 15 {
		t.Fatalf("read only %d tokens", len(tokens[0]))
	}
	hues := []string{"red", "orange", "gold", "green", "cyan", "blue", "violet"}
	for theme, c := range tokens {
		name := [2]string{"light", "dark"}[theme]
		check := func(what string, a, b colour, least float64) {
			t.Helper()
			if got := ratio(a, b); got < least {
				t.Errorf("%s: %s is %.2f, want %.1f", name, what, got, least)
			}
		}
		for _, ground := range []string{"paper", "card", "sunk"} {
			for _, text := range append([]string{"ink", "ink-2", "accent", "accent-2"}, hues...) {
				check(text+" on "+ground, c[text], c[ground], 4.5)
			}
			check("edge on "+ground, c["edge"], c[ground], 3)
		}
		for _, button := range []string{"accent", "accent-2"} {
			check("button text on "+button, c["accent-ink"], c[button], 4.5)
		}
		check("tip", c["paper"], c["ink"], 4.5)
		check("disabled button", c["ink-2"], c["line"], 4.5)
		for _, hue := range append([]string{"accent"}, hues...) {
			check("badge text on "+hue, c["on-hue"], c[hue], 4.5)
			for _, ground := range []string{"paper", "card"} {
				chip := mix(c[hue], c[ground], .09)
				check("chip "+hue+" on "+ground, c[hue], chip, 4.5)
				check("ink on tint "+hue, c["ink"], mix(c[hue], c[ground], .28), 4.5)
				check("ink-2 on tint "+hue, c["ink-2"], chip, 4.5)
				check("hover "+hue+" on "+ground, c[hue], mix(c[hue], c[ground], .11), 4.5)
			}
		}
	}
}

type colour [3]float64

func parse(t *testing.T, s string) colour {
	t.Helper()
	var r, g, b uint8
	if _, err := fmt.Sscanf(s, "#%02x%02x%02x", &r, &g, &b); err != nil {
		t.Fatalf("colour %q: %v", s, err)
	}
	return colour{float64(r), float64(g), float64(b)}
}

func mix(a, b colour, share float64) colour {
	for i := range a {
		a[i] = a[i]*share + b[i]*(1-share)
	}
	return a
}

func ratio(a, b colour) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + .05) / (min(x, y) + .05)
}

func luminance(c colour) float64 {
	for i := range c {
		if c[i] /= 255; c[i] <= .04045 {
			c[i] /= 12.92
		} else {
			c[i] = math.Pow((c[i]+.055)/1.055, 2.4)
		}
	}
	return .2126*c[0] + .7152*c[1] + .0722*c[2]
}
