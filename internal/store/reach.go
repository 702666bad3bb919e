package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
)

// EmailEndpoint is the endpoint of all mails: one server carries them.
const EmailEndpoint = "email"

// WebhookEndpoint is the endpoint of a webhook, which is also who its jobs are for.
func WebhookEndpoint(id int64) string { return fmt.Sprintf("webhook %d", id) }

// Reach is how an endpoint answers: a webhook, the mail server, or somebody's address in chat.
type Reach struct {
	Endpoint     string
	DoneAt       int64 // when it last took something, 0 for never
	TriedAt      int64 // when it was last tried
	FailingSince int64 // the first try that failed since it last took something, 0 for none
	Code         int64 // of the last try, see Attempt
	Why          string
	// Again is how many jobs wait to be tried another time, and Next when the first of them is; of those that wait for their first
	// try it says nothing.
	Again, Next int64
}

// noteReach keeps how endpoints answered. Each is written once, in their order, so that no two processes wait for each other.
func noteReach(ctx context.Context, conn *sql.Conn, over []Attempt) error {
	tries := map[string][]*Attempt{}
	for i := range over {
		if a := &over[i]; a.Endpoint != "" && !a.Unsaid {
			tries[a.Endpoint] = append(tries[a.Endpoint], a)
		}
	}
	for _, endpoint := range slices.Sorted(maps.Keys(tries)) {
		list := tries[endpoint]
		slices.SortStableFunc(list, func(a, b *Attempt) int { return cmp.Compare(a.At, b.At) })
		var done, since int64
		for _, a := range list {
			switch {
			case a.Outcome == "done":
				done, since = a.At, 0
			case since == 0 && (endpoint != EmailEndpoint || a.Outcome == "later"): // that a mail is refused says nothing about the server
				since = a.At
			}
		}
		last := list[len(list)-1]
		_, err := conn.ExecContext(ctx, `INSERT INTO reach (endpoint, done_at, tried_at, failing_since, code, why) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (endpoint) DO UPDATE SET tried_at = excluded.tried_at, code = excluded.code, why = excluded.why,
				done_at = CASE WHEN excluded.done_at > 0 THEN excluded.done_at ELSE reach.done_at END,
				failing_since = CASE WHEN excluded.done_at > 0 OR reach.failing_since = 0 THEN excluded.failing_since ELSE reach.failing_since END`,
			endpoint, done, last.At, since, int64(last.Code), last.Why)
		if err != nil {
			return err
		}
	}
	return nil
}

// Tried keeps how an endpoint answered to something that is no job: a message that somebody sent to try it. Of the attempt it takes the
// endpoint, the time, and how it went. What is put on record says who did it.
func (s *Store) Tried(ctx context.Context, a Attempt) error {
	return s.transact(ctx, "noting a try", func(ctx context.Context, conn *sql.Conn) error {
		if err := noteReach(ctx, conn, []Attempt{a}); err != nil {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, a.At, SentTest, a.Endpoint, a.Why))
	})
}

// Reaches returns how endpoints answer, by their name: those that were ever tried, and those where something waits for another try. It
// makes two queries.
func (s *Reader) Reaches(ctx context.Context) (map[string]*Reach, error) {
	all := map[string]*Reach{}
	stmt, err := s.queries.get(ctx, `SELECT endpoint, done_at, tried_at, failing_since, code, why FROM reach`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			v := &Reach{}
			err := r.Scan(&v.Endpoint, &v.DoneAt, &v.TriedAt, &v.FailingSince, &v.Code, &v.Why)
			all[v.Endpoint] = v
			return err
		})
	}
	if err != nil {
		return nil, s.explain("reading", err)
	}
	stmt, err = s.queries.get(ctx, waitingAgain)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var v Reach
			if err := r.Scan(&v.Endpoint, &v.Again, &v.Next); err != nil {
				return err
			}
			if all[v.Endpoint] == nil {
				all[v.Endpoint] = &Reach{Endpoint: v.Endpoint}
			}
			all[v.Endpoint].Again, all[v.Endpoint].Next = v.Again, v.Next
			return nil
		})
	}
	return all, s.explain("reading", err)
}

// ReachMark returns a text that changes with each try.
func (s *Reader) ReachMark(ctx context.Context) (string, error) {
	var tried, n int64
	err := s.one(ctx, `SELECT coalesce(max(tried_at), 0), count(*) FROM reach`, nil, &tried, &n)
	return fmt.Sprint(tried, " ", n), s.explain("reading", err)
}

const waitingAgain = `SELECT endpoint, count(*), min(next_try) FROM job WHERE state = 'waiting' AND attempts > 0 GROUP BY endpoint`

// hurryMost is how many jobs are hurried at a time.
const hurryMost = 1000

// HurryJobs has jobs of an endpoint that wait for another try be tried now, those that would be next, and returns how many.
func (s *Store) HurryJobs(ctx context.Context, endpoint string, now int64) (n int64, err error) {
	err = s.transact(ctx, "trying again", func(ctx context.Context, conn *sql.Conn) error {
		done, err := conn.ExecContext(ctx, `UPDATE job SET next_try = $1 WHERE id IN (SELECT id FROM job WHERE state = 'waiting' AND attempts > 0 AND endpoint = $2 AND next_try > $1 ORDER BY next_try LIMIT `+fmt.Sprint(hurryMost)+`)`, now, endpoint)
		if err == nil {
			n, err = done.RowsAffected()
		}
		if err != nil || n == 0 {
			return err
		}
		return insertAudit(ctx, conn, did(ctx, now, HurriedJobs, endpoint, fmt.Sprintf("%d of them", n)))
	})
	return n, err
}

// AttemptsOf returns the tries of some jobs, by job, the first first.
func (s *Reader) AttemptsOf(ctx context.Context, jobs []int64) (map[int64][]Attempt, error) {
	all := map[int64][]Attempt{}
	err := each(ctx, s, `SELECT job, n, at, took, outcome, code, why, said FROM attempt WHERE `, numbered("job"), "", anys(jobs), func(r *sql.Rows) error {
		a, err := scanAttempt(r)
		if !slices.ContainsFunc(all[a.Job], func(b Attempt) bool { return b.N == a.N }) {
			all[a.Job] = append(all[a.Job], a)
		}
		return err
	})
	for _, list := range all { // order: each by itself
		slices.SortFunc(list, func(a, b Attempt) int { return cmp.Compare(a.N, b.N) })
	}
	return all, s.explain("reading", err)
}

// FailedJobs counts the jobs of a filter that failed, up to most: through the index of those alone.
func (s *Reader) FailedJobs(ctx context.Context, f JobFilter, most int) (n int64, err error) {
	f.State = JobFailed
	where := f.where()
	err = s.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM job WHERE `+where.text.String()+fmt.Sprintf(` LIMIT %d) AS failed`, most), where.args, &n)
	return n, s.explain("reading", err)
}
