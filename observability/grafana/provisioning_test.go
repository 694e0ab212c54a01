// Package grafana holds what Grafana is provisioned with, and tests of it.
package grafana

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// These are the keys in use, by Grafana's names: one that it does not know it
// would pass over in silence, and the link would not be there.
type (
	datasources struct {
		Version     int          `yaml:"apiVersion"`
		Datasources []datasource `yaml:"datasources"`
	}
	datasource struct {
		Name      string   `yaml:"name"`
		UID       string   `yaml:"uid"`
		Type      string   `yaml:"type"`
		Access    string   `yaml:"access"`
		URL       string   `yaml:"url"`
		IsDefault bool     `yaml:"isDefault"`
		Editable  bool     `yaml:"editable"`
		JSON      jsonData `yaml:"jsonData"`
	}
	jsonData struct {
		HTTPMethod      string      `yaml:"httpMethod"`
		PrometheusType  string      `yaml:"prometheusType"`
		TimeInterval    string      `yaml:"timeInterval"`
		ManageAlerts    bool        `yaml:"manageAlerts"`
		AlertmanagerUID string      `yaml:"alertmanagerUid"`
		Exemplars       []traceLink `yaml:"exemplarTraceIdDestinations"`

		Implementation string `yaml:"implementation"`
		GrafanaManaged bool   `yaml:"handleGrafanaManagedAlerts"`

		MaxLines      int         `yaml:"maxLines"`
		DerivedFields []traceLink `yaml:"derivedFields"`

		NodeGraph struct {
			Enabled bool `yaml:"enabled"`
		} `yaml:"nodeGraph"`
		TracesToLogs    spanLink `yaml:"tracesToLogsV2"`
		TracesToMetrics spanLink `yaml:"tracesToMetrics"`
	}
	traceLink struct {
		Name          string `yaml:"name"`
		DatasourceUID string `yaml:"datasourceUid"`
		Label         string `yaml:"urlDisplayLabel"`
		MatcherType   string `yaml:"matcherType"`
		MatcherRegex  string `yaml:"matcherRegex"`
		URL           string `yaml:"url"`
	}
	spanLink struct {
		DatasourceUID string `yaml:"datasourceUid"`
		From          string `yaml:"spanStartTimeShift"`
		To            string `yaml:"spanEndTimeShift"`
		Tags          []struct {
			Key   string `yaml:"key"`
			Value string `yaml:"value"`
		} `yaml:"tags"`
		CustomQuery bool   `yaml:"customQuery"`
		Query       string `yaml:"query"`
		Queries     []struct {
			Name  string `yaml:"name"`
			Query string `yaml:"query"`
		} `yaml:"queries"`
	}
	providers struct {
		Version   int `yaml:"apiVersion"`
		Providers []struct {
			Name            string `yaml:"name"`
			Type            string `yaml:"type"`
			Folder          string `yaml:"folder"`
			FolderUID       string `yaml:"folderUid"`
			DisableDeletion bool   `yaml:"disableDeletion"`
			AllowUIUpdates  bool   `yaml:"allowUiUpdates"`
			Interval        int    `yaml:"updateIntervalSeconds"`
			Options         struct {
				Path    string `yaml:"path"`
				Folders bool   `yaml:"foldersFromFilesStructure"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
)

// load reads a file as Grafana would: what is written as two dollar signs is
// one, and a variable of the environment would be replaced.
func load(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	expand(t, &root)
	if err := root.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func expand(t *testing.T, n *yaml.Node) {
	t.Helper()
	if n.Kind == yaml.ScalarNode {
		parts := strings.Split(n.Value, "$$")
		for _, part := range parts {
			if strings.Contains(part, "$") {
				t.Errorf("line %d: %s: nothing is read from the environment: write $$", n.Line, n.Value)
			}
		}
		n.Value = strings.Join(parts, "$")
	}
	for _, below := range n.Content {
		expand(t, below)
	}
}

func loadDatasources(t *testing.T) map[string]datasource {
	t.Helper()
	var all datasources
	load(t, "provisioning/datasources/sluice.yml", &all)
	byUID := map[string]datasource{}
	for _, d := range all.Datasources {
		byUID[d.UID] = d
		if d.Access != "proxy" || d.Editable {
			t.Errorf("%s: access %s, editable %v", d.UID, d.Access, d.Editable)
		}
	}
	if all.Version != 1 || len(byUID) != len(all.Datasources) {
		t.Errorf("version %d, uids %v", all.Version, byUID)
	}
	return byUID
}

// Each datasource has the uid that dashboards know, and every link leads to
// one of the kind that it is meant for.
func TestDatasources(t *testing.T) {
	all := loadDatasources(t)
	for uid, url := range map[string]string{
		"prometheus": "http://prometheus:9090", "loki": "http://loki:3100",
		"jaeger": "http://jaeger:16686", "alertmanager": "http://alertmanager:9093",
	} {
		if d := all[uid]; d.Type != uid || d.URL != url || d.IsDefault != (uid == "prometheus") {
			t.Errorf("%s: %+v", uid, d)
		}
	}
	leads := func(what, uid, kind string) {
		t.Helper()
		if d, ok := all[uid]; !ok || d.Type != kind {
			t.Errorf("%s leads to %q, which is no %s", what, uid, kind)
		}
	}
	metrics, lines, traces := all["prometheus"].JSON, all["loki"].JSON, all["jaeger"].JSON
	leads("alerts", metrics.AlertmanagerUID, "alertmanager")
	leads("logs of a span", traces.TracesToLogs.DatasourceUID, "loki")
	leads("metrics of a span", traces.TracesToMetrics.DatasourceUID, "prometheus")
	if len(metrics.Exemplars) != 1 || metrics.Exemplars[0].Name != "trace_id" {
		t.Fatalf("exemplars: %+v", metrics.Exemplars)
	}
	leads("an exemplar", metrics.Exemplars[0].DatasourceUID, "jaeger")
	if len(lines.DerivedFields) != 1 {
		t.Fatalf("derived fields: %+v", lines.DerivedFields)
	}
	field := lines.DerivedFields[0]
	leads("a line", field.DatasourceUID, "jaeger")
	if field.MatcherType != "label" || field.MatcherRegex != "trace_id" || field.URL != "${__value.raw}" {
		t.Errorf("derived field: %+v", field)
	}
	if all["alertmanager"].JSON.Implementation != "prometheus" {
		t.Error("Grafana takes Alertmanager for Mimir's")
	}
}

// The metrics of a span are ones that the hub has, of the job that the span is
// of: others have some of the same name. The edge's spans are of another name than
// its job, so its metrics are named with that.
func TestMetricsOfSpans(t *testing.T) {
	known := catalogue.Metrics()
	name := regexp.MustCompile(`\b([a-z_]+?)(?:_bucket|_count)?\{\$__tags\}`)
	link := loadDatasources(t)["jaeger"].JSON.TracesToMetrics
	if len(link.Tags) != 1 || link.Tags[0].Value != "job" || len(link.Queries) == 0 {
		t.Errorf("%+v", link)
	}
	edge := regexp.MustCompile(`\b([a-z_]+?)_count\{job="api-gateway"\}`)
	for _, q := range link.Queries {
		if m := edge.FindStringSubmatch(q.Query); m != nil && known[m[1]].Labels[catalogue.Edge] != "" {
			continue
		}
		m := name.FindStringSubmatch(q.Query)
		if m == nil || q.Name == "" {
			t.Errorf("%q has no metric of the span's tags: %s", q.Name, q.Query)
			continue
		}
		if _, ok := known[m[1]].Labels[catalogue.Hub]; !ok {
			t.Errorf("%s: the hub has no %s", q.Name, m[1])
		}
	}
}

// Dashboards are in one folder, and not to be changed by hand.
func TestProviders(t *testing.T) {
	var all providers
	load(t, "provisioning/dashboards/sluice.yml", &all)
	if all.Version != 1 || len(all.Providers) != 1 {
		t.Fatalf("%+v", all)
	}
	p := all.Providers[0]
	if p.Type != "file" || p.Folder != "Sluice" || p.AllowUIUpdates || !p.DisableDeletion || p.Options.Folders ||
		p.Options.Path != "/var/lib/grafana/dashboards" {
		t.Errorf("%+v", p)
	}
}
