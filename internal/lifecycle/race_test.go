//go:build race

package lifecycle_test

// raced: the race detector makes allocations of its own.
const raced = true
