package app

import (
	"context"
	"log/slog"
	"time"

	"baton/internal/access"
	"baton/internal/api"
)

// keepOut takes users who were deactivated out of the team as often as they are in it: whoever was deactivated by a command beside this server, or
// is named by a new agreement, is given no leads.
func keepOut(ctx context.Context, tracking *api.API, log *slog.Logger) {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		list, err := tracking.Store.DeactivatedMembers(ctx)
		for _, email := range list {
			if err == nil {
				_, err = tracking.Staff(ctx, email, false, access.CommandLine)
			}
		}
		if err != nil && ctx.Err() == nil {
			log.Warn("somebody who was deactivated is still in the team; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
