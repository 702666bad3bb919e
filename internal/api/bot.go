package api

import (
	"strings"
	"sync"
)

// robots are marks of programs that visit and follow links by themselves: search engines, previews in
// chats, and scanners that open the links of an e-mail before its reader does. They are in lower case.
var robots = []string{
	"googlebot", "google-inspectiontool", "googleother", "adsbot-google", "mediapartners-google", "feedfetcher-google", "googleimageproxy",
	"bingbot", "bingpreview", "adidxbot", "yandexbot", "duckduckbot", "baiduspider", "applebot", "petalbot", "sogou", "slurp",
	"facebookexternalhit", "facebookcatalog", "linkedinbot", "twitterbot", "pinterestbot", "slackbot", "slack-imgproxy", "discordbot",
	"telegrambot", "whatsapp", "skypeuripreview", "embedly", "redditbot", "bitlybot",
	"ahrefsbot", "semrushbot", "mj12bot", "dotbot", "rogerbot", "screaming frog", "seznambot", "dataforseobot",
	"gptbot", "oai-searchbot", "chatgpt-user", "claudebot", "perplexitybot", "ccbot", "bytespider", "amazonbot",
	"barracuda", "mimecast", "proofpoint", "fireeye", "trendmicro", "symantec", "sophos", "forcepoint", "cisco-ironport", "urlscan", "virustotal",
	"uptimerobot", "pingdom", "statuscake", "site24x7", "gtmetrix", "chrome-lighthouse", "headlesschrome", "phantomjs",
	"crawler", "spider",
}

// isRobot reports whether a user agent is one of the well-known robots. The list is short; a person is never on it.
func isRobot(agent string) bool {
	if agent == "" {
		return false
	}
	agent = strings.ToLower(agent)
	for _, mark := range robots {
		if strings.Contains(agent, mark) {
			return true
		}
	}
	return false
}

// agents remembers which user agents are robots: there are few of them, and a look through all marks costs as
// much as a third of the rest of what is done with an event here.
type agents struct {
	lock  sync.RWMutex
	known map[string]bool
}

const (
	agentsKept  = 4096
	agentLength = 512 // bytes; longer ones are looked at each time
)

// robot is isRobot; nil remembers nothing.
func (a *agents) robot(agent string) bool {
	if a == nil || agent == "" || len(agent) > agentLength {
		return isRobot(agent)
	}
	a.lock.RLock()
	is, ok := a.known[agent]
	a.lock.RUnlock()
	if ok {
		return is
	}
	is = isRobot(agent)
	a.lock.Lock()
	defer a.lock.Unlock()
	if a.known == nil || len(a.known) >= agentsKept {
		a.known = map[string]bool{}
	}
	a.known[strings.Clone(agent)] = is
	return is
}
