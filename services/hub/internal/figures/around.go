package figures

import "github.com/sluice-stream/sluice/services/sse"

// StressClass is the class of topics whose streams are stress traffic, left out
// of all objectives.
const StressClass = "stress"

// surroundings are what a look at all streams finds, once a second.
type surroundings struct {
	behind map[string]sse.Behind // by topic class
	stress int                   // streams on topics of StressClass
}

// lookAround looks at all streams, for figures, and returns how many are
// behind.
func (f *Figures) lookAround() sse.Behind {
	all, byTopic := f.Streams.Behind()
	s := surroundings{behind: map[string]sse.Behind{}}
	for topic, b := range byTopic {
		class := f.Classes.Of(topic).Name
		sum := s.behind[class]
		sum.Connections += b.Connections
		sum.Bytes = max(sum.Bytes, b.Bytes)
		s.behind[class] = sum
	}
	if f.Classes.index[StressClass] != nil {
		for topic, a := range f.Streams.Accounts() {
			if f.Classes.Of(topic).Name == StressClass {
				s.stress += a.Streams
			}
		}
	}
	f.around.Store(&s)
	return all
}

// Behind returns the streams that were behind at the last look, by the class of
// their topic.
func (f *Figures) Behind() map[string]sse.Behind { return f.around.Load().behind }

// Stress returns how many streams on topics of [StressClass] there were.
func (f *Figures) Stress() int { return f.around.Load().stress }
