package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"baton/internal/identity"
	"baton/internal/lifecycle"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"Demo Requested": "demo_requested", "demo_requested": "demo_requested", "demoRequested": "demo_requested", "DEMO REQUESTED": "demo_requested",
		"HTTPServer": "http_server", "  Pricing -- Viewed! ": "pricing_viewed", "$pageview": "pageview", "company.employeeCount": "company.employee_count",
		"Q3 Report": "q3_report", "webinar2Attended": "webinar2_attended", "A/B Test": "a_b_test", "Éclair Bought": "éclair_bought", "!!!": "!!!",
		"_private_": "private", "a__b": "a_b", "x._y": "x.y", "x_.y": "x.y", "東京": "東京",
	} {
		if got := snake(name); got != want {
			t.Errorf("%q is spelt %q, want %q", name, got, want)
		} else if again := snake(got); again != got {
			t.Errorf("%q is spelt %q, and that %q", name, got, again)
		}
	}
}

func TestMoments(t *testing.T) {
	received := noon.UnixMicro()
	const hour = int64(3600e6)
	for _, test := range []struct {
		name string
		e    event
		sent string
		want int64
	}{
		{"nothing said", event{}, "", received},
		{"nothing but when it was sent", event{sentAt: "2026-11-23T11:00:00Z"}, "", received},
		{"a clock that is right", event{timestamp: "2026-11-23T11:00:00Z"}, "2026-11-23T12:00:00Z", received - hour},
		{"a clock three hours slow", event{timestamp: "2026-11-23T08:00:00Z"}, "2026-11-23T09:00:00Z", received - hour},
		{"a clock two days fast", event{timestamp: "2026-11-25T11:00:00Z"}, "2026-11-25T12:00:00Z", received - hour},
		{"originalTimestamp alone", event{originalTimestamp: "2026-11-23T08:00:00Z"}, "2026-11-23T09:00:00Z", received - hour},
		{"the event's own sentAt", event{timestamp: "2026-11-23T08:00:00Z", sentAt: "2026-11-23T09:00:00Z"}, "2026-11-23T15:00:00Z", received - hour},
		{"both: timestamp is the author's", event{timestamp: "2026-01-02T03:04:05.678Z", originalTimestamp: "2026-11-23T08:00:00Z"}, "2026-11-23T09:00:00Z", 1767323045678000},
		{"no sentAt", event{timestamp: "2026-11-23T11:00:00+01:00"}, "", received - 2*hour},
		{"in the future", event{timestamp: "2027-11-23T11:00:00Z"}, "", received},
		{"after it was sent", event{timestamp: "2026-11-23T12:30:00Z"}, "2026-11-23T12:00:00Z", received},
		{"both in the future", event{timestamp: "2027-01-02T03:04:05Z", originalTimestamp: "2026-11-23T08:00:00Z"}, "2026-11-23T09:00:00Z", received},
		{"long before everything", event{timestamp: "1970-01-01T00:00:00Z"}, "2090-11-23T12:00:00Z", 0},
		{"no zone", event{timestamp: "2026-11-23T11:00:00.5"}, "", received - hour + 500_000},
		{"nanoseconds", event{timestamp: "2026-11-23T11:00:00.123456789Z"}, "", received - hour + 123456},
		{"a day", event{timestamp: "2026-11-23"}, "", received - 12*hour},
	} {
		got, err := test.e.occurred(test.sent, received)
		if err != nil || got != test.want {
			t.Errorf("%s: %d %v, want %d (%d seconds off)", test.name, got, err, test.want, (got-test.want)/1_000_000)
		}
	}
}

// told writes an arrival on one line, without what is the same for all.
func told(a *lifecycle.Arrival) string {
	var b strings.Builder
	in := &a.Input
	b.WriteString(in.Kind.String())
	if in.Name != "" {
		b.WriteString(" " + in.Name)
	}
	for _, k := range a.Keys {
		fmt.Fprintf(&b, " <%s %s>", k.Kind, k.Value)
	}
	if a.Account != "" {
		fmt.Fprintf(&b, " @%s(%s)", a.Account, a.AccountName)
	}
	for _, v := range in.Values {
		fmt.Fprintf(&b, " %s=%s", v.Name, v.Value)
	}
	if in.Asset != "" {
		b.WriteString(" asset=" + in.Asset)
	}
	if len(in.Keep) > 0 {
		fmt.Fprintf(&b, " keep%v", in.Keep)
	}
	if in.Bot {
		b.WriteString(" bot")
	}
	if in.Key != "" {
		b.WriteString(" #" + in.Key)
	}
	return b.String()
}

func TestArrivals(t *testing.T) {
	plan, _ := waterfall(t)
	for _, test := range []struct {
		name, kind, body string
		want             []string
	}{
		{"identify", "identify", `{"userId":"u1","anonymousId":"b1","messageId":"m1","traits":{"email":" Jane@Acme.example","title":"VP","company":{"name":"Acme","employee_count":420}}}`,
			[]string{"identify <email jane@acme.example> <id user:u1> <anonymous b1> @acme.example(Acme) company.employees=420 company.name=Acme title=VP #m1"}},
		{"user ID is an address", "identify", `{"userId":"jane@acme.example"}`,
			[]string{"identify <email jane@acme.example> <id user:jane@acme.example> @acme.example()"}},
		{"free mail, company by name", "identify", `{"userId":"u1","traits":{"email":"jane@gmail.com","company":"ACME, Inc."}}`,
			[]string{"identify <email jane@gmail.com> <id user:u1> @name:acme(ACME, Inc.) company.name=ACME, Inc."}},
		{"company by its web site", "identify", `{"userId":"u1","traits":{"email":"jane@gmail.com","company":{"website":"https://www.acme.example/about"}}}`,
			[]string{"identify <email jane@gmail.com> <id user:u1> @acme.example() company.domain=www.acme.example"}},
		{"names in two parts", "identify", `{"userId":"u1","traits":{"firstName":"Jane","lastName":"Doe"}}`,
			[]string{"identify <id user:u1> name=Jane Doe"}},
		{"names in two parts and whole", "identify", `{"userId":"u1","traits":{"firstName":"Jane","name":"Jane Doe"}}`,
			[]string{"identify <id user:u1> first_name=Jane name=Jane Doe"}},
		{"unknown traits and a wrong address are kept", "identify", `{"userId":"u1","traits":{"email":"jane at acme","favouriteColour":"red","address":{"country":"SE","street":"x"}}}`,
			[]string{"identify <id user:u1> address.street=x country=SE email=jane at acme favourite_colour=red"}},
		{"the exact name counts before another", "identify", `{"userId":"u1","traits":{"position":"b","title":"a"}}`,
			[]string{"identify <id user:u1> title=a"}},
		{"traits in the context", "identify", `{"userId":"u1","context":{"traits":{"email":"jane@acme.example","title":"VP"}}}`,
			[]string{"identify <email jane@acme.example> <id user:u1> @acme.example() title=VP"}},
		{"group in the context", "identify", `{"userId":"u1","context":{"groupId":"acme.example"}}`,
			[]string{"identify <id user:u1> @acme.example()"}},
		{"group in the context that is no domain", "identify", `{"userId":"u1","context":{"groupId":"5f3a"}}`,
			[]string{"identify <id user:u1>"}},
		{"campaign with an identify", "identify", `{"userId":"u1","traits":{"title":"VP"},"context":{"campaign":{"name":"spring","source":"google","medium":"cpc"}}}`,
			[]string{"identify <id user:u1> campaign=spring source=paid_search title=VP keep[campaign source]"}},

		{"track", "track", `{"userId":"u1","event":"Demo Requested","messageId":"m1","properties":{"plan":"enterprise","seats":5}}`,
			[]string{"activity demo_requested <id user:u1> plan=enterprise seats=5 #m1"}},
		{"track of the unknown", "track", `{"anonymousId":"b1","event":"Signup.Started v2"}`,
			[]string{"activity signup_started_v2 <anonymous b1>"}},
		{"asset", "track", `{"userId":"u1","event":"content_downloaded","properties":{"asset":"Price List"}}`,
			[]string{"activity content_downloaded <id user:u1> asset=price_list"}},
		{"address in the context", "track", `{"userId":"u1","event":"x","context":{"traits":{"email":"jane@acme.example","title":"ignored"}}}`,
			[]string{"activity x <email jane@acme.example> <id user:u1>"}},
		{"first touch", "track", `{"anonymousId":"b1","event":"x","messageId":"m1","context":{"campaign":{"name":"spring","source":"newsletter","medium":"email"}}}`,
			[]string{"identify <anonymous b1> campaign=spring source=email keep[campaign source] #m1/c", "activity x <anonymous b1> #m1"}},
		{"first touch of a kind that is not in the list", "track", `{"anonymousId":"b1","event":"x","context":{"campaign":{"source":"billboard"}}}`,
			[]string{"identify <anonymous b1> source=billboard keep[source]", "activity x <anonymous b1>"}},
		{"a robot", "track", `{"anonymousId":"b1","event":"x","context":{"userAgent":"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)","campaign":{"source":"email"}}}`,
			[]string{"activity x <anonymous b1> bot"}},
		{"page", "page", `{"anonymousId":"b1","name":"Pricing","properties":{"url":"https://x.example/pricing?a=1#b"}}`,
			[]string{"activity page_viewed <anonymous b1> name=Pricing path=/pricing url=https://x.example/pricing?a=1#b"}},
		{"page in the context", "page", `{"anonymousId":"b1","context":{"page":{"url":"https://x.example","title":"Home","path":"/home"}}}`,
			[]string{"activity page_viewed <anonymous b1> path=/home title=Home url=https://x.example"}},
		{"screen", "screen", `{"userId":"u1","name":"Dashboard"}`, []string{"activity page_viewed <id user:u1> name=Dashboard"}},

		{"group by domain", "group", `{"userId":"u1","groupId":"acme.example","traits":{"name":"Acme","industry":"logistics","employees":420}}`,
			[]string{"identify <id user:u1> @acme.example(Acme) company.employees=420 company.industry=logistics company.name=Acme"}},
		{"group by name", "group", `{"userId":"u1","groupId":"g-77","traits":{"name":"Acme GmbH"}}`,
			[]string{"identify <id user:u1> @name:acme(Acme GmbH) company.id=g-77 company.name=Acme GmbH"}},
		{"group by its ID alone", "group", `{"userId":"u1","groupId":"0e8c78ea9d97"}`, []string{"identify <id user:u1> company.id=0e8c78ea9d97"}},
		{"group by its web site", "group", `{"userId":"u1","groupId":"team-42","traits":{"website":"https://www.acme.example"}}`,
			[]string{"identify <id user:u1> @acme.example() company.domain=www.acme.example company.id=team-42"}},
		{"group with another ID", "group", `{"userId":"u1","groupId":"team-42","traits":{"id":"a1"}}`, []string{"identify <id user:u1> company.id=a1"}},
		{"group by the address in the context", "group", `{"userId":"u1","groupId":"g-77","context":{"traits":{"email":"j@acme.example"}}}`,
			[]string{"identify <email j@acme.example> <id user:u1> @acme.example() company.id=g-77"}},
		{"alias", "alias", `{"userId":"u1","previousId":"b1"}`, []string{"identify <id user:u1> <id user:b1> <anonymous b1>"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := parseCall([]byte(test.body), test.kind)
			if err != nil {
				t.Fatal(err)
			}
			m := mapper{plan: plan, source: "api:test", known: noon.UnixMicro()}
			m.add(&c.events[0], 5)
			var got []string
			for i := range m.arrivals {
				a := &m.arrivals[i]
				got = append(got, told(a))
				if a.Input.At != 5 || a.Input.Known != noon.UnixMicro() || a.Input.Source != "api:test" {
					t.Errorf("at %d, known %d, source %q", a.Input.At, a.Input.Known, a.Input.Source)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("arrivals (-want +got):\n%s", diff)
			}
		})
	}
}

// An agreement with other words gets other words.
func TestArrivalsInTheWordsOfTheAgreement(t *testing.T) {
	_, source := waterfall(t)
	plan := compile(t, "a.yaml", strings.NewReplacer("  page_viewed:\n", "  screen_viewed: {value: low}\n  page_viewed:\n",
		"  campaign: text\n", "  campaign: text\n  medium: text\n  locale: text\n").Replace(string(source)))
	c, err := parseCall([]byte(`{"batch":[
		{"type":"screen","userId":"u1","context":{"campaign":{"name":"s","medium":"billboard"},"locale":"sv-SE"}},
		{"type":"identify","userId":"u1","traits":{"email":"a@b.example"},"context":{"locale":"sv-SE"}}]}`), "")
	if err != nil {
		t.Fatal(err)
	}
	m := mapper{plan: plan}
	for i := range c.events {
		m.add(&c.events[i], 0)
	}
	var got []string
	for i := range m.arrivals {
		got = append(got, told(&m.arrivals[i]))
	}
	want := []string{"identify <id user:u1> campaign=s medium=billboard keep[campaign medium]", "activity screen_viewed <id user:u1>",
		"identify <email a@b.example> <id user:u1> @b.example() locale=sv-SE"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrivals (-want +got):\n%s", diff)
	}
}

func TestRobots(t *testing.T) {
	for agent, want := range map[string]bool{
		"": false,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36":                             false,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1": false,
		"Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36":                 false,
		"analytics-node/3.0.13": false, "analytics-go (version: 3.0.0)": false, "curl/7.88.1": false, "analytics-python/2.3.2": false,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0 Safari/537.36": true,
		"LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)":                                                    true,
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0 Safari/537.36":                                true,
		"Barracuda Sentinel (EE)": true,
	} {
		if got := isRobot(agent); got != want {
			t.Errorf("%q: %v", agent, got)
		}
	}
	for _, mark := range robots {
		if mark != strings.ToLower(mark) {
			t.Errorf("%q is not in lower case, so that nothing matches it", mark)
		}
	}
}

func TestEmailKeysAreThoseOfIdentity(t *testing.T) {
	want, err := identity.NormalizeEmail("Jane+x@ACME.example")
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := emailKey("Jane+x@ACME.example"); !ok || got != want {
		t.Errorf("%v", got)
	}
}

// Remembered or not, a user agent is a robot's or it is not; and only so many are remembered.
func TestAgentsAreRemembered(t *testing.T) {
	var a agents
	robot, person := "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
	for i := range agentsKept + 10 {
		if !a.robot(robot) || a.robot(person) || a.robot("") || a.robot(strings.Repeat("x", agentLength+1)) {
			t.Fatalf("round %d: a robot is %v, a person %v", i, a.robot(robot), a.robot(person))
		}
		a.robot(fmt.Sprintf("%s %d", person, i))
		if n := len(a.known); n > agentsKept {
			t.Fatalf("%d are remembered", n)
		}
	}
	if a.known[strings.Repeat("x", agentLength+1)] {
		t.Error("a long one is remembered")
	}
}
