package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/sluice-stream/sluice/services/edge/internal/settings"
)

// patience is how long the edge may take to say that it is there.
const patience = 3 * time.Second

// Healthcheck asks the edge on this machine once, for containers without a
// shell. Whether the hub is well is another question.
func Healthcheck(ctx context.Context, s settings.Settings, _ func(string) string, _ io.Writer) error {
	at := netip.MustParseAddrPort(s.Listen) // it was checked
	if at.Addr().IsUnspecified() {
		at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port())
	}
	scheme := "http"
	if s.TLSCert != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+at.String()+"/edge/healthz", nil)
	if err != nil {
		return err
	}
	// No proxy of the environment: it is here. And whoever it is that is here,
	// a certificate is for names, which this address is none of.
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		return fmt.Errorf("the edge is not there: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the edge is not there: %s", answer.Status)
	}
	return nil
}
