// Package engine puts inputs through: it finds the lead and the account that an input is
// about, has lifecycle.Decide decide, and stores input, decision and state in one
// transaction. It is the only writer of a store, but for engines of other processes on a shared one.
//
// It decides nothing itself and, but for Options.Clock in Run and Undo, reads no clock: time comes in
// with the inputs. Whatever fails, a transaction is in the store whole or not at all, and the
// engine goes on from what is stored.
//
// Start reading at Submit (what happens now), History (what happened before) and, for both,
// at take in resolve.go. What several processes on one database must keep to is in shared.go.
package engine
