package factcheck

import (
	"runtime"
	"sync"

	"recon/inventory/factcheck/source"
)

// Options say what a check may rely on.
type Options struct {
	// Tree is what lies beside the documents; nil leaves references alone.
	Tree *Tree
}

// Check finds what contradicts the truth or another document. The findings are
// sorted: the worst first, those of one subject together.
func Check(docs []source.Document, truth *Truth, opts Options) []Finding {
	if truth == nil {
		truth = &Truth{}
	}
	pages := readAll(docs)
	r := newRoster(truth, pages)
	said := make([][]statement, len(pages))
	each(len(pages), func(i int) { said[i] = statementsOf(r, pages[i]) })
	c := &court{truth: truth, roster: r}
	for _, list := range said {
		for i := range list {
			c.hear(&list[i])
		}
	}
	out := c.findings()
	if opts.Tree != nil {
		out = append(out, references(pages, opts.Tree)...)
	}
	return sorted(out)
}

// readAll reads documents: each by itself.
func readAll(docs []source.Document) []*source.Page {
	pages, r := make([]*source.Page, len(docs)), source.NewReader()
	each(len(docs), func(i int) { pages[i] = r.Read(&docs[i]) })
	return pages
}

// each calls a function for the numbers below n, several at a time.
func each(n int, do func(i int)) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
