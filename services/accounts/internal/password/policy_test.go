package password

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
)

var olli = Person{FirstName: "Olli", LastName: "Kahn", Email: "titan@example.com"}

func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		short    = "validation.password_too_short"
		long     = "validation.password_too_long"
		identity = "validation.password_contains_identity"
		common   = "validation.password_common"
		weak     = "validation.weak"
	)
	for _, tt := range []struct {
		name, password string
		person         Person
		broken         []string
	}{
		{"of the documentation", "WoWar1chUnsicher?", olli, nil},
		{"shortest", "kq7vzmw2px", olli, nil},
		{"longest", strings.Repeat("äb", 128), olli, nil},
		{"no composition rules", "correct horse battery staple", olli, nil},
		{"emoji", strings.Repeat("🦆🦢", 5), olli, nil},
		{"digits in no order", "481739026517", olli, nil},
		{"more than a common one", "password123 of mine, or not", olli, nil},
		{"weak only at its beginning", strings.Repeat("x", 20) + "zebra-quilt", olli, nil},

		{"digits", "1234567890", olli, []string{common}},
		{"digits from the middle", "890123456789", olli, []string{common}},
		{"digits downwards", "9876543210", olli, []string{common}},
		{"full-width digits", "１２３４５６７８９０", olli, []string{common}},
		{"one digit", "0000000000", olli, []string{common}},
		{"only spaces", strings.Repeat(" ", 10), olli, []string{common}},
		{"one emoji", strings.Repeat("🦆", 10), olli, []string{common}},
		{"common", "password123", olli, []string{common}},
		{"common, in another case", "QWERTZuiopÜ", olli, []string{common}},
		{"common but short", "12345678", olli, []string{short}},

		{"a word", "strawberry", olli, []string{weak}},
		{"a word, longer by habit", "Strawberry1!", olli, []string{weak}},
		{"in leet", "5tr4wb3rry", olli, []string{weak}},
		{"digits nearly in order", "1234567809", olli, []string{weak}},
		{"digits up and down", "1234565432", olli, []string{weak}},
		{"a short name and little else", "Ann1234567", Person{"Ann", "Lee", "al@example.com"}, []string{weak}},
		{"too long to be judged whole", strings.Repeat("x", 48) + "zebra-quilt", olli, []string{weak}},

		{"empty", "", olli, []string{"validation.required"}},
		{"nine characters", "nineletts", olli, []string{short}},
		{"257 characters", strings.Repeat("ä", 256) + "b", olli, []string{long}},
		{"far too long", strings.Repeat("x", 1<<20), olli, []string{long}},
		{"expands when normalised", strings.Repeat("\ufdfa", 20), olli, []string{long}},  // 18 characters each
		{"shrinks when normalised", strings.Repeat("e\u0301", 9), olli, []string{short}}, // 9 é
		{"not UTF-8", "tenletters\xff", olli, []string{"validation.utf8"}},
		{"NUL", "zebra-quilt\x00", olli, []string{"validation.control_characters"}},
		{"first name", "xxOLLIxxxx", olli, []string{identity}},
		{"last name", "1234kahn56", olli, []string{identity}},
		{"local part", "my-Titan-is-big", olli, []string{identity}},
		{"address", "titan@example.com", olli, []string{identity}},
		{"full-width name", "xxＯｌｌｉxxxx", olli, []string{identity}},
		{"sharp s", "12345STRASSE", Person{LastName: "Straße"}, []string{identity}},
		{"second name", "xxxmariaxxx", Person{FirstName: "Anna Maria"}, []string{identity}},
		{"short names count together", "xxxannleexxx", Person{"Ann", "Lee", ""}, []string{identity}},
		{"a short name alone does not", "annotations of zebras", Person{"Ann", "Lee", "al@example.com"}, nil},
		{"nobody in particular", "zebra-quilt", Person{}, nil},
		{"all at once", "kahn\x00", olli, []string{short, "validation.control_characters", identity}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v fault.Violations
			Check(&v, tt.password, tt.password, tt.person)
			if got := ids(v["password"]); !slices.Equal(got, tt.broken) {
				t.Fatalf("broken rules %v, want %v", got, tt.broken)
			}
			if len(v["password_confirmation"]) > 0 {
				t.Fatalf("the confirmation was the same: %v", v)
			}
		})
	}
}

func TestCheckConfirmation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ confirmation, field, broken string }{
		{"zebra-quilt", "", ""},
		{"ｚｅｂｒａ－ｑｕｉｌｔ", "", ""},
		{"zebra-Quilt", "password", "validation.confirmed"},
		{"", "password_confirmation", "validation.required"},
	} {
		var v fault.Violations
		Check(&v, "zebra-quilt", tt.confirmation, olli)
		if tt.field == "" {
			if v.Err() != nil {
				t.Errorf("%q: %v", tt.confirmation, v)
			}
			continue
		}
		if got := ids(v[tt.field]); len(v) != 1 || !slices.Equal(got, []string{tt.broken}) {
			t.Errorf("%q: %v, want %s: %s", tt.confirmation, v, tt.field, tt.broken)
		}
	}
}

func TestEveryRuleHasAText(t *testing.T) {
	t.Parallel()
	catalogue, err := i18n.New()
	if err != nil {
		t.Fatal(err)
	}
	var v fault.Violations
	Check(&v, "kahn\x00", "other", olli)
	Check(&v, strings.Repeat("x", 300), "", olli)
	Check(&v, "", "", olli)
	Check(&v, "\xff", "", olli)
	Check(&v, "1234567890", "", olli)
	Check(&v, "strawberry", "", olli)
	for _, m := range slices.Concat(v["password"], v["password_confirmation"]) {
		if text := catalogue.Text(i18n.English, m.ID, m.Args); text == m.ID {
			t.Errorf("%s is not in the catalogue", m.ID)
		}
	}
}

// TestTheListIsAsItIsLookedUp finds entries that could never match.
func TestTheListIsAsItIsLookedUp(t *testing.T) {
	t.Parallel()
	if len(common) < 150 {
		t.Fatalf("%d common passwords", len(common))
	}
	for word := range common {
		if word != fold(word) || utf8.RuneCountInString(word) < MinLength {
			t.Errorf("%q is not folded, or too short anyway", word)
		}
	}
}

func ids(all []fault.Message) []string {
	var out []string
	for _, m := range all {
		out = append(out, m.ID)
	}
	return out
}

// TestJudgingIsBounded takes what is slow to judge. The bound is wide, as other
// tests run at the same time; without the limits it takes a hundred times as long.
func TestJudgingIsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"all of leet": strings.Repeat(leet, 12), "a word in leet": strings.Repeat("p455w0rd1", 28),
		"what is many letters": strings.Repeat("7|1!x", 50), "mixed": strings.Repeat("ab1X", 64),
		"words": strings.Repeat("password", 32), "dates": strings.Repeat("1.1.2011", 32),
	} {
		start := time.Now()
		for range 5 {
			isWeak(text, olli)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s takes %v", name, took/5)
		} else {
			t.Logf("%s takes %v", name, took/5)
		}
	}
}
