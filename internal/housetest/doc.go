// Package housetest keeps the rules of the house: what may import what, what a pure
// package may not do, that every package says what it is, and that the documents speak of things
// that exist.
//
// It has tests only; nothing imports it. It reads the tree rather than a list, so that a
// rule about a package that is not there yet waits for it. Each rule says why it is there when it
// fails. Rules that look into Go code are themselves tested on small wrong examples.
//
// Start reading at order_test.go for the rooms, and pure_test.go for what pure means.
package housetest
