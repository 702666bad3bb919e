package api

import (
	"encoding/json"
	"time"
)

// quote writes a text as JSON.
func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a text can always be written
	}
	return b
}

func stamp(at int64) string { return time.UnixMicro(at).UTC().Format(time.RFC3339) }
