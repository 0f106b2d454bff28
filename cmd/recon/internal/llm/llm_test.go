package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// served is a server that speaks the API of OpenAI for chats, as Ollama does.
func served(t *testing.T, answer http.HandlerFunc) *Model {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return &Model{URL: s.URL + "/v1", Name: "small"}
}

func says(w http.ResponseWriter, text string) {
	json.NewEncoder(w).Encode(map[string]any{"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "small", "choices": []any{
		map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text}},
	}})
}

// TestAsk: a question is one request of the API, with its key, and the answer is its text.
func TestAsk(t *testing.T) {
	m := served(t, func(w http.ResponseWriter, r *http.Request) {
		var got struct {
			Model    string
			Stream   bool
			Messages []struct{ Role, Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil || r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer key" {
			t.Errorf("%v %s %v", err, r.URL.Path, r.Header)
		}
		says(w, fmt.Sprintf(" %s %v %s/%s %s/%s ", got.Model, got.Stream, got.Messages[0].Role, got.Messages[0].Content, got.Messages[1].Role, got.Messages[1].Content))
	})
	m.Key = "key"
	if said, err := m.Ask(t.Context(), "be short", "what"); err != nil || said != "small false system/be short user/what" {
		t.Errorf("%q %v", said, err)
	}
}

// TestAskBounds: what a server does wrong is an error, and never more than a bounded text.
func TestAskBounds(t *testing.T) {
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "model not found", http.StatusNotFound) }, "it answers 404"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
		}, "it answers 307"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "not that of a chat"},
		"nothing": {func(w http.ResponseWriter, _ *http.Request) { says(w, "  ") }, "it says nothing"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) { says(w, strings.Repeat("a", maxBody)) }, "not that of a chat"},
	} {
		if said, err := served(t, row.answer).Ask(t.Context(), "", ""); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %.40q %v", name, said, err)
		}
	}
	long := served(t, func(w http.ResponseWriter, _ *http.Request) { says(w, strings.Repeat("a", 2*maxAnswer)) })
	if said, err := long.Ask(t.Context(), "", ""); err != nil || len(said) != maxAnswer+4 {
		t.Errorf("a long answer: %d %v", len(said), err)
	}
	slow := served(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then the server notices that nobody waits
		<-r.Context().Done()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := slow.Ask(ctx, "", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow one: %v", err)
	}
}

// TestAskReachesThisMachineAlone: without leave nothing is sent elsewhere, by name or by
// address; with it, not without TLS.
func TestAskReachesThisMachineAlone(t *testing.T) {
	for _, address := range []string{"http://192.0.2.1:9/v1", "https://[2001:db8::1]:9/v1", "http://0.0.0.0:9/v1"} {
		if _, err := (&Model{URL: address}).Ask(t.Context(), "", ""); !errors.Is(err, ErrRemote) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := (&Model{URL: "http://192.0.2.1:9/v1", Remote: true}).Ask(t.Context(), "", ""); !errors.Is(err, ErrPlain) {
		t.Errorf("without TLS: %v", err)
	}
	if _, err := (&Model{URL: "file:///etc/passwd"}).Ask(t.Context(), "", ""); err == nil {
		t.Error("it is no address of a model")
	}
}
