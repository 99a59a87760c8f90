package tally

import (
	"fmt"
	"math/bits"
	"slices"
)

// scottish counts stv/scottish2007, the single transferable vote of the
// Scottish Local Government Elections Order 2007, schedule 1, rules 45 to 52.
//
// Votes are whole numbers of hundred-thousandths. A candidate with the quota
// is elected; the largest surplus moves first, one at a time and as all the
// candidate's papers, each at surplus × value / total cut after the fifth
// decimal; papers go to continuing candidates only. Where no surplus is left
// the lowest is excluded. Ties go by the latest earlier stage at which the
// tied differed, and then by lot. A paper counts as far as its numbers are
// consecutive and used once.
//
// Limits are not in the Order: who is barred by one is excluded before
// anything else is done, and who is guarded by one is not the lowest.
func (e Election) scottish() (Result, error) { return e.transferable(RuleScottish, 5) }

// irv counts irv/v1, the instant run-off for one seat: the lowest candidate is
// excluded and the papers move to their next preference, until one has more
// than half of the votes that still count. Ties go as in stv/scottish2007.
func (e Election) irv() (Result, error) {
	if e.Seats != 1 {
		return Result{}, fmt.Errorf("count: %s fills one seat, not %d", RuleIRV, e.Seats)
	}
	return e.transferable(RuleIRV, 0)
}

// parcel is papers of one queue that lie with a candidate at a value.
type parcel struct {
	queue int
	at    int // place of the candidate in the list
	value int64
}

// stv is the state of a count by transfer.
type stv struct {
	Election
	r        *Result
	lots     lots
	places   int   // decimals
	one      int64 // a vote
	quota    int64 // 0: more than half of what counts
	queues   []queue
	votes    []int64
	piles    [][]parcel
	history  [][]int64 // votes after each stage
	standing []int     // continuing candidates, in the options' order
	elected  []int
	surplus  []int // elected whose surplus has not moved, in order of election
	lapsed   int64 // value of papers without a further preference
	total    int64
}

func (e Election) transferable(rule string, places int) (Result, error) {
	queues, b, err := e.queues(rule == RuleScottish)
	if err != nil {
		return Result{}, err
	}
	r, ok := begin(rule, e.Roll, b, e.Quorum)
	r.Seats = e.Seats
	c := &stv{
		Election: e, r: &r, lots: lots{seed: e.Seed, names: e.Options}, places: places, one: 1,
		queues: queues, votes: make([]int64, len(e.Options)), piles: make([][]parcel, len(e.Options)), standing: e.running(),
	}
	for range places {
		c.one *= 10
	}
	// spec: ssi2007/42#sch1.45: first preferences
	for i, l := range queues {
		first := l.options[0]
		c.votes[first] += l.papers * c.one
		c.piles[first] = append(c.piles[first], parcel{i, 0, c.one})
	}
	c.total = int64(b.counted) * c.one
	r.Tallies = c.tallies()
	if !ok {
		return r, nil
	}
	if b.counted == 0 {
		r.Outcome = Lost
		return r, nil
	}
	if rule == RuleScottish {
		// spec: ssi2007/42#sch1.46: the quota
		c.quota = (int64(b.counted)/int64(e.Seats+1) + 1) * c.one
		r.Quota = decimal(c.quota, places)
	}
	c.stage(Stage{Action: "first preferences"})
	for !c.finished() {
		c.step()
	}
	r.Elected, r.Lots, r.Outcome = pick(e.Options, c.elected), c.lots.drawn, Carried
	if len(c.elected) == 0 {
		r.Outcome = Lost
	}
	return r, nil
}

func (c *stv) finished() bool { return len(c.elected) == c.Seats || len(c.standing) == 0 }

// step does what the rule asks for next: one stage, or the filling of the last
// seats.
func (c *stv) step() {
	var barred []int
	for _, o := range c.standing {
		if c.barred(o, c.elected, c.standing) {
			barred = append(barred, o)
		}
	}
	switch {
	case len(barred) > 0:
		// All at once, so that their order does not matter.
		c.exclude(barred, true)
	case c.last():
		// spec: ssi2007/42#sch1.52: the last vacancies, with no further transfer
		s := &c.r.Stages[len(c.r.Stages)-1]
		for _, o := range c.byVotes(c.standing) {
			s.Elected, s.Filled = append(s.Elected, c.Options[o]), append(s.Filled, c.Options[o])
			c.elected = append(c.elected, o)
		}
		c.standing = nil
	case len(c.surplus) > 0:
		c.moveSurplus()
	default:
		// spec: ssi2007/42#sch1.50: the lowest is excluded
		var lowest []int
		for _, o := range c.standing {
			if c.guarded(o, c.elected, c.standing) {
				continue
			}
			if len(lowest) > 0 && c.votes[o] < c.votes[lowest[0]] {
				lowest = lowest[:0]
			}
			if len(lowest) == 0 || c.votes[o] == c.votes[lowest[0]] {
				lowest = append(lowest, o)
			}
		}
		c.exclude([]int{c.outermost(lowest, -1, "exclusion")}, false)
	}
}

// last reports whether all who stand can be elected.
func (c *stv) last() bool {
	return c.room(c.elected, c.standing) == len(c.elected)+len(c.standing)
}

// moveSurplus transfers the largest surplus.
//
// spec: ssi2007/42#sch1.48, #sch1.49
func (c *stv) moveSurplus() {
	var largest []int
	for _, o := range c.surplus {
		if len(largest) > 0 && c.votes[o] > c.votes[largest[0]] {
			largest = largest[:0]
		}
		if len(largest) == 0 || c.votes[o] == c.votes[largest[0]] {
			largest = append(largest, o)
		}
	}
	// Those who were level at every stage were put in order by lot when they
	// were elected, all at one stage; that lot holds.
	from := c.outermost(largest, +1, "")
	c.surplus = without(c.surplus, from)
	excess, total := uint64(c.votes[from]-c.quota), uint64(c.votes[from])
	s := Stage{Action: "surplus", Of: []string{c.Options[from]}, Value: decimal(int64(excess), c.places)}
	c.votes[from] = c.quota
	c.move(&s, from, func(value int64) int64 {
		hi, lo := bits.Mul64(excess, uint64(value))
		moved, _ := bits.Div64(hi, lo, total)
		return int64(moved)
	})
	c.stage(s)
}

// exclude takes candidates out and transfers the papers at their value, unless
// the last seats are thereby filled.
func (c *stv) exclude(out []int, barred bool) {
	names := pick(c.Options, out)
	s := Stage{Action: "exclusion", Of: names, Excluded: names}
	if barred {
		s.Action = "passed over"
		c.r.Passed = append(c.r.Passed, c.passed(out, c.elected)...)
	}
	for _, o := range out {
		c.standing = without(c.standing, o)
	}
	if !c.last() {
		for _, o := range out {
			c.votes[o] = 0
			c.move(&s, o, func(value int64) int64 { return value })
		}
	}
	c.stage(s)
}

// move sends the papers of a candidate to their next standing preference, at
// the value that each then has. Papers without one lapse at that value too.
func (c *stv) move(s *Stage, from int, revalue func(int64) int64) {
	stands := make([]bool, len(c.Options))
	for _, o := range c.standing {
		stands[o] = true
	}
	gained, lapsed := make([]int64, len(c.Options)), int64(0)
	for _, p := range c.piles[from] {
		options := c.queues[p.queue].options
		for p.at++; p.at < len(options) && !stands[options[p.at]]; p.at++ {
		}
		p.value = revalue(p.value)
		sum := p.value * c.queues[p.queue].papers
		if p.at == len(options) {
			lapsed += sum
			continue
		}
		to := options[p.at]
		c.piles[to] = append(c.piles[to], p)
		gained[to] += sum
	}
	c.piles[from] = nil
	for o, v := range gained {
		if v > 0 {
			c.votes[o] += v
			s.Flows = append(s.Flows, Flow{c.Options[from], c.Options[o], decimal(v, c.places)})
		}
	}
	if lapsed > 0 {
		c.lapsed += lapsed
		s.Flows = append(s.Flows, Flow{c.Options[from], "", decimal(lapsed, c.places)})
	}
}

// stage ends a stage: it elects and writes down where everyone is.
//
// spec: ssi2007/42#sch1.47
func (c *stv) stage(s Stage) {
	c.history = append(c.history, slices.Clone(c.votes))
	counting := int64(0)
	for _, v := range c.votes {
		counting += v
	}
	s.Number, s.Votes = len(c.history), c.tallies()
	s.Lapsed = decimal(c.lapsed, c.places)
	if cut := c.total - counting - c.lapsed; cut > 0 {
		s.Cut = decimal(cut, c.places)
	}
	var reached []int
	for _, o := range c.standing {
		if c.quota > 0 && c.votes[o] >= c.quota || c.quota == 0 && 2*c.votes[o] > counting {
			reached = append(reached, o)
		}
	}
	for _, o := range c.byVotes(reached) {
		// A limit may have been reached by those just elected.
		if len(c.elected) == c.Seats || c.barred(o, c.elected, c.standing) {
			continue
		}
		c.elected, c.standing = append(c.elected, o), without(c.standing, o)
		s.Elected = append(s.Elected, c.Options[o])
		if c.quota > 0 && c.votes[o] > c.quota {
			c.surplus = append(c.surplus, o)
		}
	}
	c.r.Stages = append(c.r.Stages, s)
}

// tallies lists the votes of all who did not withdraw.
func (c *stv) tallies() []Tally {
	var out []Tally
	for _, o := range c.running() {
		out = append(out, Tally{Option: c.Options[o], Value: decimal(c.votes[o], c.places)})
	}
	return out
}

// outermost returns the one of the tied who was highest (sign +1) or lowest
// (-1) at the latest earlier stage at which they differed. Where they never
// differed a lot decides or, without a purpose, their order in the list.
//
// spec: ssi2007/42#sch1.49(2), #sch1.51
func (c *stv) outermost(tied []int, sign int64, purpose string) int {
	for s := len(c.history) - 1; s >= 0 && len(tied) > 1; s-- {
		votes, kept := c.history[s], []int(nil)
		for _, o := range tied {
			if len(kept) > 0 && sign*votes[o] > sign*votes[kept[0]] {
				kept = kept[:0]
			}
			if len(kept) == 0 || votes[o] == votes[kept[0]] {
				kept = append(kept, o)
			}
		}
		tied = kept
	}
	if len(tied) > 1 && purpose != "" {
		return c.lots.draw(fmt.Sprintf("%s, stage %d", purpose, len(c.history)+1), tied)[0]
	}
	return tied[0]
}

// byVotes sorts by votes, highest first, the level ones by the latest earlier
// stage at which they differed, and those who never differed by lot.
func (c *stv) byVotes(list []int) []int {
	list = slices.Clone(list)
	slices.SortStableFunc(list, c.since)
	for from := 0; from < len(list); {
		to := from + 1
		for to < len(list) && c.since(list[from], list[to]) == 0 {
			to++
		}
		if to-from > 1 {
			copy(list[from:to], c.lots.draw(fmt.Sprintf("order of election, stage %d", len(c.history)), list[from:to]))
		}
		from = to
	}
	return list
}

// since compares two candidates by their votes now and then ever earlier.
func (c *stv) since(a, b int) int {
	for s := len(c.history) - 1; s >= 0; s-- {
		if d := compare(c.history[s][b], c.history[s][a]); d != 0 {
			return d
		}
	}
	return 0
}
