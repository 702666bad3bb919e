package access

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"baton/internal/store"
)

// ErrSignedOut means that nobody is signed in.
var ErrSignedOut = errors.New("nobody is signed in")

// noteEach is how often the use of a session is noted, in microseconds.
const noteEach = 10 * 60 * 1_000_000

// secure reports whether the browser that sent a request is connected by https, maybe to a proxy before us.
func (g *Gate) secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(g.URL, "https://") || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// cookie makes a cookie that no script sees and no other host can set.
func (g *Gate) cookie(r *http.Request, name, value string) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if g.secure(r) {
		c.Name, c.Secure = "__Host-"+name, true
	}
	return c
}

// kept returns the value of a cookie made by cookie, "" for none.
func (g *Gate) kept(r *http.Request, name string) string {
	c, err := r.Cookie(g.cookie(r, name, "").Name)
	if err != nil {
		return ""
	}
	return c.Value
}

const sessionCookie = "baton"

// Viewer returns who sent a request; ErrSignedOut for nobody. It makes one query.
func (g *Gate) Viewer(r *http.Request) (*Viewer, error) {
	token := g.kept(r, sessionCookie)
	if token == "" {
		return nil, ErrSignedOut
	}
	s, u, err := g.Store.Session(r.Context(), hashOf(token))
	if errors.Is(err, store.ErrNoSession) {
		return nil, ErrSignedOut
	} else if err != nil {
		return nil, err
	}
	now := g.now()
	if s.UsedAt < now-g.Idle.Microseconds() || s.CreatedAt < now-g.Longest.Microseconds() || !u.Active() || s.How == "demo" && !g.demo {
		return nil, ErrSignedOut
	}
	if now-s.UsedAt >= noteEach {
		if err := g.Store.UseSession(r.Context(), s.ID, now); err != nil { // a full disk keeps nobody from looking
			g.Log.Warn("when a session was last used is not on record", "error", err)
		}
	}
	v := viewerOf(&u)
	v.Session, v.How = s.ID, s.How
	return v, nil
}

// begin makes a session, which begins when the change it belongs to is stored. give hands its cookie to the browser.
func (g *Gate) begin(w http.ResponseWriter, r *http.Request, how string) (s *store.Session, give func()) {
	token, hash := newToken()
	now := g.now()
	agent := r.UserAgent()
	if len(agent) > 300 {
		agent = agent[:300]
	}
	s = &store.Session{How: how, Address: g.From(r), Agent: agent, CreatedAt: now, Hash: hash,
		IdleFrom: now - g.Idle.Microseconds(), LimitFrom: now - g.Longest.Microseconds()}
	if before := g.kept(r, sessionCookie); before != "" {
		s.Instead = hashOf(before)
	}
	return s, func() {
		c := g.cookie(r, sessionCookie, token)
		c.MaxAge = int(g.Longest.Seconds())
		http.SetCookie(w, c)
	}
}

// drop forgets a cookie.
func (g *Gate) drop(w http.ResponseWriter, r *http.Request, name string) {
	c := g.cookie(r, name, "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// SignOut ends the session of a request.
func (g *Gate) SignOut(w http.ResponseWriter, r *http.Request) error {
	g.drop(w, r, sessionCookie)
	v, err := g.Viewer(r)
	if errors.Is(err, ErrSignedOut) {
		return nil
	} else if err != nil {
		return err
	}
	err = g.Store.EndSession(r.Context(), v.ID, v.Session, g.audit(r, v.Email, SignedOut, v.Email, ""))
	if errors.Is(err, store.ErrNoSession) {
		err = nil
	}
	return err
}

// Sessions returns the sessions of a user that are not over, the last used first.
func (g *Gate) Sessions(ctx context.Context, user int64) ([]store.Session, error) {
	all, err := g.Store.Sessions(ctx, user)
	now := g.now()
	var list []store.Session
	for _, s := range all {
		if s.UsedAt >= now-g.Idle.Microseconds() && s.CreatedAt >= now-g.Longest.Microseconds() {
			list = append(list, s)
		}
	}
	return list, err
}

// EndSession ends a session: one's own, or as an admin anybody's. A user of 0 is oneself.
func (g *Gate) EndSession(r *http.Request, v *Viewer, user, id int64) error {
	whose := v.Email
	if user == 0 || user == v.ID {
		user = v.ID
	} else {
		if !v.May(RunPeople) {
			return store.ErrNoSession
		}
		u, err := g.Store.UserByID(r.Context(), user)
		if err != nil {
			return err
		}
		whose = u.Email
	}
	return g.Store.EndSession(r.Context(), user, id, g.audit(r, v.Email, EndedSession, whose, ""))
}

// EndOthers ends all sessions of a viewer but the one they look in.
func (g *Gate) EndOthers(r *http.Request, v *Viewer) error {
	return g.Store.EndSessions(r.Context(), v.ID, v.Session, g.audit(r, v.Email, EndedSessions, v.Email, ""))
}
