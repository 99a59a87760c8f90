package app

import (
	"log" //nolint:depguard // net/http takes no other
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"rochdale/internal/kit/clock"
)

// complaints puts what net/http has to say into the program's log, without the addresses of those who
// called: an address is personal, and most of what is said here is of strangers whose requests never began.
//
// Any scanner can make handshakes fail by the thousand. They are counted, and told at most once a minute.
type complaints struct {
	log   *slog.Logger
	clock clock.Clock

	mu     sync.Mutex
	failed int // handshakes that have not been told yet
	told   time.Time
}

// errorLog is for http.Server.ErrorLog.
func errorLog(l *slog.Logger, c clock.Clock) *log.Logger {
	return log.New(&complaints{log: l, clock: c}, "", 0)
}

const handshake = "http: TLS handshake error from "

// Write takes one message, as log.Logger gives it.
func (c *complaints) Write(message []byte) (int, error) {
	words := strings.TrimSpace(string(message))
	rest, ok := strings.CutPrefix(words, handshake)
	if !ok {
		c.log.Warn("http server", "says", withoutAddresses(words))
		return len(message), nil
	}
	if failed := c.count(); failed > 0 {
		_, reason, _ := strings.Cut(rest, ": ")
		c.log.Warn("a TLS handshake failed", "count", failed, "last", withoutAddresses(reason))
	}
	return len(message), nil
}

// count notes a failure, and returns how many there are to be told of; 0 while the last telling is fresh.
func (c *complaints) count() int {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed++
	if !c.told.IsZero() && now.Sub(c.told) < time.Minute {
		return 0
	}
	failed := c.failed
	c.failed, c.told = 0, now
	return failed
}

// An IPv4 address; an IPv6 address in brackets, as it stands with a port; one without, which has two colons at
// the least. A port after it goes too: with the time it would tell a caller from others behind their router.
var address = regexp.MustCompile(`(\b\d{1,3}(\.\d{1,3}){3}\b|\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[^\]\s]+)?\]|\b[0-9A-Fa-f]{0,4}(:[0-9A-Fa-f]{0,4}){2,7}(\d{1,3}(\.\d{1,3}){3})?)(:\d+)?`)

func withoutAddresses(words string) string { return address.ReplaceAllString(words, "(address)") }
