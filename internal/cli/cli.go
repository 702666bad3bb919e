// Package cli is the command line: it reads arguments, calls the rooms above and writes
// what they say for people or for programs.
//
// It holds no rules of its own: what a command computes, another package computes.
// Exit status: 0 done, 1 not done (the reason is on standard error), 2 the command
// line could not be understood, 130 stopped by Ctrl-C. Start reading at Main.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"baton/internal/access"
	"baton/internal/agreement"
	"baton/internal/app"
	"baton/internal/store"
)

// Env is the outside of a command.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Clock    func() time.Time
	Colour   bool   // of Err and Out
	Terminal bool   // Err is a terminal: progress may be drawn
	Width    int    // of Out, in characters
	Program  string // how the user calls it
	// Interrupt ends the context on the first signal and the process on the second; nil does nothing.
	Interrupt func(context.Context) (context.Context, context.CancelFunc)
}

// System is the real outside.
func System() Env {
	width := 100
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
		width = w
	} else if w, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && w > 0 {
		width = w
	}
	return Env{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Clock: time.Now, Terminal: terminal, Width: width, Program: os.Args[0],
		Colour: term.IsTerminal(int(os.Stdout.Fd())) && os.Getenv("NO_COLOR") == "", Interrupt: interrupt}
}

// interrupt lets the first Ctrl-C end the work at hand in good order, and the second end the process.
func interrupt(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-signals:
		}
		fmt.Fprintln(os.Stderr, "\nbaton: finishing what is under way; Ctrl-C again ends at once")
		cancel()
		<-signals
		os.Exit(130)
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}

// run is what every command gets.
type run struct {
	Env
	ctx context.Context
}

// now is the present in UTC microseconds.
func (r *run) now() int64 { return r.Clock().UnixMicro() }

type commands struct {
	Init     initCommand     `cmd:"" help:"Write a commented agreement to start from."`
	Check    checkCommand    `cmd:"" help:"Find what keeps an agreement from working."`
	Fmt      fmtCommand      `cmd:"" help:"Lay an agreement out in the usual form."`
	Schema   schemaCommand   `cmd:"" help:"Print the JSON Schema of the language, for editors."`
	Show     showCommand     `cmd:"" help:"Show an agreement as a document, or its stages as a picture."`
	Test     testCommand     `cmd:"" help:"Run scenarios and compare what is decided with what is expected."`
	Activate activateCommand `cmd:"" help:"Let an agreement apply from now on."`
	Import   importCommand   `cmd:"" help:"Bring in people, activities, outcomes or the team from CSV files."`
	Imports  importsCommand  `cmd:"" help:"List the imports there were."`
	Undo     undoCommand     `cmd:"" help:"Take an import back as a whole."`
	Report   reportCommand   `cmd:"" help:"Measure: funnel, velocity, lift, sla, response, pursuit or rejections."`
	May      mayCommand      `cmd:"" help:"Say whether somebody may speak to a lead, by which channel, and why."`
	Conflict conflictCommand `cmd:"" name:"conflicts" help:"List who spoke to a lead although another held the conversation."`
	Explain  explainCommand  `cmd:"" help:"Say why a lead has its score, stage, owner and deadline."`
	Roster   rosterCommand   `cmd:"" help:"How the pools share leads out: who is behind their share, and who is next; and when people work."`
	Absence  absenceCommand  `cmd:"" help:"Enter when people are away, or have it read from their calendars."`
	Lead     leadCommand     `cmd:"" help:"Merge two leads that are one person, take that back, put a lead into an account, accept it, estimate it, or walk away."`
	Queue    queueCommand    `cmd:"" help:"List who waits to be called, take the next one, and say how it went."`
	Pipeline pipelineCommand `cmd:"" help:"List what sales works, by what is expected of it."`
	Query    queryCommand    `cmd:"" help:"Run a SELECT on the documented views; see docs/views.md."`
	Verify   verifyCommand   `cmd:"" help:"Decide everything on record again and compare."`
	Demo     demoCommand     `cmd:"" help:"Fill a database with a believable company and look at it."`
	Serve    serveCommand    `cmd:"" help:"Take in events and forms over HTTP, and decide at once."`
	Key      keyCommand      `cmd:"" help:"Make, list or revoke the keys with which programs send."`
	User     userCommand     `cmd:"" help:"Make, list, change or deactivate those who may sign in, or let one who is locked out back in."`
	Audit    auditCommand    `cmd:"" help:"List who did what when: sign-ins, roles, keys, agreements."`
	Jobs     jobsCommand     `cmd:"" help:"List what goes out to people and programs, or have it tried again."`
	Inbox    inboxCommand    `cmd:"" help:"List what a member is told inside Baton, or mark it as read."`
	Webhook  webhookCommand  `cmd:"" help:"Add, list or remove addresses that are sent events, signed."`
	Migrate  migrateCommand  `cmd:"" help:"Bring the tables of a database up to date."`
	Backup   backupCommand   `cmd:"" help:"Copy a SQLite database, whether or not a server runs on it."`
	Move     moveCommand     `cmd:"" help:"Copy everything into another, empty database, SQLite or PostgreSQL."`
	Bench    benchCommand    `cmd:"" help:"Measure how much a server takes in, and how fast."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// Main runs one command and returns the exit status.
func Main(args []string, env Env) int {
	var cmds commands
	status := -1
	from := &settings{}
	parser, err := kong.New(&cmds, kong.Name("baton"),
		kong.Description("Baton runs the relay between marketing and sales: both sides write one agreement, and Baton carries it out."),
		kong.Writers(env.Out, env.Err), kong.Exit(func(code int) { status = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Resolvers(from), kong.Vars{"templates": fmt.Sprint(agreement.Templates())})
	if err != nil {
		fmt.Fprintln(env.Err, "baton:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // help was asked for
		return status
	}
	if what := complaint(err); what != "" {
		fmt.Fprintln(env.Err, what)
		return 2
	}
	if err != nil {
		fmt.Fprintf(env.Err, "baton: %v\nTry: baton %s--help\n", err, commandOf(err))
		return 2
	}
	ctx := context.Background()
	if env.Interrupt != nil {
		var cancel context.CancelFunc
		ctx, cancel = env.Interrupt(ctx)
		defer cancel()
	}
	r := &run{Env: env, ctx: store.As(ctx, store.Actor{Name: access.CommandLine})}
	err = parsed.Run(r, from)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errSaid):
		return 1
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(env.Err, "baton: stopped; what was done up to here is kept")
		return 130
	}
	var unworkable *app.Unworkable
	if errors.As(err, &unworkable) {
		fmt.Fprint(env.Err, unworkable.Findings.Text(func(string) []byte { return unworkable.Source }, env.Colour))
		return 1
	}
	fmt.Fprintln(env.Err, "baton:", err)
	return 1
}

// errSaid ends a command with status 1 after it has said why.
var errSaid = errors.New("said already")

func commandOf(err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil && parse.Context.Selected() != nil {
		node := parse.Context.Selected()
		name := node.Name + " "
		for node = node.Parent; node != nil && node.Type == kong.CommandNode; node = node.Parent {
			name = node.Name + " " + name
		}
		return name
	}
	return ""
}

type database struct {
	DB string `help:"Database: a SQLite file, or the postgres:// address of a PostgreSQL database (${default})." default:"baton.db" placeholder:"FILE" env:"BATON_DB"`
}

func (d *database) open(r *run) (*app.App, error) {
	return app.Open(r.ctx, app.Options{DB: d.DB, Clock: r.Clock})
}

// name is what to call the database in front of people.
func (d *database) name() string { return store.NameOf(d.DB) }

// there reports whether there is a database. Of one on a server opening it will tell.
func (d *database) there() bool {
	_, err := os.Stat(d.DB)
	return store.IsURL(d.DB) || !errors.Is(err, fs.ErrNotExist)
}

// beside opens the database for a small change, whether or not a server runs on it.
func (d *database) beside(r *run) (*store.Store, error) {
	st, err := store.Open(r.ctx, d.DB)
	if errors.Is(err, store.ErrInUse) {
		return store.OpenBeside(r.ctx, d.DB)
	}
	return st, err
}

// existing is beside, for a database that is there.
func (d *database) existing(r *run) (*store.Store, error) {
	if !d.there() {
		return nil, fmt.Errorf("opening database %s: there is no such file", d.name())
	}
	return d.beside(r)
}

type versionCommand struct{}

func (versionCommand) Run(r *run) error {
	fmt.Fprintln(r.Out, "baton", version())
	return nil
}

// Version is set when a release is built.
var Version string

func version() string {
	if Version != "" {
		return Version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(development)"
}
