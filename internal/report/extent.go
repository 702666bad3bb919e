package report

// advances are how far each printable ASCII character moves on in DejaVu Sans, in hundredths of an
// em. It is the widest of the fonts that a system puts in place of ours: what fits in it fits in
// Geist, which is a tenth narrower, and in Arial.
var advances = [95]uint8{
	32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32, 34, // space to /
	64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54, // 0 to ?
	100, 69, 69, 70, 78, 64, 58, 78, 76, 30, 30, 66, 56, 87, 75, 79, // @ to O
	61, 79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34, 40, 84, 50, // P to _
	50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, // ` to o
	64, 64, 42, 53, 40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84, // p to ~
}

// extent is how many pixels a text of a style takes at most.
func extent(style int, s string) float64 {
	em := 0
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~':
			em += int(advances[r-' '])
		case r == '·':
			em += 38
		case r < 0x250: // Latin with marks, and ×
			em += 84
		default:
			em += 110
		}
	}
	switch w := float64(em) / 100; style {
	case quiet:
		return 11 * w
	case strong:
		return 12 * 1.15 * w // a bold face is so much wider
	default:
		return 12 * w
	}
}
