package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"
	"github.com/moby/moby/client/pkg/versions"

	"recon/providers"
	"recon/providers/sshhost"
)

// An engine is the API of one dockerd, spoken over the host's connection.
type engine struct {
	client  *client.Client
	trips   *atomic.Int64          // requests so far
	version atomic.Pointer[string] // of the API, once an answer has told it
}

// newEngine prepares the client. It connects at the first request.
func newEngine(h *sshhost.Host, socket string, trips *atomic.Int64, tally *providers.Tally) (*engine, error) {
	e := &engine{trips: trips}
	stdio := "exec docker -H " + sshhost.Quote("unix://"+socket) + " system dial-stdio"
	transport := bounded{tally: tally, source: "docker." + h.Name(), Transport: &http.Transport{
		MaxConnsPerHost: maxEngineConns, MaxIdleConnsPerHost: maxEngineConns, DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return h.DialUnix(ctx, socket, stdio) },
	}}
	var err error
	e.client, err = client.New( // the HTTP client last: what is said of hosts wants a plain transport
		client.WithHost("tcp://docker:80"), client.WithScheme("http"), client.WithAPIVersion(client.MaxAPIVersion),
		client.WithHTTPClient(&http.Client{Transport: transport, Timeout: engineTime}),
		client.WithHTTPRequestHook(e.request), client.WithHTTPResponseHook(e.answer),
	)
	if err != nil {
		return nil, fmt.Errorf("prepare the client of the Docker engine: %w", err)
	}
	return e, nil
}

// What one request to an engine may take, and its answer hold. A list of a thousand
// containers has some 2 MiB and 100,000 values.
const (
	engineTime = 20 * time.Second
	maxAnswer  = 16 << 20
	maxValues  = 400_000

	maxContainers = 10_000
)

// bounded is a transport whose answers end where they say more than can be true. It counts
// them.
type bounded struct {
	*http.Transport
	tally  *providers.Tally
	source string
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.Transport.RoundTrip(r)
	code := providers.Unanswered
	if err == nil {
		code = resp.StatusCode
		body := providers.JSON(resp.Body, providers.NewBudget(maxAnswer, maxValues), providers.BudgetOf(r.Context()))
		resp.Body = struct {
			io.Reader
			io.Closer
		}{body, resp.Body}
	}
	b.tally.Add(b.source, r.Method, code)
	return resp, err
}

// maxEngineConns bounds the channels to one engine; sshd has no limit of its own.
const maxEngineConns = 4

// request puts the daemon's version of the API into a request. The first one names
// none, which every daemon takes: asking for the version alone, as the client
// would, costs a round trip.
func (e *engine) request(r *http.Request) error {
	e.trips.Add(1)
	path := strings.TrimPrefix(r.URL.Path, "/v"+client.MaxAPIVersion)
	if v := e.version.Load(); v != nil {
		path = "/v" + *v + path
	}
	r.URL.Path = path
	return nil
}

func (e *engine) answer(r *http.Response) {
	v := r.Header.Get("Api-Version")
	if v == "" || e.version.Load() != nil {
		return
	}
	if versions.GreaterThan(v, client.MaxAPIVersion) {
		v = client.MaxAPIVersion
	}
	e.version.Store(&v)
}

func (e *engine) close() { e.client.Close() }

// info asks what the daemon runs with.
func (e *engine) info(ctx context.Context) (system.Info, error) {
	r, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return system.Info{}, engineError("ask the Docker engine for its settings", err)
	}
	return r.Info, nil
}

// list returns all containers, also stopped ones.
func (e *engine) list(ctx context.Context) ([]container.Summary, error) {
	r, err := e.client.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, engineError("list containers", err)
	}
	if len(r.Items) > maxContainers {
		return nil, fmt.Errorf("list containers: %w: %d containers", providers.ErrFlood, len(r.Items))
	}
	return r.Items, nil
}

// inspect returns everything about one container; ok is false when it is gone.
func (e *engine) inspect(ctx context.Context, id string) (c container.InspectResponse, ok bool, err error) {
	r, err := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if isNotFound(err) {
		return c, false, nil
	}
	if err != nil {
		return c, false, engineError("look at a container", err)
	}
	return r.Container, true, nil
}

// start starts a container; one that runs already is left alone.
func (e *engine) start(ctx context.Context, id string) error {
	_, err := e.client.ContainerStart(ctx, id, client.ContainerStartOptions{})
	return err
}

func isNotFound(err error) bool {
	var nf interface{ NotFound() }
	return errors.As(err, &nf)
}

// engineError says what was attempted, and how to get at a socket that is closed.
func engineError(what string, err error) error {
	if strings.Contains(err.Error(), "permission denied") || strings.Contains(err.Error(), "administratively prohibited") || strings.Contains(err.Error(), "open failed") {
		return fmt.Errorf("%s: %w; the user may not open the Docker socket: write become = true in the host block, or add the user to the group docker", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
