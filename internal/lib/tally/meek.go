package tally

import (
	"fmt"
	"math/bits"
	"slices"
)

// meekOne is a vote: Meek's rule keeps nine decimals.
const meekOne = 1_000_000_000

// meekOmega is the surplus below which an iteration is finished: 10^-6.
const meekOmega = meekOne / 1_000_000

// meek counts stv/meek, the reference rule of the Proportional Representation
// Foundation: each elected candidate keeps only the part of each vote that is
// needed for the quota and passes on the rest, to elected candidates too, and
// the quota falls as votes lapse. Letters in comments are the rule's steps.
//
// Candidates who are level when one is to be excluded (step B.3: within the
// total surplus of the lowest) go by lot. A ballot counts up to the first
// number that two options share.
//
// spec: prfound-meek
func (e Election) meek() (Result, error) {
	queues, b, err := e.queues(false)
	if err != nil {
		return Result{}, err
	}
	r, ok := begin(RuleMeek, e.Roll, b, e.Quorum)
	r.Seats = e.Seats
	m := &meek{Election: e, queues: queues, lots: lots{seed: e.Seed, names: e.Options}, standing: e.running(),
		keep: make([]int64, len(e.Options)), votes: make([]int64, len(e.Options)), total: int64(b.counted) * meekOne}
	for _, o := range m.standing { // A
		m.keep[o] = meekOne
	}
	m.distribute()
	r.Tallies = m.tallies(false)
	if !ok {
		return r, nil
	}
	if b.counted == 0 {
		r.Outcome = Lost
		return r, nil
	}
	for len(m.elected) < e.Seats && m.room(m.elected, m.standing) < len(m.elected)+len(m.standing) { // B.1
		s := m.round(&r)
		s.Number = len(r.Stages) + 1
		r.Stages = append(r.Stages, s)
	}
	if len(m.elected) < e.Seats && len(m.standing) > 0 { // C
		rest := m.byVotes(m.standing, len(r.Stages)+1)
		r.Stages = append(r.Stages, Stage{Number: len(r.Stages) + 1, Action: "last seats", Elected: pick(e.Options, rest), Filled: pick(e.Options, rest), Votes: m.tallies(true),
			Lapsed: decimal(m.total-m.sum(), 9), Quota: decimal(m.quota, 9)})
		m.elected = append(m.elected, rest...)
	}
	r.Elected, r.Lots, r.Outcome = pick(e.Options, m.elected), m.lots.drawn, Carried
	if len(m.elected) == 0 {
		r.Outcome = Lost
	}
	return r, nil
}

type meek struct {
	Election
	queues   []queue
	lots     lots
	keep     []int64 // keep factors
	votes    []int64
	quota    int64
	total    int64
	standing []int // hopeful
	elected  []int
}

// round is step B: iterate until someone is elected or nothing more moves,
// and then exclude the lowest.
func (m *meek) round(r *Result) Stage {
	if barred := m.allBarred(); len(barred) > 0 {
		return m.exclude(r, barred, true)
	}
	for before := int64(-1); ; {
		m.distribute()                                         // B.2.a
		m.quota = m.sum()/int64(m.Seats+1) + 1                 // B.2.b
		if s, elected := m.elect(len(r.Stages) + 1); elected { // B.2.c, B.2.e
			return s
		}
		surplus := m.surplus()                                       // B.2.d
		if surplus < meekOmega || before >= 0 && surplus >= before { // B.2.e
			return m.exclude(r, []int{m.lowest(surplus, len(r.Stages)+1)}, false)
		}
		before = surplus
		for _, o := range m.elected { // B.2.f
			m.keep[o] = mulDivUp(mulDivUp(m.keep[o], m.quota, meekOne), meekOne, m.votes[o])
		}
	}
}

// distribute gives each candidate on each ballot their part of it: what is
// left of the paper times the keep factor, rounded up in the ninth decimal.
func (m *meek) distribute() {
	clear(m.votes)
	for _, l := range m.queues {
		left := int64(meekOne)
		for _, o := range l.options {
			part := mulDivUp(left, m.keep[o], meekOne)
			m.votes[o] += part * l.papers
			if left -= part; left <= 0 {
				break
			}
		}
	}
}

func (m *meek) sum() (n int64) {
	for _, v := range m.votes {
		n += v
	}
	return n
}

func (m *meek) surplus() (n int64) {
	for _, o := range m.elected {
		n += m.votes[o] - m.quota
	}
	return max(n, 0)
}

// elect elects all who have the quota.
func (m *meek) elect(stage int) (Stage, bool) {
	var reached []int
	for _, o := range m.standing {
		if m.votes[o] >= m.quota {
			reached = append(reached, o)
		}
	}
	if len(reached) == 0 {
		return Stage{}, false
	}
	s := Stage{Action: "election", Votes: m.tallies(true), Lapsed: decimal(m.total-m.sum(), 9), Quota: decimal(m.quota, 9)}
	for _, o := range m.byVotes(reached, stage) {
		if len(m.elected) < m.Seats && !m.barred(o, m.elected, m.standing) {
			m.elected, m.standing = append(m.elected, o), without(m.standing, o)
			s.Elected = append(s.Elected, m.Options[o])
		}
	}
	return s, true
}

func (m *meek) allBarred() (out []int) {
	for _, o := range m.standing {
		if m.barred(o, m.elected, m.standing) {
			out = append(out, o)
		}
	}
	return out
}

// lowest finds who is to be excluded.
func (m *meek) lowest(surplus int64, stage int) int {
	least := int64(-1)
	var free []int
	for _, o := range m.standing {
		if m.guarded(o, m.elected, m.standing) {
			continue
		}
		free = append(free, o)
		if least < 0 || m.votes[o] < least {
			least = m.votes[o]
		}
	}
	tied := slices.DeleteFunc(free, func(o int) bool { return m.votes[o] > least+surplus })
	if len(tied) == 1 {
		return tied[0]
	}
	return m.lots.draw(fmt.Sprintf("exclusion, stage %d", stage), tied)[0]
}

func (m *meek) exclude(r *Result, out []int, barred bool) Stage {
	names := pick(m.Options, out)
	s := Stage{Action: "exclusion", Of: names, Excluded: names, Votes: m.tallies(true), Lapsed: decimal(m.total-m.sum(), 9)}
	if m.quota > 0 {
		s.Quota = decimal(m.quota, 9)
	}
	if barred {
		s.Action = "passed over"
		r.Passed = append(r.Passed, m.passed(out, m.elected)...)
	}
	for _, o := range out {
		m.standing, m.keep[o] = without(m.standing, o), 0
	}
	return s
}

// byVotes sorts by votes, highest first, and the level ones by lot.
func (m *meek) byVotes(list []int, stage int) []int {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b int) int { return compare(m.votes[b], m.votes[a]) })
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && m.votes[list[to]] == m.votes[list[from]] {
			to++
		}
		if to-from > 1 {
			copy(list[from:to], m.lots.draw(fmt.Sprintf("order of election, stage %d", stage), list[from:to]))
		}
		from = to
	}
	return list
}

// tallies lists the votes of all who did not withdraw, with the keep factors
// of the elected where asked for.
func (m *meek) tallies(keep bool) []Tally {
	var out []Tally
	for _, o := range m.running() {
		t := Tally{Option: m.Options[o], Value: decimal(m.votes[o], 9)}
		if keep && slices.Contains(m.elected, o) {
			t.Parts = []Part{{"keeps", decimal(m.keep[o], 9)}}
		}
		out = append(out, t)
	}
	return out
}

// mulDivUp returns a × b / c, rounded up. The caller sees to it that the
// quotient fits.
func mulDivUp(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, rest := bits.Div64(hi, lo, uint64(c))
	if rest > 0 {
		q++
	}
	return int64(q)
}
