package tokens

import (
	"math/rand/v2"
	"strings"
)

// words are pieces as tokenizers make them: with blanks, line ends, quotes and
// letters that take several bytes.
var words = []string{" the", " of", " and", " stream", " event", "ing", ",", ".", ".\n\n", " \"quoted\"", " `code`", "\n- ", " naïve", " 東京", " \\n", " {\"a\":1}", " 🙂", " data:", "\n", " id: 5", "é", "\t", " 3.14", " cursor"}

// text makes the tokens of an answer: the same for the same answer.
func text(run uint32, answer, tokens int) []string {
	random := rand.New(rand.NewPCG(uint64(run), uint64(answer)))
	all := make([]string, tokens)
	for i := range all {
		all[i] = words[random.IntN(len(words))]
	}
	return all
}

// differs returns where two texts begin to differ; below zero: nowhere.
func differs(a, b string) int {
	if a == b {
		return -1
	}
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// joined is the text of tokens.
func joined(tokens []string) string { return strings.Join(tokens, "") }
