package term

import (
	"bytes"
	"strings"
	"testing"
)

// TestCommandsStayWhole: prose is wrapped, a command that somebody pastes is not.
func TestCommandsStayWhole(t *testing.T) {
	var out bytes.Buffer
	command := "      pveum acl modify / --users recon@pve --tokens 'recon@pve!recon' --roles PVEAuditor,ReconLook"
	(&Printer{W: NewWriter(&out, nil), Width: 60}).Hint("make a token that may only look, and do that on one of the nodes of the cluster:", command)
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != 3 || lines[2] != command || len(lines[0]) > 60 {
		t.Errorf("it prints\n%s", &out)
	}
}
