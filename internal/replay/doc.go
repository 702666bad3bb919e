// Package replay runs a sequence of inputs through lifecycle.Decide without a store: it
// verifies that recorded decisions come out again to the byte, simulates how people
// respond, and runs scenarios.
//
// It never reads a clock and never touches a disk. Start reading at World.
package replay
