// Package llm asks a language model, by the API of OpenAI that Ollama, llama.cpp, vLLM and
// others speak (POST /chat/completions). It sends what it is given: what may be sent is
// decided before. Without leave it reaches this machine alone, whatever a name leads to.
package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Here is where Ollama listens.
const Here = "http://127.0.0.1:11434/v1"

// ErrRemote is wrapped when a model is on another machine, and nobody allowed that; ErrPlain
// when it would be asked there without TLS.
var (
	ErrRemote = errors.New("the model is on another machine")
	ErrPlain  = errors.New("a model on another machine is asked by https alone")
)

// How long an answer is waited for, how long it may be, and how much of its wrapping is read.
const (
	patience  = 2 * time.Minute
	maxTokens = 500
	maxAnswer = 4000
	maxBody   = 1 << 20
)

// A Model is one that can be asked.
type Model struct {
	URL    string // what stands before /chat/completions
	Name   string
	Key    string // bearer token; "" sends none
	Remote bool   // it may be on another machine
}

// Ask returns what the model says. Each call is one question; nothing is remembered.
func (m *Model) Ask(ctx context.Context, order, text string) (string, error) {
	u, err := url.Parse(m.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("ask the model: its address is no URL of http or https")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	body, err := json.Marshal(map[string]any{
		"model": m.Name, "stream": false, "temperature": 0, "max_tokens": maxTokens,
		"messages": []message{{"system", order}, {"user", text}},
	})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.JoinPath("chat/completions").String(), bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if m.Key != "" {
		req.Header.Set("Authorization", "Bearer "+m.Key)
	}
	resp, err := m.client(u.Scheme).Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the model: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ask the model %s: it answers %d", m.Name, resp.StatusCode)
	}
	return answerOf(io.LimitReader(resp.Body, maxBody))
}

func answerOf(r io.Reader) (string, error) {
	var out struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
	}
	if err := json.NewDecoder(r).Decode(&out); err != nil {
		return "", errors.New("ask the model: its answer is not that of a chat")
	}
	if len(out.Choices) == 0 || strings.TrimSpace(out.Choices[0].Message.Content) == "" {
		return "", errors.New("ask the model: it says nothing")
	}
	said := []rune(strings.TrimSpace(out.Choices[0].Message.Content))
	if len(said) > maxAnswer {
		return string(said[:maxAnswer]) + " ...", nil
	}
	return string(said), nil
}

// client is one that follows nobody elsewhere. Where a name leads is judged by the address
// that is connected to.
func (m *Model) client(scheme string) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		switch {
		case err == nil && to.Addr().Unmap().IsLoopback():
			return nil
		case !m.Remote:
			return ErrRemote
		case scheme != "https":
			return ErrPlain
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
