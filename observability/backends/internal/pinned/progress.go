package pinned

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// report tells of a build until the function that it returns is called.
func report(progress io.Writer, p Program) func() {
	const every = 30 * time.Second
	began := time.Now()
	fmt.Fprintf(progress, "building %s %s from %s@%s: about %v the first time, on two cores\n",
		p.Name, p.Release, p.Module, p.Version, p.Cold)
	stop := make(chan struct{})
	var teller sync.WaitGroup
	teller.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintf(progress, "  %s: %v so far\n", p.Name, time.Since(began).Round(time.Second))
			case <-stop:
				return
			}
		}
	})
	return func() {
		close(stop)
		teller.Wait()
		fmt.Fprintf(progress, "  %s: ended after %v\n", p.Name, time.Since(began).Round(time.Second))
	}
}
