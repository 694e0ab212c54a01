package scenario

import (
	"os"
	"path/filepath"
	"testing"
)

func budgetFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "budget.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
