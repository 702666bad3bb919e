package lifecycle

import (
	"cmp"
	"slices"

	"baton/internal/agreement"
)

// Said is what an input told of an account.
type Said struct {
	Input   int64
	Account int64
	Values  []Named
	Keep    []string // names set only while the account has no value yet
}

// SaidOfAccounts returns what a lead's past tells of accounts, in order, without what came with imports that are undone. An
// input that names an account may have no values.
func SaidOfAccounts(past []Input, undone []int64) []Said {
	var list, alone []Said // alone: before the lead was in an account
	home, placed := int64(0), false
	join := func(in *Input) {
		if home == in.Account {
			return
		}
		home = in.Account
		list = append(list, Said{Input: in.ID, Account: home})
		for i := len(alone) - 1; i >= 0; i-- { // the last that was said counts, where nothing is known of the account
			s := alone[i]
			s.Input, s.Account, s.Keep = in.ID, home, make([]string, len(s.Values))
			for j := range s.Values {
				s.Keep[j] = s.Values[j].Name
			}
			list = append(list, s)
		}
	}
	for i := range past {
		in := &past[i]
		if in.Import != 0 && slices.Contains(undone, in.Import) {
			continue
		}
		switch in.Kind {
		case JoinAccount:
			join(in)
			placed = true
		case Merged:
			if in.Account != 0 { // it comes back into it
				list = append(list, Said{Input: in.ID, Account: in.Account})
			}
		case Merge:
			if home == 0 && in.Account != 0 {
				join(in)
			}
		case Identify:
			if in.Account != 0 && in.Account != home {
				if placed { // of another company than the lead's, which is there because it was named
					list = append(list, Said{Input: in.ID, Account: in.Account})
					continue
				}
				join(in)
			}
			s := Said{Input: in.ID, Account: home, Values: in.Values, Keep: in.Keep}
			if home != 0 {
				list = append(list, s)
			} else if len(s.Values) > 0 {
				alone = append(alone, s)
			}
		}
	}
	return list
}

// Unsaid returns the attributes that an account has from what is not told of it any more, with what they were without: a missing
// value for none. was is all that was told of the account by its leads, is what still stands. What the account has from elsewhere
// is left as it is.
func Unsaid(plan *agreement.Plan, account *Account, was, is []Said) []Named {
	before, after := whole(plan, was), whole(plan, is)
	var list []Named
	for slot := range plan.Attributes {
		if b, a := before[slot], after[slot]; !same(b, a) && same(b, valueAt(account.Attributes, slot)) {
			list = append(list, Named{Name: plan.Attributes[slot].Name, Value: a})
		}
	}
	slices.SortFunc(list, func(a, b Named) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// whole returns the attributes of an account of which all this is said.
func whole(plan *agreement.Plan, said []Said) []agreement.Value {
	values := make([]agreement.Value, len(plan.Attributes))
	slices.SortStableFunc(said, func(a, b Said) int { return cmp.Compare(a.Input, b.Input) })
	for i := range said {
		for j := range said[i].Values {
			named := &said[i].Values[j]
			slot, ok := plan.Index.Attribute[named.Name]
			if !ok || !plan.Attributes[slot].Company || values[slot].Known() && slices.Contains(said[i].Keep, named.Name) {
				continue
			}
			if v, ok := Coerce(plan, plan.Attributes[slot].Kind, plan.Attributes[slot].Choices, named.Value); ok {
				values[slot] = v
			}
		}
	}
	return values
}

// same reports whether two values are the same, or are both missing.
func same(a, b agreement.Value) bool { return a.Known() == b.Known() && (!a.Known() || a.Equal(b)) }

// retractAccount takes back what an import said of an account: Values is what it was without.
func (d *decider) retractAccount() {
	why := d.undoing()
	for i := range d.in.Values {
		named := &d.in.Values[i]
		slot, ok := d.plan.Index.Attribute[named.Name]
		if ok && !same(valueAt(d.account.Attributes, slot), named.Value) {
			d.emit(Change{Kind: AccountAttributeSet, Name: named.Name, Value: named.Value, Reason: why})
		}
	}
}
