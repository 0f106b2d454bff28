package proxmox

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"recon/inventory/neterror"
)

// Introduce returns the fingerprint of the certificate that a node shows, for a person
// to compare. Nothing is sent to it.
func Introduce(ctx context.Context, endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("endpoint %q: %w", endpoint, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	dialer := tls.Dialer{NetDialer: &net.Dialer{}, Config: &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return "", fmt.Errorf("reach %s: %w", u.Host, neterror.Short(err))
	}
	defer conn.Close()
	shown := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(shown) == 0 {
		return "", errors.New("the server showed no certificate")
	}
	sum := sha256.Sum256(shown[0].Raw)
	return colonHex(sum[:]), nil
}
