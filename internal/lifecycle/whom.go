package lifecycle

import (
	"slices"

	"baton/internal/identity"
)

// Whom finds the lead that an arrival is about by its keys: 0 for a new one. owner returns the lead that a key leads to, 0
// for none, with merges followed to their end; identified reports whether a lead has an e-mail address or an
// ID. absorb are leads that are this person too, and are merged into it before the arrival is decided.
//
//   - The key that says most counts: e-mail address, ID, phone number, browser.
//   - An e-mail address or ID that is new makes a new lead, if the phone number or browser it comes with belongs to somebody
//     who has an address or ID already: a switchboard, a shared computer.
//   - A browser nobody has claimed yet belongs to whoever says in it who they are. The lead that it made so
//     far is absorbed: never one that is identified, and never because of a robot.
func Whom(a *Arrival, owner func(identity.Key) int64, identified func(lead int64) bool) (lead int64, absorb []int64) {
	best, says := identity.Anonymous+1, false
	for _, k := range a.Keys {
		says = says || k.Identifies()
		if k.Kind < best {
			if o := owner(k); o != 0 {
				best, lead = k.Kind, o
			}
		}
	}
	if !says {
		return lead, nil
	}
	if lead != 0 && best > identity.External { // the address is new
		lead = 0
		for kind := best; kind <= identity.Anonymous && lead == 0; kind++ {
			for _, k := range a.Keys {
				if o := owner(k); lead == 0 && k.Kind == kind && o != 0 && !identified(o) {
					lead = o
				}
			}
		}
	}
	if lead == 0 || a.Input.Bot {
		return lead, nil
	}
	for _, k := range a.Keys {
		if k.Kind == identity.Anonymous {
			if o := owner(k); o != 0 && o != lead && !slices.Contains(absorb, o) && !identified(o) {
				absorb = append(absorb, o)
			}
		}
	}
	return lead, absorb
}
