package replay

import (
	"math/bits"

	"baton/internal/agreement"
)

// chance is a stream of pseudo-random numbers: SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, "Fast
// splittable pseudorandom number generators", OOPSLA 2014; the constants are those of S. Vigna's
// public-domain splitmix64.c). It is chosen because a stream can be split off for every
// lead, so that what one lead does never depends on how many numbers another has drawn.
//
// Everything drawn from it is an integer made with integer arithmetic. A logarithm of the machine's
// may differ in its last digit between processors, and with it a day of the simulation.
type chance struct{ state uint64 }

const golden = 0x9e3779b97f4a7c15

// split returns the stream of the n-th of a kind of things.
func split(seed, kind, n uint64) chance {
	c := chance{seed}
	c.state = c.next() + kind*golden
	c.state = c.next() + n*golden
	c.state = c.next()
	return c
}

func (c *chance) next() uint64 {
	c.state += golden
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1; n is at least 1. The unevenness is less than n/2^64.
func (c *chance) below(n int64) int64 {
	hi, _ := bits.Mul64(c.next(), uint64(n))
	return int64(hi)
}

// between returns a number from low to high, both included.
func (c *chance) between(low, high int64) int64 { return low + c.below(high-low+1) }

// hit is true in so many cases of a thousand.
func (c *chance) hit(perMille int) bool { return c.below(1000) < int64(perMille) }

// normal returns thousandths of a standard deviation: the sum of twelve uniform numbers has
// variance 1 and is close enough to normal up to three deviations.
func (c *chance) normal() int64 {
	sum := int64(0)
	for range 12 {
		sum += int64(c.next() >> 32)
	}
	return ((sum - 6<<32) * 1000) >> 32
}

// exponential returns a waiting time with a mean, by comparing uniform numbers only (J. von Neumann,
// "Various techniques used in connection with random digits", 1951): a falling run of odd
// length gives the fraction, each even one before it adds a whole.
func (c *chance) exponential(mean int64) int64 {
	for whole := int64(0); ; whole++ {
		first := c.next() >> 32
		last, length := first, 1
		for {
			u := c.next() >> 32
			if u >= last {
				break
			}
			last = u
			length++
		}
		if length%2 == 1 {
			hi, lo := bits.Mul64(uint64(mean), first)
			return whole*mean + int64(hi<<32|lo>>32)
		}
	}
}

// lognormal returns median · 2^x, where x is normal with a deviation of spread thousandths. A
// spread of 1000 means that two thirds lie between half and twice the median.
func (c *chance) lognormal(median, spread int64) int64 {
	x := spread * c.normal() / 1000
	if x <= 0 {
		return agreement.Decay(median, -x, 1000)
	}
	up := min((x+999)/1000, 12)
	return agreement.Decay(median<<up, max(0, up*1000-x), 1000)
}

// pick returns an index in proportion to the weights; negative ones count as 0, and without any the
// answer is -1.
func (c *chance) pick(n int, weight func(i int) int) int {
	total := int64(0)
	for i := range n {
		total += int64(max(0, weight(i)))
	}
	if total == 0 {
		return -1
	}
	x := c.below(total)
	for i := range n {
		x -= int64(max(0, weight(i)))
		if x < 0 {
			return i
		}
	}
	return n - 1
}

// one returns one of a list, "" of an empty one.
func (c *chance) one(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[c.below(int64(len(list)))]
}
