package input

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, want string
		broken         []string
	}{
		{"plain", "Olli", "Olli", nil},
		{"trimmed", " \t Olli Kahn \n", "Olli Kahn", nil},
		{"composed", "Zoe\u0308", "Zo\u00eb", nil},
		{"joiner of Persian", "می\u200cخواهم", "می\u200cخواهم", nil},
		{"longest", strings.Repeat("ä", 1000), strings.Repeat("ä", 1000), nil},
		{"empty", "", "", []string{"validation.required"}},
		{"blank", " \t\u00a0\u3000", "", []string{"validation.required"}},
		{"too long", strings.Repeat("ä", 1001), "", []string{"validation.max_length"}},
		{"NUL", "Ol\x00li", "", []string{"validation.control_characters"}},
		{"line break", "Olli\r\nBcc: all@example.com", "", []string{"validation.control_characters"}},
		{"line separator", "Olli\u2028Kahn", "", []string{"validation.control_characters"}},
		{"C1", "Olli\u0085Kahn", "", []string{"validation.control_characters"}},
		{"turned around", "Olli \u202enhaK", "", []string{"validation.control_characters"}},
		{"isolated", "Olli \u2066Kahn", "", []string{"validation.control_characters"}},
		{"not UTF-8", "Olli\xff", "", []string{"validation.utf8"}},
		{"all at once", strings.Repeat("a\x00", 1000), "", []string{"validation.max_length", "validation.control_characters"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v fault.Violations
			got := Name(&v, "first_name", tt.in)
			if broken := messages(v["first_name"]); !slices.Equal(broken, tt.broken) {
				t.Fatalf("broken rules %v, want %v", broken, tt.broken)
			}
			if tt.broken == nil && got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestOptionalNameMayBeEmpty(t *testing.T) {
	t.Parallel()
	var v fault.Violations
	if got := OptionalName(&v, "first_name", "  "); got != "" || v.Err() != nil {
		t.Fatalf("got %q, %v", got, v.Err())
	}
	OptionalName(&v, "first_name", "\x00")
	if v.Err() == nil {
		t.Fatal("a control character must be refused")
	}
}

func TestOriginIsStorable(t *testing.T) {
	t.Parallel()
	got := Origin(api.Origin{
		Address:   "2001:db8::1\x00" + strings.Repeat("9", 100),
		UserAgent: "Browser\x00\r\n\xff/1 " + strings.Repeat("é", 400),
	})
	if !strings.HasPrefix(got.Address, "2001:db8::1999") || len(got.Address) > 64 {
		t.Errorf("address %q", got.Address)
	}
	if !strings.HasPrefix(got.UserAgent, "Browser/1 é") || len(got.UserAgent) > 512 || !utf8.ValidString(got.UserAgent) {
		t.Errorf("user agent %q", got.UserAgent)
	}
	plain := api.Origin{Address: "192.0.2.7", UserAgent: "Browser/1 (Ä)"}
	if diff := cmp.Diff(plain, Origin(plain)); diff != "" {
		t.Error(diff)
	}
}

func messages(all []fault.Message) []string {
	var out []string
	for _, m := range all {
		out = append(out, m.ID)
	}
	return out
}
