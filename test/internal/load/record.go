package load

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The kinds of requests.
const (
	Login    = "login"    // POST /v1/auth
	Session  = "session"  // GET /v1/auth
	Ended    = "ended"    // GET /v1/auth with a token that was logged out
	Logout   = "logout"   // DELETE /v1/auth
	Register = "register" // POST /v1/activation/initiate
	Change   = "change"   // PUT /v1/hub/…
	Browse   = "browse"   // pages of a sign-in to the app
	Code     = "code"     // the exchange of its code
	Refresh  = "refresh"  // of its tokens
)

// Kinds are all kinds of requests.
func Kinds() []string {
	return []string{Login, Session, Ended, Logout, Register, Change, Browse, Code, Refresh}
}

// Request is one request that a worker has made.
type Request struct {
	Kind       string
	Start, End time.Time
	// Failure says why there was no answer, or that it was one of a server in
	// trouble; empty is success. A refusal for good reasons is one.
	Failure string
}

// record is all requests so far.
type record struct {
	mu  sync.Mutex
	all []Request
}

func (r *record) add(one Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, one)
}

// between are the requests that ended in that time, by their end.
func (r *record) between(from, to time.Time) []Request {
	r.mu.Lock()
	var found []Request
	for _, one := range r.all {
		if !one.End.Before(from) && !one.End.After(to) {
			found = append(found, one)
		}
	}
	r.mu.Unlock()
	slices.SortStableFunc(found, func(a, b Request) int { return a.End.Compare(b.End) })
	return found
}

// succeededSince are the kinds of which one that began after then has succeeded.
func (r *record) succeededSince(then time.Time) map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	kinds := map[string]bool{}
	for _, one := range slices.Backward(r.all) {
		if one.End.Before(then) {
			break // the order is only nearly that of the ends, and that is enough
		}
		if one.Failure == "" && one.Start.After(then) {
			kinds[one.Kind] = true
		}
	}
	return kinds
}

// Report sums up what happened in a time.
type Report struct {
	Name             string
	Duration         time.Duration
	Requests, Failed int
	// Gaps is the longest time without a success, by kind.
	Gaps map[string]time.Duration
	// Failures counts what went wrong, by kind and reason.
	Failures map[string]int
}

// Rate is the part of requests that failed.
func (r Report) Rate() float64 { return float64(r.Failed) / float64(max(r.Requests, 1)) }

// Gap is the longest of the gaps, and its kind.
func (r Report) Gap() (kind string, gap time.Duration) {
	for _, k := range slices.Sorted(maps.Keys(r.Gaps)) {
		if r.Gaps[k] > gap {
			kind, gap = k, r.Gaps[k]
		}
	}
	return kind, gap
}

// String is the report with its reasons, for logs.
func (r Report) String() string {
	kind, gap := r.Gap()
	text := fmt.Sprintf("%s: %v, %d requests, %d failed (%.2f %%), longest gap %v of %s",
		r.Name, r.Duration.Round(time.Millisecond), r.Requests, r.Failed, 100*r.Rate(), gap.Round(time.Millisecond), kind)
	for _, reason := range slices.Sorted(maps.Keys(r.Failures)) {
		text += fmt.Sprintf("\n  %4d %s", r.Failures[reason], reason)
	}
	return text
}

// Table is a table in Markdown, with a line for each report.
func Table(reports []Report) string {
	text := "| drill | time | requests | failed | error rate | longest gap |\n|---|---|---|---|---|---|\n"
	for _, r := range reports {
		kind, gap := r.Gap()
		text += fmt.Sprintf("| %s | %v | %d | %d | %.2f %% | %.1f s (%s) |\n",
			r.Name, r.Duration.Round(time.Second), r.Requests, r.Failed, 100*r.Rate(), gap.Seconds(), kind)
	}
	return text
}

func sumUp(name string, from, to time.Time, all []Request) Report {
	r := Report{Name: name, Duration: to.Sub(from), Requests: len(all), Gaps: map[string]time.Duration{}, Failures: map[string]int{}}
	last := map[string]time.Time{}
	for _, one := range all {
		if one.Failure != "" {
			r.Failed++
			r.Failures[one.Kind+": "+one.Failure]++
			continue
		}
		since := cmp.Or(last[one.Kind], from)
		r.Gaps[one.Kind] = max(r.Gaps[one.Kind], one.End.Sub(since))
		last[one.Kind] = one.End
	}
	for _, kind := range Kinds() {
		since := cmp.Or(last[kind], from)
		r.Gaps[kind] = max(r.Gaps[kind], to.Sub(since))
	}
	return r
}

// recorder makes requests and notes them. An answer counts when all of it is
// there.
type recorder struct {
	next   http.RoundTripper
	record *record
	kind   func(*http.Request) string
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 20

// RoundTrip implements http.RoundTripper.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	one := Request{Kind: r.kind(request), Start: time.Now()}
	res, err := r.next.RoundTrip(request)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(body))
	}
	one.End = time.Now()
	if err != nil {
		one.Failure = reason(err)
		if request.Context().Err() == nil { // else the load ended, and nobody waits
			r.record.add(one)
		}
		return nil, err
	}
	one.Failure = trouble(res)
	r.record.add(one)
	return res, nil
}

// Unasked ends a failure that does not tell when to come back.
const Unasked = " without Retry-After"

// trouble is what an answer says of a server in trouble.
func trouble(res *http.Response) string {
	if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
		return res.Status + Unasked
	}
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
		return res.Status
	}
	to, err := url.Parse(res.Header.Get("Location"))
	if err != nil {
		return ""
	}
	switch code := to.Query().Get("error"); code {
	case "server_error", "temporarily_unavailable":
		return code
	}
	return ""
}

// reason is an error without the ports, which differ from one to the next.
func reason(err error) string {
	text := err.Error()
	for _, known := range []string{"connection refused", "connection reset by peer", "broken pipe", "server closed idle connection", "EOF", "Client.Timeout", "no gateway is ready"} {
		if strings.Contains(text, known) {
			return known
		}
	}
	return text
}
