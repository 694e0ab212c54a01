package stacktest

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"
)

// root is the folder of compose.yaml.
const root = "../.."

// load reads compose.yaml as Compose does, with every unknown key an error,
// the demo included and nothing of this test's environment.
func load(t *testing.T, options ...cli.ProjectOptionsFn) *types.Project {
	t.Helper()
	dir, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	options = append([]cli.ProjectOptionsFn{cli.WithWorkingDirectory(dir), cli.WithProfiles([]string{"demo"})}, options...)
	o, err := cli.NewProjectOptions([]string{filepath.Join(dir, "compose.yaml")}, options...)
	if err != nil {
		t.Fatal(err)
	}
	project, err := o.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

// own are the services that run our image.
var own = []string{"demo", "hub", "init", "prober"}

func TestEveryContainerIsHardened(t *testing.T) {
	project := load(t, cli.WithDotEnv)
	for name, s := range project.Services {
		if !s.ReadOnly || s.Privileged || len(s.CapAdd) > 0 || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: read-only %v, privileged %v, capabilities +%v -%v", name, s.ReadOnly, s.Privileged, s.CapAdd, s.CapDrop)
		}
		if uid, _, _ := strings.Cut(s.User, ":"); uid == "" || uid == "0" || strings.Trim(uid, "0123456789") != "" {
			t.Errorf("%s runs as %q; want a number that is not 0", name, s.User)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may get new privileges: %v", name, s.SecurityOpt)
		}
		if got := slices.Contains(s.SecurityOpt, "seccomp=services/seccomp.json"); got != slices.Contains(own, name) {
			t.Errorf("%s: our seccomp profile: %v", name, got)
		}
		if s.MemLimit <= 0 || s.CPUS <= 0 || s.PidsLimit <= 0 {
			t.Errorf("%s lacks a limit: memory %d, cores %v, processes %d", name, s.MemLimit, s.CPUS, s.PidsLimit)
		}
		if s.Logging == nil || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
			t.Errorf("%s: its log grows without end", name)
		}
	}
}

// Nothing but the edge and the pages is published, and on loopback, on ports
// of which none is the bare hub's.
func TestPublishedPorts(t *testing.T) {
	var published []string
	for name, s := range load(t, cli.WithDotEnv).Services {
		for _, p := range s.Ports {
			published = append(published, name)
			address, err := netip.ParseAddr(p.HostIP)
			if err != nil || !address.IsLoopback() || p.Published == "8080" || p.Published == "8081" {
				t.Errorf("%s is published at %s:%s", name, p.HostIP, p.Published)
			}
		}
	}
	slices.Sort(published)
	if want := []string{"alertmanager", "edge", "grafana", "jaeger", "prometheus"}; !slices.Equal(published, want) {
		t.Errorf("published: %v, want %v", published, want)
	}
}

// Whatever stays up can be asked how it is, is waited for by those who need it,
// and the hub has longer to end than its drain takes.
func TestStartAndEnd(t *testing.T) {
	project := load(t, cli.WithDotEnv)
	for name, s := range project.Services {
		asked := s.HealthCheck != nil && len(s.HealthCheck.Test) > 1
		if oneShot := name == "init" || name == "demo"; asked == oneShot {
			t.Errorf("%s: health check: %v", name, asked)
		}
		for needed, d := range s.DependsOn {
			want := types.ServiceConditionHealthy
			if needed == "init" {
				want = types.ServiceConditionCompletedSuccessfully
			}
			if d.Condition != want {
				t.Errorf("%s waits for %s until %s, want %s", name, needed, d.Condition, want)
			}
		}
	}
	hub := project.Services["hub"]
	var takes time.Duration
	for _, name := range []string{"SLUICE_SHUTDOWN_DELAY", "SLUICE_DRAIN_TIMEOUT"} {
		d, err := time.ParseDuration(*hub.Environment[name])
		if err != nil {
			t.Error(err)
		}
		takes += d
	}
	if hub.StopGracePeriod == nil || time.Duration(*hub.StopGracePeriod) < takes+5*time.Second {
		t.Errorf("the hub's end takes %v, and it is killed after %v", takes, hub.StopGracePeriod)
	}
}

// The edge's own network has ports for its streams, and lets clients go that
// vanish: as its tests set it.
func TestEdgeNetwork(t *testing.T) {
	edge := load(t, cli.WithDotEnv).Services["edge"]
	for name, want := range map[string]string{"ip_local_port_range": "1024 65535", "tcp_tw_reuse": "1", "tcp_retries2": "6"} {
		if got := edge.Sysctls["net.ipv4."+name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Who needs one token sees no other secret, and changes none.
func TestSecretsAreForThoseWhoNeedThem(t *testing.T) {
	project := load(t, cli.WithDotEnv)
	for _, name := range []string{"prober", "demo"} {
		if v := project.Services[name].Volumes; len(v) != 1 || v[0].Source != "tokens" || !v[0].ReadOnly {
			t.Errorf("%s sees %+v", name, v)
		}
	}
}

// Prober and demo log where the hub does, as parts of the same deployment.
func TestAllLogToLoki(t *testing.T) {
	project := load(t, cli.WithDotEnv)
	hub := project.Services["hub"].Environment
	for _, name := range []string{"prober", "demo"} {
		environment := project.Services[name].Environment
		for _, setting := range []string{"LOKI_URL", "ENVIRONMENT"} {
			of, want := environment["LOADTEST_"+setting], hub["SLUICE_"+setting]
			if of == nil || want == nil || *of == "" || *of != *want {
				t.Errorf("%s and the hub differ in %s", name, setting)
			}
		}
	}
}

// .env has every variable of compose.yaml, no other, and the defaults that
// compose.yaml has itself, but for the demo, which it turns on.
func TestEnvironmentFile(t *testing.T) {
	set, err := dotenv.Read(filepath.Join(root, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	used := template.ExtractVariables(file, template.DefaultPattern)
	if len(used) < 30 {
		t.Fatalf("only %d variables found in compose.yaml", len(used))
	}
	for name, v := range used {
		if value, ok := set[name]; !ok || value != v.DefaultValue {
			t.Errorf("%s is %q in .env (%v), and %q without it", name, value, ok, v.DefaultValue)
		}
	}
	for name := range set {
		if _, ok := used[name]; !ok && name != "COMPOSE_PROFILES" {
			t.Errorf("%s in .env is used nowhere", name)
		}
	}
	if set["COMPOSE_PROFILES"] != "demo" {
		t.Errorf("COMPOSE_PROFILES is %q: there is nothing to see", set["COMPOSE_PROFILES"])
	}
}

// What is mounted from the checkout is there: Docker would make a folder of
// root's in its place. All of it is read-only, and readable for the users that
// containers run as.
func TestMounts(t *testing.T) {
	mounts := 0
	for name, s := range load(t, cli.WithDotEnv).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			mounts++
			info, err := os.Stat(v.Source)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if !v.ReadOnly || runtime.GOOS != "windows" && info.Mode().Perm()&0o004 == 0 {
				t.Errorf("%s: %s is mounted read-only: %v; mode %v", name, v.Source, v.ReadOnly, info.Mode())
			}
		}
	}
	if mounts < 8 {
		t.Errorf("only %d mounts", mounts)
	}
}

// Our seccomp profile is for both kinds of machines that images are built for.
func TestProfileArchitectures(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "services", "seccomp.json"))
	if err != nil {
		t.Fatal(err)
	}
	var profile struct {
		DefaultAction string
		ArchMap       []struct{ Architecture string }
	}
	if err := json.Unmarshal(text, &profile); err != nil {
		t.Fatal(err)
	}
	var architectures []string
	for _, a := range profile.ArchMap {
		architectures = append(architectures, a.Architecture)
	}
	if want := []string{"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"}; !slices.Equal(architectures, want) || profile.DefaultAction != "SCMP_ACT_ERRNO" {
		t.Errorf("%s for %v, want refusal by default for %v", profile.DefaultAction, architectures, want)
	}
}
