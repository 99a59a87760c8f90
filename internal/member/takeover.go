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

// importBatch is how many people one transaction takes in: others who write wait for a second at most.
const importBatch = 500

// TakeOver puts the people of an import on the register who are not there yet: in batches, each of which
// is an act of the power member.enrol and has for each person an entry of the record that is marked as
// attested, since the record cannot show how they became members. The entry register.imported ends it,
// with the sums of all batches. They have no password until they choose one by the letter that a
// forgotten password brings. If a row is wrong nothing is written, unless such rows are to be skipped. A
// batch is done as a whole or not at all; where the import broke off, doing it again goes on from there,
// and after its end changes nothing. told, if it is not nil, hears after each batch how many have been
// added, of how many.
func (s *Service) TakeOver(ctx context.Context, by authz.Actor, imp Import, skipWrong bool, reason string, told func(added, of int)) (Import, error) {
	if _, err := s.judge.Authorise(ctx, s.db, by, Enrol, registerTarget); err != nil {
		return imp, err
	}
	done, err := s.Preview(ctx, imp)
	if err != nil {
		return done, err
	}
	if n := done.Count(Wrong); n > 0 && !skipWrong {
		return done, fault.New(fault.Invalid, "Nothing is imported: %d of %d rows are wrong.", n, len(done.Rows))
	}
	sum := sums{of: done.Count(Add), Unchanged: done.Count(Unchanged), Skipped: done.Count(Wrong) + done.Count(Left)}
	batches := slices.Collect(slices.Chunk(done.inOrder(), importBatch))
	for i, batch := range batches {
		sum.last = i == len(batches)-1
		var part Import
		err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
			part = done.part(batch)
			return s.takeIn(ctx, tx, by, &part, sum, skipWrong, reason)
		})
		if words, ok := fault.Words(err); ok && fault.Is(err, fault.Invalid) {
			part.into(&done, batch)
			return done, fault.New(fault.Invalid, "%s %d were added before that; import the file again for the rest.", words, sum.Added)
		}
		if err != nil {
			return done, err
		}
		part.into(&done, batch)
		if sum = sum.and(&part); told != nil {
			told(sum.Added, sum.of)
		}
	}
	return done, nil
}

var registerTarget = authz.Target{Kind: "register", ID: 1}

// sums are what an import has come to.
type sums struct {
	of, Added, Unchanged, Skipped, Batches int
	last                                   bool // the batch in hand is the last
}

// and adds what became of a batch.
func (x sums) and(part *Import) sums {
	x.Batches++
	x.Added += part.Count(Add)
	x.Unchanged += part.Count(Unchanged)
	x.Skipped += part.Count(Wrong) + part.Count(Left)
	return x
}

// inOrder are the rows to add, by their place. The highest number comes first, so that whoever joins
// between two batches is given one above all of the file, and then all others who bring one.
func (i *Import) inOrder() []int {
	var own, next []int
	highest := 0
	for n := range i.Rows {
		switch r := &i.Rows[n]; {
		case r.Outcome != Add:
		case r.Number == 0:
			next = append(next, n)
		default:
			if own = append(own, n); r.Number > i.Rows[own[highest]].Number {
				highest = len(own) - 1
			}
		}
	}
	if len(own) > 0 {
		n := own[highest]
		own = slices.Insert(slices.Delete(own, highest, highest+1), 0, n)
	}
	return append(own, next...)
}

// takeIn adds one batch, looking again at what was previewed: others may have joined meanwhile.
func (s *Service) takeIn(ctx context.Context, tx *db.Tx, by authz.Actor, part *Import, before sums, skipWrong bool, reason string) error {
	authority, err := s.judge.Authorise(ctx, tx, by, Enrol, registerTarget)
	if err != nil {
		return err
	}
	if _, err := lockMembers.Run(ctx, tx); err != nil { // nobody takes a number of the batch meanwhile
		return err
	}
	if err := s.compare(ctx, tx, part); err != nil {
		return err
	}
	if n := part.Count(Wrong); n > 0 && !skipWrong {
		return fault.New(fault.Invalid, "%d rows have become wrong while the file was imported.", n)
	}
	if n := part.Count(Add); n > 0 {
		if authority, err = s.judge.Perform(ctx, tx, by, authz.Act{Power: Enrol, Target: registerTarget, Args: map[string]any{"decision": "imported", "added": n, "batch": before.Batches + 1}, Reason: reason}); err != nil {
			return err
		}
	}
	for i := range part.Rows {
		if r := &part.Rows[i]; r.Outcome == Add {
			if err := s.attest(ctx, tx, by, authority, r); err != nil {
				return fmt.Errorf("line %d: %w", r.Line, err)
			}
		}
	}
	if !before.last {
		return nil
	}
	all := before.and(part)
	e := record.Entry{Kind: "register.imported", Via: by.Via, Authority: authority, Reason: reason, Private: map[string]string{"sha256": part.Hash},
		Data: map[string]any{"added": all.Added, "unchanged": all.Unchanged, "skipped": all.Skipped, "batches": all.Batches}}
	if by.Member != 0 {
		e.Member = refOf(by.Member)
	}
	_, err = s.record.Append(ctx, tx, e)
	return err
}

// part are some rows of an import.
func (i *Import) part(batch []int) Import {
	out := Import{Hash: i.Hash}
	for _, n := range batch {
		out.Rows = append(out.Rows, i.Rows[n])
	}
	return out.clone()
}

func (i *Import) into(all *Import, batch []int) {
	for n, at := range batch {
		all.Rows[at] = i.Rows[n]
	}
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
