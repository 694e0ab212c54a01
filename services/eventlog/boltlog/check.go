package boltlog

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// checkFile looks whether bbolt can open a file for writing and survive it,
// and whether the last commit may be lost. Damage that readers can be told of
// when they come to it passes, and so does what is wrong with the keys.
func checkFile(path string) (lost bool, keys, err error) {
	db, file, err := openReadOnly(path)
	if err == nil {
		defer db.Close()
		var m fileMeta
		if m, lost, err = readFileMetas(file, db.Info().PageSize); err == nil {
			keys, err = checkTrees(file, m)
		}
	}
	if errno := syscall.Errno(0); err == nil || errors.As(err, &errno) || // it is not the content
		errors.Is(err, errNewer) || errors.Is(err, bolterrors.ErrTimeout) {
		return lost, keys, err
	}
	return false, nil, fmt.Errorf("%w: %w", errDamaged, err)
}

// openReadOnly has bbolt lock the file against writers. It looks at nothing
// but the meta pages for that.
func openReadOnly(path string) (db *bbolt.DB, file *os.File, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
		if err != nil && file != nil {
			file.Close()
		}
	}()
	o := *bboltOptions
	o.ReadOnly = true
	o.OpenFile = func(name string, flag int, mode os.FileMode) (*os.File, error) {
		file, err = os.OpenFile(name, flag, mode)
		return file, err
	}
	db, err = bbolt.Open(path, 0, &o)
	return db, file, err
}

func checkTrees(file *os.File, m fileMeta) (keys, err error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if size := uint64(info.Size()); m.end > size/uint64(m.pageSize) {
		return nil, fmt.Errorf("it is cut off after %d of %d bytes", size, m.end*uint64(m.pageSize))
	}
	var free []uint64
	if m.freelist != noFreelist {
		if free, err = readFreelist(file, m); err != nil {
			return nil, err
		}
	}
	used := newClaims(m, free)
	v := &verifier{pages: pages{file, m.pageSize}, end: m.end, fresh: m.tx <= freshTx, claim: used.claim}
	all, err := v.survey(m.root)
	if err == nil && m.freelist == noFreelist {
		err = v.checkRecords(all)
	}
	if err != nil || all.keys == nil {
		return nil, err
	}
	return v.checkKeys(file, used, *all.keys, m.freelist == noFreelist)
}

// checkRecords verifies everything that is not in the survey.
func (v *verifier) checkRecords(all *survey) error {
	// bbolt is going to walk through everything to find the free pages.
	if all.asides > 0 {
		return errPage
	}
	for name, b := range all.topics {
		if err := v.all(b, each(wantRecord)); err != nil {
			return fmt.Errorf("topic %s: %w", name, err)
		}
	}
	return nil
}

func wantRecord(e elem) error {
	if e.flags != 0 {
		return errPage
	}
	return nil
}
