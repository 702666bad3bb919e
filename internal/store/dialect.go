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
	goose goose.Dialect
	dir   string
	begin string // a transaction that writes
}

var sqlite = dialect{goose: goose.DialectSQLite3, dir: "migrations/sqlite", begin: "BEGIN IMMEDIATE"}

func (d dialect) migrations() fs.FS {
	sub, err := fs.Sub(migrations, d.dir)
	if err != nil {
		panic(err) // the directory is compiled in
	}
	return sub
}
