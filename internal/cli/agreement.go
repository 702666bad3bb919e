package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/document"
	"baton/internal/store"
)

type initCommand struct {
	Template string `help:"Which agreement to start from: waterfall (MQL, SAL, SQL) or classic (MQL, SQL, SAL)." enum:"waterfall,classic" default:"waterfall"`
	Force    bool   `help:"Write over a file that is there."`
	File     string `arg:"" optional:"" default:"agreement.yaml" help:"Where to write it."`
}

func (c *initCommand) Run(r *run) error {
	source, ok := agreement.Template(c.Template)
	if !ok {
		return fmt.Errorf("there is no template %q", c.Template)
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if c.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(c.File, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; name another file, or write over it with --force", c.File)
	}
	if err != nil {
		return fmt.Errorf("writing the agreement: %w", err)
	}
	if _, err = f.Write(source); err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("writing the agreement: %w", err)
	}
	fmt.Fprintf(r.Out, "%s written. Read it, change it, then:\n  baton check %s\n  baton show %s\n", c.File, c.File, c.File)
	return nil
}

type checkCommand struct {
	Format string   `help:"text for people, json for editors." enum:"text,json" default:"text"`
	Files  []string `arg:"" name:"file" help:"Agreements."`
}

func (c *checkCommand) Run(r *run) error {
	var all agreement.Findings
	sources := map[string][]byte{}
	for _, file := range c.Files {
		source, _, findings, err := app.Load(file)
		if err != nil {
			return err
		}
		sources[file] = source
		all = append(all, findings...)
	}
	if c.Format == "json" {
		fmt.Fprintf(r.Out, "%s\n", bytes.TrimRight(all.JSON(), "\n"))
	} else {
		fmt.Fprint(r.Out, all.Text(func(file string) []byte { return sources[file] }, r.Colour))
		if len(all) == 0 {
			fmt.Fprintf(r.Out, "%s: nothing found; it can work\n", strings.Join(c.Files, ", "))
		}
	}
	if all.HasErrors() {
		return errSaid
	}
	return nil
}

type fmtCommand struct {
	Check bool     `help:"Write nothing; name the files that are not in the usual form and end with status 1."`
	Files []string `arg:"" name:"file" help:"Agreements; - reads standard input and writes standard output."`
}

func (c *fmtCommand) Run(r *run) error {
	other := false
	for _, file := range c.Files {
		source, err := readFile(r, file)
		if err != nil {
			return err
		}
		formed, findings := agreement.Format(file, source)
		if findings.HasErrors() {
			fmt.Fprint(r.Err, findings.Text(func(string) []byte { return source }, r.Colour))
			return errSaid
		}
		switch {
		case file == "-":
			if _, err := r.Out.Write(formed); err != nil {
				return err
			}
		case bytes.Equal(formed, source):
		case c.Check:
			fmt.Fprintln(r.Out, file)
			other = true
		default:
			if err := replaceFile(file, formed); err != nil {
				return err
			}
			fmt.Fprintln(r.Out, file)
		}
	}
	if other {
		return errSaid
	}
	return nil
}

type schemaCommand struct{}

func (schemaCommand) Run(r *run) error {
	_, err := r.Out.Write(agreement.Schema())
	return err
}

type showCommand struct {
	Format string `help:"markdown, html, or svg for the stages alone." enum:"markdown,html,svg" default:"markdown"`
	Output string `short:"o" help:"Write to a file; its ending says the format." placeholder:"FILE"`
	File   string `arg:"" help:"Agreement."`
}

func (c *showCommand) Run(r *run) error {
	source, plan, findings, err := app.Load(c.File)
	if err != nil {
		return err
	}
	if findings.HasErrors() {
		return &app.Unworkable{Findings: findings, Source: source}
	}
	format := c.Format
	switch filepath.Ext(c.Output) {
	case ".html":
		format = "html"
	case ".svg":
		format = "svg"
	case ".md":
		format = "markdown"
	}
	var shown []byte
	switch format {
	case "html":
		if shown, err = document.HTML(plan); err != nil {
			return err
		}
	case "svg":
		shown = document.Diagram(plan, nil, document.Auto)
	default:
		shown = document.Markdown(plan)
	}
	if c.Output == "" {
		_, err = r.Out.Write(shown)
		return err
	}
	if err := os.WriteFile(c.Output, shown, 0o644); err != nil {
		return fmt.Errorf("writing the document: %w", err)
	}
	fmt.Fprintln(r.Out, c.Output, "written")
	return nil
}

type activateCommand struct {
	database
	File string `arg:"" help:"Agreement."`
}

func (c *activateCommand) Run(r *run) error {
	source, plan, findings, err := app.Load(c.File)
	if err != nil {
		return err
	}
	if findings.HasErrors() {
		return &app.Unworkable{Findings: findings, Source: source}
	}
	a, err := c.open(r)
	if err != nil {
		return err
	}
	defer a.Close()
	_, before := a.Engine.Agreement()
	version, err := a.Engine.Activate(r.ctx, plan, source, c.File, r.now())
	if err != nil {
		return err
	}
	if version != before {
		if err := a.Store.Did(r.ctx, r.now(), store.Activated, "agreement "+plan.Name, fmt.Sprintf("version %d", version)); err != nil {
			return err
		}
	}
	if version == before {
		fmt.Fprintf(r.Out, "%s runs this agreement already, as version %d\n", c.name(), version)
	} else {
		fmt.Fprintf(r.Out, "%s runs %q from now on, as version %d\n", c.name(), plan.Name, version)
	}
	return a.Close()
}
