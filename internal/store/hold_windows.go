package store

import (
	"errors"
	"os"
)

const canLockMemory = false

func mapFile(*os.File, int64, int) ([]byte, error) { return nil, errors.ErrUnsupported }

func unmapFile([]byte) error { return errors.ErrUnsupported }

func lockMemory([]byte) error { return errors.ErrUnsupported }
