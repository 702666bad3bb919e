// Command baton runs the relay between marketing and sales.
package main

import (
	"os"

	"baton/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], cli.System())) }
