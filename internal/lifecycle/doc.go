// Package lifecycle decides what happens to a lead.
//
// Decide takes a checked agreement, what is known (View) and one Input, and
// returns a Decision: Changes, Effects and the Reasons for both. Apply carries a
// Change out on the state; nothing else changes a lead. Both are pure: no clock, no
// randomness, no map order, no storage. The same plan, view and input give the same
// decision to the byte, in the live engine, in a replay and in explain.
//
// Start reading at Decide.
package lifecycle
