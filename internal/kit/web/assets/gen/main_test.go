package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is committed must be what the sources make: run "go generate" in the assets folder.
func TestDistIsFresh(t *testing.T) {
	t.Parallel()
	want, err := build("..")
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range want {
		got, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Errorf("read what go generate wrote: %v", err)
		} else if !bytes.Equal(got, body) {
			t.Errorf("%s is not what the sources make", name)
		}
	}
	there, err := filepath.Glob("../dist/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if want["dist/"+filepath.Base(path)] == nil {
			t.Errorf("%s is left over", path)
		}
	}
}
