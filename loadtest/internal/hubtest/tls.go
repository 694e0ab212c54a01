package hubtest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Certificate returns the files of a certificate for this machine and what else
// is named, as "hub init --tls" makes it, and the settings of a hub with it.
func Certificate(t testing.TB, names ...string) (cert string, settings []string) {
	t.Helper()
	folder := t.TempDir()
	args := []string{"init", "--tls", folder}
	for _, name := range names {
		args = append(args, "--tls-name", name)
	}
	if out, err := exec.Command(Binary(t), args...).CombinedOutput(); err != nil {
		t.Fatalf("hub init: %v %s", err, out)
	}
	cert = filepath.Join(folder, "self-signed.crt")
	return cert, []string{"--tls-cert", cert, "--tls-key", filepath.Join(folder, "self-signed.key")}
}
