package auth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const secret = "an-issuer-and-a-hub-share-this-secret"

// file writes a key file as editors leave it.
func file(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func public(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
}

func withSecret(t testing.TB) *Verifier {
	t.Helper()
	v, err := FromSecret(file(t, secret))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sign returns a token with the claims, and exp in an hour where they have
// none.
func sign(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims, header ...string) string {
	t.Helper()
	all := jwt.MapClaims{"exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(all, c)
	token := jwt.NewWithClaims(method, all)
	for i := 0; i < len(header); i += 2 {
		token.Header[header[i]] = header[i+1]
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// refused checks that a token counts for nothing, and why.
func refused(t *testing.T, v *Verifier, name, token, why string) {
	t.Helper()
	who, err := v.Verify(context.Background(), token)
	var r *Refused
	if !errors.As(err, &r) || !strings.Contains(r.Why, why) {
		t.Errorf("%s: %+v, %v; want %q", name, who, err, why)
	}
}

func TestClaims(t *testing.T) {
	v := withSecret(t)
	now := time.Now()
	for _, row := range []struct {
		name   string
		claims jwt.MapClaims
		why    string // empty: it counts
	}{
		{"plain", nil, ""},
		{"expired", jwt.MapClaims{"exp": now.Add(-time.Second).Unix()}, "expired"},
		{"long expired", jwt.MapClaims{"exp": now.Add(-time.Hour).Unix()}, "expired"},
		{"no end", jwt.MapClaims{"exp": nil}, "when it expires"},
		{"odd end", jwt.MapClaims{"exp": "tomorrow"}, "not a JSON Web Token"},
		{"an end that no clock has", jwt.MapClaims{"exp": 1e300}, "expired"},
		{"early", jwt.MapClaims{"nbf": now.Add(time.Hour).Unix()}, "not valid yet"},
		{"a little early", jwt.MapClaims{"nbf": now.Add(20 * time.Second).Unix()}, ""},
		{"one pattern", jwt.MapClaims{"publish": "orders"}, ""},
		{"no patterns", jwt.MapClaims{"publish": nil, "subscribe": []string{}}, ""},
		{"a bad pattern", jwt.MapClaims{"subscribe": []string{"orders", "ord*"}}, "not a list of topic patterns"},
		{"an empty pattern", jwt.MapClaims{"subscribe": ""}, "not a list of topic patterns"},
		{"a number", jwt.MapClaims{"publish": 7}, "not a list of topic patterns"},
		{"many patterns", jwt.MapClaims{"publish": make([]string, 300)}, "not a list of topic patterns"},
		{"a long subject", jwt.MapClaims{"sub": strings.Repeat("x", 300)}, "its sub is longer"},
		{"an odd subject", jwt.MapClaims{"sub": 7}, "not a JSON Web Token"},
	} {
		token := sign(t, jwt.SigningMethodHS256, []byte(secret), row.claims)
		if row.why != "" {
			refused(t, v, row.name, token, row.why)
			continue
		}
		if _, err := v.Verify(context.Background(), token); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestIdentity(t *testing.T) {
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	token := sign(t, jwt.SigningMethodHS256, []byte(secret),
		jwt.MapClaims{"sub": "alice", "exp": end.Unix(), "publish": []string{"orders", "logs.*"}, "subscribe": "hub.*"})
	who, err := withSecret(t).Verify(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	if who.Subject != "alice" || !who.Expires.Equal(end) {
		t.Errorf("%+v", who)
	}
	for _, row := range []struct {
		topic              string
		publish, subscribe bool
	}{
		{"orders", true, false}, {"orders.eu", false, false}, {"logs.a", true, false}, {"logs", false, false}, {"hub.stats", false, true},
	} {
		if who.MayPublish(row.topic) != row.publish || who.MaySubscribe(row.topic) != row.subscribe {
			t.Errorf("%s: publish %v, subscribe %v", row.topic, who.MayPublish(row.topic), who.MaySubscribe(row.topic))
		}
	}
}

func TestNotTokens(t *testing.T) {
	v := withSecret(t)
	good := sign(t, jwt.SigningMethodHS256, []byte(secret), nil)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty": "", "a word": "token", "two parts": parts[0] + "." + parts[1], "four parts": good + ".x", "dots": "..",
		"not base64": "{}." + parts[1] + "." + parts[2], "no header": "." + parts[1] + "." + parts[2],
	} {
		refused(t, v, name, token, "not a JSON Web Token")
	}
	refused(t, v, "no signature", parts[0]+"."+parts[1]+".", "signature")
	refused(t, v, "a cut signature", good[:len(good)-4], "signature")
	refused(t, v, "huge", good+strings.Repeat("x", MaxToken), "longer than 8192 bytes")
	refused(t, v, "another secret", sign(t, jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), nil), "signature")
	refused(t, v, "HS512", sign(t, jwt.SigningMethodHS512, []byte(secret), nil), "signature")
	refused(t, v, "none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), "signature")
	refused(t, v, "critical", sign(t, jwt.SigningMethodHS256, []byte(secret), nil, "crit", "b64"), "critical header")
}

// Each kind of key goes with its algorithms and with no other; above all, a
// public key is no secret.
func TestPublicKeys(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p256, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	rows := []struct {
		method jwt.SigningMethod
		key    crypto.Signer
	}{
		{jwt.SigningMethodRS256, rsaKey}, {jwt.SigningMethodPS512, rsaKey}, {jwt.SigningMethodES256, p256},
		{jwt.SigningMethodES384, p384}, {jwt.SigningMethodES512, p521}, {jwt.SigningMethodEdDSA, ed},
	}
	for _, row := range rows {
		text := public(t, row.key)
		v, err := FromPublicKey(file(t, text))
		if err != nil {
			t.Errorf("%s: %v", row.method.Alg(), err)
			continue
		}
		for _, other := range rows {
			token := sign(t, other.method, other.key, jwt.MapClaims{"sub": "alice"})
			if public(t, other.key) != text {
				refused(t, v, other.method.Alg()+" for "+row.method.Alg(), token, "signature")
			} else if who, err := v.Verify(context.Background(), token); err != nil || who.Subject != "alice" {
				t.Errorf("%s: %+v, %v", other.method.Alg(), who, err)
			}
		}
		for _, confused := range []string{text, text + "\n"} {
			refused(t, v, "a public key as a secret", sign(t, jwt.SigningMethodHS256, []byte(confused), nil), "signature")
		}
		refused(t, v, "none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), "signature")
	}
}

func TestBadKeyFiles(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	der, _ := x509.MarshalPKCS8PrivateKey(ed)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	p224, _ := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	for _, row := range []struct {
		name, content string
		open          func(string) (*Verifier, error)
		want          string
	}{
		{"short secret", "  " + strings.Repeat("x", 31) + "  ", FromSecret, "a secret of 31 bytes, and 32 are the least"},
		{"public key as secret", public(t, ed), FromSecret, "--jwt-public-key-file"},
		{"huge secret", strings.Repeat("x", maxKeyFile+1), FromSecret, "is longer than"},
		{"secret as public key", secret, FromPublicKey, "is not a PEM file"},
		{"private key", private, FromPublicKey, "openssl pkey -pubout"},
		{"small key", public(t, small), FromPublicKey, "RSA key of 1024 bits"},
		{"odd curve", public(t, p224), FromPublicKey, "use RSA, P-256"},
		{"something else", "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----", FromPublicKey, "holds a DH PARAMETERS"},
		{"damaged", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", FromPublicKey, "cannot be read"},
	} {
		if _, err := row.open(file(t, row.content)); err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", row.name, err)
		}
	}
	none := filepath.Join(t.TempDir(), "none")
	for want, open := range map[string]func(string) (*Verifier, error){"openssl rand -hex 32": FromSecret, "public key to that file": FromPublicKey} {
		if _, err := open(none); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), want) {
			t.Errorf("no file: %v", err)
		}
	}
}

// Whatever is presented is refused with words of ours, and only what was
// signed is taken.
func FuzzVerify(f *testing.F) {
	good := sign(f, jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"exp": int64(1) << 40})
	f.Add(good)
	f.Add(sign(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil))
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJIUzI1NiIsImNyaXQiOltdfQ.e30.")
	v := withSecret(f)
	f.Fuzz(func(t *testing.T, token string) {
		who, err := v.Verify(context.Background(), token)
		var r *Refused
		if err == nil && (who == nil || strings.TrimSuffix(token, "=") == "") {
			t.Fatal("nobody")
		}
		if err == nil && token[:strings.LastIndexByte(token, '.')] != good[:strings.LastIndexByte(good, '.')] {
			t.Errorf("%q counts", token)
		}
		if err != nil && (!errors.As(err, &r) || len(r.Why) > 120 || strings.ContainsAny(r.Why, "\"\\\r\n")) {
			t.Errorf("%v does not fit a header", err)
		}
	})
}
