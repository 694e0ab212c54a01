package app

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/sluice-stream/sluice/services/edge/internal/config"
	"github.com/sluice-stream/sluice/services/edge/internal/names"
	"github.com/sluice-stream/sluice/services/edge/internal/nginx"
	"github.com/sluice-stream/sluice/services/edge/internal/settings"
)

// mostRetries is up to when a client that vanished is given up within a minute
// or two: data to it is sent again so often (ip-sysctl, tcp_retries2).
const mostRetries = 8

// find finds out what nginx is run with.
func find(s settings.Settings) (config.Facts, error) {
	version, err := nginx.Version(s.Nginx)
	if err != nil {
		return config.Facts{}, err
	}
	const least = 1022000
	if version < least {
		return config.Facts{}, fmt.Errorf("this nginx is version %d.%d.%d: 1.22 or later is needed", version/1e6, version/1e3%1e3, version%1e3)
	}
	f := config.Facts{Version: version, Cores: runtime.GOMAXPROCS(0), Ports: ports(), Resolver: s.Resolver}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err == nil {
		f.Files = int(min(files.Cur, 1<<30))
	}
	if f.Resolver == "" {
		if text, err := os.Open("/etc/resolv.conf"); err == nil {
			f.Resolver = names.Server(text)
			text.Close()
		}
	}
	return f, nil
}

// ports returns how many local ports there are for connections to one hub.
func ports() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0
	}
	bounds := strings.Fields(string(text))
	if len(bounds) != 2 {
		return 0
	}
	low, err := strconv.Atoi(bounds[0])
	high, err2 := strconv.Atoi(bounds[1])
	if err != nil || err2 != nil {
		return 0
	}
	return high - low + 1
}

// number returns what a file of the kernel's says; 0: nothing.
func number(file string) int {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return n
}
