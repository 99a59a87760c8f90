package app

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/db"
	"rochdale/internal/kit/ref"
	"rochdale/internal/member"
	"rochdale/internal/record"
	"rochdale/internal/social"
)

// operator is who acts from the shell. What the operator changes is an emergency act and is recorded.
var operator = authz.Actor{Via: authz.Operator}

type foundCmd struct {
	Name          string `required:"" help:"Name of the co-op."`
	Account       string `required:"" help:"Username of the first member."`
	Email         string `required:"" help:"E-mail address of the first member."`
	DisplayName   string `help:"What to call the first member; the username if empty."`
	Description   string `help:"What the co-op is, in a few sentences."`
	Preset        string `default:"social-coop" enum:"social-coop,assembly,uk-society,circle,two-speed" help:"Rulebook to start with: ${enum}."`
	PasswordStdin bool   `help:"Read the password from standard input; without it one is made and printed."`
}

// Run implements the command.
func (c *foundCmd) Run(r *run) error {
	password, made, err := r.password(c.PasswordStdin)
	if err != nil {
		return err
	}
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	m, err := a.Coop.Found(r.ctx, operator, coop.Founding{Name: c.Name, Description: c.Description, Preset: c.Preset,
		Founder: member.Joining{Name: or(c.DisplayName, c.Account), Username: c.Account, Email: c.Email, Password: password}})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "%s is founded. Member number %d is @%s@%s.\n", c.Name, m.Number, m.Username, a.Config.Host)
	if made && err == nil {
		_, err = fmt.Fprintf(r.out, "Password: %s\n", password)
	}
	return err
}

type accountCmd struct {
	Create accountCreateCmd `cmd:"" help:"Make somebody a member with an account, as an emergency act."`
	List   accountListCmd   `cmd:"" help:"List members and their accounts."`
}

type accountCreateCmd struct {
	Account       string `required:"" help:"Username."`
	Email         string `required:"" help:"E-mail address to sign in with."`
	DisplayName   string `help:"What to call the member; the username if empty."`
	Reason        string `default:"made from the shell" help:"Why; it is recorded."`
	PasswordStdin bool   `help:"Read the password from standard input; without it one is made and printed."`
}

// Run implements the command.
func (c *accountCreateCmd) Run(r *run) error {
	password, made, err := r.password(c.PasswordStdin)
	if err != nil {
		return err
	}
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	if _, err := a.Coop.Get(r.ctx); err != nil {
		return err
	}
	hash, err := a.Identity.HashPassword(r.ctx, password)
	if err != nil {
		return err
	}
	j := member.Joining{Name: or(c.DisplayName, c.Account), Username: c.Account, Email: c.Email}
	err = a.DB.InDurableTx(r.ctx, func(tx *db.Tx) error {
		_, err := a.Member.TakeIn(r.ctx, tx, operator, j, hash, c.Reason)
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(r.out, "@%s@%s is made. The record says that the operator did it.\n", strings.ToLower(c.Account), a.Config.Host)
	if made && err == nil {
		_, err = fmt.Fprintf(r.out, "Password: %s\n", password)
	}
	return err
}

type accountListCmd struct {
	JSON bool `help:"Print as JSON."`
}

// Run implements the command.
func (c *accountListCmd) Run(r *run) error {
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	type row struct {
		Number  int64     `json:"number"`
		Account string    `json:"account"`
		Name    string    `json:"name"`
		Since   time.Time `json:"since"`
	}
	rows := []row{}
	for after := int64(0); ; {
		page, err := a.Member.List(r.ctx, after, 500)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			rows = append(rows, row{m.Number, m.Username, m.Name, m.Since})
			after = m.Number
		}
	}
	if c.JSON {
		return printJSON(r, rows)
	}
	w := tabwriter.NewWriter(r.out, 0, 4, 2, ' ', 0)
	for _, x := range rows {
		if _, err := fmt.Fprintf(w, "%d\t@%s\t%s\t%s\n", x.Number, x.Account, x.Name, x.Since.Format(time.DateOnly)); err != nil {
			return err
		}
	}
	return w.Flush()
}

type tokenCmd struct {
	Create tokenCreateCmd `cmd:"" help:"Make an OAuth access token for an account and print it, nothing else."`
}

type tokenCreateCmd struct {
	Account string `required:"" help:"Username."`
	Scopes  string `default:"read write follow push" help:"What the token allows."`
}

// Run implements the command.
func (c *tokenCreateCmd) Run(r *run) error {
	a, err := r.build()
	if err != nil {
		return err
	}
	defer a.Close()
	account, err := a.Social.ByName(r.ctx, a.DB, strings.TrimPrefix(c.Account, "@"), "")
	if err != nil {
		return fmt.Errorf("find account %s: %w", c.Account, err)
	}
	var plain string
	err = a.DB.InDurableTx(r.ctx, func(tx *db.Tx) error {
		login, err := a.Identity.LoginOf(r.ctx, tx, account.ID)
		if err != nil {
			return err
		}
		t, err := a.Identity.MakeToken(r.ctx, tx, login.ID, c.Scopes)
		if err != nil {
			return err
		}
		plain = t.Plain
		return a.recordOperator(r, tx, "token.made", account, map[string]any{"scopes": c.Scopes})
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(r.out, plain)
	return err
}

// recordOperator leaves a trace of what the operator did that is no act of a declared power.
func (a *App) recordOperator(r *run, tx *db.Tx, kind string, account *social.Account, data any) error {
	_, err := a.Record.Append(r.ctx, tx, record.Entry{Kind: "operator." + kind, Subject: ref.Ref{Kind: "account", ID: account.ID}, Via: authz.Operator,
		Authority: authz.Authority{Kind: authz.Operate}, Data: data})
	return err
}

// password reads the first line of standard input, or makes a password.
func (r *run) password(stdin bool) (password string, made bool, err error) {
	if !stdin {
		return passphrase(), true, nil
	}
	line, err := bufio.NewReader(r.in).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", false, errors.Join(errors.New("no password on standard input"), nonEOF(err))
	}
	return line, false, nil
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
