package witness

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rochdale/internal/kit/fault"
	"rochdale/internal/kit/id"
	"rochdale/internal/lib/ballotbox"
)

// Bounds of what another co-op may send.
const (
	LeastRoll = 5
	MostRoll  = 10_000

	maxName  = 400 // bytes
	maxMail  = 254
	maxTitle = 1000
	maxURL   = 500
	farthest = 400 * 24 * time.Hour // how far ahead a vote may close
	maxOpen  = 20                   // votes of one co-op at a time: each is letters to its whole roll
)

// Voter is a line of the roll, as the witness is told of it.
type Voter struct {
	ID   id.ID  `json:"id"`
	Name string `json:"name"`
	Mail string `json:"mail"`
}

// The requests of a co-op to its witness, and the answers. A request is the one JSON text of its kind that
// has its meaning: fields in this order, no spaces, no escapes that are not needed.
type (
	votesBody struct {
		Vote   string    `json:"vote"` // "election:123"
		Title  string    `json:"title"`
		URL    string    `json:"url"`    // of the page on which is voted
		Closes time.Time `json:"closes"` // UTC, whole seconds
		Roll   []Voter   `json:"roll"`
	}
	votesAnswer struct {
		ID  id.ID            `json:"id"`
		Key ballotbox.Base64 `json:"key"` // SPKI
	}
	closesBody struct {
		Closes time.Time `json:"closes"`
	}
	papersBody struct {
		Voter   id.ID            `json:"voter"`
		Code    string           `json:"code"`
		Blinded ballotbox.Base64 `json:"blinded"`
	}
	papersAnswer struct {
		Signed ballotbox.Base64 `json:"signed"`
	}
	closeBody struct {
		File string `json:"file"` // address of the published ballots, "" if there are none
	}
	done struct {
		Done bool `json:"done"`
	}
	// problem is an error. spec: rfc9457#3
	problem struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}
)

// canonical is the one JSON text of a value.
func canonical(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode reads a request and refuses all but its one text: so nothing in it is doubled, unknown, spelt in
// another case or no UTF-8.
func decode[T any](text []byte) (v T, err error) {
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fault.New(fault.Invalid, "The request is not the JSON that is asked for here.")
	}
	again, err := canonical(v)
	if err == nil && !bytes.Equal(text, again) {
		err = fault.New(fault.Invalid, "The request is not in the one form that its JSON has.")
	}
	return v, err
}

// voteName is a kind and an id.
var voteName = regexp.MustCompile(`^[a-z]{1,20}:[1-9][0-9]{0,18}$`)

// check refuses what is not a vote of the co-op that sends it, and sorts the roll.
func (b *votesBody) check(base string, now time.Time) error {
	switch {
	case !voteName.MatchString(b.Vote):
		return fault.Field("vote", "The vote is named by its kind and id, such as election:123.")
	case !legible(b.Title, maxTitle):
		return fault.Field("title", "The title is empty, too long or not plain text.")
	case !within(b.URL, base):
		return fault.Field("url", "The address of the vote is a page of the co-op that votes.")
	}
	if err := checkCloses(b.Closes, now); err != nil {
		return err
	}
	return checkRoll(b.Roll)
}

func checkCloses(closes, now time.Time) error {
	switch {
	case closes.Location() != time.UTC || closes.Nanosecond() != 0:
		return fault.Field("closes", "The close is given in whole seconds of UTC.")
	case !closes.After(now) || closes.After(now.Add(farthest)):
		return fault.Field("closes", "The close is in the future, and no more than %d days ahead.", int(farthest.Hours()/24))
	}
	return nil
}

func checkRoll(roll []Voter) error {
	if len(roll) < LeastRoll || len(roll) > MostRoll {
		return fault.Field("roll", "A roll that is witnessed has %d to %d voters, and this one has %d.", LeastRoll, MostRoll, len(roll))
	}
	sortRoll(roll)
	mails := make(map[string]bool, len(roll))
	for i, v := range roll {
		// Nothing here may say whose the address is: refusals are read by others.
		address, err := mail.ParseAddress(v.Mail)
		low := strings.ToLower(v.Mail)
		switch {
		case v.ID <= 0 || i > 0 && roll[i-1].ID == v.ID:
			return fault.Field("roll", "The voter %s stands on the roll twice, or has no id.", v.ID)
		case !legible(v.Name, maxName):
			return fault.Field("roll", "The voter %s has no name, or one that is too long or not plain text.", v.ID)
		case err != nil || address.Address != v.Mail || len(v.Mail) > maxMail || !legible(v.Mail, maxMail):
			return fault.Field("roll", "The voter %s has no mail address that letters can be sent to.", v.ID)
		case mails[low]:
			return fault.Field("roll", "The voter %s has the mail address of another: each code goes to somebody else.", v.ID)
		}
		mails[low] = true
	}
	return nil
}

func sortRoll(roll []Voter) {
	slices.SortFunc(roll, func(a, b Voter) int { return cmp.Compare(a.ID, b.ID) })
}

// legible reports whether a text is one line of UTF-8, not empty and no longer than that.
func legible(s string, limit int) bool {
	return strings.TrimSpace(s) != "" && len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
	})
}

// within reports whether an address is one of the site.
func within(address, base string) bool {
	u, err := url.Parse(address)
	return err == nil && len(address) <= maxURL && u.User == nil && u.Fragment == "" && u.Opaque == "" && strings.HasPrefix(u.Path, "/") &&
		strings.EqualFold(u.Scheme+"://"+u.Host, base) && legible(address, maxURL)
}
