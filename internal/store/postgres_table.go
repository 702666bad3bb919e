package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// postgresTable writes rows of one table: new ones as the server's own binary copy, others as one array for each
// column, so that any number of rows is one statement.
type postgresTable struct {
	conn  *sql.Conn
	name  string
	kinds []uint32 // of the columns
	text  string   // COPY, or a statement that takes arrays
	copy  bool
	out   []byte
}

func newPostgresTable(ctx context.Context, conn *sql.Conn, name, columns, suffix string) (*postgresTable, error) {
	names := strings.Fields(columns)
	t := &postgresTable{conn: conn, name: name}
	kinds := map[string]uint32{}
	found, err := conn.QueryContext(ctx, `SELECT attname, CAST(atttypid AS bigint) FROM pg_attribute WHERE attrelid = CAST($1 AS regclass) AND attnum > 0`, `"`+name+`"`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var column string
		var kind int64
		if err := found.Scan(&column, &kind); err != nil {
			return nil, err
		}
		kinds[column] = uint32(kind)
	}
	if err := found.Err(); err != nil {
		return nil, err
	}
	arrays := make([]string, len(names))
	for i, column := range names {
		kind, ok := kinds[column]
		word, known := kindWords[kind]
		if !ok || !known {
			return nil, fmt.Errorf("column %s is missing or of another type", column)
		}
		t.kinds = append(t.kinds, kind)
		arrays[i] = fmt.Sprintf("CAST($%d AS %s[])", i+1, word)
	}
	list, from := strings.Join(names, ", "), "unnest("+strings.Join(arrays, ", ")+")"
	switch key := names[len(names)-1]; suffix {
	case "":
		t.copy, t.text = true, `COPY "`+name+`" (`+list+`) FROM STDIN (FORMAT binary)`
	case update:
		set := make([]string, 0, len(names))
		for _, column := range names[:len(names)-1] {
			set = append(set, column+" = u."+column)
		}
		t.text = `UPDATE "` + name + `" SET ` + strings.Join(set, ", ") + " FROM " + from + " AS u (" + list + `) WHERE "` + name + `".` + key + " = u." + key
	default:
		t.text = `INSERT INTO "` + name + `" (` + list + ") SELECT * FROM " + from + " " + suffix
	}
	return t, nil
}

var kindWords = map[uint32]string{pgtype.Int8OID: "bigint", pgtype.TextOID: "text", pgtype.Float8OID: "double precision", pgtype.ByteaOID: "bytea"}

func (t *postgresTable) close() {}

func (t *postgresTable) write(ctx context.Context, values rows) error {
	if len(values) == 0 {
		return nil
	}
	if t.copy {
		return t.copyIn(ctx, values)
	}
	args, err := t.arrays(values)
	if err != nil {
		return err
	}
	return raw(t.conn, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, t.text, args...)
		return err
	})
}

// copyIn sends the rows in the binary format of COPY (PostgreSQL documentation, COPY, Binary Format).
func (t *postgresTable) copyIn(ctx context.Context, values rows) error {
	b := append(t.out[:0], "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	width := len(t.kinds)
	for ; len(values) >= width; values = values[width:] {
		b = binary.BigEndian.AppendUint16(b, uint16(width))
		for i, v := range values[:width] {
			switch v := v.(type) {
			case nil:
				b = binary.BigEndian.AppendUint32(b, math.MaxUint32)
			case int64:
				b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(v))
			case int:
				b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(v))
			case float64:
				b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), math.Float64bits(v))
			case string:
				v = storable(v)
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
			case []byte:
				b = append(binary.BigEndian.AppendUint32(b, uint32(len(v))), v...)
			default:
				return fmt.Errorf("column %d holds %T", i+1, v)
			}
		}
	}
	b = binary.BigEndian.AppendUint16(b, math.MaxUint16)
	t.out = b
	if cap(t.out) > 16<<20 {
		t.out = nil
	}
	return raw(t.conn, func(c *pgx.Conn) error {
		_, err := c.PgConn().CopyFrom(ctx, bytes.NewReader(b), t.text)
		return err
	})
}

// arrays turns rows into one array for each column.
func (t *postgresTable) arrays(values rows) ([]any, error) {
	width := len(t.kinds)
	args := make([]any, width)
	for i, kind := range t.kinds {
		var err error
		switch kind {
		case pgtype.Int8OID:
			args[i], err = integers(values, i, width)
		case pgtype.TextOID:
			args[i], err = column(values, i, width, storable)
		case pgtype.Float8OID:
			args[i], err = column(values, i, width, func(v float64) float64 { return v })
		case pgtype.ByteaOID:
			args[i], err = column(values, i, width, func(v []byte) []byte { return v })
		}
		if err != nil {
			return nil, err
		}
	}
	return args, nil
}

func integers(values rows, i, width int) (any, error) {
	list := make([]int64, 0, len(values)/width)
	for j := i; j < len(values); j += width {
		switch v := values[j].(type) {
		case int64:
			list = append(list, v)
		case int:
			list = append(list, int64(v))
		case nil:
			return optionalIntegers(values, i, width)
		default:
			return nil, fmt.Errorf("column %d holds %T, not a whole number", i+1, v)
		}
	}
	return list, nil
}

func optionalIntegers(values rows, i, width int) (any, error) {
	list := make([]pgtype.Int8, 0, len(values)/width)
	for j := i; j < len(values); j += width {
		switch v := values[j].(type) {
		case int64:
			list = append(list, pgtype.Int8{Int64: v, Valid: true})
		case int:
			list = append(list, pgtype.Int8{Int64: int64(v), Valid: true})
		case nil:
			list = append(list, pgtype.Int8{})
		default:
			return nil, fmt.Errorf("column %d holds %T, not a whole number", i+1, v)
		}
	}
	return list, nil
}

func column[V any](values rows, i, width int, clean func(V) V) ([]V, error) {
	list := make([]V, 0, len(values)/width)
	for j := i; j < len(values); j += width {
		v, ok := values[j].(V)
		if !ok {
			return nil, fmt.Errorf("column %d holds %T", i+1, values[j])
		}
		list = append(list, clean(v))
	}
	return list, nil
}
