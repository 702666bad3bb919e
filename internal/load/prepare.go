package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"baton/internal/agreement"
	"baton/internal/api"
	"baton/internal/app"
	"baton/internal/engine"
	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Sample says which database to prepare.
type Sample struct {
	// DB is a file, or the address of a PostgreSQL database. A file is made anew, and must not be there unless a
	// Sample made it. A PostgreSQL database is taken as it is if a Sample filled it, and filled if it is empty.
	DB    string
	Leads int // how many it holds, each with a company and what it did in half a year
	// Cache is a folder that keeps filled files, to be copied, or moved into PostgreSQL, the next time; "" for none.
	Cache    string
	Progress func(done, leads int64) // while it is filled; may be nil
}

// sampleFile is the name of the agreement of a database that a Sample made.
const sampleFile = "baton-bench.yaml"

// sampleVersion changes with what fill makes, so that files kept from before are made anew.
const sampleVersion = 4

// span is how long ago the first lead of a sample became known, in microseconds.
const span = 180 * 24 * int64(time.Hour/time.Microsecond)

// ErrForeign means that a database was not made to be measured.
var ErrForeign = errors.New("it was not made by a bench, and a bench fills what it measures with made-up people; name one that is empty or not there yet")

// Prepare makes a sample and returns a write key for it. What is due by now is decided already.
func Prepare(ctx context.Context, s Sample) (key string, err error) {
	if store.IsURL(s.DB) {
		if s.Leads > 0 && s.Cache != "" {
			if err := s.bring(ctx); err != nil {
				return "", err
			}
		}
		return s.open(ctx, s.DB)
	}
	if err := s.clear(ctx); err != nil {
		return "", err
	}
	if s.Leads > 0 && s.Cache != "" {
		kept, err := s.cached(ctx)
		if err != nil {
			return "", err
		}
		if err := copyFile(kept, s.DB); err != nil {
			return "", fmt.Errorf("copying the sample: %w", err)
		}
	}
	return s.open(ctx, s.DB)
}

// bring moves a filled file into a PostgreSQL database that is empty.
func (s *Sample) bring(ctx context.Context) error {
	to, err := store.Open(ctx, s.DB)
	if err != nil {
		return err
	}
	active, err := to.ActiveAgreement(ctx)
	if err = errors.Join(err, to.Close()); err != nil || active != nil {
		return err
	}
	kept, err := s.cached(ctx)
	if err != nil {
		return err
	}
	return moveFile(ctx, kept, s.DB)
}

// moveFile moves a file into PostgreSQL and tidies up there, as PostgreSQL does by itself within the hour.
func moveFile(ctx context.Context, file, url string) (err error) {
	from, err := store.Open(ctx, file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	_, err = from.MoveTo(ctx, to)
	if err = errors.Join(err, to.Close()); err != nil {
		return fmt.Errorf("moving the sample: %w", err)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("moving the sample: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		return fmt.Errorf("moving the sample: %w", err)
	}
	return nil
}

// clear removes a file that an earlier Sample made.
func (s *Sample) clear(ctx context.Context) error {
	if info, err := os.Stat(s.DB); errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	st, err := store.OpenReadOnly(ctx, s.DB)
	if err != nil {
		return err
	}
	active, err := st.ActiveAgreement(ctx)
	if err = errors.Join(err, st.Close()); err != nil {
		return err
	}
	if active == nil || active.File != sampleFile {
		return fmt.Errorf("preparing %s: %w", s.DB, ErrForeign)
	}
	return removeFile(s.DB)
}

func removeFile(db string) error {
	for _, end := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.Remove(db + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// cached returns the file that is kept for so many leads, and makes it if need be.
func (s *Sample) cached(ctx context.Context) (string, error) {
	plan, _, err := samplePlan()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(s.Cache, 0o755); err != nil {
		return "", err
	}
	kept := filepath.Join(s.Cache, fmt.Sprintf("bench-%d-%d-%.8s.db", sampleVersion, s.Leads, plan.Hash))
	if _, err := os.Stat(kept); err == nil {
		return kept, nil
	}
	making := kept + ".making"
	if err := removeFile(making); err != nil {
		return "", err
	}
	if _, err := s.open(ctx, making); err != nil {
		return "", errors.Join(err, removeFile(making))
	}
	if err := os.Rename(making, kept); err != nil {
		return "", err
	}
	return kept, removeFile(making)
}

func samplePlan() (*agreement.Plan, []byte, error) {
	source, _ := agreement.Template("waterfall")
	plan, findings := agreement.Compile(sampleFile, source, nil)
	return plan, source, findings.Err()
}

// open opens a database, fills it if it has nothing in it, and makes a key.
func (s *Sample) open(ctx context.Context, db string) (key string, err error) {
	a, err := app.Open(ctx, app.Options{DB: db})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	active, err := a.Store.ActiveAgreement(ctx)
	if err != nil {
		return "", err
	}
	now := time.Now().UnixMicro()
	if active == nil {
		last, err := a.Store.LastInput(ctx)
		if err != nil {
			return "", err
		}
		if last > 0 {
			return "", fmt.Errorf("preparing: %w", ErrForeign)
		}
		if err := s.fill(ctx, a.Engine, now); err != nil {
			return "", fmt.Errorf("filling the sample: %w", err)
		}
	} else if active.File != sampleFile {
		return "", fmt.Errorf("preparing: %w", ErrForeign)
	}
	if _, err := a.Engine.Tick(ctx, now); err != nil {
		return "", err
	}
	name := "bench-" + strconv.FormatInt(now, 36)
	key, _, err = api.NewKey(ctx, a.Store, name, api.ScopeTrack, now)
	return key, err
}

// fill lets half a year pass in which leads become known, one after the other, and do something now and then.
func (s *Sample) fill(ctx context.Context, e *engine.Engine, now int64) error {
	plan, source, err := samplePlan()
	if err != nil {
		return err
	}
	from := now - span
	if _, err := e.Activate(ctx, plan, source, sampleFile, from); err != nil {
		return err
	}
	return e.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
		for i := range s.Leads {
			at := from + span/int64(s.Leads)*int64(i)
			if err := yield(joined(i, at)); err != nil {
				return err
			}
			if err := yield(visited(i, at)); err != nil {
				return err
			}
		}
		return nil
	}, engine.HistoryOptions{Until: now, Progress: func(p engine.Progress) {
		if s.Progress != nil {
			s.Progress(p.Arrivals/2, int64(s.Leads))
		}
	}})
}

// joined is how a lead becomes known: as the identify call of a Mix says it, and with a browser.
func joined(i int, at int64) *lifecycle.Arrival {
	p := PersonAt("", i)
	a := arrival(&p, "i", i, at)
	a.Account, a.AccountName = p.Domain, p.Company
	a.Input.Kind = lifecycle.Identify
	text := func(name, value string) lifecycle.Named {
		return lifecycle.Named{Name: name, Value: agreement.TextValue(value)}
	}
	a.Input.Values = []lifecycle.Named{
		text("company.domain", p.Domain), {Name: "company.employees", Value: agreement.NumberValue(float64(p.Employees))},
		text("company.industry", p.Industry), text("company.name", p.Company), text("country", p.Country), text("name", p.Name),
		text("seniority", p.Seniority), text("source", p.Source), text("title", p.Title),
	}
	return a
}

// visited is what somebody who is known by then did.
func visited(i int, at int64) *lifecycle.Arrival {
	h := scatter(uint64(i) + 1<<60)
	p := PersonAt("", int(h%uint64(i+1)))
	a := arrival(&p, "v", i, at+1)
	a.Input.Kind, a.Input.Name = lifecycle.Did, choose(h>>32, "page_viewed", "page_viewed", "page_viewed", "page_viewed", "email_clicked", "content_downloaded", "webinar_attended", "pricing_viewed")
	switch a.Input.Name {
	case "page_viewed":
		a.Input.Values = []lifecycle.Named{{Name: "path", Value: agreement.TextValue(sites[h>>40%uint64(len(sites))].path)}}
	case "content_downloaded":
		a.Input.Asset = "sizing_guide"
	case "webinar_attended":
		a.Input.Values = []lifecycle.Named{{Name: "minutes", Value: agreement.NumberValue(float64(10 + h>>48%50))}}
	}
	return a
}

func arrival(p *Person, part string, i int, at int64) *lifecycle.Arrival {
	a := &lifecycle.Arrival{Input: lifecycle.Input{At: at, Known: at, Source: "bench", Key: part + strconv.Itoa(i)}}
	if email, err := identity.NormalizeEmail(p.Email); err == nil {
		a.Keys = append(a.Keys, email)
	}
	a.Keys = append(a.Keys, identity.ExternalKey("user", p.User), identity.Key{Kind: identity.Anonymous, Value: p.Browser})
	return a
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err == nil {
		err = out.Sync() // or the copy would be written out while something is measured
	}
	return errors.Join(err, out.Close())
}
