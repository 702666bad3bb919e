// Package agreement turns the source of an agreement into a checked Plan.
//
// Source is YAML read with positions; conditions are a small typed expression language,
// compiled to closures over typed slots. Compile finds everything that would keep an agreement from
// working and says where it stands and what to do. A Plan is immutable; the packages below run
// it. Format lays a source out, Schema describes it for editors, Template gives one to start from.
//
// The package decides nothing about leads, reads no file and no clock: what a source names is loaded
// through a function of the caller's.
//
// Start reading at Compile, and at Plan for what comes out.
package agreement
