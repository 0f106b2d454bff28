package term

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"recon/inventory/graph"
)

// ErrNoGraphviz is wrapped when there is no dot(1) to draw with.
var ErrNoGraphviz = errors.New("the program dot of Graphviz is not installed")

// Draw renders a graph as dot, mermaid, svg or png. The last two are dot(1)'s, which is
// not built in: as WebAssembly it would be compiled at the start of every command.
func Draw(ctx context.Context, format string, g *graph.Graph) ([]byte, error) {
	switch format {
	case "dot":
		return []byte(g.DOT()), nil
	case "mermaid":
		return []byte(g.Mermaid()), nil
	}
	program, err := exec.LookPath("dot")
	if err != nil {
		return nil, fmt.Errorf("draw the graph: %w", ErrNoGraphviz)
	}
	cmd := exec.CommandContext(ctx, program, "-T"+format)
	cmd.Stdin = strings.NewReader(g.DOT())
	var said bytes.Buffer
	cmd.Stderr = &said
	b, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("draw the graph: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return b, nil
}
