package mandate

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// How a mandate ends (governance: term over, resigned, recalled, body dissolved, membership ended).
const (
	TermOver        = "term over"
	Resigned        = "resigned"
	Recalled        = "recalled"
	Declined        = "declined"
	BodyDissolved   = "body dissolved"
	MembershipEnded = "membership ended"
)

type mandateState struct {
	Member   id.ID           `json:"member"`
	Body     id.ID           `json:"body"`
	Office   string          `json:"office"`
	Powers   json.RawMessage `json:"powers"`
	From     time.Time       `json:"from"`
	To       time.Time       `json:"to"`
	Source   string          `json:"source"`
	Accepted *time.Time      `json:"accepted,omitempty"`
	Ended    *time.Time      `json:"ended,omitempty"`
	EndedBy  string          `json:"ended_by,omitempty"`
}

func (m *Mandate) state() mandateState {
	return mandateState{m.MemberID, m.BodyID, m.Office, json.RawMessage(m.PowersJSON), m.From, m.To,
		ref.Ref{Kind: m.SourceKind, ID: m.SourceID}.String(), timeOrNil(m.AcceptedAt), timeOrNil(m.EndedAt), m.EndedBy}
}

// GrantFounding gives a founder every power that a mandate can hold, for FoundingTerm from now.
func (s *Service) GrantFounding(ctx context.Context, tx *db.Tx, member id.ID, body Body) (Mandate, error) {
	names := []string{}
	for _, p := range s.powers {
		if !p.Reserved {
			names = append(names, p.Name)
		}
	}
	powers, err := json.Marshal(names)
	if err != nil {
		return Mandate{}, err
	}
	m := Mandate{ID: id.New(tx.Now()), MemberID: member, BodyID: body.ID, BodyName: body.Name, Office: "Founder", PowersJSON: string(powers),
		From: tx.Now(), To: tx.Now().Add(FoundingTerm), SourceKind: string(authz.Genesis), AcceptedAt: tx.Now()}
	if err := s.insertMandate(ctx, tx, m); err != nil {
		return m, err
	}
	_, err = s.record.Append(ctx, tx, record.Entry{Kind: "mandate.given", Subject: ref.Ref{Kind: "mandate", ID: m.ID},
		Member: ref.Ref{Kind: "member", ID: member}, Authority: authz.Authority{Kind: authz.Genesis},
		Data: map[string]any{"office": m.Office, "body": body.Handle}, State: m.state()})
	return m, err
}

func (s *Service) insertMandate(ctx context.Context, tx *db.Tx, m Mandate) error {
	_, err := insertMandate.Run(ctx, tx, m.ID, m.MemberID, m.BodyID, m.Office, m.PowersJSON, m.From, m.To, m.SourceKind, m.SourceID, m.AcceptedAt)
	return err
}

// Accept takes up an office that was offered. Only the member it was offered to may.
func (s *Service) Accept(ctx context.Context, by authz.Actor, mandate id.ID) error {
	return s.own(ctx, by, mandate, func(tx *db.Tx, m Mandate) error {
		n, err := acceptMandate.Run(ctx, tx, m.ID, tx.Now())
		if err != nil || n == 0 {
			return orConflict(err, "This office has been accepted already.")
		}
		m.AcceptedAt = tx.Now()
		if _, err = s.record.Append(ctx, tx, record.Entry{Kind: "mandate.accepted", Subject: ref.Ref{Kind: "mandate", ID: m.ID},
			Member: ref.Ref{Kind: "member", ID: by.Member}, Via: by.Via, Data: map[string]any{"office": m.Office, "body": m.BodyHandle}, State: m.state()}); err != nil {
			return err
		}
		return s.Accepted.Emit(ctx, tx, m)
	})
}

func orConflict(err error, words string) error {
	if err != nil {
		return err
	}
	return fault.New(fault.Conflict, "%s", words)
}

// Resign gives an office back, or declines one that was offered. Only its holder may.
func (s *Service) Resign(ctx context.Context, by authz.Actor, mandate id.ID, reason string) error {
	return s.own(ctx, by, mandate, func(tx *db.Tx, m Mandate) error {
		how := Resigned
		if m.AcceptedAt.IsZero() {
			how = Declined
		}
		return s.endMandate(ctx, tx, m, how, record.Entry{Kind: "mandate." + how, Member: ref.Ref{Kind: "member", ID: by.Member}, Via: by.Via,
			Private: map[string]string{"reason": strings.TrimSpace(reason)}})
	})
}

func (s *Service) own(ctx context.Context, by authz.Actor, mandate id.ID, f func(tx *db.Tx, m Mandate) error) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		m, err := s.Get(ctx, tx, mandate)
		if err != nil {
			return err
		}
		if by.Member == 0 || m.MemberID != by.Member {
			return fault.New(fault.Forbidden, "Only the member who holds this office can do that.")
		}
		if !m.EndedAt.IsZero() || !tx.Now().Before(m.To) {
			return fault.New(fault.Conflict, "This office has ended.")
		}
		return f(tx, m)
	})
}

// endMandate ends an office now and writes the event it is given with the state that is left.
func (s *Service) endMandate(ctx context.Context, tx *db.Tx, m Mandate, how string, e record.Entry) error {
	at := tx.Now()
	if how == TermOver {
		at = m.To
	}
	n, err := endMandate.Run(ctx, tx, m.ID, at, how)
	if err != nil || n == 0 {
		return orConflict(err, "This office has ended.")
	}
	m.EndedAt, m.EndedBy = at, how
	e.Subject, e.State = ref.Ref{Kind: "mandate", ID: m.ID}, m.state()
	if e.Data == nil {
		e.Data = map[string]any{"office": m.Office, "body": m.BodyHandle}
	}
	if _, err := s.record.Append(ctx, tx, e); err != nil {
		return err
	}
	return s.Ended.Emit(ctx, tx, m)
}

// CloseMember ends all offices and seats of a member whose membership ended.
func (s *Service) CloseMember(ctx context.Context, tx *db.Tx, member id.ID) error {
	mandates, err := listComing.All(ctx, tx, tx.Now())
	if err != nil {
		return err
	}
	for _, m := range mandates {
		if m.MemberID == member {
			if err := s.endMandate(ctx, tx, m, MembershipEnded, record.Entry{Kind: "mandate.ended", Reason: MembershipEnded}); err != nil {
				return err
			}
		}
	}
	seats, err := listSeatsOf.All(ctx, tx, member)
	if err != nil {
		return err
	}
	for _, x := range seats {
		if err := s.unseat(ctx, tx, x, record.Entry{Kind: "seat.ended", Reason: MembershipEnded}); err != nil {
			return err
		}
	}
	return nil
}

// Reminder says that a mandate ends in so many days.
type Reminder struct {
	Mandate Mandate
	Days    int
}

// remindAt are the days before the end of a term at which its holder and the body are reminded.
var remindAt = []int{60, 14}

// Sweep does what time calls for: it closes terms that are over and reminds of those that end soon. It
// may run as often as one likes, on several nodes.
func (s *Service) Sweep(ctx context.Context) error {
	for {
		over, err := listOver.All(ctx, s.db, s.db.Now())
		if err != nil {
			return err
		}
		for _, m := range over {
			if err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
				err := s.endMandate(ctx, tx, m, TermOver, record.Entry{Kind: "mandate.ended", Via: authz.Job, Reason: TermOver})
				if fault.Is(err, fault.Conflict) {
					err = nil // another node was first
				}
				return err
			}); err != nil {
				return err
			}
		}
		if len(over) < 100 {
			break
		}
	}
	return s.remind(ctx)
}

func (s *Service) remind(ctx context.Context) error {
	coming, err := listComing.All(ctx, s.db, s.db.Now())
	if err != nil {
		return err
	}
	for _, m := range coming {
		left := m.To.Sub(s.db.Now())
		due := 0
		for _, d := range remindAt {
			if left <= time.Duration(d)*day {
				due = d
			}
		}
		if due == 0 || m.Reminded != 0 && m.Reminded <= due || m.AcceptedAt.IsZero() {
			continue
		}
		if err := s.db.InTx(ctx, func(tx *db.Tx) error {
			if _, err := remindMandate.Run(ctx, tx, m.ID, due); err != nil {
				return err
			}
			return s.Ending.Emit(ctx, tx, Reminder{Mandate: m, Days: int((left + day - 1) / day)})
		}); err != nil {
			return err
		}
	}
	return nil
}

// Coming lists mandates that have not ended, those that end first first: also offers not yet accepted.
func (s *Service) Coming(ctx context.Context, h db.Handle) ([]Mandate, error) {
	return listComing.All(ctx, h, h.Now())
}

// InBody lists the mandates of a body, present and past, the newest first.
func (s *Service) InBody(ctx context.Context, body id.ID) ([]Mandate, error) {
	return listInBody.All(ctx, s.db, body)
}

// Handover is something that the holder of an office hands to the next one.
type Handover struct {
	ID      id.ID     `db:"id"`
	Body    id.ID     `db:"body_id"`
	Office  string    `db:"office"`
	Text    string    `db:"text"`
	AddedBy id.ID     `db:"added_by"`
	AddedAt time.Time `db:"added_at"`
	DoneBy  id.ID     `db:"done_by"`
	DoneAt  time.Time `db:"done_at"`
}

// Handovers is the hand-over list of a body's offices.
func (s *Service) Handovers(ctx context.Context, body id.ID) ([]Handover, error) {
	return listHandovers.All(ctx, s.db, body)
}

// AddHandover writes an item on the hand-over list of an office. Who holds an office in the body, or
// sits in it, may.
func (s *Service) AddHandover(ctx context.Context, by authz.Actor, body id.ID, office, text string) error {
	text, office = strings.TrimSpace(text), strings.TrimSpace(office)
	if text == "" || utf8.RuneCountInString(text) > 500 {
		return fault.Field("text", "An item has 1 to 500 characters.")
	}
	if office == "" || utf8.RuneCountInString(office) > 60 {
		return fault.Field("office", "Say for which office.")
	}
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		if err := s.belongs(ctx, tx, by, body); err != nil {
			return err
		}
		_, err := insertHandover.Run(ctx, tx, id.New(tx.Now()), body, office, text, by.Member, tx.Now())
		return err
	})
}

// TickHandover says that an item has been handed over.
func (s *Service) TickHandover(ctx context.Context, by authz.Actor, item id.ID) error {
	return s.db.InTx(ctx, func(tx *db.Tx) error {
		x, ok, err := getHandover.Find(ctx, tx, item)
		if err != nil || !ok {
			return orNone(err, "There is no such item.")
		}
		if err := s.belongs(ctx, tx, by, x.Body); err != nil {
			return err
		}
		_, err = doneHandover.Run(ctx, tx, item, by.Member, tx.Now())
		return err
	})
}

func (s *Service) belongs(ctx context.Context, h db.Handle, by authz.Actor, body id.ID) error {
	sits, err := s.Sits(ctx, h, body, by.Member)
	if err != nil || sits {
		return err
	}
	mandates, err := listMandatesOf.All(ctx, h, by.Member, h.Now())
	if err != nil {
		return err
	}
	if by.Member == 0 || !slices.ContainsFunc(mandates, func(m Mandate) bool { return m.BodyID == body && m.InForce(h.Now()) }) {
		return fault.New(fault.Forbidden, "This is for members of the body and holders of its offices.")
	}
	return nil
}
