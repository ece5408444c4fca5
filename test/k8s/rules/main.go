// Command rules writes the alerts of deploy/prometheus as a PrometheusRule, because
// kustomize reads nothing outside of its folder.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sigs.k8s.io/yaml"
)

const (
	source = "../../deploy/prometheus/rules/*.yml"
	target = "../../k8s/components/monitoring/rules.yaml"
	header = "# Generated from deploy/prometheus/rules by \"make generate\". Do not edit.\n"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "rules:", err)
		os.Exit(1)
	}
}

func write() error {
	files, err := filepath.Glob(source)
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no rules at %s: %w", source, err)
	}
	slices.Sort(files)
	var groups []any
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var rules struct {
			Groups []any `json:"groups"`
		}
		if err := yaml.UnmarshalStrict(text, &rules); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		groups = append(groups, rules.Groups...)
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "monitoring.coreos.com/v1",
		"kind":       "PrometheusRule",
		"metadata":   map[string]any{"name": "gatehouse"},
		"spec":       map[string]any{"groups": groups},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(target, bytes.Join([][]byte{[]byte(header), text}, nil), 0o644)
}
