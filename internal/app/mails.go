package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"rochdale/internal/kit/db"
	"rochdale/internal/kit/jobs"
	"rochdale/internal/kit/mail"
	"rochdale/internal/member"
)

// Mails are jobs enqueued in the transaction of what they tell, so that none is sent about what did
// not happen and none is lost.

func (a *App) mailWorker() jobs.Worker {
	return jobs.Handle("mail.send", jobs.WorkerOptions{Queue: "mail"}, func(ctx context.Context, m mail.Message) error {
		err := a.Mailer.Send(ctx, m)
		if errors.Is(err, mail.ErrRefused) {
			return jobs.GiveUp(err)
		}
		return err
	})
}

func (a *App) send(ctx context.Context, tx *db.Tx, m mail.Message) error {
	return a.Queue.Enqueue(ctx, tx, "mail.send", m)
}

// coopName is the name for subjects, also inside the founding itself.
func (a *App) coopName(ctx context.Context) string {
	if c, err := a.Coop.Get(ctx); err == nil {
		return c.Name
	}
	return a.Config.Host
}

func (a *App) mailReset(ctx context.Context, tx *db.Tx, email, secret string) error {
	link := a.Config.URL + "/password/reset?secret=" + url.QueryEscape(secret)
	return a.send(ctx, tx, mail.Message{To: email, Subject: "Set a new password for " + a.coopName(ctx),
		Text: fmt.Sprintf("Somebody, hopefully you, asked for a new password at %s.\n\nOpen this address within two hours to choose one:\n%s\n\nIf it was not you, nothing has changed and you need do nothing.\n",
			a.coopName(ctx), link)})
}

func (a *App) tellAdmitters(ctx context.Context, tx *db.Tx, app member.Application) error {
	holders, err := a.Mandate.Holders(ctx, tx, member.Admit)
	if err != nil {
		return err
	}
	for _, h := range holders {
		m, err := a.Member.Get(ctx, tx, h)
		if err != nil {
			return err
		}
		login, err := a.Identity.LoginOf(ctx, tx, m.AccountID)
		if err != nil {
			return err
		}
		if err := a.send(ctx, tx, mail.Message{To: login.Email, Subject: app.Name + " would like to join " + a.coopName(ctx),
			Text: fmt.Sprintf("%s (@%s) has applied for membership and writes:\n\n%s\n\nYour mandate lets you answer:\n%s/members/applications\n",
				app.Name, app.Username, app.Text(), a.Config.URL)}); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) tellAdmitted(ctx context.Context, tx *db.Tx, e member.Admitted) error {
	if e.Invitation || e.Imported || e.Member.Number == 1 {
		return nil // they are looking at the page right now
	}
	return a.send(ctx, tx, mail.Message{To: e.Login.Email, Subject: "Welcome to " + a.coopName(ctx),
		Text: fmt.Sprintf("Dear %s,\n\nyou are now member number %d. Sign in with your e-mail address and password:\n%s/sign-in\n\nYour address on the fediverse is @%s@%s.\n",
			e.Member.Name, e.Member.Number, a.Config.URL, e.Member.Username, a.Config.Host)})
}

func (a *App) tellDeclined(ctx context.Context, tx *db.Tx, app member.Application) error {
	return a.send(ctx, tx, mail.Message{To: app.Email, Subject: "Your application to " + a.coopName(ctx),
		Text: fmt.Sprintf("Dear %s,\n\nyour application for membership was declined. The reason given is:\n\n%s\n", app.Name, app.Reason)})
}
