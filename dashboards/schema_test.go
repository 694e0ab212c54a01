package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The dashboards are what Grafana's schema says, without a field that it does
// not know. Of annotations it knows too little; these are left out.
func TestSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for _, b := range boards() {
		text, err := os.ReadFile(b.file())
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		all["annotations"] = map[string]any{"list": []any{}}
		if text, err = json.Marshal(all); err != nil {
			t.Fatal(err)
		}
		var d dashboard.Dashboard
		if err := d.UnmarshalJSONStrict(text); err != nil {
			t.Errorf("%s: %v", b.file(), err)
			continue
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", b.file(), err)
		}
	}
}
