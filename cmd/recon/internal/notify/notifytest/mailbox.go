// Package notifytest has what notices are sent to in tests.
package notifytest

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A Mailbox is a mail server that takes one message after the other.
type Mailbox struct {
	net.Listener
	mu    sync.Mutex
	mails []string
}

// NewMailbox opens a mail server, until the test ends.
func NewMailbox(t testing.TB) *Mailbox {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &Mailbox{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			m.serve(conn)
		}
	}()
	return m
}

// Mails are the messages that came so far.
func (m *Mailbox) Mails() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

func (m *Mailbox) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewScanner(conn)
	say := func(text string) { fmt.Fprintf(conn, "%s\r\n", text) }
	say("220 mailbox")
	for in.Scan() {
		switch verb, _, _ := strings.Cut(in.Text(), " "); strings.ToUpper(verb) {
		case "DATA":
			say("354 go on")
			var body []string
			for in.Scan() && in.Text() != "." {
				body = append(body, in.Text())
			}
			m.mu.Lock()
			m.mails = append(m.mails, strings.Join(body, "\n"))
			m.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		case "EHLO":
			say("250-mailbox\r\n250-8BITMIME\r\n250 AUTH PLAIN")
		case "AUTH":
			say("235 welcome")
		default:
			say("250 yes")
		}
	}
}
