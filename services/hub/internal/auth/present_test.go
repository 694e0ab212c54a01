package auth

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestBearer(t *testing.T) {
	for _, row := range []struct {
		header, token string
		ok            bool
	}{
		{"", "", false}, {"Bearer abc", "abc", true}, {"bearer  abc ", "abc", true}, {"Bearer", "", true}, {"Basic abc", "abc", false}, {"abc", "", false},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", row.header)
		if token, ok := Bearer(r); ok != row.ok || ok && token != row.token {
			t.Errorf("%q: %q, %v", row.header, token, ok)
		}
	}
}

func TestCookie(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "a=b": "", "sluice_token=abc": "abc", "a=b; sluice_token=abc; sluice_token=def": "abc", "sluice_token=": "",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if header != "" {
			r.Header.Set("Cookie", header)
		}
		if token, ok := Cookie(r); token != want || ok != strings.Contains(header, "sluice_token") {
			t.Errorf("%q: %q, %v", header, token, ok)
		}
	}
}

func TestCutQuery(t *testing.T) {
	for _, row := range []struct {
		query, rest, token string
		ok                 bool
	}{
		{"", "", "", false},
		{"topic=a", "topic=a", "", false},
		{"topic=a%20b&%zz", "topic=a%20b&%zz", "", false},
		{"access_token=s3cret", "", "s3cret", true},
		{"topic=a&access_token=s3cret&topic=b", "topic=a&topic=b", "s3cret", true},
		{"access_token=one&topic=a&access_token=two", "topic=a", "one", true},
		{"topic=a&access%5Ftoken=s3%2Dcret", "topic=a", "s3-cret", true},
		{"access_token", "", "", true},
		{"access_token=%zz", "", "%zz", true},
		{"my_access_token=x", "my_access_token=x", "", false},
	} {
		rest, token, ok := CutQuery(row.query)
		if rest != row.rest || token != row.token || ok != row.ok {
			t.Errorf("%q: %q, %q, %v", row.query, rest, token, ok)
		}
	}
}

// However it is written, no token that would be read as one stays in a query.
func FuzzCutQuery(f *testing.F) {
	f.Add("topic=a&access_token=x")
	f.Add("%61ccess%5ftoken=x;access_token=y")
	f.Fuzz(func(t *testing.T, query string) {
		rest, _, ok := CutQuery(query)
		left, _ := url.ParseQuery(rest)
		if left.Has(QueryName) || !ok && rest != query {
			t.Errorf("%q leaves %q", query, rest)
		}
	})
}
