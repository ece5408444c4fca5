package mtls

import (
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long the files must rest before they are read: certificate and
// key are often written one after the other.
const settle = 100 * time.Millisecond

// watch tells about changes in the folders of the files. Folders, because
// Kubernetes swaps a symbolic link next to the files and editors replace them.
// Where watching is not to be had, it returns nil and polling has to do.
func (i *Identity) watch() *fsnotify.Watcher {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		i.logger.Warn("certificate files are only polled: they cannot be watched", "error", err, "every", i.poll)
		return nil
	}
	for _, path := range []string{i.files.Cert, i.files.Key, i.files.CA} {
		folder := filepath.Dir(path)
		if err := watcher.Add(folder); err != nil {
			i.logger.Warn("certificate files are only polled: their folder cannot be watched",
				"error", err, "folder", folder, "every", i.poll)
		}
	}
	return watcher
}

func closeWatcher(watcher *fsnotify.Watcher) {
	if watcher != nil {
		_ = watcher.Close()
	}
}

// follow reads the files again after every change and at every poll, until stop is closed.
func (i *Identity) follow(stop <-chan struct{}, watcher *fsnotify.Watcher, r reading) {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if watcher != nil {
		events, errs = watcher.Events, watcher.Errors
	}
	poll := i.clock.NewTicker(i.poll)
	defer poll.Stop()
	rest := i.clock.NewTimer(settle)
	rest.Stop() // until something happens
	defer rest.Stop()
	for {
		select {
		case <-stop:
			return
		case <-events:
			rest.Reset(settle)
		case err := <-errs: // events may be lost, as when too many come at once
			i.logger.Warn("watching the certificate files failed for a moment", "error", err)
			rest.Reset(settle)
		case <-rest.Chan():
			r = i.reload(r)
		case <-poll.Chan():
			r = i.reload(r)
		}
	}
}

// reading is what the last attempts found.
type reading struct {
	used       content // is in use
	refused    content // was read and could not be used
	unreadable string  // why the files could not be read
}

// reload uses the files if they have changed and are good. What is wrong with
// them is logged once, and tried again each time, because a certificate that is
// not valid yet will be.
func (i *Identity) reload(r reading) reading {
	found, err := read(i.files)
	if err != nil {
		if err.Error() != r.unreadable {
			i.failed(err)
		}
		r.unreadable = err.Error()
		return r
	}
	r.unreadable = ""
	if found.equal(r.used) {
		r.refused = content{}
		return r
	}
	fresh, err := found.parse(i.clock.Now())
	if err != nil {
		if !found.equal(r.refused) {
			i.failed(err)
		}
		r.refused = found
		return r
	}
	i.current.Store(fresh)
	i.logger.Info("the certificate files have changed and are in use", "certificate", i.files.Cert, "expires", fresh.cert.Leaf.NotAfter)
	if i.onReload != nil {
		i.onReload(nil)
	}
	return reading{used: found}
}

func (i *Identity) failed(err error) {
	i.logger.Error("the certificate files have changed but cannot be used; the last good ones stay in use",
		"error", err, "certificate", i.files.Cert, "expires", i.Expires())
	if i.onReload != nil {
		i.onReload(err)
	}
}
