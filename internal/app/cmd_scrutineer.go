package app

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"

	"rochdale/internal/lib/ballotbox"
)

// scrutineerCmd makes a scrutineer's keys on any machine, for whoever does not want to trust a server's script
// with them. It opens no database.
type scrutineerCmd struct {
	Key    scrutineerKeyCmd    `cmd:"" help:"Make a code and the public key to register before voting opens."`
	Reveal scrutineerRevealCmd `cmd:"" help:"Print the private key that a code makes, to be given up after the close."`
}

type scrutineerKeyCmd struct {
	Vote string `arg:"" help:"The vote, as its page writes it: election:123."`
	JSON bool   `help:"Print as JSON."`
}

type scrutineerRevealCmd struct {
	Vote string `arg:"" help:"The vote, as its page writes it: election:123."`
}

var aVote = regexp.MustCompile(`^(election|decision):[0-9]{1,19}$`)

func checkVote(vote string) error {
	if !aVote.MatchString(vote) {
		return usageError{fmt.Errorf("%q names no vote: write it as its page does, such as election:123", vote)}
	}
	return nil
}

// Run makes a code.
func (c *scrutineerKeyCmd) Run(r *run) error {
	if err := checkVote(c.Vote); err != nil {
		return err
	}
	code, err := ballotbox.NewCode(rand.Reader)
	if err != nil {
		return err
	}
	_, public, err := ballotbox.ScrutineerKey(code, c.Vote)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(r, map[string]string{"vote": c.Vote, "code": code.String(), "public_key": public.String()})
	}
	_, err = fmt.Fprintf(r.out, "Code, to be kept until the ballots are open, and shown to nobody:\n%s\nPublic key, to be registered:\n%s\n", code, public)
	return err
}

// Run reads the code from standard input, so that it stands in no history of commands.
func (c *scrutineerRevealCmd) Run(r *run) error {
	if err := checkVote(c.Vote); err != nil {
		return err
	}
	line, err := bufio.NewReader(io.LimitReader(r.in, 1000)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the code: %w", err)
	}
	code, err := ballotbox.ParseCode(line)
	if err != nil {
		return fmt.Errorf("standard input should be the code: %w", err)
	}
	private, _, err := ballotbox.ScrutineerKey(code, c.Vote)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(r.out, private)
	return err
}
