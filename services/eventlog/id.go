package eventlog

import "github.com/sluice-stream/sluice/services/wire"

// ID is the position of an event in its topic, as the wire spells it.
type ID = wire.ID
