package cli

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/engine"
	"baton/internal/imports"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

type importCommand struct {
	database
	Agreement string   `help:"The agreement, for a database that has none yet." placeholder:"FILE"`
	Map       []string `help:"What the columns mean; one for all files, or one for each in their order." required:"" placeholder:"MAPPING.yaml" sep:"none"`
	DryRun    bool     `help:"Read and check everything, and change nothing."`
	Refused   string   `help:"Where to list the rows that were refused (default: beside the CSV file, with -refused in its name)." placeholder:"FILE"`
	Files     []string `arg:"" name:"file" help:"CSV files; several are taken in as one history."`
}

func (c *importCommand) Run(r *run) (err error) {
	if len(c.Map) != 1 && len(c.Map) != len(c.Files) {
		return fmt.Errorf("%d files and %d mappings: give one mapping for all files, or one for each", len(c.Files), len(c.Map))
	}
	if c.Refused != "" && len(c.Files) > 1 {
		return errors.New("--refused names one file; with several CSV files leave it out, and each gets its own")
	}
	plan, err := c.plan(r)
	if err != nil {
		return err
	}
	var readings []*imports.Reading
	defer func() {
		for _, reading := range readings {
			err = errors.Join(err, reading.Close())
		}
	}()
	hash := sha256.New()
	var names []string
	for i, file := range c.Files {
		reading, name, err := c.read(r, plan, i, hash)
		if err != nil {
			return err
		}
		readings = append(readings, reading)
		names = append(names, name)
		summary := reading.Summary()
		r.told(&summary)
		if err := c.writeRefused(r, file, reading); err != nil {
			return err
		}
	}
	if c.DryRun {
		// the order of time shows more: walk through it once
		if err := imports.Merge(func(*lifecycle.Arrival) error { return r.ctx.Err() }, readings...); err != nil {
			return err
		}
		r.notes(readings)
		fmt.Fprintln(r.Out, "\nDry run: nothing was changed.")
		return nil
	}
	a, err := c.open(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Adopt(r.ctx, c.Agreement, r.now()); err != nil {
		return err
	}
	if running, _ := a.Engine.Agreement(); running.Hash != plan.Hash {
		return errors.New("another agreement was activated in the meantime; nothing was imported, run the command again")
	}
	return c.take(r, a, readings, names, hex.EncodeToString(hash.Sum(nil)))
}

// plan finds the agreement that the mapping belongs to. It writes nothing: a database is only
// made once the files have been read.
func (c *importCommand) plan(r *run) (*agreement.Plan, error) {
	if c.Agreement != "" {
		source, plan, findings, err := app.Load(c.Agreement)
		if err == nil && findings.HasErrors() {
			err = &app.Unworkable{Findings: findings, Source: source}
		}
		return plan, err
	}
	if !c.there() {
		return nil, fmt.Errorf("%s is not there yet; to begin one, name its agreement with --agreement FILE (write one with: baton init)", c.name())
	}
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	return activePlan(r, st)
}

func (c *importCommand) read(r *run, plan *agreement.Plan, i int, hash io.Writer) (*imports.Reading, string, error) {
	file, mapFile := c.Files[i], c.Map[min(i, len(c.Map)-1)]
	source, err := os.ReadFile(mapFile)
	if err != nil {
		return nil, "", fmt.Errorf("reading the mapping: %w", err)
	}
	mapping, findings := imports.ParseMapping(mapFile, source, plan)
	if mapping == nil {
		fmt.Fprint(r.Err, findings.Text(func(string) []byte { return source }, r.Colour))
		return nil, "", errSaid
	}
	progress := newBar(r, "Reading "+filepath.Base(file))
	reading, err := imports.Open(r.ctx, file, mapping, imports.Options{Now: r.now(), Progress: func(done, total int64) {
		progress.to(done, total, megabytes(done))
	}})
	progress.done()
	if err != nil {
		return nil, "", err
	}
	if err := imports.Hash(hash, file, source); err != nil {
		return nil, "", errors.Join(err, reading.Close())
	}
	return reading, mapping.Name, nil
}

// take has everything decided in the order of time.
func (c *importCommand) take(r *run, a *app.App, readings []*imports.Reading, names []string, hash string) error {
	var rows, refused, arrivals int64
	for _, reading := range readings {
		s := reading.Summary()
		rows, refused, arrivals = rows+s.Rows, refused+s.Refused, arrivals+s.Arrivals
	}
	im, err := a.Store.StartImport(r.ctx, store.Import{Name: strings.Join(names, ", "), File: strings.Join(c.Files, ", "), Hash: hash, StartedAt: r.now(), Rows: rows, Refused: refused})
	if err != nil {
		return err
	}
	progress := newBar(r, "Deciding")
	var last engine.Progress
	refusals := tally{}
	im, err = a.Engine.Import(r.ctx, im, readings, engine.HistoryOptions{Refused: refusals.add, Progress: func(p engine.Progress) {
		last = p
		progress.to(p.Arrivals, arrivals, "up to "+time.UnixMicro(p.At).UTC().Format(time.DateOnly))
	}})
	progress.done()
	r.notes(readings)
	if err != nil {
		fmt.Fprintf(r.Err, "baton: import %d stopped after %s; what was taken in is kept, and the same command goes on from there\n", im.ID, count(last.Arrivals, "input", "inputs"))
		return err
	}
	fresh := last.Arrivals - last.Duplicates
	fmt.Fprintf(r.Out, "\nImport %d: %s taken in", im.ID, count(fresh, "input", "inputs"))
	if last.Duplicates > 0 {
		fmt.Fprintf(r.Out, ", %s known already", thousands(last.Duplicates))
	}
	if last.Timers > 0 {
		fmt.Fprintf(r.Out, ", %s fell due in between", count(last.Timers, "timer", "timers"))
	}
	fmt.Fprintln(r.Out, ".")
	for _, why := range refusals.most(5) {
		fmt.Fprintf(r.Out, "  note: %s changed nothing: %s\n", count(refusals[why], "input", "inputs"), why)
	}
	if last.Problems > 0 {
		fmt.Fprintf(r.Out, "%s could not be decided; they are kept: baton query \"SELECT * FROM problems\"\n", count(last.Problems, "input", "inputs"))
	}
	if fresh > 0 {
		fmt.Fprintf(r.Out, "To take it back as a whole: baton undo %d --db %s\n", im.ID, quoteShell(c.name()))
	}
	return nil
}

// tally counts texts.
type tally map[string]int64

// add counts one more of a text; beyond a thousand different ones, as one.
func (t tally) add(text string) {
	if _, ok := t[text]; !ok && len(t) >= 1000 {
		text = "for other reasons"
	}
	t[text]++
}

// most returns the texts that were counted most often.
func (t tally) most(n int) []string {
	texts := slices.SortedFunc(maps.Keys(t), func(a, b string) int { return cmp.Or(cmp.Compare(t[b], t[a]), strings.Compare(a, b)) })
	return texts[:min(n, len(texts))]
}

// told says what came of reading a file.
func (r *run) told(s *imports.Summary) {
	fmt.Fprintf(r.Out, "%s: %s, %s, columns separated by %s\n", s.File, count(s.Rows, "row", "rows"), s.Encoding, s.Delimiter)
	line := fmt.Sprintf("  %s understood", thousands(s.Mapped))
	if s.Skipped > 0 {
		line += fmt.Sprintf(", %s skipped as the mapping says", thousands(s.Skipped))
	}
	if s.Refused > 0 {
		line += fmt.Sprintf(", %s refused", thousands(s.Refused))
	}
	fmt.Fprintln(r.Out, line)
	for _, refusal := range s.Refusals[:min(5, len(s.Refusals))] {
		where := fmt.Sprintf("line %d", refusal.Line)
		if refusal.Column != "" {
			where += ", " + refusal.Column
		}
		fmt.Fprintf(r.Out, "    %s: %s\n", where, refusal.Reason)
	}
	if s.Refused > 5 {
		fmt.Fprintf(r.Out, "    … and %s more\n", thousands(s.Refused-5))
	}
}

func (r *run) notes(readings []*imports.Reading) {
	for _, reading := range readings {
		s := reading.Summary()
		for _, note := range s.Notes {
			fmt.Fprintf(r.Out, "  note: %s: %s\n", filepath.Base(s.File), note)
		}
	}
}

// writeRefused lists the refused rows in a file that can be mended and imported again.
func (c *importCommand) writeRefused(r *run, file string, reading *imports.Reading) error {
	s := reading.Summary()
	if s.Refused == 0 {
		return nil
	}
	path := c.Refused
	if path == "" {
		if c.DryRun {
			fmt.Fprintln(r.Out, "  --refused FILE lists the refused rows, with the reasons")
			return nil
		}
		path = unusedName(file)
	}
	f, err := os.Create(path)
	if err == nil {
		err = reading.WriteRefused(f)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return fmt.Errorf("listing the refused rows (name another place with --refused): %w", err)
	}
	fmt.Fprintf(r.Out, "  the refused rows, with the reasons, are in %s: mend them there and import that file\n", path)
	return nil
}

// unusedName returns leads-refused.csv for leads.csv, or leads-refused-2.csv if that is there: somebody
// may be mending it.
func unusedName(file string) string {
	ext := filepath.Ext(file)
	stem := strings.TrimSuffix(file, ext)
	if !strings.HasSuffix(stem, "-refused") {
		stem += "-refused"
	}
	for n := 1; ; n++ {
		path := stem + ext
		if n > 1 {
			path = fmt.Sprintf("%s-%d%s", stem, n, ext)
		}
		if _, err := os.Stat(path); err != nil {
			return path
		}
	}
}

type importsCommand struct{ database }

func (c *importsCommand) Run(r *run) error {
	st, err := store.OpenReadOnly(r.ctx, c.DB)
	if err != nil {
		return err
	}
	defer st.Close()
	list, err := st.Imports(r.ctx)
	if err != nil {
		return err
	}
	t := &store.Table{Columns: []string{"import", "source", "state", "started", "rows", "inputs", "refused", "file"}}
	for _, im := range list {
		t.Rows = append(t.Rows, []any{im.ID, im.Name, im.State, time.UnixMicro(im.StartedAt).Format("2006-01-02 15:04"), im.Rows, im.Arrivals, im.Refused, im.File})
	}
	return r.list(t, "No imports yet. Bring people in with: baton import FILE.csv --map MAPPING.yaml")
}

type undoCommand struct {
	database
	Import int64 `arg:"" help:"The number of the import; see: baton imports."`
}

func (c *undoCommand) Run(r *run) (err error) {
	if !c.there() {
		return fmt.Errorf("%s is not there, so there is no import to undo", c.name())
	}
	a, err := c.open(r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.Engine.Undo(r.ctx, c.Import, nil); err != nil {
		return err
	}
	fmt.Fprintf(r.Out, "Import %d is undone: its leads and companies are as if it had never been, but who objected to being contacted still does. What it brought stays on record, and the same file can be imported again.\n", c.Import)
	return nil
}
