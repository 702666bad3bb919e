package engine

import (
	"context"
	"encoding/binary"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"baton/internal/agreement"
	"baton/internal/identity"
	"baton/internal/store"
)

// packed keeps in few bytes what an engine may need again: leads and accounts that it has put away, whose each key is, and which inputs are
// surely new. Somebody who visits is looked up by a key, read with the company, and put away again; with a million leads each of these was a random
// page of the database, and together a fifth of what an input cost, more where pages have to come from the disk.
//
// An engine that is alone on its database is the only one that changes these rows, and nearly always by way of its own memory: what was put away is
// as it is stored. What is changed otherwise is dropped. What is lacking is read in while nothing else is to be done. A nil packed keeps nothing and knows nothing.
type packed struct {
	most  int    // bytes of rows
	rows  *slabs // of leads and accounts
	seeds [2]maphash.Seed
	keys  map[uint64]uint64 // of leads and accounts, by a hash: whose they are, and some of another hash (see owner); nil for none
	told  filter            // the dedupe numbers of inputs
	woken map[int64]int64   // accounts whose leads were made due in the database alone, and in which turn
	text  []byte            // scratch
	off   bool              // nothing may be packed at present

	// how far reading in has come
	step  packStep
	key   identity.Key
	from  int64
	next  time.Time // when a slice is read though there is something else to do
	slice int       // rows at a time
}

// packStep is what is read in next.
type packStep int

const (
	readKeys packStep = iota
	readAccounts
	readLeads
	readInputs
	readAll
)

const (
	packSlice = 1000             // rows that are read in at a time, which takes some milliseconds
	packEvery = 5                // times as long as it took passes before the next slice: others are served meanwhile
	packRest  = 10 * time.Second // passes after it went wrong
	packShare = 0.9              // of rows may be filled by reading in; the rest is for what comes

	accountKey = identity.Anonymous + 1 // the key of an account, among those of leads
	keyBytes   = 40                     // of memory for a key or a place, about
	tagBits    = 24
	doubtful   = ^uint64(0) // two keys have one hash: the database has to be asked
	mostWoken  = 100_000
)

func newPacked(most int) *packed {
	p := &packed{most: most, slice: packSlice, rows: newSlabs(most), seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}}
	p.reset()
	return p
}

// reset forgets all.
func (p *packed) reset() {
	p.rows.reset()
	p.keys, p.told, p.woken = map[uint64]uint64{}, filter{}, map[int64]int64{}
	p.step, p.key, p.from = readKeys, identity.Key{Kind: identity.Email}, 0
}

// memory returns what is packed, nil if nothing may be: the engine is not alone, or an import is read in or undone, which changes rows in its own way.
// It is asked at the beginning of every round.
func (e *Engine) memory() *packed {
	p := e.packed
	if p == nil {
		return nil
	}
	off := e.shared || e.dues != nil || e.undoes
	if off && !p.off {
		p.reset()
	}
	if p.off = off; off {
		return nil
	}
	return p
}

// tellPacked keeps what Packed tells.
func (e *Engine) tellPacked() {
	if p := e.packed; p != nil {
		e.packedBytes.Store(int64(p.rows.taken) + int64(len(p.rows.slots)+len(p.keys))*keyBytes + int64(len(p.told.bits))*64)
		e.packedWhole.Store(p.step == readAll)
	}
}

// What rows are kept under. Leads and accounts are numbered alike.
func leadName(id int64) uint64    { return uint64(id) << 1 }
func accountName(id int64) uint64 { return uint64(id)<<1 | 1 }

// putLead keeps a lead that leaves the memory, as it is in a turn.
func (p *packed) putLead(r *store.Record, turn int64) {
	if p == nil {
		return
	}
	if !r.Packs() {
		p.dropLead(r.ID)
		return
	}
	p.text = r.Pack(binary.AppendVarint(p.text[:0], turn))
	p.rows.put(leadName(r.ID), p.text)
}

// dropLead forgets a lead that is gone from the database.
func (p *packed) dropLead(id int64) {
	if p != nil {
		p.rows.drop(leadName(id))
	}
}

func (p *packed) hasLead(id int64) bool { return p != nil && p.rows.has(leadName(id)) }

// lead returns a lead, nil if it is not here as it is stored.
func (p *packed) lead(id int64) (*store.Record, error) {
	if p == nil {
		return nil, nil
	}
	b := p.rows.get(leadName(id))
	turn, n := binary.Varint(b)
	if n <= 0 {
		return nil, nil
	}
	r, err := store.Unpack(id, b[n:])
	if err != nil {
		return nil, err
	}
	if woken, ok := p.woken[r.Lead.Account]; ok && woken >= turn {
		return nil, nil
	}
	return r, nil
}

// wake notes that leads of an account were made due in the database alone.
func (p *packed) wake(account, turn int64) {
	if p == nil {
		return
	}
	if _, ok := p.woken[account]; !ok && len(p.woken) == mostWoken {
		p.reset()
	}
	p.woken[account] = turn
}

func (p *packed) putAccount(r *store.AccountRecord) {
	if p == nil {
		return
	}
	if !plain(r.Name) {
		p.rows.drop(accountName(r.Account.ID))
		return
	}
	p.text = r.Pack(p.text[:0])
	p.rows.put(accountName(r.Account.ID), p.text)
}

// account returns an account, nil if it is not here.
func (p *packed) account(id int64) (*store.AccountRecord, error) {
	if p == nil {
		return nil, nil
	}
	b := p.rows.get(accountName(id))
	if len(b) == 0 {
		return nil, nil
	}
	return store.UnpackAccount(b)
}

// hash returns two hashes of a key that nobody can foresee, of 64 and of 24 bits.
func (p *packed) hash(k identity.Key) (h, tag uint64) {
	h, tag = maphash.String(p.seeds[0], k.Value), maphash.String(p.seeds[1], k.Value)
	return h + uint64(k.Kind)*0x9E3779B97F4A7C15, tag & (1<<tagBits - 1)
}

// putKey says whose a key is.
func (p *packed) putKey(k identity.Key, owner int64) {
	if p == nil || p.keys == nil {
		return
	}
	h, tag := p.hash(k)
	v := uint64(owner)<<tagBits | tag
	if have, ok := p.keys[h]; ok && have != v || owner >= 1<<(64-tagBits) {
		v = doubtful
	}
	if p.keys[h] = v; len(p.keys) > p.most/2/keyBytes || k.Value == "" || !plain(k.Value) {
		p.keys = nil // there are too many, or one that the database may write in another way
	}
}

func (p *packed) dropKey(k identity.Key) {
	if p == nil {
		return
	}
	h, tag := p.hash(k)
	if v, ok := p.keys[h]; ok && v != doubtful && v&(1<<tagBits-1) == tag {
		delete(p.keys, h)
	}
}

// plain reports whether every database keeps a text as it is.
func plain(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }

// owner returns whose a key is, 0 for nobody's; ok is false if the database has to be asked. A key that nobody has is taken for somebody's when 88 bits
// of its hashes agree: with ten million keys once in 10^19 times.
func (p *packed) owner(k identity.Key) (id int64, ok bool) {
	if p == nil {
		return 0, false
	}
	h, tag := p.hash(k)
	v, has := p.keys[h]
	switch {
	case has && v == doubtful, k.Value == "", !plain(k.Value):
		return 0, false
	case has && v&(1<<tagBits-1) == tag:
		return int64(v >> tagBits), true
	}
	return 0, p.keys != nil && (p.step > readKeys && k.Kind != accountKey || p.step > readAccounts)
}

// leadsOf reads leads, those that exist.
func (e *Engine) leadsOf(ctx context.Context, ids []int64) (map[int64]*store.Record, error) {
	p := e.memory()
	found := make(map[int64]*store.Record, len(ids))
	var rest []int64
	for _, id := range ids {
		r, err := p.lead(id)
		if err != nil {
			return nil, err
		}
		if r != nil {
			found[id] = r
		} else {
			rest = append(rest, id)
		}
	}
	read, err := e.tx.Leads(ctx, rest)
	maps.Copy(found, read)
	return found, err
}

// accountsOf reads accounts.
func (e *Engine) accountsOf(ctx context.Context, ids []int64) ([]*store.AccountRecord, error) {
	p := e.memory()
	var found []*store.AccountRecord
	var rest []int64
	for _, id := range ids {
		r, err := p.account(id)
		if err != nil {
			return nil, err
		}
		if r != nil {
			found = append(found, r)
		} else {
			rest = append(rest, id)
		}
	}
	read, err := e.tx.Accounts(ctx, rest)
	return append(found, read...), err
}

// accountsByKey reads accounts by their keys.
func (e *Engine) accountsByKey(ctx context.Context, keys []string) ([]*store.AccountRecord, error) {
	p := e.memory()
	var found []*store.AccountRecord
	var ids []int64
	var rest []string
	for _, key := range keys {
		id, ok := p.owner(identity.Key{Kind: accountKey, Value: key})
		switch a := e.accounts[id]; {
		case !ok:
			rest = append(rest, key)
		case a != nil:
			found = append(found, a.AccountRecord)
		case id != 0:
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	byID, err := e.accountsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	read, err := e.tx.AccountsByKey(ctx, rest)
	return append(append(found, byID...), read...), err
}

// owners reads whose keys are.
func (e *Engine) owners(ctx context.Context, keys []identity.Key) (map[identity.Key]int64, error) {
	p := e.memory()
	found := make(map[identity.Key]int64, len(keys))
	var rest []identity.Key
	for _, k := range keys {
		lead, ok := p.owner(k)
		switch {
		case !ok:
			rest = append(rest, k)
		case lead != 0:
			found[k] = lead
		}
	}
	read, err := e.tx.Keys(ctx, rest)
	maps.Copy(found, read)
	return found, err
}

// took notes the dedupe number of an input.
func (p *packed) took(number int64) {
	if p != nil {
		p.told.add(number)
	}
}

// twinsOf reads the inputs that have some dedupe numbers.
func (e *Engine) twinsOf(ctx context.Context, hashes []int64) (map[int64][]store.Twin, error) {
	p := e.memory()
	if p == nil || p.step <= readInputs || p.told.bits == nil {
		return e.tx.Twins(ctx, hashes)
	}
	if p.told.n > p.told.most { // it tells them apart no more
		p.step, p.told = readInputs, filter{}
		return e.tx.Twins(ctx, hashes)
	}
	return e.tx.Twins(ctx, slices.DeleteFunc(hashes, func(h int64) bool { return !p.told.has(h) }))
}

// lacks reports whether something is to be read in.
func (e *Engine) lacks() bool {
	p := e.memory()
	return p != nil && p.step < readAll && e.broken == nil && e.plan != nil
}

// readIn reads a slice of what is lacking. What was decided is on disk by then, but for the rows of leads that are behind, which are in memory.
func (e *Engine) readIn(ctx context.Context) {
	p, began := e.memory(), time.Now()
	if e.wait() != nil {
		return
	}
	err := p.readSlice(ctx, e)
	now := time.Now()
	if p.next = now.Add(packEvery * now.Sub(began)); err != nil {
		p.reset() // whoever needs the same rows hears of it
		p.next = now.Add(packRest)
	}
	e.tellPacked()
}

func (p *packed) readSlice(ctx context.Context, e *Engine) (err error) {
	room := func() bool { return float64(p.rows.taken) < packShare*float64(p.most) }
	n, most := 0, p.slice
	switch p.step {
	case readKeys:
		after := p.key
		if p.keys == nil {
			break
		}
		n, err = e.st.EachKey(ctx, after, most, func(k identity.Key, lead int64) {
			p.key = k
			p.putKey(k, lead)
		})
		if n < most && after.Kind < identity.Anonymous {
			p.key = identity.Key{Kind: after.Kind + 1}
			return err
		}
	case readAccounts:
		n, err = e.st.PackAccounts(ctx, p.from, most, func(id int64, key string, pack []byte) {
			p.from = id
			p.putKey(identity.Key{Kind: accountKey, Value: key}, id)
			if name := accountName(id); e.accounts[id] == nil && !p.rows.has(name) && room() {
				p.rows.put(name, pack)
			}
		})
	case readInputs:
		if p.told.bits == nil {
			if p.told = newFilter(e.nextID, p.most/8); p.told.bits == nil {
				break
			}
			p.from = -1 << 63
			p.told.add(p.from)
		}
		n, err = e.st.EachDedupe(ctx, p.from, most, func(number int64) {
			p.from = number
			p.told.add(number)
		})
	case readLeads:
		n, err = e.st.PackLeads(ctx, p.from, most, func(id int64, pack []byte) {
			p.from = id
			if name := leadName(id); pack != nil && e.cache.leads[id] == nil && !p.rows.has(name) && room() {
				p.text = append(binary.AppendVarint(p.text[:0], e.turn), pack...)
				p.rows.put(name, p.text)
			}
		})
		if !room() {
			n = 0
		}
	}
	if err == nil && n < most {
		if p.step, p.from = p.step+1, 0; p.step == readLeads {
			p.from = agreement.Never // the newest first
		}
	}
	return err
}

// filter tells numbers that are surely new from others (Bloom, Space/time trade-offs in hash coding with allowable errors, 1970; with all bits of a number in one
// line of the processor's memory: Putze, Sanders, Singler, Cache-, hash- and space-efficient Bloom filters, 2007).
type filter struct {
	bits    [][8]uint64
	n, most int
}

const (
	filterBits   = 12 // for a number
	filterProbes = 6
)

// newFilter makes a filter for half as many numbers again as there may be now, and a million; none if that takes more than so many bytes.
func newFilter(now int64, bytes int) filter {
	most := now + now/2 + 1_000_000
	if most*filterBits/8 > int64(bytes) {
		return filter{}
	}
	return filter{bits: make([][8]uint64, most*filterBits/512+1), most: int(most)}
}

func (f *filter) line(number int64) (line *[8]uint64, h uint64) {
	h = uint64(number) * 0x9E3779B97F4A7C15
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	h ^= h >> 32
	return &f.bits[h%uint64(len(f.bits))], h * 0x9E3779B97F4A7C15
}

func (f *filter) add(number int64) {
	if f.bits == nil {
		return
	}
	line, h := f.line(number)
	for range filterProbes {
		line[h>>61] |= 1 << (h >> 55 & 63)
		h = h<<9 | h>>55
	}
	f.n++
}

func (f *filter) has(number int64) bool {
	line, h := f.line(number)
	for range filterProbes {
		if line[h>>61]&(1<<(h>>55&63)) == 0 {
			return false
		}
		h = h<<9 | h>>55
	}
	return true
}
