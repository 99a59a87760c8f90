package i18n

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Message is one text that the code wants translated.
type Message struct {
	ID, Plural string   // Plural is "" unless N wants it
	Comment    string   // for the translator
	Places     []string // files
}

// call finds where T, N or Key is called, in Go or inside a template: i18n.T(, or a feature's own t(.
var call = regexp.MustCompile(`(?:\bi18n\.(T|N|Key)|(?:^|[^\w.])(t|n|T|N|Key))\(`)

// Extract reads all templates and Go files below the root, except tests and generated code, and returns their texts, sorted. A text that is
// not written as a literal cannot be found; mark it with Key.
func Extract(fsys fs.FS) ([]Message, error) {
	found := map[string]*Message{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		isGo := path.Ext(name) == ".go"
		if !isGo && path.Ext(name) != ".templ" || strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return extractFile(name, text, isGo, found)
	})
	if err != nil {
		return nil, fmt.Errorf("extract texts: %w", err)
	}
	out := make([]Message, 0, len(found))
	for _, m := range found {
		slices.Sort(m.Places)
		m.Places = slices.Compact(m.Places)
		out = append(out, *m)
	}
	slices.SortFunc(out, func(a, b Message) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

func extractFile(name string, text []byte, isGo bool, found map[string]*Message) error {
	own := strings.HasSuffix(path.Dir(name), "kit/i18n")
	src := string(text)
	for _, at := range call.FindAllStringSubmatchIndex(src, -1) {
		var function string
		qualified := at[2] >= 0
		if qualified {
			function = src[at[2]:at[3]]
		} else {
			function = src[at[4]:at[5]]
		}
		if !qualified && !own && function == strings.ToUpper(function[:1])+function[1:] {
			continue // only this package calls T by that name; elsewhere it is a type
		}
		if isGo && inComment(src, at[1]) {
			continue
		}
		texts := literals(text[at[1]:])
		switch function {
		case "T", "t":
			texts = slices.Concat(texts, []string{"", ""})[1:2]
		case "N", "n":
			texts = slices.Concat(texts, []string{"", "", ""})[1:3]
		default:
			texts = slices.Concat(texts, []string{""})[:1]
		}
		if texts[0] == "" { // not ours, or chosen at run time
			continue
		}
		m := found[texts[0]]
		if m == nil {
			m = &Message{ID: texts[0]}
			found[texts[0]] = m
		}
		if len(texts) == 2 {
			if m.Plural != "" && m.Plural != texts[1] {
				return fmt.Errorf("%s: %q has the plurals %q and %q", name, m.ID, m.Plural, texts[1])
			}
			m.Plural = texts[1]
		}
		if c := commentBefore(src[:at[0]+1]); c != "" {
			m.Comment = c
		}
		m.Places = append(m.Places, name)
	}
	return nil
}

// literals returns the arguments of a call, each as its text if it is a string literal or a sum of them, else "".
func literals(rest []byte) (args []string) {
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", fset.Base(), len(rest)), rest, func(token.Position, string) {}, 0)
	arg, pure := "", true
	for depth := 0; len(args) < 4; {
		_, tok, lit := s.Scan()
		switch {
		case tok == token.EOF:
			return nil
		case depth == 0 && (tok == token.COMMA || tok == token.RPAREN):
			if !pure {
				arg = ""
			}
			args = append(args, arg)
			arg, pure = "", true
			if tok == token.RPAREN {
				return args
			}
		case tok == token.LPAREN || tok == token.LBRACK || tok == token.LBRACE:
			depth++
			pure = false
		case tok == token.RPAREN || tok == token.RBRACK || tok == token.RBRACE:
			depth--
		case tok == token.STRING && depth == 0:
			text, err := strconv.Unquote(lit)
			if err != nil {
				return nil
			}
			arg += text
		case tok == token.ADD, tok == token.SEMICOLON && lit == "\n":
		default:
			pure = false
		}
	}
	return args
}

// inComment reports whether the line is a comment up to the place. A text with // in it before the call on the same line hides the call; there is none.
func inComment(src string, at int) bool {
	line := src[strings.LastIndexByte(src[:at], '\n')+1 : at]
	return strings.HasPrefix(strings.TrimSpace(line), "//")
}

// commentBefore returns what a "translators:" comment on the line before says.
func commentBefore(src string) string {
	end := strings.LastIndexByte(src, '\n')
	if end < 0 {
		return ""
	}
	line := strings.TrimSpace(src[strings.LastIndexByte(src[:end], '\n')+1 : end])
	_, comment, found := strings.Cut(line, "translators:")
	if !found || !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "<!--") {
		return ""
	}
	return strings.TrimSpace(strings.TrimSuffix(comment, "-->"))
}

// WriteTemplate writes the texts as a .pot file. Line numbers are left out, so that it changes only when a text does.
func WriteTemplate(w io.Writer, messages []Message) error {
	var b strings.Builder
	b.WriteString(`# The texts of Rochdale. Start a translation by copying this file to TAG.po.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
`)
	for _, m := range messages {
		b.WriteByte('\n')
		if m.Comment != "" {
			fmt.Fprintf(&b, "#. %s\n", m.Comment)
		}
		fmt.Fprintf(&b, "#: %s\n", strings.Join(m.Places, " "))
		if strings.Contains(m.ID+m.Plural, "%") {
			b.WriteString("#, c-format\n")
		}
		fmt.Fprintf(&b, "msgid %s\n", quote(m.ID))
		if m.Plural != "" {
			fmt.Fprintf(&b, "msgid_plural %s\nmsgstr[0] \"\"\nmsgstr[1] \"\"\n", quote(m.Plural))
		} else {
			b.WriteString("msgstr \"\"\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}
