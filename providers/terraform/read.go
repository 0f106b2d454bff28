package terraform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"recon/inventory"
	"recon/inventory/localfile"
	"recon/providers"
)

// Read reads the state. The snapshot has no observations: a state proves neither
// presence nor absence. What it says is in Guests. An error means that nothing is
// known of what Terraform owns.
func (p *Provider) Read(ctx context.Context, _ []inventory.Resource) (inventory.Snapshot, error) {
	s, err := p.state(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.guests, p.hidden, p.code = nil, nil, map[string][]*hclsyntax.Block{}
	if err != nil {
		return inventory.Snapshot{}, err
	}
	p.guests = guests(s, p.Name())
	for _, g := range p.guests {
		p.hidden = append(p.hidden, g.hidden...)
	}
	return inventory.Snapshot{Provider: p.Name(), Complete: true, Quorate: true}, nil
}

// Guests returns what the last Read found, in the order of their addresses.
func (p *Provider) Guests() []*Guest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.guests
}

func (p *Provider) state(ctx context.Context) (*state, error) {
	data, err := p.data(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, providers.JSON(bytes.NewReader(data), providers.NewBudget(localfile.Large, providers.MaxValues))); err != nil {
		return nil, fmt.Errorf("read %s: %w", p.where(), err)
	}
	s, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p.where(), err)
	}
	return s, nil
}

// where names the source as it is written.
func (p *Provider) where() string {
	switch {
	case p.cfg.State != "":
		return p.cfg.State
	case p.cfg.JSON != "":
		return p.cfg.JSON
	}
	return "the state of " + p.cfg.Directory
}

func (p *Provider) data(ctx context.Context) ([]byte, error) {
	switch {
	case p.cfg.Directory != "":
		return p.pull(ctx)
	case p.cfg.JSON != "":
		return p.file(p.cfg.JSON)
	}
	if err := p.checkLock(p.path(p.cfg.State)); err != nil {
		return nil, err
	}
	return p.file(p.cfg.State)
}

func (p *Provider) file(name string) ([]byte, error) {
	data, err := localfile.Read(p.path(name), localfile.Large)
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return nil, fmt.Errorf("read %s: %w", name, pathErr.Err)
	}
	return data, err
}

// checkLock reports a run that holds the local backend's lock on a state file: what
// stands there is about to change. The lock is a file beside the state
// (internal/states/statemgr/filesystem.go).
func (p *Provider) checkLock(stateFile string) error {
	name := filepath.Join(filepath.Dir(stateFile), "."+filepath.Base(stateFile)+".lock.info")
	data, err := localfile.Read(name, localfile.Large)
	if err != nil {
		return nil // no lock, or none that can be seen
	}
	var lock struct{ Operation, Who, Created string }
	if json.Unmarshal(data, &lock) != nil || lock.Who == "" {
		lock.Who, lock.Operation = "somebody", "a run"
	}
	return fmt.Errorf("%w (%s by %s since %s); if no terraform is running, delete %s", ErrLocked, lock.Operation, lock.Who, lock.Created, filepath.Base(name))
}
