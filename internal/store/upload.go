package store

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
)

// Upload is a file that somebody sent to have it imported.
type Upload struct {
	ID     int64
	File   string
	Size   int64  // bytes
	Actor  string // who sent it: as in Audit
	At     int64
	Header string // hash of the names of its columns
	Look   string // JSON: what it is like
	Form   string // JSON: what its columns become
	Told   string // JSON: what reading it with this form came to, "" for not known
	Import int64  // what it became, 0 for nothing yet
}

// UploadsKept is how long the file of an upload and the refused rows of an import are kept, microseconds.
const UploadsKept = int64(7 * 24 * 3600 * 1e6)

// PieceKind is what a file that is kept in pieces is.
type PieceKind string

// The kinds of files that are kept in pieces.
const (
	UploadedFile  PieceKind = "upload"    // with the ID of the upload
	UncheckedRows PieceKind = "unchecked" // that were refused in its dry run
	RefusedRows   PieceKind = "refused"   // with the ID of the import
	ReadingOf     PieceKind = "reading"   // what its file came to, JSON
)

// ErrNoUpload means that there is no such upload, or not any more.
var ErrNoUpload = errors.New("no such upload")

// AddUpload keeps a file and what is known of it. The context says whose it is.
func (s *Store) AddUpload(ctx context.Context, u Upload, file io.Reader) (Upload, error) {
	u.Actor = did(ctx, 0, "", "", "")[0].Actor
	err := s.transact(ctx, "keeping a file", func(ctx context.Context, conn *sql.Conn) error {
		if err := conn.QueryRowContext(ctx, `INSERT INTO upload (file, size, actor, at, header, look, form, told, import) VALUES ($1, $2, $3, $4, $5, $6, $7, '', 0) RETURNING id`,
			storable(u.File), u.Size, u.Actor, u.At, u.Header, u.Look, u.Form).Scan(&u.ID); err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, u.At, SentFile, u.File, ""))
	})
	if err != nil {
		return u, err
	}
	if err := s.KeepFile(ctx, UploadedFile, u.ID, u.At, file); err != nil {
		return u, errors.Join(err, s.RemoveUpload(context.WithoutCancel(ctx), &u, u.At))
	}
	return u, nil
}

// Uploads returns the uploads that nothing came of yet, since a time, the newest first. Look and Form are left out.
func (s *Reader) Uploads(ctx context.Context, since int64) ([]Upload, error) {
	return s.uploads(ctx, `SELECT id, file, size, actor, at, header, '', '', told, import FROM upload WHERE import = 0 AND at >= $1 ORDER BY id DESC LIMIT 50`, since)
}

// Upload returns an upload, or ErrNoUpload.
func (s *Reader) Upload(ctx context.Context, id int64) (*Upload, error) {
	return one(s.uploads(ctx, `SELECT id, file, size, actor, at, header, look, form, told, import FROM upload WHERE id = $1`, id))
}

// UploadOfImport returns the upload that an import came from, while its file is kept, or ErrNoUpload.
func (s *Reader) UploadOfImport(ctx context.Context, id int64) (*Upload, error) {
	return one(s.uploads(ctx, `SELECT id, file, size, actor, at, header, look, form, told, import FROM upload WHERE import = $1 AND look <> '' ORDER BY id DESC LIMIT 1`, id))
}

func one(list []Upload, err error) (*Upload, error) {
	if err == nil && len(list) == 0 {
		err = ErrNoUpload
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

func (s *Reader) uploads(ctx context.Context, query string, args ...any) ([]Upload, error) {
	var list []Upload
	stmt, err := s.queries.get(ctx, query)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			var u Upload
			err := r.Scan(&u.ID, &u.File, &u.Size, &u.Actor, &u.At, &u.Header, &u.Look, &u.Form, &u.Told, &u.Import)
			list = append(list, u)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// MapUpload keeps what the columns of an upload become. What was told of another form is forgotten.
func (s *Store) MapUpload(ctx context.Context, id int64, form string) error {
	return s.changeUpload(ctx, `UPDATE upload SET told = CASE WHEN form = $1 THEN told ELSE '' END, form = $1 WHERE id = $2 AND import = 0`, form, id)
}

// LookAgain keeps what a file is like when it is read in another way. What was told of it is forgotten.
func (s *Store) LookAgain(ctx context.Context, u Upload) error {
	return s.changeUpload(ctx, `UPDATE upload SET look = $1, header = $2, form = $3, told = '' WHERE id = $4 AND import = 0`, u.Look, u.Header, u.Form, u.ID)
}

// TellUpload keeps what reading an upload came to, unless its form is another one by now.
func (s *Store) TellUpload(ctx context.Context, id int64, form, told string) error {
	return s.transact(ctx, "keeping what a file came to", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `UPDATE upload SET told = $1 WHERE id = $2 AND form = $3`, told, id, form)
		return err
	})
}

// TakeUpload notes that an upload became an import, and what its columns became for the next file with the same.
func (s *Store) TakeUpload(ctx context.Context, u *Upload, importID, at int64) error {
	return s.transact(ctx, "keeping what a file became", func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, `UPDATE upload SET import = $1 WHERE id = $2`, importID, u.ID); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, `INSERT INTO mapping (header, form, actor, at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (header) DO UPDATE SET form = excluded.form, actor = excluded.actor, at = excluded.at`, u.Header, u.Form, did(ctx, 0, "", "", "")[0].Actor, at)
		return err
	})
}

func (s *Store) changeUpload(ctx context.Context, query string, args ...any) error {
	var changed int64
	err := s.transact(ctx, "changing an upload", func(ctx context.Context, conn *sql.Conn) error {
		r, err := conn.ExecContext(ctx, query, args...)
		if err == nil {
			changed, err = r.RowsAffected()
		}
		return err
	})
	if err == nil && changed == 0 {
		err = ErrNoUpload
	}
	return err
}

// RemoveUpload removes an upload with its file.
func (s *Store) RemoveUpload(ctx context.Context, u *Upload, at int64) error {
	return s.transact(ctx, "removing an upload", func(ctx context.Context, conn *sql.Conn) error {
		if err := insertAudit(ctx, conn, did(ctx, at, RemovedFile, u.File, "")); err != nil {
			return err
		}
		_, err := conn.ExecContext(ctx, `DELETE FROM piece WHERE kind IN ('upload', 'unchecked') AND id = $1`, u.ID)
		if err == nil {
			_, err = conn.ExecContext(ctx, `DELETE FROM upload WHERE id = $1`, u.ID)
		}
		return err
	})
}

// EmptyUpload removes the file of an upload that was imported, and what was told of it. What it became stays for those who
// come back to its address.
func (s *Store) EmptyUpload(ctx context.Context, id int64) error {
	return s.transact(ctx, "removing an upload", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `DELETE FROM piece WHERE kind IN ('upload', 'unchecked') AND id = $1`, id)
		if err == nil {
			_, err = conn.ExecContext(ctx, `UPDATE upload SET look = '', form = '', told = '' WHERE id = $1`, id)
		}
		return err
	})
}

// ForgetFiles removes uploads, files and refused rows that came before a time.
func (s *Store) ForgetFiles(ctx context.Context, before int64) error {
	return s.transact(ctx, "forgetting files", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `DELETE FROM piece WHERE at < $1`, before)
		if err == nil {
			_, err = conn.ExecContext(ctx, `DELETE FROM upload WHERE at < $1`, before)
		}
		return err
	})
}

// The bounds of a piece: bytes before they are packed.
const pieceSize = 1 << 20

// KeepFile keeps a file in pieces, each in a transaction of its own, instead of what was kept under the same name.
func (s *Store) KeepFile(ctx context.Context, kind PieceKind, id, at int64, from io.Reader) error {
	plain := make([]byte, pieceSize)
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return err
	}
	for n := int64(0); ; n++ {
		size, err := io.ReadFull(from, plain)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("keeping a file: %w", err)
		}
		packed.Reset()
		z.Reset(&packed)
		_, _ = z.Write(plain[:size]) // into memory
		_ = z.Close()
		werr := s.transact(ctx, "keeping a file", func(ctx context.Context, conn *sql.Conn) error {
			if n == 0 {
				if _, err := conn.ExecContext(ctx, `DELETE FROM piece WHERE kind = $1 AND id = $2`, string(kind), id); err != nil {
					return err
				}
			}
			_, err := conn.ExecContext(ctx, `INSERT INTO piece (kind, id, n, at, data) VALUES ($1, $2, $3, $4, $5)`, string(kind), id, n, at, packed.Bytes())
			return err
		})
		if werr != nil || err != nil {
			return werr
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// WriteFile writes a file that was kept in pieces, or ErrNoUpload if it is not there any more.
func (s *Reader) WriteFile(ctx context.Context, kind PieceKind, id int64, to io.Writer) error {
	stmt, err := s.queries.get(ctx, `SELECT data FROM piece WHERE kind = $1 AND id = $2 AND n = $3`)
	if err != nil {
		return s.explain("reading", err)
	}
	for n := 0; ; n++ {
		var data []byte
		err := scanAll(ctx, stmt, []any{string(kind), id, n}, func(r *sql.Rows) error { return r.Scan(&data) })
		switch {
		case err != nil:
			return s.explain("reading", err)
		case data == nil && n == 0:
			return ErrNoUpload
		case data == nil:
			return nil
		}
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("reading a file that is kept: %w", err)
		}
		if _, err := io.Copy(to, z); err != nil {
			return fmt.Errorf("reading a file that is kept: %w", err)
		}
	}
}

// HasFile reports whether a file is still kept.
func (s *Reader) HasFile(ctx context.Context, kind PieceKind, id int64) (bool, error) {
	list, err := s.ids(ctx, `SELECT n FROM piece WHERE kind = $1 AND id = $2 AND n = 0`, string(kind), id)
	return len(list) > 0, err
}

// MappingOf returns what the columns of the last file with these names became, "" for none.
func (s *Reader) MappingOf(ctx context.Context, header string) (form string, err error) {
	stmt, err := s.queries.get(ctx, `SELECT form FROM mapping WHERE header = $1`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{header}, func(r *sql.Rows) error { return r.Scan(&form) })
	}
	return form, s.explain("reading", err)
}
