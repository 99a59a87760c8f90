package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rochdale/internal/ballot"
	"rochdale/internal/election"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/social"
	"rochdale/internal/witness"
)

// What follows from elections: the clock that moves them, the posts in which the co-op tells of them, and
// the mails to those who are nominated, who can vote and who have taken a ballot paper.

func (a *App) wakeElections(ctx context.Context, tx *db.Tx, at time.Time) error {
	return a.wake(ctx, tx, "election.advance", at)
}

func (a *App) electionWorkers() []jobs.Worker {
	return []jobs.Worker{
		jobs.Handle("election.advance", jobs.WorkerOptions{}, func(ctx context.Context, _ wake) error { return a.Election.Advance(ctx) }),
		jobs.HandleTx("election.tell", jobs.WorkerOptions{}, a.tellElectionPage),
		jobs.Handle("election.witness", jobs.WorkerOptions{Queue: "witness", Attempts: 16}, a.followWitness),
	}
}

func (a *App) electionURL(e *election.Election) string {
	return fmt.Sprintf("%s/elections/%d", a.Config.URL, e.Number)
}

const longDate = "2 January 2006, 15:04 UTC"

// post tells of an election in the name of its body, or of the co-op.
func (a *App) postElection(ctx context.Context, tx *db.Tx, e *election.Election, text string) error {
	b, err := a.Mandate.Body(ctx, tx, e.Body)
	if err != nil {
		return err
	}
	from := b.AccountID
	if from == 0 {
		if from, err = a.Coop.Account(ctx, tx); err != nil || from == 0 {
			return err
		}
	}
	_, err = a.Social.PublishIn(ctx, tx, authz.Actor{Account: from, Via: authz.Job}, social.Draft{Text: text + "\n\n" + a.electionURL(e), Visibility: social.Public})
	return err
}

func (a *App) onAnnounced(ctx context.Context, tx *db.Tx, e election.Election) error {
	return a.postElection(ctx, tx, &e, fmt.Sprintf("An election is announced: %s. Nominations are open until %s (election %d).", e.Title, e.FinalAt.Format(longDate), e.Number))
}

// onElectionMoved tells of the steps that matter to everybody, and the witness of those that matter to it.
func (a *App) onElectionMoved(ctx context.Context, tx *db.Tx, e election.Election) error {
	if err := a.tellWitness(ctx, tx, &e); err != nil {
		return err
	}
	switch e.State {
	case election.Nominations:
		return a.postElection(ctx, tx, &e, fmt.Sprintf("Nominations are prolonged until %s: %s (election %d).", e.FinalAt.Format(longDate), e.Title, e.Number))
	case election.Open:
		if err := a.postElection(ctx, tx, &e, fmt.Sprintf("Voting is open until %s: %s (election %d).", e.ClosesAt.Format(longDate), e.Title, e.Number)); err != nil {
			return err
		}
		return a.tellElection(ctx, tx, tellVoters{Election: e.ID})
	case election.Final:
		if e.OpensAt.After(e.FinalAt.Add(time.Duration(e.Rules().Final) * 24 * time.Hour)) {
			return a.postElection(ctx, tx, &e, fmt.Sprintf("Scrutineers are wanted: %s (election %d). Voting is put off until %s.", e.Title, e.Number, e.OpensAt.Format(longDate)))
		}
	case election.Sealed:
		if err := a.postElection(ctx, tx, &e, fmt.Sprintf("Voting is closed: %s (election %d). The ballots are published sealed; the scrutineers open them until %s.", e.Title, e.Number, e.DueAt.Format(longDate))); err != nil {
			return err
		}
		return a.tellScrutineers(ctx, tx, &e, false)
	case election.Counted:
		r := e.Result()
		how := fmt.Sprintf("%d of %d voted.", r.Voted, e.RollSize)
		if r.Uncontested {
			how = "No ballot was needed."
		}
		return a.postElection(ctx, tx, &e, fmt.Sprintf("Elected: %s. %s (election %d). %s The ballots are published, and anybody can count them again.", strings.Join(r.Elected, ", "), e.Title, e.Number, how))
	case election.Failed:
		return a.postElection(ctx, tx, &e, fmt.Sprintf("The election failed (%s): %s (election %d).", e.Cause, e.Title, e.Number))
	case election.Cancelled:
		return a.postElection(ctx, tx, &e, fmt.Sprintf("The election was called off: %s (election %d).", e.Title, e.Number))
	case election.Filled:
		if e.Kind == election.Budget {
			return a.postElection(ctx, tx, &e, fmt.Sprintf("The members' budget is decided: %s (election %d).", e.Title, e.Number))
		}
	}
	return nil
}

// onElectionProlonged tells of what a returning officer prolonged. Nobody is mailed again: who has not voted is
// reminded before the close.
func (a *App) onElectionProlonged(ctx context.Context, tx *db.Tx, e election.Election) error {
	if e.State == election.Open {
		return a.postElection(ctx, tx, &e, fmt.Sprintf("Voting is prolonged until %s: %s (election %d).", e.ClosesAt.Format(longDate), e.Title, e.Number))
	}
	return a.postElection(ctx, tx, &e, fmt.Sprintf("Nominations are prolonged until %s: %s (election %d).", e.FinalAt.Format(longDate), e.Title, e.Number))
}

// onElectionWidened tells that more seats fell vacant while nominations are open.
func (a *App) onElectionWidened(ctx context.Context, tx *db.Tx, e election.Election) error {
	return a.postElection(ctx, tx, &e, fmt.Sprintf("More seats are to be filled: %s. Nominations are open until %s (election %d).", e.Title, e.FinalAt.Format(longDate), e.Number))
}

// tellVoters is a page of members who are told that voting is open, or will close.
type tellVoters struct {
	Election id.ID `json:"election"`
	Remind   bool  `json:"remind,omitempty"`
	After    id.ID `json:"after,omitempty"`
}

func (a *App) tellElection(ctx context.Context, tx *db.Tx, t tellVoters) error {
	if a.quiet {
		return nil
	}
	return a.Queue.Enqueue(ctx, tx, "election.tell", t)
}

func (a *App) onElectionReminded(ctx context.Context, tx *db.Tx, r election.Reminder) error {
	if r.Election.State == election.Sealed {
		return a.tellScrutineers(ctx, tx, &r.Election, true)
	}
	return a.tellElection(ctx, tx, tellVoters{Election: r.Election.ID, Remind: true})
}

// tellElectionPage tells the next hundred members, and leaves the rest to another job.
func (a *App) tellElectionPage(ctx context.Context, tx *db.Tx, t tellVoters) error {
	e, err := a.Election.Get(ctx, tx, t.Election)
	if err != nil || e.State != election.Open {
		return err
	}
	who, err := a.Election.Electorate(ctx, tx, &e)
	if t.Remind {
		who, err = a.Election.Unvoted(ctx, tx, &e)
	}
	if err != nil {
		return err
	}
	subject, first := "Voting is open: "+e.Title, "Voting is open"
	if t.Remind {
		subject, first = "Your vote is still missing: "+e.Title, "You have not voted"
	}
	n := 0
	for _, x := range who {
		if x <= t.After {
			continue
		}
		if n++; n > tellMany {
			return a.tellElection(ctx, tx, t)
		}
		if err := a.mailMember(ctx, tx, x, subject, fmt.Sprintf("%s in the election of %s:\n\n%s\n\nIt closes on %s. Read what the candidates say, and vote here:\n%s\n",
			first, a.coopName(ctx), e.Title, e.ClosesAt.Format("Monday, "+longDate), a.electionURL(&e))); err != nil {
			return err
		}
		t.After = x
	}
	return nil
}

// tellScrutineers asks those who have not given up their keys to do so.
func (a *App) tellScrutineers(ctx context.Context, tx *db.Tx, e *election.Election, again bool) error {
	who, err := a.Election.Awaited(ctx, tx, e)
	if err != nil || a.quiet {
		return err
	}
	first := "Voting has closed, and you are a scrutineer"
	if again {
		first = "The ballots are still waiting for your key"
	}
	for _, m := range who {
		if err := a.mailMember(ctx, tx, m, "Please open the ballots: "+e.Title, fmt.Sprintf("%s: %s.\n\nType the code that you noted here, until %s:\n%s#reveal\n\nWithout %d of you nobody can read the ballots, and the election has to be held again.\n",
			first, e.Title, e.DueAt.Format("Monday, "+longDate), a.electionURL(e), e.Rules().Needed)); err != nil {
			return err
		}
	}
	return nil
}

// witnesses are how elections reach the witness of their votes.
func (a *App) witnesses() *election.Witnesses {
	return &election.Witnesses{Arrange: a.Witness.Arrange, Arranged: a.Witness.Arranged, URL: a.electionURL, Page: a.Witness.Page,
		Voters: func(ctx context.Context, who []id.ID) ([]witness.Voter, error) {
			out := make([]witness.Voter, 0, len(who))
			for _, m := range who {
				one, err := a.Member.Get(ctx, a.DB, m)
				if err != nil {
					return nil, err
				}
				login, err := a.Identity.LoginOf(ctx, a.DB, one.AccountID)
				if err != nil {
					return nil, err
				}
				out = append(out, witness.Voter{ID: m, Name: one.Name, Mail: login.Email})
			}
			return out, nil
		}}
}

// witnessed names the election of whose vote the witness is told how it stands.
type witnessed struct {
	Election id.ID `json:"election"`
}

func (a *App) tellWitness(ctx context.Context, tx *db.Tx, e *election.Election) error {
	_, ok, err := a.Witness.Arranged(ctx, tx, e.Ref())
	if err != nil || !ok || e.State == election.Final {
		return err
	}
	return a.Queue.Enqueue(ctx, tx, "election.witness", witnessed{e.ID})
}

// followWitness tells the witness how a vote stands: its question, a later close, and that it is closed. Whatever
// is told twice changes nothing.
func (a *App) followWitness(ctx context.Context, w witnessed) error {
	e, err := a.Election.Get(ctx, a.DB, w.Election)
	if err != nil {
		return err
	}
	v, ok, err := a.Ballot.Of(ctx, a.DB, e.Ref())
	if err != nil {
		return err
	}
	switch {
	case !ok && e.Over(), v.Voided:
		return a.Witness.Close(ctx, e.Ref(), "")
	case !ok:
		return nil
	case !v.ClosedAt.IsZero():
		return a.Witness.Close(ctx, e.Ref(), fmt.Sprintf("%s/ballots/%s/file", a.Config.URL, v.ID))
	}
	q, err := v.Question()
	if err != nil || q.Witness == nil {
		return err
	}
	if err := a.Witness.Open(ctx, e.Ref(), []byte(v.QuestionJSON)); err != nil || !v.ClosesAt.After(q.Closes.Add(time.Second)) {
		return err
	}
	return a.Witness.Prolong(ctx, e.Ref(), v.ClosesAt)
}

func (a *App) tellNominated(ctx context.Context, tx *db.Tx, c election.Candidate) error {
	e, err := a.Election.Get(ctx, tx, c.Election)
	if err != nil {
		return err
	}
	return a.mailMember(ctx, tx, c.Member, "You have been nominated: "+e.Title,
		fmt.Sprintf("A member has nominated you for: %s.\n\nYou stand only if you accept, until %s:\n%s\n", e.Title, e.FinalAt.Format(longDate), a.electionURL(&e)))
}

// tellPaperTaken tells a member that their ballot paper was given out: if it was not they who took it,
// somebody else has their sign-in.
func (a *App) tellPaperTaken(ctx context.Context, tx *db.Tx, t ballot.Taken) error {
	q, err := t.Vote.Question()
	if err != nil {
		return err
	}
	return a.mailMember(ctx, tx, t.Member, "You have taken your ballot paper: "+q.Title,
		fmt.Sprintf("Your ballot paper was given out for the secret vote: %s.\n\nIf it was not you, somebody else uses your sign-in: change your password at once, and tell the returning officer.\n%s/settings\n", q.Title, a.Config.URL))
}
