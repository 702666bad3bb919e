package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// MostJobsOf is of how many inputs JobsOf finds the jobs.
const MostJobsOf = 32

// jobsOf asks for jobs by their numbers, which derive from those of their inputs. (CROSS JOIN has SQLite begin with these; PostgreSQL takes
// a range that it does not know for a ninth of the table, unless it is told how much there may be.)
func jobsOf(d *dialect) string {
	inputs := make([]string, MostJobsOf)
	for i := range inputs {
		inputs[i] = fmt.Sprintf("(CAST($%d AS BIGINT))", i+1)
	}
	of := fmt.Sprintf(`id BETWEEN v.column1 * %d AND v.column1 * %d + %d`, rowsPerInput, rowsPerInput, jobsOfInput-1)
	from := `job WHERE ` + of
	if d.shared {
		from = fmt.Sprintf(`LATERAL (SELECT * FROM job WHERE %s ORDER BY id LIMIT %d) job`, of, jobsOfInput)
	}
	return `SELECT ` + strings.TrimSuffix(jobRow, "FROM job") + `FROM (VALUES ` + strings.Join(inputs, ", ") + `) v CROSS JOIN ` + from + ` ORDER BY id`
}

var jobsOfEach = map[*dialect]string{sqlite: jobsOf(sqlite), postgres: jobsOf(postgres)}

// JobsOf returns the jobs of some inputs, at most MostJobsOf, without the calls of webhooks, by number.
func (s *Store) JobsOf(ctx context.Context, inputs []int64) (list []Job, err error) {
	if len(inputs) == 0 {
		return nil, nil
	}
	args := make([]any, MostJobsOf)
	for i := range args {
		args[i] = int64(0) // has none
		if i < len(inputs) {
			args[i] = inputs[i]
		}
	}
	stmt, err := s.queries.get(ctx, jobsOfEach[s.dialect])
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			j, err := scanJob(r)
			list = append(list, j)
			return err
		})
	}
	return list, s.explain("reading", err)
}
