//go:build unix

package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// people makes an import of a company's history: n rows about a number of leads in order of time,
// who they are and then what they did, some of them asking for a demo.
func people(seed uint64, n, leads int) []lifecycle.Arrival {
	r := rand.New(rand.NewPCG(seed, 2))
	const span = 180 * day
	type row struct {
		at  int64
		who int
	}
	rows := make([]row, 0, n)
	for i := range n {
		who := i
		if i >= leads {
			who = r.IntN(leads)
		}
		rows = append(rows, row{start + r.Int64N(span), who})
	}
	slices.SortFunc(rows, func(a, b row) int { return int(a.at - b.at) })
	did := []string{"page_viewed", "page_viewed", "page_viewed", "page_viewed", "page_viewed", "page_viewed", "email_clicked", "email_clicked",
		"email_clicked", "content_downloaded", "content_downloaded", "form_submitted", "webinar_attended", "pricing_viewed", "pricing_viewed"}
	met := make([]bool, leads)
	list := make([]lifecycle.Arrival, 0, n)
	for i, row := range rows {
		who, company := row.who, fmt.Sprintf("company%d.example", row.who/3)
		a := lifecycle.Arrival{Keys: []identity.Key{{Kind: identity.Email, Value: fmt.Sprintf("first.last%d@%s", who, company)}}}
		in := &a.Input
		in.Key, in.Source, in.Known, in.At = fmt.Sprintf("row:%06d", i), "import:1", row.at, row.at
		if !met[who] {
			met[who] = true
			in.Kind, a.Account, a.AccountName = lifecycle.Identify, company, fmt.Sprintf("Company %d", who/3)
			pick := func(words ...string) agreement.Value { return agreement.TextValue(words[r.IntN(len(words))]) }
			in.Values = []lifecycle.Named{
				{Name: "company.employees", Value: agreement.NumberValue(float64(20 + who/3%800))},
				{Name: "company.industry", Value: agreement.TextValue([]string{"manufacturing", "logistics", "retail", "other"}[who/3%4])},
				{Name: "country", Value: pick("SE", "NO", "DE", "NL", "FR", "US")},
				{Name: "name", Value: agreement.TextValue(fmt.Sprintf("First Last%d", who))},
				{Name: "seniority", Value: pick("intern", "staff", "staff", "manager", "director", "vp")},
				{Name: "source", Value: pick("paid_search", "organic_search", "social", "event", "referral")},
				{Name: "title", Value: pick("Head of Operations", "Buyer", "Engineer", "Owner")},
			}
		} else {
			in.Kind, in.Name = lifecycle.Did, did[r.IntN(len(did))]
			if r.IntN(60) == 0 {
				in.Name = "demo_requested"
			}
			switch in.Name {
			case "page_viewed":
				in.Values = []lifecycle.Named{{Name: "path", Value: agreement.TextValue(fmt.Sprintf("/products/%d", r.IntN(40)))}}
			case "webinar_attended":
				in.Values = []lifecycle.Named{{Name: "minutes", Value: agreement.NumberValue(float64(5 + r.IntN(50)))}}
			case "content_downloaded":
				in.Asset = []string{"sizing_guide", "total_cost_report"}[r.IntN(2)]
			}
		}
		list = append(list, a)
	}
	return list
}

// taken is what one way of taking an import in has cost.
type taken struct {
	inputs    int
	wall, cpu time.Duration
}

func (c taken) each() float64 { return float64(c.cpu.Nanoseconds()) / 1000 / float64(c.inputs) }

// takeIn has arrivals decided and stored in a new database, and returns what was stored of the inputs.
func takeIn(t testing.TB, source string, list []lifecycle.Arrival) (taken, string) {
	t.Helper()
	h := open(t, filepath.Join(t.TempDir(), "import.db"), Options{})
	h.activate(t, source, start-day)
	var last Progress
	began, used := time.Now(), cpu()
	err := h.History(context.Background(), from(list), HistoryOptions{Import: 1, Progress: func(p Progress) { last = p }})
	c := taken{int(last.Inputs), time.Since(began), time.Duration(cpu()-used) * time.Microsecond}
	if err != nil || last.Problems != 0 {
		t.Fatal(err, last)
	}
	h.shut(t)
	return c, h.path
}

// storedInputs reads the inputs of a database, with the input of the same lead before each.
func storedInputs(t testing.TB, path string) (list []lifecycle.Input, prev []int64) {
	t.Helper()
	ctx := context.Background()
	st, err := store.OpenReadOnly(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	last := map[int64]int64{}
	err = st.EachInput(ctx, 0, func(in lifecycle.Input, _ []byte) error {
		list, prev = append(list, in), append(prev, last[in.Lead])
		last[in.Lead] = in.ID
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, prev
}

// putIn inserts the same rows into the same table with the same transactions, and does nothing else.
func putIn(t testing.TB, list []lifecycle.Input, prev []int64) taken {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "append.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	began, used := time.Now(), cpu()
	batch := store.NewBatch()
	for i := range list {
		in := &list[i]
		batch.Input(in, prev[i], store.Dedupe(in.Source, in.Key))
		if batch.Inputs() == historyBatch || i == len(list)-1 {
			batch.Seal(nil)
			if err := st.Commit(ctx, batch); err != nil {
				t.Fatal(err)
			}
			batch.Reset()
		}
	}
	return taken{len(list), time.Since(began), time.Duration(cpu()-used) * time.Microsecond}
}

// TestFigureImportVsAppend prints what an import, decided and durable, reaches of the speed of a bare loop that
// inserts the same rows: the median of pairs measured in turn.
func TestFigureImportVsAppend(t *testing.T) {
	if os.Getenv("BATON_FIGURES") == "" {
		t.Skip("figures are measured by: make bench")
	}
	source, _ := agreement.Template("waterfall")
	list := people(1, 40_000, 4_000)
	_, path := takeIn(t, string(source), list)
	inputs, prev := storedInputs(t, path)
	putIn(t, inputs, prev)
	var ratios []float64
	for range 9 {
		a, _ := takeIn(t, string(source), list)
		b := putIn(t, inputs, prev)
		t.Logf("%d inputs: %v against %v; processor %.1f µs against %.1f an input", a.inputs, a.wall, b.wall, a.each(), b.each())
		ratios = append(ratios, b.wall.Seconds()/a.wall.Seconds())
	}
	slices.Sort(ratios)
	fmt.Printf("FIGURE import_vs_append %.3f >=0.25\n", ratios[len(ratios)/2])
}
