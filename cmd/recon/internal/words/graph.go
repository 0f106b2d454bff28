package words

import (
	"strings"

	"recon/inventory/graph"
)

// Effects are what happens to things when another one is gone, in the words of a heading.
var Effects = []struct {
	Effect graph.Effect
	Title  string
}{
	{graph.Down, "Goes down with it"},
	{graph.Unreachable, "Nobody answers there any more"},
	{graph.NoStorage, "Loses disks or folders"},
	{graph.NoNetwork, "Loses the network"},
	{graph.NoNames, "Loses names"},
	{graph.NoLogin, "Nobody can log in"},
	{graph.Lacks, "Runs on without something that it calls"},
}

// EdgeKind is how one thing needs another, in words.
func EdgeKind(k graph.EdgeKind) string { return strings.ReplaceAll(string(k), "_", " ") }

// Evidence is by what an edge is known, and that it is not sure.
func Evidence(e *graph.Edge) string {
	if e.Sure {
		return e.Evidence
	}
	return e.Evidence + " (by its name)"
}

// Because is the way by which an effect came, from what it is done to.
func Because(a *graph.Affected) string {
	text := Evidence(a.Path[0])
	if len(a.Path) > 1 {
		text += "; through " + a.Path[0].To
	}
	if a.StaysDown {
		text += "; does not start again by itself"
	}
	return text
}
