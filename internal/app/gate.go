package app

import (
	"time"

	"baton/internal/access"
	"baton/internal/api"
	"baton/internal/channel"
)

// SignIn is how people sign in; the zero value lets them in with passwords.
type SignIn struct {
	Idle, Longest time.Duration    // of a session; zero for the usual
	Provider      *access.Provider // nil for none
	// Demo lets anybody in as anybody, where that can do no harm: see access.Gate.Demo. No setting sets it.
	Demo bool
}

// newGate makes what lets people in, from the settings.
func (a *App) newGate(opts *ServeOptions, mail *channel.Mailer, tracking *api.API) *access.Gate {
	o := access.Options{Store: a.Store, Seal: opts.Seal, Clock: a.clock, Log: opts.Log, URL: opts.URL, Address: tracking.Client,
		Idle: opts.SignIn.Idle, Longest: opts.SignIn.Longest, Provider: opts.SignIn.Provider}
	if mail != nil {
		o.Mail = mail.Send
	}
	return access.New(o)
}
