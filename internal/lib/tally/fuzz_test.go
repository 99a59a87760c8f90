package tally

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// seeds adds real files and small ones to a fuzz corpus.
func seeds(f *testing.F, texts []string, patterns ...string) {
	f.Helper()
	for _, s := range texts {
		f.Add([]byte(s))
	}
	for _, pattern := range patterns {
		files, err := filepath.Glob("testdata/elections/" + pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no files are like %s: %v", pattern, err)
		}
		data, err := os.ReadFile(files[0])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:min(len(data), 2000)])
	}
}

// refused checks that an error names a line of the file.
func refused(t *testing.T, data []byte, err error) {
	t.Helper()
	lines := 2
	for _, c := range data {
		if c == '\n' || c == '\r' {
			lines++
		}
	}
	var at *LineError
	if !errors.As(err, &at) || at.Line < 1 || at.Line > lines || at.Reason == "" {
		t.Fatalf("refused with %v", err)
	}
}

// countAll counts what was read by every rule that takes it: nothing may
// panic, and what one rule elects must be options.
func countAll(t *testing.T, e Election) {
	t.Helper()
	if len(e.Options) > 12 || len(e.Ballots) > 50 {
		return
	}
	for _, rule := range ranked {
		e := e
		if rule == RuleIRV {
			e.Seats = 1
		}
		r, err := Count(rule, e)
		if err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		if len(r.Elected) > e.Seats {
			t.Fatalf("%s: %d are elected for %d seats", rule, len(r.Elected), e.Seats)
		}
		r.Explain()
	}
}

func FuzzReadBLT(f *testing.F) {
	seeds(f, []string{blt, "1 1\n1 1 0\n0\n\"a\"\n"}, "stv-scotland/*.blt", "irv-burlington/*.blt")
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ReadBLT(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		roundTrip(t, e)
		countAll(t, e)
	})
}

func FuzzReadCSV(f *testing.F) {
	seeds(f, []string{"a,b\n1,2\n,No opinion\n", "count,rank1,rank2\n3,a,b\n", "a\n\"\"\n1\n"}, "schulze-kubernetes/*.csv", "stv-minneapolis/*patterns.csv")
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ReadCSV(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		roundTrip(t, e)
		countAll(t, e)
	})
}

func FuzzReadPrefLib(f *testing.F) {
	seeds(f, []string{toc, "# NUMBER ALTERNATIVES: 1\n# ALTERNATIVE NAME 1: a\n1: 1\n2:\n"})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ReadPrefLib(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		roundTrip(t, e)
		countAll(t, e)
	})
}

func FuzzReadPB(f *testing.F) {
	seeds(f, []string{pb}, "pb/*Assen*.pb", "pb/*Gdynia*.pb")
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ReadPB(data)
		if err != nil {
			refused(t, data, err)
			return
		}
		roundTripPB(t, e)
		if len(e.Options) > 12 || len(e.Marks)+len(e.Points) > 100 {
			return
		}
		r, err := Count(RuleGreedy, e)
		if err != nil {
			t.Fatal(err)
		}
		r.Explain()
		// Each raise is a count of its own, so large amounts take long.
		for _, p := range e.Budget.Projects {
			if p.Cost > 3000 {
				return
			}
		}
		if len(e.Points) == 0 {
			if r, err = Count(RuleEqualShares, e); err != nil {
				t.Fatal(err)
			}
			r.Explain()
		}
	})
}
