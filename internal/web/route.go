package web

import (
	"slices"
	"strings"
)

// route is an address of the pages.
type route struct {
	pattern string // of net/http: "GET /leads"
	right   Right  // what its viewer needs
	handle  func(*ask) (answer, error)
	entry   *entry   // its place in the bars, nil for none
	streams bool     // its handler reads the body itself: a file
	exports []export // what can be taken out of it as CSV
	filters []string // the parameters of its address that can be saved under a name
}

// entry is a page in the side bar and, narrow, in the tab bar.
type entry struct {
	Group string // "" for work, See, Agree
	Label string
	Short string // in the tab bar; "" for not there
	Icon  string
	Key   string // after G
	Also  string // another address that its pages are under
	// Count is how much work waits there for the viewer, nil for a page that counts nothing: one query, through an index.
	Count func(*ask) (int64, error)
}

// routes are all addresses there are, in the order of the side bar.
func routes() []route {
	return append([]route{
		{pattern: "GET /{$}", right: SignedIn, handle: home},
		{pattern: "GET /leads", right: WorkLeads, handle: myLeads, exports: myExports, entry: &entry{Label: "My leads", Short: "Leads", Icon: "list-checks", Key: "L", Count: waitingLeads}},
		{pattern: "POST /leads", right: WorkLeads, handle: bulk},
		{pattern: "GET /queue", right: WorkQueue, handle: showQueue, exports: queueExports, entry: &entry{Label: "Queue", Short: "Queue", Icon: "phone", Key: "Q", Count: waitingCalls}},
		{pattern: "POST /queue/take", right: WorkQueue, handle: takeNext},
		{pattern: "POST /queue/{lead}/take", right: WorkQueue, handle: takeCall},
		{pattern: "POST /queue/{lead}/call", right: WorkQueue, handle: called},
		{pattern: "POST /queue/{lead}/release", right: WorkQueue, handle: releaseCall},
		{pattern: "GET /leads/{lead}", right: SeeLeads, handle: showLead},
		{pattern: "POST /leads/{lead}/merge", right: WorkLeads, handle: merge},
		{pattern: "POST /leads/{lead}/split", right: WorkLeads, handle: split},
		{pattern: "GET /accounts/{account}", right: SeeLeads, handle: showCompany, exports: companyExports},
		{pattern: "POST /accounts/{account}/owner", right: WorkLeads, handle: ownAccount},
		{pattern: "GET /leads/{lead}/brief", right: SeeLeads, handle: showBrief},
		{pattern: "POST /leads/{lead}/remind", right: RemindOwners, handle: remind},
		{pattern: "POST /leads/{lead}/{act}", right: WorkLeads, handle: act},
		{pattern: "GET /inbox", right: SignedIn, handle: showInbox, exports: inboxExports, entry: &entry{Label: "Inbox", Short: "Inbox", Icon: "inbox", Key: "I", Count: unreadInbox}},
		{pattern: "POST /inbox", right: SignedIn, handle: readInbox},
		{pattern: "GET /search", right: SeeLeads, handle: search, exports: searchExports},
		{pattern: "GET /search/quick", right: SeeLeads, handle: quickSearch},
		{pattern: "POST /filters", right: SignedIn, handle: saveFilter},
		{pattern: "POST /filters/{filter}", right: SignedIn, handle: changeFilter},
		{pattern: "POST /filters/{filter}/remove", right: SignedIn, handle: removeFilter},
		{pattern: "POST /theme", right: Anybody, handle: setTheme},
		{pattern: "POST /keys", right: Anybody, handle: setKeys},
		{pattern: "GET /live", right: SignedIn, handle: live},
	}, slices.Concat(seeRoutes(), teamRoutes(), importRoutes(), settingsRoutes(), accessRoutes())...)
}

// Addresses are the patterns of all that can be asked for, of net/http: what measures pages knows by them that it left none out.
func Addresses() []string { return patterns("GET ") }

// Actions are the patterns of all that can be done: what looks after who did what knows by them that it left none out.
func Actions() []string { return patterns("POST ") }

func patterns(method string) (list []string) {
	for _, r := range routes() {
		if strings.HasPrefix(r.pattern, method) {
			list = append(list, r.pattern)
		}
	}
	return list
}
