package election

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/record"
)

// The states of a nomination.
const (
	Asked     = "asked"     // nominated by somebody else, has not answered
	Standing  = "standing"  // a candidate
	Declined  = "declined"  // does not stand
	Withdrawn = "withdrawn" // stood, and does so no more
	Struck    = "struck"    // ruled out by the returning officer
	Dropped   = "dropped"   // did not fulfil what the rule asks by the day on which the list was final
)

// Candidate is a nomination: of a member, or of a project where a budget is decided.
type Candidate struct {
	ID          id.ID     `db:"id"`
	Election    id.ID     `db:"election_id"`
	Member      id.ID     `db:"member_id"`    // who stands; of a project, who proposed it
	NominatedBy id.ID     `db:"nominated_by"` // the member's own id: self
	Title       string    `db:"title"`        // of a project
	Cost        int64     `db:"cost"`
	Statement   string    `db:"statement"`
	Affiliation string    `db:"affiliation"` // an employer or group, declared by the candidate
	Reserved    string    `db:"reserved"`    // the reserved seat that they declare to stand for
	State       string    `db:"state"`
	Cause       string    `db:"cause"` // why struck or dropped
	At          time.Time `db:"at"`
	Place       int       `db:"place"`   // on the ballot paper, from 1; 0: not on it
	Mandate     id.ID     `db:"mandate"` // offered
	Vacated     bool      `db:"vacated"` // declined, resigned, recalled
	Name        string    `db:"ballot_name"`
}

// Standing candidates are those of a list who stand.
func standing(list []Candidate) []Candidate {
	return slices.DeleteFunc(slices.Clone(list), func(c Candidate) bool { return c.State != Standing })
}

// ErrNoNomination is what is said of a nomination that is not there.
var ErrNoNomination = fault.New(fault.NotFound, "There is no such nomination.")

// Candidates lists the nominations in the order in which they were made.
func (s *Service) Candidates(ctx context.Context, h db.Handle, election id.ID) ([]Candidate, error) {
	return listCandidates.All(ctx, h, election)
}

// Candidacy is what a candidate says of themselves, or a member of a project.
type Candidacy struct {
	Statement, Affiliation, Reserved string
	Title                            string // project
	Cost                             int64  // project
}

func (c *Candidacy) check(e *Election) error {
	c.Statement, c.Affiliation, c.Reserved, c.Title = tidyText(c.Statement), tidy(c.Affiliation), tidy(c.Reserved), tidy(c.Title)
	plan := e.Plan()
	switch {
	case utf8.RuneCountInString(c.Statement) > MaxText:
		return fault.Field("statement", "Please keep the statement to %d characters.", MaxText)
	case utf8.RuneCountInString(c.Affiliation) > 100:
		return fault.Field("affiliation", "Please keep the affiliation to 100 characters.")
	case c.Reserved != "" && !slices.ContainsFunc(plan.Reserved, func(r Seat) bool { return r.For == c.Reserved }):
		return fault.Field("reserved", "No seat is reserved for this.")
	case e.Kind == Budget && (c.Title == "" || utf8.RuneCountInString(c.Title) > MaxTitle):
		return fault.Field("title", "A project has a title of 1 to %d characters.", MaxTitle)
	case e.Kind == Budget && (c.Cost < 1 || c.Cost > plan.Sum):
		return fault.Field("cost", "A project costs something, and no more than there is: %s.", amount(plan.Sum, plan.Decimals))
	case e.Kind != Budget && (c.Title != "" || c.Cost != 0):
		return fault.Field("title", "Candidates are members, not projects.")
	}
	return nil
}

// Nominate puts a member forward: the actor themselves, who stands by it, or another, who is asked. In a
// budget it puts a project forward. Members of the body that votes may, while nominations are open.
func (s *Service) Nominate(ctx context.Context, a authz.Actor, election, member id.ID, c Candidacy) (Candidate, error) {
	var out Candidate
	err := s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if err := s.mayTakePart(ctx, tx, a, e); err != nil {
			return err
		}
		if e.State != Nominations || !s.db.Now().Before(e.FinalAt) {
			return fault.New(fault.Conflict, "Nominations are not open.")
		}
		self := member == a.Member || e.Kind == Budget
		if !self && (c.Affiliation != "" || c.Reserved != "") {
			return fault.Field("affiliation", "What is declared about a candidate they declare themselves.")
		}
		if err := c.check(e); err != nil {
			return err
		}
		out = Candidate{ID: id.New(tx.Now()), Election: e.ID, Member: member, NominatedBy: a.Member, Title: c.Title, Cost: c.Cost, Statement: c.Statement,
			Affiliation: c.Affiliation, Reserved: c.Reserved, State: Asked, At: tx.Now()}
		if self {
			out.Member, out.State = a.Member, Standing
		}
		if err := s.mayStand(ctx, tx, e, out.Member); err != nil {
			return err
		}
		before, err := listCandidates.All(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		if e.Kind != Budget {
			if i := slices.IndexFunc(before, func(x Candidate) bool { return x.Member == out.Member }); i >= 0 {
				return s.nominateAgain(ctx, tx, a, e, &before[i], c, &out)
			}
		} else if slices.ContainsFunc(before, func(x Candidate) bool { return alike(x.Title) == alike(c.Title) }) {
			return fault.Field("title", "There is a project with this title already.")
		}
		if self {
			err = room(before)
		}
		if err == nil && (!self || e.Kind == Budget) {
			err = putForward(before, a.Member)
		}
		if err != nil {
			return err
		}
		if _, err := insertCandidate.Run(ctx, tx, out.ID, out.Election, out.Member, out.NominatedBy, out.Title, out.Cost, out.Statement, out.Affiliation, out.Reserved, out.State, out.At); err != nil {
			return err
		}
		entry := by("nominated", a)
		entry.Data = map[string]any{"candidate": out.ID, "member": out.Member, "title": out.Title}
		entry.Private = spoken(out.Statement)
		if err := s.note(ctx, tx, e, entry); err != nil {
			return err
		}
		if out.State == Asked {
			return s.Nominated.Emit(ctx, tx, out)
		}
		return nil
	})
	return out, err
}

// nominateAgain lets somebody who was asked, declined or withdrew stand after all; others are refused.
func (s *Service) nominateAgain(ctx context.Context, tx *db.Tx, a authz.Actor, e *Election, was *Candidate, c Candidacy, out *Candidate) error {
	if was.Member != a.Member || was.State == Standing || was.State == Struck {
		return fault.New(fault.Conflict, "This member has been nominated already.")
	}
	was.State, was.Statement, was.Affiliation, was.Reserved = Standing, c.Statement, c.Affiliation, c.Reserved
	*out = *was
	list, err := listCandidates.All(ctx, tx, e.ID)
	if err == nil {
		err = room(list)
	}
	if err != nil {
		return err
	}
	return s.answered(ctx, tx, a, e, was, "accepted")
}

// The most candidates of a ballot paper, and the most that one member puts forward beside themselves: others
// have room on the paper too.
const (
	mostCandidates = 400
	mostPutForward = 10
)

// room refuses one more candidate than a ballot paper holds. Only those who stand take room.
func room(list []Candidate) error {
	if len(standing(list)) >= mostCandidates {
		return fault.New(fault.Conflict, "There are as many candidates as a ballot paper can hold.")
	}
	return nil
}

func putForward(list []Candidate, by id.ID) error {
	n := 0
	for _, c := range list {
		if c.NominatedBy == by && (c.Member != by || c.Title != "") {
			n++
		}
	}
	if n >= mostPutForward {
		return fault.New(fault.Conflict, "You have put %d forward; others may have some too.", n)
	}
	return nil
}

// spoken is a text that the record keeps outside what it can never forget.
func spoken(statement string) any {
	if statement == "" {
		return nil
	}
	return map[string]string{"statement": statement}
}

// mayStand refuses who cannot be elected: members in good standing can, but not who runs elections.
func (s *Service) mayStand(ctx context.Context, h db.Handle, e *Election, member id.ID) error {
	good, err := s.member.InGoodStanding(ctx, h, h.Now())
	if err != nil {
		return err
	}
	if member == 0 || !slices.Contains(good, member) {
		return fault.Field("member", "Only a member in good standing can stand.")
	}
	if e.Kind == Budget {
		return nil
	}
	rulings, err := s.record.Find(ctx, record.Filter{Kinds: []string{"election.struck", "election.restored", "election.prolonged"}, Subject: e.Ref(),
		Member: ref.Ref{Kind: "member", ID: member}, Limit: 200})
	if err != nil {
		return err
	}
	for _, r := range rulings {
		if r.Authority != "" { // members who object have none
			return fault.Field("member", "Who has run this election cannot stand in it.")
		}
	}
	return nil
}

// Answer is what a nominated member says: they accept, with what they declare, or decline. A candidate may
// change the statement until the list is final, and withdraw until voting opens.
func (s *Service) Answer(ctx context.Context, a authz.Actor, candidate id.ID, accept bool, c Candidacy) error {
	return s.own(ctx, a, candidate, func(tx *db.Tx, e *Election, x *Candidate) error {
		if e.State != Nominations || !s.db.Now().Before(e.FinalAt) {
			return fault.New(fault.Conflict, "The list of candidates is final.")
		}
		if x.State == Struck {
			return fault.New(fault.Conflict, "The returning officer has ruled on this nomination.")
		}
		if !accept {
			x.State = Declined
			return s.answered(ctx, tx, a, e, x, "declined")
		}
		if e.Kind == Budget {
			c.Title, c.Cost = x.Title, x.Cost
		}
		if err := c.check(e); err != nil {
			return err
		}
		if err := s.mayStand(ctx, tx, e, x.Member); err != nil {
			return err
		}
		if x.State != Standing {
			list, err := listCandidates.All(ctx, tx, e.ID)
			if err == nil {
				err = room(list)
			}
			if err != nil {
				return err
			}
		}
		x.State, x.Statement, x.Affiliation, x.Reserved = Standing, c.Statement, c.Affiliation, c.Reserved
		return s.answered(ctx, tx, a, e, x, "accepted")
	})
}

// Withdraw takes one's name off, until voting opens.
func (s *Service) Withdraw(ctx context.Context, a authz.Actor, candidate id.ID) error {
	return s.own(ctx, a, candidate, func(tx *db.Tx, e *Election, x *Candidate) error {
		if e.State != Nominations && e.State != Final || !s.db.Now().Before(e.OpensAt) {
			return fault.New(fault.Conflict, "The ballot papers are out: whoever is elected can decline the office.")
		}
		if x.State != Standing {
			return fault.New(fault.Conflict, "You are not standing.")
		}
		x.State, x.Place = Withdrawn, 0
		return s.answered(ctx, tx, a, e, x, "withdrawn")
	})
}

func (s *Service) answered(ctx context.Context, tx *db.Tx, a authz.Actor, e *Election, x *Candidate, how string) error {
	if _, err := updateCandidate.Run(ctx, tx, x.ID, x.State, x.Cause, x.Statement, x.Affiliation, x.Reserved, x.Place, x.Mandate, x.Vacated, x.Name); err != nil {
		return err
	}
	entry := by(how, a)
	entry.Data = map[string]any{"candidate": x.ID}
	if how == "accepted" {
		entry.Private = spoken(x.Statement)
	}
	return s.note(ctx, tx, e, entry)
}

// own takes a nomination under its election's lock, for its member.
func (s *Service) own(ctx context.Context, a authz.Actor, candidate id.ID, f func(tx *db.Tx, e *Election, x *Candidate) error) error {
	c, ok, err := getCandidate.Find(ctx, s.db, candidate)
	if err != nil || !ok {
		return orNone(err, "There is no such nomination.")
	}
	return s.step(ctx, c.Election, func(tx *db.Tx, e *Election) error {
		x, err := getCandidate.One(ctx, tx, candidate)
		if err != nil {
			return err
		}
		if a.Member == 0 || x.Member != a.Member {
			return fault.New(fault.Forbidden, "Only the member who is nominated can do that.")
		}
		return f(tx, e, &x)
	})
}

func orNone(err error, words string) error {
	if err != nil {
		return err
	}
	return fault.New(fault.NotFound, "%s", words)
}

// digest commits the record to a text of the election's own, or to a name that the question has anyway.
func digest(text string) string {
	if text == "" {
		return ""
	}
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// Endorse puts the actor's name under a nomination. Members of the body that votes may, but not for themselves.
func (s *Service) Endorse(ctx context.Context, a authz.Actor, candidate id.ID) error {
	return s.name(ctx, a, candidate, "endorse", func(tx *db.Tx, e *Election, x *Candidate) error {
		if x.Member == a.Member {
			return fault.New(fault.Forbidden, "Others must endorse a candidate.")
		}
		if x.State != Standing && x.State != Asked {
			return fault.New(fault.Conflict, "This member does not stand.")
		}
		entry := by("endorsed", a)
		entry.Data = map[string]any{"candidate": x.ID}
		return s.note(ctx, tx, e, entry)
	})
}

// name puts a member's name under a nomination, once for each purpose, while nominations are open.
func (s *Service) name(ctx context.Context, a authz.Actor, candidate id.ID, purpose string, then func(tx *db.Tx, e *Election, x *Candidate) error) error {
	c, ok, err := getCandidate.Find(ctx, s.db, candidate)
	if err != nil || !ok {
		return orNone(err, "There is no such nomination.")
	}
	return s.step(ctx, c.Election, func(tx *db.Tx, e *Election) error {
		x, err := getCandidate.One(ctx, tx, candidate)
		if err != nil {
			return err
		}
		if err := s.mayTakePart(ctx, tx, a, e); err != nil {
			return err
		}
		if e.State != Nominations || !s.db.Now().Before(e.FinalAt) {
			return fault.New(fault.Conflict, "Nominations are not open.")
		}
		_, err = insertName.Run(ctx, tx, x.ID, a.Member, purpose, tx.Now())
		if errors.Is(err, db.ErrExists) {
			return fault.New(fault.Conflict, "Your name is there already.")
		}
		if err != nil {
			return err
		}
		return then(tx, e, &x)
	})
}

// Endorsements lists who endorsed whom.
func (s *Service) Endorsements(ctx context.Context, election id.ID) (map[id.ID][]id.ID, error) {
	rows, err := listNames.All(ctx, s.db, election, "endorse")
	out := map[id.ID][]id.ID{}
	for _, r := range rows {
		out[r.Candidate] = append(out[r.Candidate], r.Member)
	}
	return out, err
}

// Question is one that a member puts to all candidates in public.
type Question struct {
	ID       id.ID     `db:"id"`
	Election id.ID     `db:"election_id"`
	Member   id.ID     `db:"member_id"`
	Text     string    `db:"text"`
	At       time.Time `db:"at"`
}

// Reply is what a candidate answers.
type Reply struct {
	Question  id.ID     `db:"question_id"`
	Candidate id.ID     `db:"candidate_id"`
	Text      string    `db:"text"`
	At        time.Time `db:"at"`
}

// Ask puts a question to all candidates. Members of the body that votes may, until voting closes.
func (s *Service) Ask(ctx context.Context, a authz.Actor, election id.ID, text string) (Question, error) {
	q := Question{Election: election, Member: a.Member, Text: tidyText(text)}
	if n := utf8.RuneCountInString(q.Text); n == 0 || n > 1000 {
		return q, fault.Field("text", "A question has 1 to 1000 characters.")
	}
	err := s.step(ctx, election, func(tx *db.Tx, e *Election) error {
		if err := s.mayTakePart(ctx, tx, a, e); err != nil {
			return err
		}
		if e.State != Nominations && e.State != Final && e.State != Open {
			return fault.New(fault.Conflict, "Candidates are asked until voting closes.")
		}
		n, err := countQuestions.One(ctx, tx, election, a.Member)
		if err != nil {
			return err
		}
		if n >= 5 {
			return fault.New(fault.Conflict, "You have put five questions; others may have some too.")
		}
		q.ID, q.At = id.New(tx.Now()), tx.Now()
		_, err = insertQuestion.Run(ctx, tx, q.ID, q.Election, q.Member, q.Text, q.At)
		return err
	})
	return q, err
}

// Reply answers a question, or changes the answer. Candidates may, until voting closes.
func (s *Service) Reply(ctx context.Context, a authz.Actor, question id.ID, text string) error {
	text = tidyText(text)
	if n := utf8.RuneCountInString(text); n == 0 || n > 3000 {
		return fault.Field("text", "An answer has 1 to 3000 characters.")
	}
	q, ok, err := getQuestion.Find(ctx, s.db, question)
	if err != nil || !ok {
		return orNone(err, "There is no such question.")
	}
	return s.step(ctx, q.Election, func(tx *db.Tx, e *Election) error {
		if e.State != Nominations && e.State != Final && e.State != Open {
			return fault.New(fault.Conflict, "Candidates answer until voting closes.")
		}
		list, err := listCandidates.All(ctx, tx, e.ID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(c Candidate) bool { return c.Member == a.Member && c.State == Standing })
		if a.Member == 0 || i < 0 {
			return fault.New(fault.Forbidden, "The candidates answer.")
		}
		if _, err := deleteReply.Run(ctx, tx, question, list[i].ID); err != nil {
			return err
		}
		_, err = insertReply.Run(ctx, tx, question, list[i].ID, text, tx.Now())
		return err
	})
}

// Questions lists what was asked, the oldest first, and the answers.
func (s *Service) Questions(ctx context.Context, election id.ID) ([]Question, []Reply, error) {
	q, err := listQuestions.All(ctx, s.db, election)
	if err != nil {
		return nil, nil, err
	}
	r, err := listReplies.All(ctx, s.db, election)
	return q, r, err
}

// ballotName names a candidate on the paper: so that nobody takes one for another.
func ballotName(name, username string, taken map[string]bool) string {
	if name = tidy(name); alike(name) == "" {
		name = tidy(username)
	}
	if alike(name) == "" {
		name = "?"
	}
	for n, out := 1, name; ; n++ {
		if !taken[alike(out)] {
			taken[alike(out)] = true
			return out
		}
		if out = fmt.Sprintf("%s (@%s)", name, username); n > 1 || username == "" {
			out = fmt.Sprintf("%s (%d)", name, n+1)
		}
	}
}
