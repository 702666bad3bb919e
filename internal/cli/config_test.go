package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// settingsOf is what "baton serve" would run with, by flag: the value, and where it came from.
func settingsOf(t *testing.T, args ...string) map[string][2]string {
	t.Helper()
	out, errs, status := mainWith(append([]string{"serve", "--print-config"}, args...)...)
	if status != 0 {
		t.Fatalf("%q: status %d: %s", args, status, errs)
	}
	all := map[string][2]string{}
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# "); ok {
			name, _, _ := strings.Cut(rest, ":")
			all[name] = [2]string{"", "not set"}
			continue
		}
		name, rest, _ := strings.Cut(line, ": ")
		i := strings.LastIndex(rest, " # ")
		all[name] = [2]string{rest[:i], rest[i+3:]}
	}
	return all
}

func mainWith(args ...string) (out, errs string, status int) {
	var o, e bytes.Buffer
	status = Main(args, Env{In: strings.NewReader(""), Out: &o, Err: &e, Clock: time.Now, Width: 100, Program: "baton",
		Interrupt: func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithCancel(ctx) }})
	return o.String(), e.String(), status
}

// serveFlags lists the flags of serve that a file can set.
func serveFlags(t *testing.T) []*kong.Flag {
	t.Helper()
	var cmds commands
	parser, err := kong.New(&cmds, kong.Vars{"templates": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range parser.Model.Children {
		if node.Name != "serve" {
			continue
		}
		var list []*kong.Flag
		for _, flag := range node.Flags {
			if flag.Name != "config" && flag.Name != "print-config" && flag.Name != "help" {
				list = append(list, flag)
			}
		}
		return list
	}
	t.Fatal("there is no serve")
	return nil
}

// precedences has three values of each setting, as they are written on the command line, in a variable and in a file,
// and as they are shown.
var precedences = map[string][3]struct{ text, yaml, shown string }{
	"db":               {{"f.db", "f.db", `"f.db"`}, {"e.db", "e.db", `"e.db"`}, {"c.db", "c.db", `"c.db"`}},
	"agreement":        {{"f.yaml", "f.yaml", `"f.yaml"`}, {"e.yaml", "e.yaml", `"e.yaml"`}, {"c.yaml", "c.yaml", `"c.yaml"`}},
	"listen":           {{"f:1", "'f:1'", `"f:1"`}, {"e:1", "e:1", `"e:1"`}, {"c:1", "'c:1'", `"c:1"`}},
	"redirect":         {{"f1,f2", "[f1, f2]", `["f1", "f2"]`}, {"e1,e2", "[e1, e2]", `["e1", "e2"]`}, {"c1,c2", "[c1, c2]", `["c1", "c2"]`}},
	"log-format":       {{"json", "json", `"json"`}, {"text", "text", `"text"`}, {"json", "json", `"json"`}},
	"log-level":        {{"debug", "debug", `"debug"`}, {"warn", "warn", `"warn"`}, {"error", "error", `"error"`}},
	"slow-commit":      {{"2s", "2s", `"2s"`}, {"3s", "3s", `"3s"`}, {"4s", "4s", `"4s"`}},
	"memory":           {{"1", "1", `1`}, {"2", "2", `2`}, {"3", "3", `3`}},
	"file-memory":      {{"1", "1", `1`}, {"2", "2", `2`}, {"3", "3", `3`}},
	"drain-time":       {{"2s", "2s", `"2s"`}, {"3s", "3s", `"3s"`}, {"4m", "4m", `"4m0s"`}},
	"rate":             {{"1/s", "1/s", `"1/s burst 2500"`}, {"2/s", "2/s", `"2/s burst 2500"`}, {"3/s burst 9", "3/s burst 9", `"3/s burst 9"`}},
	"rates":            {{"a=1/s", "{a: 1/s}", `{"a": "1/s burst 2500"}`}, {"b=2/s;c=off", "{b: 2/s, c: off}", `{"b": "2/s burst 2500", "c": "off"}`}, {"d=3/s", "\n  d: 3/s", `{"d": "3/s burst 2500"}`}},
	"tries":            {{"1/s burst 2", "1/s burst 2", `"1/s burst 2"`}, {"1/s burst 3", "1/s burst 3", `"1/s burst 3"`}, {"off", "off", `"off"`}},
	"trusted-proxy":    {{"10.0.0.1", "[10.0.0.1]", `["10.0.0.1/32"]`}, {"10.0.0.2,fd00::/8", "[10.0.0.2, 'fd00::/8']", `["10.0.0.2/32", "fd00::/8"]`}, {"10.1.2.3/8", "10.1.2.3/8", `["10.0.0.0/8"]`}},
	"metrics-listen":   {{"f:9", "'f:9'", `"f:9"`}, {"e:9", "e:9", `"e:9"`}, {"c:9", "'c:9'", `"c:9"`}},
	"smtp-host":        {{"f", "f", `"f"`}, {"e", "e", `"e"`}, {"c", "c", `"c"`}},
	"smtp-port":        {{"1", "1", `1`}, {"2", "2", `2`}, {"3", "3", `3`}},
	"smtp-security":    {{"tls", "tls", `"tls"`}, {"none", "none", `"none"`}, {"opportunistic", "opportunistic", `"opportunistic"`}},
	"smtp-user":        {{"f", "f", `"f"`}, {"e", "e", `"e"`}, {"c", "c", `"c"`}},
	"smtp-password":    {{"f", "f", `"***"`}, {"e", "e", `"***"`}, {"c", "c", `"***"`}},
	"mail-from":        {{"f@f.example", "f@f.example", `"f@f.example"`}, {"e@e.example", "e@e.example", `"e@e.example"`}, {"c@c.example", "c@c.example", `"c@c.example"`}},
	"mail-to":          {{"sales=f@f", "{sales: f@f}", `{"sales": "f@f"}`}, {"queue a=e@e", "{queue a: e@e}", `{"queue a": "e@e"}`}, {"sales=c@c", "{sales: c@c}", `{"sales": "c@c"}`}},
	"slack":            {{"sales=https://f", "{sales: 'https://f'}", `{"sales": "***"}`}, {"*=https://e", "{'*': 'https://e'}", `{"*": "***"}`}, {"sales=https://c", "{sales: 'https://c'}", `{"sales": "***"}`}},
	"teams":            {{"sales=https://f", "{sales: 'https://f'}", `{"sales": "***"}`}, {"*=https://e", "{'*': 'https://e'}", `{"*": "***"}`}, {"sales=https://c", "{sales: 'https://c'}", `{"sales": "***"}`}},
	"outbound":         {{"10.0.0.1", "[10.0.0.1]", `["10.0.0.1"]`}, {"10.0.0.0/8,a.example", "[10.0.0.0/8, a.example]", `["10.0.0.0/8", "a.example"]`}, {"b.example", "b.example", `["b.example"]`}},
	"outbound-http":    {{"true", "true", `true`}, {"false", "false", `false`}, {"true", "true", `true`}},
	"url":              {{"https://f.example", "https://f.example", `"https://f.example"`}, {"https://e.example", "https://e.example", `"https://e.example"`}, {"https://c.example", "https://c.example", `"https://c.example"`}},
	"session-idle":     {{"2h", "2h", `"2h0m0s"`}, {"3h", "3h", `"3h0m0s"`}, {"4h", "4h", `"4h0m0s"`}},
	"session-longest":  {{"20h", "20h", `"20h0m0s"`}, {"30h", "30h", `"30h0m0s"`}, {"40h", "40h", `"40h0m0s"`}},
	"oidc-issuer":      {{"https://f.example", "https://f.example", `"https://f.example"`}, {"https://e.example", "https://e.example", `"https://e.example"`}, {"https://c.example", "https://c.example", `"https://c.example"`}},
	"oidc-client":      {{"f", "f", `"f"`}, {"e", "e", `"e"`}, {"c", "c", `"c"`}},
	"oidc-secret":      {{"f", "f", `"***"`}, {"e", "e", `"***"`}, {"c", "c", `"***"`}},
	"oidc-name":        {{"f", "f", `"f"`}, {"e", "e", `"e"`}, {"c", "c", `"c"`}},
	"oidc-scopes":      {{"f,g", "[f, g]", `["f", "g"]`}, {"e", "e", `["e"]`}, {"c", "c", `["c"]`}},
	"oidc-roles-claim": {{"f", "f", `"f"`}, {"e", "e", `"e"`}, {"c", "c", `"c"`}},
	"oidc-roles":       {{"f=rep", "{f: rep}", `{"f": "rep"}`}, {"e=sdr", "{e: sdr}", `{"e": "sdr"}`}, {"c=admin", "{c: admin}", `{"c": "admin"}`}},
	"oidc-trust-email": {{"true", "true", `true`}, {"false", "false", `false`}, {"true", "true", `true`}},
	"seal-key":         {{"f", "f", `"***"`}, {"e", "e", `"***"`}, {"c", "c", `"***"`}},
	"trace-endpoint":   {{"http://f", "http://f", `"http://f"`}, {"http://e", "http://e", `"http://e"`}, {"http://c", "http://c", `"http://c"`}},
	"trace-headers":    {{"a=f", "{a: f}", `{"a": "***"}`}, {"b=e", "{b: e}", `{"b": "***"}`}, {"c=c", "{c: c}", `{"c": "***"}`}},
	"trace-sample":     {{"0.5", "0.5", `0.5`}, {"0.25", "0.25", `0.25`}, {"0", "0", `0`}},
}

// Each setting, on its own: the command line counts before the environment, that before the file, that before
// the default.
func TestPrecedence(t *testing.T) {
	plain := settingsOf(t)
	for _, flag := range serveFlags(t) {
		values, ok := precedences[flag.Name]
		if !ok {
			t.Errorf("--%s is not in the table of this test", flag.Name)
			continue
		}
		if want := "BATON_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_")); len(flag.Envs) == 0 || flag.Envs[0] != want {
			t.Errorf("--%s has the variables %q, the first should be %s", flag.Name, flag.Envs, want)
			continue
		}
		if from := plain[flag.Name][1]; from != "default" && from != "not set" {
			t.Errorf("--%s with nothing said: %q", flag.Name, plain[flag.Name])
		}
		t.Run(flag.Name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "baton.yaml")
			if err := os.WriteFile(config, []byte("# settings\n"+flag.Name+": "+values[2].yaml+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			check := func(value, from string, args ...string) {
				t.Helper()
				all := settingsOf(t, args...)
				if diff := cmp.Diff([2]string{value, from}, all[flag.Name]); diff != "" {
					t.Errorf("%q: %s", args, diff)
				}
				for name, got := range all {
					if name != flag.Name && got != plain[name] {
						t.Errorf("%q: %s became %q", args, name, got)
					}
				}
			}
			typed := "--" + flag.Name + "=" + values[0].text
			check(values[2].shown, config+":2", "--config", config)
			check(values[0].shown, "--"+flag.Name, "--config", config, typed)
			t.Setenv(flag.Envs[0], values[1].text)
			check(values[1].shown, flag.Envs[0])
			check(values[1].shown, flag.Envs[0], "--config", config)
			check(values[0].shown, "--"+flag.Name, "--config", config, typed)
			t.Setenv("BATON_CONFIG", config)
			check(values[1].shown, flag.Envs[0])
		})
	}
}

// What is printed is a configuration that gives the same settings.
func TestPrintedConfigIsAConfig(t *testing.T) {
	var args []string
	for name, values := range precedences {
		if name != "trace-headers" { // whose values are not shown
			args = append(args, "--"+name+"="+values[0].text)
		}
	}
	before := settingsOf(t, args...)
	out, _, _ := mainWith(append([]string{"serve", "--print-config"}, args...)...)
	config := filepath.Join(t.TempDir(), "baton.yaml")
	if err := os.WriteFile(config, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, got := range settingsOf(t, "--config", config) {
		if got[0] != before[name][0] {
			t.Errorf("%s: %s became %s", name, before[name][0], got[0])
		}
	}
}

func TestSecrets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("postgres://baton:s3cret@db.example/baton?sslmode=require\n")
	config := filepath.Join(t.TempDir(), "baton.yaml")
	if err := os.WriteFile(config, []byte("db: other.db\nlisten: 'x:1'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BATON_DB_FILE", file)
	t.Setenv("BATON_LISTEN_FILE", file) // no secret: means nothing
	all := settingsOf(t, "--config", config)
	want := [2]string{`"postgres://baton:***@db.example/baton?sslmode=require"`, "BATON_DB_FILE"}
	if all["db"] != want || all["listen"][0] != `"x:1"` {
		t.Errorf("%q %q", all["db"], all["listen"])
	}
	if got := settingsOf(t, "--db", "mine.db"); got["db"][0] != `"mine.db"` {
		t.Errorf("%q", got["db"])
	}
	t.Setenv("BATON_DB", "third.db")
	if _, errs, status := mainWith("serve", "--print-config"); status != 2 || !strings.Contains(errs, "BATON_DB and BATON_DB_FILE are both set") {
		t.Errorf("%d %s", status, errs)
	}
	os.Unsetenv("BATON_DB")
	t.Setenv("BATON_DB_FILE", file+"x")
	if _, errs, status := mainWith("serve", "--print-config"); status != 2 || !strings.Contains(errs, "BATON_DB_FILE: open") {
		t.Errorf("%d %s", status, errs)
	}
	for text, want := range map[string]string{
		"baton.db":                                   "baton.db",
		"postgres://u@h/d":                           "postgres://u@h/d",
		"postgres://h/d?user=u&password=p":           "postgres://h/d?password=***&user=u",
		"host=h password=p":                          "***",
		"postgres://u:p%zz@h/d":                      "***",
		"postgres://u:p@h:5432,i:5432/d":             "***",
		"postgres://u:p@h/d?sslpassword=x&sslmode=a": "postgres://u:***@h/d?sslmode=a&sslpassword=***",
	} {
		if got := withoutPassword(text); got != want && (want != "***" || strings.Contains(got, ":p")) {
			t.Errorf("%s is shown as %s, want %s", text, got, want)
		}
	}
}

// A configuration that cannot be used is refused with every place in it, before anything is opened.
func TestConfigFindings(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"listne: x\n", "FILE:1:1: there is no setting \"listne\"; did you mean listen?\n    1 | listne: x\n      | ^^^^^^\n"},
		{"log_level: info\nlog-level: loud\n", "FILE:1:1: there is no setting \"log_level\"; did you mean log-level?\n    1 | log_level: info\n      | ^^^^^^^^^\n" +
			"FILE:2:12: log-level is one of debug, info, warn, error, not \"loud\"\n    2 | log-level: loud\n      |            ^^^^\n"},
		{"colour: red\n", "FILE:1:1: there is no setting \"colour\"\n"},
		{"config: x\n", "FILE:1:1: there is no setting \"config\""},
		{"listen: a\nlisten: b\n", "[2:1] mapping key \"listen\" already defined"},
		{"listen: [a, b]\n", "listen takes one value and not a list\n"},
		{"listen: {a: b}\n", "listen takes one value\n"},
		{"listen:\n", "listen has no value"},
		{"rates: fast\n", "rates takes names with a value each\n"},
		{"rates: {web: 1/s, crm: fast}\n", "FILE:1:24: rates: \"fast\" is no rate"},
		{"rate: 5\n", "FILE:1:7: rate: \"5\" is no rate"},
		{"drain-time: soon\n", "FILE:1:13: drain-time: "},
		{"trace-sample: much\n", "FILE:1:15: trace-sample: "},
		{"redirect: [a, {b: c}]\n", "redirect has no value that can be read here"},
		{"trusted-proxy: [10.0.0.1, ten]\n", "FILE:1:27: trusted-proxy: \"ten\" is no address"},
		{"- a\n- b\n", "the file has to be settings"},
		{"just words\n", "the file has to be settings"},
		{"listen: 'x\n", "reading FILE: "},
		{"listen: x\n---\nlisten: y\n", "a configuration is one document"},
		{"listen: &a x\ndb: *a\n", "no value that can be read here"},
	} {
		config := filepath.Join(t.TempDir(), "baton.yaml")
		if err := os.WriteFile(config, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, status := mainWith("serve", "--config", config)
		errs = strings.ReplaceAll(errs, config, "FILE")
		if status != 2 || out != "" || !strings.Contains(errs, test.want) {
			t.Errorf("%q: status %d\n%s\nwant\n%s", test.text, status, errs, test.want)
		}
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "listen: x:1 # here\n"} {
		config := filepath.Join(t.TempDir(), "baton.yaml")
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, errs, status := mainWith("serve", "--print-config", "--config", config); status != 0 {
			t.Errorf("%q: %s", text, errs)
		}
	}
	if _, errs, status := mainWith("serve", "--config", filepath.Join(t.TempDir(), "none.yaml")); status != 2 || !strings.Contains(errs, "reading the configuration") {
		t.Errorf("%d %s", status, errs)
	}
	for _, args := range [][]string{{"--drain-time", "0s"}, {"--slow-commit", "2h"}, {"--memory", "2000000"}, {"--file-memory", "2000000"}, {"--file-memory", "1", "--db", "postgres://127.0.0.1/none"}, {"--trace-sample", "2"}, {"--trace-sample", "NaN"}} {
		if _, errs, status := mainWith(append([]string{"serve", "--print-config"}, args...)...); status != 1 || !strings.Contains(errs, args[0]) {
			t.Errorf("%q: %d %s", args, status, errs)
		}
	}
}

// Other commands know nothing of a configuration, but for the database in the environment.
func TestEnvironmentOfOtherCommands(t *testing.T) {
	t.Setenv("BATON_CONFIG", "/nowhere/baton.yaml")
	t.Setenv("BATON_DB", filepath.Join(t.TempDir(), "none.db"))
	_, errs, _ := mainWith("key", "list")
	if !strings.Contains(errs, os.Getenv("BATON_DB")) {
		t.Errorf("key list: %s", errs)
	}
}

func TestShown(t *testing.T) {
	for _, test := range []struct {
		value any
		want  string
	}{{"a # b", `"a # b"`}, {[]string{}, "[]"}, {map[string]string{"b": "2", "a": "1"}, `{"a": "1", "b": "2"}`}, {90 * time.Second, `"1m30s"`}, {true, "true"}} {
		if got := shown(reflect.ValueOf(test.value), false); got != test.want {
			t.Errorf("%v is shown as %s", test.value, got)
		}
	}
}

// The table in docs/operations.md is about the flags there are, with their variables and defaults.
func TestSettingsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, flag := range serveFlags(t) {
		var envs []string
		for _, env := range flag.Envs {
			envs = append(envs, "`"+env+"`")
		}
		otherwise := ""
		if flag.Default != "" {
			otherwise = "`" + flag.Default + "`"
		}
		want = append(want, strings.Join(strings.Fields("`"+flag.Name+"` | "+strings.Join(envs, ", ")+" | "+otherwise+" |"), " "))
		if file := "`" + flag.Envs[0] + "_FILE`"; slices.Contains(secretFlags, flag.Name) && !strings.Contains(string(page), file) {
			t.Errorf("docs/operations.md does not say that %s can be given as %s", flag.Name, file)
		}
	}
	_, table, _ := strings.Cut(string(page), "| setting | variable | default | |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, line := range strings.Split(table, "\n")[1:] {
		cells := strings.SplitN(line, "|", 5)
		got = append(got, strings.Join(strings.Fields(strings.Join(cells[1:4], "|")+"|"), " "))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operations.md:\n%s", diff)
	}
}

// The unit of systemd gives the server time to drain, and names variables that there are.
func TestUnit(t *testing.T) {
	unit, err := os.ReadFile("../../packaging/baton.service")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{}
	var known []string
	var drain time.Duration
	for _, flag := range serveFlags(t) {
		known = append(known, flag.Envs...)
		if flag.Name == "drain-time" {
			if drain, err = time.ParseDuration(flag.Default); err != nil {
				t.Fatal(err)
			}
		}
	}
	for line := range strings.Lines(string(unit)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		set[name] = value
		if variable, _, _ := strings.Cut(value, "="); name == "Environment" && !slices.Contains(known, variable) {
			t.Errorf("there is no variable %s", variable)
		}
	}
	stop, err := time.ParseDuration(set["TimeoutStopSec"] + "s")
	if err != nil || stop < drain+10*time.Second {
		t.Errorf("TimeoutStopSec is %s, and requests have %s", set["TimeoutStopSec"], drain)
	}
	for name, want := range map[string]string{"Type": "notify", "DynamicUser": "yes", "StateDirectory": "baton", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "Restart": "on-failure"} {
		if set[name] != want {
			t.Errorf("%s is %q, want %q", name, set[name], want)
		}
	}
	args := strings.Fields(set["ExecStart"])
	if out, errs, status := mainWith(append(args[1:], "--help")...); status != 0 || !strings.Contains(out, "--config") {
		t.Errorf("%q: %s", args, errs)
	}
}
