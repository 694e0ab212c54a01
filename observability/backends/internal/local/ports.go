package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// host is where everything here listens.
const host = "127.0.0.1"

// addresses are what a backend listens on, host:port by the port's name.
type addresses map[string]string

func (a addresses) port(name string) string {
	_, port, _ := net.SplitHostPort(a[name])
	return port
}

// reserve finds an address for each port: the wanted one, or any free one. It
// keeps them until all are found, so that they differ.
func reserve(name string, ports []Port, wanted map[string]int) (addresses, error) {
	found := addresses{}
	for _, p := range ports {
		l, err := listen(wanted[p.Name])
		if err != nil {
			return nil, fmt.Errorf("%s: its port %s: %w: end what has it, or give another with --port %s.%s=NUMBER (0 is any free one)",
				name, p.Name, err, name, p.Name)
		}
		defer l.Close()
		found[p.Name] = l.Addr().String()
	}
	return found, nil
}

// listen takes a port; with 0 a free one below those that outgoing
// connections get, so that none of these takes it during a restart.
func listen(port int) (net.Listener, error) {
	if port != 0 {
		return net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	}
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(10_000+rand.IntN(20_000))))
		if err == nil {
			return l, nil
		}
	}
	return nil, errors.New("no port is free")
}
