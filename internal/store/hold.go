package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	holdRegion = 1 << 28 // bytes that are mapped at a time
	holdStep   = 1 << 22 // and locked at a time
	holdPause  = time.Second
)

// CanHold reports whether Hold can do anything for the database with that name: it is a file, and the system can lock memory.
func CanHold(name string) bool { return !IsURL(name) && canLockMemory }

// Hold keeps a SQLite file and its log in the system's memory until the context ends, up to so many bytes: its pages are
// locked there, and are not taken away for other files, as the system does when it needs memory or believes so. What is beyond that is left to the system, and full is called
// once when there is such. What the file grows by is held a second later. An error ends it; the database is not hurt by that, only slower where the system keeps few pages of files.
//
// The limit of the process on locked memory (RLIMIT_MEMLOCK) counts.
func (s *Store) Hold(ctx context.Context, most int64, full func()) error {
	if s.dialect.shared || s.writer == nil {
		return nil
	}
	if s.held == nil {
		// A process that closes a file loses the locks it has on it by any other handle, and SQLite has such
		// (https://www.sqlite.org/howtocorrupt.html, 2.2): the store closes this one when SQLite has closed all of its own.
		file, err := os.Open(s.path)
		if err != nil {
			return s.explain("holding", err)
		}
		s.held = file
	}
	file := &heldFile{file: s.held}
	defer file.release()
	log := &heldFile{}
	defer log.release()
	switch opened, err := os.Open(s.path + "-wal"); { // SQLite has no locks on its log
	case err == nil:
		defer opened.Close()
		log.file = opened
	case !errors.Is(err, fs.ErrNotExist): // some file systems have none
		return s.explain("holding the log of", err)
	}
	defer s.holding.Store(0)
	tick := time.NewTicker(holdPause)
	defer tick.Stop()
	for {
		if log.file != nil {
			if _, err := log.grow(ctx, most); err != nil {
				return s.explain("holding the log of", err)
			}
		}
		whole, err := file.grow(ctx, most-log.bytes)
		s.holding.Store(file.bytes + log.bytes)
		if err != nil {
			return s.explain("holding", err)
		}
		if !whole && ctx.Err() == nil && full != nil {
			full()
			full = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Held returns how many bytes of the database's files are held in memory: see Hold.
func (s *Store) Held() int64 { return s.holding.Load() }

// heldFile is mapped and locked from its start on. Nothing is read or written through the mapping.
type heldFile struct {
	file    *os.File
	regions [][]byte
	bytes   int64
}

// grow holds what the file has by now, up to so many bytes, and reports whether that is all of it.
func (h *heldFile) grow(ctx context.Context, most int64) (whole bool, err error) {
	info, err := h.file.Stat()
	if err != nil {
		return false, err
	}
	page := int64(os.Getpagesize())
	size := (info.Size() + page - 1) / page * page
	upto := min(size, most/page*page)
	for h.bytes < upto && ctx.Err() == nil {
		region, within := h.bytes/holdRegion, h.bytes%holdRegion
		if region == int64(len(h.regions)) {
			mapped, err := mapFile(h.file, h.bytes, holdRegion)
			if err != nil {
				return false, fmt.Errorf("mapping it: %w", err)
			}
			h.regions = append(h.regions, mapped)
		}
		n := min(upto-h.bytes, holdStep, holdRegion-within)
		if err := lockMemory(h.regions[region][within : within+n]); err != nil {
			return false, fmt.Errorf("%d MB are held, the system does not lock more: %w", h.bytes>>20, err)
		}
		h.bytes += n
	}
	return h.bytes >= size, nil
}

// release gives the memory back; it does not close the file.
func (h *heldFile) release() {
	for _, region := range h.regions {
		_ = unmapFile(region)
	}
	h.regions, h.bytes = nil, 0
}
