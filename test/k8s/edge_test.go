package k8s_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	gateway "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/gatehouse-id/gatehouse/pkg/api/accounts"
)

// bodySize is how large a body the controller of NGINX lets through; 1m by default.
const bodySize = "nginx.ingress.kubernetes.io/proxy-body-size"

var uploadConstant = regexp.MustCompile(`(?m)^\tMaxUpload = accounts\.MaxImage \+ (\d+)<<10$`)

// largestBody is what the gateway takes: edge.MaxUpload, by its text.
func largestBody() int64 {
	text, err := os.ReadFile(filepath.Join(root, "services", "gateway", "internal", "edge", "body.go"))
	found := uploadConstant.FindSubmatch(text)
	if err != nil || found == nil {
		return 1 << 62
	}
	form, _ := strconv.ParseInt(string(found[1]), 10, 64) // it is a number
	return accounts.MaxImage + form<<10
}

// edges let through what the gateway takes, and keep from it what strangers have no say
// about.
func edges(o *objects) []string {
	var problems []string
	for _, i := range of[*networkingv1.Ingress](o) {
		size, err := resource.ParseQuantity(strings.ToUpper(i.Annotations[bodySize]) + "i")
		if err != nil || size.Value() < largestBody() {
			problems = append(problems, fmt.Sprintf("Ingress %s: %d bytes do not get through", i.Name, largestBody()))
		}
	}
	for _, r := range of[*gateway.HTTPRoute](o) {
		for _, rule := range r.Spec.Rules {
			for _, header := range []string{"traceparent", "tracestate"} {
				if !slices.ContainsFunc(rule.Filters, func(f gateway.HTTPRouteFilter) bool {
					return f.RequestHeaderModifier != nil && slices.Contains(f.RequestHeaderModifier.Remove, header)
				}) {
					problems = append(problems, fmt.Sprintf("HTTPRoute %s lets strangers say what is traced: %s", r.Name, header))
				}
			}
		}
	}
	return problems
}

func TestARouteKeepsTracesFromStrangers(t *testing.T) {
	t.Parallel()
	o := render(t, "prod with the Gateway API")
	require.Empty(t, edges(o))
	find[*gateway.HTTPRoute](t, o, "gateway").Spec.Rules[0].Filters[0].RequestHeaderModifier.Remove = []string{"traceparent"}
	assert.Contains(t, strings.Join(edges(o), "\n"), "tracestate")
}

// TestTheGuideNamesTheLargestBody for edges that know no annotation.
func TestTheGuideNamesTheLargestBody(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join(root, "docs", "kubernetes.md"))
	require.NoError(t, err)
	told := regexp.MustCompile(`bodies of (\d+) MiB`).FindSubmatch(guide)
	require.NotNil(t, told)
	size, err := strconv.ParseInt(string(told[1]), 10, 64)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, size<<20, largestBody())
	assert.Less(t, size<<20, largestBody()+1<<20)
}
