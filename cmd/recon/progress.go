package main

import (
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"recon/cmd/recon/internal/words"
)

// A progress shows long work on a terminal: what, n of m, elapsed. It is wiped
// when the work has ended.
type progress struct {
	pool *mpb.Progress
	bars map[string]*mpb.Bar
}

// showProgress notes how far a piece of work has come. Nothing is shown when
// stderr is no terminal.
func (c *cli) showProgress(what string, done, total int) {
	if c.quiet || c.json() || c.stderr.Terminal() == nil {
		return
	}
	c.progressLock.Lock()
	defer c.progressLock.Unlock()
	if c.progress == nil {
		c.progress = &progress{pool: mpb.New(mpb.WithOutput(c.stderr.Terminal()), mpb.WithWidth(30)), bars: map[string]*mpb.Bar{}}
	}
	c.progress.set(words.Clean(c.secrets.Text(what)), done, total)
}

func (p *progress) set(what string, done, total int) {
	bar := p.bars[what]
	if bar == nil {
		bar = p.pool.AddBar(int64(total), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(what+" ")),
			mpb.AppendDecorators(decor.CountersNoUnit("%d of %d "), decor.Elapsed(decor.ET_STYLE_GO)))
		p.bars[what] = bar
	}
	bar.SetCurrent(int64(done))
}

// endProgress wipes what is shown.
func (c *cli) endProgress() {
	c.progressLock.Lock()
	defer c.progressLock.Unlock()
	if c.progress == nil {
		return
	}
	for _, bar := range c.progress.bars {
		bar.Abort(true)
	}
	c.progress.pool.Wait()
	c.progress = nil
}
