package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"baton/internal/agreement"
	"baton/internal/delivery"
	"baton/internal/store"
)

// ways are the ways by which something goes out, as they stand.
type ways struct {
	hooks []hookRow
	chats []chatWay
	mail  standing
	reach map[string]*store.Reach
}

// hookRow is a webhook.
type hookRow struct {
	standing
	store.Webhook
	Host, Wants string
}

// chatWay is Slack or Teams, with the addresses there.
type chatWay struct {
	Name, Title string
	Rows        []chatRow
}

// chatRow is an address in chat, by whom it is for.
type chatRow struct {
	standing
	Who, Words, Host string
}

var chatTitles = [...]struct{ name, title string }{{"slack", "Slack"}, {"teams", "Microsoft Teams"}}

// ways makes three queries: the webhooks, and how endpoints answer.
func (a *ask) ways() (*ways, error) {
	hooks, err := a.site.Store.Webhooks(a.Context())
	if err != nil {
		return nil, err
	}
	w := &ways{}
	if w.reach, err = a.site.Store.Reaches(a.Context()); err != nil {
		return nil, err
	}
	for i := range hooks {
		w.hooks = append(w.hooks, a.hookRow(&hooks[i], w.reach))
	}
	for _, t := range chatTitles {
		c := chatWay{Name: t.name, Title: t.title}
		addresses := a.site.chatAddresses(t.name)
		for _, who := range slices.Sorted(maps.Keys(addresses)) {
			row := chatRow{Who: who, Words: "For " + a.nameOf(who), Host: hostOf(addresses[who]), standing: a.reached(w.reach, t.name+" "+who)}
			if who == "" {
				row.Words, row.standing = "For everybody else", a.reached(w.reach, lastOfOthers(w.reach, t.name, addresses))
				c.Rows = append(c.Rows, row)
				continue
			}
			c.Rows = append(c.Rows, row)
		}
		if len(c.Rows) > 1 && c.Rows[0].Who == "" { // whoever has an address of their own comes first
			c.Rows = append(c.Rows[1:], c.Rows[0])
		}
		w.chats = append(w.chats, c)
	}
	w.mail = a.mailStanding(w.reach)
	return w, nil
}

// chatAddresses are the addresses that are set in a chat, by whom they are for.
func (s *Site) chatAddresses(way string) map[string]string {
	if s.Desk == nil {
		return nil
	}
	return map[string]map[string]string{"slack": s.Desk.Slack, "teams": s.Desk.Teams}[way]
}

// lastOfOthers is the endpoint that was tried last among those that go to the address for all others.
func lastOfOthers(all map[string]*store.Reach, way string, own map[string]string) (endpoint string) {
	last := int64(-1)
	for name, r := range all { // order: the last tried, then by name
		who, is := strings.CutPrefix(name, way)
		who = strings.TrimPrefix(who, " ")
		if !is || who != "" && own[who] != "" || r.TriedAt < last || r.TriedAt == last && name > endpoint {
			continue
		}
		last, endpoint = r.TriedAt, name
	}
	return endpoint
}

func (a *ask) hookRow(w *store.Webhook, reach map[string]*store.Reach) hookRow {
	h := hookRow{Webhook: *w, Host: hostOf(w.URL), Wants: "all events", standing: a.reached(reach, store.WebhookEndpoint(w.ID))}
	if w.Events != "" {
		h.Wants = strings.ReplaceAll(strings.Join(strings.Fields(w.Events), ", "), "_", " ")
	}
	if w.DisabledAt != 0 {
		h.standing = standing{Tone: "late", Word: "Switched off", Text: "Since " + a.clockTime(w.DisabledAt) + ". " + plainly(w.DisabledWhy) + " Nothing is sent there until it is switched on again."}
	}
	return h
}

// each calls a function for how each way stands.
func (w *ways) each(f func(standing)) {
	for i := range w.hooks {
		f(w.hooks[i].standing)
	}
	for i := range w.chats {
		for j := range w.chats[i].Rows {
			f(w.chats[i].Rows[j].standing)
		}
	}
}

// failing is how many ways do not get through.
func (w *ways) failing() (n int) {
	if w.mail.fails() {
		n++
	}
	w.each(func(s standing) {
		if s.fails() {
			n++
		}
	})
	return n
}

// tried is how many addresses of webhooks and chats were tried.
func (w *ways) tried() (n int) {
	w.each(func(s standing) {
		if s.Tone != "" {
			n++
		}
	})
	return n
}

// waysStanding says in a line how webhooks and chat stand.
func waysStanding(w *ways) standing {
	all, bad, first := 0, 0, ""
	w.each(func(s standing) {
		if all++; s.fails() {
			bad++
			first = cmp.Or(first, s.Text)
		}
	})
	switch {
	case all == 0:
		return standing{Text: "No address is set, so programs and chats are told nothing."}
	case bad == 1 && all == 1:
		return standing{"late", "Not getting through", first}
	case w.tried() == 0:
		return standing{Text: counted(all, "address is", "addresses are") + " set. Nothing was sent there yet."}
	case bad > 0:
		return standing{"late", fmt.Sprintf("%d of %d not getting through", bad, all), first}
	}
	return standing{"kept", counted(all, "address", "addresses"), "What was sent there last was taken."}
}

// alertLine is an alert of the agreement, and what it tells.
type alertLine struct{ Address, Words string }

// alertsBy are the alerts of the agreement that go out by a way.
func (a *ask) alertsBy(way string) []alertLine {
	var list []alertLine
	for i := range a.plan.Alerts {
		t := &a.plan.Alerts[i]
		if slices.Contains(t.By, way) {
			list = append(list, alertLine{t.Address, eventWords(t.On)})
		}
	}
	return list
}

// toldAnyway is what goes out by mail though no alert says so.
const toldAnyway = "Whoever is offered a lead, loses one, is reminded or asked to step in is told by mail all the same, unless an alert says another way."

// noAlert says what it means that no alert goes out by a way. What was sent before stands on the same page.
func noAlert(way string) string {
	text := "No alert of the agreement that applies is sent by " + way + ". "
	if way == "mail" {
		return text + toldAnyway
	}
	return text + "Tests arrive; whatever else was sent, or waits, began under an earlier version of it."
}

// eventWords says what happened.
func eventWords(event string) string {
	return cmp.Or(map[string]string{"offered": "a lead is offered", "accepted": "a lead is accepted", "reminded": "a deadline comes near", "breached": "time ran out", "reassigned": "a lead goes to somebody else",
		"escalated": "a manager is asked", "rejected": "a lead is rejected", "handed_back": "a lead is handed back", "won": "a lead is won", "lost": "a lead is lost", "activity": "somebody did something",
		"paused": "a clock is paused", "resumed": "a clock goes on"}[event], strings.ReplaceAll(event, "_", " "))
}

// webhooksPage are the webhooks and the chats, and what adds a webhook.
type webhooksPage struct {
	Tabs   []link
	Why    string
	URL    string // of the form that is not right
	Chosen []string
	Hooks  []hookRow
	Chats  []chatWay
	Alerts []alertLine
	Answer string
	Secret *madeSecret
}

// madeSecret is a secret that is shown this once.
type madeSecret struct{ Title, Text, Secret string }

func showWebhooks(a *ask) (answer, error) { return a.webhooks(webhooksPage{}) }

func (a *ask) webhooks(p webhooksPage) (page, error) {
	w, err := a.ways()
	if err != nil {
		return page{}, err
	}
	p.Tabs, p.Hooks, p.Alerts = settingsTabs(a, "/settings/webhooks"), w.hooks, a.alertsBy("webhook")
	for _, c := range w.chats {
		if len(c.Rows) > 0 || len(a.alertsBy(c.Name)) > 0 {
			p.Chats = append(p.Chats, c)
		}
	}
	all, bad := 0, 0
	w.each(func(s standing) {
		if all++; s.fails() {
			bad++
		}
	})
	switch {
	case all == 0:
		p.Answer = "Nobody outside is told of anything yet."
	case w.tried() == 0:
		p.Answer = "Nothing was sent to anybody outside yet."
	case bad == 0 && all == 1:
		p.Answer = "The one address takes what is sent."
	case bad == 0:
		p.Answer = "All " + numberWord(all) + " addresses take what is sent."
	case all == 1:
		p.Answer = "The one address is not getting through."
	default:
		p.Answer = capital(numberWord(bad)) + " of " + numberWord(all) + " addresses " + plural(bad, "is", "are") + " not getting through."
	}
	live := "deliveries"
	if p.Secret != nil || p.Why != "" {
		live = "" // what stands there once stays until its reader leaves
	}
	return page{title: "Webhooks and chat", body: webhooksBody(p), live: live}, nil
}

func addWebhook(a *ask) (answer, error) {
	p := webhooksPage{URL: strings.TrimSpace(a.PostFormValue("url")), Chosen: a.PostForm["event"]}
	events := p.Chosen
	if len(events) == len(agreement.Events) {
		events = nil
	}
	id, secret, err := a.site.API.AddWebhook(a.Context(), p.URL, events)
	if err != nil {
		return refusedForm(err, func(why string) (page, error) { p.Why = why; return a.webhooks(p) })
	}
	return a.webhook(id, webhookPage{Secret: &madeSecret{"The secret that signs what is sent there", "Give it to whoever receives, who checks each message with it. It is shown only now; another one can be made at any time.", secret}})
}

// webhookPage is a webhook with what was sent there.
type webhookPage struct {
	Tabs   []link
	Hook   hookRow
	Answer string
	Again  bool // something waits for another try
	Why    string
	Alerts []alertLine
	Secret *madeSecret
	Two    string // until when two secrets sign
	Added  string
	deliveries
}

func showWebhook(a *ask) (answer, error) {
	id, err := a.numberIn("webhook")
	if err != nil {
		return nil, err
	}
	return a.webhook(id, webhookPage{})
}

// webhook makes seven queries beside those of every page.
func (a *ask) webhook(id int64, p webhookPage) (answer, error) {
	w, err := a.ways()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(w.hooks, func(h hookRow) bool { return h.ID == id })
	if i < 0 {
		return nil, errNotFound
	}
	p.Tabs, p.Hook, p.Alerts = settingsTabs(a, "/settings/webhooks"), w.hooks[i], a.alertsBy("webhook")
	p.Added = a.dayWords(p.Hook.CreatedAt)
	if p.Hook.OldUntil > a.now.UnixMicro() {
		p.Two = a.clockTime(p.Hook.OldUntil)
	}
	if r := w.reach[store.WebhookEndpoint(id)]; r != nil {
		p.Again = r.Again > 0
	}
	switch p.Hook.Word {
	case "Working":
		p.Answer = p.Hook.Host + " takes what is sent."
	case "Switched off":
		p.Answer = p.Hook.Host + " is switched off."
	case "Not tried yet":
		p.Answer = p.Hook.Host + " was not sent anything yet."
	default:
		p.Answer = p.Hook.Host + " does not take what is sent."
	}
	if p.deliveries, err = a.deliveries(store.JobFilter{Webhook: id}, webhookURL(id)); err != nil {
		return nil, err
	}
	out := page{title: "Webhook", body: webhookBody(p), live: "deliveries"}
	if p.Secret != nil {
		out.live = ""
	}
	if p.Why != "" {
		return shown{page: out, status: http.StatusUnprocessableEntity}, nil
	}
	return out, nil
}

func rotateWebhook(a *ask) (answer, error) {
	id, err := a.numberIn("webhook")
	if err != nil {
		return nil, err
	}
	hours, err := strconv.ParseFloat(a.PostFormValue("hours"), 64)
	if err != nil || !(hours >= 0 && hours <= 2160) {
		return nil, badField("choose for how long the secret before signs too")
	}
	secret, err := a.site.API.RotateWebhook(a.Context(), id, hours)
	if err != nil {
		f := failureOf(err)
		if f.status >= 500 || f.status == http.StatusNotFound {
			return nil, err
		}
		return a.webhook(id, webhookPage{Why: f.text})
	}
	text := "The one before signs beside it for a while: give this one to whoever receives until then. It is shown only now."
	if hours == 0 {
		text = "The one before signs nothing any more: what is sent is refused until whoever receives has this one. It is shown only now."
	}
	return a.webhook(id, webhookPage{Secret: &madeSecret{"The new secret", text, secret}})
}

// webhookByID finds a webhook.
func (a *ask) webhookByID(id int64) (*store.Webhook, error) {
	list, err := a.site.Store.Webhooks(a.Context())
	return byID(list, err, func(w *store.Webhook) bool { return w.ID == id })
}

func changeWebhook(a *ask) (answer, error) {
	id, err := a.numberIn("webhook")
	if err != nil {
		return nil, err
	}
	hook, err := a.webhookByID(id)
	if err != nil {
		return nil, err
	}
	to, host := webhookURL(id), hostOf(hook.URL)
	switch a.PathValue("act") {
	case "test":
		return a.tested(to, func(d *delivery.Desk) (delivery.Tried, error) { return d.TestWebhook(a.Context(), id, a.viewer.Email) })
	case "hurry":
		return a.hurried(to, []string{store.WebhookEndpoint(id)})
	case "enable":
		return posted(to, host, "is sent events again, from now on.", a.site.Store.EnableWebhook(a.Context(), id, a.now.UnixMicro()))
	case "remove":
		return posted("/settings/webhooks", host, "is removed. What waited to be sent there is dropped.", a.site.Store.RemoveWebhook(a.Context(), id, a.now.UnixMicro()))
	}
	return nil, errNotFound
}

// channelPage is Slack or Teams with what was sent there.
type channelPage struct {
	Tabs   []link
	Way    chatWay
	Answer string
	Again  bool
	Alerts []alertLine
	deliveries
}

func showChannel(a *ask) (answer, error) {
	w, err := a.ways()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(w.chats, func(c chatWay) bool { return c.Name == a.PathValue("channel") })
	if i < 0 {
		return nil, errNotFound
	}
	p := channelPage{Tabs: settingsTabs(a, "/settings/webhooks"), Way: w.chats[i], Alerts: a.alertsBy(w.chats[i].Name), Again: len(againAt(w.reach, w.chats[i].Name)) > 0}
	bad, tried := 0, 0
	for j := range p.Way.Rows {
		if p.Way.Rows[j].Tone != "" {
			tried++
		}
		if p.Way.Rows[j].fails() {
			bad++
		}
	}
	switch {
	case len(p.Way.Rows) == 0:
		p.Answer = "No address in " + p.Way.Title + " is set."
	case tried == 0:
		p.Answer = p.Way.Title + " was not sent anything yet."
	case bad == 0:
		p.Answer = p.Way.Title + " takes what is sent."
	default:
		p.Answer = p.Way.Title + " does not take all that is sent."
	}
	if p.deliveries, err = a.deliveries(store.JobFilter{Channel: p.Way.Name}, channelURL(p.Way.Name)); err != nil {
		return nil, err
	}
	return page{title: p.Way.Title, body: channelBody(p), live: "deliveries"}, nil
}

// againAt are the endpoints of a way where something waits for another try.
func againAt(all map[string]*store.Reach, way string) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Again > 0 && (name == way || strings.HasPrefix(name, way+" ")) {
			list = append(list, name)
		}
	}
	return list
}

func changeChannel(a *ask) (answer, error) {
	way := a.PathValue("channel")
	if way != "slack" && way != "teams" {
		return nil, errNotFound
	}
	switch a.PathValue("act") {
	case "test":
		return a.tested(channelURL(way), func(d *delivery.Desk) (delivery.Tried, error) {
			return d.TestChat(a.Context(), way, a.PostFormValue("who"), a.viewer.Email)
		})
	case "hurry":
		all, err := a.site.Store.Reaches(a.Context())
		if err != nil {
			return nil, err
		}
		return a.hurried(channelURL(way), againAt(all, way))
	}
	return nil, errNotFound
}

func webhookURL(id int64) string         { return "/settings/webhooks/" + strconv.FormatInt(id, 10) }
func channelURL(name string) string      { return "/settings/channels/" + name }
func safe(parts ...string) templ.SafeURL { return templ.SafeURL(strings.Join(parts, "")) }

// eventName is an event as people choose it.
func eventName(event string) string { return strings.ReplaceAll(event, "_", " ") }

// rotateHours are for how long two secrets may sign.
var rotateHours = []field{{"24", "A day"}, {"168", "A week"}, {"0", "No longer: it has become known"}}

// hookFacts are what is known of a webhook.
func hookFacts(p webhookPage) []fact {
	list := []fact{{"Address", p.Hook.URL, ""}, {"Wants", p.Hook.Wants, ""}, {"Added", capital(strings.TrimPrefix(p.Added, "on ")), ""}}
	if p.Two != "" {
		return append(list, fact{"Secrets", "Two sign until " + p.Two, "Whoever receives changes to the new one by then."})
	}
	return append(list, fact{"Secret", "Set and not shown", "It signs each message, as Standard Webhooks has it."})
}
