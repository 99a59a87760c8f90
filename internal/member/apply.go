package member

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rochdale/internal/identity"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/effect"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
)

// Limits of what is asked and answered.
const (
	maxName      = 60
	maxAnswer    = 2000
	MaxQuestions = 10
	MaxQuestion  = 300
)

// What an application is: it waits until it is accepted or declined.
const (
	Waiting  = "waiting"
	Accepted = "accepted"
	Declined = "declined"
)

// Application is a request to become a member. Only whoever may decide it sees it.
type Application struct {
	ID           id.ID     `db:"id"`
	Name         string    `db:"name"`
	Username     string    `db:"username"`
	Email        string    `db:"email"`
	PasswordHash string    `db:"password_hash"`
	Answer       string    `db:"answer"`  // why they want to join, where the co-op asks nothing of its own
	AnswersJSON  string    `db:"answers"` // to the co-op's own questions
	State        string    `db:"state"`   // Waiting, Accepted or Declined
	Reason       string    `db:"reason"`
	DecidedBy    id.ID     `db:"decided_by"`
	MemberID     id.ID     `db:"member_id"` // who came of it
	CreatedAt    time.Time `db:"created_at"`
	DecidedAt    time.Time `db:"decided_at"`
}

// Answered is a question and what an applicant wrote. The question is "" for the one that every co-op
// asks which has none of its own: why one would like to join.
type Answered struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Answers are all that the applicant was asked and wrote.
func (a *Application) Answers() []Answered {
	var out []Answered
	if a.AnswersJSON != "" {
		_ = json.Unmarshal([]byte(a.AnswersJSON), &out) // written by us; the worst is an empty list
	}
	if a.Answer != "" {
		out = append(out, Answered{Answer: a.Answer})
	}
	return out
}

// Text is all that the applicant wrote in one text, for a letter.
func (a *Application) Text() string {
	var parts []string
	for _, x := range a.Answers() {
		if x.Question != "" {
			x.Answer = x.Question + "\n" + x.Answer
		}
		parts = append(parts, x.Answer)
	}
	return strings.Join(parts, "\n\n")
}

// Joining is what a person fills in.
type Joining struct {
	Name, Username, Email, Password string
	Answer                          string           // why they want to join; asked of applicants where there are no questions
	Answers                         map[id.ID]string // to the co-op's own questions, by question
	Code                            string           // an invitation's code
}

func (j *Joining) check() error {
	j.Name = strings.Join(strings.Fields(j.Name), " ")
	j.Username = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(j.Username), "@"))
	j.Answer = strings.TrimSpace(j.Answer)
	if n := utf8.RuneCountInString(j.Name); n == 0 || n > maxName || strings.ContainsFunc(j.Name, unicode.IsControl) {
		return fault.Field("name", "Please tell us what to call you, in %d characters at most.", maxName)
	}
	return checkAnswer("answer", j.Answer)
}

func checkAnswer(field, text string) error {
	if utf8.RuneCountInString(text) > maxAnswer || strings.ContainsRune(text, 0) {
		return fault.Field(field, "Please keep it to %d characters.", maxAnswer)
	}
	return nil
}

// prepare checks what is filled in and hashes the password, outside any transaction.
func (s *Service) prepare(ctx context.Context, j *Joining) (passwordHash string, err error) {
	if err := j.check(); err != nil {
		return "", err
	}
	if j.Email, err = identity.CheckEmail(j.Email); err != nil {
		return "", err
	}
	if err := s.free(ctx, s.db, *j); err != nil {
		return "", err
	}
	return s.identity.HashPassword(ctx, j.Password)
}

func (s *Service) free(ctx context.Context, h db.Handle, j Joining) error {
	if s.CheckUsername != nil {
		if err := s.CheckUsername(ctx, h, j.Username); err != nil {
			return err
		}
	}
	// A username stays with its member for ever, also when the account and the name are gone.
	if n, err := countUsername.One(ctx, h, j.Username); err != nil || n > 0 {
		return errors.Join(err, fault.Field("username", "This username is taken. Please choose another one."))
	}
	if n, err := countWaitingFor.One(ctx, h, j.Username, strings.ToLower(j.Email)); err != nil || n > 0 {
		return errors.Join(err, errWaiting)
	}
	taken, err := s.identity.EmailTaken(ctx, h, j.Email)
	if err != nil {
		return err
	}
	if taken {
		return fault.Field("email", "There is already an account with this e-mail address. Try to sign in, or reset your password.")
	}
	return nil
}

var errWaiting = fault.New(fault.Conflict, "Somebody has already applied with this username or e-mail address, and the members have not answered yet.")

// Apply asks to become a member. Anyone may.
func (s *Service) Apply(ctx context.Context, j Joining) (Application, error) {
	questions, err := s.Questions(ctx)
	if err != nil {
		return Application{}, err
	}
	answers, err := answersTo(questions, &j)
	if err != nil {
		return Application{}, err
	}
	hash, err := s.prepare(ctx, &j)
	if err != nil {
		return Application{}, err
	}
	var a Application
	err = s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		a = Application{ID: id.New(tx.Now()), Name: j.Name, Username: j.Username, Email: j.Email, PasswordHash: hash, Answer: j.Answer, AnswersJSON: answers,
			State: Waiting, CreatedAt: tx.Now()}
		_, err := insertApplication.Run(ctx, tx, a.ID, a.Name, a.Username, a.Email, a.PasswordHash, a.Answer, a.AnswersJSON, a.State, a.Username,
			strings.ToLower(a.Email), a.CreatedAt)
		if errors.Is(err, db.ErrExists) {
			return errWaiting
		}
		if err != nil {
			return err
		}
		return s.Applied.Emit(ctx, tx, a)
	})
	return a, err
}

// answersTo makes the stored form of the answers to the co-op's questions. All of them want an answer.
func answersTo(questions []Question, j *Joining) (string, error) {
	if len(questions) == 0 {
		if strings.TrimSpace(j.Answer) == "" {
			return "", fault.Field("answer", "Please tell the members a little about why you would like to join.")
		}
		return "", nil
	}
	j.Answer = ""
	out := make([]Answered, 0, len(questions))
	for _, q := range questions {
		text := strings.TrimSpace(j.Answers[q.ID])
		if text == "" {
			return "", fault.Field(q.Field(), "Please answer this question.")
		}
		if err := checkAnswer(q.Field(), text); err != nil {
			return "", err
		}
		out = append(out, Answered{q.Text, text})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return "", fmt.Errorf("keep answers: %w", err)
	}
	return string(b), nil
}

// Question is one thing that the co-op asks of applicants.
type Question struct {
	ID   id.ID  `db:"id"`
	Text string `db:"question"`
}

// Field is the name of the form field that answers the question.
func (q *Question) Field() string { return "answer_" + q.ID.String() }

// Questions are what the co-op asks of applicants, in order. Without any, applicants are asked why they
// would like to join.
func (s *Service) Questions(ctx context.Context) ([]Question, error) {
	return listQuestions.All(ctx, s.db)
}

// SetQuestions changes what applicants are asked: an act of the power member.ask. A question that
// stays as it is keeps its field, so that forms which are being filled in stay right.
func (s *Service) SetQuestions(ctx context.Context, by authz.Actor, texts []string, reason string) error {
	clean, err := checkQuestions(texts)
	if err != nil {
		return err
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		_, err := s.setQuestions(ctx, tx, by, clean, reason)
		return err
	})
}

// checkQuestions tidies questions up: blank ones and those that stand there twice are left out.
func checkQuestions(texts []string) ([]string, error) {
	clean := []string{}
	for _, text := range texts {
		text = strings.Join(strings.Fields(text), " ")
		switch {
		case text == "" || slices.Contains(clean, text):
			continue
		case utf8.RuneCountInString(text) > MaxQuestion || strings.ContainsFunc(text, unicode.IsControl):
			return nil, fault.Field("questions", "A question has %d characters at most.", MaxQuestion)
		}
		clean = append(clean, text)
	}
	if len(clean) > MaxQuestions {
		return nil, fault.Field("questions", "Please ask %d questions at most.", MaxQuestions)
	}
	return clean, nil
}

var errAsked = fault.New(fault.Conflict, "The questions are these already.")

// setQuestions joins the caller's transaction; the effect of a decision enters here.
func (s *Service) setQuestions(ctx context.Context, tx *db.Tx, by authz.Actor, clean []string, reason string) (effect.Stored, error) {
	if _, err := s.judge.Authorise(ctx, tx, by, Ask, register); err != nil {
		return effect.Stored{}, err
	}
	old, err := listQuestions.All(ctx, tx)
	if err != nil {
		return effect.Stored{}, err
	}
	before, known := texts(old), map[string]id.ID{}
	for _, q := range old {
		known[q.Text] = q.ID
	}
	if slices.Equal(before, clean) {
		return effect.Stored{}, errAsked
	}
	inverse, err := effect.Store(Ask, &askEffect{Questions: strings.Join(before, "\n")})
	if err != nil {
		return inverse, err
	}
	if _, err := dropQuestions.Run(ctx, tx); err != nil {
		return inverse, err
	}
	for i, text := range clean {
		key := known[text]
		if key == 0 {
			key = id.New(tx.Now())
		}
		if _, err := insertQuestion.Run(ctx, tx, key, i, text); err != nil {
			return inverse, err
		}
	}
	_, err = s.judge.Perform(ctx, tx, by, authz.Act{Power: Ask, Target: register, Reason: reason,
		Args: map[string]any{"decision": "questions", "questions": clean}, Inverse: inverse})
	return inverse, err
}

func texts(questions []Question) []string {
	out := []string{}
	for _, q := range questions {
		out = append(out, q.Text)
	}
	return out
}

// Waiting lists the applications that wait for an answer, the oldest first. It needs the power to
// decide them.
func (s *Service) Waiting(ctx context.Context, by authz.Actor) ([]Application, error) {
	if _, err := s.judge.Authorise(ctx, s.db, by, Admit, authz.Target{Kind: "application"}); err != nil {
		return nil, err
	}
	return listWaiting.All(ctx, s.db)
}

// CountWaiting is how many applications wait.
func (s *Service) CountWaiting(ctx context.Context) (int, error) { return countWaiting.One(ctx, s.db) }

// Accept makes an applicant a member: an act of the power member.admit.
func (s *Service) Accept(ctx context.Context, by authz.Actor, application id.ID, reason string) (Member, error) {
	var m Member
	err := s.db.InDurableTx(ctx, func(tx *db.Tx) (err error) {
		m, _, err = s.accept(ctx, tx, by, application, reason)
		return err
	})
	return m, err
}

// accept joins the caller's transaction; the effect of a decision enters here.
func (s *Service) accept(ctx context.Context, tx *db.Tx, by authz.Actor, application id.ID, reason string) (Member, effect.Stored, error) {
	a, err := s.decide(ctx, tx, by, application, Accepted, reason)
	if err != nil {
		return Member{}, effect.Stored{}, err
	}
	m, err := s.admit(ctx, tx, person{Name: a.Name, Username: a.Username, Email: a.Email, PasswordHash: a.PasswordHash})
	if err != nil {
		return m, effect.Stored{}, err
	}
	if _, err := setApplicant.Run(ctx, tx, application, m.ID); err != nil {
		return m, effect.Stored{}, err
	}
	inverse, err := effect.Store(Expulsion, &expelEffect{Member: m.ID})
	if err != nil {
		return m, inverse, err
	}
	_, err = s.judge.Perform(ctx, tx, by, authz.Act{Power: Admit, Target: targetOf(m.ID), Reason: reason, Inverse: inverse, Private: personal(m), State: State(m),
		Args: map[string]any{"application": application, "decision": Accepted, "number": m.Number}})
	return m, inverse, err
}

// Decline answers an applicant with no, and with the reason, which the applicant is told. The record
// says that an application was declined, not whose or why.
func (s *Service) Decline(ctx context.Context, by authz.Actor, application id.ID, reason string) error {
	reason = strings.TrimSpace(reason)
	if reason == "" {
		return fault.Field("reason", "Please give a reason: the applicant will be told it.")
	}
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		_, err := s.decline(ctx, tx, by, application, reason)
		return err
	})
}

func (s *Service) decline(ctx context.Context, tx *db.Tx, by authz.Actor, application id.ID, reason string) (effect.Stored, error) {
	a, err := s.decide(ctx, tx, by, application, Declined, reason)
	if err != nil {
		return effect.Stored{}, err
	}
	inverse, err := effect.Store(Admit, &admitEffect{Application: application, Answer: Waiting})
	if err != nil {
		return inverse, err
	}
	if _, err := s.judge.Perform(ctx, tx, by, authz.Act{Power: Admit, Target: applicationOf(application), Inverse: inverse,
		Args: map[string]any{"decision": Declined}, Private: map[string]any{"name": a.Name, "username": a.Username, "reason": reason}}); err != nil {
		return inverse, err
	}
	return inverse, s.Declined.Emit(ctx, tx, a)
}

// takeUp lets a declined application wait for an answer again. The password that came with it is gone: who
// is admitted then chooses one by the letter that a forgotten password brings.
func (s *Service) takeUp(ctx context.Context, tx *db.Tx, by authz.Actor, application id.ID, reason string) (effect.Stored, error) {
	if _, err := s.judge.Authorise(ctx, tx, by, Admit, applicationOf(application)); err != nil {
		return effect.Stored{}, err
	}
	a, err := s.application(ctx, tx, application)
	if err != nil {
		return effect.Stored{}, err
	}
	if err := s.mayTakeUp(ctx, tx, &a); err != nil {
		return effect.Stored{}, err
	}
	switch n, err := takeUpApplication.Run(ctx, tx, application, a.Username, strings.ToLower(a.Email)); {
	case errors.Is(err, db.ErrExists):
		return effect.Stored{}, errWaiting
	case err != nil:
		return effect.Stored{}, err
	case n == 0:
		return effect.Stored{}, errAnswered
	}
	inverse, err := effect.Store(Admit, &admitEffect{Application: application, Answer: Declined})
	if err != nil {
		return inverse, err
	}
	a.State, a.Reason = Waiting, ""
	if _, err := s.judge.Perform(ctx, tx, by, authz.Act{Power: Admit, Target: applicationOf(application), Inverse: inverse,
		Args: map[string]any{"decision": Waiting}, Private: map[string]any{"name": a.Name, "username": a.Username, "reason": reason}}); err != nil {
		return inverse, err
	}
	return inverse, s.Applied.Emit(ctx, tx, a)
}

func (s *Service) mayTakeUp(ctx context.Context, h db.Handle, a *Application) error {
	switch {
	case a.State != Declined:
		return fault.New(fault.Conflict, "This application was not declined.")
	case a.Username == "":
		return fault.New(fault.Conflict, "What was written in this application has been deleted; whoever it was can apply anew.")
	}
	return s.free(ctx, h, Joining{Username: a.Username, Email: a.Email})
}

func applicationOf(i id.ID) authz.Target { return authz.Target{Kind: "application", ID: i} }

// register is what acts are about that concern it as a whole.
var register = authz.Target{Kind: "register", ID: 1}

func (s *Service) decide(ctx context.Context, tx *db.Tx, by authz.Actor, application id.ID, state, reason string) (Application, error) {
	if _, err := s.judge.Authorise(ctx, tx, by, Admit, applicationOf(application)); err != nil {
		return Application{}, err
	}
	a, err := s.application(ctx, tx, application)
	if err != nil {
		return a, err
	}
	n, err := decideApplication.Run(ctx, tx, application, state, reason, by.Member, tx.Now())
	if err != nil {
		return a, err
	}
	if n == 0 {
		return a, errAnswered
	}
	a.State, a.Reason = state, reason
	return a, nil
}

var errAnswered = fault.New(fault.Conflict, "Somebody has answered this application already.")

func (s *Service) application(ctx context.Context, h db.Handle, i id.ID) (Application, error) {
	a, ok, err := getApplication.Find(ctx, h, i)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "There is no such application.")
	}
	return a, err
}
