package replay

import (
	"fmt"
	"strings"
)

// DemoCalling returns the waterfall template as a second version of the demo's agreement: leads who fit are called, and
// their numbers are known.
func DemoCalling(template []byte) ([]byte, error) {
	text := string(template)
	for _, change := range [][2]string{
		{"  title: text\n", "  title: text\n  phone: text\n"},
		{"show: [name, title,", "show: [name, title, phone,"},
		{"\nchannels:\n", `
tele_qualification:
  definition: Find out on the phone who decides, what they need and by when.
  stages: lead
  when: fit >= 40
  channel: phone
  lease: 20 minutes
  attempts: 5 over 14 days
  spacing: 4 working hours
  exhausted: no_response
  outcomes: {wrong_number: bad_data}

channels:
`}} {
		before := text
		if text = strings.Replace(text, change[0], change[1], 1); text == before {
			return nil, fmt.Errorf("the template has no %q", change[0])
		}
	}
	return []byte(text), nil
}
