package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"baton/internal/agreement"
	"baton/internal/calendar"
	"baton/internal/lifecycle"
)

// The states of a job. Waiting and sending ones have a next try; the others are over.
const (
	JobWaiting = "waiting"
	JobSending = "sending" // until its next try, when it is given back
	JobDone    = "done"
	JobFailed  = "failed"  // all tries were made, or none can help
	JobDropped = "dropped" // not sent: it was no longer true, or told already
)

// JobStates are all states of a job.
var JobStates = []string{JobWaiting, JobSending, JobDone, JobFailed, JobDropped}

// jobsOfInput is how many jobs an input can have; the numbers from there on are those of webhooks.
const jobsOfInput = 100

// Job is something that has to go out because of a decision.
type Job struct {
	ID, Lead, Input int64
	Kind            string // what happened, see lifecycle.Alert
	Due             int64  // not to be sent before
	Recipient       string
	Body            string // JSON of the alert
	State           string
	Attempts        int64
	LastError       string
	Channel         string
	Endpoint        string // what is slow or dead together
	NextTry         int64  // 0 when it is over
	DeliveredAt     int64
	Wait            string // for what it waits until it is due; "" for nothing
	Digest          string // the alert whose messages are gathered; "" for none
	CarriedBy       int64  // the job in whose message it went out; 0 for its own
	// With are the others that go out in the same message, of a job that was taken.
	With []Job
}

// Alert returns what it is about, for lifecycle.Tell and lifecycle.Moot.
func (j *Job) Alert() (lifecycle.Alert, error) {
	return alertOf(j.Kind, j.Recipient, j.Channel, j.Due, j.Body)
}

func alertOf(kind, to, by string, due int64, body string) (lifecycle.Alert, error) {
	a := lifecycle.Alert{Kind: kind, To: to, By: by, Due: due}
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		return a, fmt.Errorf("reading what is stored of an alert: %w", err)
	}
	return a, nil
}

// Attempt is how one try of a job went, and what becomes of the job.
type Attempt struct {
	Job, N  int64
	At      int64 // when it was over
	Took    int64 // microseconds
	Outcome string
	Code    int
	Why     string
	Said    string

	State   string // of the job from now on
	NextTry int64  // 0 for none
	// Endpoint is what was tried: that of the job, or of mail for what chat has no address for. Empty for nothing to note of it.
	Endpoint string
	// Unsaid has no attempt on record, and gives back what it counted: nothing was tried.
	Unsaid bool
	// Moot are those of its With that are not told after all, with why.
	Moot map[int64]string
	// Disable is the number of the webhook that wants no more, 0 for none.
	Disable int64
}

// Claim says which jobs to take.
type Claim struct {
	Now, Until int64          // Until: when they are given back
	Most       int            // at all
	Each       int            // for each endpoint
	Chat       int            // for all of Slack, and for all of Teams, where many people may share an address
	Busy       map[string]int // how many are being sent, by endpoint, and by channel for Slack and Teams
	Window     int64          // what is said again within this time is said once
	Dropped    func(job *Job) // told of each job that was said already; may be nil
}

var chats = []string{"slack", "teams"}

// Chat reports whether a channel is one of those by which many people may share an address.
func Chat(channel string) bool { return slices.Contains(chats, channel) }

func endpointOf(channel, recipient string) string {
	if channel == "email" {
		return EmailEndpoint
	}
	return channel + " " + recipient
}

const jobRow = `id, kind, due, recipient, lead, input, body, state, attempts, last_error, channel, endpoint, coalesce(next_try, 0), delivered_at, wait, digest, carried_by FROM job`

func scanJob(r *sql.Rows) (j Job, err error) {
	err = r.Scan(&j.ID, &j.Kind, &j.Due, &j.Recipient, &j.Lead, &j.Input, &j.Body, &j.State, &j.Attempts, &j.LastError, &j.Channel, &j.Endpoint, &j.NextTry, &j.DeliveredAt, &j.Wait, &j.Digest, &j.CarriedBy)
	return j, err
}

// NextJob returns when a job is to be tried next, false if none waits.
func (s *Reader) NextJob(ctx context.Context) (at int64, any bool, err error) {
	var next sql.NullInt64
	err = s.one(ctx, `SELECT min(next_try) FROM job WHERE next_try IS NOT NULL`, nil, &next)
	return next.Int64, next.Valid, s.explain("reading", err)
}

// JobFilter says which jobs to list; the zero value lets all through.
type JobFilter struct {
	ID    int64
	State string
	Lead  int64
	// Channel is one but webhook, Webhook the number of a webhook: both go through an index.
	Channel string
	Webhook int64
	Before  int64 // only jobs with a smaller number
}

// where is the condition of a filter. What the indexes of endpoints are about stands in it as it does in them.
func (f *JobFilter) where() *clauses {
	c := &clauses{}
	c.add("id < ?", cmp.Or(f.Before, int64(1)<<62))
	if f.ID != 0 {
		c.add("id = ?", f.ID)
	}
	if f.Channel != "" {
		c.add("channel <> 'webhook' AND channel = ?", f.Channel)
	}
	if f.Webhook != 0 {
		c.add("channel = 'webhook' AND endpoint = ?", WebhookEndpoint(f.Webhook))
	}
	if f.State == JobFailed {
		c.text.WriteString(" AND state = 'failed'")
	} else if f.State != "" {
		c.add("state = ?", f.State)
	}
	if f.Lead != 0 {
		c.add("lead = ?", f.Lead)
	}
	return c
}

// Jobs returns jobs with their newest first, at most so many.
func (s *Reader) Jobs(ctx context.Context, f JobFilter, most int) ([]Job, error) {
	where := f.where()
	var list []Job
	stmt, err := s.queries.get(ctx, `SELECT `+jobRow+` WHERE `+where.text.String()+fmt.Sprintf(` ORDER BY id DESC LIMIT %d`, most))
	if err == nil {
		err = scanAll(ctx, stmt, where.args, func(r *sql.Rows) error {
			j, err := scanJob(r)
			list = append(list, j)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// Attempts returns the tries of a job, the first first.
func (s *Reader) Attempts(ctx context.Context, job int64) ([]Attempt, error) {
	var list []Attempt
	stmt, err := s.queries.get(ctx, `SELECT job, n, at, took, outcome, code, why, said FROM attempt WHERE job = $1 ORDER BY n`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{job}, func(r *sql.Rows) error {
			a, err := scanAttempt(r)
			list = append(list, a)
			return err
		})
	}
	return list, s.explain("reading", err)
}

func scanAttempt(r *sql.Rows) (a Attempt, err error) {
	err = r.Scan(&a.Job, &a.N, &a.At, &a.Took, &a.Outcome, &a.Code, &a.Why, &a.Said)
	return a, err
}

// WorkJobs records how tries went and takes jobs that are due, the earliest first, in one transaction. Each that is taken has been
// counted as an attempt; nobody else gets it until claim.Until. Jobs that other processes take at the same time are left to them.
// claim may be nil.
func (s *Store) WorkJobs(ctx context.Context, over []Attempt, claim *Claim) (taken []Job, err error) {
	var dropped []Job
	err = s.transact(ctx, "sending", func(ctx context.Context, conn *sql.Conn) error {
		taken, dropped = nil, nil
		for i := range over {
			if err := settle(ctx, conn, &over[i]); err != nil {
				return err
			}
		}
		if err := noteReach(ctx, conn, over); err != nil {
			return err
		}
		if claim == nil {
			return nil
		}
		taken, dropped, err = s.take(ctx, conn, claim)
		return err
	})
	if err != nil {
		return nil, err
	}
	if claim != nil && claim.Dropped != nil {
		for i := range dropped {
			claim.Dropped(&dropped[i])
		}
	}
	return taken, nil
}

// settle records a try, unless the job was given to somebody else meanwhile.
func settle(ctx context.Context, conn *sql.Conn, a *Attempt) error {
	var next any
	if a.NextTry != 0 {
		next = a.NextTry
	}
	back, delivered, why := 0, int64(0), a.Why
	if a.Unsaid {
		back = 1
	}
	if a.State == JobDone {
		delivered, why = a.At, ""
	}
	done, err := conn.ExecContext(ctx, `UPDATE job SET state = $1, next_try = $2, last_error = $3, delivered_at = $4, attempts = attempts - $5 WHERE id = $6 AND state = 'sending' AND attempts = $7`,
		a.State, next, why, delivered, int64(back), a.Job, a.N)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 && a.State != JobDone {
		return err
	} else if n == 0 {
		// somebody else has it by now, and will send it again; that this try went through is good to know all the same
		a.Why += " (it took so long that another try was begun)"
	}
	if err := settleWith(ctx, conn, a, next, back, delivered, why); err != nil {
		return err
	}
	if a.State == JobDone {
		if err := noteSaid(ctx, conn, a); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, `INSERT INTO told (lead, recipient, channel, kind, job, at) SELECT lead, recipient, channel, kind, id, CAST($1 AS BIGINT) FROM job WHERE id = $2 AND channel <> 'webhook'
			ON CONFLICT (lead, recipient, channel) DO UPDATE SET kind = excluded.kind, job = excluded.job, at = excluded.at`, a.At, a.Job); err != nil {
			return err
		}
	}
	if a.Disable != 0 {
		if _, err := conn.ExecContext(ctx, `UPDATE endpoint SET disabled_at = $1, disabled_why = $2 WHERE id = $3 AND disabled_at = 0`, a.At, a.Why, a.Disable); err != nil {
			return err
		}
	}
	if a.Unsaid {
		return nil
	}
	_, err = conn.ExecContext(ctx, `INSERT INTO attempt (job, n, at, took, outcome, code, why, said) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (job, n) DO NOTHING`,
		a.Job, a.N, a.At, a.Took, a.Outcome, int64(a.Code), a.Why, a.Said)
	return err
}

// settleWith records how a try went for those that were gathered in its message.
func settleWith(ctx context.Context, conn *sql.Conn, a *Attempt, next any, back int, delivered int64, why string) error {
	for _, id := range slices.Sorted(maps.Keys(a.Moot)) {
		if _, err := conn.ExecContext(ctx, `UPDATE job SET state = 'dropped', next_try = NULL, last_error = $1, attempts = attempts - 1, carried_by = 0 WHERE id = $2 AND carried_by = $3 AND state = 'sending'`,
			a.Moot[id], id, a.Job); err != nil {
			return err
		}
	}
	_, err := conn.ExecContext(ctx, `UPDATE job SET state = $1, next_try = $2, last_error = $3, delivered_at = $4, attempts = attempts - $5 WHERE carried_by = $6 AND state = 'sending' AND digest <> ''`,
		a.State, next, why, delivered, int64(back), a.Job)
	return err
}

// noteSaid keeps when somebody was told, for alerts that say how often at most, and forgets what is long over.
func noteSaid(ctx context.Context, conn *sql.Conn, a *Attempt) error {
	rows, err := conn.QueryContext(ctx, `SELECT `+jobRow+` WHERE id = $1 OR carried_by = $1 AND state = 'done' AND digest <> '' ORDER BY id`, a.Job)
	if err != nil {
		return err
	}
	list, err := scanJobs(rows)
	if err != nil {
		return err
	}
	for i := range list {
		j := &list[i]
		alert, err := j.Alert()
		if err != nil || alert.Most == 0 {
			continue // what cannot be read was not sent either
		}
		if _, err := conn.ExecContext(ctx, `DELETE FROM said WHERE lead = $1 AND recipient = $2 AND channel = $3 AND alert = $4 AND at <= $5`, j.Lead, j.Recipient, j.Channel, alert.Alert, a.At-alert.Per); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, `INSERT INTO said (lead, recipient, channel, alert, job, at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (lead, recipient, channel, alert, job) DO UPDATE SET at = excluded.at`,
			j.Lead, j.Recipient, j.Channel, alert.Alert, a.Job, a.At); err != nil {
			return err
		}
	}
	return nil
}

func scanJobs(rows *sql.Rows) ([]Job, error) {
	defer rows.Close()
	var list []Job
	for rows.Next() {
		j, err := scanJob(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, j)
	}
	return list, rows.Err()
}

// enough says why a job is not sent, of an alert that says how often at most: "" if it is.
func enough(ctx context.Context, conn *sql.Conn, j *Job, now int64) (why string, err error) {
	alert, err := j.Alert()
	if err != nil || alert.Most == 0 {
		return "", nil
	}
	var n int
	err = conn.QueryRowContext(ctx, `SELECT count(*) FROM said WHERE lead = $1 AND recipient = $2 AND channel = $3 AND alert = $4 AND at > $5 AND job <> $6`,
		j.Lead, j.Recipient, j.Channel, alert.Alert, now-alert.Per, j.ID).Scan(&n)
	if err == nil && n >= alert.Most {
		why = fmt.Sprintf("%s says at most %d per %s", alert.Alert, alert.Most, calendar.Duration{Amount: alert.Per})
	}
	return why, err
}

// digestMost is how many things one message gathers.
const digestMost = 200

// gather takes what else is due in the digest of a job.
func (s *Store) gather(ctx context.Context, conn *sql.Conn, j *Job, c *Claim, seen map[int64]bool) (with, dropped []Job, err error) {
	text := `SELECT ` + jobRow + fmt.Sprintf(` WHERE next_try <= $1 AND recipient = $2 AND channel = $3 AND digest = $4 AND id <> $5 ORDER BY id LIMIT %d`, digestMost)
	if s.dialect.shared {
		text += ` FOR UPDATE SKIP LOCKED`
	}
	rows, err := conn.QueryContext(ctx, text, c.Now, j.Recipient, j.Channel, j.Digest, j.ID)
	if err != nil {
		return nil, nil, err
	}
	due, err := scanJobs(rows)
	if err != nil {
		return nil, nil, err
	}
	for i := range due {
		one := &due[i]
		if seen[one.ID] {
			continue
		}
		seen[one.ID] = true
		why, err := enough(ctx, conn, one, c.Now)
		if err != nil {
			return nil, nil, err
		}
		if why != "" {
			if err := drop(ctx, conn, one, why); err != nil {
				return nil, nil, err
			}
			dropped = append(dropped, *one)
			continue
		}
		if _, err := conn.ExecContext(ctx, `UPDATE job SET state = 'sending', attempts = attempts + 1, next_try = $1, carried_by = $2 WHERE id = $3`, c.Until, j.ID, one.ID); err != nil {
			return nil, nil, err
		}
		one.State, one.NextTry, one.CarriedBy = JobSending, c.Until, j.ID
		one.Attempts++
		with = append(with, *one)
	}
	return with, dropped, nil
}

func drop(ctx context.Context, conn *sql.Conn, j *Job, why string) error {
	j.LastError = why
	_, err := conn.ExecContext(ctx, `UPDATE job SET state = 'dropped', next_try = NULL, last_error = $1, carried_by = 0 WHERE id = $2`, why, j.ID)
	return err
}

// take claims jobs. An endpoint with as many under way as it may have is left out, so that those behind come up.
func (s *Store) take(ctx context.Context, conn *sql.Conn, c *Claim) (taken, dropped []Job, err error) {
	busy := map[string]int{}
	for e, n := range c.Busy { // order: only counts are copied
		busy[e] = n
	}
	seen := map[int64]bool{}
	for len(taken) < c.Most {
		due, err := s.dueJobs(ctx, conn, c, busy)
		if err != nil {
			return nil, nil, err
		}
		progress := false
		for i := range due {
			j := &due[i]
			if seen[j.ID] || busy[j.Endpoint] >= c.Each || Chat(j.Channel) && busy[j.Channel] >= c.Chat || len(taken) == c.Most {
				continue
			}
			seen[j.ID], progress = true, true
			if j.Channel == "webhook" && j.Recipient == "" {
				if err := fanOut(ctx, conn, j, c.Now); err != nil {
					return nil, nil, err
				}
				continue
			}
			again, wait, err := s.toldAlready(ctx, conn, j, c)
			if err != nil {
				return nil, nil, err
			}
			if wait {
				continue
			}
			why := ""
			if again != 0 {
				why = fmt.Sprintf("said already: it is the same as %d", again)
			} else if why, err = enough(ctx, conn, j, c.Now); err != nil {
				return nil, nil, err
			}
			if why != "" {
				if err := drop(ctx, conn, j, why); err != nil {
					return nil, nil, err
				}
				dropped = append(dropped, *j)
				continue
			}
			if _, err := conn.ExecContext(ctx, `UPDATE job SET state = 'sending', attempts = attempts + 1, next_try = $1, carried_by = 0 WHERE id = $2`, c.Until, j.ID); err != nil {
				return nil, nil, err
			}
			if j.Digest != "" {
				var less []Job
				if j.With, less, err = s.gather(ctx, conn, j, c, seen); err != nil {
					return nil, nil, err
				}
				dropped = append(dropped, less...)
			}
			busy[j.Endpoint]++
			if Chat(j.Channel) {
				busy[j.Channel]++
			}
			j.State, j.NextTry = JobSending, c.Until
			j.Attempts++
			taken = append(taken, *j)
		}
		if !progress {
			break
		}
	}
	return taken, dropped, nil
}

// dueJobs reads what is due now, but for endpoints that are busy.
func (s *Store) dueJobs(ctx context.Context, conn *sql.Conn, c *Claim, busy map[string]int) ([]Job, error) {
	var full []string
	for e, n := range busy { // order: sorted below
		if n >= c.Each {
			full = append(full, e)
		}
	}
	slices.Sort(full)
	text, args := `SELECT `+jobRow+` WHERE next_try <= $1`, []any{c.Now}
	if len(full) > 0 {
		places := make([]string, len(full))
		for i, e := range full {
			args = append(args, e)
			places[i] = fmt.Sprintf("$%d", i+2)
		}
		text += ` AND endpoint NOT IN (` + strings.Join(places, ", ") + `)`
	}
	for _, way := range chats {
		if busy[way] >= c.Chat {
			text += ` AND channel <> '` + way + `'`
		}
	}
	text += fmt.Sprintf(` ORDER BY next_try, id LIMIT %d`, 4*c.Most)
	if s.dialect.shared {
		text += ` FOR UPDATE SKIP LOCKED`
	}
	rows, err := conn.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return scanJobs(rows)
}

// toldAlready returns the job by which the same was told lately, 0 for none. wait is whether something about the same
// lead is just being said to the same person: what comes of that is waited for, and things are said in their order.
func (s *Store) toldAlready(ctx context.Context, conn *sql.Conn, j *Job, c *Claim) (job int64, wait bool, err error) {
	if j.Channel == "webhook" || c.Window <= 0 {
		return 0, false, nil // programs are told everything
	}
	var n int
	if s.dialect.shared { // another process may be about to tell the same person of the same lead
		var mine bool
		err = conn.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7))`, fmt.Sprintf("%d %s %s", j.Lead, j.Channel, j.Recipient)).Scan(&mine)
		if err != nil || !mine {
			return 0, true, err
		}
	}
	err = conn.QueryRowContext(ctx, `SELECT count(*) FROM job WHERE next_try > $1 AND state = 'sending' AND lead = $2 AND recipient = $3 AND channel = $4`,
		c.Now, j.Lead, j.Recipient, j.Channel).Scan(&n)
	if err != nil || n > 0 {
		return 0, true, err
	}
	if j.Digest != "" {
		return 0, false, nil // its message says each thing once
	}
	var body string
	err = conn.QueryRowContext(ctx, `SELECT t.job, o.body FROM told t JOIN job o ON o.id = t.job WHERE t.lead = $1 AND t.recipient = $2 AND t.channel = $3 AND t.kind = $4 AND t.at > $5 AND t.job <> $6`,
		j.Lead, j.Recipient, j.Channel, j.Kind, c.Now-c.Window, j.ID).Scan(&job, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err == nil && !same(j, body) {
		job = 0
	}
	return job, false, err
}

// same reports whether a job says what one of its kind has said. Another activity, or one that another alert tells of, is not the same; nor is
// another deadline, another step of a ladder, or another offer of the lead.
func same(j *Job, said string) bool {
	if j.Kind == agreement.ActivityEvent {
		return j.Body == said
	}
	one, err := j.Alert()
	if err != nil {
		return false
	}
	two, err := alertOf(j.Kind, j.Recipient, j.Channel, j.Due, said)
	return err == nil && one.Name == two.Name && one.Offer == two.Offer && (j.Kind != "reminded" || one.Clause == two.Clause)
}

// fanOut makes a job for each webhook that wants an event, of the one job of the event.
func fanOut(ctx context.Context, conn *sql.Conn, j *Job, now int64) error {
	err := forgetOldSecrets(ctx, conn, now)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `INSERT INTO job (id, kind, due, recipient, lead, input, body, state, attempts, last_error, channel, endpoint, next_try, delivered_at)
		SELECT (SELECT max(id) FROM job WHERE id >= $1 AND id < $2) + row_number() OVER (ORDER BY e.id), CAST($3 AS TEXT), $4, 'webhook ' || e.id, $5, $6, $7, 'waiting', 0, '', 'webhook', 'webhook ' || e.id, $8, 0
		FROM endpoint e WHERE e.disabled_at = 0 AND (e.events = '' OR ' ' || e.events || ' ' LIKE '% ' || CAST($3 AS TEXT) || ' %')`,
		j.Input*rowsPerInput, (j.Input+1)*rowsPerInput, j.Kind, j.Due, j.Lead, j.Input, j.Body, now)
	if err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `UPDATE job SET state = 'done', next_try = NULL, delivered_at = $1 WHERE id = $2`, now, j.ID)
	return err
}

// GiveBack has jobs that were being sent when the only process of a database ended tried again at once.
func (s *Store) GiveBack(ctx context.Context, now int64) error {
	if s.dialect.shared {
		return nil // they may be others'; those of a process that ended are given back in time
	}
	return s.transact(ctx, "sending", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `UPDATE job SET state = 'waiting', next_try = $1 WHERE state = 'sending' AND next_try IS NOT NULL`, now)
		return err
	})
}

// ErrNoJob means that there is no such job, or that it is not over.
var ErrNoJob = errors.New("there is no such job that is over")

// RetryJob has a job that failed or was dropped tried again, with all its tries before it.
func (s *Store) RetryJob(ctx context.Context, id, now int64) error {
	err := s.transact(ctx, "trying again", func(ctx context.Context, conn *sql.Conn) error {
		var kind, recipient string
		err := conn.QueryRowContext(ctx, `UPDATE job SET state = 'waiting', next_try = $1, last_error = '', wait = '', carried_by = 0 WHERE id = $2 AND state IN ('failed', 'dropped') RETURNING kind, recipient`, now, id).Scan(&kind, &recipient)
		if err == nil {
			_, err = conn.ExecContext(ctx, `DELETE FROM told WHERE lead = (SELECT lead FROM job WHERE id = $1) AND recipient = (SELECT recipient FROM job WHERE id = $1)`, id)
		}
		if err == nil {
			_, err = conn.ExecContext(ctx, `DELETE FROM said WHERE lead = (SELECT lead FROM job WHERE id = $1) AND recipient = (SELECT recipient FROM job WHERE id = $1)`, id)
		}
		if err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, now, RetriedJob, fmt.Sprintf("job %d", id), kind+" to "+cmp.Or(recipient, "all webhooks")))
	})
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("trying job %d again: %w", id, ErrNoJob)
	}
	return err
}

// InputKnown returns when an input was known, which is when it was decided.
func (s *Reader) InputKnown(ctx context.Context, input int64) (at int64, err error) {
	err = s.one(ctx, `SELECT known FROM input WHERE id = $1`, []any{input}, &at)
	return at, s.explain("reading", err)
}
