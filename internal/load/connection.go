package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// patience is how long an answer may take.
const patience = 60 * time.Second

// connection sends requests one after the other and keeps the connection. It writes HTTP/1.1 itself: who
// measures on the machine that is measured must not take its processors away.
type connection struct {
	target *url.URL
	head   string // of each request, from behind the path up to the type of the body
	net.Conn
	in  *bufio.Reader
	out []byte
}

func dial(target *url.URL, key string) *connection {
	return &connection{target: target, head: " HTTP/1.1\r\nHost: " + target.Host + "\r\nUser-Agent: baton-bench\r\nAuthorization: Basic " +
		base64.StdEncoding.EncodeToString([]byte(key+":")) + "\r\nContent-Type: "}
}

// post sends a body and returns the status, and how long to wait before the next try if there is one. What was not
// answered is sent a second time over a new connection, which is what senders do.
func (c *connection) post(ctx context.Context, path, media string, body []byte) (status int, wait time.Duration, err error) {
	for try := range 2 {
		fresh := c.Conn == nil
		if status, wait, err = c.once(ctx, path, media, body); err == nil || ctx.Err() != nil || fresh && try > 0 {
			return status, wait, err
		}
		c.shut()
	}
	return status, wait, err
}

func (c *connection) once(ctx context.Context, path, media string, body []byte) (status int, wait time.Duration, err error) {
	if c.Conn == nil {
		if err := c.open(ctx); err != nil {
			return 0, 0, err
		}
	}
	c.SetDeadline(time.Now().Add(patience))
	b := append(append(append(c.out[:0], "POST "...), c.target.Path...), path...)
	b = append(append(append(b, c.head...), media...), "\r\nContent-Length: "...)
	b = append(append(strconv.AppendInt(b, int64(len(body)), 10), "\r\n\r\n"...), body...)
	c.out = b
	if _, err := c.Write(b); err != nil {
		return 0, 0, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, 0, err
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return 0, 0, err
	}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		wait = time.Duration(seconds) * time.Second
	}
	if res.Close {
		c.shut()
	}
	return res.StatusCode, wait, nil
}

func (c *connection) open(ctx context.Context) error {
	host := c.target.Host
	if c.target.Port() == "" {
		host = net.JoinHostPort(host, map[bool]string{true: "443", false: "80"}[c.target.Scheme == "https"])
	}
	var d interface {
		DialContext(context.Context, string, string) (net.Conn, error)
	} = &net.Dialer{Timeout: 10 * time.Second}
	if c.target.Scheme == "https" {
		d = &tls.Dialer{}
	}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return fmt.Errorf("connecting: %w", err)
	}
	c.Conn, c.in = conn, bufio.NewReader(conn)
	return nil
}

func (c *connection) shut() {
	if c.Conn != nil {
		c.Close()
		c.Conn = nil
	}
}
