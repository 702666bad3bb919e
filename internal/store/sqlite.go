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

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// The settings of every connection. WAL with full synchronisation makes a commit one flush
// of one file, which the connection that writes batches leaves to flusher; a rare checkpoint (16000 pages, 64 MB) is worth 1.4 to 1.8 times the speed. The caches take
// twice the memory they name (16 MB and 8 MB), because the driver's allocator rounds a page up to 8 KB; what
// is not in them is in the system's.
const (
	common  = "_pragma=busy_timeout(10000)&_pragma=temp_store(2)"
	writing = common + "&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=wal_autocheckpoint(16000)&_pragma=cache_size(-16384)&_txlock=immediate"
	reading = common + "&mode=ro&_pragma=query_only(1)&_pragma=cache_size(-8192)"
)

// application marks a SQLite file as Baton's ("Batn").
const application = 0x4261746e

func openSQLite(ctx context.Context, path string) (*Store, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	g, err := guardFile(path)
	if err != nil {
		return nil, err
	}
	s, err := openGuarded(ctx, path, g)
	if err != nil {
		g.release()
		return nil, err
	}
	return s, nil
}

func openGuarded(ctx context.Context, path string, g *guard) (*Store, error) {
	if err := probe(path); err != nil {
		return nil, err
	}
	write, err := connect(path, writing, 1)
	if err != nil {
		return nil, err
	}
	s := newStore(path, path, sqlite)
	s.guard, s.write = g, write
	s.connect = func(most int) (*sql.DB, error) { return connect(path, reading, most) }
	fresh, err := s.migrate(ctx)
	if err == nil && fresh {
		_, err = write.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", application))
		err = s.explain("opening", err)
	}
	if err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		write.Close()
		return nil, err
	}
	return s, nil
}

func openSQLiteReading(ctx context.Context, path string, current bool) (*Store, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("opening database %s: there is no such file", path)
	}
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	s := newStore(path, path, sqlite)
	s.connect = func(most int) (*sql.DB, error) { return connect(path, reading, most) }
	return s.reading(ctx, current)
}

func openSQLiteBeside(ctx context.Context, path string) (*Store, error) {
	path, err := locate(path)
	if err != nil {
		return nil, err
	}
	write, err := connect(path, writing+"&mode=rw", 1) // it makes no file
	if err != nil {
		return nil, err
	}
	s := newStore(path, path, sqlite)
	s.write = write
	s.connect = func(most int) (*sql.DB, error) { return connect(path, reading, most) }
	if err := s.checkVersion(ctx, write, true); err != nil {
		write.Close()
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		write.Close()
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

func sqliteAdvice(err error) string {
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
