//go:build linux

package app

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// On a real disk that is full, requests are told so, the server lives, and can even be killed and started again; with room on the
// disk it goes on by itself, and nothing is lost or there twice.
func TestServerOnASmallDisk(t *testing.T) {
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=6m", "baton-test", dir).Run(); err != nil {
		t.Skip("a small disk can be mounted by root only, and not everywhere:", err)
	}
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	room := func(size string) {
		t.Helper()
		if out, err := exec.Command("mount", "-o", "remount,size="+size, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	db := filepath.Join(dir, "baton.db")
	key := furnish(t, db, monday)
	server := launch(t, db, childHaste+"="+haste(1))
	client := &http.Client{Timeout: patience}
	var acked []string
	n := 0
	send := func() int {
		t.Helper()
		id := fmt.Sprintf("m%d", n)
		body := fmt.Sprintf(`{"writeKey":%q,"userId":"u%d","event":"Demo Requested","messageId":%q,"properties":{"a":"%s"}}`, key, n%20, id, strings.Repeat("x", 20<<10))
		status, err := post(client, "http://"+server.address+"/v1/track", body)
		if err != nil {
			t.Fatal(err)
		}
		if status == 200 {
			acked = append(acked, id)
			n++ // else the same is sent again
		}
		return status
	}
	fill := func() {
		t.Helper()
		for {
			switch status := send(); status {
			case 200:
			case 503:
				return
			default:
				t.Fatalf("status %d", status)
			}
		}
	}
	for round := range 3 {
		before := len(acked)
		fill()
		if len(acked) == before {
			t.Errorf("round %d: nothing went onto the disk", round)
		}
		for range 5 {
			if status := send(); status != 503 && status != 200 { // a last corner may be free
				t.Errorf("status %d while the disk is full", status)
			}
		}
		if res, err := client.Get("http://" + server.address + "/healthz"); err != nil || res.StatusCode != 200 {
			t.Fatalf("asked how it is: %v %v", res, err)
		}
		if round == 1 { // another starts on a disk as full as that; SQLite needs a little to put its log in order
			server.kill(t)
			room("20m")
			server = launch(t, db, childHaste+"="+haste(1))
		}
		room(fmt.Sprintf("%dm", 20+10*round))
		if status := send(); status != 200 {
			t.Errorf("round %d: status %d when there is room again", round, status)
		}
	}
	room("100m")
	server.stop(t)
	sound(t, db, acked)
}
