package k8s_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	certmanager "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

// objects are what a variant consists of.
type objects struct {
	all       []runtime.Object
	databases map[string]string // by the Secret with the address, those that a test has
}

// of are the objects of one type, which is a pointer's.
func of[T runtime.Object](o *objects) []T {
	var found []T
	for _, object := range o.all {
		if one, ok := object.(T); ok {
			found = append(found, one)
		}
	}
	return found
}

// named is the object of a type with that name.
func named[T interface {
	runtime.Object
	metav1.Object
}](o *objects, name string) (T, bool) {
	all := of[T](o)
	i := slices.IndexFunc(all, func(one T) bool { return one.GetName() == name })
	if i < 0 {
		var none T
		return none, false
	}
	return all[i], true
}

// decode takes only fields that there are, each at most once.
func decode(text []byte) (*objects, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, autoscalingv2.AddToScheme,
		networkingv1.AddToScheme, policyv1.AddToScheme,
		certmanager.AddToScheme, monitoring.AddToScheme, gateway.Install, addCiliumToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(text)))
	found := &objects{databases: map[string]string{}}
	buffer := make([]byte, 1<<20)
	for {
		n, err := documents.Read(buffer)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		object, _, err := decoder.Decode(buffer[:n], nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, buffer[:n])
		}
		found.all = append(found.all, object)
	}
}

// workload is something that makes pods.
type workload struct {
	kind, name string
	labels     labels.Set            // of its pods
	selector   *metav1.LabelSelector // nil: chosen by Kubernetes
	meta       *metav1.ObjectMeta    // of its pods
	pod        *corev1.PodSpec
}

func (w workload) String() string { return w.kind + " " + w.name }

// serves tells whether it does something as long as it runs, other than a Job and the
// command line.
func (w workload) serves() bool { return w.kind != "Job" && !w.operates() }

// operates tells whether it is there for commands to be run in it.
func (w workload) operates() bool { return w.labels["app.kubernetes.io/component"] == "operator" }

// ours tells whether it runs one of our programs.
func (w workload) ours() bool { return w.labels["app.kubernetes.io/component"] != "" }

func workloads(o *objects) []workload {
	var found []workload
	add := func(kind, name string, template *corev1.PodTemplateSpec, selector *metav1.LabelSelector) {
		found = append(found, workload{kind, name, template.Labels, selector, &template.ObjectMeta, &template.Spec})
	}
	for _, d := range of[*appsv1.Deployment](o) {
		add("Deployment", d.Name, &d.Spec.Template, d.Spec.Selector)
	}
	for _, s := range of[*appsv1.StatefulSet](o) {
		add("StatefulSet", s.Name, &s.Spec.Template, s.Spec.Selector)
	}
	for _, j := range of[*batchv1.Job](o) {
		add("Job", j.Name, &j.Spec.Template, nil)
	}
	return found
}

// selects tells whether a selector chooses these labels.
func selects(selector *metav1.LabelSelector, l labels.Set) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(l)
}

func anyWorkload(o *objects, selector *metav1.LabelSelector) bool {
	return slices.ContainsFunc(workloads(o), func(w workload) bool { return selects(selector, w.labels) })
}

func exactly(l map[string]string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: l}
}

// environment is what the container's variables are set to; what only a running pod
// knows is made up. missing are ConfigMaps that are not there.
func environment(o *objects, c *corev1.Container) (values map[string]string, missing []string) {
	values = map[string]string{}
	for _, from := range c.EnvFrom {
		settings, ok := named[*corev1.ConfigMap](o, from.ConfigMapRef.Name)
		if !ok {
			missing = append(missing, from.ConfigMapRef.Name)
			continue
		}
		for name, value := range settings.Data {
			values[name] = value
		}
	}
	for _, e := range c.Env {
		value := e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			value = map[string]string{"status.podIP": "10.1.2.3", "status.hostIP": "10.0.0.7"}[e.ValueFrom.FieldRef.FieldPath]
		}
		values[e.Name] = expand(value, values)
	}
	return values, missing
}
