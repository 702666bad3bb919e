package web

import "baton/internal/access"

// What pages say of rights, and where it is decided: internal/access has the one table of them.
type (
	Viewer = access.Viewer
	Role   = access.Role
	Right  = access.Right
)

// ErrSignedOut means that nobody is signed in.
var ErrSignedOut = access.ErrSignedOut

// The roles.
const (
	RoleMarketing = access.RoleMarketing
	RoleSDR       = access.RoleSDR
	RoleRep       = access.RoleRep
	RoleManager   = access.RoleManager
	RoleRevOps    = access.RoleRevOps
	RoleAdmin     = access.RoleAdmin
)

// The rights.
const (
	Anybody      = access.Anybody
	SignedIn     = access.SignedIn
	WorkLeads    = access.WorkLeads
	WorkQueue    = access.WorkQueue
	SeeLeads     = access.SeeLeads
	SeeReports   = access.SeeReports
	Export       = access.Export
	RunTeam      = access.RunTeam
	RunImports   = access.RunImports
	RunAgreement = access.RunAgreement
	RunSettings  = access.RunSettings
	RunKeys      = access.RunKeys
	SeeServer    = access.SeeServer
	RunPeople    = access.RunPeople
	SeeAudit     = access.SeeAudit
	ShareFilters = access.ShareFilters
	RemindOwners = access.RemindOwners
)
