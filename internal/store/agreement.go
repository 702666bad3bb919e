package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Agreement is a version of the agreement as it was activated.
type Agreement struct {
	Version     int64
	Name        string
	Hash        string // of the source and the files it names
	File        string
	Source      []byte
	Files       map[string][]byte // what the source names, by the name it gives
	ActivatedAt int64
}

// Agreement adds a version to the batch.
func (b *Batch) Agreement(a *Agreement) {
	b.Exec(`INSERT INTO agreement (version, name, hash, file, source, files, activated_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		a.Version, a.Name, a.Hash, a.File, a.Source, files(a.Files), a.ActivatedAt)
}

// Agreements returns all versions, the oldest first; the last is the one that applies.
func (s *Reader) Agreements(ctx context.Context) ([]Agreement, error) {
	return s.agreements(ctx, `SELECT version, name, hash, file, source, files, activated_at FROM agreement ORDER BY version`)
}

// ActiveAgreement returns the version that applies, nil before there is one.
func (s *Reader) ActiveAgreement(ctx context.Context) (*Agreement, error) {
	list, err := s.agreements(ctx, `SELECT version, name, hash, file, source, files, activated_at FROM agreement ORDER BY version DESC LIMIT 1`)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// AgreementVersions returns all versions without their texts, the newest first.
func (s *Reader) AgreementVersions(ctx context.Context) ([]Agreement, error) {
	var list []Agreement
	stmt, err := s.queries.get(ctx, `SELECT version, name, hash, file, activated_at FROM agreement ORDER BY version DESC`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var a Agreement
			err := r.Scan(&a.Version, &a.Name, &a.Hash, &a.File, &a.ActivatedAt)
			list = append(list, a)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// AgreementVersion returns one version.
func (s *Reader) AgreementVersion(ctx context.Context, version int64) (*Agreement, error) {
	list, err := s.agreements(ctx, `SELECT version, name, hash, file, source, files, activated_at FROM agreement WHERE version = $1`, version)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("reading agreement %d: there is no such version", version)
	}
	return &list[0], nil
}

func (s *Reader) agreements(ctx context.Context, query string, args ...any) ([]Agreement, error) {
	var list []Agreement
	stmt, err := s.queries.get(ctx, query)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			var a Agreement
			var named string
			if err := r.Scan(&a.Version, &a.Name, &a.Hash, &a.File, &a.Source, &named, &a.ActivatedAt); err != nil {
				return err
			}
			var texts map[string]string
			if err := json.Unmarshal([]byte(named), &texts); err != nil {
				return fmt.Errorf("agreement %d: %w", a.Version, err)
			}
			a.Files = make(map[string][]byte, len(texts))
			for name, text := range texts {
				a.Files[name] = []byte(text)
			}
			list = append(list, a)
			return nil
		})
	}
	return list, s.explain("reading", err)
}

// LeadsOfEachKind returns one lead for each stage of each version that leads stand in, and
// one for each hand-off that is open: enough to see whether a new agreement has a
// place for all.
func (s *Reader) LeadsOfEachKind(ctx context.Context) ([]int64, error) {
	stages, err := s.ids(ctx, `SELECT min(id) FROM lead GROUP BY version, stage ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	handoffs, err := s.ids(ctx, `SELECT min(lead) FROM handoff WHERE closed_at IS NULL AND accepted_at IS NULL GROUP BY name ORDER BY 1`)
	return append(stages, handoffs...), err
}

// Import is a file that was read in.
type Import struct {
	ID         int64
	Name, File string
	Hash       string // of its content
	State      string // running, done, stopped, undoing (and not undone to its end), undone
	StartedAt  int64
	FinishedAt int64 // 0: not yet
	Rows       int64 // of the file
	Arrivals   int64 // inputs taken in
	Refused    int64 // rows that made none
	FirstInput int64
	LastInput  int64
	Notes      string
	Actor      string // who began it: as in Audit
	Told       string // what reading the file came to, JSON; "" for not known
}

// ErrNoImport means that there is no such import.
var ErrNoImport = errors.New("no such import")

// ErrUndoing means that an import is being undone, and cannot go on meanwhile.
var ErrUndoing = errors.New("the import of this file is being undone; have that done to its end, then the file can be imported again")

// StartImport makes the record of an import, or finds the one of the same content that was
// begun before: what it has taken in already will not be taken in again. An import that
// was undone is begun anew. The context says who begins it.
func (s *Store) StartImport(ctx context.Context, im Import) (Import, error) {
	im.Actor = did(ctx, 0, "", "", "")[0].Actor
	started := im.StartedAt
	found, err := s.imports(ctx, `WHERE hash = $1 AND state <> 'undone' ORDER BY id DESC LIMIT 1`, im.Hash)
	if err != nil {
		return Import{}, err
	}
	if len(found) > 0 {
		if im = found[0]; im.State == "undoing" {
			return im, fmt.Errorf("import %d: %w", im.ID, ErrUndoing)
		}
		if im.State == "stopped" {
			im.State = "running"
			err = s.transact(ctx, "writing", func(ctx context.Context, conn *sql.Conn) error {
				if _, err := conn.ExecContext(ctx, `UPDATE import SET state = 'running' WHERE id = $1`, im.ID); err != nil {
					return err
				}
				return insertAudit(ctx, conn, did(ctx, started, Imported, "import "+strconv.FormatInt(im.ID, 10), "went on with "+im.File))
			})
		}
		return im, err
	}
	err = s.transact(ctx, "writing", func(ctx context.Context, conn *sql.Conn) error {
		if err := conn.QueryRowContext(ctx, `INSERT INTO import (name, file, hash, state, started_at, rows, arrivals, refused, first_input, last_input, notes, actor, told)
			VALUES ($1, $2, $3, 'running', $4, $5, 0, $6, 0, 0, $7, $8, $9) RETURNING id`, im.Name, im.File, im.Hash, im.StartedAt, im.Rows, im.Refused, im.Notes, im.Actor, im.Told).Scan(&im.ID); err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, started, Imported, "import "+strconv.FormatInt(im.ID, 10), im.File))
	})
	im.State = "running"
	return im, err
}

// StopImports writes down that imports which are on record as running have stopped: those of a process that ended in the
// middle. While another process decides a history, nothing is changed; a database may take a moment to find out that a process has ended, so
// whoever shares one asks again and again.
func (s *Store) StopImports(ctx context.Context) error {
	return s.transact(ctx, "writing", func(ctx context.Context, conn *sql.Conn) error {
		if s.dialect.shared {
			var free bool
			if err := conn.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(lockHistory)).Scan(&free); err != nil || !free {
				return err
			}
		}
		_, err := conn.ExecContext(ctx, `UPDATE import SET state = 'stopped' WHERE state = 'running'`)
		return err
	})
}

// GoesOn writes down that an import runs, if another process took it for stopped before it had the lock of histories.
func (s *Store) GoesOn(ctx context.Context, id int64) error {
	return s.transact(ctx, "writing", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `UPDATE import SET state = 'running' WHERE id = $1 AND state = 'stopped'`, id)
		return err
	})
}

// FinishImport records how an import ended: its State, FinishedAt, Rows, Refused and Notes.
func (s *Store) FinishImport(ctx context.Context, im Import) error {
	return s.transact(ctx, "writing", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `UPDATE import SET state = $1, finished_at = $2, rows = $3, refused = $4, notes = $5 WHERE id = $6`,
			im.State, optional(im.FinishedAt), im.Rows, im.Refused, im.Notes, im.ID)
		return err
	})
}

// Imported counts what a batch took in for an import.
func (b *Batch) Imported(id, arrivals, first, last int64) {
	b.Exec(`UPDATE import SET arrivals = arrivals + $1, first_input = CASE first_input WHEN 0 THEN $2 ELSE first_input END, last_input = $3 WHERE id = $4`,
		arrivals, first, last, id)
}

// Undone marks an import as undone.
func (b *Batch) Undone(id int64) { b.Exec(`UPDATE import SET state = 'undone' WHERE id = $1`, id) }

// Undoing marks an import as one that is being undone, by the context's actor.
func (b *Batch) Undoing(ctx context.Context, id, at int64) {
	b.Exec(`UPDATE import SET state = 'undoing' WHERE id = $1`, id)
	a := did(ctx, at, UndidImport, "import "+strconv.FormatInt(id, 10), "")[0]
	b.Exec(`INSERT INTO audit (at, actor, address, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)`, a.At, storable(a.Actor), a.Address, a.Action, a.Subject, a.Detail)
}

// Import returns one import, or ErrNoImport.
func (s *Reader) Import(ctx context.Context, id int64) (Import, error) {
	list, err := s.imports(ctx, `WHERE id = $1`, id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("import %d: %w", id, ErrNoImport)
	}
	if err != nil {
		return Import{}, err
	}
	return list[0], nil
}

// ImportsBefore returns imports with lower IDs than before, 0 for all, the newest first, at most most.
func (s *Reader) ImportsBefore(ctx context.Context, before int64, most int) ([]Import, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return s.imports(ctx, `WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, most)
}

// Imports returns all imports, the oldest first.
func (s *Reader) Imports(ctx context.Context) ([]Import, error) { return s.imports(ctx, `ORDER BY id`) }

func (s *Reader) imports(ctx context.Context, where string, args ...any) ([]Import, error) {
	var list []Import
	stmt, err := s.queries.get(ctx, `SELECT id, name, file, hash, state, started_at, finished_at, rows, arrivals, refused, first_input, last_input, notes, actor, told FROM import `+where)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			var im Import
			var finished sql.NullInt64
			if err := r.Scan(&im.ID, &im.Name, &im.File, &im.Hash, &im.State, &im.StartedAt, &finished, &im.Rows, &im.Arrivals, &im.Refused,
				&im.FirstInput, &im.LastInput, &im.Notes, &im.Actor, &im.Told); err != nil {
				return err
			}
			im.FinishedAt = finished.Int64
			list = append(list, im)
			return nil
		})
	}
	return list, s.explain("reading", err)
}

// LeadsOfImport returns the leads that inputs of an import are about, ascending.
func (s *Reader) LeadsOfImport(ctx context.Context, im Import) ([]int64, error) {
	return s.ids(ctx, `SELECT DISTINCT lead FROM input WHERE id BETWEEN $1 AND $2 AND import = $3 AND lead <> 0 ORDER BY lead`, im.FirstInput, im.LastInput, im.ID)
}

// Naming is a lead about which an input names an account.
type Naming struct{ Account, Lead int64 }

// Compare orders by the account.
func (n Naming) Compare(m Naming) int {
	return cmp.Or(cmp.Compare(n.Account, m.Account), cmp.Compare(n.Lead, m.Lead))
}

// WhoNamed returns the leads about which an input names one of the accounts that some leads were ever said to be in, by account. leads
// ascend. It reads all inputs, twice: there is no index, since only undoing an import asks.
func (s *Reader) WhoNamed(ctx context.Context, leads []int64) ([]Naming, error) {
	stmt, err := s.queries.get(ctx, `SELECT account, lead FROM input WHERE account <> 0 AND lead <> 0`)
	if err != nil {
		return nil, s.explain("reading", err)
	}
	accounts := map[int64]struct{}{}
	each := func(see func(Naming)) error {
		return scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var n Naming
			err := r.Scan(&n.Account, &n.Lead)
			see(n)
			return err
		})
	}
	err = each(func(n Naming) {
		if _, ok := slices.BinarySearch(leads, n.Lead); ok {
			accounts[n.Account] = struct{}{}
		}
	})
	if err != nil || len(accounts) == 0 {
		return nil, s.explain("reading", err)
	}
	var list []Naming
	tidied := 0
	err = each(func(n Naming) {
		if _, ok := accounts[n.Account]; !ok {
			return
		}
		if list = append(list, n); len(list) > 2*tidied+1<<16 { // most inputs say the same again
			slices.SortFunc(list, Naming.Compare)
			list = slices.Compact(list)
			tidied = len(list)
		}
	})
	slices.SortFunc(list, Naming.Compare)
	return slices.Compact(list), s.explain("reading", err)
}

// NamedSince returns the accounts that inputs about leads name which came after one, ascending.
func (s *Reader) NamedSince(ctx context.Context, input int64) ([]int64, error) {
	return s.ids(ctx, `SELECT DISTINCT account FROM input WHERE id > $1 AND account <> 0 AND lead <> 0 ORDER BY account`, input)
}

// AccountsOfImport returns the accounts that inputs of an import name, ascending.
func (s *Reader) AccountsOfImport(ctx context.Context, im Import) ([]int64, error) {
	return s.ids(ctx, `SELECT DISTINCT account FROM input WHERE id BETWEEN $1 AND $2 AND import = $3 AND account <> 0 ORDER BY account`, im.FirstInput, im.LastInput, im.ID)
}
