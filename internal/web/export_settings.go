package web

import (
	"encoding/json"
	"strings"

	"baton/internal/lifecycle"
	"baton/internal/store"
)

// The lists of the team, of who may sign in, of what they did, and of what they brought in.
var (
	teamExports = []export{{"team", "The team", func(a *ask, s *sheet) error {
		return rowsOf(s, []any{"member", "name", "side", "manager", "pools", "open", "capacity", "per_day", "weight", "left", "absences"}, a.team(), func(m *lifecycle.Member) []any {
			away := ""
			if len(m.Away) > 0 {
				b, _ := json.Marshal(m.Away) // numbers and truths
				away = string(b)
			}
			return []any{m.ID, m.Name, m.Side.String(), m.Manager, strings.Join(a.teamRow(m, "").Pools, ", "), m.Open, m.Capacity, m.PerDay, m.Weight, m.Inactive, away}
		})
	}}, {"absences", "Absences", func(a *ask, s *sheet) error {
		if err := s.row("member", "name", "from", "until", "from_calendar"); err != nil {
			return err
		}
		for _, m := range a.team() {
			for _, away := range m.Away {
				if err := s.row(m.ID, m.Name, instant(away.From), instant(away.To), away.Calendar); err != nil {
					return err
				}
			}
		}
		return nil
	}}, {"shares", "How leads are shared out", func(a *ask, s *sheet) error {
		if err := s.row("pool", "by", "member", "name", "weight", "given", "due", "next", "unable"); err != nil {
			return err
		}
		for _, p := range lifecycle.Standings(a.plan, a.roster, a.now.UnixMicro()) {
			for i := range p.Members {
				m := &p.Members[i]
				if err := s.row(p.Pool, p.By, m.ID, m.Name, m.Weight, m.Given, m.Due, m.ID == p.Next, m.Unable); err != nil {
					return err
				}
			}
		}
		return nil
	}}}
	peopleExports = []export{{"people", "Who may sign in", func(a *ask, s *sheet) error {
		users, err := a.site.Store.Users(a.Context())
		if err != nil {
			return err
		}
		return rowsOf(s, []any{"email", "name", "roles", "second_factor", "invited_at", "signed_in_at", "deactivated_at", "works"}, users, func(u *store.User) []any {
			works := ""
			if m := a.roster.Member(u.Email); m != nil && !m.Inactive {
				works = a.teamRow(m, "").Works
			}
			return []any{u.Email, u.Name, u.Roles, u.TOTP != "", instant(u.CreatedAt), instant(u.SignedInAt), instant(u.DeactivatedAt), works}
		})
	}}, {"sessions", "Browsers that are signed in", func(a *ask, s *sheet) error {
		if a.site.Gate == nil {
			return errNotFound
		}
		users, err := a.site.Store.Users(a.Context())
		if err != nil {
			return err
		}
		sessions, err := a.site.Gate.Sessions(a.Context(), 0)
		if err != nil {
			return err
		}
		emails := map[int64]string{}
		for i := range users {
			emails[users[i].ID] = users[i].Email
		}
		return rowsOf(s, []any{"session", "email", "browser", "how", "from", "signed_in_at", "used_at"}, sessions, func(one *store.Session) []any {
			return []any{one.ID, emails[one.User], browserWords(one.Agent), howWords(one.How), one.Address, instant(one.CreatedAt), instant(one.UsedAt)}
		})
	}}}
	auditExports = []export{{"audit", "The audit", func(a *ask, s *sheet) error {
		f := a.auditFilter()
		return pagesOf(s, []any{"id", "at", "who", "did", "to", "detail", "from"}, func(before int64) ([]store.Audit, error) {
			f.Before = before
			return a.site.Store.Audits(a.Context(), f, sheetPage)
		}, func(l *store.Audit) (int64, []any) {
			return l.ID, []any{l.ID, instant(l.At), l.Actor, l.Action, l.Subject, l.Detail, l.Address}
		})
	}}}
	importExports = []export{{"imports", "Imports", func(a *ask, s *sheet) error {
		return pagesOf(s, []any{"import", "name", "file", "state", "by", "started_at", "finished_at", "rows", "refused"}, func(before int64) ([]store.Import, error) {
			return a.site.Store.ImportsBefore(a.Context(), before, sheetPage)
		}, func(m *store.Import) (int64, []any) {
			return m.ID, []any{m.ID, m.Name, m.File, m.State, m.Actor, instant(m.StartedAt), instant(m.FinishedAt), m.Rows, m.Refused}
		})
	}}, {"files", "Files that wait", func(a *ask, s *sheet) error {
		list, err := a.site.Store.Uploads(a.Context(), a.now.UnixMicro()-store.UploadsKept)
		if err != nil {
			return err
		}
		return rowsOf(s, []any{"file", "name", "bytes", "by", "sent_at", "checked"}, list, func(u *store.Upload) []any {
			return []any{u.ID, u.File, u.Size, u.Actor, instant(u.At), u.Told != ""}
		})
	}}}
)

// The lists of the settings. No secret is in them, nor an address that may hold one.
var (
	keyExports = []export{{"keys", "API keys", func(a *ask, s *sheet) error {
		list, err := a.site.Store.APIKeys(a.Context())
		if err != nil {
			return err
		}
		return rowsOf(s, []any{"key", "name", "scope", "made_at", "used_at", "revoked_at"}, list, func(k *store.APIKey) []any {
			return []any{k.ID, k.Name, k.Scope, instant(k.CreatedAt), instant(k.UsedAt), instant(k.RevokedAt)}
		})
	}}}
	webhookExports = []export{{"webhooks", "Webhooks", func(a *ask, s *sheet) error {
		w, err := a.ways()
		if err != nil {
			return err
		}
		return rowsOf(s, []any{"webhook", "host", "events", "added_at", "off_since", "stands", "taken_at", "tried_at", "failing_since", "why", "wait_again"}, w.hooks, func(h *hookRow) []any {
			return append([]any{h.ID, h.Host, h.Wants, instant(h.CreatedAt), instant(h.DisabledAt), h.Word}, reachCells(w.reach[store.WebhookEndpoint(h.ID)])...)
		})
	}}, {"chat", "Addresses in chat", func(a *ask, s *sheet) error {
		w, err := a.ways()
		if err != nil {
			return err
		}
		if err := s.row("chat", "for", "host", "stands", "taken_at", "tried_at", "failing_since", "why", "wait_again"); err != nil {
			return err
		}
		for _, c := range w.chats {
			for _, r := range c.Rows {
				endpoint := c.Name + " " + r.Who
				if r.Who == "" {
					endpoint = lastOfOthers(w.reach, c.Name, a.site.chatAddresses(c.Name))
				}
				if err := s.row(append([]any{c.Name, r.Who, r.Host, r.Word}, reachCells(w.reach[endpoint])...)...); err != nil {
					return err
				}
			}
		}
		return nil
	}}}
	hookExports = deliveryExports(func(a *ask) (store.JobFilter, error) {
		id, err := a.numberIn("webhook")
		if err != nil {
			return store.JobFilter{}, err
		}
		_, err = a.webhookByID(id)
		return store.JobFilter{Webhook: id}, err
	})
	channelExports = deliveryExports(func(a *ask) (store.JobFilter, error) {
		name := a.PathValue("channel")
		for _, t := range chatTitles {
			if t.name == name {
				return store.JobFilter{Channel: name}, nil
			}
		}
		return store.JobFilter{}, errNotFound
	})
	mailExports   = deliveryExports(func(*ask) (store.JobFilter, error) { return store.JobFilter{Channel: store.EmailEndpoint}, nil })
	serverExports = []export{{"settings", "Settings of the server", func(a *ask, s *sheet) error {
		return rowsOf(s, []any{"setting", "value", "from", "help"}, a.site.Settings, func(one *Setting) []any {
			value := ""
			if one.From != "" {
				value = one.shown()
			}
			return []any{one.Name, value, one.From, one.Help}
		})
	}}}
)

// team are the members of the roster.
func (a *ask) team() []lifecycle.Member {
	if a.roster == nil {
		return nil
	}
	return a.roster.Members
}

// reachCells say how an endpoint answers.
func reachCells(r *store.Reach) []any {
	if r == nil {
		return []any{nil, nil, nil, "", 0}
	}
	return []any{instant(r.DoneAt), instant(r.TriedAt), instant(r.FailingSince), r.Why, r.Again}
}

// deliveryExports are what was sent by a way and what waits, and each try of that. With only=failed they are of what was not delivered, as the
// page is.
func deliveryExports(of func(*ask) (store.JobFilter, error)) []export {
	read := func(a *ask) (func(before int64) ([]store.Job, error), error) {
		f, err := of(a)
		if a.URL.Query().Get("only") == "failed" {
			f.State = store.JobFailed
		}
		return func(before int64) ([]store.Job, error) {
			f.Before = before
			return a.site.Store.Jobs(a.Context(), f, sheetPage)
		}, err
	}
	return []export{{"messages", "What was sent", func(a *ask, s *sheet) error {
		jobs, err := read(a)
		if err != nil {
			return err
		}
		return pagesOf(s, []any{"job", "event", "lead", "to", "by", "state", "due_at", "next_try_at", "delivered_at", "tries", "why", "waits_for", "carried_by"}, jobs, func(j *store.Job) (int64, []any) {
			next := instant(0)
			if j.State == store.JobWaiting {
				next = instant(j.NextTry)
			}
			return j.ID, []any{j.ID, j.Kind, j.Lead, j.Recipient, j.Channel, j.State, instant(j.Due), next, instant(j.DeliveredAt), j.Attempts, j.LastError, j.Wait, j.CarriedBy}
		})
	}}, {"tries", "Each try", func(a *ask, s *sheet) error {
		jobs, err := read(a)
		if err != nil {
			return err
		}
		if err := s.row("job", "event", "to", "try", "at", "took_ms", "outcome", "answer", "why", "said"); err != nil {
			return err
		}
		for before := int64(0); ; {
			list, err := jobs(before)
			if err != nil {
				return err
			}
			ids := make([]int64, len(list))
			for i := range list {
				ids[i] = list[i].ID
			}
			tries, err := a.site.Store.AttemptsOf(a.Context(), ids)
			if err != nil {
				return err
			}
			for i := range list {
				j := &list[i]
				for _, t := range tries[j.ID] {
					if err := s.row(j.ID, j.Kind, j.Recipient, t.N, instant(t.At), float64(t.Took)/1000, t.Outcome, t.Code, t.Why, t.Said); err != nil {
						return err
					}
				}
				before = j.ID
			}
			if len(list) < sheetPage {
				return nil
			}
		}
	}}}
}
