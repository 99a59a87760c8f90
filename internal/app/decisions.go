package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/mail"
	"rochdale/internal/lib/posttext"
	"rochdale/internal/mandate"
	"rochdale/internal/member"
	"rochdale/internal/social"
)

// What follows from decisions and mandates: the clock that moves them, the posts in which the co-op
// tells of them, and the notices and mails that wait for an answer.

// sweepMandates does what time calls for in offices and emergency acts. After a sleep of the machine the
// members' answers come before the lapses: what they have ratified, or are still asked about, stands.
func (a *App) sweepMandates(ctx context.Context) error {
	if err := a.Mandate.Sweep(ctx); err != nil {
		return err
	}
	return errors.Join(a.Decision.AskAboutEmergencies(ctx), a.advance(ctx), a.Mandate.Unveil(ctx))
}

// advance moves decisions on, and ends what the members have voted down. A motion that is stuck keeps no
// emergency act alive.
func (a *App) advance(ctx context.Context) error {
	return errors.Join(a.Decision.Advance(ctx), a.Mandate.Lapse(ctx))
}

type wake struct {
	At int64 `json:"at"` // milliseconds: one job an instant is enough
}

func (a *App) wakeDecisions(ctx context.Context, tx *db.Tx, at time.Time) error {
	return a.wake(ctx, tx, "decision.advance", at)
}

// wake enqueues a job that moves things on at an instant. One that is due now is not scheduled, for scheduled
// jobs are looked for every few seconds only.
func (a *App) wake(ctx context.Context, tx *db.Tx, kind string, at time.Time) error {
	how := []jobs.Opt{jobs.Unique()}
	if at.After(tx.Now()) {
		how = append(how, jobs.At(at))
	}
	return a.Queue.Enqueue(ctx, tx, kind, wake{at.UnixMilli()}, how...)
}

func (a *App) decisionWorkers() []jobs.Worker {
	return []jobs.Worker{
		jobs.Handle("decision.advance", jobs.WorkerOptions{}, func(ctx context.Context, _ wake) error { return a.advance(ctx) }),
		jobs.Handle("decision.ask", jobs.WorkerOptions{}, func(ctx context.Context, _ struct{}) error { return a.Decision.AskAboutEmergencies(ctx) }),
		jobs.HandleTx("decision.tell", jobs.WorkerOptions{}, a.tellPage),
	}
}

func (a *App) emergencyRule(ctx context.Context, h db.Handle, power string) (mandate.Allowance, error) {
	v, ok, err := a.Rulebook.EmergencyFor(ctx, h, power)
	if err != nil || !ok {
		return mandate.Allowance{}, err
	}
	return mandate.Allowance{Rule: v.ID, Body: v.Rule.Emergency.Body, Days: v.Rule.Emergency.Days, Veil: v.Rule.Emergency.Veil}, nil
}

func (a *App) ratifyDays(ctx context.Context, h db.Handle) (int, error) {
	return a.Rulebook.RatifyDays(ctx, h, mandate.RatifyAct)
}

// onEmerged reports an act that was done before a decision to all members, by the motion that asks
// them about it. Several acts in a row are asked about together.
func (a *App) onEmerged(ctx context.Context, tx *db.Tx, _ mandate.Emergency) error {
	return a.Queue.Enqueue(ctx, tx, "decision.ask", nil, jobs.Unique())
}

// openBodyAccount gives a body its account on the fediverse, named after it.
func (a *App) openBodyAccount(ctx context.Context, tx *db.Tx, b mandate.Body) error {
	name := strings.ReplaceAll(b.Handle, "-", "_")
	if err := a.Social.CheckUsername(ctx, tx, name); fault.Is(err, fault.Invalid) {
		name = cut(name, 24) + "_group"
	} else if err != nil {
		return err
	}
	account, err := a.Social.Open(ctx, tx, social.NewAccount{Username: name, DisplayName: cut(b.Name, social.MaxDisplayName), Kind: social.Group, Note: cut(b.Aim, social.MaxNote)})
	if err != nil {
		return err
	}
	return a.Mandate.SetBodyAccount(ctx, tx, b.ID, account.ID)
}

// speaker is the account that tells of a motion: the body's, or the co-op's own.
func (a *App) speaker(ctx context.Context, tx *db.Tx, m decision.Motion) (id.ID, error) {
	b, err := a.Mandate.Body(ctx, tx, m.Body)
	if err != nil {
		return 0, err
	}
	if b.AccountID != 0 {
		return b.AccountID, nil
	}
	return a.Coop.Account(ctx, tx)
}

func (a *App) decisionURL(m decision.Motion) string {
	return fmt.Sprintf("%s/decisions/%d", a.Config.URL, m.Number)
}

// say posts about a motion in the name of its body, and lets the post's replies be discussion.
func (a *App) say(ctx context.Context, tx *db.Tx, m decision.Motion, text string) (from, post id.ID, err error) {
	if from, err = a.speaker(ctx, tx, m); err != nil || from == 0 {
		return from, 0, err
	}
	p, err := a.Social.PublishIn(ctx, tx, authz.Actor{Account: from, Via: authz.Job}, social.Draft{Text: text + "\n\n" + a.decisionURL(m), Visibility: social.Public})
	if err != nil {
		return from, 0, err
	}
	return from, p.ID, a.Decision.Posted(ctx, tx, m.ID, p.ID)
}

// tell is a page of members who are told of a motion.
type tell struct {
	Motion id.ID  `json:"motion"`
	What   string `json:"what"` // published, open, remind
	From   id.ID  `json:"from"`
	Post   id.ID  `json:"post"`
	After  id.ID  `json:"after"`
}

const tellMany = 100

func (a *App) tellLater(ctx context.Context, tx *db.Tx, t tell) error {
	if a.quiet {
		return nil
	}
	return a.Queue.Enqueue(ctx, tx, "decision.tell", t)
}

func (a *App) onPublished(ctx context.Context, tx *db.Tx, m decision.Motion) error {
	if err := a.tellConcerned(ctx, tx, m); err != nil {
		return err
	}
	if m.Mover == 0 || m.OriginKind == decision.SecondCall || m.OriginKind == decision.FromCallIn {
		return nil // it is called in the same breath, which says more
	}
	from, post, err := a.say(ctx, tx, m, fmt.Sprintf("In discussion: %s (motion %d)", m.Title, m.Number))
	if err != nil || post == 0 {
		return err
	}
	return a.tellLater(ctx, tx, tell{Motion: m.ID, What: "published", From: from, Post: post})
}

// tellConcerned writes to the members whom a motion is about, so that nobody hears of it from others.
func (a *App) tellConcerned(ctx context.Context, tx *db.Tx, m decision.Motion) error {
	who, err := a.Decision.Concerned(ctx, tx, &m)
	if err != nil {
		return err
	}
	for _, x := range who {
		if x == m.Mover {
			continue
		}
		if err := a.mailMember(ctx, tx, x, "A motion is about you: "+m.Title,
			fmt.Sprintf("A motion has been published that is about you:\n\n%s\n\nYou can read it and say what you think of it here:\n%s\n", m.Title, a.decisionURL(m))); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) onOpened(ctx context.Context, tx *db.Tx, m decision.Motion) error {
	from, post, err := a.say(ctx, tx, m, fmt.Sprintf("Voting is open until %s: %s (decision %d)", m.ClosesAt.Format("2 January 2006, 15:04 UTC"), m.Title, m.Number))
	if err != nil {
		return err
	}
	return a.tellLater(ctx, tx, tell{Motion: m.ID, What: "open", From: from, Post: post})
}

func (a *App) onReminded(ctx context.Context, tx *db.Tx, u decision.Unvoted) error {
	return a.tellLater(ctx, tx, tell{Motion: u.Motion.ID, What: "remind"})
}

func (a *App) onCounted(ctx context.Context, tx *db.Tx, m decision.Motion) error {
	text := fmt.Sprintf("%s: %s (decision %d). %d of %d voted.", strings.ToUpper(string(m.Outcome[:1]))+string(m.Outcome[1:]), m.Title, m.Number, m.Votes, m.RollSize)
	if m.State == decision.Window {
		text += fmt.Sprintf(" It comes into force on %s unless it is called in.", m.WindowEndsAt.Format("2 January 2006, 15:04 UTC"))
	}
	_, _, err := a.say(ctx, tx, m, text)
	return err
}

// tellPage tells the next hundred members of a motion, and leaves the rest to another job.
func (a *App) tellPage(ctx context.Context, tx *db.Tx, t tell) error {
	m, err := a.Decision.ByID(ctx, operator, t.Motion)
	if err != nil {
		return err
	}
	who, err := a.told(ctx, tx, &m, t)
	if err != nil {
		return err
	}
	who = slices.DeleteFunc(who, func(x id.ID) bool { return x <= t.After })
	more := len(who) > tellMany
	who = who[:min(len(who), tellMany)]
	var accounts []id.ID
	for _, x := range who {
		one, err := a.Member.Get(ctx, tx, x)
		if err != nil {
			return err
		}
		t.After = x
		if one.AccountID == 0 {
			continue
		}
		accounts = append(accounts, one.AccountID)
		if t.What == "published" {
			continue // a notice is enough before there is something to do
		}
		login, err := a.Identity.LoginOf(ctx, tx, one.AccountID)
		if err != nil {
			return err
		}
		if err := a.send(ctx, tx, a.voteMail(ctx, &m, t.What, login.Email)); err != nil {
			return err
		}
	}
	if t.Post != 0 {
		if err := a.Notice.Announce(ctx, tx, accounts, t.From, t.Post); err != nil {
			return err
		}
	}
	if more {
		return a.tellLater(ctx, tx, t)
	}
	return nil
}

// told are the members whom a step of a motion matters to, in order of id: who can vote, and before
// that everybody in the body.
func (a *App) told(ctx context.Context, tx *db.Tx, m *decision.Motion, t tell) ([]id.ID, error) {
	var who []id.ID
	var err error
	switch t.What {
	case "remind":
		if who, err = a.Decision.Unvoted(ctx, tx, m.ID); err != nil {
			return nil, err
		}
	case "open":
		if who, err = a.Decision.Electorate(ctx, tx, m.ID); err != nil {
			return nil, err
		}
	default:
		b, err := a.Mandate.Body(ctx, tx, m.Body)
		if err != nil {
			return nil, err
		}
		if b.Root() {
			if who, err = a.Member.InGoodStanding(ctx, tx, tx.Now()); err != nil {
				return nil, err
			}
			break
		}
		seats, err := a.Mandate.SeatsIn(ctx, tx, b.ID, tx.Now())
		if err != nil {
			return nil, err
		}
		for _, s := range seats {
			who = append(who, s.Member)
		}
	}
	slices.Sort(who)
	return who, nil
}

func (a *App) voteMail(ctx context.Context, m *decision.Motion, what, to string) mail.Message {
	subject, first := "A vote is open: "+m.Title, "Voting is open on this motion"
	if what == "remind" {
		subject, first = "Your vote is still missing: "+m.Title, "You have not voted on this motion"
	}
	return mail.Message{To: to, Subject: subject, Text: fmt.Sprintf("%s of %s:\n\n%s\n\nIt closes on %s. Read it and vote here:\n%s\n",
		first, a.coopName(ctx), m.Title, m.ClosesAt.Format("Monday, 2 January 2006, 15:04 UTC"), a.decisionURL(*m))}
}

// onCommented tells whom a comment answers or mentions.
func (a *App) onCommented(ctx context.Context, tx *db.Tx, c decision.Comment) error {
	if a.quiet {
		return nil
	}
	who := map[id.ID]bool{}
	if c.Parent != 0 {
		above, err := a.Decision.CommentByID(ctx, tx, c.Parent)
		if err != nil {
			return err
		}
		who[above.Member] = true
	}
	for _, m := range posttext.Scan(c.Text).Mentions {
		if m.Domain != "" && m.Domain != a.Config.Host || len(who) >= 20 {
			continue
		}
		account, err := a.Social.KnownByName(ctx, tx, m.Name, "")
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if account.MemberID != 0 {
			who[account.MemberID] = true
		}
	}
	delete(who, c.Member)
	if len(who) == 0 {
		return nil
	}
	m, err := a.Decision.InTx(ctx, tx, c.Decision)
	if err != nil {
		return err
	}
	author, err := a.Member.Get(ctx, tx, c.Member)
	if err != nil {
		return err
	}
	posts, err := a.Decision.Posts(ctx, tx, c.Decision)
	if err != nil {
		return err
	}
	var post id.ID // the first that told of it
	if len(posts) > 0 {
		post = posts[0]
	}
	for _, x := range slices.Sorted(maps.Keys(who)) {
		if to, err := a.accountOf(ctx, tx, x); err != nil {
			return err
		} else if to != nil && author.AccountID != 0 {
			if err := a.Notice.Discussed(ctx, tx, to, author.AccountID, post, c.ID); err != nil {
				return err
			}
		}
		if err := a.mailMember(ctx, tx, x, fmt.Sprintf("%s wrote to you about: %s", author.Name, m.Title),
			fmt.Sprintf("%s writes in the discussion of motion %d:\n\n%s\n\n%s#c%s\n", author.Name, m.Number, c.Text, a.decisionURL(m), c.ID)); err != nil {
			return err
		}
	}
	return nil
}

// onReacted tells the author of a comment that others react to it.
func (a *App) onReacted(ctx context.Context, tx *db.Tx, r decision.Reaction) error {
	c, err := a.Decision.CommentByID(ctx, tx, r.Comment)
	if err != nil || a.quiet {
		return err
	}
	from, err := a.Member.Get(ctx, tx, r.Member)
	if err != nil || from.AccountID == 0 {
		return err
	}
	to, err := a.accountOf(ctx, tx, c.Member)
	if err != nil || to == nil {
		return err
	}
	return a.Notice.Reacted(ctx, tx, to, from.AccountID, r.Comment)
}

// accountOf is the account of a member, or nil where there is none (any more).
func (a *App) accountOf(ctx context.Context, tx *db.Tx, who id.ID) (*social.Account, error) {
	m, err := a.Member.Get(ctx, tx, who)
	if err != nil || m.AccountID == 0 {
		return nil, err
	}
	account, err := a.Social.Account(ctx, tx, m.AccountID)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return account, err
}

// onReturned gives a motion whose effects could not be applied back to its mover.
func (a *App) onReturned(ctx context.Context, tx *db.Tx, m decision.Motion) error {
	if m.Mover == 0 {
		return nil
	}
	return a.mailMember(ctx, tx, m.Mover, "Your motion was carried but not executed: "+m.Title,
		fmt.Sprintf("The effects of decision %d could not be applied (%s):\n\n%s\n\nNothing of it was done. You can move it again:\n%s\n", m.Number, m.Execution, m.Cause, a.decisionURL(m)))
}

func (a *App) mailMember(ctx context.Context, tx *db.Tx, who id.ID, subject, text string) error {
	if a.quiet {
		return nil
	}
	one, err := a.Member.Get(ctx, tx, who)
	if err != nil || one.AccountID == 0 {
		return err
	}
	login, err := a.Identity.LoginOf(ctx, tx, one.AccountID)
	if err != nil {
		return err
	}
	return a.send(ctx, tx, mail.Message{To: login.Email, Subject: subject, Text: text})
}

func (a *App) tellOffered(ctx context.Context, tx *db.Tx, m mandate.Mandate) error {
	return a.mailMember(ctx, tx, m.MemberID, fmt.Sprintf("You have been appointed: %s of %s", m.Office, m.BodyName),
		fmt.Sprintf("You have been appointed %s of %s, until %s. It begins when you accept it:\n%s/groups/%s\n", m.Office, m.BodyName, m.To.Format("2 January 2006"), a.Config.URL, m.BodyHandle))
}

func (a *App) tellEnding(ctx context.Context, tx *db.Tx, r mandate.Reminder) error {
	m := r.Mandate
	return a.mailMember(ctx, tx, m.MemberID, fmt.Sprintf("Your office ends in %d days: %s of %s", r.Days, m.Office, m.BodyName),
		fmt.Sprintf("Your mandate as %s of %s ends on %s. Write down what the next holder should know:\n%s/groups/%s\n", m.Office, m.BodyName, m.To.Format("2 January 2006"), a.Config.URL, m.BodyHandle))
}

// mayHold lets members use their offices while they are in good standing with the co-op: suspended
// rights suspend powers too.
func (a *App) mayHold(ctx context.Context, h db.Handle, who id.ID) (bool, error) {
	standing, err := a.Member.StandingOn(ctx, h, who, h.Now())
	return standing != member.NoRights && standing != member.FormerMember && standing != member.NoMember, err
}

// eraseElsewhere removes what other institutions hold of a former member who asked for erasure.
func (a *App) eraseElsewhere(ctx context.Context, tx *db.Tx, m member.Member) error {
	if err := errors.Join(a.Decision.EraseMember(ctx, tx, m.ID), a.Election.EraseMember(ctx, tx, m.ID)); err != nil || m.AccountID == 0 {
		return err
	}
	return a.Social.Close(ctx, tx, m.AccountID)
}
