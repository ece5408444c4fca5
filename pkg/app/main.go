package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/jonboulle/clockwork"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gatehouse-id/gatehouse/pkg/config"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Main runs a service's program and exits. SIGTERM and SIGINT end it in order;
// a second one ends it at once.
func Main(s Service) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // from then on a signal does what it does by default
	os.Exit(Run(ctx, s, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// Run is Main with everything that it takes from the process, except for
// OpenTelemetry's variables, which its SDK reads itself. Its result is the exit
// code.
func Run(ctx context.Context, s Service, args, environ []string, stdout, stderr io.Writer) int {
	p := &program{service: s, environ: environ, stdout: stdout, stderr: stderr, clock: newClock()}
	return p.run(ctx, args)
}

// program is one run of a service's program.
type program struct {
	service        Service
	environ        []string
	stdout, stderr io.Writer
	clock          clockwork.Clock
	spans          []sdktrace.SpanProcessor
}

// failure is an error of a command that has been told to the user already, or
// is in the log.
type failure struct{ code int }

func (f failure) Error() string { return fmt.Sprintf("exit code %d", f.code) }

func (p *program) run(ctx context.Context, args []string) int {
	if p.service.Settings == nil {
		p.service.Settings = &Base{}
	}
	root := p.commands() //nolint:contextcheck // the commands take theirs from cobra
	root.SetArgs(args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	err := root.ExecuteContext(ctx)
	told, ok := errors.AsType[failure](err)
	switch {
	case err == nil:
		return exitOK
	case ok:
		return told.code
	default: // cobra's: an unknown command or flag
		p.tellf("%s: %v\nRun `%s help` for what there is.\n", p.service.Name, err, p.service.Name)
		return exitUsage
	}
}

// misconfigured tells what is wrong with the settings.
func (p *program) misconfigured(err error) error {
	p.tellf("%s: %v\n", p.service.Name, err)
	if _, ok := errors.AsType[*config.Error](err); ok {
		return failure{exitUsage}
	}
	return failure{exitFailed}
}

func (p *program) tellf(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stderr, format, args...) // without standard error there is nobody to tell
}
