// Package imports turns a CSV file and a mapping into arrivals in the order in
// which they occurred.
//
// ParseMapping reads the mapping, a YAML file that says what the columns mean. Open
// reads the CSV file once: it finds out how the file is written, checks and maps each
// row, and puts the arrivals on disk, keeping 24 bytes for each in memory until it is done. Each then
// gives them in the order of time, and Merge those of several files. A row is
// imported whole or refused whole, and a refused row is kept with its line and the
// reason: rows read are rows mapped, skipped and refused, never fewer.
//
// The package never guesses: how a date or a number is written, or what an unknown
// word means, is for the mapping to say. It decides nothing about leads, reads no
// clock and has no SQL. The mapping is documented in docs/import.md.
//
// Start reading at Open.
package imports
