package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// MostJobsOf is of how many inputs JobsOf finds the jobs.
const MostJobsOf = 32

// jobsOf asks for jobs by their numbers, which derive from those of their inputs.
var jobsOf = func() string {
	ranges := make([]string, MostJobsOf)
	for i := range ranges {
		ranges[i] = fmt.Sprintf("id BETWEEN $%d AND $%d", 2*i+1, 2*i+2)
	}
	return `SELECT ` + jobRow + ` WHERE ` + strings.Join(ranges, " OR ") + ` ORDER BY id`
}()

// JobsOf returns the jobs of some inputs, at most MostJobsOf, without the calls of webhooks, by number.
func (s *Store) JobsOf(ctx context.Context, inputs []int64) (list []Job, err error) {
	if len(inputs) == 0 {
		return nil, nil
	}
	args := make([]any, 0, 2*MostJobsOf)
	for i := range MostJobsOf {
		input := inputs[min(i, len(inputs)-1)]
		args = append(args, input*rowsPerInput, input*rowsPerInput+jobsOfInput-1)
	}
	stmt, err := s.queries.get(ctx, jobsOf)
	if err == nil {
		err = scanAll(ctx, stmt, args, func(r *sql.Rows) error {
			j, err := scanJob(r)
			list = append(list, j)
			return err
		})
	}
	return list, s.explain("reading", err)
}
