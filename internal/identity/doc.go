// Package identity says who is who: it brings what the world calls a person or a
// company into the one form that is compared.
//
// NormalizeEmail, NormalizePhone and ExternalKey make the keys of a lead, AccountKey and
// CompanyKey those of an account. All are pure, and give the same answer for their own
// result. Likeness says how alike the names of two companies are.
//
// The package never guesses that two keys are one person, never looks anything up
// outside itself, and never drops a part of an address that its owner may rely on:
// "ann+news@x.example" is not "ann@x.example".
//
// Start reading at Key.
package identity
