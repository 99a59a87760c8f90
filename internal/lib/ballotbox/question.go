package ballotbox

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rochdale/internal/lib/tally"
)

// Format names what a Question and all that hangs on it are written in.
const Format = "rochdale/ballots/v1"

// The methods: what a ballot says.
const (
	Ranking = "ranking" // options in order
	Marks   = "marks"   // some of the options
	Points  = "points"  // a number for each option
	Vote    = "vote"    // agree, abstain, disagree, block
)

// Bounds of what is read from strangers. They are wide of any real vote.
const (
	maxTitle   = 1000
	maxBody    = 200_000
	maxOptions = 500
	maxLists   = 64                    // limits, terms
	maxRoll    = 10_000_000            // members
	maxValue   = 1_000_000             // one option's points
	maxCost    = 1_000_000_000_000_000 // money, and what JavaScript still counts exactly
	keyBits    = 3072
	exponent   = 65537
)

// Question is everything that is fixed when voting opens. Its hash is in every
// ballot, so that no ballot can be moved to another vote, and nothing of it
// can be changed afterwards.
type Question struct {
	Format     string    `json:"format"`
	Coop       string    `json:"coop"` // host
	Vote       string    `json:"vote"` // "election:123", "decision:123"
	Title      string    `json:"title"`
	Body       string    `json:"body"`
	Method     string    `json:"method"`
	Rule       string    `json:"rule"`  // of tally, with its reading: "schulze/wv+last"
	Seats      int       `json:"seats"` // 0 where the rule has none
	Options    []Option  `json:"options"`
	Settings   Settings  `json:"settings"`
	Roll       int       `json:"roll"` // members who may vote
	RollHash   Hash      `json:"roll_hash"`
	Opens      time.Time `json:"opens"` // UTC, whole seconds
	Closes     time.Time `json:"closes"`
	Key        Base64    `json:"key"`         // SPKI of the RSA-3072 key that signs papers
	ReceiptKey Base64    `json:"receipt_key"` // Ed25519, 32 bytes

	Scrutineers *Scrutineers `json:"scrutineers,omitempty"` // to whom ballots are sealed
	Witness     *Witness     `json:"witness,omitempty"`     // who signs papers too
}

// Option is what can be chosen. A ballot means it by its place in the list.
type Option struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Settings are the parameters of the count. See Count for which rule takes
// which; one that the rule does not take is refused.
type Settings struct {
	Quorum    tally.Ratio `json:"quorum,omitzero"`
	Threshold tally.Ratio `json:"threshold,omitzero"` // vote
	Strict    bool        `json:"strict,omitempty"`   // vote
	Block     bool        `json:"block,omitempty"`    // vote: there is a block, and it stops the text
	Override  tally.Ratio `json:"override,omitzero"`  // vote
	Max       int         `json:"max,omitempty"`      // marks on a ballot; 0: any number
	Low       int64       `json:"low,omitempty"`      // points: from
	High      int64       `json:"high,omitempty"`     // points: to
	Dots      int64       `json:"dots,omitempty"`     // points: in all, where there is no Low and High
	Limits    []Limit     `json:"limits,omitempty"`   // rules with seats
	NoBallot  bool        `json:"no_ballot,omitempty"`
	Terms     []Term      `json:"terms,omitempty"` // longest first
	Withdrawn []int       `json:"withdrawn,omitempty"`
	Budget    *Budget     `json:"budget,omitempty"` // pb
}

// Limit is tally.Limit: at most Max of these options are elected.
type Limit struct {
	Name    string `json:"name"`
	Options []int  `json:"options"`
	Max     int    `json:"max"`
}

// Term is tally.Term: a term of office for a number of seats.
type Term struct {
	Name  string `json:"name"`
	Seats int    `json:"seats"`
}

// Budget is tally.Budget: money to spend, and what each option costs.
type Budget struct {
	Total    int64   `json:"total"` // in the smallest unit
	Decimals int     `json:"decimals"`
	Least    int64   `json:"least"` // support below which an option is not looked at
	Costs    []int64 `json:"costs"`
}

// methods says which rules count which ballots.
func methods() map[string][]string {
	greedySkip, greedyStop := tally.RuleGreedy+"+skip", tally.RuleGreedy+"+stop"
	return map[string][]string{
		Ranking: {tally.RuleIRV, tally.RuleScottish, tally.RuleMeek, tally.RuleSchulze + "+" + tally.UnrankedLast, tally.RuleSchulze + "+" + tally.UnrankedAbstain},
		Marks:   {tally.RuleApproval, tally.RuleEqualShares, greedySkip, greedyStop},
		Points:  {ruleScore, ruleDots, greedySkip, greedyStop},
		Vote:    {ruleMajority},
	}
}

// The rules that tally has as types, by the names that stand in their results.
const (
	ruleMajority = "majority/v1"
	ruleScore    = "score/v1"
	ruleDots     = "dots/v1"
)

// ParseQuestion reads the canonical JSON of a question and checks it.
func ParseQuestion(text []byte) (*Question, error) {
	var q Question
	if err := decode(text, &q); err != nil {
		return nil, fmt.Errorf("read question: %w", err)
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	return &q, nil
}

// JSON is the question in its canonical form: what is hashed, published in the
// record and given to clients.
func (q *Question) JSON() ([]byte, error) {
	text, err := canonical(q)
	if err != nil {
		return nil, fmt.Errorf("write question: %w", err)
	}
	return text, nil
}

// Hash is the SHA-256 of JSON.
func (q *Question) Hash() (Hash, error) {
	text, err := q.JSON()
	return Hash(sha256.Sum256(text)), err
}

// voteName is a kind and an id.
var voteName = regexp.MustCompile(`^[a-z]{1,20}:[0-9a-z-]{1,40}$`)

// Check refuses a question that could not be voted on or counted, with the
// reason.
func (q *Question) Check() error {
	if err := q.check(); err != nil {
		return fmt.Errorf("check question: %w", err)
	}
	return nil
}

func (q *Question) check() error {
	switch {
	case q.Format != Format:
		return fmt.Errorf("the format is %.40q and not %q", q.Format, Format)
	case q.Coop == "" || len(q.Coop) > 253:
		return fmt.Errorf("it does not name the co-op's host")
	case !voteName.MatchString(q.Vote):
		return fmt.Errorf("%.60q does not name a vote", q.Vote)
	case !legible(q.Title, maxTitle) || strings.TrimSpace(q.Title) == "":
		return fmt.Errorf("the title is empty or too long")
	case !legible(q.Body, maxBody):
		return fmt.Errorf("the body is too long")
	case q.Roll < 1 || q.Roll > maxRoll:
		return fmt.Errorf("the roll has %d members", q.Roll)
	case !plain(q.Opens) || !plain(q.Closes) || !q.Opens.Before(q.Closes):
		return fmt.Errorf("it must open before it closes, both in whole seconds of UTC")
	case len(q.ReceiptKey) != ed25519.PublicKeySize:
		return fmt.Errorf("the receipt key is %d bytes long", len(q.ReceiptKey))
	case !slices.Contains(methods()[q.Method], q.Rule):
		return fmt.Errorf("the rule %.60q does not count by the method %.20q", q.Rule, q.Method)
	}
	if _, err := paperKey(q.Key); err != nil {
		return err
	}
	if err := q.checkWitness(); err != nil {
		return err
	}
	if err := q.checkScrutineers(); err != nil {
		return err
	}
	if err := q.checkOptions(); err != nil {
		return err
	}
	return q.checkSettings()
}

func (q *Question) checkWitness() error {
	w := q.Witness
	if w == nil {
		return nil
	}
	if w.Host == "" || len(w.Host) > 253 || w.Host == q.Coop || bytes.Equal(w.Key, q.Key) {
		return fmt.Errorf("the witness is not another co-op with a key of its own")
	}
	_, err := paperKey(w.Key)
	return err
}

func (q *Question) checkOptions() error {
	if q.Method == Vote {
		if q.Options == nil || len(q.Options) > 0 {
			return fmt.Errorf("a vote on a text has an empty list of options")
		}
		return nil
	}
	if len(q.Options) == 0 || len(q.Options) > maxOptions {
		return fmt.Errorf("there are %d options", len(q.Options))
	}
	ids, names := map[string]bool{}, map[string]bool{}
	for _, o := range q.Options {
		if o.ID == "" || len(o.ID) > 100 || o.Name == "" || !legible(o.Name, maxTitle) {
			return fmt.Errorf("an option has no id or name, or one that is too long")
		}
		if ids[o.ID] || names[o.Name] {
			return fmt.Errorf("two options are called %q or have its id", o.Name)
		}
		ids[o.ID], names[o.Name] = true, true
	}
	return nil
}

// paperKey reads a key that signs papers and refuses all but the one kind there
// is. The exponent matters: with a small one, papers could be forged more easily.
func paperKey(spki Base64) (*rsa.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("read the key of the papers: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok || key.N.BitLen() != keyBits || key.E != exponent {
		return nil, fmt.Errorf("the key of the papers is not RSA of %d bits with the exponent %d", keyBits, exponent)
	}
	again, err := x509.MarshalPKIXPublicKey(key)
	if err != nil || !bytes.Equal(again, spki) {
		return nil, fmt.Errorf("the key of the papers is not in its one form")
	}
	return key, nil
}

// CheckPaperKey refuses what is no key that papers can be signed with.
func CheckPaperKey(spki Base64) error {
	_, err := paperKey(spki)
	return err
}

// RollHash fixes who may vote: RollHash of a Question. The roll is the members' ids in decimal, in the order of
// their numbers.
func RollHash[ID fmt.Stringer](vote string, roll []ID) Hash {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "rochdale roll v1\n%s\n", vote)
	for _, x := range roll {
		_, _ = fmt.Fprintln(h, x)
	}
	return Hash(h.Sum(nil))
}

// legible reports whether a text is UTF-8 and no longer than that.
func legible(s string, limit int) bool { return len(s) <= limit && utf8.ValidString(s) }

// plain reports whether a time is written as whole seconds with a Z.
func plain(t time.Time) bool {
	return t.Location() == time.UTC && t.Nanosecond() == 0 && t.Year() >= 2000 && t.Year() < 3000
}
