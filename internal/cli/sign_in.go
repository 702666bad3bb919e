package cli

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"baton/internal/access"
	"baton/internal/app"
)

// signIn checks the settings of signing in.
func (c *serveCommand) signIn() (app.SignIn, error) {
	s := app.SignIn{Idle: c.SessionIdle, Longest: c.SessionLongest}
	if err := errors.Join(bounded("session-idle", c.SessionIdle, time.Minute, 365*24*time.Hour), bounded("session-longest", c.SessionLongest, time.Minute, 365*24*time.Hour)); err != nil {
		return s, err
	}
	if c.URL != "" {
		if err := baseURL("url", c.URL); err != nil {
			return s, err
		}
	}
	if c.OIDCIssuer == "" {
		return s, nil
	}
	if err := baseURL("oidc-issuer", c.OIDCIssuer); err != nil {
		return s, err
	}
	if c.OIDCClient == "" {
		return s, errors.New("--oidc-client is missing: as whom the provider of sign-ins knows Baton")
	}
	for value, role := range c.OIDCRoles { // order: any that is wrong will do
		if !slices.Contains(access.Roles, access.Role(role)) {
			return s, fmt.Errorf("--oidc-roles: %s gives %q, which is no role; there are %v", value, role, access.Roles)
		}
	}
	s.Provider = &access.Provider{Issuer: c.OIDCIssuer, ID: c.OIDCClient, Secret: c.OIDCSecret, Name: c.OIDCName, RolesClaim: c.OIDCRolesClaim,
		RoleOf: c.OIDCRoles, Scopes: c.OIDCScopes, TrustEmail: c.OIDCTrustEmail}
	return s, nil
}

// baseURL says what is wrong with an address that others are made of.
func baseURL(flag, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("--%s: %q is no whole address, such as https://baton.northwind.example", flag, text)
	}
	if flag == "url" && strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("--url: Baton has its addresses at the root of a host, so there can be no path behind %s", u.Host)
	}
	return nil
}

// welcome says how the first user is made.
func welcome(r *run, url, code string) {
	fmt.Fprintf(r.Out, "\nNobody can sign in yet. Open %s within a day, with this code: %s\nOr make the first user here: baton user add EMAIL --admin\n", url, code)
}
