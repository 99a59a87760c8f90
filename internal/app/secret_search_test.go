package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/testkit"
)

// A unit is what somebody who reads the machine's disk sees in one place: a row, a page, a line, a mail.
type unit struct {
	where string
	text  []byte
}

// search looks through everything that is kept: in no unit is a member's name or number beside anything
// that is theirs alone in the ballot box.
func (p *polling) search(when, log string, backups ...string) {
	p.t.Helper()
	units := p.units(log, backups...)
	for _, found := range p.joined(units) {
		p.t.Errorf("%s: %s", when, found)
	}
	p.t.Logf("%s: %d rows, pages, lines and files join nobody with a ballot", when, len(units))
	p.sees(units)
}

// units are everything that is kept: the log, the database, all files and the backups.
func (p *polling) units(log string, backups ...string) []unit {
	p.t.Helper()
	units := lines("the log", []byte(log))
	p.at(func(ctx context.Context, a *App) {
		if a.DB.Dialect() == db.Postgres {
			units = append(units, p.dump(p.config.Database)...)
		} else {
			units = append(units, p.rows(ctx, "the database", a.DB.Reader())...)
		}
	})
	p.must(filepath.WalkDir(p.config.Data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		switch {
		case errors.Is(err, os.ErrNotExist): // written anew just now
			return nil
		case strings.HasSuffix(path, ".db-wal"):
			units = append(units, frames(path, b)...)
		case strings.HasSuffix(path, ".db"):
			units = append(units, pages(path, b)...)
		default:
			units = append(units, unit{path, b})
		}
		return err
	}))
	for _, file := range backups {
		units = append(units, p.opened(file)...)
	}
	return units
}

// joined names the units that hold a member and the same member's ballot.
func (p *polling) joined(units []unit) []string {
	var out []string
	for _, u := range units {
		for _, x := range p.everyone[3:] {
			if a, b := first(u.text, x.person()), first(u.text, p.cast(x)); a != "" && b != "" {
				out = append(out, fmt.Sprintf("%s holds the %s of %s and the %s of their ballot", u.where, a, x.Name, b))
			}
		}
	}
	return out
}

// sees makes sure that the search reads: each member and each ballot is somewhere.
func (p *polling) sees(units []unit) {
	p.t.Helper()
	for _, x := range p.everyone[3:] {
		for what, marks := range map[string]map[string][]byte{"member": x.person(), "ballot": p.cast(x)} {
			if !slices.ContainsFunc(units, func(u unit) bool { return first(u.text, marks) != "" }) {
				p.t.Errorf("the %s of %s is nowhere: the search does not read what is there", what, x.Name)
			}
		}
	}
}

func first(text []byte, marks map[string][]byte) string {
	for name, m := range marks {
		if bytes.Contains(text, m) {
			return name
		}
	}
	return ""
}

// person is all that names a member, as text and as SQLite keeps numbers.
func (v *voter) person() map[string][]byte {
	out := map[string][]byte{"username": []byte(v.Username), "address": []byte(v.mail()), "name": []byte(v.Name)}
	for name, n := range map[string]id.ID{"number": v.ID, "account": v.AccountID, "login": v.LoginID} {
		out[name] = []byte(n.String())
		out[name+" (binary)"] = binary.BigEndian.AppendUint64(nil, uint64(n))
	}
	return out
}

// cast is all that is a voter's alone in the box: code, keys, papers, hashes and choices.
func (p *polling) cast(x *voter) map[string][]byte {
	out := map[string][]byte{"code": []byte(x.code.String()), "bare code": []byte(strings.ReplaceAll(x.code.String(), "-", "")), "code (binary)": x.code[:]}
	forms := func(name string, b []byte) {
		out[name+" (binary)"], out[name+" (hex)"] = b, []byte(hex.EncodeToString(b))
		out[name+" (base64)"] = []byte(base64.RawURLEncoding.EncodeToString(b))
		out[name+" (standard base64)"] = []byte(base64.RawStdEncoding.EncodeToString(b))
	}
	for i, b := range x.ballots {
		hash := b.Hash(p.hash)
		forms(fmt.Sprintf("key %d", i), b.Key)
		forms(fmt.Sprintf("hash %d", i), hash[:])
		forms(fmt.Sprintf("paper %d", i), b.Paper)
		forms(fmt.Sprintf("prefix %d", i), b.Prefix)
		forms(fmt.Sprintf("signature %d", i), b.Signature)
		quoted, _ := json.Marshal(b.Choice) // a string
		out[fmt.Sprintf("choice %d", i)], out[fmt.Sprintf("choice %d in JSON", i)] = []byte(b.Choice), quoted[1:len(quoted)-1]
	}
	return out
}

func lines(where string, text []byte) []unit {
	var out []unit
	for i, l := range bytes.Split(text, []byte("\n")) {
		out = append(out, unit{fmt.Sprintf("line %d of %s", i+1, where), l})
	}
	return out
}

// pages are the parts of an SQLite database that are read and written at once, with what is left over of
// older rows in them.
func pages(where string, b []byte) []unit {
	size := int(binary.BigEndian.Uint16(b[16:]))
	if size == 1 {
		size = 65536
	}
	var out []unit
	for i := 0; i*size < len(b); i++ {
		out = append(out, unit{fmt.Sprintf("page %d of %s", i+1, where), b[i*size : min((i+1)*size, len(b))]})
	}
	return out
}

// frames are the pages of a write-ahead log, with all states since it was emptied.
func frames(where string, b []byte) []unit {
	if len(b) < 32 {
		return nil
	}
	size := int(binary.BigEndian.Uint32(b[8:]))
	var out []unit
	for at := 32; at+24+size <= len(b); at += 24 + size {
		out = append(out, unit{fmt.Sprintf("frame %d of %s", len(out)+1, where), b[at+24 : at+24+size]})
	}
	return out
}

// rows are all rows of all tables of an SQLite database as text.
func (p *polling) rows(ctx context.Context, where string, d *sql.DB) []unit {
	p.t.Helper()
	var out []unit
	for _, table := range p.rowsOf(ctx, d, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		name := string(bytes.TrimSpace(table))
		for _, row := range p.rowsOf(ctx, d, `SELECT * FROM "`+name+`"`) {
			out = append(out, unit{"a row of " + name + " in " + where, row})
		}
	}
	return out
}

// rowsOf are the rows that a query gives, with all columns behind each other.
func (p *polling) rowsOf(ctx context.Context, d *sql.DB, query string) [][]byte {
	p.t.Helper()
	r, err := d.QueryContext(ctx, query)
	p.must(err)
	defer func() { _ = r.Close() }()
	columns, err := r.Columns()
	p.must(err)
	var out [][]byte
	for r.Next() {
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range to {
			to[i] = &values[i]
		}
		p.must(r.Scan(to...))
		var text bytes.Buffer
		for _, v := range values {
			switch v := v.(type) {
			case []byte:
				_, _ = text.Write(v)
			default:
				_, _ = fmt.Fprint(&text, v)
			}
			_ = text.WriteByte('\t')
		}
		out = append(out, text.Bytes())
	}
	p.must(r.Err())
	return out
}

var bytea = regexp.MustCompile(`\\x([0-9a-f]{2,})`)

// rowsOfDump are the lines of a dump in text, one a row, with bytes as bytes too.
func rowsOfDump(where string, text []byte) []unit {
	out := lines(where, text)
	for i, u := range out {
		for _, m := range bytea.FindAllSubmatch(u.text, -1) {
			if b, err := hex.DecodeString(string(m[1])); err == nil {
				out[i].text = append(append(slices.Clone(out[i].text), '\t'), b...)
			}
		}
	}
	return out
}

func (p *polling) dump(address string) []unit {
	p.t.Helper()
	text, err := exec.Command("pg_dump", "--no-owner", address).Output()
	p.must(err)
	return rowsOfDump("the dump", text)
}

// opened is what a backup holds.
func (p *polling) opened(file string) []unit {
	p.t.Helper()
	f, err := os.Open(file)
	p.must(err)
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	p.must(err)
	var out []unit
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		p.must(err)
		b, err := io.ReadAll(t)
		p.must(err)
		where := h.Name + " of " + filepath.Base(file)
		switch h.Name {
		case backupSQLite:
			out = append(out, pages(where, b)...)
			copied := filepath.Join(p.t.TempDir(), backupSQLite)
			p.must(os.WriteFile(copied, b, 0o600))
			d, err := db.Open(context.Background(), copied, p.clock)
			p.must(err)
			out = append(out, p.rows(context.Background(), where, d.Reader())...)
			p.must(d.Close())
		case backupPostgres:
			c := exec.Command("pg_restore", "--no-owner", "--file=-")
			c.Stdin = bytes.NewReader(b)
			text, err := c.Output()
			p.must(err)
			out = append(out, rowsOfDump(where, text)...)
		default:
			out = append(out, unit{where, b})
		}
	}
}

// searchCanFail plants in a copy, and in lines of a log, what must not be there, and looks for it.
func (p *polling) searchCanFail(backup string) {
	p.t.Helper()
	x := p.everyone[3]
	b := x.ballots[0]
	for mark, text := range map[string]string{
		"log": fmt.Sprintf("level=ERROR path=%s/box member=%s hash=%s", p.vote, x.ID, b.Hash(p.hash)),
		"row": fmt.Sprintf("%d\t%s", x.AccountID, b.JSON()),
		"who": x.mail() + " " + x.code.String(),
	} {
		if found := p.joined(lines(mark, []byte(text))); len(found) != 1 {
			p.t.Errorf("in %q is found %v", text, found)
		}
	}
	if found := p.joined([]unit{{"", []byte(fmt.Sprintf("%s and %s", x.ID, p.everyone[4].ballots[0].JSON()))}}); len(found) != 0 {
		p.t.Errorf("the ballot of another is taken for theirs: %v", found)
	}
	scratch := *p
	inner := *p.instance
	scratch.instance = &inner
	inner.config.Data, inner.config.Blobs = filepath.Join(p.t.TempDir(), "scratch"), ""
	if inner.config.Database = ""; strings.HasPrefix(p.config.Database, "postgres") {
		inner.config.Database = testkit.PostgresDatabase(p.t)
	}
	p.must(inner.config.settle())
	f, err := os.Open(backup)
	p.must(err)
	defer func() { _ = f.Close() }()
	p.must(Restore(context.Background(), inner.config, f))
	scratch.at(func(ctx context.Context, a *App) {
		for _, step := range []string{`CREATE TABLE kept_aside (member BIGINT, ballot TEXT)`, fmt.Sprintf(`INSERT INTO kept_aside (member, ballot) VALUES (%d, '%s')`, x.ID, b.Key)} {
			_, err := a.DB.Writer().ExecContext(ctx, step)
			p.must(err)
		}
		if a.DB.Dialect() == db.Postgres {
			if found := p.joined(p.dump(inner.config.Database)); len(found) != 1 {
				p.t.Errorf("of a row that joins a member and a ballot the search finds %v", found)
			}
			return
		}
		if found := p.joined(p.rows(ctx, "the copy", a.DB.Reader())); len(found) != 1 {
			p.t.Errorf("of a row that joins a member and a ballot the search finds %v", found)
		}
		wal, err := os.ReadFile(inner.config.Database + "-wal")
		p.must(err)
		if len(p.joined(frames("the log", wal))) == 0 {
			p.t.Error("the write-ahead log has the row, and the search does not see it")
		}
		p.must(a.DB.Checkpoint(ctx))
		file, err := os.ReadFile(inner.config.Database)
		p.must(err)
		if len(p.joined(pages("the copy", file))) == 0 {
			p.t.Error("a page has the row, and the search does not see it")
		}
	})
}
