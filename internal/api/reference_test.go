package api

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"baton/internal/engine"
)

var update = flag.Bool("update", false, "write docs/openapi.yaml anew")

// The committed document is the one that is served, so that a change of the API is seen in review.
func TestOpenAPIIsCommitted(t *testing.T) {
	const file = "../../docs/openapi.yaml"
	d := open(t, Options{}, engine.Options{})
	got := d.do(must(http.NewRequest("GET", d.web.URL+"/api/openapi.yaml", nil)))
	if got.Status != 200 || got.Header.Get("Content-Type") != "application/yaml" {
		t.Fatal(got)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got.Body), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))) != got.Body {
		t.Errorf("%s is not what the code describes: see the difference with go test ./internal/api -run OpenAPI -update", file)
	}
}

// The document is whole: every reference leads somewhere, every schema can be used and holds its own examples, and every parameter of
// a path is described.
func TestOpenAPIIsWellFormed(t *testing.T) {
	d := openDesk(t)
	doc := d.spec.doc
	if doc["openapi"] != "3.1.0" {
		t.Errorf("openapi: %v", doc["openapi"])
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for name := range schemas {
		if _, err := d.spec.schema(pointer("components", "schemas", name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if schemas["ErrorModel"] != nil {
		t.Error("the library's own errors are in the document")
	}
	ids := map[string]bool{}
	for path, methods := range doc["paths"].(map[string]any) {
		for method, v := range methods.(map[string]any) {
			op := v.(map[string]any)
			where := method + " " + path
			id, _ := op["operationId"].(string)
			if id == "" || ids[id] {
				t.Errorf("%s: operationId %q is missing or there twice", where, id)
			}
			ids[id] = true
			if tags, _ := op["tags"].([]any); len(tags) != 1 || op["summary"] == nil {
				t.Errorf("%s: it needs a summary and one group", where)
			}
			inPath := map[string]bool{}
			params, _ := op["parameters"].([]any)
			for _, p := range params {
				p := p.(map[string]any)
				if p["in"] == "path" {
					inPath[p["name"].(string)] = true
				}
				if text, _ := p["description"].(string); text == "" && p["in"] != "header" {
					t.Errorf("%s: parameter %v has no description", where, p["name"])
				}
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !inPath[m[1]] {
					t.Errorf("%s: {%s} is not described", where, m[1])
				}
				delete(inPath, m[1])
			}
			if len(inPath) > 0 {
				t.Errorf("%s: described and not in the path: %v", where, inPath)
			}
		}
	}
	// examples hold in their own schemas
	var walk func(at []string, v any)
	walk = func(at []string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if list, ok := v["examples"].([]any); ok && v["type"] != nil {
				s, err := d.spec.schema(pointer(at...))
				if err != nil {
					t.Errorf("%v: %v", at, err)
					return
				}
				for _, example := range list {
					if err := s.Validate(example); err != nil {
						t.Errorf("%v: the example %v: %v", at, example, err)
					}
				}
			}
			for name, member := range v {
				walk(append(slices.Clone(at), name), member)
			}
		case []any:
			for i, member := range v {
				walk(append(slices.Clone(at), fmt.Sprint(i)), member)
			}
		}
	}
	walk(nil, doc)
	// what the reference makes up is what the API would take
	r := describer{d.api.rest.OpenAPI(), d.api.restOrder}
	for name := range schemas {
		s, err := d.spec.schema(pointer("components", "schemas", name))
		if err != nil {
			continue
		}
		var v any
		if err := json.Unmarshal([]byte(r.exampleText(r.doc.Components.Schemas.Map()[name], schemaPrefix+name)), &v); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("the example of %s: %v", name, err)
		}
	}
}

// The reference shows every operation, kind of problem and schema, loads nothing from elsewhere, and its links lead somewhere.
func TestReference(t *testing.T) {
	d := openDesk(t)
	page := d.do(must(http.NewRequest("GET", d.web.URL+"/api/", nil)))
	if page.Status != 200 || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Content-Security-Policy") != referencePolicy {
		t.Fatal(page.Status, page.Header)
	}
	for _, op := range d.spec.operations {
		if !strings.Contains(page.Body, `<article id="`+op.id+`">`) {
			t.Errorf("%s is not in the reference", op.id)
		}
	}
	there := map[string]bool{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page.Body, -1) {
		if there[m[1]] {
			t.Errorf("two elements have the ID %s", m[1])
		}
		there[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]+)"`).FindAllStringSubmatch(page.Body, -1) {
		switch to := m[1]; {
		case strings.HasPrefix(to, "#"):
			if !there[to[1:]] {
				t.Errorf("a link leads to %s, which is not there", to)
			}
		case strings.HasPrefix(to, "/api/"):
			if a := d.do(must(http.NewRequest("GET", d.web.URL+to, nil))); a.Status != 200 || a.Body == "" {
				t.Errorf("%s: %d", to, a.Status)
			}
		default:
			t.Errorf("the reference leads elsewhere: %s", to)
		}
	}
	for _, k := range problemKinds {
		if !there["problem-"+k.name] {
			t.Errorf("the problem %s is not in the reference", k.name)
		}
	}
	if bad := regexp.MustCompile(`<script|style="| on\w+="`).FindString(page.Body); bad != "" {
		t.Errorf("the reference has %s in it, which its policy forbids", bad)
	}
}
