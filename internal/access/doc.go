// Package access says who somebody is and what they may do: users, their passwords and second factors,
// sessions, invitations, sign-ins at a provider (OpenID Connect), roles, and the one table of rights.
//
// It has no pages and no SQL: internal/web shows what it says, and internal/store keeps what it decides. What it
// keeps of a secret is a hash, or sealed. An answer to somebody who is not signed in is the same, and takes as long,
// whether or not there is such a user. Start reading at Rights in right.go, then Gate.
package access
