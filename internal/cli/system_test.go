package cli_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// built is the program itself, built once for the tests that need a process.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "baton-test-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "baton")
	cmd := exec.Command("go", "build", "-o", binary, "../../cmd/baton")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return binary, nil
})

func baton(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir = dir
	return cmd
}

// must runs a command that has to succeed and returns what it printed.
func must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(cmd.Args[1:], " "), err, out, &errs)
	}
	return string(out)
}

// bigImport writes an agreement, a mapping and a CSV file with so many rows into a folder.
func bigImport(t *testing.T, dir string, rows int) []string {
	t.Helper()
	must(t, baton(t, dir, "init"))
	var file bytes.Buffer
	file.WriteString("email,country,seniority,created,path\n")
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	for i := range rows {
		fmt.Fprintf(&file, "person%d@company%d.example,SE,manager,%s,/pricing\n", i%(rows/4), i%(rows/40), at.Add(time.Duration(i)*time.Minute).Format("2006-01-02 15:04"))
	}
	mapping := `import: visits
person: {email: email}
account: {from_email: true}
at: {column: created, layout: YYYY-MM-DD HH:mm}
attributes: {country: country, seniority: seniority}
activity: {name: {value: page_viewed}, properties: {path: path}}
`
	for name, data := range map[string][]byte{"visits.csv": file.Bytes(), "visits.yaml": []byte(mapping)} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return []string{"import", "visits.csv", "--map", "visits.yaml", "--agreement", "agreement.yaml"}
}

const contents = `SELECT count(*) AS leads, sum(score) AS score, sum(activities) AS activities, (SELECT count(*) FROM visits) AS visits FROM leads`

// Ctrl-C and kill -9 in the middle of an import lose nothing that was taken in, leave nothing half
// done, and the same command goes on from there to the same end.
func TestImportInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("signals are sent as on Unix")
	}
	whole := t.TempDir()
	args := bigImport(t, whole, 40_000)
	must(t, baton(t, whole, args...))
	want := must(t, baton(t, whole, "query", contents, "--format", "csv"))

	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			dir := t.TempDir()
			args := bigImport(t, dir, 40_000)
			cmd := baton(t, dir, args...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			stopped := stopWhenUnderWay(t, cmd, filepath.Join(dir, "baton.db-wal"), signal, done)
			var exit *exec.ExitError
			if !stopped {
				t.Skip("the import was done before it could be stopped")
			}
			if err := <-done; !errors.As(err, &exit) {
				t.Fatalf("stopped in the middle, it ended with %v", err)
			}
			if signal == syscall.SIGINT && (exit.ExitCode() != 130 || !strings.Contains(errs.String(), "the same command goes on from there")) {
				t.Errorf("status %d, want 130 and what to do; it said\n%s", exit.ExitCode(), &errs)
			}
			must(t, baton(t, dir, "verify"))
			partly := must(t, baton(t, dir, "query", contents, "--format", "csv"))
			if partly == want {
				t.Error("it was not stopped in the middle")
			}
			must(t, baton(t, dir, args...))
			if got := must(t, baton(t, dir, "query", contents, "--format", "csv")); got != want {
				t.Errorf("finished after a stop:\n%swithout one:\n%s", got, want)
			}
			must(t, baton(t, dir, "verify"))
		})
	}
}

// stopWhenUnderWay sends the signal once the database's log has grown.
func stopWhenUnderWay(t *testing.T, cmd *exec.Cmd, log string, signal syscall.Signal, done chan error) bool {
	t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-done:
			done <- err
			return false
		case <-look.C:
			if info, err := os.Stat(log); err == nil && info.Size() > 2<<20 {
				if err := cmd.Process.Signal(signal); err != nil {
					t.Fatal(err)
				}
				return true
			}
		}
	}
}

// A full disk is said plainly, keeps what was taken in, and the import goes on when there is room.
func TestImportOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=12m", "baton-test", dir).Run(); err != nil {
		t.Skip("a small disk can be mounted by root only, and not everywhere:", err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	args := bigImport(t, dir, 20_000)
	cmd := baton(t, dir, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err == nil {
		t.Fatal("20,000 rows went onto a disk of 12 MB")
	}
	if !strings.Contains(errs.String(), "disk") || !strings.Contains(errs.String(), "full") {
		t.Errorf("it does not say that the disk is full:\n%s", &errs)
	}
	if err := exec.Command("mount", "-o", "remount,size=200m", dir).Run(); err != nil {
		t.Fatal(err)
	}
	must(t, baton(t, dir, "verify"))
	must(t, baton(t, dir, args...))
	must(t, baton(t, dir, "verify"))
	out := must(t, baton(t, dir, "query", "SELECT count(*) AS n FROM activities", "--format", "csv"))
	if !strings.Contains(out, "20000") {
		t.Errorf("after there was room: %s", out)
	}
}

// Two processes cannot write one file; the second is told why.
func TestTwoProcessesOnOneFile(t *testing.T) {
	dir := t.TempDir()
	args := bigImport(t, dir, 40_000)
	first := baton(t, dir, args...)
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- first.Wait() }()
	if !stopWhenUnderWay(t, first, filepath.Join(dir, "baton.db-wal"), syscall.Signal(0), done) {
		t.Skip("the first was done before the second began")
	}
	second := baton(t, dir, "activate", "agreement.yaml")
	out, err := second.CombinedOutput()
	if err == nil {
		t.Error("the second process wrote as well")
	}
	if !strings.Contains(string(out), "baton.db") || !strings.Contains(string(out), "process") {
		t.Errorf("the second process was told\n%s", out)
	}
	must(t, baton(t, dir, "query", "SELECT count(*) AS n FROM leads")) // reading is possible
	if err := <-done; err != nil {
		t.Errorf("the first process ended with %v", err)
	}
}

// The public data set comes to its known answers, read from the files.
func TestOlist(t *testing.T) {
	data := os.Getenv("BATON_DATA")
	if data == "" {
		data = "../../../shared/data"
	}
	data, err := filepath.Abs(filepath.Join(data, "olist"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, "olist_closed_deals_dataset.csv")); err != nil {
		t.Skip("the Olist data set is not here; name its parent folder in BATON_DATA:", err)
	}
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	run := exec.Command("../../examples/olist/run", data, "--format", "csv")
	run.Env = append(os.Environ(), "BATON="+binary)
	var errs bytes.Buffer
	run.Stderr = &errs
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &errs)
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rows[0][:4], ","); got != "source,leads,won,rate" {
		t.Errorf("columns begin %s", got)
	}
	got := map[string]string{}
	for _, row := range rows[1:] {
		got[row[0]] = row[2] + "/" + row[1]
	}
	want := map[string]string{"organic_search": "271/2296", "paid_search": "195/1586", "unknown": "179/1099", "social": "75/1350", "direct_traffic": "56/499",
		"email": "15/493", "referral": "24/284", "other": "4/150", "display": "6/118", "other_publicities": "3/65", "(none)": "14/60"}
	for source, share := range want {
		if got[source] != share {
			t.Errorf("%s: %s, want %s", source, got[source], share)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d sources, want %d", len(got), len(want))
	}
	for _, said := range []string{`60 rows have an empty "origin"`, "1 outcome is dated before"} {
		if !strings.Contains(errs.String(), said) {
			t.Errorf("the user is not told: %s\n%s", said, &errs)
		}
	}

	// the database behind it verifies, and half of the wins came within 14.7 days
	dir := t.TempDir()
	here, err := filepath.Abs("../../examples/olist")
	if err != nil {
		t.Fatal(err)
	}
	leads, deals := filepath.Join(data, "olist_marketing_qualified_leads_dataset.csv"), filepath.Join(data, "olist_closed_deals_dataset.csv")
	must(t, baton(t, dir, "import", leads, deals, "--map", filepath.Join(here, "mql.yaml"), "--map", filepath.Join(here, "deals.yaml"), "--agreement", filepath.Join(here, "agreement.yaml")))
	must(t, baton(t, dir, "verify"))
	if velocity := must(t, baton(t, dir, "report", "velocity")); !strings.Contains(velocity, "14.7 days") {
		t.Errorf("the median is not 14.7 days:\n%s", velocity)
	}

	// what a spreadsheet mangled is refused row by row, never guessed
	mangled := must(t, baton(t, dir, "import", filepath.Join(data, "olist_closed_deals_mangled_by_a_spreadsheet.csv"), "--map", filepath.Join(here, "deals.yaml"), "--refused", "refused.csv", "--dry-run"))
	if !strings.Contains(mangled, "842 refused") {
		t.Errorf("the mangled deals:\n%s", mangled)
	}
}
