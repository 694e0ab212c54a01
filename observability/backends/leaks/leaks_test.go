package leaks

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

// TestLeavesOne is run by TestNamesTheTest: of two tests that run beside each
// other one forgets an answer.
func TestLeavesOne(t *testing.T) {
	forget := os.Getenv("LEAKS_TEST_FORGET")
	if forget == "" {
		t.Skip("it is to fail, and is part of TestNamesTheTest")
	}
	for _, name := range []string{"careful", "forgetful"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			Of(t)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.(http.Flusher).Flush()
				_, _ = w.Write([]byte("more than the head"))
			}))
			t.Cleanup(s.Close)
			answer, err := http.Get(s.URL)
			if err != nil {
				t.Fatal(err)
			}
			if name != forget {
				answer.Body.Close()
			}
		})
	}
}

func TestNamesTheTest(t *testing.T) {
	run := func(forget string) (string, error) {
		c := exec.Command(os.Args[0], "-test.run", "^TestLeavesOne$")
		c.Env = append(os.Environ(), "LEAKS_TEST_FORGET="+forget)
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if said, err := run("none"); err != nil {
		t.Errorf("nothing is left, and it says %v:\n%s", err, said)
	}
	said, err := run("forgetful")
	if err == nil || !strings.Contains(said, "persistConn") || !strings.Contains(said, `"TestLeavesOne/forgetful"`) || strings.Contains(said, `"TestLeavesOne/careful"`) {
		t.Errorf("it says %v:\n%s", err, said)
	}
}
