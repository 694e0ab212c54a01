package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// issuer serves a set of keys, unless it is down.
type issuer struct {
	*httptest.Server
	t     *testing.T
	keys  map[string]*ecdsa.PrivateKey
	mu    sync.Mutex // guards what follows
	set   []byte
	down  bool
	asked atomic.Int64
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t, keys: map[string]*ecdsa.PrivateKey{}}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.down {
			http.Error(w, "down", 500)
			return
		}
		w.Write(i.set)
	}))
	t.Cleanup(i.Close)
	return i
}

// serve makes it serve keys of the given names and no others.
func (i *issuer) serve(names ...string) {
	i.t.Helper()
	set := jwkset.JWKSMarshal{}
	for _, name := range names {
		if i.keys[name] == nil {
			i.keys[name], _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}
		jwk, err := jwkset.NewJWKFromKey(i.keys[name].Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: name, USE: "sig"}})
		if err != nil {
			i.t.Fatal(err)
		}
		set.Keys = append(set.Keys, jwk.Marshal())
	}
	text, err := json.Marshal(set)
	if err != nil {
		i.t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.set = text
}

func (i *issuer) fail(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

func (i *issuer) sign(name string) string {
	i.t.Helper()
	if name == "" {
		return sign(i.t, jwt.SigningMethodES256, i.keys["first"], nil)
	}
	return sign(i.t, jwt.SigningMethodES256, i.keys[name], nil, "kid", name)
}

func (i *issuer) open(failed func(error)) *Verifier {
	i.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	i.t.Cleanup(cancel)
	v, err := FromURL(ctx, i.URL+"/keys?password=s3cret", failed)
	if err != nil {
		i.t.Fatal(err)
	}
	return v
}

func TestKeySet(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.serve("first", "second")
	i.serve("first")
	v := i.open(func(err error) { t.Error(err) })
	good := func(what, token string) {
		t.Helper()
		if _, err := v.Verify(context.Background(), token); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	good("known", i.sign("first"))
	good("known, unnamed", i.sign(""))
	if n := i.asked.Load(); n != 1 {
		t.Errorf("the issuer was asked %d times", n)
	}
	// A new key is taken up at once, by however many tokens it is named.
	i.serve("first", "second")
	token := i.sign("second")
	var many sync.WaitGroup
	for range 50 {
		many.Go(func() { good("rotated", token) })
	}
	many.Wait()
	if n := i.asked.Load(); n != 2 {
		t.Errorf("the issuer was asked %d times", n)
	}
	// The issuer decides which keys count, and not the token.
	set := sign(t, jwt.SigningMethodES256, i.keys["first"], nil, "kid", "second")
	refused(t, v, "another's key", set, "signature")
	text, _ := json.Marshal(i.keys["first"].PublicKey)
	refused(t, v, "HS256", sign(t, jwt.SigningMethodHS256, text, nil, "kid", "first"), "signature")
	// Unknown names make the hub ask, but not each of them.
	i.keys["third"] = i.keys["first"]
	refused(t, v, "withdrawn", i.sign("third"), "does not know its key")
	asked, third := i.asked.Load(), i.sign("third")
	many = sync.WaitGroup{}
	for range 20 {
		many.Go(func() { refused(t, v, "unknown", third, "does not know its key") })
	}
	many.Wait()
	if n := i.asked.Load() - asked; n > 1 {
		t.Errorf("the issuer was asked %d times for an unknown key", n)
	}
}

// The keys that are known outlive the issuer.
func TestIssuerIsDown(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.serve("first", "second")
	i.fail(true)
	var told atomic.Int64
	v := i.open(func(err error) {
		told.Add(1)
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error tells the address: %v", err)
		}
	})
	if told.Load() != 1 {
		t.Error("nobody is told that the issuer cannot be reached")
	}
	if _, err := v.Verify(context.Background(), i.sign("first")); !errors.Is(err, ErrNoKeys) {
		t.Errorf("without keys: %v", err)
	}
	refused(t, v, "garbage", "garbage", "not a JSON Web Token")
	i.fail(false)
	for _, name := range []string{"first", ""} {
		if _, err := v.Verify(context.Background(), i.sign(name)); err != nil {
			t.Errorf("with the issuer back: %v", err)
		}
	}
	i.Close()
	if _, err := v.Verify(context.Background(), i.sign("second")); err != nil {
		t.Errorf("with the issuer gone: %v", err)
	}
	i.keys["third"] = i.keys["first"]
	refused(t, v, "unknown", i.sign("third"), "does not know its key")
	if told.Load() < 3 {
		t.Errorf("failures were told %d times", told.Load())
	}
}
