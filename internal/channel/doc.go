// Package channel is the outside: it carries a Notice to people by e-mail, Slack or Microsoft Teams, and an event
// to other programs by signed webhook, and says in one Result how it went and when a next try makes sense.
//
// It decides nothing: whom to tell, what, and whether they may be told was settled before. It stores nothing but
// open connections; it reads no clock to judge anything (times are given, in microseconds UTC), only to keep
// its own timeouts. It never follows a redirect, never uses a proxy from the environment, and never lets a URL that
// somebody typed in reach the inside of the network: see Guard.
//
// A delivery has an ID that stays the same through all its tries. It is the webhook-id of a webhook and makes the
// Message-ID of a mail, so that a receiver can tell a second try from a second message.
//
// Start reading at result.go; then mail.go, webhook.go and chat.go for the ways out, guard.go for what protects
// them, and retry.go for when to try again.
package channel
