// Package authz holds the words of power that every feature shares: who acts (Actor), what kind of
// act needs authority (Power), and what permits it (Authority). The judgement itself is made by one
// function of the mandate feature, which features receive as a Judge.
package authz

import (
	"context"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Actor is who does something: an explicit argument of every method that changes anything. The zero
// Actor is a visitor.
type Actor struct {
	Login   id.ID // the sign-in, 0 for visitors, jobs and the operator
	Member  id.ID // the person on the register, 0 if none
	Account id.ID // the fediverse account acted with
	Via     Via
	Session id.ID // the browser session or the access token that was used
	// Decision is the decision being carried out; the judge asks whether it is in force and says so.
	Decision id.ID
	// Election is the election whose result is being carried out.
	Election id.ID
	// Lapse is the emergency act whose time to be ratified is over and which is being undone.
	Lapse  id.ID
	Scopes []string // what an app's token allows; nil for a browser session, which may do all
}

// Via is the door an act came through.
type Via string

// The doors.
const (
	Web        Via = "web"
	API        Via = "api"
	Operator   Via = "operator"   // a shell command on the machine
	Federation Via = "federation" // a signed activity of another server
	Job        Via = "job"        // a clock or a reaction
)

// Visitor reports whether nobody is signed in.
func (a Actor) Visitor() bool { return a.Account == 0 && a.Via != Operator && a.Via != Job }

// Allows reports whether the token in use carries the scope; browser sessions carry all.
// A broad scope covers its parts: "write" covers "write:statuses".
// spec: mastodon/api/oauth-scopes
func (a Actor) Allows(scope string) bool {
	if a.Scopes == nil {
		return true
	}
	for _, s := range a.Scopes {
		if s == scope || len(scope) > len(s) && scope[:len(s)] == s && scope[len(s)] == ':' {
			return true
		}
	}
	return false
}

// RequireAccount refuses visitors.
func (a Actor) RequireAccount() error {
	if a.Account == 0 {
		return fault.New(fault.Forbidden, "Please sign in first.")
	}
	return nil
}

// Power is a kind of act that needs authority, such as "member.admit", with the sentence that the
// public page of powers shows.
type Power struct {
	Name string // feature.verb
	What string // "Accept or decline applications for membership"
	// Irreversible acts have no inverse; they are on the short list of invariant 8.
	Irreversible bool
	// Reserved powers are never part of a mandate: only a decision carries them.
	Reserved bool
	// Meeting powers are the general meeting's alone: no other body can have them in its domain.
	Meeting bool
}

// AuthorityKind says what sort of source an authority is.
type AuthorityKind string

// The sources of power. Genesis is the founding itself, Operator an emergency act from the shell.
const (
	Mandate  AuthorityKind = "mandate"
	Decision AuthorityKind = "decision"
	Election AuthorityKind = "election"
	Genesis  AuthorityKind = "genesis"
	Operate  AuthorityKind = "operator"
	// Emergency is a rule that lets a body act at once; the act is undone by itself unless ratified.
	Emergency AuthorityKind = "emergency"
	// Lapse is the end of the time in which an emergency act could be ratified; it undoes the act.
	Lapse AuthorityKind = "lapse"
)

// Authority is what permits one act: a mandate or a decision in force. Acts cite it.
type Authority struct {
	Kind AuthorityKind
	ID   id.ID
}

// Target is what an act bears on: a feature's kind of thing and its id.
type Target struct {
	Kind string
	ID   id.ID
}

// Act is one change that needs authority. Whoever performs it writes it into the public record.
type Act struct {
	Power   string // the kind of act
	Target  Target
	Args    any    // what was done, for anyone to read
	Inverse any    // what would undo it; nil for the kinds that have no inverse
	Reason  string // in the actor's words
	Class   string // of the reason, where the feature has classes; some let an emergency act be published later
	Private any    // personal data, kept outside the hash of the record
	// State is what the target is after the act, without personal data, so that the record can be
	// replayed; nil if the act leaves no governance state.
	State any
}

// Judge answers every question of power and keeps the acts. The mandate feature is the only one.
type Judge interface {
	// Authorise tells which mandate or decision in force, at the transaction's time, lets the actor
	// do an act of this power to this target. A refusal is fault.Forbidden.
	Authorise(ctx context.Context, h db.Handle, by Actor, power string, target Target) (Authority, error)
	// Perform authorises the act and records it, citing the authority, in the same transaction as
	// the change itself.
	Perform(ctx context.Context, tx *db.Tx, by Actor, a Act) (Authority, error)
}
