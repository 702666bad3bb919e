package web

import (
	"fmt"
	"maps"
	"slices"

	"baton/internal/channel"
	"baton/internal/delivery"
	"baton/internal/store"
)

// mailPage is by what mail goes out, and what went.
type mailPage struct {
	Tabs   []link
	Set    bool // there is a mail server
	Answer string
	standing
	Again  bool
	To     string // where a test goes
	Facts  []fact
	Own    []fact // addresses that mails go to instead
	Alerts []alertLine
	deliveries
}

// fact is something known, by its name.
type fact struct{ Name, Value, Hint string }

// mailStanding says how the mail server stands.
func (a *ask) mailStanding(all map[string]*store.Reach) standing {
	if a.site.Desk == nil || a.site.Desk.Mail == nil {
		return standing{Text: "No mail server is set, so no mails go out."}
	}
	return a.reached(all, store.EmailEndpoint)
}

// showMail makes six queries beside those of every page.
func showMail(a *ask) (answer, error) {
	all, err := a.site.Store.Reaches(a.Context())
	if err != nil {
		return nil, err
	}
	p := mailPage{Tabs: settingsTabs(a, "/settings/mail"), standing: a.mailStanding(all), To: a.viewer.Email, Alerts: a.alertsBy("email"), Again: len(againAt(all, store.EmailEndpoint)) > 0}
	if d := a.site.Desk; d != nil && d.Mail != nil {
		p.Set, p.Facts = true, mailFacts(d.Mail.Config())
		for _, who := range slices.Sorted(maps.Keys(d.Mails)) {
			name := a.nameOf(who)
			if who == "" {
				name = "Whoever has no address"
			}
			p.Own = append(p.Own, fact{Name: name, Value: d.Mails[who]})
		}
	}
	switch {
	case !p.Set:
		p.Answer = "No mails go out."
	case p.fails():
		p.Answer = "The mail server does not take what is sent."
	case p.Tone == "":
		p.Answer = "No mail was sent yet."
	default:
		p.Answer = "The mail server takes what is sent."
	}
	if p.deliveries, err = a.deliveries(store.JobFilter{Channel: store.EmailEndpoint}, "/settings/mail"); err != nil {
		return nil, err
	}
	return page{title: "Mail", body: mailBody(p), live: "deliveries"}, nil
}

// mailFacts say what mails go out by, without a secret.
func mailFacts(c channel.MailConfig) []fact {
	from := c.From.Mail
	if c.From.Name != "" {
		from = c.From.Name + " <" + c.From.Mail + ">"
	}
	protected := map[channel.TLS]fact{
		channel.StartTLS:      {Value: "STARTTLS", Hint: "Nothing is sent before it is encrypted."},
		channel.ImplicitTLS:   {Value: "TLS", Hint: "Encrypted from the first byte."},
		channel.Opportunistic: {Value: "TLS if it is offered", Hint: "Otherwise in the clear."},
		channel.NoTLS:         {Value: "Not encrypted", Hint: "Only to this machine or a private network."},
	}[c.TLS]
	protected.Name = "Protected by"
	who := fact{"Signs in as", "nobody", ""}
	if c.User != "" {
		who = fact{"Signs in as", c.User, "The password is set and not shown."}
	}
	return []fact{{"Server", fmt.Sprintf("%s, port %d", c.Host, c.Port), ""}, protected, who, {"Sender", from, ""}}
}

func changeMail(a *ask) (answer, error) {
	switch a.PathValue("act") {
	case "test":
		return a.tested("/settings/mail", func(d *delivery.Desk) (delivery.Tried, error) {
			return d.TestMail(a.Context(), channel.Address{Name: a.viewer.Name, Mail: a.viewer.Email})
		})
	case "hurry":
		return a.hurried("/settings/mail", []string{store.EmailEndpoint})
	}
	return nil, errNotFound
}
