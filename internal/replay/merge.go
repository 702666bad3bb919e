package replay

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"baton/internal/identity"
	"baton/internal/lifecycle"
)

// alive returns the lead that goes on for one that was merged; the lead itself, if it was not.
func (w *World) alive(id int64) int64 {
	for {
		into, ok := w.into[id]
		if !ok {
			return id
		}
		id = into
	}
}

// owner returns the lead that a key leads to, 0 for none.
func (w *World) owner(k identity.Key) int64 { return w.alive(w.keys[k]) }

// identified reports whether an e-mail address or an ID leads to a lead.
func (w *World) identified(lead int64) bool {
	for k := range w.keys { // order: whichever it is
		if k.Identifies() && w.owner(k) == lead {
			return true
		}
	}
	return false
}

// ready lets a lead follow the present version, and brings an instant on its time line.
func (w *World) ready(lead int64, known *int64) {
	if l := w.leads[lead]; l != nil {
		*known = max(*known, l.Clock)
		_ = w.follow(l, *known) // Activate has made sure that it can
	}
}

// join merges a lead into another.
func (w *World) join(gone, into int64, in lifecycle.Input) {
	known := in.Known
	w.ready(gone, &known)
	l := w.leads[gone]
	w.last++
	merged := lifecycle.Ending(w.Plan, l, into, in)
	merged.ID, merged.At, merged.Known = w.last, known, known
	w.Decide(&merged)
	in.Known = known
	w.ready(into, &in.Known)
	in = lifecycle.Taking(w.leads[into], &merged, in)
	in.At = in.Known
	w.last++
	in.ID = w.last
	w.Decide(&in)
}

// named finds a lead that a command names, 0 if there is none, with the name as it was given.
func (w *World) named(id int64, keys []identity.Key) (lead int64, name string) {
	if id != 0 {
		name = "lead " + strconv.FormatInt(id, 10)
	} else {
		for _, k := range keys {
			if id = w.keys[k]; id != 0 {
				break
			}
			name = cmp.Or(name, k.Value)
		}
	}
	if l := w.leads[w.alive(id)]; l == nil || l.Stage < 0 {
		return 0, name
	}
	return id, ""
}

// merge carries out what a person says of two leads.
func (w *World) merge(a *lifecycle.Arrival) {
	in := a.Input
	one, missing := w.named(in.Lead, a.Keys)
	two, name := w.named(in.Other, a.Other)
	one, two = w.alive(one), w.alive(two)
	if one == 0 || two == 0 || one == two {
		w.last++
		in.ID, in.Lead, in.Other, in.Name = w.last, cmp.Or(one, two, w.last), two, cmp.Or(missing, name)
		if one == 0 {
			in.Other = 0
		}
		if l := w.leads[in.Lead]; l != nil {
			in.Known = max(in.Known, l.Clock)
		}
		w.Decide(&in)
		return
	}
	stays := lifecycle.Elder(w.leads[one], w.leads[two], w.identified(one), w.identified(two)).ID
	w.join(one+two-stays, stays, in)
	w.refreshMates(in.Known)
}

// split undoes a merge: that of the lead that is named, or the latest merge into it.
func (w *World) split(a *lifecycle.Arrival) {
	in := a.Input
	named, missing := w.named(in.Lead, a.Keys)
	in.Lead, in.Other, in.Name = w.alive(named), 0, ""
	switch {
	case named == 0:
		in.Name = missing
	case named != in.Lead:
		in.Other = named
	default:
		latest := int64(0)
		for gone, into := range w.into { // order: the latest, and there are no two
			if into == named {
				if at := w.mergedBy(gone).ID; at > latest {
					latest, in.Other = at, gone
				}
			}
		}
	}
	if in.Lead != 0 {
		w.ready(in.Lead, &in.Known)
	}
	w.last++
	in.ID = w.last
	in.Lead = cmp.Or(in.Lead, in.ID)
	if d := w.Decide(&in); d.Refused != "" {
		return
	}
	back := in
	w.last++
	back.ID, back.Kind, back.Lead, back.Other, back.Key = w.last, lifecycle.Restored, in.Other, in.Lead, ""
	back.Account = w.mergedBy(in.Other).Account
	back.Known = max(back.Known, w.leads[back.Lead].Clock)
	w.Decide(&back)
	for _, id := range [...]int64{back.Lead, in.Lead} {
		if w.leads[id].Stage < 0 {
			w.forget(id)
		}
	}
	w.refreshMates(in.Known)
}

// forget drops the keys of a lead of which nothing is known any more, and of those that were merged into it.
func (w *World) forget(lead int64) {
	maps.DeleteFunc(w.keys, func(_ identity.Key, id int64) bool { return w.alive(id) == lead })
	for gone := range w.into { // order: all are dropped
		if w.alive(gone) == lead {
			delete(w.into, gone)
		}
	}
	delete(w.leads, lead)
}

// mergedBy returns the input that ended a lead.
func (w *World) mergedBy(lead int64) *lifecycle.Input {
	past := w.past[lead]
	for i := len(past) - 1; i >= 0; i-- {
		if past[i].Kind == lifecycle.Merged {
			return &past[i]
		}
	}
	return &lifecycle.Input{}
}

// retractMerged lets those that were merged into a lead hear that an import is undone, in case that they come back.
func (w *World) retractMerged(lead int64, in *lifecycle.Input) {
	for _, gone := range slices.Sorted(maps.Keys(w.into)) {
		if w.alive(gone) != lead || !slices.ContainsFunc(w.past[gone], func(p lifecycle.Input) bool { return p.Import == in.Import }) {
			continue
		}
		again := *in
		w.last++
		again.ID, again.Lead, again.Key = w.last, gone, ""
		again.Known = max(again.Known, w.leads[gone].Clock)
		w.Decide(&again)
	}
}

// retractAccounts takes back what an import said of accounts about one lead, and those merged into it. It returns the accounts of
// which nothing else is said.
func (w *World) retractAccounts(in *lifecycle.Input) (empty []int64) {
	var was, is []lifecycle.Said
	touched := map[int64]bool{}
	for _, id := range slices.Sorted(maps.Keys(w.past)) {
		past := w.past[id]
		var undone []int64
		for i := range past {
			if past[i].Kind == lifecycle.Retract {
				undone = append(undone, past[i].Import)
			}
		}
		said := lifecycle.SaidOfAccounts(past, undone)
		was = append(was, said...)
		if w.alive(id) != in.Lead {
			is = append(is, said...)
			continue
		}
		stands := lifecycle.SaidOfAccounts(past, append(undone, in.Import))
		is = append(is, stands...)
		if len(stands) != len(said) {
			for i := range said {
				touched[said[i].Account] = true
			}
		}
	}
	for _, account := range slices.Sorted(maps.Keys(touched)) {
		of := func(said []lifecycle.Said) (list []lifecycle.Said) {
			for i := range said {
				if said[i].Account == account {
					list = append(list, said[i])
				}
			}
			return list
		}
		stands := of(is)
		if values := lifecycle.Unsaid(w.Plan, w.accounts[account], of(was), stands); len(values) > 0 {
			w.last++
			w.Decide(&lifecycle.Input{ID: w.last, Kind: lifecycle.Retract, Account: account, At: in.At, Known: in.Known, Import: in.Import, Values: values})
		}
		if len(stands) == 0 {
			empty = append(empty, account)
		}
	}
	return empty
}

// forgetAccounts drops accounts that nobody is in.
func (w *World) forgetAccounts(list []int64) {
	for _, id := range list {
		if len(w.mates[id]) > 0 {
			continue
		}
		maps.DeleteFunc(w.byKey, func(_ string, account int64) bool { return account == id })
		for block, accounts := range w.blocks { // order: each is looked at
			w.blocks[block] = slices.DeleteFunc(accounts, func(account int64) bool { return account == id })
		}
		delete(w.accounts, id)
		delete(w.names, id)
		delete(w.formerly, id)
	}
}

// remember puts what was carried out before into the view of an input that needs it.
func (w *World) remember(v *lifecycle.View, in *lifecycle.Input) {
	switch in.Kind {
	case lifecycle.Retract, lifecycle.Split, lifecycle.Restored, lifecycle.Merge:
	default:
		return
	}
	v.Past = w.past[in.Lead]
	told := map[int64]bool{}
	w.tell(told, in.Lead)
	if in.Other != 0 && in.Kind != lifecycle.Split {
		told[in.Other] = true
		w.tell(told, in.Other)
	}
	for _, id := range slices.Sorted(maps.Keys(told)) {
		v.Joined = append(v.Joined, lifecycle.Told{Lead: id, Inputs: w.past[id]})
	}
}

// tell collects the leads that were ever merged into one, and into those.
func (w *World) tell(told map[int64]bool, lead int64) {
	for i := range w.past[lead] {
		if in := &w.past[lead][i]; in.Kind == lifecycle.Merge && !told[in.Other] {
			told[in.Other] = true
			w.tell(told, in.Other)
		}
	}
}

// place returns the account that an arrival is about, 0 for none; a new one has the ID of its input.
func (w *World) place(a *lifecycle.Arrival, in *lifecycle.Input) int64 {
	if a.Account == "" {
		return 0
	}
	own := (*lifecycle.Company)(nil)
	if l := w.leads[in.Lead]; l != nil && l.Account != 0 {
		own = w.company(l.Account)
	}
	id, domain := w.byKey[a.Account], !strings.HasPrefix(a.Account, "name:")
	switch {
	case (id == 0 || !domain) && lifecycle.Stays(a, own):
		id = own.Account.ID
	case id == 0:
		var others []lifecycle.Company
		for _, other := range w.blocks[lifecycle.NeedsCompanies(a, false)] {
			others = append(others, *w.company(other))
		}
		if found, why := lifecycle.SameCompany(w.Plan, a, others); found != nil {
			id = found.ID
			in.Text = cmp.Or(in.Text, why)
		}
	}
	if c := w.company(id); id != 0 && domain && !c.HasDomain() { // it takes the domain
		w.formerly[id] = c.Account.Key
		delete(w.byKey, c.Account.Key)
		w.byKey[a.Account], c.Account.Key = id, a.Account
	}
	if id == 0 {
		id = in.ID
		w.byKey[a.Account] = id
		w.accounts[id] = &lifecycle.Account{ID: id, Version: w.Version, Key: a.Account}
	}
	if name := lifecycle.Called(w.names[id], a); name != w.names[id] {
		w.names[id] = name
		if block := identity.NameBlock(a.Company()); block != "" {
			at, _ := slices.BinarySearch(w.blocks[block], id)
			w.blocks[block] = slices.Insert(w.blocks[block], at, id)
		}
	}
	lifecycle.TellDomain(w.Plan, in, w.accounts[id].Key)
	return id
}

func (w *World) company(id int64) *lifecycle.Company {
	return &lifecycle.Company{Account: w.accounts[id], Name: w.names[id], Formerly: w.formerly[id]}
}
