package web

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"baton/internal/delivery"
	"baton/internal/store"
)

// deliveries are what was sent by a way and what waits, the newest first.
type deliveries struct {
	Rows   []deliveryRow
	Views  []link // all, or what was not delivered
	Failed bool   // only what was not delivered
	More   string
	Back   string // where a form leads back to
}

// deliveryRow is a job with its tries.
type deliveryRow struct {
	standing
	ID, Lead       int64
	When           string
	Event, Name    string
	To             string
	Tries          []tryRow
	Next           string // when it is tried next, "" for not
	Retry, Carried bool
}

// tryRow is a try.
type tryRow struct {
	N, At, Took, Code string
	Done              bool
	Why, Said         string
}

// line says how long it took, and the status that was answered.
func (t tryRow) line() string {
	if t.Code == "" {
		return "took " + t.Took
	}
	return "took " + t.Took + ", answer " + t.Code
}

const mostDeliveries = 25

// deliveries makes four queries: the jobs, their tries, the leads they are about, and how many failed (up to a hundred).
func (a *ask) deliveries(f store.JobFilter, path string) (d deliveries, err error) {
	d.Back = path
	d.Failed = a.URL.Query().Get("only") == "failed"
	failed, err := a.site.Store.FailedJobs(a.Context(), f, 100)
	if err != nil {
		return d, err
	}
	count := ""
	if failed > 0 {
		count = " (" + strconv.FormatInt(failed, 10) + map[bool]string{true: " or more"}[failed == 100] + ")"
	}
	d.Views = []link{{Href: path, Words: "All", Current: !d.Failed}, {Href: path + "?only=failed", Words: "Not delivered" + count, Current: d.Failed}}
	if d.Failed {
		f.State, d.Back = store.JobFailed, path+"?only=failed"
	}
	f.Before = a.after()
	jobs, err := a.site.Store.Jobs(a.Context(), f, mostDeliveries+1)
	if err != nil {
		return d, err
	}
	if len(jobs) > mostDeliveries {
		jobs = jobs[:mostDeliveries]
		d.More = a.nextPage(jobs[mostDeliveries-1].ID)
	}
	var ids, leads []int64
	for i := range jobs {
		ids = append(ids, jobs[i].ID)
		if !slices.Contains(leads, jobs[i].Lead) {
			leads = append(leads, jobs[i].Lead)
		}
	}
	tries, err := a.site.Store.AttemptsOf(a.Context(), ids)
	if err != nil {
		return d, err
	}
	found, err := a.site.Store.LeadsByID(a.Context(), leads)
	if err != nil {
		return d, err
	}
	for i := range jobs {
		r := a.deliveryRow(&jobs[i], tries[jobs[i].ID])
		if n := slices.IndexFunc(found, func(l store.ListedLead) bool { return l.ID == r.Lead }); n >= 0 {
			r.Name = cmp.Or(found[n].Name, "lead "+strconv.FormatInt(r.Lead, 10))
		}
		d.Rows = append(d.Rows, r)
	}
	return d, nil
}

// deliveryRow puts a job into words.
func (a *ask) deliveryRow(j *store.Job, tries []store.Attempt) deliveryRow {
	r := deliveryRow{ID: j.ID, Lead: j.Lead, Event: capital(strings.ReplaceAll(j.Kind, "_", " ")), Retry: j.State == store.JobFailed || j.State == store.JobDropped, Carried: j.CarriedBy != 0}
	if j.Channel != "webhook" {
		r.To = a.nameOf(j.Recipient)
	}
	for _, t := range tries {
		row := tryRow{N: strconv.FormatInt(t.N, 10), At: a.clockTime(t.At), Took: tookWords(t.Took), Done: t.Outcome == "done", Why: plainly(t.Why), Said: t.Said}
		if t.Code != 0 {
			row.Code = strconv.Itoa(t.Code)
		}
		r.Tries = append(r.Tries, row)
	}
	r.When = a.clockTime(j.Due)
	why := plainly(j.LastError)
	switch j.State {
	case store.JobDone:
		r.standing = standing{"kept", "Delivered", ""}
		if len(tries) > 1 {
			r.Text = fmt.Sprintf("At the %s try.", ordinal(len(tries)))
		}
		if r.Carried {
			r.Text = "In a message with others."
		}
	case store.JobSending:
		r.standing = standing{"", "Being sent", ""}
	case store.JobFailed:
		r.standing = standing{"late", "Not delivered", why}
	case store.JobDropped:
		r.standing = standing{"", "Not sent", why}
	default:
		r.Next = a.clockTime(j.NextTry)
		if j.Attempts > 0 {
			r.standing = standing{"soon", "Next try at " + r.Next, why}
		} else {
			r.standing = standing{"", "Waits until " + a.clockTime(j.NextTry), ""}
			if j.Wait != "" {
				r.Text = "For " + j.Wait + "."
			}
			if j.NextTry <= a.now.UnixMicro() {
				r.Word = "About to be sent"
			}
		}
	}
	return r
}

func ordinal(n int) string {
	if words := [...]string{"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"}; n < len(words) {
		return words[n]
	}
	return strconv.Itoa(n) + "th"
}

// tookWords writes how long a try took, in microseconds.
func tookWords(us int64) string {
	if us < 10_000_000 {
		return grouped(max(1, us/1000)) + " ms"
	}
	return strconv.FormatInt(us/1_000_000, 10) + " s"
}

// tested sends a test message, and tells how it went.
func (a *ask) tested(to string, send func(*delivery.Desk) (delivery.Tried, error)) (answer, error) {
	if a.site.Desk == nil {
		return nil, errNotFound
	}
	t, err := send(a.site.Desk)
	switch {
	case errors.Is(err, delivery.ErrNoWay), errors.Is(err, store.ErrNoWebhook):
		return nil, errNotFound
	case err != nil:
		return nil, err
	}
	said := &flash{Who: "Test:", Text: t.Why + ", after " + tookWords(t.Took.Microseconds()) + "."}
	if said.Refused = t.Outcome.String() != "done"; said.Refused && t.Said != "" {
		said.Text += " It said: " + t.Said
	}
	return redirect{to: to, said: said}, nil
}

// hurried has what waits for another try tried now.
func (a *ask) hurried(to string, endpoints []string) (answer, error) {
	all := int64(0)
	for _, e := range endpoints {
		n, err := a.site.Store.HurryJobs(a.Context(), e, a.now.UnixMicro())
		if err != nil {
			return nil, err
		}
		all += n
	}
	a.site.kickDesk()
	if all == 0 {
		return redirect{to: to, said: &flash{Text: "Nothing waits for another try."}}, nil
	}
	return redirect{to: to, said: &flash{Who: counted(int(all), "message", "messages"), Text: "tried again now."}}, nil
}

func (s *Site) kickDesk() {
	if s.Desk != nil {
		s.Desk.Kick()
	}
}

// retryJob has one job that is over tried again.
func retryJob(a *ask) (answer, error) {
	id, err := a.numberIn("job")
	if err != nil {
		return nil, err
	}
	job, err := a.site.API.RetryJob(a.Context(), id)
	a.site.kickDesk()
	return posted(a.back("/settings"), capital(strings.ReplaceAll(job.Kind, "_", " "))+":", "tried again now.", err)
}
