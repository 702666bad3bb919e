package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"

	"github.com/pressly/goose/v3"
)

// Store is an open database. Reading is safe from any goroutine; Commit and the other
// methods that write take turns by themselves.
type Store struct {
	*Reader
	path    string
	guard   *guard // nil when opened for reading, and for a database of several processes
	write   *sql.DB
	read    *sql.DB
	writer  *writer
	reports pool                            // of snapshots
	connect func(most int) (*sql.DB, error) // makes a pool of connections that read
	held    *os.File                        // see Hold; nil before
	holding atomic.Int64
}

// readers is how many connections read beside the one that writes.
const readers = 8

// IsURL reports whether the name of a database is the address of a server, and not a file.
func IsURL(name string) bool {
	return strings.HasPrefix(name, "postgres://") || strings.HasPrefix(name, "postgresql://")
}

// Open opens a database for writing and brings its tables up to date: a SQLite file, which it makes
// if it is not there, or a PostgreSQL database, by its URL. It refuses a file that another process writes to
// (ErrInUse), a database from a newer Baton, and one of another program.
func Open(ctx context.Context, name string) (*Store, error) {
	if IsURL(name) {
		return openPostgres(ctx, name)
	}
	return openSQLite(ctx, name)
}

// OpenReadOnly opens a database for reading beside whoever writes to it.
func OpenReadOnly(ctx context.Context, name string) (*Store, error) {
	return openReading(ctx, name, true)
}

// openReading is OpenReadOnly, also of tables that an older Baton made.
func openReading(ctx context.Context, name string, current bool) (*Store, error) {
	if IsURL(name) {
		return openPostgresReading(ctx, name, current)
	}
	return openSQLiteReading(ctx, name, current)
}

// OpenBeside opens a database while another Baton writes to it, for what the
// engine does not hold in memory: keys, webhooks, and jobs that are tried again. Nothing else may be written through it.
func OpenBeside(ctx context.Context, name string) (*Store, error) {
	if IsURL(name) {
		return openPostgres(ctx, name)
	}
	return openSQLiteBeside(ctx, name)
}

// Migrate brings the tables of a database up to date, and returns the number of their newest step before and after.
func Migrate(ctx context.Context, name string) (before, after int64, err error) {
	if old, err := openReading(ctx, name, false); err == nil {
		before, err = old.version(ctx, old.read)
		if err := errors.Join(err, old.Close()); err != nil {
			return 0, 0, err
		}
	}
	s, err := Open(ctx, name)
	if err != nil {
		return before, 0, err
	}
	after, err = s.version(ctx, s.read)
	return before, after, errors.Join(err, s.Close())
}

func newStore(path, name string, d *dialect) *Store {
	return &Store{Reader: &Reader{name: name, dialect: d, queries: &statements{}}, path: path}
}

// start makes the store ready to read and to write.
func (s *Store) start(ctx context.Context) error {
	if err := s.startReading(ctx); err != nil {
		return err
	}
	s.writer = &writer{db: s.write, dialect: s.dialect, file: s.path}
	if err := s.writer.ready(ctx); err != nil {
		s.read.Close()
		return s.explain("opening", err)
	}
	return nil
}

// startReading makes the store ready to read.
func (s *Store) startReading(ctx context.Context) (err error) {
	if s.read, err = s.connect(readers); err != nil {
		return err
	}
	s.queries.on, s.reports.connect = s.read, s.connect
	return nil
}

// reading makes a store that only reads ready, if its tables are fit to be read.
func (s *Store) reading(ctx context.Context, current bool) (*Store, error) {
	if err := s.startReading(ctx); err != nil {
		return nil, err
	}
	if err := s.checkVersion(ctx, s.read, current); err != nil {
		s.read.Close()
		return nil, err
	}
	return s, nil
}

// migrate brings the tables up to date, and reports whether there were none.
func (s *Store) migrate(ctx context.Context) (fresh bool, err error) {
	tables, ours, err := s.census(ctx, s.write)
	if err != nil {
		return false, err
	}
	if tables > 0 && ours == 0 {
		return false, fmt.Errorf("opening database %s: this database belongs to another program; give Baton one of its own", s.name)
	}
	// Steps are numbered when they are begun and come in when they are done, so a database of an earlier commit may have a later step and
	// lack an earlier one: it takes that now. Steps that change the same table must not come in that way round; a test opens a database
	// that lacks one. Releases have their steps in order.
	provider, err := goose.NewProvider(s.dialect.goose, s.write, s.dialect.migrations(), goose.WithAllowOutofOrder(true))
	if err != nil {
		return false, fmt.Errorf("opening database %s: %w", s.name, err)
	}
	if ours > 0 {
		if err := s.checkVersion(ctx, s.write, false); err != nil {
			return false, err
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return false, s.explain("bringing up to date", err)
	}
	return tables == 0, nil
}

func (s *Store) census(ctx context.Context, db *sql.DB) (tables, ours int, err error) {
	err = db.QueryRowContext(ctx, s.dialect.census).Scan(&tables, &ours)
	return tables, ours, s.explain("opening", err)
}

// version returns the number of the newest step that the tables of a database have taken.
func (s *Store) version(ctx context.Context, db *sql.DB) (have int64, err error) {
	if _, ours, err := s.census(ctx, db); err != nil || ours == 0 {
		if err == nil {
			err = fmt.Errorf("opening database %s: this is not a Baton database", s.name)
		}
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have)
	return have, s.explain("opening", err)
}

// checkVersion refuses a database that a newer Baton has changed and, if it has to be current, one that an older Baton
// made.
func (s *Store) checkVersion(ctx context.Context, db *sql.DB, current bool) error {
	have, err := s.version(ctx, db)
	if err != nil {
		return err
	}
	newest := s.dialect.newest()
	if have > newest {
		return fmt.Errorf("opening database %s: a newer Baton has written to it (its tables have number %d, this Baton knows up to %d); use that Baton, or a backup from before", s.name, have, newest)
	}
	if !current {
		return nil
	}
	var steps int
	if err := db.QueryRowContext(ctx, `SELECT count(DISTINCT version_id) FROM goose_db_version WHERE is_applied AND version_id > 0`).Scan(&steps); err != nil {
		return s.explain("opening", err)
	}
	if lacks := s.dialect.steps() - steps; lacks > 0 {
		return fmt.Errorf("opening database %s: an older Baton made its tables (they have number %d and lack %d of the steps up to %d); stop what runs on it, then bring them up to date with: baton migrate --db %s", s.name, have, lacks, newest, s.name)
	}
	return nil
}

// Path returns the file of the database, or its URL; use Name to show it.
func (s *Store) Path() string { return s.path }

// Name returns what to call the database in front of people: its file, or its URL without the password.
func (s *Store) Name() string { return s.name }

// Shared reports whether other processes can write to the database at the same time; whether they may just now, see Alone.
func (s *Store) Shared() bool { return s.dialect.shared }

// Close writes the log back into the file and closes it.
func (s *Store) Close() error {
	s.queries.close()
	err := errors.Join(s.reports.close(), s.read.Close())
	if s.write == nil {
		return err
	}
	s.writer.close()
	// With the last connection SQLite folds the log into the file.
	err = errors.Join(err, s.write.Close())
	if s.held != nil {
		err = errors.Join(err, s.held.Close())
	}
	return errors.Join(err, s.guard.release())
}
