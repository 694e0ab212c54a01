package publish

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"unicode/utf8"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// incoming is one event as its publisher gives it, in whatever form.
type incoming struct {
	typ  string // empty: none
	key  string // empty: none
	data []byte
	// once names the event among all of its topic and subject, so that it is
	// published once; nil: it has no name. Its first word says where the name
	// comes from, so that names from two places never meet.
	once []string
}

// named returns the name that an idempotency key gives.
func named(idempotencyKey string) []string { return []string{"key", idempotencyKey} }

// entry is the event as the log takes it.
func (e *incoming) entry(subject, traceparent string) eventlog.Entry {
	return eventlog.Entry{
		Record:      eventlog.Record{Type: e.typ, Key: e.key, Traceparent: traceparent, Data: e.data},
		Idempotency: e.idempotency(subject),
	}
}

// check checks an event against the limits of all events.
func (p *Publisher) check(e *incoming) *sse.Rejection {
	if why := checkNames(e.typ, e.key); why != nil {
		return why
	}
	if int64(len(e.data)) > p.Settings.MaxEventBytes {
		return p.eventBound().Exceeded()
	}
	if !utf8.Valid(e.data) {
		return &sse.Rejection{Status: 400, Type: "invalid-utf8",
			Title: "Data is not UTF-8", Detail: "the data of an event must be UTF-8 text"}
	}
	return nil
}

func checkNames(typ, key string) *sse.Rejection {
	if typ != "" && !wire.ValidType(typ) {
		return invalidType("a type is 1 to 128 printable characters, and not open, error or one that starts with stream.")
	}
	if key != "" && !wire.ValidKey(key) {
		return invalidKey("a key is 1 to " + strconv.Itoa(wire.MaxKeyLen) + " bytes of printable UTF-8")
	}
	return nil
}

func invalidType(detail string) *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "invalid-type", Title: "Invalid event type", Detail: detail}
}

func invalidKey(detail string) *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "invalid-key", Title: "Invalid event key", Detail: detail}
}

func invalidIdempotencyKey(detail string) *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "invalid-idempotency-key", Title: "Invalid idempotency key", Detail: detail}
}

// maxIdempotencyKey is how many bytes an idempotency key may have.
const maxIdempotencyKey = 255

// checkIdempotencyKey accepts 1 to 255 printable ASCII characters, the space
// among them. The key is opaque: quotes around it are part of it.
func checkIdempotencyKey(key string) *sse.Rejection {
	ok := key != "" && len(key) <= maxIdempotencyKey
	for i := 0; ok && i < len(key); i++ {
		ok = key[i] >= ' ' && key[i] <= '~'
	}
	if !ok {
		return invalidIdempotencyKey("an idempotency key is 1 to " + strconv.Itoa(maxIdempotencyKey) + " printable ASCII characters")
	}
	return nil
}

// idempotency returns what makes the log commit the event once; nil where the
// event has no name.
func (e *incoming) idempotency(subject string) *eventlog.Idempotency {
	if e.once == nil {
		return nil
	}
	name := make([][]byte, 0, 4)
	name = append(name, []byte(subject))
	for _, part := range e.once {
		name = append(name, []byte(part))
	}
	return &eventlog.Idempotency{
		Key:         digest(name...),
		Fingerprint: digest([]byte(e.typ), []byte(e.key), e.data),
	}
}

// digest returns the first half of the SHA-256 over the parts, each behind its
// length in 8 bytes: no two lists of parts are written alike.
func digest(parts ...[]byte) (half [16]byte) {
	hash := sha256.New()
	var length [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(p)))
		hash.Write(length[:])
		hash.Write(p)
	}
	var sum [sha256.Size]byte
	copy(half[:], hash.Sum(sum[:0]))
	return half
}

// eventBound bounds the data of an event.
func (p *Publisher) eventBound() front.Bound {
	return front.Bound{Bytes: p.Settings.MaxEventBytes, Problem: "event-too-large", What: "the data of an event"}
}

// cloudBound bounds a CloudEvent with its attributes, its data in base64 or
// with the escapes that JSON needs.
func (p *Publisher) cloudBound() front.Bound {
	return front.Bound{Bytes: 2*p.Settings.MaxEventBytes + 64<<10, Problem: "event-too-large", What: "a CloudEvent"}
}
