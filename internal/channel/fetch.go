package channel

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// Fetch gets what stands at an address, of so many bytes at most. It goes where the guard lets it, and follows no redirect. The
// error is safe to show: it names the host and nothing else of the address, which may be a secret.
func (p *Poster) Fetch(ctx context.Context, from string, most int64) ([]byte, error) {
	u, err := p.guard.parse(from)
	if err != nil {
		return nil, err
	}
	host := clip(oneLine(u.Hostname()), 100)
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be called by this URL", host)
	}
	req.Header.Set("User-Agent", p.agent)
	req.Header.Set("Accept", "text/calendar, */*;q=0.1")
	res, err := p.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s", p.noAnswer(host, err).Why)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone {
		return nil, fmt.Errorf("%s has nothing at this URL (%d): enter the new one", host, res.StatusCode)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", judgeStatus(host, res.StatusCode, res.Header, "", 0).Why)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s ended the connection in the middle of its answer", host)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s sent more than %d KB", host, most>>10)
	}
	return data, nil
}
