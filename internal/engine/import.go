package engine

import (
	"context"
	"errors"

	"baton/internal/imports"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// Import has files that were read decided as one history, under a record that Store.StartImport made, and writes down
// how it ended. What was taken in before an error stays; the same files go on from there. HistoryOptions.Import is im's.
func (e *Engine) Import(ctx context.Context, im store.Import, readings []*imports.Reading, opts HistoryOptions) (store.Import, error) {
	opts.Import = im.ID
	err := e.History(ctx, func(yield func(*lifecycle.Arrival) error) error {
		return imports.Merge(func(arrival *lifecycle.Arrival) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return yield(arrival)
		}, readings...)
	}, opts)
	im.State, im.FinishedAt = "done", e.opts.Clock().UnixMicro()
	if err != nil {
		im.State = "stopped"
	}
	return im, errors.Join(err, e.st.FinishImport(context.WithoutCancel(ctx), im))
}

// ErrMoved means that more has happened to a lead since Arrival.IfInput: the arrival was not taken in.
var ErrMoved = errors.New("the lead has moved on since you looked at it")
