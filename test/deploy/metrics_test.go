package deploy_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gatehouse-id/gatehouse/test/internal/system"
)

// elsewhere is what a standalone process under test does not export: what
// Prometheus itself says, and what needs certificates, PostgreSQL, Redis or an
// event that this test does not bring about. The labels are those that expressions use.
var elsewhere = map[string]map[string]bool{
	"up": {"job": true},
	"gatehouse_tls_certificate_expiry_timestamp_seconds": {},
	"gatehouse_http_throttled_total":                     {"limit": true},
	"gatehouse_oauth_grants_revoked_total":               {"reason": true},
	"gatehouse_rpc_client_duration_seconds_count":        {"method": true, "outcome": true},
	"gatehouse_oauth_gave_way_total":                     {"request": true},
	"gatehouse_consul_up":                                {},
	"gatehouse_db_clock_offset_seconds":                  {"service": true},
	"gatehouse_session_announcements_up":                 {},
	"gatehouse_session_announcements_failed_total":       {},
	"gatehouse_shared_limits_up":                         {},
	"gatehouse_shared_limits_alone_total":                {},
	"gatehouse_oauth_devices_total":                      {"outcome": true},
	"gatehouse_oauth_backchannel_logouts_total":          {"outcome": true},
}

// TestExpressionsNameWhatIsExported reads all rules and dashboards, and
// compares them with what a process shows after some traffic.
func TestExpressionsNameWhatIsExported(t *testing.T) {
	t.Parallel()
	exported := exports(t)
	for name, has := range exported {
		for _, label := range []string{"job", "instance", "namespace", "pod", "container", "endpoint"} {
			assert.False(t, has[label], "%s: where honor_labels is set, its %s would win over its target's", name, label)
		}
	}
	explained := read(t, "docs/operations.md")
	for name, used := range elsewhere {
		assert.Nil(t, exported[name], "%s is exported: take it off the list", name)
		exported[name] = used
		if name != "up" {
			found := strings.Contains(explained, "`"+strings.TrimSuffix(name, "_count")+"`") // the guide is too long for a message
			assert.True(t, found, "operations.md does not explain %s", name)
		}
	}
	for _, r := range rules(t) {
		if r.Record != "" {
			exported[r.Record] = map[string]bool{"slo": true}
		}
	}
	for where, expressions := range expressions(t) {
		for _, text := range expressions {
			check(t, where, text, exported)
		}
	}
}

// TestEveryMetricIsOnADashboard keeps the guide and the dashboards together.
func TestEveryMetricIsOnADashboard(t *testing.T) {
	t.Parallel()
	var shown []string
	for where, texts := range expressions(t) {
		if where != "rules" {
			shown = append(shown, texts...)
		}
	}
	all := strings.Join(shown, "\n")
	explained := explainedMetric.FindAllStringSubmatch(read(t, "docs/operations.md"), -1)
	require.NotEmpty(t, explained)
	for _, metric := range explained {
		on := regexp.MustCompile(`\b` + metric[1] + `(_bucket|_count)?\b`).MatchString(all)
		assert.True(t, on, "no dashboard shows %s", metric[1])
	}
}

func check(t *testing.T, where, text string, exported map[string]map[string]bool) {
	t.Helper()
	expression, err := parser.NewParser(parser.Options{}).ParseExpr(strings.ReplaceAll(text, "$__rate_interval", "5m"))
	require.NoError(t, err, "%s: %s", where, text)
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		has, known := exported[selector.Name]
		assert.True(t, known, "%s: nothing exports %s", where, selector.Name)
		for _, m := range selector.LabelMatchers {
			switch m.Name {
			case "__name__", "job", "instance":
			default:
				assert.True(t, has[m.Name], "%s: %s has no label %s", where, selector.Name, m.Name)
			}
			if m.Name == "le" {
				assert.True(t, matchesOne(m, has), "%s: %s has no bucket %s", where, selector.Name, m)
			}
		}
		return nil
	})
}

// matchesOne says whether there is a bucket of that bound. They are kept beside
// the names of labels, as "le=0.25".
func matchesOne(m *labels.Matcher, has map[string]bool) bool {
	for label := range has {
		if bound, ok := strings.CutPrefix(label, "le="); ok && m.Matches(bound) {
			return true
		}
	}
	return false
}

// expressions are all of them, by the file they are in.
func expressions(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, r := range rules(t) {
		found["rules"] = append(found["rules"], r.Expr)
	}
	for _, path := range files(t, "deploy/grafana/dashboards/*.json") {
		var dashboard struct {
			UID    string `json:"uid"`
			Panels []struct {
				ID      int                     `json:"id"`
				Targets []struct{ Expr string } `json:"targets"`
			} `json:"panels"`
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &dashboard), path)
		require.Equal(t, "gatehouse-"+strings.TrimSuffix(filepath.Base(path), ".json"), dashboard.UID)
		ids := map[int]bool{}
		for _, p := range dashboard.Panels {
			require.False(t, ids[p.ID], "%s has two panels %d", path, p.ID)
			ids[p.ID] = true
			require.NotEmpty(t, p.Targets)
			for _, target := range p.Targets {
				found[path] = append(found[path], target.Expr)
			}
		}
	}
	return found
}

// exports are the metrics of a process that has done some work, with the names
// of their labels.
func exports(t *testing.T) map[string]map[string]bool {
	t.Helper()
	s := system.Standalone(t)
	person, _ := s.Register(t, "metrics@example.org")
	s.LogIn(t, person)
	app := system.NewApp(t, s)
	b := system.NewBrowser(t, app.Config.RedirectURL)
	request := app.Start()
	b.Open(request.URL)
	b.Submit("/login", url.Values{"user": {person.Email}, "password": {person.Password}})
	if b.Arrived == nil {
		b.Submit("/consent", url.Values{"decision": {"allow"}})
	}
	app.Finish(request, b.Arrived)

	found := map[string]map[string]bool{}
	for _, line := range strings.Split(scrape(t, s.Debug["gatehouse"]), "\n") {
		sample := sampleLine.FindStringSubmatch(line)
		if sample == nil {
			continue
		}
		if found[sample[1]] == nil {
			found[sample[1]] = map[string]bool{}
		}
		for _, label := range labelPair.FindAllStringSubmatch(sample[2], -1) {
			found[sample[1]][label[1]] = true
			if label[1] == "le" {
				found[sample[1]]["le="+label[2]] = true
			}
		}
	}
	return found
}

var (
	sampleLine = regexp.MustCompile(`^([a-z_]+)(\{.*\})? `)
	// A metric in the guide's table, or elsewhere in it.
	explainedMetric = regexp.MustCompile("`(gatehouse_[a-z_]+)[`{]")
	labelPair       = regexp.MustCompile(`([a-z_]+)="([^"]*)"`)
)

func scrape(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	require.NoError(t, err)
	response, err := system.HTTP().Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(text)
}
