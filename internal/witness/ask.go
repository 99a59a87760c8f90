package witness

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/ref"
	"rochdale/internal/lib/ballotbox"
)

// Call is a secret vote of ours that our witness is asked to witness.
type Call struct {
	Subject ref.Ref // the election or motion
	Title   string
	URL     string // of the page on which is voted: ours
	Closes  time.Time
	Roll    []Voter // LeastRoll to MostRoll, each with a mail address of their own
}

// Arrangement is what the witness has agreed to: with its host and key the question can be written.
type Arrangement struct {
	Host     string
	Key      ballotbox.Base64 // SPKI of its key for this vote
	Remote   id.ID            // what the witness calls the vote
	RollHash ballotbox.Hash   // of the roll that it was given
	Closes   time.Time        // whole seconds of UTC; the question must say the same
}

// Witness is what the question of the vote says of the witness, nil where nothing is arranged.
func (a *Arrangement) Witness() *ballotbox.Witness {
	if a == nil {
		return nil
	}
	return &ballotbox.Witness{Host: a.Host, Key: a.Key}
}

// Page is the address at the witness where a voter can look whether a paper was taken in their name.
func (s *Service) Page(a *Arrangement) string { return s.base(a.Host) + path(a.Remote) }

// asked is a row of what was arranged.
type asked struct {
	SubjectKind string    `db:"subject_kind"`
	SubjectID   id.ID     `db:"subject_id"`
	Host        string    `db:"host"`
	Remote      id.ID     `db:"remote_id"`
	KeyText     string    `db:"key"`
	Roll        string    `db:"roll_hash"`
	Title       string    `db:"title"`
	URL         string    `db:"url"`
	ClosesAt    time.Time `db:"closes_at"`
}

func (a *asked) read() (Arrangement, error) {
	key, err := base64.RawURLEncoding.DecodeString(a.KeyText)
	if err != nil {
		return Arrangement{}, fmt.Errorf("read arrangement with witness: %w", err)
	}
	roll, err := ballotbox.ParseHash(a.Roll)
	return Arrangement{Host: a.Host, Key: key, Remote: a.Remote, RollHash: roll, Closes: a.ClosesAt.UTC()}, err
}

// Arranged is what was arranged for a vote of ours, if anything was.
func (s *Service) Arranged(ctx context.Context, h db.Handle, subject ref.Ref) (Arrangement, bool, error) {
	row, ok, err := getAsked.Find(ctx, h, subject.Kind, subject.ID)
	if err != nil || !ok {
		return Arrangement{}, false, err
	}
	a, err := row.read()
	return a, err == nil, err
}

// Arrange asks the witness in force to witness a vote: it makes a key for it, and mails the voters their codes.
// It speaks with the witness, so call it outside transactions. Asking again with the same roll gives the same
// arrangement, with the close moved if it is another; another roll is refused. Where nobody witnesses for
// us it is fault.NotFound.
func (s *Service) Arrange(ctx context.Context, c Call) (Arrangement, error) {
	c.Closes = c.Closes.UTC().Truncate(time.Second)
	body := votesBody{Vote: c.Subject.String(), Title: c.Title, URL: c.URL, Closes: c.Closes, Roll: append([]Voter(nil), c.Roll...)}
	if err := body.check(s.url, s.db.Now()); err != nil {
		return Arrangement{}, err
	}
	ids := make([]id.ID, len(body.Roll))
	for i, v := range body.Roll {
		ids[i] = v.ID
	}
	roll := ballotbox.RollHash(body.Vote, ids)
	row, there, err := getAsked.Find(ctx, s.db, c.Subject.Kind, c.Subject.ID)
	if err != nil {
		return Arrangement{}, err
	}
	switch {
	case there && row.Roll != roll.String():
		return Arrangement{}, fault.New(fault.Conflict, "This vote is witnessed with another roll.")
	case there && row.Title == c.Title && row.URL == c.URL && row.ClosesAt.Equal(c.Closes):
		return row.read()
	case !there: // what was arranged stays with the witness of that day
		host, ok, err := s.Ours(ctx, s.db)
		if err != nil {
			return Arrangement{}, err
		}
		if !ok {
			return Arrangement{}, fault.New(fault.NotFound, "No co-op witnesses our votes.")
		}
		row.Host = host
	}
	var answer votesAnswer
	if err := s.ask(ctx, "POST", row.Host, "/witness/votes", body, &answer); err != nil {
		return Arrangement{}, err
	}
	if answer.ID <= 0 || ballotbox.CheckPaperKey(answer.Key) != nil || there && (answer.ID != row.Remote || answer.Key.String() != row.KeyText) {
		return Arrangement{}, absent(row.Host, fmt.Errorf("it gives no key that papers can be signed with"))
	}
	row = asked{SubjectKind: c.Subject.Kind, SubjectID: c.Subject.ID, Host: row.Host, Remote: answer.ID, KeyText: answer.Key.String(), Roll: roll.String(),
		Title: c.Title, URL: c.URL, ClosesAt: c.Closes}
	if err := s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		_, err := saveAsked.Run(ctx, tx, row.SubjectKind, row.SubjectID, row.Host, row.Remote, row.KeyText, row.Roll, row.Title, row.URL, row.ClosesAt)
		return err
	}); err != nil {
		return Arrangement{}, err
	}
	return row.read()
}

// arranged is what was arranged, or a refusal.
func (s *Service) arranged(ctx context.Context, subject ref.Ref) (asked, error) {
	row, ok, err := getAsked.Find(ctx, s.db, subject.Kind, subject.ID)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "This vote has no witness.")
	}
	return row, err
}

// Open gives the witness the canonical question of a vote that is open. Until then it signs no paper.
func (s *Service) Open(ctx context.Context, subject ref.Ref, question []byte) error {
	row, err := s.arranged(ctx, subject)
	if err != nil {
		return err
	}
	return s.ask(ctx, "PUT", row.Host, path(row.Remote)+"/question", raw(question), &done{})
}

// Prolong tells the witness that a vote closes later.
func (s *Service) Prolong(ctx context.Context, subject ref.Ref, closes time.Time) error {
	row, err := s.arranged(ctx, subject)
	if err != nil {
		return err
	}
	return s.ask(ctx, "PUT", row.Host, path(row.Remote)+"/closes", closesBody{closes.UTC().Truncate(time.Second)}, &done{})
}

// Close tells the witness that a vote is closed, and where its ballots are published; "" if they are not. A
// vote that was called off is closed, too.
func (s *Service) Close(ctx context.Context, subject ref.Ref, fileURL string) error {
	row, err := s.arranged(ctx, subject)
	if err != nil {
		return err
	}
	return s.ask(ctx, "POST", row.Host, path(row.Remote)+"/close", closeBody{fileURL}, &done{})
}

// Sign has the witness sign what a voter blinded, for the code that it has mailed them. What the witness
// refuses comes back with its words; whoever cannot reach it is told to try again. A wrong code is
// fault.Forbidden.
func (s *Service) Sign(ctx context.Context, subject ref.Ref, voter id.ID, code string, blinded []byte) ([]byte, error) {
	letters := readCode(code)
	if letters == "" { // it need not count as a wrong one
		return nil, fault.Field("witness_code", "A witness code has 12 letters and digits. It is in the letter from the witness.")
	}
	row, err := s.arranged(ctx, subject)
	if err != nil {
		return nil, err
	}
	var answer papersAnswer
	if err := s.ask(ctx, "POST", row.Host, path(row.Remote)+"/papers", papersBody{voter, letters, blinded}, &answer); err != nil {
		return nil, err
	}
	if len(answer.Signed) != 3072/8 {
		return nil, absent(row.Host, fmt.Errorf("it gives no signature"))
	}
	return answer.Signed, nil
}

// absent is what is said where the witness cannot be reached, or talks nonsense; the cause is for the log.
func absent(host string, cause error) error {
	return fmt.Errorf("%w (%w)", fault.New(fault.Conflict, "The witness %s cannot be reached now. Please try again in a few minutes.", host), cause)
}
