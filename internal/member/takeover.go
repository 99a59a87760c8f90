package member

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/record"
)

// Preview compares an import with the register and returns it with what would become of every row. It
// changes nothing.
func (s *Service) Preview(ctx context.Context, imp Import) (Import, error) {
	out := imp.clone()
	return out, s.compare(ctx, s.db, &out)
}

func (i *Import) clone() Import {
	out := *i
	out.Rows = slices.Clone(i.Rows)
	for n := range out.Rows {
		out.Rows[n].Notes = slices.Clone(out.Rows[n].Notes)
	}
	return out
}

func (s *Service) compare(ctx context.Context, h db.Handle, imp *Import) error {
	taken, err := listNumbers.All(ctx, h)
	if err != nil {
		return err
	}
	used := map[int64]bool{}
	for _, n := range taken {
		used[n] = true
	}
	for i := range imp.Rows {
		if r := &imp.Rows[i]; r.Outcome == Add {
			if err := s.compareRow(ctx, h, r, used); err != nil {
				return fmt.Errorf("line %d: %w", r.Line, err)
			}
		}
	}
	return nil
}

func (s *Service) compareRow(ctx context.Context, h db.Handle, r *ImportRow, used map[int64]bool) error {
	login, known, err := s.identity.ByEmail(ctx, h, r.Email)
	if err != nil {
		return err
	}
	if known {
		m, err := s.Get(ctx, h, login.MemberID)
		switch {
		case fault.Is(err, fault.NotFound):
			r.wrong("The e-mail address belongs to somebody who is no member.")
			return nil
		case err != nil:
			return err
		}
		r.Outcome, r.Number = Unchanged, m.Number
		if m.Username != r.Username {
			r.Notes = append(r.Notes, "On the register as @"+m.Username+".")
		}
		if !m.Present() {
			r.Notes = append(r.Notes, "The membership has ended ("+m.Ended+"): reinstate the member instead.")
		}
		return nil
	}
	j := Joining{Name: r.Name, Username: r.Username, Email: r.Email}
	err = j.check()
	if err == nil {
		err = s.free(ctx, h, j)
	}
	if words, ok := fault.Words(err); ok {
		r.wrong("%s", words)
		return nil
	}
	if err != nil {
		return err
	}
	if used[r.Number] {
		r.Notes = append(r.Notes, "The number "+strconv.FormatInt(r.Number, 10)+" is taken: the next free one is given.")
		r.Number = 0
	}
	return nil
}

// TakeOver puts the people of an import on the register who are not there yet: an act of the power
// member.admit for all of them, and for each an entry of the record that is marked as attested, since
// the record cannot show how they became members. They have no password until they choose one by the
// letter that a forgotten password brings. If a row is wrong nothing is written, unless such rows are
// to be skipped. It is done as a whole or not at all; doing it again changes nothing.
func (s *Service) TakeOver(ctx context.Context, by authz.Actor, imp Import, skipWrong bool, reason string) (Import, error) {
	var done Import
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		done = imp.clone()
		return s.takeOver(ctx, tx, by, &done, skipWrong, reason)
	})
	return done, err
}

func (s *Service) takeOver(ctx context.Context, tx *db.Tx, by authz.Actor, imp *Import, skipWrong bool, reason string) error {
	target := authz.Target{Kind: "register", ID: 1}
	if _, err := s.judge.Authorise(ctx, tx, by, Admit, target); err != nil {
		return err
	}
	if _, err := lockMembers.Run(ctx, tx); err != nil { // nobody takes a number of the file meanwhile
		return err
	}
	if err := s.compare(ctx, tx, imp); err != nil {
		return err
	}
	if n := imp.Count(Wrong); n > 0 && !skipWrong {
		return fault.New(fault.Invalid, "Nothing is imported: %d of %d rows are wrong.", n, len(imp.Rows))
	}
	if imp.Count(Add) == 0 {
		return nil
	}
	counts := map[string]any{"decision": "imported", "added": imp.Count(Add), "unchanged": imp.Count(Unchanged), "skipped": imp.Count(Wrong) + imp.Count(Left)}
	authority, err := s.judge.Perform(ctx, tx, by, authz.Act{Power: Admit, Target: target, Args: counts, Reason: reason})
	if err != nil {
		return err
	}
	// Those who bring a number come first, so that nobody is given it as the next.
	for _, own := range []bool{true, false} {
		for i := range imp.Rows {
			r := &imp.Rows[i]
			if r.Outcome != Add || own != (r.Number != 0) {
				continue
			}
			if err := s.attest(ctx, tx, by, authority, r); err != nil {
				return fmt.Errorf("line %d: %w", r.Line, err)
			}
		}
	}
	delete(counts, "decision")
	e := record.Entry{Kind: "register.imported", Via: by.Via, Authority: authority, Reason: reason, Data: counts, Private: map[string]string{"sha256": imp.Hash}}
	if by.Member != 0 {
		e.Member = refOf(by.Member)
	}
	_, err = s.record.Append(ctx, tx, e)
	return err
}

func (s *Service) attest(ctx context.Context, tx *db.Tx, by authz.Actor, authority authz.Authority, r *ImportRow) error {
	p := person{Name: r.Name, Username: r.Username, Email: r.Email, Number: r.Number, Since: r.Since, Imported: true}
	m, err := s.admit(ctx, tx, p)
	if err != nil {
		return err
	}
	r.Number = m.Number
	_, err = s.record.Append(ctx, tx, record.Entry{Kind: "member.attested", Subject: refOf(m.ID), Via: by.Via, Authority: authority,
		Data: map[string]any{"number": m.Number, "attested": true}, Private: personal(m), State: State(m)})
	return err
}

// Listed is a line of the exported register.
type Listed struct {
	Number   int64     `json:"number"`
	Name     string    `json:"name"`
	Username string    `json:"username"`
	Email    string    `json:"email,omitempty"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until,omitzero"`
	Ended    string    `json:"ended,omitempty"`
}

// Export lists everybody who is or was on the register, or, where on is not zero, who was a member in
// good standing then. Addresses are given only when they are asked for, what is erased not at all.
func (s *Service) Export(ctx context.Context, on time.Time, mail bool) ([]Listed, error) {
	good := map[id.ID]bool{}
	if !on.IsZero() {
		all, err := s.InGoodStanding(ctx, s.db, on)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			good[m] = true
		}
	}
	out := []Listed{}
	for after := int64(0); ; {
		page, err := listEver.All(ctx, s.db, after, 500)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, m := range page {
			after = m.Number
			if !on.IsZero() && !good[m.ID] {
				continue
			}
			l := Listed{Number: m.Number, Name: m.Name, Username: m.Username, Since: m.Since, Until: m.Until, Ended: m.Ended}
			if !m.ErasedAt.IsZero() {
				l.Username = ""
			}
			if mail {
				login, err := s.identity.Get(ctx, s.db, m.LoginID)
				if err != nil {
					return nil, err
				}
				l.Email = login.Email
			}
			out = append(out, l)
		}
	}
}

// WriteCSV writes an exported register as CSV, in the form that ReadImport reads.
func WriteCSV(w io.Writer, list []Listed, mail bool) error {
	c := csv.NewWriter(w)
	header := []string{"number", "name", "username", "since", "until", "ended"}
	if mail {
		header = append(header, "email")
	}
	if err := c.Write(header); err != nil {
		return err
	}
	for _, l := range list {
		until := ""
		if !l.Until.IsZero() {
			until = l.Until.Format(time.RFC3339)
		}
		row := []string{strconv.FormatInt(l.Number, 10), guard(l.Name), l.Username, l.Since.Format(time.RFC3339), until, l.Ended}
		if mail {
			row = append(row, guard(strings.TrimSpace(l.Email)))
		}
		if err := c.Write(row); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}
