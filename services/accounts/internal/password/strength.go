package password

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go"
	"github.com/ccojocar/zxcvbn-go/match"
	"github.com/ccojocar/zxcvbn-go/matching"
)

// minScore is the least score of zxcvbn, from 0 to 4, of a password: it takes
// more than 10^8 guesses. Logins are throttled far below that, and a stolen
// hash costs argon2id per guess; a higher one would refuse phrases that people
// can remember.
const minScore = 2

// maxJudged is how much of a password is judged, in characters: the time that
// takes grows with the square of the length. What is strong up to there is
// strong.
const maxJudged = 48

// leet are the characters that can stand for letters, and maxLeet is how many
// different ones of them a word may be sought behind: each multiplies the words
// to look up, and who uses more has written no word.
const (
	leet    = "4@8({[<3691!|0$5+7%2"
	maxLeet = 5
)

// isWeak tells whether a password is easy to guess for whoever knows words,
// names, keyboards and habits.
func isWeak(normal string, p Person) bool {
	judged := cut(normal)
	var without []func(match.Matcher) bool
	if substitutes(judged) > maxLeet {
		without = append(without, matching.FilterL33tMatcher)
	}
	return zxcvbn.PasswordStrength(judged, p.words(), without...).Score < minScore
}

// substitutes is how many different characters may stand for letters.
func substitutes(s string) (n int) {
	for _, r := range leet {
		if strings.ContainsRune(s, r) {
			n++
		}
	}
	return n
}

// words are what others know of a person, as zxcvbn takes it.
func (p Person) words() []string {
	words := slices.DeleteFunc(p.parts(), func(part string) bool { return part == "" })
	for i, word := range words {
		words[i] = cut(word)
	}
	return words
}

func cut(s string) string {
	if utf8.RuneCountInString(s) <= maxJudged {
		return s
	}
	return string([]rune(s)[:maxJudged])
}
