package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
)

// rows are the values of many rows of one table, end to end.
type rows []any

// bulk writes rows of one table, many to a statement: a statement costs more than a row. It speaks to
// the driver itself, since database/sql looks at every value again and makes a new list of them.
type bulk struct {
	width int
	sizes []int // rows to a statement, descending, the last 1
	stmts []driver.Stmt
	args  []driver.NamedValue // of the largest statement
}

// mostArguments is how many arguments a statement of many rows has at most. The SQLite driver
// looks for each argument from the first on, so that their number costs its square.
const mostArguments = 80

// update, in place of what to do on conflict, has a bulk change rows that are there: the last column is
// the key, the others are set.
const update = "update"

// newBulk prepares the statements. Columns are separated by spaces; suffix is what to do
// on conflict.
func newBulk(ctx context.Context, conn *sql.Conn, table, columns, suffix string) (*bulk, error) {
	names := strings.Fields(columns)
	b := &bulk{width: len(names), sizes: []int{1}}
	if size := mostArguments / len(names); size > 1 && suffix != update {
		b.sizes = []int{size, 1}
	}
	b.args = make([]driver.NamedValue, b.sizes[0]*b.width)
	for i := range b.args {
		b.args[i].Ordinal = i + 1
	}
	err := conn.Raw(func(c any) error {
		for _, size := range b.sizes {
			text := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES " + places(size, len(names)) + " " + suffix
			if key := len(names) - 1; suffix == update {
				text = "UPDATE " + table + " SET " + strings.Join(names[:key], " = ?, ") + " = ? WHERE " + names[key] + " = ?"
			}
			stmt, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, text)
			if err != nil {
				return err
			}
			b.stmts = append(b.stmts, stmt)
		}
		return nil
	})
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bulk) close() {
	for _, stmt := range b.stmts {
		stmt.Close()
	}
}

// places returns size groups of width arguments. They have no numbers: the SQLite driver
// compares the names of numbered ones as texts.
func places(size, width int) string {
	group := "(" + strings.Repeat("?, ", width-1) + "?)"
	return strings.Repeat(group+", ", size-1) + group
}

// write writes the rows. The connection is the one that the statements were prepared on, and nobody
// else uses it.
func (b *bulk) write(ctx context.Context, args rows) error {
	for i, size := range b.sizes {
		stmt := b.stmts[i].(driver.StmtExecContext)
		for n := size * b.width; len(args) >= n; args = args[n:] {
			for j, v := range args[:n] {
				if short, ok := v.(int); ok {
					v = int64(short) // the only kind in use that drivers do not take
				}
				b.args[j].Value = v
			}
			if _, err := stmt.ExecContext(ctx, b.args[:n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// replace returns the suffix that lets a row take the place of the one with its key,
// in the columns named.
func replace(key, columns string) string {
	var b strings.Builder
	b.WriteString("ON CONFLICT (" + key + ") DO UPDATE SET ")
	keys := strings.Split(key, ", ")
	first := true
next:
	for _, name := range strings.Fields(columns) {
		for _, k := range keys {
			if k == name {
				continue next
			}
		}
		if !first {
			b.WriteString(", ")
		}
		first = false
		b.WriteString(name + " = excluded." + name)
	}
	return b.String()
}
