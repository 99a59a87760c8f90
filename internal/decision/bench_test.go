package decision_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"rochdale/internal/coop"
	"rochdale/internal/decision"
	"rochdale/internal/kit/authz"
	"rochdale/internal/kit/clock"
	"rochdale/internal/kit/testkit"
	"rochdale/internal/rulebook"
)

// benched is a co-op on SQLite for a benchmark.
func benched(b *testing.B, members int) *hall {
	b.Helper()
	c := clock.NewFake(testkit.Start)
	h := newHall(b, testkit.SQLite(b, schema, c), c)
	h.found("social-coop", members)
	return h
}

// BenchmarkAuthorise asks the judge about a member with three mandates, the last of which gives the power.
// The goal is less than 50 µs.
func BenchmarkAuthorise(b *testing.B) {
	h := benched(b, 3)
	ann := h.people[1]
	for i, power := range []string{"member.admit", "moderation.block", coop.Power} {
		h.office(h.group(fmt.Sprintf("group%d", i), power), ann, 400, power)
	}
	target := authz.Target{Kind: "coop", ID: 1}
	for b.Loop() {
		if a, err := h.mandate.Authorise(h.ctx, h.db, ann, coop.Power, target); err != nil || a.Kind != authz.Mandate {
			b.Fatal(a, err)
		}
	}
}

// BenchmarkCount100k counts 100,000 votes from their papers, on a proposal and on a ranking of five
// alternatives in which most papers differ, and closes a motion with so many rows of votes.
func BenchmarkCount100k(b *testing.B) {
	const votes = 100_000
	random := rand.New(rand.NewPCG(1, 2))
	papers := func(n int, choice func() decision.Choice) []byte {
		var out []map[string]any
		for range n {
			text, err := json.Marshal(choice())
			if err != nil {
				b.Fatal(err)
			}
			out = append(out, map[string]any{"choice": string(text), "n": votes / n})
		}
		list, err := json.Marshal(out)
		if err != nil {
			b.Fatal(err)
		}
		return list
	}
	words := []string{decision.Agree, decision.Disagree, decision.Abstain, decision.Block}
	count := func(b *testing.B, c decision.Counting, list []byte) {
		if err := json.Unmarshal(list, &c.Papers); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if r, err := decision.Count(c); err != nil || r.Voted != votes {
				b.Fatal(r, err)
			}
		}
	}
	rule := benchRule(rulebook.Ordinary)
	b.Run("proposal", func(b *testing.B) {
		i := 0
		count(b, decision.Counting{Method: rulebook.Proposal, Rule: rule, Roll: votes}, papers(4, func() decision.Choice { i++; return decision.Choice{Choice: words[i-1]} }))
	})
	b.Run("ranking", func(b *testing.B) {
		count(b, decision.Counting{Method: rulebook.Ranking, Rule: rule, Roll: votes, Options: []string{"One", "Two", "Three", "Four", decision.StatusQuo}},
			papers(votes, func() decision.Choice { return decision.Choice{Ranks: random.Perm(5)} }))
	})
	b.Run("close", func(b *testing.B) {
		h := benched(b, 1)
		h.bulkMembers(votes - 1)
		for b.Loop() {
			b.StopTimer()
			m := h.put(h.founder, decision.Drafting{Title: "All of us"})
			h.bulkVotes(m, votes)
			h.clock.Set(m.ClosesAt)
			b.StartTimer()
			if err := h.Advance(h.ctx); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if m = h.get(m.ID); m.CountedAt.IsZero() || m.Result().Voted != votes {
				b.Fatalf("counted %s", m.ResultJSON)
			}
			h.clock.Advance(2 * day)
			if err := h.Advance(h.ctx); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
}

func benchRule(line string) rulebook.Rule {
	p, _ := rulebook.FindPreset("social-coop")
	for _, r := range p.Rules {
		if r.Line == line {
			return r
		}
	}
	return rulebook.Rule{}
}

// bulkMembers puts so many members on the register, without what else belongs to a member: the count is
// measured, not the joining.
func (h *hall) bulkMembers(n int) {
	h.t.Helper()
	since := h.clock.Now().Add(-100 * day).UnixMilli()
	for _, query := range []string{
		`INSERT INTO members (id, number, name, username, login_id, invited_by, since_at, founder, version, changed_at)
			SELECT 1000 + value, 1000 + value, '', 'b' || value, 1000 + value, 0, %d, 0, 1, %d FROM generate_series(1, %d)`,
		`INSERT INTO member_facts (member_id, seq, kind, at, until_at, how) SELECT 1000 + value, 1, 'joined', %d, 0 * %d, '' FROM generate_series(1, %d)`,
	} {
		h.exec(series(fmt.Sprintf(query, since, since, n)))
	}
}

// bulkVotes lets all vote, three in four for the motion, each with words of their own beside the choice.
func (h *hall) bulkVotes(m decision.Motion, n int) {
	h.t.Helper()
	h.exec(fmt.Sprintf(`INSERT INTO decision_votes (id, decision_id, member_id, choice, reason, salt, digest, version, at)
		SELECT %d + ROW_NUMBER() OVER (), decision_id, member_id, CASE member_id %% 4 WHEN 0 THEN '{"choice":"disagree"}' ELSE '{"choice":"agree"}' END,
			'because I think so', 'SALTSALTSALTSALTSALTSALTSA', '0123456789012345678901234567890123456789012345678901234567890123', 1, %d
		FROM decision_roll WHERE decision_id = %d`, m.ID, h.clock.Now().UnixMilli(), m.ID))
	h.exec(fmt.Sprintf(`UPDATE decisions SET votes_count = %d WHERE id = %d`, n, m.ID))
}

// BenchmarkDecisionsPage reads a page of ten decisions of 10 and of 10,000, and reports how many times as
// much it costs with the many: about once.
func BenchmarkDecisionsPage(b *testing.B) {
	var few time.Duration
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h := benched(b, 1)
			m := h.put(h.founder, decision.Drafting{Title: "The first", Text: "A text of some length, as motions have it. It goes on for a while, and says why."})
			h.bulkMotions(m, n-1)
			read := func() {
				list, err := h.List(h.ctx, decision.Filter{Limit: 10})
				if err != nil || len(list) != 10 {
					b.Fatal(len(list), err)
				}
			}
			read()
			for b.Loop() {
				read()
			}
			each := b.Elapsed() / time.Duration(b.N)
			if n == 10 {
				few = each
			} else if few > 0 {
				b.ReportMetric(float64(each)/float64(few), "times-10")
			}
		})
	}
}

// bulkMotions copies a motion so many times.
func (h *hall) bulkMotions(m decision.Motion, n int) {
	h.t.Helper()
	h.exec(series(fmt.Sprintf(`INSERT INTO decisions (id, number, body_id, mover_id, title, text, method, settings, state, created_at, published_at, result, outcome)
		SELECT %d + value, %d + value, body_id, mover_id, title || ' and ' || value, text, method, settings, 'closed', created_at, published_at, '{}', 'lost' FROM decisions, generate_series(1, %d) WHERE id = %d`,
		m.ID, m.Number, n, m.ID)))
}

// series lets SQLite count.
func series(query string) string {
	at := strings.Index(query, "generate_series(1, ")
	n, rest, _ := strings.Cut(query[at+len("generate_series(1, "):], ")")
	return "WITH RECURSIVE counted(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM counted WHERE value < " + n + ") " + query[:at] + "counted" + rest
}
