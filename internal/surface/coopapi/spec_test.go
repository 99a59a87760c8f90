package coopapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"rochdale/internal/surface/coopapi"
)

// spec is the OpenAPI document as it is served, read by a reader of its own: it knows the words of JSON
// Schema that the document uses, and any other is an error.
type spec struct {
	raw    object
	paths  object
	tested map[string]bool // "GET /coop 200"
}

func readSpec(tb testing.TB, w *world) *spec {
	tb.Helper()
	a := w.visitor().send("GET", coopapi.DocumentJSON, nil).want(200)
	s := &spec{raw: a.json().(object), tested: map[string]bool{}}
	s.paths = s.raw["paths"].(object)
	return s
}

// resolve follows references within the document.
func (s *spec) resolve(v any) object {
	o, _ := v.(object)
	for o != nil && o["$ref"] != nil {
		var next any = s.raw
		for part := range strings.SplitSeq(strings.TrimPrefix(o["$ref"].(string), "#/"), "/") {
			m, _ := next.(object)
			next = m[part]
		}
		o, _ = next.(object)
	}
	return o
}

// check holds an answer against what the document says of the operation.
func (s *spec) check(tb testing.TB, method, template string, a answer) {
	tb.Helper()
	item, _ := s.paths[template].(object)
	op, _ := item[strings.ToLower(method)].(object)
	if op == nil {
		tb.Fatalf("%s %s: not in the document", method, template)
	}
	responses := op["responses"].(object)
	status := fmt.Sprint(a.status)
	if _, ok := responses[status]; !ok {
		status = "default"
	}
	s.tested[method+" "+template+" "+status] = true
	res := s.resolve(responses[status])
	contents, _ := res["content"].(object)
	if len(contents) == 0 {
		if len(a.body) > 0 {
			tb.Errorf("%s %s: the document knows of no answer to %s: %s", method, template, status, a.body)
		}
		return
	}
	kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
	content, ok := contents[kind].(object)
	if !ok {
		tb.Errorf("%s %s: an answer %s as %s is not in the document", method, template, status, kind)
		return
	}
	var v any = string(a.body)
	if strings.HasSuffix(kind, "json") {
		v = a.json()
	}
	if err := s.fits(content["schema"], v, "answer"); err != nil {
		tb.Errorf("%s %s: %v\nin %.900s", method, template, err, a.body)
	}
}

// fits tells what is wrong with v under a schema. What the document does not know is wrong as well.
func (s *spec) fits(node, v any, at string) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(at+" "+format, args...)) }
	schema := s.resolve(node)
	for word, arg := range schema {
		text, isText := v.(string)
		o, isObject := v.(object)
		list, isList := v.([]any)
		switch word {
		case "description", "examples", "default", "additionalProperties", "title":
		case "type":
			if !slices.ContainsFunc(listOf(arg), func(t any) bool { return isOf(t.(string), v) }) {
				wrong("is %.80v, not %v", v, arg)
			}
		case "enum":
			if !slices.Contains(arg.([]any), v) {
				wrong("is %v, none of %v", v, arg)
			}
		case "format":
			if isText && !inFormat(arg.(string), text) {
				wrong("is %q, which is no %v", text, arg)
			}
		case "pattern":
			if isText && !regexp.MustCompile(arg.(string)).MatchString(text) {
				wrong("is %q, which does not match %v", text, arg)
			}
		case "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems": // of what is sent
		case "required":
			for _, name := range arg.([]any) {
				if _, ok := o[name.(string)]; isObject && !ok {
					wrong("has no %v", name)
				}
			}
		case "properties":
			for name, x := range o {
				p, ok := arg.(object)[name]
				if !ok {
					wrong("has %s, which is not in the document", name)
					continue
				}
				if err := s.fits(p, x, at+"."+name); err != nil {
					errs = append(errs, err)
				}
			}
		case "items":
			for i, x := range list {
				if err := s.fits(arg, x, fmt.Sprintf("%s[%d]", at, i)); isList && err != nil {
					errs = append(errs, err)
				}
			}
		default:
			wrong("is described with %q, which this reader does not know", word)
		}
	}
	return errors.Join(errs...)
}

func listOf(v any) []any {
	if l, ok := v.([]any); ok {
		return l
	}
	return []any{v}
}

func isOf(kind string, v any) bool {
	switch x := v.(type) {
	case nil:
		return kind == "null"
	case bool:
		return kind == "boolean"
	case string:
		return kind == "string"
	case json.Number:
		_, err := x.Int64()
		return kind == "number" || kind == "integer" && err == nil
	case []any:
		return kind == "array"
	case object:
		return kind == "object"
	}
	return false
}

func inFormat(format, text string) bool {
	switch format {
	case "date-time":
		_, err := time.Parse(time.RFC3339, text)
		return err == nil && strings.HasSuffix(text, "Z")
	case "uri", "uri-reference":
		u, err := url.Parse(text)
		return err == nil && (u.IsAbs() || format != "uri")
	}
	return false
}

// The document is OpenAPI 3.1 and whole: every reference leads somewhere, every parameter of a path is
// declared, ids are there once, and what an operation asks of a token is declared.
func TestDocument(t *testing.T) {
	inWorld(t, 1, func(t *testing.T, w *world) {
		s := w.spec
		if s.raw["openapi"] != "3.1.0" {
			t.Errorf("it is OpenAPI %v", s.raw["openapi"])
		}
		info := s.raw["info"].(object)
		if info["title"] == "" || info["version"] != "test" {
			t.Errorf("info %v", info)
		}
		if url := s.raw["servers"].([]any)[0].(object)["url"]; url != "https://coop.example"+coopapi.Base {
			t.Errorf("the server is %v", url)
		}
		s.references(t, s.raw, "document")
		s.operations(t)
		s.schemas(t)
		flow := s.raw["components"].(object)["securitySchemes"].(object)["oauth"].(object)["flows"].(object)["authorizationCode"].(object)
		if flow["authorizationUrl"] != "https://coop.example/oauth/authorize" || flow["tokenUrl"] != "https://coop.example/oauth/token" {
			t.Errorf("flow %v", flow)
		}
		yaml := w.visitor().send("GET", coopapi.DocumentYAML, nil).want(200)
		if !strings.HasPrefix(yaml.header.Get("Content-Type"), "application/yaml") || !strings.Contains(string(yaml.body), "\nopenapi: 3.1.0\n") {
			t.Errorf("YAML as %s: %.200s", yaml.header.Get("Content-Type"), yaml.body)
		}
	})
}

func (s *spec) references(t *testing.T, v any, at string) {
	t.Helper()
	switch x := v.(type) {
	case object:
		if to, ok := x["$ref"].(string); ok {
			if s.resolve(x) == nil {
				t.Errorf("%s: %s leads nowhere", at, to)
			}
		}
		for k, e := range x {
			s.references(t, e, at+"."+k)
		}
	case []any:
		for i, e := range x {
			s.references(t, e, fmt.Sprintf("%s[%d]", at, i))
		}
	}
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

func (s *spec) operations(t *testing.T) {
	t.Helper()
	tags, ids := map[any]bool{}, map[any]bool{}
	for _, tag := range s.raw["tags"].([]any) {
		tags[tag.(object)["name"]] = true
	}
	schemes := s.raw["components"].(object)["securitySchemes"].(object)
	for path, item := range s.paths {
		for method, v := range item.(object) {
			op, name := v.(object), strings.ToUpper(method)+" "+path
			if !slices.Contains([]string{"get", "post", "put", "delete"}, method) {
				t.Errorf("%s: no such method", name)
			}
			if ids[op["operationId"]] || op["operationId"] == nil {
				t.Errorf("%s: the id %v is there twice", name, op["operationId"])
			}
			ids[op["operationId"]] = true
			if op["summary"] == nil || !tags[op["tags"].([]any)[0]] {
				t.Errorf("%s: summary %v, tags %v", name, op["summary"], op["tags"])
			}
			s.parameters(t, name, path, op)
			if len(op["security"].([]any)) == 0 {
				t.Errorf("%s does not say what it asks of a token", name)
			}
			for _, need := range op["security"].([]any) {
				for scheme, scopes := range need.(object) {
					flow := s.resolve(schemes[scheme])["flows"].(object)["authorizationCode"].(object)
					for _, sc := range scopes.([]any) {
						if _, ok := flow["scopes"].(object)[sc.(string)]; !ok {
							t.Errorf("%s needs the scope %v, which is not declared", name, sc)
						}
					}
				}
			}
			if body, ok := op["requestBody"].(object); ok && (method == "get" || method == "delete" || s.resolve(body["content"].(object)["application/json"].(object)["schema"]) == nil) {
				t.Errorf("%s: its body is not described", name)
			}
			done := 0
			for status, r := range op["responses"].(object) {
				if s.resolve(r)["description"] == nil {
					t.Errorf("%s: answer %s has no description", name, status)
				}
				if status[0] == '2' {
					done++
				}
			}
			if done != 1 || op["responses"].(object)["default"] == nil {
				t.Errorf("%s: answers %v", name, op["responses"])
			}
		}
	}
}

func (s *spec) parameters(t *testing.T, name, path string, op object) {
	t.Helper()
	declared := map[string]bool{}
	list, _ := op["parameters"].([]any)
	for _, v := range list {
		p := s.resolve(v)
		key := fmt.Sprint(p["in"], " ", p["name"])
		if declared[key] || s.resolve(p["schema"]) == nil {
			t.Errorf("%s: parameter %s is there twice or without schema", name, key)
		}
		declared[key] = true
		if p["in"] == "path" && (p["required"] != true || !strings.Contains(path, "{"+p["name"].(string)+"}")) {
			t.Errorf("%s: parameter %s is not in the path", name, key)
		}
	}
	for _, m := range pathParam.FindAllStringSubmatch(path, -1) {
		if !declared["path "+m[1]] {
			t.Errorf("%s: {%s} is not declared", name, m[1])
		}
	}
	if keyed := declared["header Idempotency-Key"]; keyed != (strings.HasPrefix(name, "POST") && !strings.HasSuffix(name, "/check") && !strings.HasSuffix(name, "/box")) {
		t.Errorf("%s: Idempotency-Key %v", name, keyed)
	}
}

func (s *spec) schemas(t *testing.T) {
	t.Helper()
	for name, v := range s.raw["components"].(object)["schemas"].(object) {
		schema := v.(object)
		properties, _ := schema["properties"].(object)
		if schema["type"] != "object" || len(properties) == 0 {
			t.Errorf("%s is empty", name)
		}
		required, _ := schema["required"].([]any)
		for _, r := range required {
			if properties[r.(string)] == nil {
				t.Errorf("%s requires %v, which it does not have", name, r)
			}
		}
	}
}
