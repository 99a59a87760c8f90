package member

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// ArchivePart makes one file of a member's personal archive: its name, and its content, which is
// written as JSON unless it is a []byte. Other features keep such parts; app hands them over.
type ArchivePart func(ctx context.Context, h db.Handle, m Member) (name string, data any, err error)

// The parts of the archive that the register keeps itself.
type (
	archivedProfile struct {
		Number   int64     `json:"number"`
		Name     string    `json:"name"`
		Username string    `json:"username"`
		Email    string    `json:"email"`
		Since    time.Time `json:"since"`
		Until    time.Time `json:"until,omitzero"`
		Ended    string    `json:"ended,omitempty"`
		Standing Standing  `json:"standing"`
		History  []Fact    `json:"history"`
	}
	archivedApplication struct {
		Name    string     `json:"name"`
		At      time.Time  `json:"at"`
		State   string     `json:"state"`
		Decided time.Time  `json:"decided,omitzero"`
		Answers []Answered `json:"answers"`
	}
	archivedInvitation struct {
		At      time.Time `json:"at"`
		Expires time.Time `json:"expires"`
		Note    string    `json:"note,omitempty"`
		Uses    int       `json:"uses"`
		MaxUses int       `json:"max_uses"`
	}
	archivedSession struct {
		Agent   string    `json:"agent"`
		Address string    `json:"address"`
		Since   time.Time `json:"since"`
		Used    time.Time `json:"used"`
	}
	archivedEntry struct {
		Seq     int64           `json:"seq"`
		At      time.Time       `json:"at"`
		Kind    string          `json:"kind"`
		Body    json.RawMessage `json:"body"`
		Private json.RawMessage `json:"private,omitempty"` // what lies outside the hash and can be erased
	}
)

// WriteArchive writes everything that is kept about the actor as a zip archive of JSON files. A former
// member may have it as well.
func (s *Service) WriteArchive(ctx context.Context, by authz.Actor, w io.Writer) error {
	m, err := s.Mine(ctx, by)
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, part := range append([]ArchivePart{s.archiveProfile, s.archiveApplications, s.archiveInvitations, s.archiveSessions(by), s.archiveRecord}, s.Archive...) {
		name, data, err := part(ctx, s.db, m)
		if err != nil {
			return err
		}
		if err := addPart(z, name, data, s.db.Now()); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return z.Close()
}

func addPart(z *zip.Writer, name string, data any, at time.Time) error {
	b, ok := data.([]byte)
	if !ok {
		var err error
		if b, err = json.MarshalIndent(data, "", "  "); err != nil {
			return err
		}
	}
	f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: at})
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return err
}

func (s *Service) archiveProfile(ctx context.Context, h db.Handle, m Member) (string, any, error) {
	login, err := s.identity.Get(ctx, h, m.LoginID)
	if err != nil {
		return "", nil, err
	}
	p := archivedProfile{Number: m.Number, Name: m.Name, Username: m.Username, Email: login.Email, Since: m.Since, Until: m.Until, Ended: m.Ended}
	if p.History, err = s.History(ctx, h, m.ID); err != nil {
		return "", nil, err
	}
	p.Standing, err = s.StandingOn(ctx, h, m.ID, h.Now())
	return "profile.json", p, err
}

func (s *Service) archiveApplications(ctx context.Context, h db.Handle, m Member) (string, any, error) {
	list, err := listOf.All(ctx, h, m.ID)
	out := []archivedApplication{}
	for _, a := range list {
		out = append(out, archivedApplication{a.Name, a.CreatedAt, a.State, a.DecidedAt, a.Answers()})
	}
	return "applications.json", out, err
}

func (s *Service) archiveInvitations(ctx context.Context, h db.Handle, m Member) (string, any, error) {
	list, err := listInvitations.All(ctx, h, m.ID)
	out := []archivedInvitation{}
	for _, i := range list {
		out = append(out, archivedInvitation{i.CreatedAt, i.ExpiresAt, i.Note, i.Uses, i.MaxUses})
	}
	return "invitations.json", out, err
}

func (s *Service) archiveSessions(by authz.Actor) ArchivePart {
	return func(ctx context.Context, _ db.Handle, _ Member) (string, any, error) {
		list, err := s.identity.Sessions(ctx, by)
		out := []archivedSession{}
		for _, x := range list {
			out = append(out, archivedSession{x.Agent, x.Address, x.CreatedAt, x.UsedAt})
		}
		return "sessions.json", out, err
	}
}

func (s *Service) archiveRecord(ctx context.Context, h db.Handle, m Member) (string, any, error) {
	out := []archivedEntry{}
	who, err := s.whoIs(ctx, h, m)
	if err != nil {
		return "", nil, err
	}
	err = s.eachEntry(ctx, 0, 0, func(e record.Event, b record.Body) error {
		about := who.about(b)
		if !about && !who.by(b) {
			return nil
		}
		x := archivedEntry{Seq: e.Seq, At: e.At, Kind: e.Kind, Body: json.RawMessage(e.Body)}
		if about {
			var err error
			if x.Private, _, err = s.record.Private(ctx, h, e.Seq); err != nil {
				return err
			}
		}
		out = append(out, x)
		return nil
	})
	slices.Reverse(out)
	return "record.json", out, err
}

// traces are the references by which the record may speak of one person.
type traces struct {
	member string
	own    []string
}

func (s *Service) whoIs(ctx context.Context, h db.Handle, m Member) (traces, error) {
	who := traces{member: refOf(m.ID).String()}
	who.own = append(who.own, who.member, ref.Ref{Kind: "login", ID: m.LoginID}.String())
	if m.AccountID != 0 {
		who.own = append(who.own, ref.Ref{Kind: "account", ID: m.AccountID}.String())
	}
	apps, err := listOf.All(ctx, h, m.ID)
	for _, a := range apps {
		who.own = append(who.own, ref.Ref{Kind: "application", ID: a.ID}.String())
	}
	return who, err
}

func (t traces) by(b record.Body) bool { return b.Member == t.member }

// about reports whether the personal data of an entry is that of the person: the entry speaks of them,
// or it is theirs and speaks of nobody else. What they did to others as an officer stays with those.
func (t traces) about(b record.Body) bool {
	if slices.Contains(t.own, b.Subject) {
		return true
	}
	switch ref.Parse(b.Subject).Kind {
	case "member", "account", "application", "login", "report", "case":
		return false
	}
	return t.by(b)
}

// eachEntry walks the record from the newest entry before a number (0: from the newest of all) down to
// the one after another.
func (s *Service) eachEntry(ctx context.Context, before, after int64, f func(record.Event, record.Body) error) error {
	for {
		page, err := s.record.List(ctx, before, "", 200)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, e := range page {
			if before = e.Seq; before <= after {
				return nil
			}
			b, err := e.Read()
			if err != nil {
				return err
			}
			if err := f(e, b); err != nil {
				return err
			}
		}
	}
}

// Erase removes the personal data of the actor, whose membership must have ended: name, address, what
// was written to join, and the personal data of the record's entries, whose chain stays whole because
// it holds only salted hashes. Number, dates and the username, which nobody else may have, stay. It
// cannot be taken back and asks for the password.
func (s *Service) Erase(ctx context.Context, by authz.Actor, password string, from netip.Addr) error {
	m, err := s.Mine(ctx, by)
	if err != nil {
		return err
	}
	if m.Present() {
		return fault.New(fault.Conflict, "You are a member. Leave the co-op first; then your personal data can be deleted.")
	}
	if err := s.identity.Confirm(ctx, by, password, from); err != nil {
		return err
	}
	// The long walk is done before the transaction, in which only what came since is looked at.
	found, newest, err := s.privateOf(ctx, m, 0, 0)
	if err != nil {
		return err
	}
	if s.Clear != nil {
		if err := s.Clear(ctx, m); err != nil {
			return err
		}
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error { return s.erase(ctx, tx, by, m.ID, found, newest) })
}

// privateOf finds the entries with personal data of a person that lie between two of the record.
func (s *Service) privateOf(ctx context.Context, m Member, before, after int64) (found []int64, newest int64, err error) {
	who, err := s.whoIs(ctx, s.db, m)
	if err != nil {
		return nil, 0, err
	}
	err = s.eachEntry(ctx, before, after, func(e record.Event, b record.Body) error {
		newest = max(newest, e.Seq)
		if b.Private != "" && who.about(b) {
			found = append(found, e.Seq)
		}
		return nil
	})
	return found, newest, err
}

func (s *Service) erase(ctx context.Context, tx *db.Tx, by authz.Actor, member id.ID, found []int64, newest int64) error {
	m, err := s.Get(ctx, tx, member)
	if err != nil {
		return err
	}
	if n, err := eraseMember.Run(ctx, tx, m.ID, tx.Now()); err != nil {
		return err
	} else if n == 0 || m.Present() {
		return fault.New(fault.Conflict, "This has changed in the meantime. Please look again.")
	}
	// From here on no other entry can be appended before this transaction ends.
	ev, err := s.record.Append(ctx, tx, record.Entry{Kind: "member.erased", Subject: refOf(m.ID), Member: refOf(m.ID), Via: by.Via, State: State(m),
		Data: map[string]any{"number": m.Number}})
	if err != nil {
		return err
	}
	late, _, err := s.privateOf(ctx, m, ev.Seq, newest)
	if err != nil {
		return err
	}
	for _, seq := range append(late, found...) {
		if err := s.record.ErasePrivate(ctx, tx, seq); err != nil {
			return err
		}
	}
	for _, st := range []*db.Statement{eraseApplicant, eraseInvitations} {
		if _, err := st.Run(ctx, tx, m.ID); err != nil {
			return err
		}
	}
	if err := s.identity.Erase(ctx, tx, m.LoginID); err != nil {
		return err
	}
	return s.Erased.Emit(ctx, tx, m)
}
