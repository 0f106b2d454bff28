package pvesim

import (
	"fmt"
	"strconv"
	"strings"
)

// apiError is an answer other than 200. Its reason phrase is the first line
// of msg, its body carries msg with a final newline.
type apiError struct {
	status int
	msg    string
	errors map[string]string
	// plain sends msg as text/plain, bare an empty body.
	plain, bare bool
	// delay is waited for before the answer, outside every lock.
	delay delayKind
}

type delayKind int

const (
	noDelay delayKind = iota
	authDelay
	nodeDelay
	agentDelay
)

func (e *apiError) Error() string { return e.msg }

// die is what a Perl die becomes: 500 with the text as reason.
func die(format string, args ...any) error {
	return &apiError{status: 500, msg: fmt.Sprintf(format, args...)}
}

// badParams is 400 with the map of parameters.
func badParams(errs map[string]string) error {
	return &apiError{status: 400, msg: "Parameter verification failed.", errors: errs}
}

func badParam(name, text string) error {
	return badParams(map[string]string{name: text})
}

// denied is 403 with PVE's text.
func denied(what string) error {
	return &apiError{status: 403, msg: "Permission check failed (" + what + ")"}
}

func itoa(n int) string { return strconv.Itoa(n) }

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// splitList is PVE::Tools::split_list: commas, semicolons, blanks and NULs
// separate.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return strings.ContainsRune(",; \t\n\r\x00", r)
	})
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}
