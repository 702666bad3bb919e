package engine

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// What is put comes back as it was put last, or not at all; while there is room, it comes back.
func TestSlabs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chunks := rapid.IntRange(0, 8).Draw(t, "chunks")
		s := newSlabs(chunks * slabChunk)
		defer s.reset()
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		longest := rapid.SampledFrom([]int{20, 400, 3000, 40_000, 70_000}).Draw(t, "longest")
		numbers := uint64(rapid.SampledFrom([]int{3, 50, 3000}).Draw(t, "numbers"))
		want := map[uint64][]byte{}
		lost := 0
		for range 3000 {
			n := r.Uint64N(numbers)
			switch have, ok := s.get(n), s.has(n); {
			case ok != (have != nil):
				t.Fatalf("%d is there: %v; it is %d bytes", n, ok, len(have))
			case ok && !bytes.Equal(have, want[n]):
				t.Fatalf("%d came back as %.40q, and was %.40q", n, have, want[n])
			case !ok && want[n] != nil:
				lost++
				delete(want, n)
			}
			if r.IntN(5) == 0 {
				s.drop(n)
				delete(want, n)
				continue
			}
			value := make([]byte, r.IntN(longest))
			for i := range value {
				value[i] = byte(n) + byte(i)
			}
			s.put(n, value)
			want[n] = value
			if _, fits := slabClassOf(len(value)); !fits {
				delete(want, n)
			}
			if s.taken > s.most {
				t.Fatalf("%d bytes are taken, of %d", s.taken, s.most)
			}
		}
		if numbers == 3 && longest == 20 && chunks >= 2 && lost > 0 {
			t.Fatalf("%d values are lost, with room for all", lost)
		}
	})
}

// Every length has a class that it fits into, with less than a third to spare, up to the longest.
func TestSlabSizes(t *testing.T) {
	for length := range 70_000 {
		class, ok := slabClassOf(length)
		if !ok {
			if length+slabHead <= slabSizes[len(slabSizes)-1] {
				t.Fatalf("%d bytes have no class", length)
			}
			continue
		}
		size := slabSizes[class]
		if length+slabHead > size || size-length-slabHead > max(slabStep, size/3) || class > 0 && length+slabHead <= slabSizes[class-1] {
			t.Fatalf("%d bytes are put into %d", length, size)
		}
	}
	if slabSizes[len(slabSizes)-1] > slabChunk/4 {
		t.Errorf("the largest values take %d bytes of a chunk", slabSizes[len(slabSizes)-1])
	}
}

// A filter never takes a number for new that it was given, and few others for known.
func TestFilter(t *testing.T) {
	f := newFilter(0, 1<<30)
	r := rand.New(rand.NewPCG(1, 2))
	random := func(i int) int64 { return int64(i)*2_097_152 + r.Int64N(1<<21) } // as Dedupe makes them: milliseconds, and a hash
	var given []int64
	for i := range f.most {
		given = append(given, random(i))
		f.add(given[i])
	}
	for _, n := range given {
		if !f.has(n) {
			t.Fatalf("%d is taken for new", n)
		}
	}
	wrong := 0
	for i := range 100_000 {
		if f.has(random(f.most + i)) {
			wrong++
		}
	}
	if wrong > 1500 { // 12 bits and 6 probes: 0.8 % when it is full, somewhat more as all are in one line
		t.Errorf("%d of 100,000 new numbers are taken for known", wrong)
	}
	if none := newFilter(1<<40, 1<<20); none.bits != nil {
		t.Errorf("a filter of %d bytes for more than it can hold", len(none.bits)*64)
	}
}
