package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// User is somebody who may sign in. The address is normalised, and is the ID of the same person as a member.
type User struct {
	ID          int64
	Email, Name string
	Roles       string // words with spaces between
	Password    string // a hash; empty for none
	TOTP        string // a sealed secret; empty for none
	TOTPStep    int64  // the last one used
	Recovery    string // hashes of codes, with spaces between
	Subject     string // issuer and subject at the provider of sign-ins, a space between; empty for none

	CreatedAt, SignedInAt, DeactivatedAt int64 // UTC microseconds, 0 for never
}

// Active reports whether the user may sign in.
func (u *User) Active() bool { return u.DeactivatedAt == 0 }

// Is reports whether the user has a role.
func (u *User) Is(role string) bool {
	for have := range strings.FieldsSeq(u.Roles) {
		if have == role {
			return true
		}
	}
	return false
}

// roleOfAdmin is the one role that the store knows of: somebody has to have it.
const roleOfAdmin = "admin"

// Errors of users.
var (
	ErrNoUser    = errors.New("there is no such user")
	ErrUserThere = errors.New("there is a user with this address already")
	ErrLastAdmin = errors.New("nobody else could run Baton then; give somebody else the role admin first")
	ErrUsers     = errors.New("there are users already; sign in, or ask whoever runs Baton for an invitation")
)

// Link lets somebody in once: by an invitation or a reset a user sets a password, by a set-up the first admin is made.
type Link struct {
	Kind           string // invitation, reset, set_up
	User           int64  // 0 for a set-up
	MadeAt, EndsAt int64  // UTC microseconds
}

// ErrNoLink means that a link was used, has ended, or never was.
var ErrNoLink = errors.New("this link was used already, or its time is over; ask for a new one")

// Session is a browser that is signed in.
type Session struct {
	ID, User            int64
	How                 string // password, totp, recovery, provider, link, demo
	Address, Agent      string
	CreatedAt, UsedAt   int64  // UTC microseconds; UsedAt to ten minutes
	Hash                []byte // SHA-256 of its token; only for Begin
	Instead             []byte // of the token that the browser had before, whose session ends; only for Begin
	IdleFrom, LimitFrom int64  // sessions of the user last used, or made, before these are over; only for Begin
}

// ErrNoSession means that there is no such session, or no more.
var ErrNoSession = errors.New("there is no such session")

// UserChange is what goes with a change of a user, in the same transaction.
type UserChange struct {
	Link  []byte   // the hash of a link that is used up by it; nil for none
	At    int64    // now, for the link
	Begin *Session // a session that begins; nil for none
	// Renewed says that the password is the same as before in another form, so that nothing ends.
	Renewed bool
	Audit   []Audit
}

const userColumns = `id, email, name, roles, password, totp, totp_step, recovery, subject, created_at, signed_in_at, deactivated_at`

func (u *User) into() []any {
	return []any{&u.ID, &u.Email, &u.Name, &u.Roles, &u.Password, &u.TOTP, &u.TOTPStep, &u.Recovery, &u.Subject, &u.CreatedAt, &u.SignedInAt, &u.DeactivatedAt}
}

// AddUser keeps a new user, and returns it with its number.
func (s *Store) AddUser(ctx context.Context, u User, audit ...Audit) (User, error) {
	err := s.transact(ctx, "keeping a user", func(ctx context.Context, conn *sql.Conn) error {
		if err := insertUser(ctx, conn, &u); err != nil {
			return err
		}
		return insertAudit(ctx, conn, audit)
	})
	return u, err
}

func insertUser(ctx context.Context, conn *sql.Conn, u *User) error {
	err := conn.QueryRowContext(ctx, `INSERT INTO access_user (email, name, roles, password, totp, totp_step, recovery, subject, created_at, signed_in_at, deactivated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (email) DO NOTHING RETURNING id`,
		u.Email, storable(u.Name), u.Roles, u.Password, u.TOTP, u.TOTPStep, u.Recovery, storable(u.Subject), u.CreatedAt, u.SignedInAt, u.DeactivatedAt).Scan(&u.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", u.Email, ErrUserThere)
	}
	return err
}

// AddFirstUser keeps the first user there is, by the code of the set-up. The codes end with it. When there are users, the error is ErrUsers.
func (s *Store) AddFirstUser(ctx context.Context, u User, c UserChange) (User, error) {
	err := s.transact(ctx, "keeping a user", func(ctx context.Context, conn *sql.Conn) error {
		if err := s.lockUsers(ctx, conn); err != nil {
			return err
		}
		var n int
		if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM access_user`).Scan(&n); err != nil {
			return err
		} else if n > 0 {
			return ErrUsers
		}
		if err := useLink(ctx, conn, "set_up", 0, &c); err != nil {
			return err
		}
		if err := insertUser(ctx, conn, &u); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, `DELETE FROM access_link WHERE kind = 'set_up'`); err != nil {
			return err
		}
		return finishUser(ctx, conn, &u, &c)
	})
	return u, err
}

// UpdateUser changes a user. Whatever change returns is done in the same transaction; its error undoes all.
// When the password, the second factor or the right to sign in changes, all sessions and links of the user end, before a new one
// begins. The last admin stays one.
func (s *Store) UpdateUser(ctx context.Context, id int64, change func(*User) (UserChange, error)) error {
	return s.transact(ctx, "changing a user", func(ctx context.Context, conn *sql.Conn) error {
		if err := s.lockUsers(ctx, conn); err != nil {
			return err
		}
		var u User
		err := conn.QueryRowContext(ctx, `SELECT `+userColumns+` FROM access_user WHERE id = $1`, id).Scan(u.into()...)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("user %d: %w", id, ErrNoUser)
		} else if err != nil {
			return err
		}
		before := u
		c, err := change(&u)
		if err != nil {
			return err
		}
		if c.Link != nil {
			if err := useLink(ctx, conn, "", id, &c); err != nil {
				return err
			}
		}
		if u != before {
			if _, err := conn.ExecContext(ctx, `UPDATE access_user SET name = $1, roles = $2, password = $3, totp = $4, totp_step = $5, recovery = $6, subject = $7,
				signed_in_at = $8, deactivated_at = $9 WHERE id = $10`,
				storable(u.Name), u.Roles, u.Password, u.TOTP, u.TOTPStep, u.Recovery, storable(u.Subject), u.SignedInAt, u.DeactivatedAt, id); err != nil {
				return err
			}
		}
		if before.Active() && before.Is(roleOfAdmin) && !(u.Active() && u.Is(roleOfAdmin)) {
			var n int
			if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM access_user WHERE deactivated_at = 0 AND ' ' || roles || ' ' LIKE '% `+roleOfAdmin+` %'`).Scan(&n); err != nil {
				return err
			} else if n == 0 {
				return ErrLastAdmin
			}
		}
		if u.Password != before.Password && !c.Renewed || u.TOTP != before.TOTP || !u.Active() {
			for _, q := range []string{`DELETE FROM access_session WHERE user_id = $1`, `DELETE FROM access_link WHERE user_id = $1`} {
				if _, err := conn.ExecContext(ctx, q, id); err != nil {
					return err
				}
			}
		}
		return finishUser(ctx, conn, &u, &c)
	})
}

// lockUsers has changes of users come one after the other. They are few, and some look at all users.
func (s *Store) lockUsers(ctx context.Context, conn *sql.Conn) error {
	if !s.dialect.shared {
		return nil
	}
	_, err := conn.ExecContext(ctx, `LOCK TABLE access_user IN SHARE ROW EXCLUSIVE MODE`)
	return err
}

// useLink uses up the link of a change; a kind that is empty is any but a set-up.
func useLink(ctx context.Context, conn *sql.Conn, kind string, user int64, c *UserChange) error {
	var ends int64
	var was string
	err := conn.QueryRowContext(ctx, `DELETE FROM access_link WHERE hash = $1 AND user_id = $2 RETURNING kind, ends_at`, c.Link, user).Scan(&was, &ends)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (ends <= c.At || kind == "set_up" && was != kind) {
		return ErrNoLink
	}
	return err
}

// finishUser does what goes with a change of a user and comes last.
func finishUser(ctx context.Context, conn *sql.Conn, u *User, c *UserChange) error {
	if b := c.Begin; b != nil {
		if !u.Active() {
			return fmt.Errorf("user %d: %w", u.ID, ErrNoUser)
		}
		if _, err := conn.ExecContext(ctx, `DELETE FROM access_session WHERE user_id = $1 AND (used_at < $2 OR created_at < $3)`, u.ID, b.IdleFrom, b.LimitFrom); err != nil {
			return err
		}
		if b.Instead != nil {
			if _, err := conn.ExecContext(ctx, `DELETE FROM access_session WHERE hash = $1`, b.Instead); err != nil {
				return err
			}
		}
		if _, err := conn.ExecContext(ctx, `INSERT INTO access_session (hash, user_id, how, address, agent, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
			b.Hash, u.ID, b.How, b.Address, storable(b.Agent), b.CreatedAt); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, `UPDATE access_user SET signed_in_at = $1 WHERE id = $2`, b.CreatedAt, u.ID); err != nil {
			return err
		}
	}
	return insertAudit(ctx, conn, c.Audit)
}

// DeactivatedMembers returns who is in the team although their user was deactivated.
func (s *Store) DeactivatedMembers(ctx context.Context) (list []string, err error) {
	stmt, err := s.queries.get(ctx, `SELECT u.email FROM access_user u JOIN member m ON m.id = u.email WHERE u.deactivated_at <> 0 AND m.active <> 0 ORDER BY u.email`)
	if err != nil {
		return nil, err
	}
	rows, err := stmt.QueryContext(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading who was deactivated: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var email string
		if err := rows.Scan(&email); err != nil {
			return nil, err
		}
		list = append(list, email)
	}
	return list, rows.Err()
}

// UserByEmail returns the user with a normalised address; ErrNoUser if there is none.
func (s *Reader) UserByEmail(ctx context.Context, email string) (User, error) {
	return s.user(ctx, `WHERE email = $1`, storable(email))
}

// UserBySubject returns the user that a provider of sign-ins knows as a subject; ErrNoUser if there is none.
func (s *Reader) UserBySubject(ctx context.Context, subject string) (User, error) {
	return s.user(ctx, `WHERE subject = $1 AND subject <> ''`, storable(subject))
}

// UserByID returns a user; ErrNoUser if there is none.
func (s *Reader) UserByID(ctx context.Context, id int64) (User, error) {
	return s.user(ctx, `WHERE id = $1`, id)
}

func (s *Reader) user(ctx context.Context, where string, arg any) (u User, err error) {
	err = s.one(ctx, `SELECT `+userColumns+` FROM access_user `+where, []any{arg}, u.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return u, ErrNoUser
	}
	return u, s.explain("reading", err)
}

// Users returns all users by their addresses, those who were deactivated last.
func (s *Reader) Users(ctx context.Context) ([]User, error) {
	var list []User
	stmt, err := s.queries.get(ctx, `SELECT `+userColumns+` FROM access_user ORDER BY CASE WHEN deactivated_at = 0 THEN 0 ELSE 1 END, email`)
	if err == nil {
		err = scanAll(ctx, stmt, nil, func(r *sql.Rows) error {
			var u User
			err := r.Scan(u.into()...)
			list = append(list, u)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// HasUsers reports whether there is any user.
func (s *Reader) HasUsers(ctx context.Context) (bool, error) {
	var n int
	err := s.one(ctx, `SELECT count(*) FROM (SELECT id FROM access_user LIMIT 1) AS u`, nil, &n)
	return n > 0, s.explain("reading", err)
}

// AddLink keeps a link under its SHA-256. Those whose time is over are forgotten.
func (s *Store) AddLink(ctx context.Context, hash []byte, l Link, audit ...Audit) error {
	return s.transact(ctx, "keeping a link", func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, `DELETE FROM access_link WHERE ends_at <= $1`, l.MadeAt); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, `INSERT INTO access_link (hash, kind, user_id, made_at, ends_at) VALUES ($1, $2, $3, $4, $5)`, hash, l.Kind, l.User, l.MadeAt, l.EndsAt); err != nil {
			return err
		}
		return insertAudit(ctx, conn, audit)
	})
}

// Link returns the link with a hash, and its user; ErrNoLink if there is none any more.
func (s *Reader) Link(ctx context.Context, hash []byte, now int64) (l Link, err error) {
	err = s.one(ctx, `SELECT kind, user_id, made_at, ends_at FROM access_link WHERE hash = $1 AND ends_at > $2`, []any{hash, now}, &l.Kind, &l.User, &l.MadeAt, &l.EndsAt)
	if errors.Is(err, sql.ErrNoRows) {
		return l, ErrNoLink
	}
	return l, s.explain("reading", err)
}

// Session returns the session with the hash of a token, and its user; ErrNoSession if there is none. Whether it is over is
// for the caller to say.
func (s *Reader) Session(ctx context.Context, hash []byte) (v Session, u User, err error) {
	into := append([]any{&v.ID, &v.User, &v.How, &v.Address, &v.Agent, &v.CreatedAt, &v.UsedAt}, u.into()...)
	err = s.one(ctx, `SELECT s.id, s.user_id, s.how, s.address, s.agent, s.created_at, s.used_at, u.`+strings.ReplaceAll(userColumns, ", ", ", u.")+`
		FROM access_session s JOIN access_user u ON u.id = s.user_id WHERE s.hash = $1`, []any{hash}, into...)
	if errors.Is(err, sql.ErrNoRows) {
		return v, u, ErrNoSession
	}
	return v, u, s.explain("reading", err)
}

// Sessions returns the sessions of a user, the last used first; of all users if it is 0.
func (s *Reader) Sessions(ctx context.Context, user int64) ([]Session, error) {
	var list []Session
	stmt, err := s.queries.get(ctx, `SELECT id, user_id, how, address, agent, created_at, used_at FROM access_session WHERE CAST($1 AS bigint) = 0 OR user_id = $1 ORDER BY used_at DESC, id DESC`)
	if err == nil {
		err = scanAll(ctx, stmt, []any{user}, func(r *sql.Rows) error {
			var v Session
			err := r.Scan(&v.ID, &v.User, &v.How, &v.Address, &v.Agent, &v.CreatedAt, &v.UsedAt)
			list = append(list, v)
			return err
		})
	}
	return list, s.explain("reading", err)
}

// UseSession notes when a session was last used.
func (s *Store) UseSession(ctx context.Context, id, at int64) error {
	return s.transact(ctx, "noting the use of a session", func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `UPDATE access_session SET used_at = $1 WHERE id = $2 AND used_at < $1`, at, id)
		return err
	})
}

// EndSession ends a session of a user; ErrNoSession if there is none.
func (s *Store) EndSession(ctx context.Context, user, id int64, audit ...Audit) error {
	return s.transact(ctx, "ending a session", func(ctx context.Context, conn *sql.Conn) error {
		var there int64
		err := conn.QueryRowContext(ctx, `DELETE FROM access_session WHERE id = $1 AND user_id = $2 RETURNING id`, id, user).Scan(&there)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoSession
		} else if err != nil {
			return err
		}
		return insertAudit(ctx, conn, audit)
	})
}

// EndSessions ends all sessions of a user but one.
func (s *Store) EndSessions(ctx context.Context, user, but int64, audit ...Audit) error {
	return s.transact(ctx, "ending sessions", func(ctx context.Context, conn *sql.Conn) error {
		if _, err := conn.ExecContext(ctx, `DELETE FROM access_session WHERE user_id = $1 AND id <> $2`, user, but); err != nil {
			return err
		}
		return insertAudit(ctx, conn, audit)
	})
}

// MarkMadeUp says that everybody in this database is made up. Only one with nothing and nobody in it can be marked.
func (s *Store) MarkMadeUp(ctx context.Context, at int64) error {
	return s.transact(ctx, "marking", func(ctx context.Context, conn *sql.Conn) error {
		var n int
		if err := conn.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM (SELECT id FROM input LIMIT 1) AS i) + (SELECT count(*) FROM (SELECT id FROM access_user LIMIT 1) AS u)
			+ (SELECT count(*) FROM agreement)`).Scan(&n); err != nil {
			return err
		} else if n > 0 {
			return ErrNotEmpty
		}
		_, err := conn.ExecContext(ctx, `INSERT INTO made_up (id, at) VALUES (1, $1)`, at)
		return err
	})
}

// MadeUp reports whether everybody in this database is made up, and said to be so before anything was in it.
func (s *Reader) MadeUp(ctx context.Context) (bool, error) {
	var n int
	err := s.one(ctx, `SELECT count(*) FROM made_up`, nil, &n)
	return n > 0, s.explain("reading", err)
}
