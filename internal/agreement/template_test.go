package agreement

import (
	"slices"
	"strings"
	"testing"
)

func TestTemplatesCheckWithoutFindings(t *testing.T) {
	for _, name := range Templates() {
		source, ok := Template(name)
		if !ok {
			t.Fatalf("no template %s", name)
		}
		plan, found := Compile(name+".yaml", source, nil)
		if len(found) > 0 || plan == nil {
			t.Errorf("%s", found.Text(func(string) []byte { return source }, false))
		}
	}
	if _, ok := Template("../template.go"); ok {
		t.Error("a template that is none")
	}
}

// Every key and word of the language stands in one of the templates.
func TestTemplatesShowTheWholeLanguage(t *testing.T) {
	seen := map[*shape]map[string]bool{}
	note := func(s *shape, word string) {
		if seen[s] == nil {
			seen[s] = map[string]bool{}
		}
		seen[s][word] = true
	}
	said := map[string]bool{}
	var walk func(n *node, s *shape)
	walk = func(n *node, s *shape) {
		switch n.kind {
		case scalar:
			said[strings.Join(s.words, " ")+": "+n.value] = true
		case sequence:
			note(s, "[]")
			for _, item := range n.items {
				walk(item, s.list)
			}
		case mapping:
			note(s, "{}")
			for _, e := range n.entries {
				if i := slices.IndexFunc(s.keys, func(k key) bool { return k.name == e.key.value }); i >= 0 {
					note(s, "key "+e.key.value)
					walk(e.value, s.keys[i].shape)
				} else if s.each != nil {
					walk(e.value, s.each)
				}
			}
		}
	}
	for _, name := range Templates() {
		source, _ := Template(name)
		doc, _ := parse(name, source)
		walk(doc.root, language)
	}
	// holidays are files, and templates have none; renames are all alike
	without := []string{"agreement.calendar.holidays"}
	done := map[*shape]bool{}
	var expect func(s *shape, path string)
	expect = func(s *shape, path string) {
		if done[s] {
			return
		}
		done[s] = true
		// of long lists, such as events and measures, a few will do
		if len(s.words) < 5 {
			for _, word := range s.words {
				if !said[strings.Join(s.words, " ")+": "+word] && word != "always" {
					t.Errorf("no template says %s: %s", path, word)
				}
			}
		}
		for _, k := range s.keys {
			at := path + "." + k.name
			if slices.Contains(without, at) || strings.HasPrefix(at, "agreement.renamed.") {
				continue
			}
			if !seen[s]["key "+k.name] {
				t.Errorf("no template has %s", at)
			}
			expect(k.shape, at)
		}
		if s.list != nil {
			if !seen[s]["[]"] {
				t.Errorf("no template has a list at %s", path)
			}
			expect(s.list, path+"[]")
		}
		if s.each != nil {
			if !seen[s]["{}"] {
				t.Errorf("no template has a mapping at %s", path)
			}
			expect(s.each, path+".*")
		}
	}
	expect(language, "agreement")
}

// Every template has the twelve reasons to give a lead back, each with its consequence, and sales may give each when it is offered one.
func TestTemplatesHaveEveryReason(t *testing.T) {
	classes := map[string]string{"timing": "recycle", "budget": "recycle", "no_response": "recycle", "not_decision_maker": "recycle", "existing_contract": "recycle",
		"bad_data": "disqualify", "competitor": "disqualify", "student": "disqualify", "customer": "disqualify", "duplicate": "disqualify", "out_of_territory": "disqualify", "no_fit": "disqualify"}
	for _, name := range Templates() {
		source, _ := Template(name)
		plan, _ := Compile(name, source, nil)
		if len(plan.Handbacks) != len(classes) || len(plan.Handoffs[0].Reject) != len(classes) {
			t.Errorf("%s has %d reasons, and %d to reject", name, len(plan.Handbacks), len(plan.Handoffs[0].Reject))
		}
		for _, b := range plan.Handbacks {
			if b.Class != classes[b.Name] || b.Definition == "" || b.Class == "recycle" && (b.Track < 0 || b.Revisit == 0 || b.Keep == KeepNothing) {
				t.Errorf("%s: %+v", name, b)
			}
		}
	}
}
