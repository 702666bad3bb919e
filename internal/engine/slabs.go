package engine

import "encoding/binary"

// slabs keeps small values under numbers in memory that the garbage collector does not look through, of no more than so many bytes. Values of about a
// size share chunks, so that one that is written again nearly always stays where it is (Bonwick, The slab allocator, 1994). When there is no room, the next in turn of the
// same size goes.
type slabs struct {
	most    int // bytes of chunks
	taken   int
	slots   map[uint64]uint32 // a value's class and place
	classes [48]slabClass
}

// slabClass are the values of one size.
type slabClass struct {
	chunks [][]byte
	places uint32   // handed out so far
	free   []uint32 // of them, given back
	turn   uint32   // whose turn it is to go
}

const (
	slabChunk = 256 << 10
	slabHead  = 8 + 2 // the number and the length of a value
	slabStep  = 16    // between the sizes of small values
	slabSmall = 512   // bytes of the largest small one; above, sizes grow by a quarter
	slabPlace = 26    // bits of a place in slots
)

// slabSizes are the sizes of the classes.
var slabSizes = func() (sizes [48]int) {
	size := 0
	for i := range sizes {
		if size < slabSmall {
			size += slabStep
		} else {
			size += size / 4 &^ (slabStep - 1)
		}
		sizes[i] = size
	}
	return sizes
}()

// slabClassOf returns the class of values of a length, false if there is none for so long ones.
func slabClassOf(length int) (class int, ok bool) {
	size := length + slabHead
	if size <= slabSmall {
		return (size+slabStep-1)/slabStep - 1, true
	}
	for class = slabSmall / slabStep; class < len(slabSizes); class++ {
		if size <= slabSizes[class] {
			return class, true
		}
	}
	return 0, false
}

func newSlabs(most int) *slabs { return &slabs{most: most, slots: map[uint64]uint32{}} }

// reset forgets all and gives the memory back.
func (s *slabs) reset() {
	for i := range s.classes {
		for _, chunk := range s.classes[i].chunks {
			giveBack(chunk)
		}
	}
	*s = *newSlabs(s.most)
}

// slot returns the memory of a place.
func (s *slabs) slot(class int, place uint32) []byte {
	size := slabSizes[class]
	perChunk := uint32(slabChunk / size)
	at := int(place%perChunk) * size
	return s.classes[class].chunks[place/perChunk][at : at+size]
}

func (s *slabs) has(number uint64) bool {
	_, ok := s.slots[number]
	return ok
}

// get returns a value, nil if it is not there. It is good until the next put.
func (s *slabs) get(number uint64) []byte {
	at, ok := s.slots[number]
	if !ok {
		return nil
	}
	b := s.slot(int(at>>slabPlace), at&(1<<slabPlace-1))
	return b[slabHead : slabHead+int(binary.LittleEndian.Uint16(b[8:]))]
}

// put keeps a value, unless it is too long or there is no room for its size.
func (s *slabs) put(number uint64, value []byte) {
	class, ok := slabClassOf(len(value))
	at, has := s.slots[number]
	if has && (!ok || int(at>>slabPlace) != class) {
		s.drop(number)
		has = false
	}
	if !ok {
		return
	}
	if !has {
		place, ok := s.place(class)
		if !ok {
			return
		}
		at = uint32(class)<<slabPlace | place
		s.slots[number] = at
	}
	b := s.slot(class, at&(1<<slabPlace-1))
	binary.LittleEndian.PutUint64(b, number)
	binary.LittleEndian.PutUint16(b[8:], uint16(len(value)))
	copy(b[slabHead:], value)
}

func (s *slabs) drop(number uint64) {
	at, ok := s.slots[number]
	if !ok {
		return
	}
	delete(s.slots, number)
	c := &s.classes[at>>slabPlace]
	c.free = append(c.free, at&(1<<slabPlace-1))
}

// place finds a place that is free, or makes one free.
func (s *slabs) place(class int) (uint32, bool) {
	c := &s.classes[class]
	if n := len(c.free); n > 0 {
		place := c.free[n-1]
		c.free = c.free[:n-1]
		return place, true
	}
	perChunk := uint32(slabChunk / slabSizes[class])
	if c.places == perChunk*uint32(len(c.chunks)) {
		if s.taken+slabChunk > s.most || c.places+perChunk > 1<<slabPlace {
			return s.vacate(class)
		}
		c.chunks = append(c.chunks, takeMemory(slabChunk))
		s.taken += slabChunk
	}
	c.places++
	return c.places - 1, true
}

// vacate takes the place of the value whose turn it is; nothing is free.
func (s *slabs) vacate(class int) (uint32, bool) {
	c := &s.classes[class]
	if c.places == 0 {
		return 0, false
	}
	place := c.turn % c.places
	c.turn = place + 1
	delete(s.slots, binary.LittleEndian.Uint64(s.slot(class, place)))
	return place, true
}

// idle returns how many bytes are free in chunks of other sizes than are asked for.
func (s *slabs) idle() (bytes int) {
	for i := range s.classes {
		bytes += len(s.classes[i].free) * slabSizes[i]
	}
	return bytes
}
