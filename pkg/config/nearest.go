package config

import (
	"iter"
	"slices"
)

// nearest finds the name that is at most a third of its length away from the
// one that was written, or "".
func nearest(written string, names iter.Seq[string]) string {
	best, closest := "", len(written)
	for _, name := range slices.Sorted(names) {
		significant := max(len(name)-len(Prefix), 0)
		if d := distance(written, name); d < closest && d <= max(1, significant/3) {
			best, closest = name, d
		}
	}
	return best
}

// distance is the Levenshtein distance of two names, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
