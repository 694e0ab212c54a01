package local

import (
	"os"
	"path/filepath"
)

// silent takes every alert and sends nothing.
const silent = `route:
  receiver: nobody
receivers:
  - name: nobody
`

func alertmanager(s Settings, at addresses) (launch, error) {
	config := s.Receivers
	if config == "" {
		config = filepath.Join(s.Data, "alertmanager.yml")
		if err := os.WriteFile(config, []byte(silent), 0o644); err != nil {
			return launch{}, err
		}
	}
	return launch{
		args: []string{
			"--config.file=" + config,
			"--storage.path=" + filepath.Join(s.Data, "data"),
			"--web.listen-address=" + at["http"],
			"--web.external-url=http://" + at["http"], // in links
			"--cluster.listen-address=",               // alone
		},
		ready: "http://" + at["http"] + "/-/ready",
	}, nil
}
