package api

import (
	"net/http"

	"baton/internal/engine"
)

// track takes in a call of Segment's API: one event of a kind, or a batch if kind is "". The answer
// comes when all of it is decided and on disk.
func (a *API) track(w http.ResponseWriter, r *http.Request, kind string) error {
	received := a.now()
	secret := secretOf(r)
	given := secret != ""
	if given {
		// before anything is read for somebody who may not send
		if _, err := a.admit(r, secret, ScopeTrack, received); err != nil {
			return err
		}
	}
	text, err := a.memory.read(r, mostBatch)
	if err != nil {
		return err
	}
	defer text.release()
	call, err := parseCall(text.buf.Bytes(), kind)
	if err != nil {
		return err
	}
	defer call.release()
	if !given {
		secret = call.key
	}
	key, err := a.admit(r, secret, ScopeTrack, received)
	if err != nil {
		return err
	}
	if err := a.rates.allow(key.Name, len(call.events), a.Clock()); err != nil {
		return err
	}
	plan := a.Plan()
	if plan == nil {
		return engine.ErrNoAgreement
	}
	m := mapper{plan: plan, source: "api:" + key.Name, known: a.now(), agents: &a.agents, robot: a.agents.robot(r.UserAgent())}
	m.room(call.events)
	for i := range call.events {
		e := &call.events[i]
		at, err := e.occurred(call.sentAt, received)
		if err != nil {
			return wrong(i+1, kind == "", err)
		}
		e.context.otherwise(&call.context)
		m.add(e, at)
	}
	if err := a.takeIn(r.Context(), m.arrivals); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(`{"success":true}` + "\n"))
	return nil
}

// otherwise takes what an event does not say itself from the context of its batch.
func (c *about) otherwise(batch *about) {
	c.userAgent, c.groupID = or(c.userAgent, batch.userAgent), or(c.groupID, batch.groupID)
	c.timezone, c.locale = or(c.timezone, batch.timezone), or(c.locale, batch.locale)
	if c.campaign == (campaign{}) {
		c.campaign = batch.campaign
	}
	if c.page == (page{}) {
		c.page = batch.page
	}
}
