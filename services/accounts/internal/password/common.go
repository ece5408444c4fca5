package password

import (
	_ "embed"
	"strings"
	"unicode/utf8"
)

// commonList has a password per line, folded and long enough: digits, walks
// over American, German and French keyboards, and the words of this domain.
//
//go:embed common.txt
var commonList string

// common are the passwords that guessing begins with (NIST SP 800-63B, section
// 3.1.1.2).
var common = listed(commonList)

func listed(text string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.Lines(text) {
		set[strings.TrimSpace(word)] = true
	}
	return set
}

// isCommon tells whether a password is among the first to be guessed: a listed
// one, in whatever case, one character again and again, or the digits in order.
func isCommon(normal string) bool {
	return common[fold(normal)] || sameCharacter(normal) || digitsInOrder(normal)
}

func sameCharacter(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	return strings.Trim(s, string(first)) == ""
}

// digitsInOrder tells whether there are only digits, each one more than the one
// before, or each one less; 0 follows 9.
func digitsInOrder(s string) bool {
	const ten = 10
	var step int
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		if i == 0 {
			continue
		}
		by := (int(s[i]) - int(s[i-1]) + ten) % ten
		if by != 1 && by != ten-1 || i > 1 && by != step {
			return false
		}
		step = by
	}
	return true
}
