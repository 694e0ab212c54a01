package app

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// moved tells nginx that the hub is elsewhere. Streams to where it was have
// ended with it.
func (e *edge) moved(to []string) {
	err := e.writeHubs(to)
	if err == nil {
		err = e.nginx.Reload()
	}
	e.tell("the hub is at another address", err, "hub", e.Hub, "addresses", to)
}

func (e *edge) tell(what string, err error, fields ...any) {
	fields = append(fields, "event_type", "reload")
	if err != nil {
		e.logger.Error(what+": nginx could not be told", append(fields, "error", err.Error())...)
		return
	}
	e.logger.Info(what, fields...)
}

// crash notes that a worker of nginx has crashed.
func (e *edge) crash() {
	select {
	case e.crashes <- struct{}{}:
	default: // it is noted already
	}
}

// countAnew lets nginx count streams and bodies anew after a worker has crashed,
// whose share would be missing for ever. Streams of the others come back.
func (e *edge) countAnew(ctx context.Context) {
	for generation := 1; ; generation++ {
		select {
		case <-ctx.Done():
			return
		case <-e.crashes:
		}
		err := e.writeConfig(generation)
		if err == nil {
			err = e.nginx.Reload()
		}
		e.tell("a worker of nginx has crashed: all is counted anew", err)
	}
}

// reloadOnSignal reloads nginx for whoever asks by SIGHUP.
func (e *edge) reloadOnSignal(ctx context.Context) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	defer signal.Stop(asked)
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			e.tell("reloading", e.nginx.Reload())
		}
	}
}

// followFiles reloads nginx when its certificate or key is another.
func (e *edge) followFiles(ctx context.Context) {
	if e.TLSCert == "" {
		return
	}
	known := e.stamps()
	ticks := time.NewTicker(filesEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if now := e.stamps(); now != known {
			known = now
			e.tell("there is another certificate", e.nginx.Reload())
		}
	}
}

// stamps tell one state of the files from another.
func (e *edge) stamps() (all [2]time.Time) {
	for i, file := range []string{e.TLSCert, e.TLSKey} {
		if info, err := os.Stat(file); err == nil {
			all[i] = info.ModTime()
		}
	}
	return all
}
