package demo

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// made are files for a hub that wants tokens.
type made struct{ secret, demo string }

func tokens(t *testing.T) made {
	t.Helper()
	const secret = "8f2c1d9e4b7a60538f2c1d9e4b7a6053"
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": "demo", "publish": "*", "subscribe": "*", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	m := made{filepath.Join(folder, "secret"), filepath.Join(folder, "token")}
	for path, text := range map[string]string{m.secret: secret, m.demo: token} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}
