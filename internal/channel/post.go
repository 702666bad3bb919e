package channel

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Poster sends by HTTP: webhooks, and notices to Slack and Teams. It is safe for concurrent use and keeps idle
// connections for the next call.
type Poster struct {
	guard   *Guard
	client  *http.Client
	timeout time.Duration
	agent   string
}

// PosterConfig is what a Poster needs to know.
type PosterConfig struct {
	Guard *Guard // required
	// Timeout is for a whole call, from resolving the name to the end of the answer. 0 is 20 s; Standard
	// Webhooks asks for 15 to 30.
	Timeout time.Duration
	// Roots are the certificates that are trusted; nil for the system's.
	Roots *x509.CertPool
	// Agent is the User-Agent; empty for "Baton".
	Agent string
}

const (
	bodyLimit   = 256 << 10 // of what is sent
	answerLimit = 64 << 10  // of what is read of an answer; the rest is left unread
)

// NewPoster makes a Poster.
func NewPoster(c PosterConfig) *Poster {
	if c.Timeout <= 0 {
		c.Timeout = 20 * time.Second
	}
	if c.Agent == "" {
		c.Agent = "Baton"
	}
	return &Poster{
		guard:   c.Guard,
		timeout: c.Timeout,
		agent:   oneLine(c.Agent),
		client: &http.Client{
			// a redirect could lead anywhere, and whoever receives can give us the new address
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:                  nil, // a proxy would resolve names behind the guard's back
				DialContext:            c.Guard.dial,
				TLSClientConfig:        &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
				TLSHandshakeTimeout:    10 * time.Second,
				ForceAttemptHTTP2:      true,
				DisableCompression:     true, // so that 64 KB read are 64 KB
				MaxResponseHeaderBytes: 16 << 10,
				MaxIdleConns:           50,
				MaxIdleConnsPerHost:    2,
				IdleConnTimeout:        30 * time.Second,
			},
		},
	}
}

// Close closes the idle connections. Calls under way go on.
func (p *Poster) Close() { p.client.CloseIdleConnections() }

// post sends a body and judges the answer by its status alone. at is now, to reckon a Retry-After that is a date. body is
// what was read of the answer.
func (p *Poster) post(ctx context.Context, to string, header http.Header, body []byte, at int64) (r Result, answer string) {
	u, err := p.guard.parse(to)
	if err != nil {
		return Result{Outcome: Never, Why: err.Error()}, ""
	}
	host := clip(oneLine(u.Hostname()), 100)
	if len(body) > bodyLimit {
		return Result{Outcome: Never, Why: fmt.Sprintf("the message for %s is longer than %d KB", host, bodyLimit>>10)}, ""
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return Result{Outcome: Never, Why: host + " cannot be called by this URL"}, ""
	}
	req.Header = header
	req.Header.Set("User-Agent", p.agent)
	req.GetBody = nil // so that the client never sends a body a second time by itself
	res, err := p.client.Do(req)
	if err != nil {
		return p.noAnswer(host, err), ""
	}
	defer res.Body.Close()
	// what the status says stands, even if the rest of the answer never comes
	text, _ := io.ReadAll(io.LimitReader(res.Body, answerLimit))
	return judgeStatus(host, res.StatusCode, res.Header, string(text), at), string(text)
}

// judgeStatus makes a Result of an answer.
func judgeStatus(host string, status int, header http.Header, text string, at int64) Result {
	r := Result{Outcome: Later, Code: status, Said: excerpt(text), After: retryAfter(header.Get("Retry-After"), at)}
	switch {
	case status >= 200 && status < 300:
		r.Outcome, r.After = Done, 0
		r.Why = host + " took it"
	case status == http.StatusGone:
		r.Outcome, r.After = Gone, 0
		r.Why = host + " wants no more messages at this URL (410)"
	case status >= 300 && status < 400:
		r.Why = fmt.Sprintf("%s answered that it moved (%d): enter the new URL, since redirects are not followed", host, status)
	case status == http.StatusTooManyRequests:
		r.Why = host + " asked for fewer messages (429)"
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		r.Why = fmt.Sprintf("%s is busy or being worked on (%d)", host, status)
	default:
		r.Why = fmt.Sprintf("%s answered with status %d", host, status)
	}
	return r
}

// noAnswer makes a Result of a call that got none. The words of most errors hold the URL or addresses, so they are told
// in ours.
func (p *Poster) noAnswer(host string, err error) Result {
	var refused *Refused
	var dns *net.DNSError
	var timeout net.Error
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	r := Result{Outcome: Later}
	switch {
	case errors.As(err, &refused):
		return Result{Outcome: Never, Why: refused.Error()}
	case errors.Is(err, context.Canceled):
		r.Why = "the call to " + host + " was interrupted here"
	case errors.As(err, &dns) && dns.IsNotFound:
		r.Why = "no host is known by the name " + host
	case errors.As(err, &dns):
		r.Why = "the name " + host + " could not be looked up"
	case errors.As(err, &timeout) && timeout.Timeout():
		r.Why = fmt.Sprintf("%s did not answer within %s", host, p.timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		r.Why = host + " refused the connection"
	case errors.Is(err, http.ErrSchemeMismatch):
		r.Why = host + " does not speak https at this port"
	case errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid):
		r.Why = "the certificate of " + host + " is not valid for it"
	default:
		r.Why = host + " ended the connection without an answer"
	}
	return r
}

// retryAfter reads the header of RFC 9110, seconds or a date; 0 if it is missing, past or unreadable.
func retryAfter(s string, at int64) time.Duration {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseUint(s, 10, 63); err == nil {
		return time.Duration(min(n, 365*24*3600)) * time.Second
	}
	if when, err := http.ParseTime(s); err == nil {
		return min(max(when.Sub(time.UnixMicro(at)), 0), 365*24*time.Hour)
	}
	return 0
}
