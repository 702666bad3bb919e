package cli_test

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"baton/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"baton-live": func() { os.Exit(cli.Main(os.Args[1:], cli.System())) }, // with the real clock and signals
		"baton": func() {
			os.Exit(cli.Main(os.Args[1:], cli.Env{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Width: 100, Program: "baton",
				Clock: func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }}))
		},
	})
}

// The scripts do what a user does and look at what the user sees.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", UpdateScripts: os.Getenv("BATON_UPDATE") != ""})
}
