package member

import (
	"context"
	"crypto/rand"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/record"
)

// Invitation lets people join without an application. Its maker sees it, and whoever has the code.
type Invitation struct {
	ID          id.ID     `db:"id"`
	Code        string    `db:"code"`
	MemberID    id.ID     `db:"member_id"`
	Note        string    `db:"note"`
	Uses        int       `db:"uses"`
	MaxUses     int       `db:"max_uses"`
	CreatedAt   time.Time `db:"created_at"`
	ExpiresAt   time.Time `db:"expires_at"`
	WithdrawnAt time.Time `db:"withdrawn_at"`
}

// Good reports whether the invitation can still be used.
func (i *Invitation) Good(at time.Time) bool {
	return i.WithdrawnAt.IsZero() && i.Uses < i.MaxUses && at.Before(i.ExpiresAt)
}

// Invite makes an invitation of the actor's, for up to maxUses people within 14 days. Every member may
// whose rights are not suspended.
func (s *Service) Invite(ctx context.Context, by authz.Actor, maxUses int, note string) (Invitation, error) {
	if by.Member == 0 {
		return Invitation{}, fault.New(fault.Forbidden, "Members can invite people.")
	}
	if maxUses < 1 || maxUses > 20 {
		return Invitation{}, fault.Field("uses", "An invitation is for 1 to 20 people.")
	}
	if utf8.RuneCountInString(note) > 200 {
		return Invitation{}, fault.Field("note", "Please keep the note to 200 characters.")
	}
	i := Invitation{Code: rand.Text()[:16], MemberID: by.Member, Note: note, MaxUses: maxUses}
	err := s.db.InTx(ctx, func(tx *db.Tx) error {
		if ok, err := s.mayInvite(ctx, tx, by.Member); err != nil {
			return err
		} else if !ok {
			return fault.New(fault.Forbidden, "Members in good standing can invite people; your rights are suspended at present.")
		}
		i.ID, i.CreatedAt, i.ExpiresAt = id.New(tx.Now()), tx.Now(), tx.Now().AddDate(0, 0, 14)
		_, err := insertInvitation.Run(ctx, tx, i.ID, i.Code, i.MemberID, i.Note, i.MaxUses, i.CreatedAt, i.ExpiresAt)
		return err
	})
	return i, err
}

func (s *Service) mayInvite(ctx context.Context, h db.Handle, member id.ID) (bool, error) {
	m, err := s.Get(ctx, h, member)
	return m.Present() && !m.Suspended(h.Now()), err
}

// Invitations lists the actor's own, the newest first.
func (s *Service) Invitations(ctx context.Context, by authz.Actor) ([]Invitation, error) {
	return listInvitations.All(ctx, s.db, by.Member)
}

// Withdraw ends one of the actor's own invitations.
func (s *Service) Withdraw(ctx context.Context, by authz.Actor, invitation id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		n, err := withdrawInvitation.Run(ctx, tx, invitation, by.Member, tx.Now())
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, "There is no such invitation.")
		}
		return err
	})
}

var errInvitation = fault.New(fault.Gone, "This invitation has been used or has run out. Ask for a new one, or apply without.")

// Invited is the invitation with this code and who made it, if it is still good.
func (s *Service) Invited(ctx context.Context, code string) (Invitation, Member, error) {
	i, ok, err := getInvitation.Find(ctx, s.db, code)
	if err != nil {
		return i, Member{}, err
	}
	if !ok || !i.Good(s.db.Now()) {
		return i, Member{}, errInvitation
	}
	m, err := s.Get(ctx, s.db, i.MemberID)
	if err == nil && (!m.Present() || m.Suspended(s.db.Now())) {
		return i, Member{}, errInvitation
	}
	return i, m, err
}

// Join makes a person with an invitation a member at once. The invitation of a member is the
// authority, and the record says whose it was.
func (s *Service) Join(ctx context.Context, j Joining) (Member, error) {
	if _, _, err := s.Invited(ctx, j.Code); err != nil {
		return Member{}, err
	}
	hash, err := s.prepare(ctx, &j)
	if err != nil {
		return Member{}, err
	}
	var m Member
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		i, ok, err := useInvitation.Find(ctx, tx, j.Code, tx.Now())
		if err != nil {
			return err
		}
		if ok {
			ok, err = s.mayInvite(ctx, tx, i.MemberID)
			if err != nil {
				return err
			}
		}
		if !ok {
			return errInvitation
		}
		m, err = s.admit(ctx, tx, person{Name: j.Name, Username: j.Username, Email: j.Email, PasswordHash: hash, InvitedBy: i.MemberID, Invitation: true})
		if err != nil {
			return err
		}
		_, err = s.record.Append(ctx, tx, record.Entry{Kind: "member.joined", Subject: refOf(m.ID), Member: refOf(i.MemberID), Via: authz.Web, Reason: "invited",
			Data: map[string]any{"number": m.Number, "invitation": i.ID}, Private: personal(m), State: State(m)})
		return err
	})
	return m, err
}
