package k8s_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var serviceNames = []string{"accounts", "gateway", "mail", "oauth", "sessions"}

// TestPoliciesAreTheCalls compares who may reach whom with who calls whom: the
// programs' connections and the lists of callers that they let in.
func TestPoliciesAreTheCalls(t *testing.T) {
	t.Parallel()
	calls, callers := map[string][]string{}, map[string][]string{}
	for _, service := range serviceNames {
		calls[service], callers[service] = program(t, service)
	}
	for caller, called := range calls {
		for _, service := range called {
			assert.Contains(t, callers[service], caller, "%s calls %s, which refuses it", caller, service)
		}
	}
	for service, lets := range callers {
		for _, caller := range lets {
			assert.Contains(t, calls[caller], service, "%s lets %s in, which does not call it", service, caller)
		}
	}
	eachVariant(t, func(t *testing.T, o *objects) {
		reached := map[string][]string{}
		for _, from := range serviceNames {
			reached[from] = []string{}
			for _, to := range serviceNames {
				if reaches(o, pod(t, o, from), pod(t, o, to), 8080) {
					reached[from] = append(reached[from], to)
				}
			}
		}
		assert.Equal(t, calls, reached)
	})
}

func TestOnlyServicesWithADatabaseReachIt(t *testing.T) {
	t.Parallel()
	o := render(t, "dev")
	var found []string
	for _, w := range workloads(o) {
		if reaches(o, w.labels, pod(t, o, "postgres"), 5432) {
			found = append(found, w.name)
		}
	}
	assert.ElementsMatch(t, []string{
		"operator", "accounts", "accounts-migrate", "mail", "mail-migrate", "oauth", "oauth-migrate", "sessions", "sessions-migrate",
	}, found)
}

// TestOnlyOAuthReachesTheInternet looks at addresses, which the other services are given
// for single things only.
func TestOnlyOAuthReachesTheInternet(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, o *objects) {
		var found []string
		for _, w := range workloads(o) {
			for _, p := range of[*networkingv1.NetworkPolicy](o) {
				for _, rule := range p.Spec.Egress {
					if selects(&p.Spec.PodSelector, w.labels) && slices.ContainsFunc(rule.To, isWorld) {
						found = append(found, w.name)
						require.Len(t, rule.Ports, 1)
						assert.Equal(t, 443, rule.Ports[0].Port.IntValue())
					}
				}
			}
		}
		assert.Equal(t, []string{"oauth"}, slices.Compact(found))
	})
}

func isWorld(peer networkingv1.NetworkPolicyPeer) bool {
	return peer.IPBlock != nil && strings.HasSuffix(peer.IPBlock.CIDR, "/0")
}

func pod(t *testing.T, o *objects, name string) labels.Set {
	t.Helper()
	return workloadNamed(t, o, name).labels
}

// reaches tells whether policies let pods with these labels talk: out of the one and
// into the other, each of which a policy must close first.
func reaches(o *objects, from, to labels.Set, port int32) bool {
	out, in := false, false
	for _, p := range of[*networkingv1.NetworkPolicy](o) {
		for _, rule := range p.Spec.Egress {
			out = out || selects(&p.Spec.PodSelector, from) && hasPeer(rule.To, to) && hasPolicyPort(rule.Ports, port)
		}
		for _, rule := range p.Spec.Ingress {
			in = in || selects(&p.Spec.PodSelector, to) && hasPeer(rule.From, from) && hasPolicyPort(rule.Ports, port)
		}
	}
	return (out || !closed(o, from, networkingv1.PolicyTypeEgress)) && (in || !closed(o, to, networkingv1.PolicyTypeIngress))
}

func closed(o *objects, l labels.Set, direction networkingv1.PolicyType) bool {
	return slices.ContainsFunc(of[*networkingv1.NetworkPolicy](o), func(p *networkingv1.NetworkPolicy) bool {
		return selects(&p.Spec.PodSelector, l) && slices.Contains(p.Spec.PolicyTypes, direction)
	})
}

// hasPeer: no peers are everybody; those of other namespaces are none of ours.
func hasPeer(peers []networkingv1.NetworkPolicyPeer, l labels.Set) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(p networkingv1.NetworkPolicyPeer) bool {
		return p.NamespaceSelector == nil && p.PodSelector != nil && selects(p.PodSelector, l)
	})
}

func hasPolicyPort(ports []networkingv1.NetworkPolicyPort, port int32) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port == nil || p.Port.IntVal == port
	})
}

// policies: everything is closed, and what is opened is somebody's.
func policies(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		if !closed(o, w.labels, networkingv1.PolicyTypeIngress) || !closed(o, w.labels, networkingv1.PolicyTypeEgress) {
			problems = append(problems, w.String()+" is open")
		}
	}
	for _, p := range of[*networkingv1.NetworkPolicy](o) {
		if !anyWorkload(o, &p.Spec.PodSelector) {
			problems = append(problems, "NetworkPolicy "+p.Name+" selects nothing")
		}
		var peers []networkingv1.NetworkPolicyPeer
		for _, rule := range p.Spec.Ingress {
			peers = append(peers, rule.From...)
			if len(rule.From) == 0 || len(rule.Ports) == 0 {
				problems = append(problems, "NetworkPolicy "+p.Name+" lets in everybody, or everything")
			}
		}
		for _, rule := range p.Spec.Egress {
			peers = append(peers, rule.To...)
			if len(rule.To) == 0 || len(rule.Ports) == 0 {
				problems = append(problems, "NetworkPolicy "+p.Name+" lets out to everybody, or everything")
			}
		}
		for _, peer := range peers {
			if peer.NamespaceSelector == nil && peer.PodSelector != nil && !anyWorkload(o, peer.PodSelector) {
				problems = append(problems, fmt.Sprintf("NetworkPolicy %s names nobody with %v", p.Name, peer.PodSelector.MatchLabels))
			}
		}
	}
	return append(problems, unwatched(o)...)
}

// unwatched are services whose readiness nobody from Consul may ask for.
func unwatched(o *objects) []string {
	var problems []string
	for _, w := range workloads(o) {
		if !w.ours() || !w.serves() {
			continue
		}
		if !watchedByNode(o, w) && !slices.ContainsFunc(of[*networkingv1.NetworkPolicy](o), func(p *networkingv1.NetworkPolicy) bool {
			return p.Name == "to-consul" && selects(&p.Spec.PodSelector, w.labels) && slices.ContainsFunc(p.Spec.Ingress,
				func(r networkingv1.NetworkPolicyIngressRule) bool { return hasPolicyPort(r.Ports, debugPort(w)) })
		}) {
			problems = append(problems, "Consul cannot ask "+w.String()+" whether it is ready")
		}
	}
	return problems
}

func debugPort(w workload) int32 {
	ports := w.pod.Containers[0].Ports
	i := slices.IndexFunc(ports, func(p corev1.ContainerPort) bool { return p.Name == "debug" })
	if i < 0 {
		return -1
	}
	return ports[i].ContainerPort
}

// program reads, in a service's main.go, whom it connects to and whom it lets in.
func program(t *testing.T, service string) (calls, callers []string) {
	t.Helper()
	path := filepath.Join(root, "services", service, "cmd", service, "main.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	apis := map[string]string{} // by the name that the file gives them
	for _, i := range file.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		require.NoError(t, err)
		if name, ok := strings.CutPrefix(imported, "github.com/gatehouse-id/gatehouse/pkg/api/"); ok {
			local := name
			if i.Name != nil {
				local = i.Name.Name
			}
			apis[local] = name
		}
	}
	called := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && n.Sel.Name == "Name" && apis[x.Name] != "" && apis[x.Name] != service {
				called[apis[x.Name]] = true
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Callers" {
				list, ok := n.Value.(*ast.CompositeLit)
				require.True(t, ok)
				for _, e := range list.Elts {
					caller, ok := e.(*ast.SelectorExpr)
					require.True(t, ok)
					callers = append(callers, strings.ToLower(caller.Sel.Name))
				}
			}
		}
		return true
	})
	return slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(called)))), callers
}
