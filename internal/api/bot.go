package api

import "strings"

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
