// Package load measures a running Baton from outside: it sends what a company's visitors, leads and
// programs send, over HTTP from a process of its own, and says how many inputs were acknowledged and how
// long that took. It also prepares what is measured: a database with leads in it, a server, and the limit
// that the machine itself sets.
//
// It never looks inside the server, and trusts no number that it has not counted itself. What it sends
// is drawn from a seed. Start reading at Run in run.go (the sender), then Mix in mix.go (what is sent),
// then Prepare in prepare.go (what is measured).
package load
