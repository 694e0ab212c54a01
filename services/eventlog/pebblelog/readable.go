package pebblelog

import (
	"bytes"
	"math/big"

	"github.com/cockroachdb/pebble/v2"
)

// readable returns the first key at or behind lower from which the database
// can be read again, below upper; false: there is none. It looks in growing
// steps, taking keys for numbers, and then halves the last one: blocks that
// can't be read are intervals of keys, and whose they are is not to be known.
func readable(db *pebble.DB, lower, upper []byte) (key []byte, ok bool, err error) {
	n := max(len(lower), len(upper))
	bad, end := number(lower, n), number(upper, n)
	good := (*big.Int)(nil)
	for step := big.NewInt(1); good == nil; step.Lsh(step, 1) {
		at := new(big.Int).Add(bad, step)
		if at.Cmp(end) >= 0 {
			at.Sub(end, big.NewInt(1)) // the last key that may be asked for
			if at.Cmp(bad) <= 0 {
				return nil, false, nil
			}
		}
		fine, err := reads(db, fill(at, n), upper)
		switch {
		case err != nil:
			return nil, false, err
		case fine:
			good = at
		case at.Cmp(new(big.Int).Sub(end, big.NewInt(1))) == 0:
			return nil, false, nil
		default:
			bad = at
		}
	}
	for distance := new(big.Int); distance.Sub(good, bad).BitLen() > 1; {
		middle := new(big.Int).Add(bad, distance.Rsh(distance, 1))
		fine, err := reads(db, fill(middle, n), upper)
		switch {
		case err != nil:
			return nil, false, err
		case fine:
			good = middle
		default:
			bad = middle
		}
	}
	return fill(good, n), true, nil
}

// number takes a key of up to n bytes for a number.
func number(key []byte, n int) *big.Int {
	return new(big.Int).SetBytes(append(bytes.Clone(key), make([]byte, n-len(key))...))
}

func fill(number *big.Int, n int) []byte { return number.FillBytes(make([]byte, n)) }

// reads reports whether what follows a key can be read.
func reads(db *pebble.DB, lower, upper []byte) (bool, error) {
	it, err := db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return false, err
	}
	if it.First() {
		_, err = it.ValueAndErr()
	} else {
		err = it.Error()
	}
	_ = it.Close() // says the same once more
	if err != nil && !pebble.IsCorruptionError(err) {
		return false, err
	}
	return err == nil, nil
}
