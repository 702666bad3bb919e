package replay

import (
	"fmt"
	"strings"

	"baton/internal/agreement"
	"baton/internal/lifecycle"
)

// DemoCalling returns the waterfall template as a second version of the demo's agreement: leads who fit are called, and
// their numbers are known; sales says what a lead may come to, and whether it is worth the effort, before it becomes an opportunity.
func DemoCalling(template []byte) ([]byte, error) {
	text := string(template)
	for _, change := range [][2]string{
		{"  title: text\n", "  title: text\n  phone: text\n"},
		{"show: [name, title,", "show: [name, title, phone,"},
		{"  lost:         {side: sales, final: lost}\n", "  lost:         {side: sales, final: lost}\n  left:         {side: sales, final: walked_away, definition: Left to others in good time.}\n"},
		{"  lose:    {from: [sal, sql, opportunity], to: lost, by: sales}\n", "  lose:    {from: [sal, sql, opportunity], to: lost, by: sales}\n  leave:   {from: [sal, sql, opportunity], to: left, by: sales}\n"},
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

sales_qualification:
  definition: We would rather walk away early than lose late.
  before: opportunity
  questions:
    need: "They lose 50,000 a year or more to it, by their own figures."
    budget: "It is set aside, or whoever decides has said that it will be."
    timeline:
      definition: "Within this year: later than that no price of ours holds."
      when: answers.timeline in ["this_quarter", "next_quarter", "this_year"]
  expected_return: {hour_costs: 90, at_least: 3}
  probability: {sal: 10%, sql: 25%, opportunity: 50%}
  competitors:
    incumbent: {definition: Whoever delivers today., strengths: [known to the plant], answer: Ask what a day without the machine costs.}
    in_house: {definition: They build it themselves., strengths: [no order to place], answer: Ask who looks after it in three years.}
    low_cost_import: {definition: "Gearboxes from a catalogue, by container.", strengths: [price], answer: "Show five years of cost, with the stops that we have measured."}
  walk_away:
    too_small: The effort would cost more than it can return.
    cannot_deliver: Not by the date they need it.
    no_sponsor: Nobody there would stand up for a change.

channels:
`}} {
		before := text
		if text = strings.Replace(text, change[0], change[1], 1); text == before {
			return nil, fmt.Errorf("the template has no %q", change[0])
		}
	}
	return []byte(text), nil
}

// DemoWorth is what people say, by the demo, of the i-th lead that sales works: its owner what may come of most of them, and somebody of
// marketing writes to a few although sales holds the conversation.
func DemoWorth(i int, lead int64, owner, marketer string) []lifecycle.Input {
	var list []lifecycle.Input
	if i%6 != 4 && owner != "" {
		say := lifecycle.Input{Kind: lifecycle.Estimate, Lead: lead, Actor: owner, Value: float64(4+(i*29+7)%53) * 1500, Values: []lifecycle.Named{
			{Name: "effort", Value: agreement.NumberValue(float64(12 + (i*17)%60))}}}
		if i%3 == 0 {
			say.Values = append([]lifecycle.Named{{Name: "competitors", Value: agreement.TextValue([]string{"incumbent", "incumbent, in_house"}[i%2])}}, say.Values...)
		}
		if i%2 == 0 {
			say.Values = append(say.Values, lifecycle.Named{Name: "probability", Value: agreement.NumberValue(float64(15+(i*13)%60) / 100)})
		}
		list = append(list, say)
	}
	if i%11 == 3 && marketer != "" {
		list = append(list, lifecycle.Input{Kind: lifecycle.Contact, Lead: lead, Actor: marketer, Name: "sent", Channel: []string{"email", "phone"}[i%2]})
	}
	return list
}
