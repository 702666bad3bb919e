package web

import (
	"crypto/rand"

	"baton/internal/store"
)

// once are the fields of a form that is done once, however often it is sent: one whose answer shows a secret, which a reload would replace
// by another. back is the page that it is on.
func once(back string) []field { return []field{{"once", rand.Text()}, {"back", back}} }

// mostOnce is how many bytes the mark of a form may have.
const mostOnce = 64

// actor is who asks, for what is put on record.
func (a *ask) actor() store.Actor {
	by := store.Actor{}
	if a.viewer != nil {
		by.Name = a.viewer.Email
	}
	if a.site.Gate != nil {
		by.Address = a.site.Gate.From(a.Request)
	}
	if !a.route.streams {
		by.Form = a.PostFormValue("once")
	}
	return by
}

// doneBefore leads whoever has sent a form a second time to its page.
func (a *ask) doneBefore() redirect {
	return redirect{to: a.back("/"), said: &flash{Who: "Done already:", Refused: true, Text: "this form was sent before. What it made is there once, and a secret was shown only then. If nobody has it, make another one."}}
}
