package lifecycle

import "baton/internal/identity"

// Arrival is an input on its way in, before anybody knows which lead and which
// account it is about: Input.Lead and Input.Account are still 0.
type Arrival struct {
	Input       Input
	Keys        []identity.Key // of the lead; empty for the roster's own inputs
	Account     string         // identity.AccountKey or identity.CompanyKey, "" for none
	AccountName string         // as it was written, for people to read
	Other       []identity.Key // Merge: of the other lead, unless Input.Other has its ID
	// IfInput is the last input of the lead as far as the sender knows: the arrival is taken in only if it still
	// is. 0 for whatever it is.
	IfInput int64
}
