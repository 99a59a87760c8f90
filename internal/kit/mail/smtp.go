package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// sendTimeout bounds one dialogue with the server, besides the context.
const sendTimeout = 30 * time.Second

// SMTP sends through a mail server, with one connection per message.
type SMTP struct {
	sender
	host    string
	options []gomail.Option
}

// OpenSMTP reads smtp://NAME:PASSWORD@host:587/?from=SENDER&tls=MODE. Name and password may be left out. The modes are required (STARTTLS, or no
// mail is sent; the default), implicit (TLS from the first byte; the default of smtps://, with port 465), preferred (STARTTLS if it is offered) and off. Nothing is
// sent yet.
func OpenSMTP(server string, o Options) (*SMTP, error) {
	u, err := url.Parse(server)
	if err != nil { // the parser's error would show the password
		return nil, errors.New("open mail server: not an smtp://NAME:PASSWORD@host:port address (percent-encode special characters of the password)")
	}
	if u.Scheme != "smtp" && u.Scheme != "smtps" || u.Hostname() == "" {
		return nil, errors.New("open mail server: want smtp://NAME:PASSWORD@host:port")
	}
	from, mode := o.From, "required"
	if u.Scheme == "smtps" {
		mode = "implicit"
	}
	for name, values := range u.Query() {
		switch name {
		case "from":
			from = values[0]
		case "tls":
			mode = values[0]
		default:
			return nil, fmt.Errorf("open mail server: option %s is not known", name)
		}
	}
	s := &SMTP{host: u.Hostname()}
	if s.sender, err = newSender(from, o.Clock); err != nil {
		return nil, fmt.Errorf("open mail server: %w", err)
	}
	port := 587
	switch mode {
	case "required":
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case "preferred":
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	case "off":
		s.options = append(s.options, gomail.WithTLSPolicy(gomail.NoTLS))
	case "implicit":
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	default:
		return nil, fmt.Errorf("open mail server: tls=%s is not known", mode)
	}
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, fmt.Errorf("open mail server: port: %w", err)
		}
	}
	s.options = append(s.options, gomail.WithPort(port), gomail.WithTimeout(sendTimeout), gomail.WithHELO(s.domain()))
	if name := u.User.Username(); name != "" {
		password, _ := u.User.Password()
		auth := gomail.SMTPAuthAutoDiscover
		if mode == "off" {
			auth = gomail.SMTPAuthPlainNoEnc // the operator asked for it; think of a relay on the same machine
		}
		s.options = append(s.options, gomail.WithSMTPAuth(auth), gomail.WithUsername(name), gomail.WithPassword(password))
	}
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, fmt.Errorf("open mail server: %w", err)
	}
	return s, nil
}

// TrustTLS replaces the rules by which the server's certificate is judged, for a server with a certificate of the co-op's own.
func (s *SMTP) TrustTLS(c *tls.Config) {
	s.options = append(s.options, gomail.WithTLSConfig(c))
}

// Send implements Mailer. A nil error means that the server took the message over.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	client, err := gomail.NewClient(s.host, s.options...) // a client serves one connection at a time
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	var refusal *gomail.SendError
	// What counts is whether this message was refused. A failed log-in or connection is the operator's to repair, and mail waits for it.
	if errors.As(err, &refusal) && refusal.ErrorCode() >= 500 && !refusal.IsTemp() {
		return fmt.Errorf("send mail: %w: %w", ErrRefused, err)
	}
	if err != nil {
		return fmt.Errorf("send mail: %w", err)
	}
	return nil
}
