package witness

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/jobs"
)

// The kinds of jobs.
const (
	Letters = "witness.letters" // mails the codes
	Recount = "witness.recount" // counts published ballots again
)

// tries bounds how often a job is tried: about two days.
const tries = 16

// Workers do the jobs of this feature.
func (s *Service) Workers() []jobs.Worker {
	return []jobs.Worker{
		jobs.HandleTx(Letters, jobs.WorkerOptions{}, s.sendCodes),
		jobs.Handle(Recount, jobs.WorkerOptions{Queue: "witness", Attempts: tries, Timeout: 3 * time.Minute}, s.countAgain),
	}
}

// letters is a page of voters who are sent their codes.
type letters struct {
	Vote  id.ID `json:"vote"`
	After id.ID `json:"after,omitempty"`
}

const atOnce = 100 // letters in one transaction

// sendCodes draws the codes of the next hundred voters, keeps their hashes and writes the letters, in one
// transaction, and leaves the rest to another job. Nothing but the letter has the code.
func (s *Service) sendCodes(ctx context.Context, tx *db.Tx, page letters) error {
	v, ok, err := lockVote.Find(ctx, tx, page.Vote)
	if err != nil || !ok || !v.ClosedAt.IsZero() {
		return err
	}
	lines, err := nextLines.All(ctx, tx, v.ID, page.After, atOnce)
	if err != nil {
		return err
	}
	for i := range lines {
		l := &lines[i]
		page.After = l.Voter
		if l.Hash != "" {
			continue
		}
		if err := s.letter(ctx, tx, &v, l); err != nil {
			return err
		}
	}
	if len(lines) < atOnce {
		return nil
	}
	return s.Enqueue(ctx, tx, Letters, page)
}

// letter draws a code for a voter, in place of the one they had, and writes the letter.
func (s *Service) letter(ctx context.Context, tx *db.Tx, v *Vote, l *line) error {
	code := newCode()
	if _, err := setCode.Run(ctx, tx, v.ID, l.Voter, hashCode(v.ID, l.Voter, readCode(code)), tx.Now()); err != nil {
		return err
	}
	return s.mailCode(ctx, tx, v, l, code)
}

// letterEvery is how long after a letter another one is written to the same voter.
const letterEvery = time.Hour

// SendAgain writes a new letter, with a new code, to a voter whose letter was lost: by their mail address, at
// most once an hour, until they have taken their paper. Whether the address is on the roll it does not say.
func (s *Service) SendAgain(ctx context.Context, vote id.ID, address string) error {
	return s.db.InDurableTx(ctx, func(tx *db.Tx) error {
		v, ok, err := lockVote.Find(ctx, tx, vote)
		if err := orNone(err, ok); err != nil {
			return err
		}
		if !v.ClosedAt.IsZero() || !tx.Now().Before(v.ClosesAt) {
			return fault.New(fault.Conflict, "This vote is closed: no codes are sent.")
		}
		l, ok, err := findMail.Find(ctx, tx, v.ID, strings.ToLower(strings.TrimSpace(address)))
		if err != nil || !ok || l.Taken || l.Hash == "" || tx.Now().Before(l.Letter.Add(letterEvery)) { // without a code yet: its letter will come
			return err
		}
		return s.letter(ctx, tx, &v, &l)
	})
}

const longDate = "Monday, 2 January 2006, 15:04 UTC"

// Letters are in the language of the house, like its others.

func (s *Service) mailCode(ctx context.Context, tx *db.Tx, v *Vote, l *line, code string) error {
	return s.Mail(ctx, tx, l.Mail, "Your witness code: "+v.Title, fmt.Sprintf(`Dear %s,

%s votes in secret: %s

%s is the witness of this vote: each ballot paper needs its signature too, so that nobody can add ballots alone. This is your witness code, for this vote only:

    %s

You are asked for it when you take your ballot paper, here:
%s

If you have had another letter of this kind, its code is good no more. %s does not know this code. Give it to nobody else, and keep it until the vote is over. With it you can see at any time whether the witness has signed a paper in your name:
%s

Voting closes on %s.
`, l.Name, v.Host, v.Title, s.host, code, v.URL, v.Host, s.url+path(v.ID), v.ClosesAt.UTC().Format(longDate)))
}

func (s *Service) mailTaken(ctx context.Context, tx *db.Tx, v *Vote, l *line) error {
	return s.Mail(ctx, tx, l.Mail, "Your witness paper was taken: "+v.Title, fmt.Sprintf(`Dear %s,

%s, the witness, has signed your ballot paper for the secret vote of %s: %s

If it was not you who took it, somebody else has your witness code and acts in your name at %s: tell the returning officer there at once, and tell us.
%s
`, l.Name, s.host, v.Host, v.Title, v.Host, s.url+path(v.ID)))
}
