// Package mail sends e-mail to members: confirmations, invitations, notices of votes.
//
// Where a mail server is configured, SMTP hands messages to it. Where none is, Log writes each as an .eml file, so that the operator of a
// small or new co-op can read it, and open it in any mail program. Sending is slow and fails often: call it from a job, and give up when
// errors.Is(err, ErrRefused).
//
// Promises: text that members wrote cannot add a header or a recipient; every message has a plain-text body; nothing is sent to
// a server without TLS unless the address says so; passwords appear in no error.
package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"rochdale/internal/kit/clock"
)

// ErrRefused says that trying again will not help: the message is not one that can be sent, or the server refused it for good.
var ErrRefused = errors.New("mail is refused")

// Message is one e-mail to one person.
type Message struct {
	To          string // "name@example.org" or "Name <name@example.org>"
	Subject     string // line breaks become spaces
	Text        string // the body, always there
	HTML        string // the same body for those who prefer it; may be ""
	ReplyTo     string // may be ""
	Unsubscribe string // address of a page that ends this kind of mail with one click; may be ""
}

// Mailer sends messages. It is safe for use by many goroutines.
type Mailer interface {
	Send(ctx context.Context, m Message) error
}

// Options are what a Mailer needs besides the server's address.
type Options struct {
	From   string // sender, when the server's address names none
	Folder string // where Log writes when there is no server
	Clock  clock.Clock
}

// Open returns the mailer for the address of a server, see OpenSMTP, or a Log where it is "".
func Open(server string, o Options) (Mailer, error) {
	if server == "" {
		return OpenLog(o)
	}
	return OpenSMTP(server, o)
}

// sender is a checked From address.
type sender struct {
	from  *netmail.Address
	clock clock.Clock
}

func newSender(from string, c clock.Clock) (sender, error) {
	a, err := address(from)
	if err != nil {
		return sender{}, fmt.Errorf("sender: %w", err)
	}
	return sender{a, c}, nil
}

func (s sender) domain() string { return s.from.Address[strings.LastIndexByte(s.from.Address, '@')+1:] }

// compose builds the message. Every error is ErrRefused.
func (s sender) compose(m Message) (*gomail.Msg, error) {
	to, err := address(m.To)
	if err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	if strings.TrimSpace(m.Text) == "" {
		return nil, fmt.Errorf("%w: no plain text", ErrRefused)
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	err = errors.Join(msg.From(s.from.String()), msg.To(to.String()))
	if m.ReplyTo != "" {
		reply, parseErr := address(m.ReplyTo)
		if parseErr != nil {
			return nil, fmt.Errorf("reply address: %w", parseErr)
		}
		err = errors.Join(err, msg.ReplyTo(reply.String()))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	msg.Subject(oneLine(m.Subject))
	msg.SetDateWithValue(s.clock.Now())
	// The library's own id would tell the name of the machine.
	msg.SetMessageIDWithValue(strings.ToLower(rand.Text()) + "@" + s.domain())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // spec: rfc3834#5, so that out-of-office robots do not answer
	if m.Unsubscribe != "" {
		u, err := url.Parse(m.Unsubscribe)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fmt.Errorf("%w: unsubscribe address", ErrRefused)
		}
		msg.SetGenHeader("List-Unsubscribe", "<"+u.String()+">")                // spec: rfc2369#3.2
		msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // spec: rfc8058#3.1
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// address accepts one mailbox without any control character. spec: rfc5322#3.4
func address(s string) (*netmail.Address, error) {
	if strings.ContainsFunc(s, unicode.IsControl) {
		return nil, fmt.Errorf("%w: address with a control character", ErrRefused)
	}
	a, err := netmail.ParseAddress(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if strings.ContainsFunc(a.Name+a.Address, unicode.IsControl) || strings.ContainsAny(a.Address, " <>,") {
		return nil, fmt.Errorf("%w: address with a control character", ErrRefused)
	}
	return a, nil
}

// oneLine makes each run of white space and control characters one space.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}
