package channel_test

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"baton/internal/channel"
)

func ExampleVerify() {
	key, err := channel.ParseKey("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	const now = 1614265330
	body := []byte(`{"test": 2432232314}`)
	signature, err := channel.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", now, body, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	header := http.Header{}
	header.Set("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
	header.Set("webhook-timestamp", strconv.Itoa(now))
	header.Set("webhook-signature", signature)
	fmt.Println(channel.Verify(header, body, now+10, key))
	fmt.Println(channel.Verify(header, body, now+1000, key))
	// Output:
	// msg_p5jXN8AQM9LWM0D4loKWxJek <nil>
	//  verifying a webhook: it was sent more than 5 minutes ago
}

func ExampleSchedule_Next() {
	schedule := channel.DefaultSchedule()
	busy := channel.Result{Outcome: channel.Later, Code: 503, After: time.Minute}
	after, giveUp := schedule.Next("d_1", 1, busy)
	fmt.Println(after.Round(time.Second), giveUp)
	_, giveUp = schedule.Next("d_1", 2, channel.Result{Outcome: channel.Gone})
	fmt.Println(giveUp)
	// Output:
	// 1m10s false
	// true
}
