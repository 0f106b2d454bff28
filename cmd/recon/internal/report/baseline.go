package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/google/renameio/v2"

	"recon/inventory/localfile"
)

// A Baseline is what was found before and is not told again. The zero value knows
// nothing. It holds no line numbers, so that text may move; of findings that are
// equal it holds how many there were, so that one more is new.
type Baseline struct{ known map[identity]int }

// baselineFile is a baseline as it is written: sorted, one finding a block, so that
// a merge request shows what was accepted.
type baselineFile struct {
	FormatVersion string          `json:"format_version"`
	Findings      []baselineEntry `json:"findings"`
}

type baselineEntry struct {
	identity
	Count int `json:"count,omitempty"` // when there is more than one
}

// ReadBaseline reads a baseline that WriteBaseline wrote.
func ReadBaseline(file string) (*Baseline, error) {
	text, err := localfile.Read(file, localfile.Medium)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the baseline: %w; --write-baseline %s makes it", err, file)
	}
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	var f baselineFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("read the baseline %s: %w", file, err)
	}
	if f.FormatVersion != "1.0" {
		return nil, fmt.Errorf("read the baseline %s: its format is %q, this recon reads 1.0; write it anew with --write-baseline", file, f.FormatVersion)
	}
	b := &Baseline{known: map[identity]int{}}
	for _, e := range f.Findings {
		b.known[e.identity] += max(1, e.Count)
	}
	return b, nil
}

// New tells for each finding whether it is not in the baseline.
func (b *Baseline) New(entries []Entry) []bool {
	out := make([]bool, len(entries))
	seen := map[identity]int{}
	for i := range entries {
		id := entries[i].identity()
		seen[id]++
		out[i] = b == nil || seen[id] > b.known[id]
	}
	return out
}

// WriteBaseline writes what is known from now on.
func WriteBaseline(file string, entries []Entry) error {
	count := map[identity]int{}
	for i := range entries {
		count[entries[i].identity()]++
	}
	f := baselineFile{FormatVersion: "1.0", Findings: []baselineEntry{}}
	for id, n := range count {
		e := baselineEntry{identity: id}
		if n > 1 {
			e.Count = n
		}
		f.Findings = append(f.Findings, e)
	}
	slices.SortFunc(f.Findings, func(a, b baselineEntry) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Says, b.Says))
	})
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	if err := renameio.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return nil
}
