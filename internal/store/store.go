package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Store is an open database. Reading is safe from any goroutine; Commit and the other
// methods that write take turns by themselves.
type Store struct {
	path    string
	dialect dialect
	guard   *guard // nil when opened for reading
	write   *sql.DB
	read    *sql.DB
	writer  *writer
	queries statements // of read
	reports pool       // of snapshots
}

// The settings of every connection. WAL with full synchronisation makes a commit one flush
// of one file; a rare checkpoint (16000 pages, 64 MB) is worth 1.4 to 1.8 times the speed. The caches take
// twice the memory they name (16 MB and 8 MB), because the driver's allocator rounds a page up to 8 KB; what
// is not in them is in the system's.
const (
	common  = "_pragma=busy_timeout(10000)&_pragma=temp_store(2)"
	writing = common + "&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=wal_autocheckpoint(16000)&_pragma=cache_size(-16384)&_txlock=immediate"
	reading = common + "&mode=ro&_pragma=query_only(1)&_pragma=cache_size(-8192)"
	readers = 8
)

// application marks a SQLite file as Baton's ("Batn").
const application = 0x4261746e

// Open opens the SQLite database in a file for writing, makes it if it is not there, and
// brings its tables up to date. It refuses a database that another process writes to
// (ErrInUse), one from a newer Baton, and one of another program.
func Open(ctx context.Context, path string) (*Store, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	g, err := guardFile(path)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, path, g)
	if err != nil {
		g.release()
		return nil, err
	}
	return s, nil
}

func open(ctx context.Context, path string, g *guard) (*Store, error) {
	if err := probe(path); err != nil {
		return nil, err
	}
	write, err := connect(path, writing, 1)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, dialect: sqlite, guard: g, write: write}
	if err := s.migrate(ctx); err != nil {
		write.Close()
		return nil, err
	}
	if s.read, err = connect(path, reading, readers); err != nil {
		write.Close()
		return nil, err
	}
	s.queries.db = s.read
	if s.writer, err = newWriter(ctx, write, s.dialect); err != nil {
		s.read.Close()
		write.Close()
		return nil, s.explain("opening", err)
	}
	return s, nil
}

// OpenReadOnly opens a database for reading beside whoever writes to it.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening database %s: there is no such file", path)
	}
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	read, err := connect(path, reading, readers)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, dialect: sqlite, read: read}
	s.queries.db = read
	if err := s.checkVersion(ctx, read); err != nil {
		read.Close()
		return nil, err
	}
	return s, nil
}

// locate finds the one name of a file, so that two ways to it meet the same lock.
func locate(path string) (string, error) {
	if path == "" {
		return "", errors.New("opening the database: no file named; give one with --db")
	}
	full, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("opening database %s: %w", path, err)
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		return real, nil
	}
	dir, err := filepath.EvalSymlinks(filepath.Dir(full))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("opening database %s: the directory %s does not exist; make it first", path, filepath.Dir(full))
	}
	if err != nil {
		return "", fmt.Errorf("opening database %s: %w", path, err)
	}
	return filepath.Join(dir, filepath.Base(full)), nil
}

// probe finds what SQLite would say less clearly, or too late.
func probe(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		info, statErr := os.Stat(path)
		switch {
		case statErr == nil && info.IsDir():
			return fmt.Errorf("opening database %s: this is a directory; name a file in it", path)
		case errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "read-only"):
			return fmt.Errorf("opening database %s: the file cannot be written to; change its permissions, or take a copy elsewhere: %w", path, err)
		}
		return fmt.Errorf("opening database: %w", err)
	}
	defer f.Close()
	head := make([]byte, 16)
	if n, _ := f.Read(head); n > 0 && string(head[:n]) != "SQLite format 3\x00"[:n] {
		return fmt.Errorf("opening database %s: this file is not a database; give the name of a Baton database, or of a file that does not exist yet", path)
	}
	return nil
}

func connect(path, settings string, most int) (*sql.DB, error) {
	name := url.URL{Scheme: "file", Path: filepath.ToSlash(path), OmitHost: true, RawQuery: settings}
	db, err := sql.Open("sqlite", name.String())
	if err != nil {
		return nil, fmt.Errorf("opening database %s: %w", path, err)
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most)
	return db, nil
}

// migrate brings the tables up to date.
func (s *Store) migrate(ctx context.Context) error {
	var tables, ours int
	err := s.write.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(name = 'goose_db_version'), 0) FROM sqlite_master WHERE type = 'table'`).Scan(&tables, &ours)
	if err != nil {
		return s.explain("opening", err)
	}
	if tables > 0 && ours == 0 {
		return fmt.Errorf("opening database %s: this database belongs to another program; give Baton a file of its own", s.path)
	}
	provider, err := goose.NewProvider(s.dialect.goose, s.write, s.dialect.migrations())
	if err != nil {
		return fmt.Errorf("opening database %s: %w", s.path, err)
	}
	if ours > 0 {
		if err := s.checkVersion(ctx, s.write); err != nil {
			return err
		}
	}
	if _, err := provider.Up(ctx); err != nil {
		return s.explain("bringing up to date", err)
	}
	if tables == 0 {
		if _, err := s.write.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", application)); err != nil {
			return s.explain("opening", err)
		}
	}
	return nil
}

// checkVersion refuses a database that a newer Baton has changed.
func (s *Store) checkVersion(ctx context.Context, db *sql.DB) error {
	var have int64
	if err := db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
		if strings.Contains(err.Error(), "no such table") {
			return fmt.Errorf("opening database %s: this is not a Baton database", s.path)
		}
		return s.explain("opening", err)
	}
	if newest := s.dialect.newest(); have > newest {
		return fmt.Errorf("opening database %s: a newer Baton has written to it (its tables have number %d, this Baton knows up to %d); use that Baton, or a backup from before", s.path, have, newest)
	}
	return nil
}

// newest returns the number of the last migration.
func (d dialect) newest() int64 {
	files, err := fs.Glob(d.migrations(), "*.sql")
	if err != nil || len(files) == 0 {
		return 0
	}
	n, err := goose.NumericComponent(files[len(files)-1])
	if err != nil {
		return 0
	}
	return n
}

// explain turns what the database said into what to do about it.
func (s *Store) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if why := advice(err); why != "" {
		return fmt.Errorf("%s database %s: %s: %w", doing, s.path, why, err)
	}
	return fmt.Errorf("%s database %s: %w", doing, s.path, err)
}

func advice(err error) string {
	var e *driver.Error
	if !errors.As(err, &e) {
		return ""
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return "the disk is full; make room and try again (everything acknowledged so far is safe)"
	case sqlite3.SQLITE_IOERR:
		return "the disk did not take it; see whether it is full or failing (everything acknowledged so far is safe)"
	case sqlite3.SQLITE_READONLY:
		return "the file or its directory cannot be written to"
	case sqlite3.SQLITE_NOTADB:
		return "this file is not a database"
	case sqlite3.SQLITE_CORRUPT:
		return "the file is damaged; restore it from a backup"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return "another program holds the database"
	case sqlite3.SQLITE_CANTOPEN:
		return "the file cannot be opened; see whether the directory can be written to"
	}
	return ""
}

// Path returns the file of the database.
func (s *Store) Path() string { return s.path }

// Close writes the log back into the file and closes it.
func (s *Store) Close() error {
	s.queries.close()
	err := errors.Join(s.reports.close(), s.read.Close())
	if s.write == nil {
		return err
	}
	s.writer.close()
	// With the last connection SQLite folds the log into the file.
	return errors.Join(err, s.write.Close(), s.guard.release())
}
