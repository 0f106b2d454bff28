package providers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
)

// ErrFlood is wrapped when a source says more than anything of its kind has to say.
var ErrFlood = errors.New("it sends more than can be true")

// What one look at a source may cost. The configurations of a thousand guests have some
// 8 MiB and 200,000 values. A value costs memory however short it is, so that the
// number of values counts beside that of bytes, which are those of the decoded answer.
const (
	MaxBytes  = 64 << 20
	MaxValues = 1_500_000
)

// A Budget is what is left of one look at a source, or of one answer. It may be used by
// several goroutines.
type Budget struct{ bytes, values atomic.Int64 }

// NewBudget returns a budget.
func NewBudget(bytes, values int64) *Budget {
	b := &Budget{}
	b.bytes.Store(bytes)
	b.values.Store(values)
	return b
}

// JSON reads JSON for as long as the budgets last, of which nil has no end.
func JSON(r io.Reader, budgets ...*Budget) io.Reader { return &counted{r: r, budgets: budgets} }

// A counted reader counts the values of a JSON text as it passes: commas, and what
// opens an object or a list, outside of strings. It judges no syntax.
type counted struct {
	r                io.Reader
	budgets          []*Budget
	quoted, escaping bool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	values := int64(0)
	for _, ch := range p[:n] {
		switch {
		case c.escaping:
			c.escaping = false
		case c.quoted:
			c.escaping, c.quoted = ch == '\\', ch != '"'
		case ch == '"':
			c.quoted = true
		case ch == ',' || ch == '{' || ch == '[':
			values++
		}
	}
	for _, b := range c.budgets {
		if b != nil && (b.bytes.Add(int64(-n)) < 0 || b.values.Add(-values) < 0) {
			return 0, ErrFlood
		}
	}
	return n, err
}

type budgetKey struct{}

// WithBudget gives the requests of one look a budget in common.
func WithBudget(ctx context.Context, b *Budget) context.Context {
	return context.WithValue(ctx, budgetKey{}, b)
}

// BudgetOf returns the budget of the look that a request belongs to, nil without one.
func BudgetOf(ctx context.Context) *Budget {
	b, _ := ctx.Value(budgetKey{}).(*Budget)
	return b
}

// Caught runs a function and makes an error of its panic: a fault of recon in what it
// makes of one source spoils nothing else. The error has the place, for a report.
func Caught(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrFault, p, debug.Stack())
		}
	}()
	return do()
}

// ErrFault is wrapped when recon itself is wrong.
var ErrFault = errors.New("a fault of recon, please report it")
