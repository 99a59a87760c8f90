// Command gen rewrites locales/en.pot from the texts in the source. Run it with go generate in the folder of package i18n.
package main

import (
	"bytes"
	"fmt"
	"os"

	"rochdale/internal/kit/i18n"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	messages, err := i18n.Extract(os.DirFS("../.."))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := i18n.WriteTemplate(&b, messages); err != nil {
		return err
	}
	return os.WriteFile("locales/en.pot", b.Bytes(), 0o644)
}
