package load_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// BenchmarkCost is the processor time that each service of a cluster spends on a
// request, in milliseconds: what to multiply by the requests of a second to know how many
// processors it takes. Unlike the other figures, this one hardly depends on what else
// the machine does.
func BenchmarkCost(b *testing.B) {
	s := system.ClusterWith(b, system.ClusterOptions{Environ: []string{"GATEHOUSE_LOG_LEVEL=info", "OTEL_TRACES_SAMPLER=always_off"}})
	p := gatehouse(b, s)
	session := s.LogIn(b, p.person)
	other, _ := s.Register(b, "other@example.org") // whose logins end none of the first one's sessions
	refresh := p.Refresh
	asUser := func(address, token string) {
		r := newRequest(b, http.MethodGet, address, "")
		r.Header.Set("Authorization", "Bearer "+token)
		do(b, r)
	}
	for _, kind := range []struct {
		name    string
		request func()
	}{
		{"login", func() { s.LogIn(b, other) }},
		{"session", func() { asUser(s.URL+"/v1/auth", session.Token) }},
		{"code", func() { do(b, p.post(b, p.Token, p.code(b))) }},
		{"refresh", func() {
			answer := do(b, p.post(b, p.Token, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}))
			refresh, _ = answer["refresh_token"].(string)
		}},
		{"client-credentials", func() { do(b, p.post(b, p.Token, url.Values{"grant_type": {"client_credentials"}})) }},
		{"introspection", func() { do(b, p.post(b, p.Introspection, url.Values{"token": {p.Access}})) }},
		{"userinfo", func() { asUser(p.UserInfo, p.Access) }},
		{"keys", func() { do(b, newRequest(b, http.MethodGet, p.Keys, "")) }},
	} {
		b.Run(kind.name, func(b *testing.B) {
			kind.request() // what is fetched once is not counted
			before := spent(b, s)
			for b.Loop() {
				kind.request()
			}
			for service, seconds := range spent(b, s) {
				b.ReportMetric(1000*(seconds-before[service])/float64(b.N), service+"-ms")
			}
		})
	}
}

// spent is the processor time of every process so far, in seconds, by its own metric.
func spent(b *testing.B, s *system.System) map[string]float64 {
	b.Helper()
	seconds := map[string]float64{}
	for service, address := range s.Debug {
		res, err := client.Do(newRequest(b, http.MethodGet, fmt.Sprintf("http://%s/metrics", address), ""))
		require.NoError(b, err)
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(res.Body)
		require.NoError(b, err)
		require.NoError(b, res.Body.Close())
		seconds[service] = families["process_cpu_seconds_total"].GetMetric()[0].GetCounter().GetValue()
	}
	return seconds
}
