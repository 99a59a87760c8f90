package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A file one can read in a sitting: 800 lines at most, generated ones apart.
func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, f := range files() {
		if n := strings.Count(f.text, "\n"); n > 800 && !f.generated() {
			t.Errorf("%s has %d lines: split it", f.path, n)
		}
	}
}

// One package comment each, that says what the package is for.
func TestPackagesHaveOneComment(t *testing.T) {
	t.Parallel()
	comments := map[string][]string{}
	for _, f := range files() {
		if f.test {
			continue
		}
		if _, ok := comments[f.pkg]; !ok {
			comments[f.pkg] = nil
		}
		if f.ast.Doc != nil && !f.generated() {
			comments[f.pkg] = append(comments[f.pkg], f.path)
		}
	}
	for pkg, where := range comments {
		if len(where) != 1 {
			t.Errorf("%s has %d package comments %v: write one, in doc.go or the main file", pkg, len(where), where)
		}
	}
}

// Everything exported of a feature, of kit and of lib says what it is for.
func TestExportedThingsAreExplained(t *testing.T) {
	t.Parallel()
	method := regexp.MustCompile(`(?m)^(?:\}\n|\n)func (?:\([a-z]+ \*?[A-Z]\w*\) )?([A-Z]\w*)\(`)
	for _, f := range files() {
		ring, _ := layer(f.pkg)
		if f.test || f.generated() || ring == "outside" {
			continue
		}
		for _, m := range method.FindAllStringSubmatch(f.text, -1) {
			if m[1] != "Error" && m[1] != "String" { // what every Go reader knows
				t.Errorf("%s: %s has no comment", f.path, m[1])
			}
		}
	}
}

// A migration with an engine in its name has a twin for the other, and no two share a version.
func TestMigrationsAreWhole(t *testing.T) {
	t.Parallel()
	versions := map[string]string{}
	name := regexp.MustCompile(`^(\d{12})_[a-z0-9_]+(?:\.(sqlite|postgres))?\.sql$`)
	for _, path := range migrations(t) {
		m := name.FindStringSubmatch(filepath.Base(path))
		if m == nil {
			t.Errorf("%s: name it YYYYMMDDHHMM_what.sql", path)
			continue
		}
		key := m[1] + m[2]
		if other := versions[key]; other != "" {
			t.Errorf("%s and %s have the same version", path, other)
		}
		versions[key] = path
		if m[2] != "" {
			twin := map[string]string{"sqlite": "postgres", "postgres": "sqlite"}[m[2]]
			if _, err := os.Stat(strings.Replace(path, "."+m[2]+".", "."+twin+".", 1)); err != nil {
				t.Errorf("%s has no twin for %s", path, twin)
			}
		}
	}
}

func migrations(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"internal/*/migrations/*.sql", "internal/*/*/migrations/*.sql"} {
		m, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m...)
	}
	if len(out) < 5 {
		t.Fatalf("found only %d migrations", len(out))
	}
	return out
}

var (
	creates = regexp.MustCompile(`(?i)CREATE (?:VIRTUAL )?TABLE (?:IF NOT EXISTS )?(\w+)`)
	names   = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)\b`)
)

// Nobody reads another feature's tables: store files name only tables of their own migrations.
func TestTablesHaveOneOwner(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for _, path := range migrations(t) {
		pkg := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(filepath.Dir(path))), root+"/")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range creates.FindAllStringSubmatch(string(b), -1) {
			table := strings.ToLower(m[1])
			if o := owner[table]; o != "" && o != pkg {
				t.Errorf("table %s is made by %s and %s", table, o, pkg)
			}
			owner[table] = pkg
		}
	}
	checked := 0
	for _, f := range files() {
		if f.test || !strings.Contains(f.text, "db.Def") && !strings.Contains(f.text, "db.Stmt") {
			continue
		}
		ring, _ := layer(f.pkg)
		base := filepath.Base(f.path)
		if (ring == "feature" || ring == "surface") && !strings.HasPrefix(base, "store") {
			t.Errorf("%s holds SQL: move it into store.go", f.path)
		}
		for _, m := range names.FindAllStringSubmatch(f.text, -1) {
			if o := owner[strings.ToLower(m[1])]; o != "" {
				checked++
				if o != f.pkg {
					t.Errorf("%s names table %s, which belongs to %s: call its Service", f.path, m[1], o)
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d table names were looked at: the check has gone blind", checked)
	}
}

// Every feature and surface is wired into app.
func TestFeaturesAreWired(t *testing.T) {
	t.Parallel()
	text := read(t, "internal/app/app.go")
	seen := map[string]bool{}
	for _, f := range files() {
		ring, name := layer(f.pkg)
		if (ring == "feature" || ring == "surface") && !seen[name] {
			seen[name] = true
			if !strings.Contains(text, fmt.Sprintf("{Name: %q", name)) {
				t.Errorf("%s is not in features() of internal/app/app.go", f.pkg)
			}
		}
	}
	for _, path := range migrations(t) {
		name := filepath.Base(filepath.Dir(filepath.Dir(path)))
		if !strings.Contains(text, name+".Migrations()") {
			t.Errorf("the migrations of %s are not in Migrations() of internal/app/app.go", name)
		}
	}
}

// Words the project does not use: power comes from mandates.
func TestForbiddenWords(t *testing.T) {
	t.Parallel()
	forbidden := regexp.MustCompile(`(?i)\b(is_?admin|superuser|isowner|administrator)\b`)
	for _, f := range files() {
		if strings.HasPrefix(f.path, "internal/check/") {
			continue
		}
		for i, line := range strings.Split(f.text, "\n") {
			if forbidden.MatchString(line) && !strings.Contains(line, "no administrator") {
				t.Errorf("%s:%d: %s", f.path, i+1, strings.TrimSpace(line))
			}
		}
	}
}

// Templates stay within the Content-Security-Policy: nothing that needs eval, no inline style or
// script, and one way only to write unescaped HTML.
func TestTemplatesStayWithinThePolicy(t *testing.T) {
	t.Parallel()
	bad := regexp.MustCompile(`hx-on|"js:|hx-trigger="[^"]*\[|\sstyle=|<script>|\son[a-z]+="`)
	n := 0
	for _, pattern := range []string{"internal/*/*.templ", "internal/*/*/*.templ", "internal/*/*/*/*.templ"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			n++
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(b), "\n") {
				if bad.MatchString(line) {
					t.Errorf("%s:%d: %s", p, i+1, strings.TrimSpace(line))
				}
				if strings.Contains(line, "templ.Raw") && !strings.Contains(p, "kit/web/ui") {
					t.Errorf("%s:%d: use ui.SafeHTML", p, i+1)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no templates were found: the check has gone blind")
	}
}
