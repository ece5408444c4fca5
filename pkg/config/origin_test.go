package config_test

import (
	"testing"

	"github.com/gatehouse-id/gatehouse/pkg/config"
)

func TestOriginProblem(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"https://id.example.org", "https://id.example.org:8443", "http://localhost:8080", "http://127.0.0.1", "http://[::1]:1"} {
		if problem := config.OriginProblem("X", good); problem != "" {
			t.Errorf("%s: %s", good, problem)
		}
	}
	for _, bad := range []string{
		"", "id.example.org", "ftp://id.example.org", "http://id.example.org", "http://localhost.example.org", "https://", "https://:443",
		"https://id.example.org/", "https://id.example.org/id", "https://id.example.org?a=b", "https://id.example.org#a", "https://me@id.example.org", "%",
	} {
		if problem := config.OriginProblem("X", bad); problem == "" {
			t.Errorf("%q was taken", bad)
		}
	}
}
