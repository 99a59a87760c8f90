package site

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"rochdale/internal/kit/i18n"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/web/ui"
	"rochdale/internal/social"
)

func str(n int) string { return strconv.Itoa(n) }

func digits(ctx context.Context, n int) string { return i18n.Number(ctx, int64(n)) }

func exact(ctx context.Context, at time.Time) string { return i18n.DateTime(ctx, at) }

func date(ctx context.Context, at time.Time) string { return i18n.Date(ctx, at) }

func yesNo(b bool) string { return strconv.FormatBool(b) }

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

// counted is the accessible name of a control that shows a number: both are read out.
func counted(ctx context.Context, label string, count int) string {
	if count == 0 {
		return label
	}
	// translators: the name of a button and how often it was pressed, such as "Boost, 3"
	return t(ctx, "%s, %s", label, digits(ctx, count))
}

func bellLabel(ctx context.Context, unread int) string {
	if unread == 0 {
		return t(ctx, "Notifications")
	}
	return n(ctx, "Notifications, %d unread", "Notifications, %d unread", unread)
}

func actPath(post id.ID, m mark) string { return "/posts/" + post.String() + "/" + string(m) }

func tiePath(account id.ID, t tie) string { return "/accounts/" + account.String() + "/" + string(t) }

func mayBoost(p *postView) bool {
	return p.Visibility <= social.Unlisted || p.Mine && p.Visibility == social.Followers
}

func visibilityLabel(ctx context.Context, v social.Visibility) string {
	switch v {
	case social.Unlisted:
		return t(ctx, "Quiet public")
	case social.Followers:
		return t(ctx, "Followers")
	case social.Direct:
		return t(ctx, "Mentioned people")
	}
	return t(ctx, "Public")
}

func visibilityIcon(v social.Visibility) string {
	return [...]string{"globe", "unlock", "lock", "at"}[v]
}

// visibilityOptions are the choices of who may see a post, none wider than what it answers.
func visibilityOptions(ctx context.Context, widest social.Visibility) []ui.Option {
	var out []ui.Option
	for v := widest; v <= social.Direct; v++ {
		out = append(out, ui.Option{Value: v.String(), Label: visibilityLabel(ctx, v)})
	}
	return out
}

func size(m pictureView) templ.Attributes {
	if m.Width == 0 || m.Height == 0 {
		return nil
	}
	return templ.Attributes{"width": str(m.Width), "height": str(m.Height)}
}

func pictureLabel(ctx context.Context, m pictureView) string {
	if m.Alt != "" {
		return t(ctx, "Picture: %s", m.Alt)
	}
	return t(ctx, "Picture without a description")
}

func fileLabel(ctx context.Context, m pictureView) string {
	if m.Alt != "" {
		return m.Alt
	}
	return t(ctx, "Film or sound on its own server")
}

// written are the languages offered for posts: the many that people here may write in, by the name
// that each gives itself. Any other tag that an account has chosen through an app is kept.
var written = []string{"ar", "bg", "bn", "br", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "gd", "gl",
	"he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka", "ko", "ku", "lt", "lv", "mi", "mk", "ms", "nl", "no", "oc", "pl", "pt", "ro", "ru", "sk", "sl",
	"sq", "sr", "sv", "sw", "ta", "th", "tr", "uk", "ur", "vi", "yi", "zh"}

// languageOptions lists the languages a post may be written in; one that is chosen already but not
// among them is added.
func languageOptions(chosen string) []ui.Option {
	tags := written
	if chosen != "" && !slices.Contains(tags, chosen) {
		tags = append([]string{chosen}, tags...)
	}
	out := make([]ui.Option, 0, len(tags))
	for _, tag := range tags {
		out = append(out, ui.Option{Value: tag, Label: languageName(tag)})
	}
	return out
}

func languageName(tag string) string {
	parsed, err := language.Parse(tag)
	if err != nil {
		return tag
	}
	if name := display.Self.Name(parsed); name != "" {
		return name
	}
	return tag
}

// followLabel says what following will do: whoever is locked is asked first.
func followLabel(ctx context.Context, v relationView) string {
	switch {
	case v.Who.Account.Locked:
		return t(ctx, "Ask to follow")
	case v.FollowedBy:
		return t(ctx, "Follow back")
	}
	return t(ctx, "Follow")
}

func mentionText(a accountView) string { return url.QueryEscape(a.Handle + " ") }

func seq(n int64) string { return strconv.FormatInt(n, 10) }

// localeOptions are the languages that the pages speak.
func localeOptions(ctx context.Context) []ui.Option {
	out := []ui.Option{{Value: "", Label: t(ctx, "As my browser says")}}
	for _, l := range i18n.Locales() {
		if l.Tag() != "qps" {
			out = append(out, ui.Option{Value: l.Tag(), Label: l.Name()})
		}
	}
	return out
}

// withNone adds the choice of nothing in particular.
func withNone(ctx context.Context, options []ui.Option) []ui.Option {
	return append([]ui.Option{{Value: "", Label: t(ctx, "The language of the pages")}}, options...)
}

// on is the value of a checkbox field that is checked.
func on(b bool) string {
	if b {
		return "on"
	}
	return ""
}

// browserName says in two words what a user agent is: enough to know one's own.
func browserName(ctx context.Context, agent string) string {
	name, system := "", ""
	for _, b := range [...][2]string{{"Edg", "Edge"}, {"OPR", "Opera"}, {"Firefox", "Firefox"}, {"Chrom", "Chrome"}, {"Safari", "Safari"}} {
		if name == "" && strings.Contains(agent, b[0]) {
			name = b[1]
		}
	}
	for _, o := range [...][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}} {
		if system == "" && strings.Contains(agent, o[0]) {
			system = o[1]
		}
	}
	switch {
	case name != "" && system != "":
		return t(ctx, "%s on %s", name, system)
	case name+system != "":
		return name + system
	}
	return t(ctx, "A browser")
}
