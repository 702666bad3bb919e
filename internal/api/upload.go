package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"baton/internal/imports"
	"baton/internal/store"
)

// Upload is a file that somebody sent on a page, with what it is like and what its columns become.
type Upload struct {
	*store.Upload
	Look    *imports.Look
	Choices *imports.Choices
	Told    *ImportReading // of a dry run with these choices, nil for none
	Before  bool           // the choices are those of an earlier file with the same columns
}

// ReceiveUpload keeps a file that somebody sends, and looks at it. What is wrong with it is a Problem.
func (a *API) ReceiveUpload(ctx context.Context, from io.Reader, name string) (*Upload, error) {
	j, err := a.newImportJob()
	if err != nil {
		return nil, err
	}
	defer j.end()
	if j.file, err = a.save(from, j.dir, name, a.MostUpload); err != nil {
		if cut := (*problem)(nil); errors.As(err, &cut) {
			err = problemOf("malformed", cut.detail)
		}
		return nil, err
	}
	u, err := a.looked(ctx, j, "")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(j.file)
	if err != nil {
		return nil, fmt.Errorf("reading the file to import: %w", err)
	}
	defer f.Close()
	size, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("reading the file to import: %w", err)
	}
	row := store.Upload{File: filepath.Base(j.file), Size: size.Size(), At: a.now(), Header: u.Look.Header}
	if row.Look, row.Form, err = u.texts(); err != nil {
		return nil, err
	}
	row, err = a.Store.AddUpload(ctx, row, f)
	u.Upload = &row
	return u, err
}

// looked says what the file of a job is like, and what its columns become: as those of an earlier file with the same, or as their names say.
func (a *API) looked(ctx context.Context, j *importJob, delimiter string) (*Upload, error) {
	look, err := imports.LookAt(ctx, j.file, delimiter)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, problemOf("invalid", err.Error())
	}
	plan := a.Plan()
	u := &Upload{Look: look, Choices: imports.Guess(look, filepath.Base(j.file), plan)}
	before, err := a.Store.MappingOf(ctx, look.Header)
	if err != nil {
		return nil, err
	}
	var kept imports.Choices
	if before != "" && json.Unmarshal([]byte(before), &kept) == nil {
		u.Choices, u.Before = &kept, true
		kept.Complete(look, plan)
	}
	return u, nil
}

// LookAgain reads the file of an upload again, its fields separated by one of imports.Delimiters, or "" by what Baton finds. Its columns are others then,
// and so is what they become. What is wrong with that is a Problem, and the upload is as it was.
func (a *API) LookAgain(ctx context.Context, u *Upload, delimiter string) error {
	if u.Look == nil {
		return store.ErrNoUpload
	}
	j, err := a.newImportJob()
	if err != nil {
		return err
	}
	defer j.end()
	j.file = filepath.Join(j.dir, u.File)
	if err := j.write(ctx, u.ID); err != nil {
		return err
	}
	now, err := a.looked(ctx, j, delimiter)
	if err != nil {
		return err
	}
	row := *u.Upload
	row.Header, row.Told = now.Look.Header, ""
	if row.Look, row.Form, err = now.texts(); err != nil {
		return err
	}
	if err := a.Store.LookAgain(ctx, row); err != nil {
		return err
	}
	now.Upload = &row
	*u = *now
	return nil
}

func (u *Upload) texts() (look, form string, err error) {
	l, err := json.Marshal(u.Look)
	if err != nil {
		return "", "", fmt.Errorf("keeping what a file is like: %w", err)
	}
	c, err := json.Marshal(u.Choices)
	if err != nil {
		return "", "", fmt.Errorf("keeping what columns become: %w", err)
	}
	return string(l), string(c), nil
}

// UploadOf reads an upload. Look and Choices are nil for one whose file is not kept any more.
func (a *API) UploadOf(ctx context.Context, id int64) (*Upload, error) {
	row, err := a.Store.Upload(ctx, id)
	if err != nil {
		return nil, err
	}
	return uploadOf(row)
}

func uploadOf(row *store.Upload) (*Upload, error) {
	u := &Upload{Upload: row}
	if row.Look == "" {
		return u, nil
	}
	u.Look, u.Choices = &imports.Look{}, &imports.Choices{}
	err := errors.Join(json.Unmarshal([]byte(row.Look), u.Look), json.Unmarshal([]byte(row.Form), u.Choices))
	if err == nil && row.Told != "" {
		u.Told = &ImportReading{}
		err = json.Unmarshal([]byte(row.Told), u.Told)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is known of a file: %w", err)
	}
	return u, nil
}

// UploadOfImport reads the upload that an import came from, while its file is kept.
func (a *API) UploadOfImport(ctx context.Context, id int64) (*Upload, error) {
	row, err := a.Store.UploadOfImport(ctx, id)
	if err != nil {
		return nil, err
	}
	return uploadOf(row)
}

// MapUpload keeps what the columns of an upload become.
func (a *API) MapUpload(ctx context.Context, u *Upload) error {
	form, err := json.Marshal(u.Choices)
	if err != nil {
		return fmt.Errorf("keeping what columns become: %w", err)
	}
	u.Form = string(form)
	return a.Store.MapUpload(ctx, u.ID, u.Form)
}

// jobOf begins a job on an upload: its file is read behind the request.
func (a *API) jobOf(ctx context.Context, u *Upload, what string) (*importJob, error) {
	if u.Look == nil {
		return nil, store.ErrNoUpload
	}
	j, err := a.newImportJob()
	if err != nil {
		return nil, err
	}
	j.mapping = u.Choices.Mapping(u.Look, a.Plan())
	j.file = filepath.Join(j.dir, u.File)
	if err := j.begin(ctx, ImportBusy{What: what, Upload: u.ID, Bytes: u.Size}); err != nil {
		j.end()
		return nil, err
	}
	return j, nil
}

// write writes the file of an upload to where the job reads it.
func (j *importJob) write(ctx context.Context, id int64) error {
	f, err := os.Create(j.file)
	if err != nil {
		return fmt.Errorf("reading the file to import: %w", err)
	}
	if err := errors.Join(j.Store.WriteFile(ctx, store.UploadedFile, id, f), f.Close()); err != nil {
		return fmt.Errorf("reading the file to import: %w", err)
	}
	return nil
}

// fetch reads the file of an upload.
func (j *importJob) fetch(id int64) error {
	if err := j.write(j.ctx, id); err != nil {
		return err
	}
	return j.read(j.ctx)
}

// tell keeps what reading an upload came to; err, if it is not nil, is why it cannot be read.
func (j *importJob) tell(u *Upload, r *ImportReading, err error) {
	if err != nil {
		if j.ctx.Err() != nil {
			return // the server stops: it can be asked for again
		}
		var p *Problem
		r = &ImportReading{Error: "something went wrong here; it is on record"}
		if errors.As(err, &p) {
			r.Error = p.Detail
			for _, f := range p.Findings {
				r.Error += fmt.Sprintf("\nline %d: %s", f.Line, f.Message)
			}
		} else {
			j.Log.Error("a file could not be read", "upload", u.ID, "error", err)
		}
	}
	text, err := json.Marshal(r)
	if err == nil {
		err = j.Store.TellUpload(j.ctx, u.ID, u.Form, string(text))
	}
	if err != nil {
		j.Log.Error("what a file came to is not kept", "upload", u.ID, "error", err)
	}
}

// CheckUpload reads a file as if it were imported, behind the request, and waits for that a while. UploadOf tells what
// came of it.
func (a *API) CheckUpload(ctx context.Context, u *Upload, patience time.Duration) error {
	j, err := a.jobOf(ctx, u, u.File+" is being checked")
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer j.end()
		err := j.fetch(u.ID)
		var r *ImportReading
		if err == nil {
			r, err = j.dryRun(j.ctx)
		}
		if err == nil && r.Refused > 0 {
			err = j.keepRows(j.ctx, store.UncheckedRows, u.ID)
		}
		j.tell(u, r, err)
	}()
	select {
	case <-done:
	case <-time.After(patience):
	case <-ctx.Done():
	}
	return nil
}

// ImportUpload has the file of an upload imported behind the request, or goes on with an import of it that stopped. It waits
// a while for the number of the import, which is 0 if the file is still being read.
func (a *API) ImportUpload(ctx context.Context, u *Upload, patience time.Duration) (int64, error) {
	j, err := a.jobOf(ctx, u, u.File+" is being read")
	if err != nil {
		return 0, err
	}
	started := make(chan error, 1)
	go func() {
		defer j.end()
		err := j.fetch(u.ID)
		if err == nil {
			told := readingOf(j.reading)
			if u.Told != nil {
				told.New, told.Known = u.Told.New, u.Told.Known
			}
			if err = j.start(j.ctx, told); err == nil {
				err = j.Store.TakeUpload(j.ctx, u.Upload, j.im.ID, j.now())
			}
		}
		if err != nil {
			j.tell(u, nil, err)
			started <- err
			return
		}
		started <- nil
		if j.decide() != nil {
			return
		}
		if err := j.Store.EmptyUpload(context.WithoutCancel(j.ctx), u.ID); err != nil {
			j.Log.Error("the file of an import is not removed; it goes with the next cleaning", "upload", u.ID, "error", err)
		}
	}()
	select {
	case err := <-started:
		if err != nil {
			return 0, err
		}
		return j.im.ID, nil
	case <-time.After(patience):
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// ForgetFiles removes what was uploaded and refused longer ago than it is kept.
func (a *API) ForgetFiles(ctx context.Context) error {
	return a.Store.ForgetFiles(ctx, a.now()-store.UploadsKept)
}
