package member

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/record"
)

type person struct {
	Name, Username, Email, PasswordHash string
	InvitedBy                           id.ID
	Number                              int64     // 0 means the next
	Since                               time.Time // zero means now
	Invitation, Imported                bool
}

// admit puts a person on the register, with the next number, and everything that follows.
func (s *Service) admit(ctx context.Context, tx *db.Tx, p person) (Member, error) {
	if _, err := lockMembers.Run(ctx, tx); err != nil {
		return Member{}, err
	}
	next, err := nextNumber.One(ctx, tx)
	if err != nil {
		return Member{}, err
	}
	m := Member{ID: id.New(tx.Now()), Number: p.Number, Name: p.Name, Username: p.Username, InvitedBy: p.InvitedBy, Since: p.Since, Version: 1, Founder: next == 1 && !p.Imported}
	if m.Number == 0 {
		m.Number = next
	}
	if m.Since.IsZero() {
		m.Since = tx.Now()
	}
	m.ChangedAt = m.Since
	login, err := s.identity.Register(ctx, tx, p.Email, p.PasswordHash, m.ID)
	if err != nil {
		return m, err
	}
	m.LoginID = login.ID
	if _, err := insertMember.Run(ctx, tx, m.ID, m.Number, m.Name, m.Username, m.LoginID, m.InvitedBy, m.Since, m.Founder, m.Version, m.ChangedAt); err != nil {
		return m, err
	}
	if _, err := insertFact.Run(ctx, tx, m.ID, m.Version, Joined, m.Since, time.Time{}, ""); err != nil {
		return m, err
	}
	if err := s.Admitted.Emit(ctx, tx, Admitted{Member: m, Login: login, Invitation: p.Invitation, Imported: p.Imported}); err != nil {
		return m, err
	}
	m, ok, err := getMember.Find(ctx, tx, m.ID)
	if err == nil && !ok {
		err = errors.New("admit member: the row is gone")
	}
	return m, err
}

// Enrol puts a person on the register without invitation or application: at the founding, whose caller
// records it. The first of all is a founder, for whom there is no waiting period.
func (s *Service) Enrol(ctx context.Context, tx *db.Tx, j Joining, passwordHash string) (Member, error) {
	if err := j.check(); err != nil {
		return Member{}, err
	}
	if err := s.free(ctx, tx, j); err != nil {
		return Member{}, err
	}
	return s.admit(ctx, tx, person{Name: j.Name, Username: j.Username, Email: j.Email, PasswordHash: passwordHash})
}

// TakeIn enrols a person by an act of the power member.enrol, as the operator's command does.
func (s *Service) TakeIn(ctx context.Context, tx *db.Tx, by authz.Actor, j Joining, passwordHash, reason string) (Member, error) {
	m, err := s.Enrol(ctx, tx, j, passwordHash)
	if err != nil {
		return m, err
	}
	_, err = s.judge.Perform(ctx, tx, by, authz.Act{Power: Enrol, Target: targetOf(m.ID), Reason: reason, Private: personal(m), State: State(m),
		Args: map[string]any{"decision": "enrolled", "number": m.Number}})
	return m, err
}

// SetAccount keeps which fediverse account is the member's.
func (s *Service) SetAccount(ctx context.Context, tx *db.Tx, member, account id.ID) error {
	_, err := setAccount.Run(ctx, tx, member, account)
	return err
}

// Suspend takes a member's rights away until a time, or until they are given back if it is zero: no
// vote and no invitations. Only a decision of the general meeting carries this power (see Powers). The
// account stays open; closing that is another matter.
func (s *Service) Suspend(ctx context.Context, by authz.Actor, member id.ID, until time.Time, reason string) error {
	return s.byHand(ctx, reason, func(tx *db.Tx, reason string) error {
		_, err := s.suspend(ctx, tx, by, member, until, reason)
		return err
	})
}

func (s *Service) suspend(ctx context.Context, tx *db.Tx, by authz.Actor, member id.ID, until time.Time, reason string) (effect.Stored, error) {
	until = until.UTC().Truncate(time.Millisecond) // what the tables keep is what the record says
	m, err := s.subject(ctx, tx, by, Suspension, member)
	if err != nil {
		return effect.Stored{}, err
	}
	if err := maySuspend(m, tx.Now(), until); err != nil {
		return effect.Stored{}, err
	}
	if err := s.note(ctx, tx, &m, Fact{Kind: SuspendedFrom, Until: until}); err != nil {
		return effect.Stored{}, err
	}
	args := map[string]any{"number": m.Number}
	if !until.IsZero() {
		args["until"] = until
	}
	inverse, err := s.act(ctx, tx, by, Suspension, m, args, reason, Reinstatement, &reinstateEffect{Member: m.ID, From: fromSuspension})
	if err != nil {
		return inverse, err
	}
	return inverse, s.Suspended.Emit(ctx, tx, m)
}

func maySuspend(m Member, now, until time.Time) error {
	switch {
	case !m.Present():
		return errGone
	case m.Suspended(now):
		return fault.New(fault.Conflict, "The rights of this member are suspended already.")
	case !until.IsZero() && !until.After(now):
		return fault.Field("until", "The day on which the suspension ends lies in the future.")
	}
	return nil
}

var errGone = fault.New(fault.Conflict, "This membership has ended already.")

// Expel ends a membership against the member's will.
func (s *Service) Expel(ctx context.Context, by authz.Actor, member id.ID, reason string) error {
	return s.byHand(ctx, reason, func(tx *db.Tx, reason string) error {
		_, err := s.expel(ctx, tx, by, member, Expelled, reason)
		return err
	})
}

// expel ends a membership by the power member.expel. How is anything but Expelled only where a
// reinstatement is undone: the end is then again what it was.
func (s *Service) expel(ctx context.Context, tx *db.Tx, by authz.Actor, member id.ID, how, reason string) (effect.Stored, error) {
	m, err := s.subject(ctx, tx, by, Expulsion, member)
	if err != nil {
		return effect.Stored{}, err
	}
	if err := s.end(ctx, tx, &m, how); err != nil {
		return effect.Stored{}, err
	}
	inverse, err := s.act(ctx, tx, by, Expulsion, m, map[string]any{"number": m.Number, "ended": how}, reason, Reinstatement, &reinstateEffect{Member: m.ID, From: fromEnd})
	if err != nil {
		return inverse, err
	}
	return inverse, s.Ended.Emit(ctx, tx, Ended{Member: m, By: by})
}

// SignOfLife is how long nobody must have used a member's login before an officer can record a death: with
// it, recording deaths takes nobody off the roll who is there to vote.
const SignOfLife = 30 * 24 * time.Hour

// RecordDeath ends the membership of somebody who has died: an act of the power member.admit. It waits for
// SignOfLife after the last use of the login; before that, only a decision can end the membership.
func (s *Service) RecordDeath(ctx context.Context, by authz.Actor, member id.ID, reason string) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		m, err := s.subject(ctx, tx, by, Admit, member)
		if err != nil {
			return err
		}
		used, err := s.identity.LastUse(ctx, tx, m.LoginID)
		if err != nil {
			return err
		}
		if heard := tx.Now().Sub(used); m.Present() && !used.IsZero() && heard < SignOfLife {
			return fault.New(fault.Conflict, "This member's account was in use on %s. A death can be recorded %d days after the last sign of life; before that, the members can decide that the membership has ended.",
				used.Format("2 January 2006"), int(SignOfLife.Hours()/24))
		}
		if err := s.end(ctx, tx, &m, Died); err != nil {
			return err
		}
		if _, err = s.act(ctx, tx, by, Admit, m, map[string]any{"number": m.Number, "decision": Died}, strings.TrimSpace(reason), Reinstatement,
			&reinstateEffect{Member: m.ID, From: fromEnd}); err != nil {
			return err
		}
		return s.Ended.Emit(ctx, tx, Ended{Member: m, By: by})
	})
}

// Resign ends the actor's own membership. It needs no authority, only the password once more.
func (s *Service) Resign(ctx context.Context, by authz.Actor, password string, from netip.Addr) error {
	m, err := s.Mine(ctx, by)
	if err != nil {
		return err
	}
	if !m.Present() {
		return errGone
	}
	if err := s.identity.Confirm(ctx, by, password, from); err != nil {
		return err
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		m, err := s.Get(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		return s.leave(ctx, tx, by, m, Resigned, record.Entry{Kind: "member.resigned", Member: refOf(m.ID), Via: by.Via})
	})
}

// Lapse ends a membership because a rule says so, which the authority names: the dues feature calls it
// when the notices of the rule have run out.
func (s *Service) Lapse(ctx context.Context, tx *db.Tx, member id.ID, authority authz.Authority, reason string) error {
	m, err := s.Get(ctx, tx, member)
	if err != nil {
		return err
	}
	return s.leave(ctx, tx, authz.Actor{Via: authz.Job}, m, Lapsed, record.Entry{Kind: "member.lapsed", Via: authz.Job, Authority: authority, Reason: reason})
}

func (s *Service) leave(ctx context.Context, tx *db.Tx, by authz.Actor, m Member, how string, e record.Entry) error {
	if err := s.end(ctx, tx, &m, how); err != nil {
		return err
	}
	e.Subject, e.State, e.Private, e.Data = refOf(m.ID), State(m), personal(m), map[string]any{"number": m.Number}
	if _, err := s.record.Append(ctx, tx, e); err != nil {
		return err
	}
	return s.Ended.Emit(ctx, tx, Ended{Member: m, By: by})
}

// end takes a person off the register and lets go of what the membership gave. The caller records it
// and then says so to the others.
func (s *Service) end(ctx context.Context, tx *db.Tx, m *Member, how string) error {
	if !m.Present() {
		return errGone
	}
	if err := s.note(ctx, tx, m, Fact{Kind: EndedThen, How: how}); err != nil {
		return err
	}
	if err := s.identity.Retire(ctx, tx, m.LoginID); err != nil {
		return err
	}
	_, err := withdrawAll.Run(ctx, tx, m.ID, tx.Now())
	return err
}

// What a reinstatement puts right.
const (
	fromEnd        = "ended"
	fromSuspension = "suspended"
)

// Reinstate takes a former member back under the same number, or gives a member the suspended rights
// back. The waiting period before the first vote begins anew for who comes back.
func (s *Service) Reinstate(ctx context.Context, by authz.Actor, member id.ID, reason string) error {
	return s.byHand(ctx, reason, func(tx *db.Tx, reason string) error {
		_, err := s.reinstate(ctx, tx, by, member, "", reason)
		return err
	})
}

func (s *Service) reinstate(ctx context.Context, tx *db.Tx, by authz.Actor, member id.ID, from, reason string) (effect.Stored, error) {
	m, err := s.subject(ctx, tx, by, Reinstatement, member)
	if err != nil {
		return effect.Stored{}, err
	}
	if from, err = mayReinstate(m, tx.Now(), from); err != nil {
		return effect.Stored{}, err
	}
	args := map[string]any{"number": m.Number, "from": from}
	if from == fromSuspension {
		undo := &suspendEffect{Member: m.ID, Until: day(m.SuspendedUntil)}
		if err := s.note(ctx, tx, &m, Fact{Kind: RestoredAt}); err != nil {
			return effect.Stored{}, err
		}
		inverse, err := s.act(ctx, tx, by, Reinstatement, m, args, reason, Suspension, undo)
		if err != nil {
			return inverse, err
		}
		return inverse, s.Restored.Emit(ctx, tx, m)
	}
	undo := &expelEffect{Member: m.ID}
	if m.Ended != Expelled {
		undo.As = m.Ended
	}
	if err := s.note(ctx, tx, &m, Fact{Kind: ReinstatedAt}); err != nil {
		return effect.Stored{}, err
	}
	if err := s.identity.Restore(ctx, tx, m.LoginID); err != nil {
		return effect.Stored{}, err
	}
	inverse, err := s.act(ctx, tx, by, Reinstatement, m, args, reason, Expulsion, undo)
	if err != nil {
		return inverse, err
	}
	return inverse, s.Reinstated.Emit(ctx, tx, m)
}

// mayReinstate says what there is to put right: an end before a suspension, which may lie below it.
func mayReinstate(m Member, now time.Time, from string) (string, error) {
	if from == "" {
		from = fromSuspension
		if !m.Present() {
			from = fromEnd
		}
	}
	switch {
	case from != fromEnd && from != fromSuspension:
		return "", fault.Field("from", "A member is reinstated from the end of the membership (ended) or from a suspension (suspended).")
	case from == fromSuspension && !m.Suspended(now):
		return "", fault.New(fault.Conflict, "This member has all rights already.")
	case from == fromEnd && m.Present():
		return "", fault.New(fault.Conflict, "This person is a member already.")
	case from == fromEnd && !m.ErasedAt.IsZero():
		return "", fault.New(fault.Conflict, "The personal data of this former member has been deleted; whoever it was can apply anew.")
	}
	return from, nil
}

// byHand runs an act of an officer, who owes everybody a reason.
func (s *Service) byHand(ctx context.Context, reason string, f func(tx *db.Tx, reason string) error) error {
	reason = strings.TrimSpace(reason)
	if n := utf8.RuneCountInString(reason); n == 0 || n > maxAnswer {
		return fault.Field("reason", "Please give a reason, in %d characters at most: it is on the public record.", maxAnswer)
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error { return f(tx, reason) })
}

// subject is the member that an act is about, once it is clear that the actor may do it.
func (s *Service) subject(ctx context.Context, tx *db.Tx, by authz.Actor, power string, member id.ID) (Member, error) {
	if _, err := s.judge.Authorise(ctx, tx, by, power, targetOf(member)); err != nil {
		return Member{}, err
	}
	return s.Get(ctx, tx, member)
}

// act performs an act about a member and returns what would undo it.
func (s *Service) act(ctx context.Context, tx *db.Tx, by authz.Actor, power string, m Member, args any, reason, undoKind string, undo effect.Effect) (effect.Stored, error) {
	inverse, err := effect.Store(undoKind, undo)
	if err != nil {
		return inverse, err
	}
	_, err = s.judge.Perform(ctx, tx, by, authz.Act{Power: power, Target: targetOf(m.ID), Args: args, Inverse: inverse, Reason: reason, Private: personal(m), State: State(m)})
	return inverse, err
}

// note adds a fact to a member's history and brings the member up to date with it. Facts of one member
// never run back in time, whatever the machine's clock does.
func (s *Service) note(ctx context.Context, tx *db.Tx, m *Member, f Fact) error {
	f.At = tx.Now()
	if f.At.Before(m.ChangedAt) {
		f.At = m.ChangedAt
	}
	switch f.Kind {
	case EndedThen:
		m.Until, m.Ended = f.At, f.How
	case ReinstatedAt:
		m.Until, m.Ended = time.Time{}, ""
	case SuspendedFrom:
		m.SuspendedAt, m.SuspendedUntil = f.At, f.Until
	case RestoredAt:
		m.SuspendedAt, m.SuspendedUntil = time.Time{}, time.Time{}
	}
	n, err := changeMember.Run(ctx, tx, m.ID, m.Version, m.Until, m.Ended, m.SuspendedAt, m.SuspendedUntil, f.At)
	if err != nil {
		return err
	}
	if n == 0 { // changed at the same moment: look again
		return fmt.Errorf("change member: %w", db.ErrRetry)
	}
	m.Version, m.ChangedAt = m.Version+1, f.At
	_, err = insertFact.Run(ctx, tx, m.ID, m.Version, f.Kind, f.At, f.Until, f.How)
	return err
}
