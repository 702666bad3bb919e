//go:build race

package app

// racing says that the race detector is at work, which needs memory and time of its own.
const racing = true
