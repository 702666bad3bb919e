// Package pgtest gives tests a real PostgreSQL: one private server for each test binary, and a fresh
// database for each test. A test that wants to stop, kill and restart its server asks for one of its own.
//
// It never touches a server that runs on the machine already, needs no configuration, and leaves nothing
// behind: a server ends with the process that started it, however that ends, and so do its files. Without the
// programs of PostgreSQL a test fails, and says how to get them; it is not skipped.
//
// The servers are made to be unlike a developer's own in what Baton may not depend on: text sorts by the rules of
// a language, and the session's time zone has odd minutes. Only tests import this package. Start
// reading at Database and Server.
package pgtest
