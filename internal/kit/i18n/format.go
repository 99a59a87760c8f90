package i18n

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Ago says how long ago t was, as short as a timeline needs it: "now", "12 min", "2 h", "3 d", and the date after a week. A time up to a minute in
// the future, from a server whose clock is ahead, is now as well.
func Ago(ctx context.Context, t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < -time.Minute || d >= 7*24*time.Hour:
		t = t.In(now.Location())
		if t.Year() == now.Year() {
			return fill(T(ctx, "{day} {month}"), t, monthName(ctx, t))
		}
		return Date(ctx, t)
	case d < time.Minute:
		return T(ctx, "now")
	case d < time.Hour:
		// translators: minutes, as short as can be
		return T(ctx, "%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		// translators: hours, as short as can be
		return T(ctx, "%d h", int(d.Hours()))
	default:
		// translators: days, as short as can be
		return T(ctx, "%d d", int(d.Hours()/24))
	}
}

// Date writes the day in words, in t's own time zone.
func Date(ctx context.Context, t time.Time) string {
	// translators: a date; reorder and add what your language needs, such as "{day}. {month} {year}"
	return fill(T(ctx, "{day} {month} {year}"), t, monthName(ctx, t))
}

// DateTime writes day, minute and time zone.
func DateTime(ctx context.Context, t time.Time) string {
	return fill(T(ctx, "{day} {month} {year}, {hour}:{minute} {zone}"), t, monthName(ctx, t))
}

// Number writes n with the locale's digit groups.
func Number(ctx context.Context, n int64) string {
	if -1000 < n && n < 1000 && From(ctx).english {
		return strconv.FormatInt(n, 10)
	}
	return From(ctx).numbers.Sprintf("%d", n)
}

func monthName(ctx context.Context, t time.Time) string {
	return T(ctx, [...]string{
		Key("January"), Key("February"), Key("March"), Key("April"), Key("May"), Key("June"),
		Key("July"), Key("August"), Key("September"), Key("October"), Key("November"), Key("December"),
	}[t.Month()-1])
}

// fill puts the parts of a time in the places that the pattern names.
func fill(pattern string, t time.Time, month string) string {
	return strings.NewReplacer(
		"{day}", strconv.Itoa(t.Day()),
		"{month}", month,
		"{year}", strconv.Itoa(t.Year()),
		"{hour}", fmt.Sprintf("%02d", t.Hour()),
		"{minute}", fmt.Sprintf("%02d", t.Minute()),
		"{zone}", t.Format("MST"),
	).Replace(pattern)
}
