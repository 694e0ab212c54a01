package main

import (
	"crypto/ecdsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/MicahParks/jwkset"
)

// keyServer serves a set of keys, unless it is down.
type keyServer struct {
	*httptest.Server
	down atomic.Bool
	set  atomic.Pointer[[]byte]
}

func newKeyServer(t *testing.T) *keyServer {
	s := &keyServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.down.Load() {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		w.Write(*s.set.Load())
	}))
	t.Cleanup(s.Close)
	return s
}

// serve makes it serve the named of some keys.
func (s *keyServer) serve(t *testing.T, keys map[string]*ecdsa.PrivateKey, names ...string) {
	t.Helper()
	set := jwkset.JWKSMarshal{}
	for _, name := range names {
		jwk, err := jwkset.NewJWKFromKey(keys[name].Public(), jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: name}})
		if err != nil {
			t.Fatal(err)
		}
		set.Keys = append(set.Keys, jwk.Marshal())
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	s.set.Store(&text)
}
