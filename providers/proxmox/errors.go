package proxmox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"recon/providers"
)

// An APIError is an answer of Proxmox that is no success. The status codes are
// those of pve-http-server: besides HTTP's own, 595 is a node that cannot be
// reached, 596 a connection to a node that broke or timed out.
type APIError struct {
	Method, Path string
	Status       int
	Message      string            // the server's words
	Fields       map[string]string // what is wrong with each parameter
}

// Error names the call, the status and the server's words.
func (e *APIError) Error() string {
	msg := strings.TrimSpace(e.Message)
	if msg == "" {
		msg = http.StatusText(e.Status)
	}
	keys := make([]string, 0, len(e.Fields))
	for k := range e.Fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		msg += fmt.Sprintf("; %s: %s", k, strings.TrimSpace(e.Fields[k]))
	}
	return fmt.Sprintf("%s %s: %d %s", e.Method, e.Path, e.Status, msg)
}

// Unwrap classifies the answer for callers that know only providers.
func (e *APIError) Unwrap() error {
	switch {
	case e.Status >= 596 && e.Status <= 599 && e.Method != http.MethodGet:
		return providers.ErrOutcomeUnknown
	case changedText(e.Message):
		return providers.ErrChangedMeanwhile
	}
	return nil
}

// changedText reports the words with which Proxmox refuses a digest, in an answer or at
// the end of a task.
func changedText(text string) bool {
	return strings.Contains(text, "checksum mismatch (file change by other user?)") ||
		strings.Contains(text, "detected modified configuration - file changed by other user?")
}

// statusOf returns the status of an API error, 0 for any other error.
func statusOf(err error) int {
	var e *APIError
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

// nodeDown reports an answer that says that the node behind the API cannot be
// reached.
func nodeDown(err error) bool { s := statusOf(err); return s >= 595 && s <= 599 }

// guestMissing reports the answer for a guest that is not on the node asked: 500
// with a text, never 404.
func guestMissing(err error) bool {
	var e *APIError
	return errors.As(err, &e) && e.Status == http.StatusInternalServerError &&
		strings.Contains(e.Message, "Configuration file 'nodes/") && strings.Contains(e.Message, "does not exist")
}
