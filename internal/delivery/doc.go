// Package delivery sends what decisions have to tell people: it takes the jobs that are due from the store, writes each
// message from the lead as it stands then, hands it to a channel, and records how it went and when to try again.
//
// It decides nothing about leads and tells nobody but the team; whom to tell was settled with the decision
// (lifecycle.Alerts). A job is sent at least once: when a process ends between sending and recording, the job is sent
// again under the same ID, by which the other side can know it. What is no longer true when its turn comes is not sent.
//
// Start reading at Desk.Run in desk.go, then send.go.
package delivery
