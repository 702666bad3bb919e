package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Backup writes a copy of a SQLite database into a new file, as it stands at this moment, while others
// go on writing, also that of an older Baton. The copy is whole and checked when Backup returns; otherwise there is none.
func Backup(ctx context.Context, name, to string) error {
	s, err := openReading(ctx, name, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.dialect.shared {
		return fmt.Errorf("backing up %s: a PostgreSQL database is backed up with its own tools, for instance pg_dump --format=custom", s.name)
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backing up to %s: there is such a file already; name another", to)
	}
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backing up: %w", err)
	}
	err = s.backup(ctx, part)
	if err == nil {
		err = os.Rename(part, to)
	}
	if err != nil {
		_ = os.Remove(part)
		return fmt.Errorf("backing up to %s: %w", to, err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, part string) error {
	// VACUUM INTO reads in one transaction; a connection that may only query refuses it
	db, err := connect(s.path, common+"&mode=ro", 1)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, part); err != nil {
		return s.explain("reading", err)
	}
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	copied, err := connect(part, common+"&mode=ro", 1)
	if err != nil {
		return err
	}
	defer copied.Close()
	var said string
	if err := copied.QueryRowContext(ctx, `PRAGMA quick_check`).Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return fmt.Errorf("the copy is damaged: %s", said)
	}
	return nil
}
