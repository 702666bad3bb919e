// Package store keeps everything Baton knows in one database: what happened
// (input), what the agreement made of it (decision), how every lead stands (lead,
// account, roster), and the history that reports read (visit, handoff, clock).
//
// It holds all the SQL of the house. It decides nothing, reads no clock, and never edits an
// input. One process writes to a SQLite file at a time and any number to a PostgreSQL database;
// any number may read.
//
// Start reading at Open, Tx and Batch. What others may rely on in SQL are the views, described
// in docs/views.md.
package store
