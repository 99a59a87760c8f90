package check

import (
	"bufio"
	"regexp"
	"strings"
	"testing"
)

// Every spec citation in the source resolves in specs/index.txt, and every line there that says Yes or
// Partial is cited somewhere.
func TestSpecCitationsResolve(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	s := bufio.NewScanner(strings.NewReader(read(t, "specs/index.txt")))
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.SplitN(line, "|", 3)
		if len(fields) != 3 {
			t.Errorf("specs/index.txt: %q is not of the form name | Yes, Partial or No | where and what", line)
			continue
		}
		name, state := strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1])
		if state != "Yes" && state != "Partial" && state != "No" {
			t.Errorf("specs/index.txt: %s is %q", name, state)
		}
		known[name] = state != "No"
	}
	cite := regexp.MustCompile(`spec: ([^\n]+)`)
	// A citation is a name with a digit or a slash in it; what follows the names is prose.
	name := regexp.MustCompile(`^[a-z]\S*[\d/]\S*$|^activitypub|^activitystreams-vocabulary|^did-key|^av1-`)
	cited := map[string]bool{}
	for _, f := range files() {
		if strings.HasPrefix(f.path, "internal/check/") {
			continue
		}
		for _, m := range cite.FindAllStringSubmatch(f.text, -1) {
			for _, c := range strings.Split(m[1], ",") {
				first, _, _ := strings.Cut(strings.TrimSpace(c), " ")
				doc, _, _ := strings.Cut(strings.TrimRight(first, ";:.)`"), "#")
				if !name.MatchString(doc) {
					break
				}
				if _, ok := known[doc]; !ok && !cited[doc] {
					t.Errorf("%s cites %s, which is not in specs/index.txt", f.path, doc)
				}
				cited[doc] = true
			}
		}
	}
	for name, supported := range known {
		if supported && !cited[name] {
			t.Errorf("specs/index.txt says that %s is supported, but nothing cites it", name)
		}
	}
}

// Every direct dependency has its reason in docs/dependencies.md, and nothing else has.
func TestDependenciesHaveReasons(t *testing.T) {
	t.Parallel()
	mod, doc := read(t, "go.mod"), read(t, "docs/dependencies.md")
	direct := map[string]bool{}
	for _, line := range strings.Split(mod, "\n") {
		f := strings.Fields(line)
		if len(f) >= 2 && strings.Contains(f[0], ".") && strings.HasPrefix(f[1], "v") && !strings.Contains(line, "// indirect") {
			direct[f[0]] = true
			if !strings.Contains(doc, "`"+f[0]+"`") {
				t.Errorf("docs/dependencies.md gives no reason for %s", f[0])
			}
		}
	}
	if len(direct) < 10 {
		t.Errorf("only %d direct dependencies found: the check has gone blind", len(direct))
	}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")
	for _, m := range row.FindAllStringSubmatch(doc, -1) {
		if strings.Contains(m[1], ".") && !direct[m[1]] {
			t.Errorf("docs/dependencies.md speaks of %s, which is no direct dependency", m[1])
		}
	}
}
