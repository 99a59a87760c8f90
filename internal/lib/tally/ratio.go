package tally

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Ratio is an exact share of a whole, between 0 and 1, as rules state it:
// "3/4". Den is above 0; the zero value counts as the share 0. In JSON it is
// the string that String returns.
type Ratio struct{ Num, Den int64 }

// ParseRatio reads "3/4", "75%", "66.67%", "0.75", "0" or "1" and returns it
// in lowest terms. Shares below 0 or above the whole are refused.
func ParseRatio(s string) (Ratio, error) {
	text := strings.TrimSpace(s)
	bad := func(why string) (Ratio, error) { return Ratio{}, fmt.Errorf("parse share %q: %s", s, why) }
	num, den, fraction := strings.Cut(text, "/")
	r := Ratio{Den: 1}
	if fraction {
		var okNum, okDen bool
		if r.Num, okNum = digits(num); !okNum {
			return bad("the part before the stroke is not a whole number")
		}
		if r.Den, okDen = digits(den); !okDen {
			return bad("the part after the stroke is not a whole number")
		}
	} else {
		number, percent := strings.CutSuffix(text, "%")
		whole, after, point := strings.Cut(strings.TrimSpace(number), ".")
		if point && after == "" {
			return bad("nothing follows the point")
		}
		v, ok := digits(whole + after)
		if !ok || whole == "" {
			return bad("it is not a number")
		}
		r.Num = v
		for range after {
			r.Den *= 10
		}
		if percent {
			r.Den *= 100
		}
	}
	if r.Den == 0 {
		return bad("the part after the stroke is zero")
	}
	if r.Num > r.Den {
		return bad("it is more than the whole")
	}
	return r.reduced(), nil
}

// digits reads a plain decimal number of at most nine digits, so that a share
// times any roll stays exact and a rule stays readable.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	v, err := strconv.ParseInt(s, 10, 64)
	return v, err == nil
}

func (r Ratio) reduced() Ratio {
	if r.IsZero() {
		return Ratio{0, 1}
	}
	a, b := r.Num, r.Den
	for b != 0 {
		a, b = b, a%b
	}
	if a < 0 {
		a = -a
	}
	return Ratio{r.Num / a, r.Den / a}
}

// IsZero reports whether the share is 0, which rules read as "not asked".
func (r Ratio) IsZero() bool { return r.Num == 0 || r.Den == 0 }

// String returns the share in lowest terms: "3/4", "0", "1".
func (r Ratio) String() string {
	r = r.reduced()
	if r.Den == 1 {
		return strconv.FormatInt(r.Num, 10)
	}
	return strconv.FormatInt(r.Num, 10) + "/" + strconv.FormatInt(r.Den, 10)
}

// Percent returns the share of a hundred, cut (not rounded) after one decimal:
// "75", "12.5", and "66.6…" where more digits would follow.
func (r Ratio) Percent() string {
	r = r.reduced()
	tenths := new(big.Int).Mul(big.NewInt(r.Num), big.NewInt(1000))
	rest := new(big.Int)
	tenths.QuoRem(tenths, big.NewInt(r.Den), rest)
	digit := new(big.Int)
	tenths.QuoRem(tenths, big.NewInt(10), digit)
	switch {
	case rest.Sign() != 0:
		return tenths.String() + "." + digit.String() + "…"
	case digit.Sign() != 0:
		return tenths.String() + "." + digit.String()
	}
	return tenths.String()
}

// MarshalText and UnmarshalText give the share its JSON form, a string.
func (r Ratio) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what ParseRatio reads.
func (r *Ratio) UnmarshalText(b []byte) error {
	parsed, err := ParseRatio(string(b))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// met reports whether have/of reaches the share: at least it or, when strict,
// more than it. The comparison is of whole numbers, multiplied crosswise.
func (r Ratio) met(have, of int, strict bool) bool {
	r = r.reduced()
	left := new(big.Int).Mul(big.NewInt(int64(have)), big.NewInt(r.Den))
	right := new(big.Int).Mul(big.NewInt(int64(of)), big.NewInt(r.Num))
	cmp := left.Cmp(right)
	return cmp > 0 || cmp == 0 && !strict
}

// least returns the smallest number out of "of" that reaches the share; for
// "more than all of it" that is one more than there are.
func (r Ratio) least(of int, strict bool) int {
	n := new(big.Int).Mul(big.NewInt(int64(of)), big.NewInt(r.reduced().Num))
	rest := new(big.Int)
	n.QuoRem(n, big.NewInt(r.reduced().Den), rest)
	if strict || rest.Sign() != 0 {
		n.Add(n, big.NewInt(1))
	}
	return int(n.Int64())
}
