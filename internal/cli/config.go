package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"baton/internal/agreement"
	"baton/internal/app"
)

// settings finds the value of each flag of a command that has a --config flag. What is said on the command line
// counts before the environment, that before the file, and that before the default. kong itself reads the command
// line, the environment and the defaults; settings adds the file, secrets in files, and remembers where each came from.
type settings struct {
	file   string
	source []byte
	keys   map[string]*ast.MappingValueNode
	loaded bool
	from   map[string]string // flag -> where its value came from
}

// unconfigured are the flags that no file can set.
var unconfigured = []string{"config", "print-config", "help"}

// secret flags can be given as files, by their variable and _FILE, and are not shown.
var secretFlags = []string{"db", "trace-headers", "smtp-password", "oidc-secret", "seal-key", "slack", "teams"}

// unreadable is a configuration that cannot be used, with all that is wrong in it.
type unreadable struct{ text string }

func (e *unreadable) Error() string { return e.text }

// Validate is part of kong.Resolver; each file is checked when it is read.
func (s *settings) Validate(*kong.Application) error { return nil }

// Resolve returns the value of a flag that is not on the command line, nil for what kong has found.
func (s *settings) Resolve(ctx *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	node := parent.Node()
	if node == nil || !slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Name == "config" }) {
		return nil, nil
	}
	if !s.loaded {
		s.loaded = true
		s.from = map[string]string{}
		if err := s.load(ctx, node); err != nil {
			return nil, err
		}
	}
	for _, env := range flag.Envs {
		_, set := os.LookupEnv(env)
		path, inFile := os.LookupEnv(env + "_FILE")
		inFile = inFile && slices.Contains(secretFlags, flag.Name)
		switch {
		case set && inFile:
			return nil, &unreadable{fmt.Sprintf("%s and %s_FILE are both set; set one of them", env, env)}
		case set:
			s.from[flag.Name] = env
			return nil, nil
		case inFile:
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, &unreadable{fmt.Sprintf("%s_FILE: %v", env, err)}
			}
			s.from[flag.Name] = env + "_FILE"
			return strings.TrimRight(string(text), "\r\n"), nil
		}
	}
	if n := s.keys[flag.Name]; n != nil {
		s.from[flag.Name] = fmt.Sprintf("%s:%d", s.file, n.Key.GetToken().Position.Line)
		value, _ := valueOf(n.Value)
		return value, nil
	}
	return nil, nil
}

// load reads the file that --config or BATON_CONFIG names, and finds everything that is wrong with it.
func (s *settings) load(ctx *kong.Context, node *kong.Node) error {
	for _, flag := range node.Flags {
		if flag.Name == "config" {
			s.file, _ = ctx.FlagValue(flag).(string)
			s.file = cmp.Or(s.file, os.Getenv("BATON_CONFIG"))
		}
	}
	if s.file == "" {
		return nil
	}
	var err error
	if s.source, err = os.ReadFile(s.file); err != nil {
		return &unreadable{fmt.Sprintf("reading the configuration: %v", err)}
	}
	tree, err := parser.ParseBytes(s.source, 0)
	if err != nil {
		return &unreadable{fmt.Sprintf("reading %s: %s", s.file, yaml.FormatError(err, false, true))}
	}
	var entries []*ast.MappingValueNode
	for i, doc := range tree.Docs {
		switch body := doc.Body.(type) {
		case nil:
		case *ast.MappingNode:
			entries = append(entries, body.Values...)
		case *ast.MappingValueNode:
			entries = append(entries, body)
		default:
			if doc.Body.Type() != ast.CommentType && doc.Body.Type() != ast.CommentGroupType && doc.Body.Type() != ast.NullType {
				return s.wrong(nil, doc.Body, "the file has to be settings, as listen: 127.0.0.1:8080")
			}
		}
		if i > 0 {
			return s.wrong(nil, doc.Body, "a configuration is one document")
		}
	}
	flags, names := map[string]*kong.Flag{}, []string{}
	for _, flag := range node.Flags {
		if !slices.Contains(unconfigured, flag.Name) {
			flags[flag.Name] = flag
			names = append(names, flag.Name)
		}
	}
	s.keys = map[string]*ast.MappingValueNode{}
	var found error
	for _, n := range entries {
		name := n.Key.GetToken().Value
		flag := flags[name]
		if flag != nil {
			s.keys[name] = n // the parser has seen to it that none is there twice
			found = s.fits(found, flag, n.Value)
			continue
		}
		hint := ""
		if near := agreement.Nearest(strings.ReplaceAll(name, "_", "-"), names); near != "" {
			hint = "; did you mean " + near + "?"
		}
		found = s.wrong(found, n.Key, fmt.Sprintf("there is no setting %q%s", name, hint))
	}
	return found
}

// fits finds out whether a flag takes a value, so that the error has a place.
func (s *settings) fits(found error, flag *kong.Flag, n ast.Node) error {
	value, ok := valueOf(n)
	kind := flag.Target.Kind()
	_, list := value.([]any)
	entries, mapping := value.(map[string]any)
	switch {
	case !ok:
		return s.wrong(found, n, flag.Name+" has no value that can be read here")
	case list && kind != reflect.Slice:
		return s.wrong(found, n, flag.Name+" takes one value and not a list")
	case mapping != (kind == reflect.Map):
		return s.wrong(found, n, map[bool]string{true: flag.Name + " takes one value", false: flag.Name + " takes names with a value each"}[mapping])
	case list:
		for i, item := range n.(*ast.SequenceNode).Values {
			found = s.decodes(found, flag, item, []any{value.([]any)[i]})
		}
		return found
	case mapping:
		for _, item := range mapped(n) {
			name := item.Key.GetToken().Value
			found = s.decodes(found, flag, item.Value, map[string]any{name: entries[name]})
		}
		return found
	}
	if flag.Enum != "" && !slices.Contains(flag.EnumSlice(), fmt.Sprint(value)) {
		return s.wrong(found, n, fmt.Sprintf("%s is one of %s, not %q", flag.Name, strings.Join(flag.EnumSlice(), ", "), value))
	}
	return s.decodes(found, flag, n, value)
}

func (s *settings) decodes(found error, flag *kong.Flag, n ast.Node, value any) error {
	scratch := reflect.New(flag.Target.Type()).Elem()
	err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: kong.Scan().PushTyped(value, kong.FlagValueToken)}, scratch)
	if err == nil {
		return found
	}
	if _, why, ok := strings.Cut(err.Error(), " -> *"+flag.Target.Type().String()+": "); ok {
		return s.wrong(found, n, flag.Name+": "+why) // without how the library took it
	}
	return s.wrong(found, n, fmt.Sprintf("%s: %v", flag.Name, err))
}

// wrong adds what is wrong at a place, with the line and a caret.
func (s *settings) wrong(found error, n ast.Node, what string) error {
	var b strings.Builder
	if found != nil {
		b.WriteString(found.Error() + "\n")
	}
	if n == nil || n.GetToken() == nil {
		fmt.Fprintf(&b, "%s: %s", s.file, what)
		return &unreadable{b.String()}
	}
	token := n.GetToken()
	at := token.Position
	fmt.Fprintf(&b, "%s:%d:%d: %s", s.file, at.Line, at.Column, what)
	if lines := bytes.Split(s.source, []byte("\n")); at.Line <= len(lines) {
		line := strings.ReplaceAll(strings.TrimRight(string(lines[at.Line-1]), "\r"), "\t", " ")
		margin := fmt.Sprintf("%5d | ", at.Line)
		fmt.Fprintf(&b, "\n%s%s\n%s| %s%s", margin, line, strings.Repeat(" ", len(margin)-2), strings.Repeat(" ", at.Column-1),
			strings.Repeat("^", max(1, len([]rune(strings.TrimSpace(token.Value))))))
	}
	return &unreadable{b.String()}
}

// valueOf returns a value as kong takes it: a text, texts, or texts by name.
func valueOf(n ast.Node) (any, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	case *ast.SequenceNode:
		list := []any{}
		for _, item := range n.Values {
			v, ok := valueOf(item)
			if text, isText := v.(string); ok && isText {
				list = append(list, text)
				continue
			}
			return nil, false
		}
		return list, true
	case *ast.MappingNode, *ast.MappingValueNode:
		m := map[string]any{}
		for _, item := range mapped(n) {
			v, ok := valueOf(item.Value)
			if text, isText := v.(string); ok && isText {
				m[item.Key.GetToken().Value] = text
				continue
			}
			return nil, false
		}
		return m, true
	}
	return nil, false
}

func mapped(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// list returns the settings that apply, with where each came from. Secrets are not in it.
func (s *settings) list(ctx *kong.Context) []app.Setting {
	typed := map[string]bool{}
	for _, p := range ctx.Path {
		if p.Flag != nil && !p.Resolved {
			typed[p.Flag.Name] = true
		}
	}
	var list []app.Setting
	for _, flag := range ctx.Selected().Flags {
		if slices.Contains(unconfigured, flag.Name) {
			continue
		}
		v := app.Setting{Name: flag.Name, Help: flag.Help, From: cmp.Or(s.from[flag.Name], "default")}
		if typed[flag.Name] {
			v.From = "--" + flag.Name
		}
		secret := slices.Contains(secretFlags, flag.Name)
		switch {
		case flag.Target.IsZero() && v.From == "default" && flag.Default == "":
			v.From = ""
		case flag.Target.Kind() == reflect.String && flag.Name != "db" && secret:
			v.Value, v.Hidden = strconv.Quote(hidden), true
		default:
			v.Value, v.Hidden = shown(flag.Target, secret), secret && flag.Name != "db"
		}
		list = append(list, v)
	}
	return list
}

// print writes the settings that apply as a configuration, with where each came from. Secrets are not shown.
func (s *settings) print(ctx *kong.Context, to *bytes.Buffer) {
	for _, v := range s.list(ctx) {
		if v.From == "" {
			fmt.Fprintf(to, "# %s: not set\n", v.Name)
		} else {
			fmt.Fprintf(to, "%s: %s # %s\n", v.Name, v.Value, v.From)
		}
	}
}

const hidden = "***"

// shown is a value as YAML.
func shown(v reflect.Value, secret bool) string {
	switch v.Kind() {
	case reflect.Slice:
		var list []string
		for i := range v.Len() {
			list = append(list, shown(v.Index(i), secret))
		}
		return "[" + strings.Join(list, ", ") + "]"
	case reflect.Map:
		var list []string
		for _, key := range v.MapKeys() { // order: sorted below
			value := strconv.Quote(hidden)
			if !secret {
				value = shown(v.MapIndex(key), false)
			}
			list = append(list, strconv.Quote(key.String())+": "+value)
		}
		slices.Sort(list)
		return "{" + strings.Join(list, ", ") + "}"
	case reflect.String:
		text := v.String()
		if secret {
			text = withoutPassword(text)
		}
		return strconv.Quote(text)
	}
	if s, ok := v.Interface().(fmt.Stringer); ok {
		return strconv.Quote(s.String())
	}
	return fmt.Sprint(v.Interface())
}

// withoutPassword hides the password in the address of a database.
func withoutPassword(text string) string {
	if !strings.Contains(text, "://") {
		if strings.Contains(strings.ToLower(text), "password") {
			return hidden
		}
		return text
	}
	at, err := url.Parse(text)
	if err != nil {
		return hidden
	}
	values := at.Query()
	for _, name := range []string{"password", "sslpassword"} {
		if values.Has(name) {
			values.Set(name, hidden)
			at.RawQuery = values.Encode()
		}
	}
	if _, has := at.User.Password(); has {
		at.User = url.UserPassword(at.User.Username(), hidden)
	}
	return strings.ReplaceAll(at.String(), "%2A%2A%2A", hidden)
}

// network is an address, or a range of them as 10.0.0.0/8.
type network netip.Prefix

func (n *network) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if at, err := netip.ParseAddr(s); err == nil {
		*n = network(netip.PrefixFrom(at.Unmap(), at.Unmap().BitLen()))
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is no address and no range of them, as 10.0.0.7 or 10.0.0.0/8", s)
	}
	*n = network(p.Masked())
	return nil
}

func (n network) String() string { return netip.Prefix(n).String() }

// bounded refuses values that make no sense.
func bounded[T cmp.Ordered](name string, v, least, most T) error {
	if v >= least && v <= most {
		return nil
	}
	return fmt.Errorf("--%s: %v is not between %v and %v", name, v, least, most)
}

// complaint is what is wrong with the configuration, as it is shown; "" if an error is about something else.
func complaint(err error) string {
	var e *unreadable
	if errors.As(err, &e) {
		return e.text
	}
	return ""
}
