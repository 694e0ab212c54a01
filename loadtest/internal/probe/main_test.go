package probe

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	hubtest.Clean()
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop")); err != nil {
			println(err.Error())
			code = 1
		}
	}
	os.Exit(code)
}
