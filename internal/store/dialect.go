package store

import (
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// dialect is what differs between the databases. Everything else is said in SQL that
// both accept: $n arguments, ON CONFLICT, RETURNING.
type dialect struct {
	goose  goose.Dialect
	dir    string
	begin  string // a transaction that writes
	census string // how many tables there are, but for those of extensions, and how many of them are goose's
	arrays bool   // many values can be one argument
	shared bool   // several processes may write
	advice func(error) string
}

var (
	sqlite = &dialect{goose: goose.DialectSQLite3, dir: "migrations/sqlite", begin: "BEGIN IMMEDIATE", advice: sqliteAdvice,
		census: `SELECT count(*), coalesce(sum(name = 'goose_db_version'), 0) FROM sqlite_master WHERE type = 'table'`}
	postgres = &dialect{goose: goose.DialectPostgres, dir: "migrations/postgres", begin: "BEGIN", arrays: true, shared: true, advice: postgresAdvice,
		census: `SELECT count(*), count(*) FILTER (WHERE relname = 'goose_db_version') FROM pg_class c
			WHERE relkind IN ('r', 'p') AND relnamespace = CAST(current_schema() AS regnamespace)
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = CAST('pg_class' AS regclass) AND d.objid = c.oid AND d.deptype = 'e')`}
)

func (d *dialect) migrations() fs.FS {
	sub, err := fs.Sub(migrations, d.dir)
	if err != nil {
		panic(err) // the directory is compiled in
	}
	return sub
}

// newest returns the number of the last migration.
func (d *dialect) newest() int64 {
	files := d.files()
	if len(files) == 0 {
		return 0
	}
	n, err := goose.NumericComponent(files[len(files)-1])
	if err != nil {
		return 0
	}
	return n
}

// steps is how many migrations there are.
func (d *dialect) steps() int { return len(d.files()) }

func (d *dialect) files() []string {
	files, err := fs.Glob(d.migrations(), "*.sql")
	if err != nil {
		panic(err) // the pattern is a good one
	}
	return files
}
