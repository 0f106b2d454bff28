package term

import (
	"bytes"
	"strings"
	"testing"

	"recon/cmd/recon/internal/words"
	"recon/inventory"
	"recon/inventory/contextfile"
)

// TestEveryEventHasWords: on a terminal and in documents.
func TestEveryEventHasWords(t *testing.T) {
	for _, kind := range inventory.EventKinds() {
		e := inventory.Event{Kind: kind, Address: inventory.Address{Kind: "vm", Name: "a"}, Identity: "home/100"}
		var out bytes.Buffer
		(&Printer{W: NewWriter(&out, nil)}).Events([]inventory.Event{e}, false)
		if _, text := words.Event(&e, words.Clean); text == "" || !strings.Contains(out.String(), "vm.a "+text) {
			t.Errorf("%s is printed as %q", kind, out.String())
		}
		if contextfile.EventText(&e) == "" {
			t.Errorf("%s has no words in documents", kind)
		}
	}
}
