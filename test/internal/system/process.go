package system

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Process is one running program.
type Process struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Start starts a program of this tree; it is ended with the test.
func Start(t testing.TB, log io.Writer, environ []string, name string, args ...string) *Process {
	t.Helper()
	return start(t, log, environ, name, append([]string{Binary(t, name)}, args...))
}

func start(t testing.TB, log io.Writer, environ []string, name string, command []string) *Process {
	t.Helper()
	c := exec.Command(command[0], command[1:]...) // without a context: it ends by a signal, in order, and not by a kill
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, environ...)
	c.Dir = t.TempDir()
	c.Stdout, c.Stderr = log, log
	require.NoError(t, c.Start())
	p := &Process{t: t, name: name, cmd: c, done: make(chan struct{})}
	go func() {
		p.err = c.Wait()
		close(p.done)
	}()
	t.Cleanup(p.Stop)
	return p
}

// Stop asks the program to end and waits until it has.
func (p *Process) Stop() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(30 * time.Second):
		p.t.Errorf("%s did not end when asked to", p.name)
		p.Kill()
	}
}

// Kill ends the program as a power cut would, as far as it can tell.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// Exited tells whether the program has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *Process) signal(s os.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("signalling %s: %v", p.name, err)
	}
}
