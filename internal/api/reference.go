package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed reference.html
var referenceSource string

//go:embed reference.css
var referenceStyle []byte

var referenceText = template.Must(template.New("reference").Parse(referenceSource))

// referencePolicy lets the reference load its stylesheet and nothing else: there are no scripts in it.
const referencePolicy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// referenceRoutes serve the description of the REST API to people and programs. It tells nothing of what is stored,
// so that nobody needs a key for it.
func (a *API) referenceRoutes() {
	serve := func(pattern, kind string, text func() ([]byte, error)) {
		once := sync.OnceValues(text)
		a.route(pattern, func(w http.ResponseWriter, r *http.Request) error {
			b, err := once()
			if err != nil {
				return fmt.Errorf("describing the API: %w", err)
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Security-Policy", referencePolicy)
			_, _ = w.Write(b) // whoever asked is gone
			return nil
		})
	}
	doc := a.rest.OpenAPI()
	serve("GET /api/openapi.json", "application/openapi+json", func() ([]byte, error) { return json.MarshalIndent(doc, "", "  ") })
	serve("GET /api/openapi.yaml", "application/yaml", doc.YAML)
	serve("GET /api/reference.css", "text/css; charset=utf-8", func() ([]byte, error) { return referenceStyle, nil })
	serve("GET /api/{$}", "text/html; charset=utf-8", a.reference)
}

// reference writes the description as a page.
func (a *API) reference() ([]byte, error) {
	d := describer{a.rest.OpenAPI(), a.restOrder}
	var b bytes.Buffer
	if err := referenceText.Execute(&b, d.page()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// What the page shows.
type (
	refPage struct {
		Title, Version, Description, Server string
		Groups                              []refGroup
		Schemas                             []refSchema
		Problems                            []refProblem
	}
	refGroup struct {
		Name, ID    string
		Description []refRun
		Operations  []refOperation
	}
	refOperation struct {
		ID, Method, Path, Summary, Scope string
		Description                      []refRun
		Parameters                       []refField
		Body                             []refBody
		Curl                             string
		Responses                        []refResponse
	}
	refBody struct {
		Media, Example string
		Fields         []refField
		Text           []refRun
	}
	refResponse struct {
		Status, Media string
		Description   []refRun
		Type          refType
		Headers       []refField
		Example       string
	}
	refField struct {
		Name, In string
		Type     refType
		Required bool
		Text     []refRun
		Limits   []string
		Example  string
	}
	refType struct {
		Text, Link string // Link is the schema's name, "" for none
	}
	refSchema struct {
		Name, Example string
		Fields        []refField
	}
	refProblem struct {
		Name, Title, Text string
		Status            int
	}
	// refRun is a piece of text; Code for what stands in backquotes, and Problem for such a kind of problem.
	refRun struct {
		Text          string
		Code, Problem bool
	}
)

// describer puts the OpenAPI document into a page, with the operations in their order.
type describer struct {
	doc   *huma.OpenAPI
	order []string
}

func runsOf(text string) []refRun {
	var out []refRun
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			problem := slices.ContainsFunc(problemKinds, func(k problemKind) bool { return k.name == part })
			out = append(out, refRun{part, i%2 == 1, i%2 == 1 && problem})
		}
	}
	return out
}

func (d *describer) page() refPage {
	p := refPage{Title: d.doc.Info.Title, Version: d.doc.Info.Version, Description: d.doc.Info.Description, Server: d.doc.Servers[0].URL}
	for _, tag := range d.doc.Tags {
		g := refGroup{Name: tag.Name, ID: strings.ToLower(tag.Name), Description: runsOf(tag.Description)}
		for _, op := range d.operations(tag.Name) {
			g.Operations = append(g.Operations, d.operation(op))
		}
		p.Groups = append(p.Groups, g)
	}
	for _, k := range problemKinds {
		p.Problems = append(p.Problems, refProblem{k.name, k.title, k.text, k.status})
	}
	all := d.doc.Components.Schemas.Map()
	list := make([]string, 0, len(all))
	for name := range all { // order: sorted below
		list = append(list, name)
	}
	slices.Sort(list)
	for _, name := range list {
		p.Schemas = append(p.Schemas, refSchema{Name: name, Fields: d.fields(all[name], schemaPrefix+name), Example: d.exampleText(all[name], schemaPrefix+name)})
	}
	return p
}

// operations returns those of a tag.
func (d *describer) operations(tag string) []*huma.Operation {
	var out []*huma.Operation
	for _, item := range d.doc.Paths { // order: sorted below
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && slices.Contains(op.Tags, tag) {
				out = append(out, op)
			}
		}
	}
	slices.SortFunc(out, func(x, y *huma.Operation) int {
		return slices.Index(d.order, x.OperationID) - slices.Index(d.order, y.OperationID)
	})
	return out
}

const schemaPrefix = "#/components/schemas/"

func (d *describer) operation(op *huma.Operation) refOperation {
	v := refOperation{ID: op.OperationID, Method: op.Method, Path: op.Path, Summary: op.Summary, Description: runsOf(op.Description)}
	v.Scope, _ = op.Extensions[scopeExtension].(string)
	for _, p := range op.Parameters {
		f := d.field(p.Name, p.Schema)
		f.In, f.Required = p.In, p.Required
		f.Text = runsOf(or(p.Description, p.Schema.Description))
		if f.Example == "" && p.Example != nil {
			f.Example = fmt.Sprint(p.Example)
		}
		v.Parameters = append(v.Parameters, f)
	}
	if op.RequestBody != nil {
		for _, media := range sortedMedia(op.RequestBody.Content) {
			schema := op.RequestBody.Content[media].Schema
			body := refBody{Media: media, Fields: d.fields(d.resolve(schema), schema.Ref), Text: runsOf(schema.Description)}
			if media == "application/json" {
				body.Example = d.exampleText(schema, "")
			}
			v.Body = append(v.Body, body)
		}
	}
	v.Curl = d.curl(op)
	statuses := make([]string, 0, len(op.Responses))
	for status := range op.Responses { // order: sorted below
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	for _, status := range statuses {
		r := op.Responses[status]
		out := refResponse{Status: status, Description: runsOf(r.Description)}
		for _, media := range sortedMedia(r.Content) {
			out.Media = strings.TrimPrefix(out.Media+", "+media, ", ")
			if schema := r.Content[media].Schema; schema != nil {
				out.Type = d.typeOf(schema)
				if media == "application/json" {
					out.Example = d.exampleText(schema, "")
				}
			}
		}
		headers := make([]string, 0, len(r.Headers))
		for name := range r.Headers { // order: sorted below
			headers = append(headers, name)
		}
		slices.Sort(headers)
		for _, name := range headers {
			if name == "Content-Type" {
				continue
			}
			f := d.field(name, r.Headers[name].Schema)
			f.Text = runsOf(or(r.Headers[name].Description, f.Type.Text))
			out.Headers = append(out.Headers, f)
		}
		v.Responses = append(v.Responses, out)
	}
	return v
}

func sortedMedia(content map[string]*huma.MediaType) []string {
	list := make([]string, 0, len(content))
	for media := range content { // order: sorted below
		list = append(list, media)
	}
	slices.Sort(list)
	return list
}

// curl writes a request that can be pasted.
func (d *describer) curl(op *huma.Operation) string {
	path := op.Path
	var query []string
	for _, p := range op.Parameters {
		example := "1"
		switch {
		case p.Example != nil:
			example = fmt.Sprint(p.Example)
		case p.Schema != nil && len(p.Schema.Examples) > 0:
			example = fmt.Sprint(p.Schema.Examples[0])
		case p.Schema != nil && len(p.Schema.Enum) > 0:
			example = fmt.Sprint(p.Schema.Enum[0])
		}
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", example)
		case p.In == "query" && p.Required:
			query = append(query, p.Name+"="+example)
		}
	}
	if len(query) > 0 {
		path += "?" + strings.Join(query, "&")
	}
	var b strings.Builder
	b.WriteString("curl")
	if op.Method != http.MethodGet && (op.Method != http.MethodPost || op.RequestBody == nil) {
		b.WriteString(" -X " + op.Method)
	}
	b.WriteString(` -H "Authorization: Bearer $KEY" "$HOST` + d.doc.Servers[0].URL + path + `"`)
	if op.RequestBody == nil {
		return b.String()
	}
	switch content := op.RequestBody.Content; {
	case content["multipart/form-data"] != nil:
		b.WriteString(" \\\n  -F mapping=@mapping.yaml -F file=@leads.csv")
	case content["application/yaml"] != nil:
		b.WriteString(" \\\n  -H 'Content-Type: application/yaml' --data-binary @agreement.yaml")
	case content["application/json"] != nil:
		text, err := json.Marshal(d.example(content["application/json"].Schema, "", nil, true))
		if err == nil {
			b.WriteString(" \\\n  -d '" + strings.ReplaceAll(string(text), "'", `'\''`) + "'")
		}
	}
	return b.String()
}

// resolve follows a reference.
func (d *describer) resolve(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return d.doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// typeOf names the type of a schema.
func (d *describer) typeOf(s *huma.Schema) refType {
	switch {
	case s == nil:
		return refType{Text: "anything"}
	case s.Ref != "":
		name := strings.TrimPrefix(s.Ref, schemaPrefix)
		return refType{Text: name, Link: name}
	case s.Type == huma.TypeArray:
		item := d.typeOf(s.Items)
		return refType{Text: "list of " + item.Text, Link: item.Link}
	case s.Type == huma.TypeObject && len(s.Properties) == 0:
		if values, ok := s.AdditionalProperties.(*huma.Schema); ok && values.Type != "" {
			return refType{Text: "object of " + d.typeOf(values).Text + "s"}
		}
		return refType{Text: "object"}
	case s.Format == "date-time":
		return refType{Text: "instant (RFC 3339)"}
	case s.Format == "date":
		return refType{Text: "day"}
	case s.Format == "binary":
		return refType{Text: "file"}
	case s.Type == huma.TypeString:
		return refType{Text: "text"}
	case s.Type == huma.TypeBoolean:
		return refType{Text: "true or false"}
	case s.Type == "":
		return refType{Text: "anything"}
	}
	return refType{Text: s.Type}
}

func (d *describer) field(name string, s *huma.Schema) refField {
	f := refField{Name: name, Type: d.typeOf(s)}
	if s == nil {
		return f
	}
	f.Text = runsOf(s.Description)
	if len(s.Enum) > 0 {
		words := make([]string, len(s.Enum))
		for i, w := range s.Enum {
			words[i] = fmt.Sprint(w)
		}
		f.Limits = append(f.Limits, "one of "+strings.Join(words, ", "))
	}
	number := func(word string, n *float64) {
		if n != nil {
			f.Limits = append(f.Limits, word+" "+strconv.FormatFloat(*n, 'f', -1, 64))
		}
	}
	number("from", s.Minimum)
	number("to", s.Maximum)
	length := func(n *int, unit string) {
		if n != nil && *n > 1 {
			f.Limits = append(f.Limits, fmt.Sprintf("at most %d %s", *n, unit))
		}
	}
	length(s.MaxLength, "characters")
	length(s.MaxItems, "of them")
	if s.Default != nil {
		f.Limits = append(f.Limits, fmt.Sprintf("otherwise %v", s.Default))
	}
	if len(s.Examples) > 0 {
		if text, ok := s.Examples[0].(string); ok {
			f.Example = text
		} else if text, err := json.Marshal(s.Examples[0]); err == nil {
			f.Example = string(text)
		}
	}
	return f
}

// fields lists the members of an object in the order of their type.
func (d *describer) fields(s *huma.Schema, ref string) []refField {
	if s == nil {
		return nil
	}
	var out []refField
	for _, name := range d.members(s, ref) {
		f := d.field(name, s.Properties[name])
		f.Required = slices.Contains(s.Required, name)
		out = append(out, f)
	}
	return out
}

// members returns the names of an object's members in the order in which their type has them.
func (d *describer) members(s *huma.Schema, ref string) []string {
	var list []string
	if ref != "" {
		list = inOrder(d.doc.Components.Schemas.TypeFromRef(ref))
	}
	list = slices.DeleteFunc(list, func(name string) bool { return s.Properties[name] == nil })
	var rest []string
	for name := range s.Properties { // order: sorted below
		if !slices.Contains(list, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(list, rest...)
}

// inOrder returns the JSON names of the fields of a type.
func inOrder(t reflect.Type) []string {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	var list []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			list = append(list, inOrder(f.Type)...)
		} else if name != "" && name != "-" {
			list = append(list, name)
		}
	}
	return list
}

// ordered is an object that keeps its members in order.
type ordered []exampleMember

type exampleMember struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o ordered) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		var v bytes.Buffer
		out := json.NewEncoder(&v)
		out.SetEscapeHTML(false)
		if err := out.Encode(m.value); err != nil {
			return nil, err
		}
		b = append(append(append(b, quote(m.name)...), ':'), bytes.TrimSpace(v.Bytes())...)
	}
	return append(b, '}'), nil
}

func (d *describer) exampleText(s *huma.Schema, ref string) string {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(d.example(s, ref, nil, false)); err != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}

// example makes up a value of a schema, which is within others; with needed, only of what has to be there or has an example.
func (d *describer) example(s *huma.Schema, ref string, within []string, needed bool) any {
	if s == nil {
		return nil
	}
	if s.Ref != "" {
		ref = s.Ref
		s = d.resolve(s)
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Default != nil:
		return s.Default
	}
	if ref != "" {
		within = append(slices.Clone(within), ref)
	}
	switch s.Type {
	case huma.TypeArray:
		if slices.Contains(within, s.Items.Ref) {
			return []any{} // a table in a table
		}
		return []any{d.example(s.Items, "", within, needed)}
	case huma.TypeObject:
		o := ordered{}
		for _, name := range d.members(s, ref) {
			p := s.Properties[name]
			if needed && (name == "at" || !slices.Contains(s.Required, name) && len(p.Examples) == 0) {
				continue
			}
			o = append(o, exampleMember{name, d.example(p, "", within, needed)})
		}
		return o
	case huma.TypeBoolean:
		return true
	case huma.TypeInteger, huma.TypeNumber:
		return 1
	}
	switch s.Format {
	case "date-time":
		return "2026-11-23T12:00:00Z"
	case "date":
		return "2026-11-23"
	}
	return "…"
}
