// Package doctor looks at what an installation needs from outside: databases,
// certificates, Consul, mail servers. It says what is wrong and what to do, and
// changes nothing.
package doctor

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Status is how a check ended.
type Status string

// The outcomes, from the best to the worst.
const (
	OK      Status = "ok"
	Warning Status = "warning" // it works, but not for long or not well
	Failure Status = "failure"
)

// Result is one finding. It holds no secret.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	Advice string `json:"advice,omitempty"` // what to do about it
}

// Check is something to look at. It may find several things.
type Check struct {
	Name string
	Run  func(ctx context.Context) []Result
}

// Run makes all checks at once, each within the time, and gives their findings
// in the order of the checks.
func Run(ctx context.Context, timeout time.Duration, checks ...Check) []Result {
	found := make([][]Result, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { found[i] = c.within(ctx, timeout) })
	}
	all.Wait()
	var results []Result
	for i, c := range checks {
		for _, r := range found[i] {
			r.Check = c.Name
			results = append(results, r)
		}
	}
	return results
}

// within bounds a check, even one that does not heed its context.
func (c Check) within(ctx context.Context, timeout time.Duration) []Result {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	done := make(chan []Result, 1)
	go func() { done <- c.Run(ctx) }()
	select {
	case results := <-done:
		return results
	case <-ctx.Done():
	}
	select { // what ends with the context still tells more
	case results := <-done:
		return results
	case <-time.After(time.Second):
		return Fail(fmt.Sprintf("there was no answer within %s", timeout), "see whether a firewall drops connections, and whether the other side is overloaded")
	}
}

// Good is a single finding that all is well.
func Good(format string, args ...any) []Result {
	return []Result{{Status: OK, Detail: fmt.Sprintf(format, args...)}}
}

// Warn is a single finding to act on soon.
func Warn(detail, advice string) []Result {
	return []Result{{Status: Warning, Detail: detail, Advice: advice}}
}

// Fail is a single finding to act on now.
func Fail(detail, advice string) []Result {
	return []Result{{Status: Failure, Detail: detail, Advice: advice}}
}

// Worst is the worst status of all.
func Worst(results []Result) Status {
	worst := OK
	for _, r := range results {
		if r.Status == Failure || r.Status == Warning && worst == OK {
			worst = r.Status
		}
	}
	return worst
}

// Text is the findings for people, a line each and one below for advice.
func Text(results []Result) string {
	var lines []string
	for _, r := range results {
		lines = append(lines, fmt.Sprintf("%-8s %-20s %s", r.Status, r.Check, r.Detail))
		if r.Advice != "" {
			lines = append(lines, fmt.Sprintf("%-29s → %s", "", r.Advice))
		}
	}
	return strings.Join(lines, "\n")
}
