// Command counter counts the same ballots with Rochdale and with a reference counter, belenios-tool of the
// Belenios project, and says how long each takes as a process, reading and start included, and whether the same
// are elected. It prints figures, never a verdict: the two count STV by different rules. Without belenios-tool it
// says so and measures only the one.
//
//	go build -o bin/rochdale ./cmd/rochdale && go run ./bench/counter [-binary bin/rochdale] [-runs 3] [-keep DIR]
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"rochdale/internal/lib/tally"
)

var (
	binary    = flag.String("binary", "bin/rochdale", "the program to measure")
	runs      = flag.Int("runs", 3, "runs of each, of which the median is told")
	keep      = flag.String("keep", "", "folder to leave the ballots in; a temporary one if empty")
	elections = flag.String("elections", "internal/lib/tally/testdata/elections", "folder of the real elections")
)

func main() {
	flag.Parse()
	if err := measure(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "counter:", err)
		os.Exit(1)
	}
}

// contest is an election that both count.
type contest struct {
	name     string
	rule     string // of Rochdale
	election tally.Election
}

func measure(ctx context.Context) error {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	fmt.Printf("%s, %d cores, %s, load %s\n", runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly), strings.TrimSpace(string(load)))
	reference, err := exec.LookPath("belenios-tool")
	if err != nil {
		fmt.Println("belenios-tool is not installed here (on Debian it is a package of this name): only Rochdale is measured.")
	}
	dir := *keep
	if dir == "" {
		if dir, err = os.MkdirTemp("", "counter"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	all, err := contests()
	if err != nil {
		return err
	}
	for i, c := range all {
		if err := c.measure(ctx, reference, filepath.Join(dir, strconv.Itoa(i+1))); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// contests are the made-up elections of the benchmarks of internal/lib/tally, and real ones.
func contests() ([]contest, error) {
	all := []contest{
		{"STV, 100,000 ballots, 20 candidates, 7 seats", tally.RuleScottish, crowd(100_000, 20, 7)},
		{"Schulze, 100,000 ballots, 40 candidates", tally.RuleSchulze, crowd(100_000, 40, 1)},
	}
	wards, err := filepath.Glob(filepath.Join(*elections, "stv-scotland", "*.blt"))
	if err != nil {
		return nil, err
	}
	steering, err := filepath.Glob(filepath.Join(*elections, "schulze-kubernetes", "*.csv"))
	if err != nil {
		return nil, err
	}
	for _, name := range append(wards, steering...) {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		e, err := tally.Read(filepath.Base(name), data)
		if err != nil {
			return nil, err
		}
		rule := tally.RuleScottish
		if strings.HasSuffix(name, ".csv") {
			// Belenios knows no "No opinion": both read it as ranked last here, which is not how it was counted officially.
			rule, e.Unranked = tally.RuleSchulze, tally.UnrankedLast
		}
		papers := 0
		for _, b := range e.Ballots {
			papers += b.Count
		}
		all = append(all, contest{fmt.Sprintf("%s, %d ballots, %d candidates, %d seats", filepath.Base(name), papers, len(e.Options), e.Seats), rule, e})
	}
	return all, nil
}

// crowd is the electorate of the benchmarks of internal/lib/tally: every ballot ranks about half of the
// candidates, with some candidates more popular than others.
func crowd(ballots, candidates, seats int) tally.Election {
	r := rand.New(rand.NewPCG(uint64(ballots), uint64(candidates)))
	e := tally.Election{Title: "crowd", Seats: seats, Unranked: tally.UnrankedLast}
	for o := range candidates {
		e.Options = append(e.Options, fmt.Sprintf("candidate %d", o))
	}
	for range ballots {
		ranks := make([]int, candidates)
		for rank, left := 1, 1+r.IntN(candidates); rank <= left; {
			if o := min(r.IntN(candidates), r.IntN(candidates)); ranks[o] == 0 {
				ranks[o] = rank
				rank++
			} else {
				left--
			}
		}
		e.Ballots = append(e.Ballots, tally.Ranking{Ranks: ranks, Count: 1})
	}
	return e
}

func (c *contest) measure(ctx context.Context, reference, base string) error {
	write, ending := tally.WriteBLT, ".blt"
	if c.rule == tally.RuleSchulze {
		write, ending = tally.WriteCSV, ".csv"
	}
	data, err := write(c.election)
	if err != nil {
		return err
	}
	if err := os.WriteFile(base+ending, data, 0o600); err != nil {
		return err
	}
	fmt.Printf("\n%s\n", c.name)
	took, out, err := timed(ctx, nil, *binary, "tally", "--json", "--rule="+c.rule, "--seats="+strconv.Itoa(c.election.Seats), base+ending)
	if err != nil {
		return err
	}
	var r tally.Result
	if err := json.Unmarshal(out, &r); err != nil {
		return fmt.Errorf("read the count: %w", err)
	}
	fmt.Printf("  rochdale  %8s  %s\n", took, strings.Join(r.Elected, ", "))
	if reference == "" {
		return nil
	}
	if data, err = json.Marshal(c.papers()); err != nil {
		return err
	}
	if err := os.WriteFile(base+".json", data, 0o600); err != nil {
		return err
	}
	args := []string{"method", "stv", "--nseats=" + strconv.Itoa(c.election.Seats)}
	if c.rule == tally.RuleSchulze {
		args = []string{"method", "schulze", "--blank-allowed=false", "--nchoices=" + strconv.Itoa(len(c.election.Options))}
	}
	if took, out, err = timed(ctx, data, reference, args...); err != nil {
		return err
	}
	names, err := c.winners(out)
	if err != nil {
		return err
	}
	same := "not the same"
	if slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(r.Elected))) {
		same = "the same"
	}
	fmt.Printf("  belenios  %8s  %s: %s\n", took, strings.Join(names, ", "), same)
	return nil
}

// papers are the ballots one by one, each with a rank for every candidate, 0 for none: what Belenios reads.
func (c *contest) papers() [][]int {
	var all [][]int
	for _, b := range c.election.Ballots {
		for range b.Count {
			all = append(all, b.Ranks)
		}
	}
	return all
}

// winners reads whom Belenios elects: a list with STV, the first group of the order with Schulze.
func (c *contest) winners(out []byte) ([]string, error) {
	var places []int
	if c.rule == tally.RuleSchulze {
		var r struct {
			Winners [][]int `json:"winners"`
		}
		if err := json.Unmarshal(out, &r); err != nil || len(r.Winners) == 0 {
			return nil, fmt.Errorf("read the order of the reference: %w", err)
		}
		places = r.Winners[0]
	} else {
		var r struct {
			Winners []int `json:"winners"`
		}
		if err := json.Unmarshal(out, &r); err != nil {
			return nil, fmt.Errorf("read the winners of the reference: %w", err)
		}
		places = r.Winners
	}
	names := make([]string, len(places))
	for i, o := range places {
		if o < 0 || o >= len(c.election.Options) {
			return nil, fmt.Errorf("the reference elects number %d", o)
		}
		names[i] = c.election.Options[o]
	}
	return names, nil
}

// timed runs a program a few times and returns the median of its times, from its start to its end, and what it
// wrote the last time.
func timed(ctx context.Context, in []byte, program string, args ...string) (time.Duration, []byte, error) {
	times := make([]time.Duration, max(*runs, 1))
	var out, said bytes.Buffer
	for i := range times {
		out.Reset()
		said.Reset()
		c := exec.CommandContext(ctx, program, args...)
		c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &said
		start := time.Now()
		if err := c.Run(); err != nil {
			return 0, nil, fmt.Errorf("%s: %w: %s", filepath.Base(program), err, bytes.TrimSpace(said.Bytes()))
		}
		times[i] = time.Since(start)
	}
	slices.Sort(times)
	return times[len(times)/2].Round(100 * time.Microsecond), out.Bytes(), nil
}
