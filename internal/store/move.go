package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"strings"
)

// kept are all tables with their columns; the first orders the rows. Those of a queue that a running Baton empties
// (wake), what says how far rows are behind, and files that wait to be imported or mended for some days, are not among them.
var kept = []struct{ name, columns, order string }{
	{"agreement", "version name hash file source files activated_at", "version"},
	{"import", "id name file hash state started_at finished_at rows arrivals refused first_input last_input notes actor told", "id"},
	{"mapping", "header form actor at", "header"},
	{"input", "id kind lead account prev at known dedupe import body", "id"},
	{"decision", "input lead version body error", "input"},
	{"lead", leadColumns, "id"},
	{"account", accountColumns, "id"},
	{"key", "kind value lead", "lead, kind, value"},
	{"key_conflict", "input lead kind value other", "input, lead, kind, other"},
	{"visit", visitColumns, "id"},
	{"handoff", handoffColumns, "id"},
	{"clock", clockColumns, "id"},
	{"call", callColumns, "lead"},
	{"opportunity", opportunityColumns, "lead"},
	{"roster", "id state", "id"},
	{"member", memberColumns, "id"},
	{"ledger", ledgerColumns, "pool, member"},
	{"feed", "member address host next_at read_at good_at error absences", "member"},
	{"job", jobColumns, "id"},
	{"attempt", "job n at took outcome code why said", "job, n"},
	{"reach", "endpoint done_at tried_at failing_since code why", "endpoint"},
	{"told", "lead recipient channel kind job at", "lead, recipient, channel"},
	{"said", "lead recipient channel alert job at", "lead, recipient, channel, alert, job"},
	{"inbox", inboxColumns, "id"},
	{"conflict", conflictColumns, "id"},
	{"endpoint", "id url secret events created_at disabled_at disabled_why old_secret old_until", "id"},
	{"merged", "lead into_lead input handoff clock email", "lead"},
	{"account_name", "account block formerly", "account"},
	{"name_word", "word kind id", "kind, word, id"},
	{"access_user", "id email name roles password totp totp_step recovery subject created_at signed_in_at deactivated_at", "id"},
	{"access_session", "id hash user_id how address agent created_at used_at", "id"},
	{"access_link", "hash kind user_id made_at ends_at", "hash"},
	{"saved_filter", "id user_id page name query shared at", "id"},
	{"audit", "id at actor address action subject detail form", "id"},
	{"made_up", "id at", "id"},
	{"api_key", "id name scope hash created_at last_used_at revoked_at", "id"},
}

// Moved is a table that was copied.
type Moved struct {
	Table string
	Rows  int64
	sum   []byte // over all rows
}

// ErrNotEmpty means that a database that should take in another has something in it.
var ErrNotEmpty = errors.New("there is something in it already; give a database that is new")

// MoveTo copies everything into another store, which has to be empty, in one transaction, and reads it back: what
// is there then is what was here, to the byte. The stores may be of different kinds. Nobody may write to this one
// meanwhile.
func (s *Store) MoveTo(ctx context.Context, to *Store) ([]Moved, error) {
	if s.writer == nil {
		return nil, fmt.Errorf("moving: %w", errReadOnly)
	}
	if behind, err := s.LateFrom(ctx); err != nil {
		return nil, err
	} else if behind != 0 {
		return nil, fmt.Errorf("moving: the rows of leads in %s are behind what was decided; an engine brings them up to date when it starts", s.name)
	}
	last, err := to.LastInput(ctx)
	if err != nil {
		return nil, err
	}
	active, err := to.ActiveAgreement(ctx)
	if err != nil {
		return nil, err
	}
	if last != 0 || active != nil {
		return nil, fmt.Errorf("moving to database %s: %w", to.name, ErrNotEmpty)
	}
	if err := s.wakeAll(ctx); err != nil {
		return nil, err
	}
	moved, err := s.copyTo(ctx, to)
	if err != nil {
		return nil, err
	}
	back, err := to.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer back.Close()
	for i, t := range kept {
		sum := newSum()
		if err := eachRow(ctx, back, t.name, t.columns, t.order, sum.add); err != nil {
			return nil, err
		}
		if !bytes.Equal(sum.Sum(nil), moved[i].sum) {
			return nil, fmt.Errorf("moving to database %s: table %s came out differently; drop that database, and keep to the old one", to.name, t.name)
		}
	}
	return moved, nil
}

func (s *Store) copyTo(ctx context.Context, to *Store) (moved []Moved, err error) {
	from, err := s.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	err = to.transact(ctx, "writing", func(ctx context.Context, conn *sql.Conn) error {
		for _, t := range kept {
			sum, n, err := copyTable(ctx, from, to, conn, t.name, t.columns, t.order)
			if err != nil {
				return fmt.Errorf("table %s: %w", t.name, err)
			}
			moved = append(moved, Moved{t.name, n, sum})
		}
		return to.dialect.continueNumbers(ctx, conn)
	})
	return moved, err
}

// wakeAll empties the queue of leads to be looked at, so that it need not be copied.
func (s *Store) wakeAll(ctx context.Context) error {
	if !s.dialect.shared {
		return nil
	}
	return s.transact(ctx, "writing", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `UPDATE lead SET due = w.at FROM wake w WHERE w.lead = lead.id AND w.at < lead.due`)
		if err == nil {
			_, err = conn.ExecContext(ctx, `DELETE FROM wake`)
		}
		return err
	})
}

// copied is how many values are written at a time.
const copied = 100_000

func copyTable(ctx context.Context, from *Snapshot, to *Store, conn *sql.Conn, name, columns, order string) (sum []byte, n int64, err error) {
	var into table
	if to.dialect.shared {
		into, err = newPostgresTable(ctx, conn, name, columns, "")
	} else {
		into, err = newBulk(ctx, conn, name, columns, "")
	}
	if err != nil {
		return nil, 0, err
	}
	defer into.close()
	read := newSum()
	var waiting rows
	err = eachRow(ctx, from, name, columns, order, func(row []any) error {
		n++
		read.add(row)
		waiting = append(waiting, row...)
		if len(waiting) < copied {
			return nil
		}
		err := into.write(ctx, waiting)
		waiting = waiting[:0]
		return err
	})
	if err == nil {
		err = into.write(ctx, waiting)
	}
	return read.Sum(nil), n, err
}

// eachRow hands over all rows of a table, in an order that is the same in all databases. Text is ordered by its bytes.
func eachRow(ctx context.Context, n *Snapshot, name, columns, order string, hand func(row []any) error) error {
	names := strings.Fields(columns)
	if n.store.dialect.shared {
		words := strings.Split(order, ", ")
		for i, w := range words {
			if textual[w] {
				words[i] = w + ` COLLATE "C"`
			}
		}
		order = strings.Join(words, ", ")
	}
	return stream(ctx, n, `SELECT `+strings.Join(names, ", ")+` FROM "`+name+`" ORDER BY `+order, nil,
		func(c *cells, row *[]any) {
			*row = (*row)[:0]
			for _, v := range c.values {
				if b, ok := v.([]byte); ok {
					v = append([]byte(nil), b...)
				}
				*row = append(*row, v)
			}
		}, func(row *[]any) error { return hand(*row) })
}

// textual are the columns of text that tables are ordered by.
var textual = map[string]bool{"value": true, "pool": true, "member": true, "recipient": true, "channel": true, "alert": true, "header": true}

// sum is a checksum over rows.
type sum struct {
	hash.Hash
	b []byte
}

func newSum() *sum { return &sum{Hash: sha256.New()} }

func (s *sum) add(row []any) error {
	b := s.b[:0]
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			b = append(b, 'n')
		case int64:
			b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
		case float64:
			b = binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v))
		case string:
			b = append(binary.BigEndian.AppendUint64(append(b, 't'), uint64(len(v))), v...)
		case []byte:
			b = append(binary.BigEndian.AppendUint64(append(b, 'b'), uint64(len(v))), v...)
		default:
			return fmt.Errorf("a column holds %T", v)
		}
	}
	s.b = b
	_, err := s.Write(b)
	return err
}

// continueNumbers has new rows numbered behind those that were copied.
func (d *dialect) continueNumbers(ctx context.Context, conn *sql.Conn) error {
	if !d.shared {
		return nil
	}
	queries := []string{
		`SELECT setval('input_number', greatest(1, (SELECT max(id) FROM input)), EXISTS (SELECT FROM input))`,
	}
	for _, t := range []string{"import", "endpoint", "api_key", "access_user", "access_session", "saved_filter", "audit"} {
		queries = append(queries, `SELECT setval(pg_get_serial_sequence('`+t+`', 'id'), greatest(1, (SELECT max(id) FROM `+t+`)), EXISTS (SELECT FROM `+t+`))`)
	}
	queries = append(queries, "ANALYZE") // or what is asked first is planned for empty tables
	for _, q := range queries {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	return nil
}
