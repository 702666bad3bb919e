// Package report holds the metric definitions of the house: stored rows in, report
// values out, and four ways to show them (text, JSON, CSV, SVG). Pages, commands and the
// API read the same definitions, so a figure is the same wherever it stands.
//
// It never writes, never reads a clock (Query.Now is passed in), and never says that
// something causes something else. Each report runs a fixed number of queries in one
// snapshot of the database.
//
// Start reading at metric.go, where every metric is defined once; then Funnel, Velocity,
// Lift, SLA and Response, which count; then Table, which shows. docs/reports.md describes
// the reports for their readers.
package report
