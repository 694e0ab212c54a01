// Package readmes is for tests that hold the pages of the repository to their
// word: it knows which there are, so that what is moved from one to another, or
// to a new one, is still tested.
package readmes

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Page is a file of Markdown.
type Page struct {
	// Path is where it is from the root of the repository, with slashes.
	Path string
	// Text is all of it.
	Text string
}

// All returns the README of the repository and those of its folders, the
// repository's own first. Test data have none.
func All(t testing.TB) []Page {
	t.Helper()
	var found []Page
	for _, p := range Markdown(t) {
		switch {
		case p.Path == "README.md":
			found = append([]Page{p}, found...)
		case strings.HasSuffix(p.Path, "/README.md"):
			found = append(found, p)
		}
	}
	if len(found) == 0 || found[0].Path != "README.md" {
		t.Fatalf("no README.md among %d", len(found))
	}
	return found
}

// Get returns the page at a path from the root of the repository.
func Get(t testing.TB, path string) Page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return Page{Path: path, Text: string(text)}
}

// Section returns what stands under a heading of the second level, down to the
// next one.
func (p Page) Section(t testing.TB, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(p.Text, "\n## "+heading+"\n")
	if !found {
		t.Fatalf("%s has no section %q", p.Path, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}

// Markdown returns all pages of the repository, whatever they are called, but
// for those of test data and of folders that start with a dot.
func Markdown(t testing.TB) []Page {
	t.Helper()
	var found []Page
	base := root(t)
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != base && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".md":
			return nil
		}
		inside, err := filepath.Rel(base, path)
		if err == nil {
			found = append(found, Get(t, filepath.ToSlash(inside)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// root finds the folder of go.mod, from that of the package which is tested.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		above := filepath.Dir(dir)
		if above == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = above
	}
}
