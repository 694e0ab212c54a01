package programtest

import (
	"flag"
	"strconv"
)

// BesideEachOther sets how many parallel tests there are at once, unless
// -parallel does: by itself it is the number of cores, and tests of programs and
// of connections wait most of their time. Those that take the processor, or
// measure time or memory, are better not parallel: they are run before the
// others, one by one. It is for TestMain.
func BesideEachOther(tests int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(tests))
	}
}
