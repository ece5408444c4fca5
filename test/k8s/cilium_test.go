package k8s_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// ciliumNetworkPolicy is what we use of it, whose own module brings very much.
type ciliumNetworkPolicy struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		EndpointSelector metav1.LabelSelector `json:"endpointSelector"`
		Ingress          []struct {
			FromEntities []string      `json:"fromEntities"`
			ToPorts      []ciliumPorts `json:"toPorts"`
		} `json:"ingress"`
		Egress []struct {
			ToEntities []string      `json:"toEntities"`
			ToPorts    []ciliumPorts `json:"toPorts"`
		} `json:"egress"`
	} `json:"spec"`
}

type ciliumPorts struct {
	Ports []struct {
		Port     string `json:"port"`
		Protocol string `json:"protocol"`
	} `json:"ports"`
}

// DeepCopyObject implements runtime.Object; the tests copy none.
func (p *ciliumNetworkPolicy) DeepCopyObject() runtime.Object { return p }

func addCiliumToScheme(s *runtime.Scheme) error {
	s.AddKnownTypeWithName(schema.GroupVersionKind{Group: "cilium.io", Version: "v2", Kind: "CiliumNetworkPolicy"}, &ciliumNetworkPolicy{})
	return nil
}

func hasCiliumPort(all []ciliumPorts, port int32) bool {
	return slices.ContainsFunc(all, func(p ciliumPorts) bool {
		return slices.ContainsFunc(p.Ports, func(one struct {
			Port     string `json:"port"`
			Protocol string `json:"protocol"`
		},
		) bool {
			return one.Port == strconv.Itoa(int(port)) && one.Protocol == "TCP"
		})
	})
}

// watchedByNode tells whether what runs on the pod's node may ask whether it is ready, by
// a policy of Cilium's.
func watchedByNode(o *objects, w workload) bool {
	return slices.ContainsFunc(of[*ciliumNetworkPolicy](o), func(p *ciliumNetworkPolicy) bool {
		return selects(&p.Spec.EndpointSelector, w.labels) && len(p.Spec.Ingress) == 1 && slices.Equal(p.Spec.Ingress[0].FromEntities, []string{"host"}) &&
			hasCiliumPort(p.Spec.Ingress[0].ToPorts, debugPort(w))
	})
}

// TestConsulIsReachedWhereverItsAgentsAre: each of the three policies opens the same two
// ports to the same pods, and is the only one.
func TestConsulIsReachedWhereverItsAgentsAre(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"prod", "prod with Consul by Helm", "prod with Cilium"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := render(t, name)
			require.Empty(t, policies(o))
			if name == "prod with Cilium" {
				p := of[*ciliumNetworkPolicy](o)
				require.Len(t, p, 1)
				require.Len(t, p[0].Spec.Egress, 1)
				assert.Equal(t, []string{"host"}, p[0].Spec.Egress[0].ToEntities)
				assert.True(t, hasCiliumPort(p[0].Spec.Egress[0].ToPorts, 8500))
				p[0].Spec.Ingress[0].ToPorts[0].Ports[0].Port = "9091"
			} else {
				p := newMistake(t, o).policy("to-consul")
				assert.Empty(t, of[*ciliumNetworkPolicy](o))
				assert.True(t, hasPolicyPort(p.Spec.Egress[0].Ports, 8500))
				assert.False(t, hasPolicyPort(p.Spec.Egress[0].Ports, 443))
				p.Spec.Ingress[0].Ports[0].Port.IntVal = 9091
			}
			assert.Contains(t, strings.Join(policies(o), "\n"), "Consul cannot ask")
		})
	}
}
