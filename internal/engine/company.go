package engine

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"baton/internal/identity"
	"baton/internal/lifecycle"
	"baton/internal/store"
)

// block is the accounts whose names begin with the same word, by number: all of them once it is loaded, before that
// those that the database may not show yet.
type block struct {
	used   int64
	loaded bool
	list   []company
}

type company struct {
	account  int64
	formerly string // the key it had before it took its domain
}

// load brings in the companies of blocks that are not in memory.
func (e *Engine) loadCompanies(ctx context.Context, blocks []string) error {
	var missing []string
	for _, b := range blocks {
		if have := e.who.companies[b]; have != nil && have.loaded {
			have.used = e.turn
		} else if b != "" {
			missing = append(missing, b)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	if e.shared {
		if err := e.tx.LockNames(ctx, missing); err != nil {
			return err
		}
	}
	list, err := e.tx.AccountsOfBlocks(ctx, missing)
	if err != nil {
		return err
	}
	records := make([]*store.AccountRecord, len(list))
	for i := range list {
		records[i] = list[i].AccountRecord
	}
	e.keep(records)
	for _, b := range missing {
		e.company(b).loaded = true
	}
	for i := range list {
		b := e.company(list[i].Block)
		if at, ok := b.find(list[i].Account.ID); !ok {
			b.list = slices.Insert(b.list, at, company{list[i].Account.ID, list[i].Formerly})
		}
	}
	return nil
}

func (e *Engine) company(name string) *block {
	b := e.who.companies[name]
	if b == nil {
		b = &block{}
		e.who.companies[name] = b
	}
	b.used = e.turn
	return b
}

func (b *block) find(account int64) (int, bool) {
	return slices.BinarySearchFunc(b.list, account, func(c company, id int64) int { return cmp.Compare(c.account, id) })
}

// place finds the account that an arrival is about, or makes one.
func (e *Engine) place(ctx context.Context, a *lifecycle.Arrival, c *command) error {
	in := c.in
	var own *account // of the lead, if it has one
	var ownCompany *lifecycle.Company
	placed := false
	if c.entry != nil && c.entry.Lead.Account != 0 {
		l := c.entry.Lead
		var err error
		if own, err = e.account(ctx, l.Account); err != nil {
			return err
		}
		ownCompany = &lifecycle.Company{Account: own.Account, Name: own.Name}
		placed = l.Placed && in.Kind == lifecycle.Identify
	}
	id, ok := e.accountByKey(a.Account)
	domain := !strings.HasPrefix(a.Account, "name:")
	switch {
	case (!ok || !domain) && lifecycle.Stays(a, ownCompany):
		id = own.Account.ID
	case !ok:
		id = 0
		block := lifecycle.NeedsCompanies(a, false)
		if err := e.loadCompanies(ctx, []string{block}); err != nil {
			return err
		}
		var others []lifecycle.Company
		if b := e.who.companies[block]; b != nil && block != "" {
			for _, other := range b.list[:min(lifecycle.MostCompanies, len(b.list))] {
				have, err := e.account(ctx, other.account)
				if err != nil {
					return err
				}
				others = append(others, lifecycle.Company{Account: have.Account, Name: have.Name, Formerly: other.formerly})
			}
		}
		if found, why := lifecycle.SameCompany(e.plan, a, others); found != nil {
			id = found.ID
			in.Text = cmp.Or(in.Text, why)
		}
	}
	if id == 0 {
		if err := e.numbered(ctx); err != nil {
			return err
		}
		in.Account = e.nextID
		c.account = &account{AccountRecord: &store.AccountRecord{Account: &lifecycle.Account{ID: e.nextID, Version: e.version, Key: a.Account}}, used: e.turn, complete: true}
	} else {
		var err error
		if c.account, err = e.account(ctx, id); err != nil {
			return err
		}
		in.Account = id
		renamed := domain && strings.HasPrefix(c.account.Account.Key, "name:") || lifecycle.Called(c.account.Name, a) != c.account.Name
		if renamed && !e.mayChange(c.account) {
			return &errAccount{id}
		}
		if old := c.account.Account.Key; domain && strings.HasPrefix(old, "name:") { // it takes the domain
			delete(e.now.accounts, old)
			delete(e.old.accounts, old)
			c.account.Account.Key, e.now.accounts[a.Account] = a.Account, id
			e.memory().dropKey(identity.Key{Kind: accountKey, Value: old})
			e.memory().putKey(identity.Key{Kind: accountKey, Value: a.Account}, id)
			e.callCompany(c.account, c.account.Name, old)
			e.batch.Account(c.account.AccountRecord)
		}
	}
	if name := lifecycle.Called(c.account.Name, a); name != c.account.Name {
		c.account.Name = name
		if id != 0 { // a new one is looked up by its name once it is stored
			e.callCompany(c.account, a.Company(), "")
			e.batch.Account(c.account.AccountRecord)
		}
	}
	lifecycle.TellDomain(e.plan, in, c.account.Account.Key)
	if placed { // the lead stays where it is
		if id == 0 {
			c.named = c.account
		}
		c.account = own
	}
	return nil
}

// callCompany notes by what the name of an account is looked up.
func (e *Engine) callCompany(a *account, name, formerly string) {
	block := identity.NameBlock(name)
	if block == "" {
		return
	}
	b := e.company(block)
	at, ok := b.find(a.Account.ID)
	if !ok {
		b.list = slices.Insert(b.list, at, company{account: a.Account.ID})
	}
	if formerly != "" {
		b.list[at].formerly = formerly
	}
	a.LookedUp(block, b.list[at].formerly)
}
