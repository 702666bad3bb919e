package access

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"baton/internal/channel"
	"baton/internal/store"
)

// use sets a password by a link.
func (b *browser) use(link, name, password string) (in bool, err error) {
	err = b.do(func(w http.ResponseWriter, r *http.Request) (err error) {
		in, err = b.h.UseLink(w, r, tokenOf(link), name, password)
		return err
	})
	return in, err
}

func TestInvitations(t *testing.T) {
	h := newHouse(t)
	link, mailed, err := h.Invite(t.Context(), By{Actor: "admin@northwind.example"}, "Bo@Northwind.example", "Bo", []string{"rep"})
	if err != nil || !mailed || !strings.HasPrefix(link, "https://baton.northwind.example/invitation/") {
		t.Fatalf("%s %v %v", link, mailed, err)
	}
	if m := <-h.mails; m.To.Mail != "bo@northwind.example" || m.Notice.Links[0].URL != link {
		t.Errorf("%+v", m)
	}
	// invited again: other roles, another link, and the first goes on
	second, _, err := h.Invite(t.Context(), By{}, "bo@northwind.example", "Bo B.", []string{"sdr"})
	if err != nil {
		t.Fatal(err)
	}
	<-h.mails
	_, r := h.browser().request()
	l, err := h.Link(r, tokenOf(second))
	if diff := cmp.Diff(Linked{Kind: "invitation", Email: "bo@northwind.example", Name: "Bo B."}, l); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	b := h.browser()
	if _, err := b.use(link, "", "short"); !strings.Contains(refusal(t, err), "at least 12") {
		t.Error(err)
	}
	if in, err := b.use(link, " Bo \n Ek ", right); !in || err != nil || b.viewer().Name != "Bo Ek" || !b.viewer().May(WorkQueue) {
		t.Errorf("%v %v %+v", in, err, b.viewer())
	}
	for _, link := range []string{link, second, "https://baton.northwind.example/reset/nonsense", ""} {
		if _, err := h.browser().use(link, "Eve", right); !strings.Contains(refusal(t, err), "used already") {
			t.Errorf("%s: %v", link, err)
		}
	}
	if _, _, err := h.Invite(t.Context(), By{}, "bo@northwind.example", "", []string{"admin"}); !strings.Contains(refusal(t, err), "is a user already") {
		t.Error(err)
	}
	late, _, err := h.Invite(t.Context(), By{}, "cy@northwind.example", "", []string{"rep"})
	if err != nil {
		t.Fatal(err)
	}
	h.pass(invitationTime)
	if _, err := h.browser().use(late, "Cy", right); !strings.Contains(refusal(t, err), "its time is over") {
		t.Error(err)
	}
}

// A set-up code is no link, and a link is no set-up code.
func TestKindsOfLinks(t *testing.T) {
	h := newHouse(t)
	code, err := h.NewSetUpCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.browser().use("/"+typed(code), "Eve", right); !strings.Contains(refusal(t, err), "used already") {
		t.Error(err)
	}
}

func TestResets(t *testing.T) {
	h := newHouse(t)
	b, _ := h.user("ada@northwind.example", "admin")
	_, bo := h.user("bo@northwind.example", "rep")
	if err := h.Deactivate(t.Context(), By{}, bo.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Store.AddUser(t.Context(), store.User{Email: "idp@northwind.example", Roles: "rep", Subject: "https://issuer.example x"}); err != nil {
		t.Fatal(err)
	}
	ask := func(email string) {
		t.Helper()
		b := h.browser()
		if err := b.do(func(_ http.ResponseWriter, r *http.Request) error { return h.AskReset(r, email) }); err != nil || len(b.cookies) > 0 {
			t.Errorf("%s: %v", email, err)
		}
		h.Gate.mails.Wait()
	}
	for _, email := range []string{"nobody@northwind.example", "bo@northwind.example", "idp@northwind.example", "nonsense", ""} {
		ask(email)
	}
	select {
	case m := <-h.mails:
		t.Fatalf("sent to %s", m.To.Mail)
	default:
	}
	ask(" Ada@northwind.example")
	m := <-h.mails
	link := m.Notice.Links[0].URL
	if m.To.Mail != "ada@northwind.example" || !strings.HasPrefix(link, "https://baton.northwind.example/reset/") {
		t.Errorf("%+v", m)
	}
	// no more than a few, and no word of it
	ask("ada@northwind.example")
	<-h.mails
	ask("ada@northwind.example")
	select {
	case <-h.mails:
		t.Error("a third mail")
	default:
	}
	n := h.browser()
	if in, err := n.use(link, "Another", "another long sentence"); !in || err != nil || n.viewer().Name != "Somebody" || b.viewer() != nil {
		t.Errorf("%v %v", in, err)
	}
	if _, err := h.browser().signIn("ada@northwind.example", right); err == nil {
		t.Error("the old password is good")
	}
	h.pass(time.Hour)
	ask("ada@northwind.example")
	link = (<-h.mails).Notice.Links[0].URL
	h.pass(resetTime)
	if _, err := h.browser().use(link, "", right); !strings.Contains(refusal(t, err), "its time is over") {
		t.Error(err)
	}
}

// The answer to somebody who asks for a new password does not wait for the mail server.
func TestResetsAnswerAtOnce(t *testing.T) {
	hold := make(chan struct{})
	h := newHouse(t, func(o *Options) {
		o.Mail = func(ctx context.Context, _ channel.Mail) channel.Result {
			<-hold
			return channel.Result{}
		}
	})
	if _, err := h.Store.AddUser(t.Context(), store.User{Email: "ada@northwind.example", Roles: "admin", Password: hashPassword(right, cheap)}); err != nil {
		t.Fatal(err)
	}
	_, r := h.browser().request()
	if err := h.AskReset(r, "ada@northwind.example"); err != nil {
		t.Error(err)
	}
	close(hold)
}
