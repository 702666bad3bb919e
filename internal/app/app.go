// Package app wires the rooms together: it opens a database, gives it its agreement and
// starts the engine; it serves HTTP. Commands are built on it.
//
// It decides nothing and knows no SQL. Start reading at Open, then at Serve in serve.go.
package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"baton/internal/agreement"
	"baton/internal/engine"
	"baton/internal/store"
)

// App is an open database with its engine.
type App struct {
	Store  *store.Store
	Engine *engine.Engine
	clock  func() time.Time
	watch  atomic.Pointer[watch] // nil before Serve
}

// Options are the settings of Open.
type Options struct {
	DB string // path of the database; made if it is not there
	// Clock tells the time; time.Now if nil.
	Clock func() time.Time
	// Memory is how many bytes may hold leads and companies that are not in use; 0 for none. It is for servers, which run for long.
	Memory int
}

// Open opens a database for writing and starts its engine.
func Open(ctx context.Context, opts Options) (*App, error) {
	st, err := store.Open(ctx, opts.DB)
	if err != nil {
		return nil, err
	}
	a := &App{Store: st, clock: opts.Clock}
	a.Engine, err = engine.New(st, engine.Options{Clock: opts.Clock, Compile: Compile, Files: files, Observe: a.observe, Memory: opts.Memory})
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	return a, nil
}

// observe is told of each round of the engine.
func (a *App) observe(r *engine.Round) {
	if w := a.watch.Load(); w != nil {
		w.round(r)
	}
}

// now is the present, as the App's clock has it.
func (a *App) now() time.Time {
	if a.clock == nil {
		return time.Now()
	}
	return a.clock()
}

// Close lets the engine finish what it was given, then closes the database.
func (a *App) Close() error {
	err := a.Engine.Close()
	if closed := a.Store.Close(); err == nil {
		err = closed
	}
	return err
}

// Compile makes the plan of a stored agreement, from the files stored with it.
func Compile(a *store.Agreement) (*agreement.Plan, error) {
	plan, findings := agreement.Compile(a.File, a.Source, func(path string) ([]byte, error) {
		if data, ok := a.Files[path]; ok {
			return data, nil
		}
		return nil, fmt.Errorf("%s: not stored with the agreement", path)
	})
	return plan, findings.Err()
}

// files reads the files that a plan names, to be stored with it.
func files(plan *agreement.Plan) map[string][]byte { return plan.Files }

// Load reads and compiles the agreement in a file. The findings name every place that keeps
// it from working, and warnings when it does.
func Load(file string) (source []byte, plan *agreement.Plan, findings agreement.Findings, err error) {
	source, err = os.ReadFile(file)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("reading the agreement: %w", err)
	}
	plan, findings = agreement.Compile(file, source, Beside(file))
	return source, plan, findings, nil
}

// Beside reads files that an agreement names: those in its own folder or below.
func Beside(file string) func(string) ([]byte, error) {
	dir := filepath.Dir(file)
	return func(path string) ([]byte, error) {
		if !filepath.IsLocal(path) {
			return nil, fmt.Errorf("%s is outside the agreement's folder", path)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return root.ReadFile(filepath.FromSlash(path))
	}
}

// ErrOtherAgreement means that a command names another agreement than the one the database runs.
type ErrOtherAgreement struct {
	DB, File, Active string
	Version          int64
}

func (e *ErrOtherAgreement) Error() string {
	return fmt.Sprintf("%s runs version %d of %q, and %s is not that version; to let it apply from now on: baton activate %s --db %s",
		e.DB, e.Version, e.Active, e.File, e.File, e.DB)
}

// Adopt makes the agreement in a file the first one of a database that has none. For a database
// that has one it only makes sure that it is the same.
func (a *App) Adopt(ctx context.Context, file string, at int64) error {
	active, err := a.Store.ActiveAgreement(ctx)
	if err != nil {
		return err
	}
	if file == "" {
		if active == nil {
			return fmt.Errorf("%s has no agreement yet; name one with --agreement FILE, or write one with: baton init", a.Store.Name())
		}
		return nil
	}
	source, plan, findings, err := Load(file)
	if err != nil {
		return err
	}
	if findings.HasErrors() {
		return &Unworkable{Findings: findings, Source: source}
	}
	if active != nil && active.Hash != plan.Hash {
		return &ErrOtherAgreement{DB: a.Store.Name(), File: file, Active: active.Name, Version: active.Version}
	}
	version, err := a.Engine.Activate(ctx, plan, source, file, at)
	if err != nil {
		return err
	}
	return a.Store.Did(ctx, at, store.Activated, "agreement "+plan.Name, fmt.Sprintf("version %d", version))
}

// Unworkable is an agreement that cannot work, with the findings that say why.
type Unworkable struct {
	Findings agreement.Findings
	Source   []byte
}

func (e *Unworkable) Error() string {
	return strings.TrimRight(e.Findings.Text(func(string) []byte { return e.Source }, false), "\n")
}
