package check

import (
	"slices"
	"strings"
	"testing"
)

// uses says which features a feature may call. Adding a line is a design decision; the table has no
// circles because each feature only names features above it.
var uses = []struct {
	feature string
	uses    []string
}{
	{"record", nil},
	{"identity", nil},
	{"mandate", []string{"record"}},
	{"rulebook", []string{"record"}},
	{"ballot", []string{"record"}},
	{"media", nil},
	{"social", []string{"media"}},
	{"notice", []string{"social"}},
	{"search", []string{"social"}},
	{"moderation", []string{"social"}},
	{"webhook", nil},
	{"witness", []string{"record"}},
	{"member", []string{"identity", "record"}},
	{"coop", []string{"identity", "mandate", "member", "record", "rulebook", "social"}},
	{"decision", []string{"ballot", "mandate", "member", "record", "rulebook"}},
	{"election", []string{"ballot", "mandate", "member", "record", "rulebook", "witness"}},
}

func usesOf(feature string) ([]string, bool) {
	for _, u := range uses {
		if u.feature == feature {
			return u.uses, true
		}
	}
	return nil, false
}

func TestTheTableOfUsesHasNoCircles(t *testing.T) {
	t.Parallel()
	var seen []string
	for _, u := range uses {
		for _, x := range u.uses {
			if !slices.Contains(seen, x) {
				t.Errorf("%s uses %s, which stands below it in the table", u.feature, x)
			}
		}
		seen = append(seen, u.feature)
	}
}

// Imports run downward only: cmd, app, surface, feature, kit, lib. A surface never imports a surface,
// a feature only what the table lists.
func TestImportsRunDownward(t *testing.T) {
	t.Parallel()
	for _, f := range files() {
		ring, name := layer(f.pkg)
		for _, imp := range f.imports() {
			target, ours := strings.CutPrefix(imp, "rochdale/")
			if !ours {
				continue
			}
			toRing, toName := layer(target)
			if !mayImport(f, ring, name, toRing, toName) {
				t.Errorf("%s imports %s: a %s may not", f.path, imp, ring)
			}
		}
	}
}

func mayImport(f file, ring, name, toRing, toName string) bool {
	switch ring {
	case "app", "check", "outside":
		return true
	case "cmd":
		return toRing == "app"
	case "surface":
		return toRing == "feature" || toRing == "kit" || toRing == "lib" || toRing == "surface" && toName == name
	case "feature":
		allowed, listed := usesOf(name)
		if f.test && toRing == "feature" { // a test may need the tables of what lies below
			return true
		}
		return toRing == "kit" || toRing == "lib" || toRing == "feature" && (toName == name || listed && slices.Contains(allowed, toName))
	case "kit":
		return toRing == "kit" || toRing == "lib"
	case "lib":
		return toRing == "lib"
	}
	return false
}

// Only http*.go of a feature may speak HTTP: rules and SQL know nothing of it.
func TestOnlyHTTPFilesSpeakHTTP(t *testing.T) {
	t.Parallel()
	for _, f := range files() {
		ring, _ := layer(f.pkg)
		base := f.path[strings.LastIndex(f.path, "/")+1:]
		if ring != "feature" || f.test || strings.HasPrefix(base, "http") {
			continue
		}
		if slices.Contains(f.imports(), "net/http") {
			t.Errorf("%s imports net/http: move the handler into http.go", f.path)
		}
	}
}

// Only kit/db knows the drivers, only kit/jobs the queue, only kit/clock the machine's time.
func TestOnePlaceKnowsEachTool(t *testing.T) {
	t.Parallel()
	owners := map[string]string{
		"github.com/ncruces/go-sqlite3":     "internal/kit/db",
		"github.com/riverqueue/river":       "internal/kit/jobs",
		"github.com/pressly/goose":          "internal/kit/db",
		"github.com/minio/minio-go":         "internal/kit/blob",
		"github.com/wneessen/go-mail":       "internal/kit/mail",
		"github.com/leonelquinteros/gotext": "internal/kit/i18n",
	}
	for _, f := range files() {
		if f.test {
			continue
		}
		for _, imp := range f.imports() {
			for prefix, owner := range owners {
				if strings.HasPrefix(imp, prefix) && f.pkg != owner && !strings.HasPrefix(f.pkg, owner+"/") {
					t.Errorf("%s imports %s: only %s may", f.path, imp, owner)
				}
			}
		}
		ring, _ := layer(f.pkg)
		if strings.Contains(f.text, "time.Now()") && f.pkg != "internal/kit/clock" && ring != "outside" && !f.generated() {
			t.Errorf("%s calls time.Now: take the clock's or the transaction's time", f.path)
		}
	}
}
