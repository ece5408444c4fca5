package ids

import (
	"bytes"
	"strings"
	"testing"
)

func TestNewIsValidAndUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := New()
		if !Valid(id) {
			t.Fatalf("New() = %q is not valid", id)
		}
		if seen[id] {
			t.Fatalf("New() gave %q twice", id)
		}
		seen[id] = true
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want bool
	}{
		{strings.Repeat("0a", 20), true},
		{strings.Repeat("f", 40), true},
		{"", false},
		{strings.Repeat("f", 39), false},
		{strings.Repeat("f", 41), false},
		{strings.Repeat("F", 40), false},
		{strings.Repeat("g", 40), false},
		{strings.Repeat("0", 39) + "\x00", false},
		{strings.Repeat("ä", 20), false},
	} {
		if got := Valid(tt.in); got != tt.want {
			t.Errorf("Valid(%q) = %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestDigestHidesTheSecret(t *testing.T) {
	t.Parallel()
	secret := New()
	digest := Digest(secret)
	if len(digest) != 32 || bytes.Contains(digest, []byte(secret)) {
		t.Fatalf("Digest(%q) = %x", secret, digest)
	}
	if !bytes.Equal(digest, Digest(secret)) || bytes.Equal(digest, Digest(New())) {
		t.Fatal("a digest must be the same for the same secret, and only for that")
	}
}
