package providers

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestFloodsEnd: an answer ends where it says more than can be true, in bytes or in values
// however short; commas within strings are none.
func TestFloodsEnd(t *testing.T) {
	for name, row := range map[string]struct {
		text string
		ends bool
	}{
		"in bounds":       {`[{"a": 1, "b": "x,,,,,,,,[[[[[[\",,,,"}]`, false},
		"empty objects":   {"[" + strings.Repeat("{},", 20) + "{}]", true},
		"nested":          {strings.Repeat("[", 20), true},
		"one long string": {`"` + strings.Repeat("a", 200) + `"`, true},
	} {
		whole, each := NewBudget(100, 12), NewBudget(1000, 1000)
		_, err := io.Copy(io.Discard, JSON(iotest.OneByteReader(strings.NewReader(row.text)), nil, each, whole))
		if errors.Is(err, ErrFlood) != row.ends {
			t.Errorf("%s: %v", name, err)
		}
	}
	two := NewBudget(100, 100)
	for i := range 3 {
		_, err := io.Copy(io.Discard, JSON(strings.NewReader(strings.Repeat("x", 40)), two))
		if errors.Is(err, ErrFlood) != (i == 2) {
			t.Errorf("answer %d of one look: %v", i, err)
		}
	}
}

// TestCaught: a panic is an error that says that recon is wrong, and where.
func TestCaught(t *testing.T) {
	err := Caught(func() error {
		var none *strings.Reader
		return none.UnreadByte()
	})
	if !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), "budget_test.go") {
		t.Errorf("got %v", err)
	}
	if err := Caught(func() error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
