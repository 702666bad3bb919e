package load

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Rows are inputs as they were stored, in order, each with the one before it of the same lead.
type Rows struct {
	inputs []lifecycle.Input
	prev   []int64
}

// ReadRows reads the newest inputs of a database, at most so many.
func ReadRows(ctx context.Context, db string, most int) (*Rows, error) {
	st, err := store.OpenReadOnly(ctx, db)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	last, err := st.LastInput(ctx)
	if err != nil {
		return nil, err
	}
	r := &Rows{}
	before := map[int64]int64{}
	enough := errors.New("enough")
	err = st.EachInput(ctx, max(1, last-int64(most)+1), func(in lifecycle.Input, _ []byte) error {
		r.inputs, r.prev = append(r.inputs, in), append(r.prev, before[in.Lead])
		before[in.Lead] = in.ID
		if len(r.inputs) == most {
			return enough
		}
		return nil
	})
	if errors.Is(err, enough) {
		err = nil
	}
	return r, err
}

// Append is the limit that a machine sets: it appends rows to a database of the same kind as db that has nothing else in
// it, with the same driver and settings, so many to a transaction, each on disk before the next begins, and returns
// how many a second. What it made is gone afterwards.
func (r *Rows) Append(ctx context.Context, db string, each int) (perSecond float64, err error) {
	if len(r.inputs) == 0 {
		return 0, errors.New("measuring the limit: there are no rows to append")
	}
	var took time.Duration
	if store.IsURL(db) {
		took, err = r.appendPostgres(ctx, db, each)
	} else {
		took, err = r.appendFile(ctx, filepath.Join(filepath.Dir(db), "."+filepath.Base(db)+".limit"), each)
	}
	if err != nil {
		return 0, fmt.Errorf("measuring the limit: %w", err)
	}
	return float64(len(r.inputs)) / took.Seconds(), nil
}

func (r *Rows) appendFile(ctx context.Context, file string, each int) (took time.Duration, err error) {
	if err := removeFile(file); err != nil {
		return 0, err
	}
	st, err := store.Open(ctx, file)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, st.Close(), removeFile(file)) }()
	began := time.Now()
	batch := store.NewBatch()
	for i := range r.inputs {
		in := &r.inputs[i]
		batch.Input(in, r.prev[i], store.Dedupe(in.Source, in.Key))
		if batch.Inputs() == each || i == len(r.inputs)-1 {
			batch.Seal(nil)
			if err := st.Commit(ctx, batch); err != nil {
				return 0, err
			}
			st.Flush()
			batch.Reset()
		}
	}
	return time.Since(began), nil
}

// The table of the limit, as Baton has it for its inputs.
const (
	bareSchema = "baton_bench_limit"
	bareTable  = `CREATE TABLE baton_bench_limit.input (id bigint PRIMARY KEY, kind bigint NOT NULL, lead bigint NOT NULL, account bigint NOT NULL,
		prev bigint NOT NULL, at bigint NOT NULL, known bigint NOT NULL, dedupe bigint NOT NULL, import bigint NOT NULL, body text NOT NULL)`
	bareIndex   = `CREATE INDEX ON baton_bench_limit.input (dedupe) WHERE dedupe <> 0`
	bareColumns = 10
	bareRows    = 100 // to a statement
)

func (r *Rows) appendPostgres(ctx context.Context, db string, each int) (took time.Duration, err error) {
	conn, err := pgx.Connect(ctx, db)
	if err != nil {
		return 0, err
	}
	drop := func(ctx context.Context) error {
		_, err := conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+bareSchema+" CASCADE")
		return err
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		err = errors.Join(err, drop(ctx), conn.Close(ctx))
	}()
	if err := drop(ctx); err != nil {
		return 0, err
	}
	for _, text := range []string{"CREATE SCHEMA " + bareSchema, bareTable, bareIndex} {
		if _, err := conn.Exec(ctx, text); err != nil {
			return 0, err
		}
	}
	began := time.Now()
	args := make([]any, 0, bareRows*bareColumns)
	var body []byte
	for first := 0; first < len(r.inputs); first += each {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return 0, err
		}
		next := min(first+each, len(r.inputs))
		for i := first; i < next; i++ {
			in := &r.inputs[i]
			body = in.AppendJSON(body[:0])
			args = append(args, in.ID, int64(in.Kind), in.Lead, in.Account, r.prev[i], in.At, in.Known, store.Dedupe(in.Source, in.Key), in.Import, string(body))
			if len(args) == cap(args) || i == next-1 {
				if _, err := tx.Exec(ctx, bareInsert(len(args)/bareColumns), args...); err != nil {
					return 0, errors.Join(err, tx.Rollback(ctx))
				}
				args = args[:0]
			}
		}
		if err := tx.Commit(ctx); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}

func bareInsert(rows int) string {
	b := []byte("INSERT INTO " + bareSchema + ".input VALUES ")
	for i := range rows * bareColumns {
		switch {
		case i == 0:
			b = append(b, '(')
		case i%bareColumns == 0:
			b = append(b, "), ("...)
		default:
			b = append(b, ", "...)
		}
		b = fmt.Appendf(b, "$%d", i+1)
	}
	return string(append(b, ')'))
}
