package wire

import (
	"reflect"
	"strings"
	"testing"
)

// text is a position as a client would write it.
func text(starts []Start, topics []string) string {
	var parts []string
	for i, s := range starts {
		parts = append(parts, topics[i]+"@"+s.String())
	}
	return strings.Join(parts, ",")
}

// FuzzPosition: a position is refused, or means one start for each topic, and
// means the same when it is written out.
func FuzzPosition(f *testing.F) {
	for _, position := range []string{"", "0", "$", "0-0", "5-7", "a@5-7,b@0", "b@$,a@5-7", "a@5-7,c@1-1", "a@5-7,a@5-7", "a@", "@1-1", "a@1-1,",
		"a@18446744073709551615-18446744073709551615,b@18446744073709551616-0", "a@01-1", "a@b@1-1", "a@1-1\n", "a@1-1,c@x"} {
		f.Add(position, uint8(2))
		f.Add(position, uint8(1))
	}
	f.Fuzz(func(t *testing.T, position string, n uint8) {
		topics := []string{"a", "b", "long.name_-", "d"}[:1+n%4]
		starts, err := ParsePosition(position, topics)
		if err != nil {
			if starts != nil {
				t.Errorf("%q: %v and %v", position, starts, err)
			}
			return
		}
		if len(starts) != len(topics) {
			t.Fatalf("%q: %d starts in %d topics", position, len(starts), len(topics))
		}
		for i, s := range starts {
			if s.Head && !s.ID.IsZero() {
				t.Errorf("%q: start %d is the head and %v", position, i, s.ID)
			}
		}
		again, err := ParsePosition(text(starts, topics), topics)
		if err != nil || !reflect.DeepEqual(again, starts) {
			t.Errorf("%q is %v; written out, %q, it is %v, %v", position, starts, text(starts, topics), again, err)
		}
	})
}
