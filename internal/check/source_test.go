package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

// file is one parsed Go file of the repository.
type file struct {
	path string // slashed, from the root
	pkg  string // folder, from the root
	test bool
	ast  *ast.File
	text string
}

// files parses the tree itself: the go command's answers are cached together with the test's.
var files = sync.OnceValue(func() []file {
	var out []file
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(name string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
		if e.IsDir() {
			if base := e.Name(); base == "node_modules" || base == "testdata" || base == "out" || base == "data" || strings.HasPrefix(base, ".") && name != root {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, b, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, file{path: rel, pkg: filepath.ToSlash(filepath.Dir(rel)), test: strings.HasSuffix(rel, "_test.go"), ast: f, text: string(b)})
		return nil
	})
	if err != nil {
		panic(err)
	}
	return out
})

func (f *file) imports() []string {
	var out []string
	for _, i := range f.ast.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func (f *file) generated() bool { return strings.HasSuffix(f.path, "_templ.go") }

// layer is the ring of the architecture that a folder belongs to, and its name there.
func layer(pkg string) (ring, name string) {
	p := strings.Split(pkg, "/")
	switch {
	case p[0] == "cmd":
		return "cmd", pkg
	case p[0] == "e2e" || p[0] == "bench":
		return "outside", pkg
	case len(p) < 2 || p[0] != "internal":
		return "outside", pkg
	case p[1] == "app" || p[1] == "check":
		return p[1], pkg
	case p[1] == "kit" && len(p) == 2:
		return "kit", "kit"
	case p[1] == "kit" || p[1] == "lib" || p[1] == "surface":
		return p[1], p[2]
	}
	return "feature", p[1]
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
