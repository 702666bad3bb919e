package document

// Advance widths of Geist, regular and semibold, for the printable ASCII
// characters from the space on, in thousandths of an em. A picture is laid out
// where no font can be asked, so text is measured with this table; the fonts of
// the fallback stack come within a tenth of it, and every label has padding for
// that.
var (
	regular = [95]int16{
		250, 213, 346, 478, 629, 802, 620, 178, 274, 274, 430, 558, 201, 419, 201, 480, 663, 384, 619, 613, 615, 626, 593, 524, 604, 593,
		297, 297, 544, 540, 544, 559, 906, 668, 680, 703, 694, 603, 590, 700, 713, 270, 597, 640, 580, 877, 743, 739, 650, 733, 672, 640,
		552, 689, 667, 945, 606, 576, 544, 347, 455, 347, 426, 557, 248, 551, 595, 546, 595, 561, 395, 594, 581, 244, 260, 590, 267, 877,
		581, 573, 595, 595, 379, 520, 392, 575, 536, 819, 585, 537, 537, 389, 264, 389, 523,
	}
	semibold = [95]int16{
		236, 243, 376, 552, 656, 818, 677, 195, 306, 306, 424, 566, 225, 418, 225, 508, 683, 427, 642, 637, 643, 656, 615, 538, 644, 618,
		306, 306, 548, 548, 548, 581, 944, 709, 695, 724, 708, 615, 600, 726, 719, 290, 617, 672, 586, 902, 748, 763, 664, 757, 689, 668,
		584, 699, 709, 991, 660, 613, 577, 375, 485, 375, 450, 560, 268, 580, 621, 580, 621, 591, 429, 620, 601, 269, 308, 628, 297, 892,
		601, 603, 621, 621, 409, 553, 427, 597, 584, 839, 628, 570, 567, 401, 284, 401, 523,
	}
)

// textWidth is the width of s in pixels at the given size, rounded up.
func textWidth(s string, size int, bold bool) int {
	sum := 0
	for _, r := range s {
		sum += runeWidth(r, bold)
	}
	return (sum*size + 999) / 1000
}

// runeWidth is the advance of r in thousandths of an em.
func runeWidth(r rune, bold bool) int {
	switch {
	case r >= ' ' && r <= '~' && bold:
		return int(semibold[r-' '])
	case r >= ' ' && r <= '~':
		return int(regular[r-' '])
	case r >= 0x300 && r <= 0x36f, r >= 0x200b && r <= 0x200f, r >= 0xfe00 && r <= 0xfe0f:
		return 0 // combining marks, joiners, variation selectors
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xd7ff, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f,
		r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f000:
		return 1050 // full-width scripts and pictographs
	case r < 0x250:
		return 640
	}
	return 720
}

// wrapText breaks s at spaces into lines no wider than limit, at most lines of
// them; what does not fit is cut and ends in an ellipsis.
func wrapText(s string, size int, bold bool, limit, lines int) []string {
	var out []string
	rest := []rune(s)
	for len(rest) > 0 {
		if len(out) == lines-1 {
			return append(out, cutText(string(rest), size, bold, limit))
		}
		end, space, sum := 0, 0, 0
		for end < len(rest) {
			sum += runeWidth(rest[end], bold)
			if sum*size > limit*1000 {
				break
			}
			end++
			if end < len(rest) && rest[end] == ' ' {
				space = end
			}
		}
		switch {
		case end == len(rest):
			return append(out, string(rest))
		case space > 0:
			end = space
		case end == 0:
			end = 1
		}
		out = append(out, string(rest[:end]))
		rest = rest[end:]
		for len(rest) > 0 && rest[0] == ' ' {
			rest = rest[1:]
		}
	}
	return out
}

// cutText shortens s to limit pixels with an ellipsis.
func cutText(s string, size int, bold bool, limit int) string {
	if textWidth(s, size, bold) <= limit {
		return s
	}
	sum, keep := runeWidth('…', bold), 0
	for i, r := range s {
		sum += runeWidth(r, bold)
		if sum*size > limit*1000 {
			break
		}
		keep = i + len(string(r))
	}
	for keep > 0 && s[keep-1] == ' ' {
		keep--
	}
	return s[:keep] + "…"
}
