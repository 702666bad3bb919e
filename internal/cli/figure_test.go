//go:build unix

package cli_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"baton/internal/agreement"
)

// TestFigureMemory prints the most memory that baton import holds at a time while it takes in 1,000,000 rows, people
// and what each of them did, into a new database.
func TestFigureMemory(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	const rows = 1_000_000
	dir := t.TempDir()
	binary := filepath.Join(dir, "baton")
	if out, err := exec.Command("go", "build", "-o", binary, "baton/cmd/baton").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	source, _ := agreement.Template("waterfall")
	for name, text := range map[string]string{"agreement.yaml": string(source), "people.yaml": peopleMapping} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writePeople(filepath.Join(dir, "people.csv"), rows); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "import", "people.csv", "--map", "people.yaml", "--agreement", "agreement.yaml", "--db", "baton.db")
	cmd.Dir = dir
	cmd.Env = []string{"TMPDIR=" + dir, "HOME=" + dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	most := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss // in KiB, but on macOS in bytes
	if runtime.GOOS != "darwin" {
		most *= 1024
	}
	t.Logf("%d MB\n%s", most>>20, out)
	if want := "2,000,000 inputs taken in"; !strings.Contains(string(out), want) {
		t.Fatalf("the import does not say %q", want)
	}
	query := exec.Command(binary, "query", "SELECT count(*) AS leads FROM leads", "--db", "baton.db", "--format", "csv")
	query.Dir = dir
	if out, err := query.CombinedOutput(); err != nil || string(out) != fmt.Sprintf("leads\n%d\n", rows) {
		t.Fatalf("%v\n%s", err, out)
	}
	fmt.Printf("FIGURE memory_mb %d <=300\n", most>>20)
}

const peopleMapping = `import: people
key: id
at: {column: created, layout: YYYY-MM-DD HH:mm}
person:
  email: mail
  id: {system: crm, column: id}
account: {domain: website, name: company}
attributes:
  name: name
  seniority: seniority
  country: country
  source: source
  company.employees: employees
activity: {name: {column: what}}
`

// writePeople writes rows about as many people, in no order of time, three to a company.
func writePeople(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "id,created,name,mail,company,website,seniority,country,source,employees,what")
	pick := func(i int, words ...string) string { return words[i%len(words)] }
	for i := range rows {
		day := i * 7919 % 330
		fmt.Fprintf(w, "%d,2025-%02d-%02d %02d:%02d,First Last%d,first.last%d@company%d.example,Company %d,www.company%d.example,%s,%s,%s,%d,%s\n",
			i, day/28+1, day%28+1, i/7%24, i/11%60, i, i, i/3, i/3, i/3,
			pick(i/3, "staff", "manager", "director", "vp"), pick(i/5, "SE", "NO", "DE", "NL", "US"), pick(i/2, "paid_search", "organic_search", "social", "event"),
			20+i/3%900, pick(i/13, "page_viewed", "email_clicked", "content_downloaded", "pricing_viewed"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
