package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"recon/cmd/recon/internal/api"
	"recon/cmd/recon/internal/web"
	"recon/inventory/neterror"

	"github.com/spf13/cobra"
)

// openPage opens the port of the page block, where there is one.
func (c *cli) openPage(live *api.Live) (shut func(), err error) {
	page := live.Home.Project().Page
	if page == nil {
		return func() {}, nil
	}
	o := web.Options{Live: live, Page: page, Version: version, Secrets: c.secrets, Log: live.Home.Log}
	if page.Login != nil && page.Login.TokenFile != "" {
		if o.Token, err = api.Token(live.Home, page.Login.TokenFile); err != nil {
			return nil, err
		}
	}
	if page.Login != nil && page.Login.OIDC != nil && page.Login.OIDC.Credentials.HasErrors() {
		return nil, &api.Failure{Code: api.ExitError, Err: fmt.Errorf("read the secret of the page's login: %w", page.Login.OIDC.Credentials), Hint: "it is client_secret of the oidc block"}
	}
	listener, err := net.Listen("tcp", page.Listen)
	if err != nil {
		return nil, &api.Failure{Code: api.ExitError, Err: fmt.Errorf("open the page at %s: %w", page.Listen, neterror.Short(err)), Hint: "another program may have the port; listen = \"127.0.0.1:8101\" takes another"}
	}
	o.Listen = listener.Addr().String()
	handler, err := web.New(o)
	if err != nil {
		listener.Close()
		return nil, err
	}
	address := "http://" + o.Listen
	if page.Certificate != "" {
		read := func() (*tls.Certificate, error) { return certificateOf(live.Home) }
		if _, err := read(); err != nil {
			listener.Close()
			return nil, err
		}
		address = "https://" + o.Listen
		// Each connection gets the certificate that is there: somebody renews it.
		fresh := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return read() }
		listener = tls.NewListener(listener, &tls.Config{GetCertificate: fresh, MinVersion: tls.VersionTLS12})
	}
	if page.URL != "" {
		address = page.URL
	}
	c.announce("The page is at " + address)
	if back := web.RedirectURI(page, o.Listen); back != "" {
		c.announce(fmt.Sprintf("People log in at %s, whose redirect URI for %s is %s", page.Login.OIDC.Issuer, page.Login.OIDC.ClientID, back))
	}
	return answerOn(listener, handler, live), nil
}

// announce says something that a daemon begins with.
func (c *cli) announce(text string) {
	if c.logs {
		c.logger().Info(text)
		return
	}
	c.printer().Printf("%s", text)
}

// answerOn answers requests until it is shut.
func answerOn(listener net.Listener, handler http.Handler, live *api.Live) (shut func()) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			live.Home.Log.Error("the page has stopped", "error", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond) // streams stay open as long as somebody looks
		defer cancel()
		if server.Shutdown(ctx) != nil {
			server.Close()
		}
	}
}

// certificateOf reads the certificate of the page, as it is now.
func certificateOf(h *api.Home) (*tls.Certificate, error) {
	page := h.Project().Page
	pair, err := tls.LoadX509KeyPair(h.Absolute(page.Certificate), h.Absolute(page.Key))
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the page: %w", err)
	}
	return &pair, nil
}

// probeTime is what the page of a daemon that lives needs to answer at most.
const probeTime = 5 * time.Second

// probePage asks the page of the daemon that runs on this machine whether it lives.
func (c *cli) probePage(cmd *cobra.Command) error {
	ctx, h, err := c.open(cmd)
	if err != nil {
		return err
	}
	defer h.Close()
	page := h.Project().Page
	if page == nil {
		return &api.Failure{Code: api.ExitError, Err: errors.New("the manifests have no page to ask"), Hint: "add one: page {}"}
	}
	client, scheme := &http.Client{Timeout: probeTime}, "http"
	if page.Certificate != "" {
		own, err := certificateOf(h)
		if err != nil {
			return err
		}
		client.Transport, scheme = &http.Transport{TLSClientConfig: trusting(own)}, "https"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+reachable(page.Listen)+"/healthz", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("ask the page at %s: %w", page.Listen, neterror.Short(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the page at %s answers %s", page.Listen, answer.Status)
	}
	return nil
}

// trusting believes who has the same certificate: nobody asks by the name that it is for.
func trusting(own *tls.Certificate) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // it is compared instead
		VerifyPeerCertificate: func(shown [][]byte, _ [][]*x509.Certificate) error {
			if len(shown) == 0 || !bytes.Equal(shown[0], own.Certificate[0]) {
				return errors.New("it has another certificate than the page block names")
			}
			return nil
		},
	}
}

// reachable is where a page is found from this machine that listens at an address.
func reachable(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
