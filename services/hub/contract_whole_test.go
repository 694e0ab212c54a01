package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// The data file has each rule once, and nothing that no row uses.
func TestContractIsTidy(t *testing.T) {
	c := readContract(t)
	hubs, rules := map[string]bool{"default": true}, map[string]bool{}
	for _, chapter := range c.Chapters {
		if chapter.Chapter == "" || len(chapter.Rows) == 0 {
			t.Errorf("chapter %q has %d rows", chapter.Chapter, len(chapter.Rows))
		}
		for _, row := range chapter.Rows {
			if rules[row.Rule] || !strings.HasSuffix(row.Rule, ".") {
				t.Errorf("%s: %q stands twice or is no sentence", chapter.Chapter, row.Rule)
			}
			if len(row.Steps) == 0 {
				t.Errorf("%q has no steps", row.Rule)
			}
			rules[row.Rule], hubs[row.Hub] = true, true
		}
	}
	for name := range c.Hubs {
		if !hubs[name] {
			t.Errorf("no row needs the hub %q", name)
		}
	}
}

// Each token claims what the table says of it, and each file and token stands
// in a setting or a row.
func TestContractTokensSayWhatTheyClaim(t *testing.T) {
	c := readContract(t)
	content, err := os.ReadFile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Tokens) == 0 || len(c.Files) == 0 {
		t.Error("there are no tokens, or no files")
	}
	sent := c.tokens(t)
	for name, token := range c.Tokens {
		var claims jwt.MapClaims
		_, _, err := jwt.NewParser().ParseUnverified(sent[name], &claims)
		if token.Lasts > 0 {
			delete(claims, "exp")
		}
		if err != nil || !reflect.DeepEqual(claims, token.Claims) {
			t.Errorf("%s claims %v, %v", name, claims, err)
		}
		if !strings.Contains(string(content), "{{token:"+name+"}}") {
			t.Errorf("no row has the token %q", name)
		}
	}
	for name := range c.Files {
		if !strings.Contains(string(content), `"{{file:`+name+`}}"`) {
			t.Errorf("no hub has the file %q", name)
		}
	}
}

// Every problem that the hub can name stands in a row, or among those that
// cannot be provoked from outside, with the reason; and no others do.
func TestContractNamesEveryProblem(t *testing.T) {
	c := readContract(t)
	content, err := os.ReadFile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	var emitted []string
	rooms, err := fs.Glob(os.DirFS("."), "internal/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range append(rooms, "../sse") {
		emitted = append(emitted, problemTypes(t, folder)...)
	}
	if len(emitted) < 20 {
		t.Fatalf("only %v were found in the code", emitted)
	}
	for _, problem := range emitted {
		inRow := strings.Contains(string(content), `"problem": "`+problem+`"`) || strings.Contains(string(content), `"urn:sluice:problem:`+problem+`"`)
		if reason, excused := c.Unprovoked[problem]; inRow == excused || excused && reason == "" {
			t.Errorf("%s: in a row: %v, excused: %v (%s)", problem, inRow, excused, reason)
		}
	}
	for problem := range c.Unprovoked {
		if !slices.Contains(emitted, problem) {
			t.Errorf("nothing in the code is the problem %s", problem)
		}
	}
}

// problemTypes returns the types of the problems that the Go files of a folder
// can emit: the Type of each Rejection, and the problem of each bound.
func problemTypes(t *testing.T, folder string) []string {
	t.Helper()
	files, err := fs.Glob(os.DirFS(folder), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), folder+"/"+name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			switch value := problemOf(literal).(type) {
			case nil:
			case *ast.BasicLit:
				text, err := strconv.Unquote(value.Value)
				if err != nil {
					t.Fatal(err)
				}
				types = append(types, text)
			case *ast.SelectorExpr: // b.problem, of a bound
			default:
				t.Errorf("%s: the type of a problem is not written out", name)
			}
			return true
		})
	}
	return types
}

// problemOf returns the expression in a literal that names a problem; nil
// where there is none.
func problemOf(literal *ast.CompositeLit) ast.Expr {
	typ := literal.Type
	if selector, ok := typ.(*ast.SelectorExpr); ok {
		typ = selector.Sel
	}
	name, ok := typ.(*ast.Ident)
	if !ok {
		return nil
	}
	field := "Type"
	switch {
	case name.Name == "Bound" && len(literal.Elts) > 0:
		field = "Problem"
	case name.Name != "Rejection":
		return nil
	}
	for _, element := range literal.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok && pair.Key.(*ast.Ident).Name == field {
			return pair.Value
		}
	}
	return nil
}
