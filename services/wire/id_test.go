package wire

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestParseID(t *testing.T) {
	for _, c := range []struct {
		text string
		want ID
	}{
		{"0", ID{}},
		{"0-0", ID{}},
		{"0-1", ID{0, 1}},
		{"1763820000000-0", ID{1763820000000, 0}},
		{"18446744073709551615-18446744073709551615", MaxID},
	} {
		if id, err := ParseID(c.text); err != nil || id != c.want {
			t.Errorf("ParseID(%q) = %v, %v; want %v", c.text, id, err, c.want)
		}
	}
	for _, text := range []string{
		"", "-", "1", "1-", "-1", "$", "1-2-3", "01-2", "1-02", "00-0", "+1-2", "1-+2", "-1-2", "1--2", " 1-2", "1-2 ", "1-2\n",
		"1_0-2", "0x1-2", "1.0-2", "18446744073709551616-0", "0-18446744073709551616", strings.Repeat("1", 500) + "-0", "a-b", "1–2",
	} {
		if id, err := ParseID(text); err != ErrBadID {
			t.Errorf("ParseID(%q) = %v, %v; want %v", text, id, err, ErrBadID)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, text := range []string{"0", "0-0", "1763820000000-17", "1-01", "18446744073709551615-18446744073709551615", "--", "1-"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			return
		}
		if text != id.String() && text != "0" {
			t.Errorf("%q is read as %v, so there are two spellings", text, id)
		}
		if again, err := ParseID(id.String()); err != nil || again != id {
			t.Errorf("%v is read as %v, %v", id, again, err)
		}
	})
}

func TestIDOrder(t *testing.T) {
	ids := []ID{{}, {0, 1}, {0, math.MaxUint64}, {1, 0}, {1, 1}, {2, 0}, {math.MaxUint64, 0}, MaxID}
	for i, a := range ids {
		for j, b := range ids {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if a.Compare(b) != want || a.Less(b) != (want < 0) {
				t.Errorf("%v to %v: %d, %v", a, b, a.Compare(b), a.Less(b))
			}
		}
		if a.IsZero() != (i == 0) {
			t.Errorf("%v is zero: %v", a, a.IsZero())
		}
	}
	if !slices.IsSortedFunc(ids, ID.Compare) {
		t.Error("they are not sorted")
	}
	if got, want := (ID{5, math.MaxUint64}).Next(), (ID{6, 0}); got != want {
		t.Errorf("next is %v, want %v", got, want)
	}
}
