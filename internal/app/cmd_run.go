package app

import (
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"rochdale/internal/kit/id"
)

type serveCmd struct {
	Role Role  `default:"all" enum:"all,web,worker" help:"all, or web and worker on several nodes that share a PostgreSQL database."`
	Node int32 `default:"0" help:"Number of this node, 0 to 63, where several share a database."`
}

// Run implements the command.
func (c *serveCmd) Run(r *run) error {
	if c.Node < 0 || c.Node > 63 {
		return usageError{fmt.Errorf("a node's number is 0 to 63")}
	}
	id.SetNode(c.Node)
	a, err := Build(r.ctx, r.config, r.clock, r.log, c.Role != Web)
	if err != nil {
		return err
	}
	defer a.Close()
	if c.Role != Everything && a.DB.Path() != "" {
		return usageError{fmt.Errorf("roles share a PostgreSQL database; with SQLite one process does everything")}
	}
	return a.Serve(r.ctx, c.Role, r.out, nil)
}

type migrateCmd struct{}

// Run implements the command: opening the program migrates.
func (c *migrateCmd) Run(r *run) error {
	a, err := r.build()
	if err != nil {
		return err
	}
	a.Close()
	_, err = fmt.Fprintln(r.out, "The database is up to date.")
	return err
}

type versionCmd struct {
	JSON bool `help:"Print as JSON."`
}

// Run implements the command.
func (c *versionCmd) Run(r *run) error {
	if c.JSON {
		return printJSON(r, map[string]string{"version": Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(r.out, "rochdale %s (%s, %s/%s)\n", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

type configCmd struct {
	JSON bool `help:"Print as JSON."`
}

// Run implements the command.
func (c *configCmd) Run(r *run) error {
	settings := settingsOf(r.config)
	if c.JSON {
		m := map[string]any{}
		for _, s := range settings {
			m[s.key] = s.value
		}
		return printJSON(r, m)
	}
	for _, s := range settings {
		b, err := json.Marshal(s.value) // TOML writes strings, booleans and lists as JSON does
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(r.out, "%s = %s\n", s.key, b); err != nil {
			return err
		}
	}
	return nil
}

type setting struct {
	key, env, fallback, help string
	value                    any
}

// settingsOf lists the settings from the struct that declares them. Secrets are not printed.
func settingsOf(c Config) []setting {
	var out []setting
	v := reflect.ValueOf(c)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if _, hidden := f.Tag.Lookup("hidden"); hidden {
			continue
		}
		s := setting{key: strings.ReplaceAll(f.Tag.Get("name"), "-", "_"), env: f.Tag.Get("env"), fallback: f.Tag.Get("default"),
			help: f.Tag.Get("help"), value: v.Field(i).Interface()}
		if text, ok := s.value.(string); ok {
			s.value = withoutPassword(text)
		}
		if list, ok := s.value.([]string); ok && list == nil {
			s.value = []string{}
		}
		out = append(out, s)
	}
	return out
}

// withoutPassword hides the password of an address.
func withoutPassword(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	credentials, host, ok := strings.Cut(rest, "@")
	if !ok {
		return s
	}
	name, _, secret := strings.Cut(credentials, ":")
	if !secret {
		return s
	}
	return scheme + "://" + name + ":...@" + host
}

// Reference is docs/config.md.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\nGenerated from `internal/app/config.go` by `make generate`. Defaults come first, then the file named by `--config`\n(TOML), then the environment, then flags. An unknown key in the file is an error.\n\n")
	b.WriteString("| key in the file | environment | flag | default | meaning |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range settingsOf(Config{}) {
		fmt.Fprintf(&b, "| `%s` | `%s` | `--%s` | %s | %s |\n", s.key, s.env, strings.ReplaceAll(s.key, "_", "-"), codeOrDash(s.fallback), strings.ReplaceAll(s.help, "|", "\\|"))
	}
	return b.String()
}

func codeOrDash(s string) string {
	if s == "" {
		return "–"
	}
	return "`" + s + "`"
}

func printJSON(r *run, v any) error {
	e := json.NewEncoder(r.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
