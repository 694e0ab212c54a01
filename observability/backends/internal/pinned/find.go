package pinned

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// Find returns the path of the program: of the one on the PATH where it is
// new enough, else of the one that was built. Without either, the error says
// what to do.
func (p Program) Find(ctx context.Context, cache string) (string, error) {
	advice := fmt.Sprintf("no %s: go run ./observability/backends build %s", p.Name, p.Name)
	for _, name := range p.OnPath {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		release, err := p.ask(ctx, path)
		if err != nil {
			advice += fmt.Sprintf(" (%s does not say its release: %v)", path, err)
		} else if before(release, p.Least) {
			advice += fmt.Sprintf(" (%s is %s, older than %s)", path, release, p.Least)
		} else {
			return path, nil
		}
	}
	if path := p.Path(cache); built(path) {
		return path, nil
	}
	return "", errors.New(advice)
}

// ask returns the release that an installed program says it is.
func (p Program) ask(ctx context.Context, path string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	out, err := exec.CommandContext(ctx, path, p.Ask).CombinedOutput()
	if err != nil {
		return "", err
	}
	release := regexp.MustCompile(`\d+\.\d+\.\d+`).Find(out)
	if release == nil {
		return "", fmt.Errorf("no release in %.100q", out)
	}
	return string(release), nil
}

// before compares releases like 3.8.0.
func before(a, b string) bool {
	numbers := regexp.MustCompile(`\d+`)
	as, bs := numbers.FindAllString(a, 3), numbers.FindAllString(b, 3)
	for i := range min(len(as), len(bs)) {
		x, _ := strconv.Atoi(as[i]) // digits; beyond an int they are large
		y, _ := strconv.Atoi(bs[i])
		if c := cmp.Compare(x, y); c != 0 {
			return c < 0
		}
	}
	return len(as) < len(bs)
}
