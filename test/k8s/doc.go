// Package k8s tests what an operator applies to Kubernetes: it renders the overlays as
// kubectl does, decodes every object strictly, and checks rules that no schema knows.
package k8s

//go:generate go run ./rules
