package agreement

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
)

// jsonOf turns a source tree into what an editor holds against a schema.
func jsonOf(n *node) any {
	switch n.kind {
	case mapping:
		m := map[string]any{}
		for _, e := range n.entries {
			m[e.key.value] = jsonOf(e.value)
		}
		return m
	case sequence:
		list := make([]any, 0, len(n.items))
		for _, item := range n.items {
			list = append(list, jsonOf(item))
		}
		return list
	case empty:
		return nil
	}
	if n.style == plain {
		if n.value == "true" || n.value == "false" {
			return n.value == "true"
		}
		if _, err := strconv.ParseFloat(n.value, 64); err == nil && !strings.ContainsAny(n.value, "_nNiIxXpP") {
			return json.Number(n.value)
		}
	}
	return n.value
}

func TestSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("agreement.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("agreement.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(Schema(), Schema()) {
		t.Error("the schema is not the same twice")
	}
	validate := func(t *testing.T, source []byte) error {
		t.Helper()
		doc, found := parse("agreement.yaml", source)
		if doc == nil {
			t.Fatal(found.Text(nil, false))
		}
		return schema.Validate(jsonOf(doc.root))
	}
	for _, name := range Templates() {
		source, _ := Template(name)
		if err := validate(t, source); err != nil {
			t.Errorf("template %s: %v", name, err)
		}
	}
	design, err := readTestdata("design.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, design); err != nil {
		t.Errorf("the sample of the design: %v", err)
	}
	// what the schema can see is wrong in these, and right in all others
	bad := strings.Fields("alerts clipped commitments date durations emails empties hours many missing misspelt_section names not_a_mapping numbers people readiness reminders scoring steps targets tele tele_missing types unknown_keys words worth")
	cases, _ := filepath.Glob("testdata/check/*.txtar")
	for _, path := range cases {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		source, _ := readArchive(archive)("agreement.yaml")
		doc, _ := parse("agreement.yaml", source)
		if doc == nil {
			continue
		}
		err = schema.Validate(jsonOf(doc.root))
		if (err != nil) != slices.Contains(bad, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Editors show what every construct is for.
func TestSchemaDescribesEveryKey(t *testing.T) {
	var walk func(s *shape, path string, seen map[*shape]bool)
	walk = func(s *shape, path string, seen map[*shape]bool) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		for _, k := range s.keys {
			if k.doc == "" || !strings.HasSuffix(k.doc, ".") {
				t.Errorf("%s.%s has no sentence of description: %q", path, k.name, k.doc)
			}
			walk(k.shape, path+"."+k.name, seen)
		}
		walk(s.list, path+"[]", seen)
		walk(s.each, path+".*", seen)
	}
	walk(language, "", map[*shape]bool{})
}
