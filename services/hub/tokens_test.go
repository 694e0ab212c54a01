package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// issuer makes tokens, and remembers them, so that none is found in a log.
type issuer struct {
	t      *testing.T
	key    *rsa.PrivateKey
	file   string // with the public key
	issued []string
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{t: t, key: key, file: filepath.Join(t.TempDir(), "key.pem")}
	if err := os.WriteFile(i.file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return i
}

// everything are the claims of who may do everything for an hour.
func everything() jwt.MapClaims {
	return jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix(), "publish": "*", "subscribe": "*"}
}

// token returns a token with the claims of everything, changed by others; one
// that is nil is left out.
func (i *issuer) token(others jwt.MapClaims) string {
	return i.signed(jwt.SigningMethodRS256, i.key, others)
}

func (i *issuer) signed(method jwt.SigningMethod, key any, others jwt.MapClaims) string {
	i.t.Helper()
	claims := everything()
	maps.Copy(claims, others)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := jwt.NewWithClaims(method, claims).SignedString(key)
	if err != nil {
		i.t.Fatal(err)
	}
	i.issued = append(i.issued, text)
	return text
}

// checkLogs ends the hub and looks for parts of tokens in what it wrote.
func (i *issuer) checkLogs(h *runningHub) {
	i.t.Helper()
	if err := h.stop(); err != nil {
		i.t.Error(err)
	}
	if len(h.logs) < 3 {
		i.t.Errorf("the hub wrote only %v", h.logs)
	}
	for _, l := range h.logs {
		i.checkText("the log", fmt.Sprint(l))
	}
}

// checkText looks for parts of tokens. The header of one is no secret, and
// the same for all.
func (i *issuer) checkText(where, text string) {
	i.t.Helper()
	for _, token := range i.issued {
		for _, part := range strings.Split(token, ".")[1:] {
			if len(part) > 8 && strings.Contains(text, part) {
				i.t.Errorf("a token is in %s: %s", where, text)
			}
		}
	}
}

// attempt asks and returns the answer's status, and the problem where there is
// one. It does not wait for the end of a stream.
func attempt(t *testing.T, method, url string, headers header) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader("x"))
	if method == "GET" {
		r, err = http.NewRequest(method, url, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode < 400 {
		return answer, ""
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// ways are where a request may go: its method, path and what the claim for it
// is called.
var ways = []struct{ method, path, claim string }{
	{"POST", "/v1/topics/orders/events", "publish"}, {"GET", "/v1/events?topic=orders", "subscribe"},
}

func TestTokens(t *testing.T) {
	i := newIssuer(t)
	other := newIssuer(t)
	pemText, err := os.ReadFile(i.file)
	if err != nil {
		t.Fatal(err)
	}
	h := startHub(t, "--jwt-public-key-file", i.file)
	at := func(d time.Duration) int64 { return time.Now().Add(d).Unix() }
	none := jwt.UnsafeAllowNoneSignatureType
	good := i.token(nil)
	for _, row := range []struct {
		name, token        string
		publish, subscribe int
		why                string
	}{
		{"good", good, 201, 200, ""},
		{"without a subject", i.token(jwt.MapClaims{"sub": nil}), 201, 200, ""},
		{"for this topic alone", i.token(jwt.MapClaims{"publish": "orders", "subscribe": []string{"orders"}}), 201, 200, ""},
		{"to publish", i.token(jwt.MapClaims{"subscribe": nil}), 201, 403, "claim subscribe"},
		{"to subscribe", i.token(jwt.MapClaims{"publish": []string{}}), 403, 200, "claim publish"},
		{"for other topics", i.token(jwt.MapClaims{"publish": "orders.*", "subscribe": "payments"}), 403, 403, "the topic orders:"},
		{"expired", i.token(jwt.MapClaims{"exp": at(-time.Second)}), 401, 401, "it has expired"},
		{"without an end", i.token(jwt.MapClaims{"exp": nil}), 401, 401, "when it expires"},
		{"not valid yet", i.token(jwt.MapClaims{"nbf": at(time.Hour)}), 401, 401, "not valid yet"},
		{"another key", other.token(nil), 401, 401, "signature"},
		{"alg none", i.signed(jwt.SigningMethodNone, none, nil), 401, 401, "signature"},
		{"HS256 with the public key", i.signed(jwt.SigningMethodHS256, pemText, nil), 401, 401, "signature"},
		{"HS256 with the trimmed public key", i.signed(jwt.SigningMethodHS256, []byte(strings.TrimSpace(string(pemText))), nil), 401, 401, "signature"},
		{"bad grants", i.token(jwt.MapClaims{"publish": "ord*", "subscribe": 7}), 401, 401, "not a list of topic patterns"},
		{"huge", i.token(jwt.MapClaims{"sub": strings.Repeat("x", 6500)}), 401, 401, "longer than 8192 bytes"},
		{"garbage", "s3cret-garbage", 401, 401, "not a JSON Web Token"},
		{"three parts of garbage", "a.b.c", 401, 401, "not a JSON Web Token"},
		{"empty", "", 401, 401, "not a JSON Web Token"},
	} {
		for _, way := range ways {
			want := map[string]int{"publish": row.publish, "subscribe": row.subscribe}[way.claim]
			for place, headers := range map[string]header{"header": {"Authorization": "Bearer " + row.token}, "cookie": {"Cookie": "sluice_token=" + row.token}} {
				answer, text := attempt(t, way.method, h.public+way.path, headers)
				what := fmt.Sprintf("%s token in the %s to %s", row.name, place, way.claim)
				checkDenial(t, what, answer, text, want, row.why)
				i.checkText("the answer to "+what, text)
			}
		}
	}
	for _, way := range ways {
		answer, text := attempt(t, way.method, h.public+way.path, nil)
		checkDenial(t, "no token to "+way.claim, answer, text, 401, "send a token")
		if c := answer.Header.Get("WWW-Authenticate"); strings.Contains(c, "error") {
			t.Errorf("no token is called an error: %s", c)
		}
		// The query is not a place for tokens, unless it is said to be.
		url := h.public + way.path + map[bool]string{true: "&", false: "?"}[strings.Contains(way.path, "?")] + "access_token=" + good
		answer, text = attempt(t, way.method, url, nil)
		checkDenial(t, "a token in the query to "+way.claim, answer, text, 401, "send a token")
	}
	if n := metric(t, h.admin, `sse_rejects_total{reason="unauthorized"}`); n < 10 {
		t.Errorf("%v subscriptions were counted as unauthorized", n)
	}
	if n := metric(t, h.admin, `sse_rejects_total{reason="forbidden"}`); n != 4 {
		t.Errorf("%v subscriptions were counted as forbidden", n)
	}
	i.checkLogs(h)
}

// checkDenial checks the answer to a token, and that it says why.
func checkDenial(t *testing.T, what string, answer *http.Response, text string, status int, why string) {
	t.Helper()
	if answer.StatusCode != status {
		t.Errorf("%s: %s %s, want %d", what, answer.Status, text, status)
	}
	if status < 400 {
		return
	}
	var p struct{ Type, Detail string }
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	want, challenge := "unauthorized", `Bearer realm="sluice"`
	if status == 403 {
		want, challenge = "forbidden", `Bearer realm="sluice", error="insufficient_scope"`
	}
	if p.Type != sse.ProblemTypePrefix+want || !strings.Contains(p.Detail, why) || !strings.HasPrefix(answer.Header.Get("WWW-Authenticate"), challenge) {
		t.Errorf("%s: %s %v", what, text, answer.Header)
	}
}

// A stream ends when its token does, in the stream, and not before.
func TestTokenExpiresInTheStream(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	h := startHub(t, "--jwt-public-key-file", i.file)
	end := time.Now().Add(3 * time.Second).Truncate(time.Second)
	brief := header{"Authorization": "Bearer " + i.token(jwt.MapClaims{"exp": end.Unix()})}
	r, err := http.NewRequest("GET", h.public+"/v1/events?topic=orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", brief["Authorization"])
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != 200 {
		t.Fatal(answer, err)
	}
	defer answer.Body.Close()
	d := wire.NewDecoder(answer.Body)
	for _, want := range []string{"stream.open", "stream.expired"} {
		if m, err := d.Next(); err != nil || m.Type != want {
			t.Fatalf("read %+v, %v; want %s", m, err, want)
		}
	}
	if m, err := d.Next(); err != io.EOF {
		t.Errorf("the stream goes on with %+v, %v", m, err)
	}
	if early := time.Until(end); early > 100*time.Millisecond {
		t.Errorf("it ended %v early", early)
	}
	if l, ok := h.awaitLog("sse_disconnect", "reason"); !ok || l["reason"] != "token_expired" {
		t.Errorf("logged: %v", l)
	}
	again, text := attempt(t, "GET", h.public+"/v1/events?topic=orders", brief)
	checkDenial(t, "the expired token", again, text, 401, "expired")
	// A native EventSource is told that it need not come back.
	asked, text := ask(t, http.DefaultClient, "GET", h.public+"/v1/events?topic=orders&on_reject=retry", "", brief)
	if asked.StatusCode != 200 || !strings.Contains(text, `"status":401`) || !strings.Contains(text, `"permanent":true`) {
		t.Errorf("%s %s", asked.Status, text)
	}
	i.checkLogs(h)
}

// What a subject names is nothing to another.
func TestSubjects(t *testing.T) {
	i := newIssuer(t)
	h := startHub(t, "--jwt-public-key-file", i.file, "--access-token-query")
	publish := func(who any, data string, want int) {
		t.Helper()
		headers := header{"Authorization": "Bearer " + i.token(jwt.MapClaims{"sub": who}), "Idempotency-Key": "one"}
		if answer, text := ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/orders/events", data, headers); answer.StatusCode != want {
			t.Errorf("%v publishes %s: %s %s", who, data, answer.Status, text)
		}
	}
	publish("alice", "a", 201)
	publish("bob", "b", 201)
	publish(nil, "c", 201)
	publish("alice", "a", 200)
	publish("alice", "b", 422)
	publish("bob", "b", 200)

	// The header comes before the query, and that before the cookie.
	good, bad := i.token(nil), i.token(jwt.MapClaims{"exp": 1})
	for _, row := range []struct {
		header, query, cookie string
		want                  int
	}{
		{good, bad, bad, 200}, {bad, good, good, 401}, {"", good, bad, 200}, {"", bad, good, 401}, {"", "", good, 200}, {"", "", bad, 401}, {"", good, "", 200},
	} {
		url, headers := h.public+"/v1/events?topic=orders", header{}
		if row.header != "" {
			headers["Authorization"] = "Bearer " + row.header
		}
		if row.query != "" {
			url += "&access_token=" + row.query
		}
		if row.cookie != "" {
			headers["Cookie"] = "sluice_token=" + row.cookie
		}
		if answer, text := attempt(t, "GET", url, headers); answer.StatusCode != row.want {
			t.Errorf("%v: %s %s", row, answer.Status, text)
		}
	}
	// Where another scheme of the header is somebody else's, the cookie counts.
	if answer, _ := attempt(t, "GET", h.public+"/v1/events?topic=hub.stats", header{"Authorization": "Basic YTpi", "Cookie": "sluice_token=" + good}); answer.StatusCode != 200 {
		t.Errorf("beside another scheme: %s", answer.Status)
	}
	// The hub's own topics are guarded as others are.
	for grants, want := range map[string]int{"hub.*": 200, "*": 200, "hub.stats": 200, "orders": 403} {
		token := i.token(jwt.MapClaims{"subscribe": grants})
		if answer, _ := attempt(t, "GET", h.public+"/v1/events?topic=hub.stats", header{"Authorization": "Bearer " + token}); answer.StatusCode != want {
			t.Errorf("hub.stats with %s: %s", grants, answer.Status)
		}
	}
	// One of several topics without a grant is one too many.
	answer, text := attempt(t, "GET", h.public+"/v1/events?topic=orders&topic=payments",
		header{"Authorization": "Bearer " + i.token(jwt.MapClaims{"subscribe": "orders"})})
	checkDenial(t, "two topics", answer, text, 403, "the topic payments")
	i.checkLogs(h)
}

// A browser adds the cookie to what any page asks for.
func TestCookiesOfOtherPages(t *testing.T) {
	i := newIssuer(t)
	h := startHub(t, "--jwt-public-key-file", i.file, "--cors-origin", "https://app.example")
	token := i.token(nil)
	for _, row := range []struct {
		origin, site string
		want         int
	}{
		{"", "", 200}, {"", "none", 200}, {"", "same-origin", 200}, {"", "cross-site", 403}, {"", "same-site", 403},
		{h.public, "", 200}, {h.public, "same-origin", 200}, {"https://app.example", "cross-site", 200}, {"https://app.example", "", 200},
		{"https://evil.example", "cross-site", 403}, {"https://evil.example", "", 403}, {"null", "", 403}, {"null", "cross-site", 403},
	} {
		headers := header{"Cookie": "sluice_token=" + token}
		if row.origin != "" {
			headers["Origin"] = row.origin
		}
		if row.site != "" {
			headers["Sec-Fetch-Site"] = row.site
		}
		if answer, text := attempt(t, "GET", h.public+"/v1/events?topic=orders", headers); answer.StatusCode != row.want {
			t.Errorf("%+v with a cookie: %s %s", row, answer.Status, text)
		}
		// A token that the page knows itself is another matter.
		delete(headers, "Cookie")
		headers["Authorization"] = "Bearer " + token
		if answer, text := attempt(t, "GET", h.public+"/v1/events?topic=orders", headers); answer.StatusCode != 200 {
			t.Errorf("%+v with a header: %s %s", row, answer.Status, text)
		}
	}
	i.checkLogs(h)
}

// With a key the hub may listen anywhere, by any name; its page is for all.
func TestGuardedHubGoesBeyondLoopback(t *testing.T) {
	i := newIssuer(t)
	h := startHub(t, "--jwt-public-key-file", i.file, "--listen", "0.0.0.0:0")
	headers := header{"Authorization": "Bearer " + i.token(nil), "Host": "hub.example"}
	if answer, text := ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/orders/events", "x", headers); answer.StatusCode != 201 {
		t.Errorf("%s %s", answer.Status, text)
	}
	if status, _ := get(t, h.public+"/"); status != 200 {
		t.Errorf("the page: %d", status)
	}
	i.checkLogs(h)
}

func TestReadableSecretIsWarnedOf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(strings.Repeat("s3cret-", 10)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	h := startHub(t, "--jwt-secret-file", path)
	if l, ok := h.awaitLog("start", "file"); !ok || l["level"] != "WARN" || l["file"] != path {
		t.Errorf("logged: %v", l)
	}
	i := &issuer{t: t}
	token := i.signed(jwt.SigningMethodHS256, []byte(strings.Repeat("s3cret-", 10)), nil)
	if answer, text := attempt(t, "GET", h.public+"/v1/events?topic=orders", header{"Authorization": "Bearer " + token}); answer.StatusCode != 200 {
		t.Errorf("%s %s", answer.Status, text)
	}
	i.checkLogs(h)
	for _, l := range h.logs {
		if strings.Contains(fmt.Sprint(l), "s3cret") {
			t.Errorf("the secret is logged: %v", l)
		}
	}
}

func TestBadKeys(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for setting, want := range map[string]string{"--jwt-secret-file": "openssl rand -hex 32", "--jwt-public-key-file": "is not a PEM file"} {
		h := newRunningHub(t, setting, short)
		<-h.done
		if h.err == nil || !strings.Contains(h.err.Error(), want) || !strings.Contains(h.err.Error(), setting) || strings.Contains(h.err.Error(), "s3cret") {
			t.Errorf("%s: %v", setting, h.err)
		}
	}
}

// The keys of a set come and go with the issuer's answers; when it is away,
// those that are known stay.
func TestKeySets(t *testing.T) {
	t.Parallel()
	keys := map[string]*ecdsa.PrivateKey{}
	serve := newKeyServer(t)
	token := func(name string) header {
		t.Helper()
		if keys[name] == nil {
			keys[name], _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		}
		token := jwt.NewWithClaims(jwt.SigningMethodES256, everything())
		token.Header["kid"] = name
		text, err := token.SignedString(keys[name])
		if err != nil {
			t.Fatal(err)
		}
		return header{"Authorization": "Bearer " + text}
	}
	first, second := token("first"), token("second")
	serve.down.Store(true)
	h := startHub(t, "--jwks-url", serve.URL)
	expect := func(what string, headers header, want int) {
		t.Helper()
		answer, text := attempt(t, "GET", h.public+"/v1/events?topic=orders", headers)
		if answer.StatusCode != want || want == 503 && (!strings.Contains(text, "keys-unavailable") || answer.Header.Get("Retry-After") == "") {
			t.Errorf("%s: %s %s", what, answer.Status, text)
		}
	}
	expect("no key yet", first, 503)
	serve.serve(t, keys, "first")
	serve.down.Store(false)
	expect("the issuer is there", first, 200)
	expect("a key of nobody", second, 401)
	serve.serve(t, keys, "second")
	expect("rotated", second, 200)
	expect("withdrawn", first, 401)
	serve.down.Store(true)
	expect("the issuer is away", second, 200)
	expect("the issuer is away and the key unknown", first, 401)
	serve.Close()
	expect("the issuer is gone", second, 200)
}
