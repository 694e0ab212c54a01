package main

import (
	"bytes"
	"cmp"
	"encoding/json"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// tag is what all dashboards here have, by which they find one another.
const tag = "sluice"

// A board is one dashboard.
type board struct {
	uid, title string
	about      string
	topics     bool   // its queries know classes of topics
	releases   bool   // its queries know releases
	edges      bool   // its queries know edges
	writer     string // whose log is below, if it is not the hub's
	panels     []panel
	logs       panel // below all others
}

// file returns the name of the board's file. compose.yaml has that of the
// overview, which Grafana opens first.
func (b *board) file() string { return b.uid + ".json" }

// schema is the version of the JSON model that Grafana 12 reads without
// migrating it.
const schema = 41

// json returns what Grafana is given.
func (b *board) json() ([]byte, error) {
	d := dashboard.NewDashboard()
	d.Uid, d.Title, d.Description = &b.uid, &b.title, &b.about
	d.Tags = []string{tag}
	d.SchemaVersion = schema
	d.Editable = pointer(false)
	d.GraphTooltip = pointer(dashboard.DashboardCursorSyncCrosshair)
	d.Refresh = pointer("10s")
	d.Time = &dashboard.DashboardDashboardTime{From: "now-1h", To: "now"}
	d.Timepicker = &dashboard.TimePickerConfig{RefreshIntervals: []string{"5s", "10s", "30s", "1m", "5m"}}
	d.Links = []dashboard.DashboardLink{others()}
	d.Templating.List = b.variables()
	d.Panels = b.layout()
	return encode(d, annotations())
}

// others links to all dashboards of the tag, with the time and the variables
// of the one that is left.
func others() dashboard.DashboardLink {
	return dashboard.DashboardLink{
		Title: "Sluice", Type: dashboard.DashboardLinkTypeDashboards, Tags: []string{tag},
		IncludeVars: true, KeepTime: true, Tooltip: "The other dashboards, at the same time and with the same variables",
	}
}

// encode writes a dashboard with its annotations, which the SDK's types know
// too little of.
func encode(d *dashboard.Dashboard, list []annotation) ([]byte, error) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	var all map[string]any
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber()
	if err := numbers.Decode(&all); err != nil {
		return nil, err
	}
	all["annotations"] = map[string]any{"list": list}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // so that a query can be read in the file
	e.SetIndent("", "  ")
	err = e.Encode(all)
	return out.Bytes(), err
}

// columns is the width of Grafana's grid.
const columns = 24

// layout puts panels side by side and below one another, the logs last under a
// heading.
func (b *board) layout() []dashboard.PanelOrRowPanel {
	var all []dashboard.PanelOrRowPanel
	var x, y, high, id uint32
	add := func(p panel) {
		if x+p.wide > columns {
			x, y, high = 0, y+high, 0
		}
		id++
		built := p.build(id)
		built.GridPos = &dashboard.GridPos{X: x, Y: y, W: p.wide, H: p.high}
		all = append(all, dashboard.PanelOrRowPanel{Panel: &built})
		x, high = x+p.wide, max(high, p.high)
	}
	for _, p := range b.panels {
		add(p)
	}
	x, y, high = 0, y+high, 0
	id++
	all = append(all, dashboard.PanelOrRowPanel{RowPanel: &dashboard.RowPanel{
		Type: "row", Title: pointer("What the " + cmp.Or(b.writer, "hub") + " wrote about it"), Id: id, Panels: []dashboard.Panel{},
		GridPos: &dashboard.GridPos{Y: y, W: columns, H: 1},
	}})
	y++
	add(b.logs)
	return all
}

func pointer[T any](v T) *T { return &v }

// The datasources are chosen by variables, for all panels at once.
func metrics() *common.DataSourceRef {
	return &common.DataSourceRef{Type: pointer("prometheus"), Uid: pointer("${datasource}")}
}

func logLines() *common.DataSourceRef {
	return &common.DataSourceRef{Type: pointer("loki"), Uid: pointer("${logs}")}
}
