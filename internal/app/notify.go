package app

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"time"
)

// supervisor is systemd, or who speaks as it does: it is told on a datagram socket what the service does (sd_notify).
// The zero supervisor is nobody.
type supervisor struct {
	socket string // NOTIFY_SOCKET: a path, or a name after @
	log    *slog.Logger
}

// tell says something like READY=1.
func (s supervisor) tell(state string) {
	if s.socket == "" {
		return
	}
	name := s.socket
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err == nil {
		defer conn.Close()
		_, err = conn.Write([]byte(state))
	}
	if err != nil {
		s.log.Warn("the service manager cannot be told", "state", state, "error", err)
	}
}

// watchdog says twice in each interval that the service lives, as long as alive returns: a
// server that is stuck says nothing, and is started anew. A full disk does not keep alive from returning,
// since a new start would not help.
func (s supervisor) watchdog(ctx context.Context, interval time.Duration, alive func()) {
	if s.socket == "" || interval <= 0 {
		return
	}
	tick := time.NewTicker(interval / 2)
	defer tick.Stop()
	for {
		alive()
		s.tell("WATCHDOG=1")
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
