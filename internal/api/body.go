package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
)

// The bounds of what is sent, in bytes of text (unpacked), as Segment has them.
const (
	mostEvent  = 32 << 10
	mostBatch  = 500 << 10
	mostEvents = 2500
)

// packing is by how much a packed body may be larger than what it holds.
const packing = 1024

var errMemory = errors.New("as many bytes of requests are held as may be")

// budget bounds what all requests together hold.
type budget struct {
	most int64
	held atomic.Int64
}

// body is a request's text in memory. It is given back with release.
type body struct {
	buf    *bytes.Buffer
	budget *budget
	held   int64
}

var (
	buffers   = sync.Pool{New: func() any { return bytes.NewBuffer(make([]byte, 0, 16<<10)) }}
	unpackers = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// read reads the body of a request, unpacked, of at most so many bytes. What begins as gzip does is
// gzip, whatever the headers say: clients and proxies label bodies wrongly.
func (b *budget) read(r *http.Request, most int) (*body, error) {
	switch coding := strings.ToLower(r.Header.Get("Content-Encoding")); coding {
	case "", "identity", "gzip", "x-gzip":
	default:
		return nil, &problem{status: http.StatusUnsupportedMediaType, detail: fmt.Sprintf("the body is packed as %.40q, which is not read here; send it plain or as gzip", coding)}
	}
	if r.ContentLength > int64(most)+packing {
		return nil, overfull(most)
	}
	text := &body{buf: buffers.Get().(*bytes.Buffer), budget: b}
	text.buf.Reset()
	if err := text.fill(r.Body, most); err != nil {
		text.release()
		return nil, err
	}
	return text, nil
}

func (t *body) release() {
	t.budget.held.Add(-t.held)
	t.held = 0
	if t.buf.Cap() <= 2*mostBatch {
		buffers.Put(t.buf)
	}
	t.buf = nil
}

func (t *body) fill(from io.Reader, most int) error {
	var head [2]byte
	n, err := io.ReadFull(from, head[:])
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return unreadable(err)
	}
	from = io.MultiReader(bytes.NewReader(head[:n]), from)
	if n == 2 && head[0] == 0x1f && head[1] == 0x8b {
		zipped := unpackers.Get().(*gzip.Reader)
		defer unpackers.Put(zipped)
		if err := zipped.Reset(io.LimitReader(from, int64(most)+packing)); err != nil {
			return unreadable(err)
		}
		from = zipped
	}
	for {
		if t.buf.Available() == 0 {
			t.buf.Grow(min(max(t.buf.Len(), 16<<10), most))
		}
		room := t.buf.AvailableBuffer()
		n, err := from.Read(room[:min(cap(room), most+1-t.buf.Len())])
		t.buf.Write(room[:n])
		t.held += int64(n)
		switch {
		case t.buf.Len() > most:
			t.budget.held.Add(int64(n))
			return overfull(most)
		case t.budget.held.Add(int64(n)) > t.budget.most:
			return errMemory
		case err == io.EOF:
			return nil
		case err != nil:
			return unreadable(err)
		}
	}
}

func overfull(most int) error {
	return &problem{status: http.StatusRequestEntityTooLarge, detail: fmt.Sprintf("the body has more than %d KB (unpacked); send it in smaller parts", most>>10)}
}

func unreadable(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &problem{status: http.StatusRequestTimeout, detail: "the body did not arrive in time; send it again"}
	}
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || strings.HasPrefix(err.Error(), "flate:") {
		return &problem{status: http.StatusBadRequest, detail: "the body begins as gzip does and cannot be unpacked"}
	}
	return &problem{status: http.StatusBadRequest, detail: "the body ended before it was whole"}
}
