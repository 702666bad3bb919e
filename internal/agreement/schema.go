package agreement

import (
	"bytes"
	"encoding/json"
)

// Schema returns a JSON Schema (2020-12) of the language, for editors: they complete
// keys, show what each is for, and mark what is written wrong. It knows the same table
// as the checks; what takes looking up, such as names, it leaves to them.
func Schema() []byte {
	b := schemaBuilder{defs: map[*shape]string{}}
	top := b.schema(language)
	out := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Baton agreement"},
	}
	out = append(out, top...)
	out = append(out, member{"$defs", b.list})
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(out); err != nil {
		return nil // strings, numbers and lists of them always encode
	}
	return text.Bytes()
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return b.Bytes(), err
}

// shared names the shapes that stand in many places; each has one definition.
var shared = map[*shape]string{
	definitionShape: "definition", conditionShape: "condition", durationShape: "duration", windowShape: "window",
	emailShape: "email", stepsShape: "steps", kindShape: "kind", namesShape: "names", hoursShape: "hours", dateShape: "date",
}

type schemaBuilder struct {
	defs map[*shape]string
	list object
}

// ref returns the schema of a shape, by reference if it is shared.
func (b *schemaBuilder) ref(s *shape) object {
	name, ok := shared[s]
	if !ok {
		return b.schema(s)
	}
	if _, made := b.defs[s]; !made {
		b.defs[s] = name
		i := len(b.list)
		b.list = append(b.list, member{name, nil})
		b.list[i].value = b.schema(s)
	}
	return object{{"$ref", "#/$defs/" + name}}
}

// schema returns the schema of a shape: one way to write it, or any of several.
func (b *schemaBuilder) schema(s *shape) object {
	var ways []object
	if s.form != noForm {
		ways = append(ways, scalarSchema(s))
	}
	if s.list != nil {
		way := object{{"type", "array"}, {"items", b.ref(s.list)}}
		if s.least > 0 {
			way = append(way, member{"minItems", s.least})
		}
		ways = append(ways, way)
	}
	if s.keys != nil {
		properties := object{}
		for _, k := range s.keys {
			value := described(k.doc, b.ref(k.shape))
			properties = append(properties, member{k.name, value})
		}
		way := object{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}}
		if len(s.require) > 0 {
			way = append(way, member{"required", s.require})
		}
		ways = append(ways, way)
	}
	if s.each != nil {
		way := object{{"type", "object"}, {"additionalProperties", b.ref(s.each)}}
		switch s.names {
		case nameForm:
			way = append(way, member{"propertyNames", object{{"pattern", namePattern.String()}, {"maxLength", maxName}}})
		case dottedForm:
			way = append(way, member{"propertyNames", object{{"pattern", dottedPattern.String()}, {"maxLength", maxName}}})
		case emailForm:
			way = append(way, member{"propertyNames", object{{"pattern", "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"}}})
		case countForm:
			way = append(way, member{"propertyNames", object{{"pattern", "^[1-5]$"}}})
		}
		ways = append(ways, way)
	}
	if s.optional {
		ways = append(ways, object{{"type", "null"}})
	}
	var out object
	if s.doc != "" {
		out = object{{"description", s.doc}}
	}
	if len(ways) == 1 {
		return append(out, ways[0]...)
	}
	return append(out, member{"anyOf", ways})
}

// described puts what a key is for before what its value is.
func described(doc string, schema object) object {
	if schema[0].name == "description" {
		doc += " " + schema[0].value.(string)
		schema = schema[1:]
	}
	return append(object{{"description", doc}}, schema...)
}

// scalarSchema describes a single value. YAML gives a schema numbers, booleans and dates where a
// person wrote a text without quotes; where a text is expected they are welcome.
func scalarSchema(s *shape) object {
	text := func(pattern string) object {
		return object{{"type", "string"}, {"pattern", pattern}}
	}
	switch s.form {
	case wordForm, kindForm:
		return object{{"enum", s.words}}
	case nameForm:
		return object{{"type", "string"}, {"minLength", 1}, {"maxLength", maxName}}
	case conditionForm:
		return object{{"type", []string{"string", "boolean"}}, {"minLength", 1}, {"maxLength", condMaxBytes}}
	case durationForm:
		return text(`^\s*[0-9]+(\.[0-9]+)?\s*(working\s+)?(s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s*$`)
	case windowForm:
		return text(`^\s*[0-9]+(\.[0-9]+)?\s*(s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?|d|days?|w|weeks?)\s*$`)
	case emailForm:
		return text(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	case dateForm:
		return text(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	case spanForm:
		return text(`^\s*[0-9]{1,2}:[0-9]{2}\s*[-–]\s*[0-9]{1,2}:[0-9]{2}\s*$`)
	case clockForm:
		return text(`^[0-9]{1,2}:[0-9]{2}$`)
	case numberForm:
		return object{{"type", []string{"number", "string"}}, {"pattern", numberPattern.String()}} // 1_200_000 is a text to some
	case countForm:
		return object{{"type", "integer"}, {"minimum", 0}, {"maximum", 1_000_000}}
	case quietForm:
		return text(`^\s*(none|outside\s+working\s+hours|[0-9]{1,2}:[0-9]{2}\s*[-–]\s*[0-9]{1,2}:[0-9]{2})\s*$`)
	case digestForm:
		return text(`^\s*(daily\s+at\s+[0-9]{1,2}:[0-9]{2}|every\s+[0-9]+(\.[0-9]+)?\s*[a-z]+)\s*$`)
	case capForm:
		return text(capWords.String())
	case triesForm:
		return text(triesWords.String())
	case shareForm:
		return text(shareWords.String())
	case promiseForm:
		return text(promiseWords.String())
	case stepForm:
		return text(`^(remind (owner|manager)|reassign( at most [0-9]{1,3}( times)?)?|escalate (to )?(manager|\S+@\S+)|return to \S+|queue \S+)$`)
	case remindForm:
		return text(`^(owner|manager) .+ before$`)
	case targetForm:
		return text(`^(account\.(owner|named)|pool \S+|queue \S+|\S+@\S+)$`)
	case zoneForm, fileForm:
		return object{{"type", "string"}, {"minLength", 1}}
	}
	return object{{"type", []string{"string", "number", "boolean"}}}
}
