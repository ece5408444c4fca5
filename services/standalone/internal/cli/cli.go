// Package cli is the command line of bin/gatehouse.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jonboulle/clockwork"
	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/fault"
	"github.com/gatehouse-id/gatehouse/pkg/i18n"
	"github.com/gatehouse-id/gatehouse/pkg/obs"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // a wrong command line or wrong settings
)

// Run runs one command; its result is the exit code.
func Run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	p := &program{environ: environ, stdout: stdout, stderr: stderr}
	root := p.root() //nolint:contextcheck // the commands take the context they are executed with
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	_, _ = fmt.Fprintf(stderr, "gatehouse: %s\n", describe(err))
	var settings *config.Error
	var usage usageError
	if errors.As(err, &settings) || errors.As(err, &usage) || errors.Is(err, standalone.ErrInsecure) {
		return exitUsage
	}
	return exitFailed
}

// program is one run of the command line.
type program struct {
	environ        []string
	stdout, stderr io.Writer
	dev            bool
	output         string
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "gatehouse",
		Short:         "A self-hosted OpenID Connect provider, in one process.",
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.ArbitraryArgs, RunE: choose,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if p.output != "text" && p.output != "json" {
				return usageError{fmt.Errorf(`--output must be "text" or "json", not %q`, p.output)}
			}
			return nil
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().BoolVar(&p.dev, "dev", false, "settings for development: a mailbox instead of SMTP, a key in the data folder, a demo app")
	root.PersistentFlags().StringVar(&p.output, "output", "text", "how results are printed: text or json")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(p.serve(), p.migrate(), p.client(), p.user(), p.hub(), p.accounts(), p.sessions(), p.oauth(), p.mail(), p.keys(), p.backup(), p.doctor(), p.certs(), p.demo(), p.healthcheck(), p.checkConfig(), p.settings(), p.version(), p.wait())
	return root
}

func (p *program) serve() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run Gatehouse until it is told to end.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			s, d, shutdown, err := p.start(c.Context(), p.stderr)
			if err != nil {
				return err
			}
			defer shutdown()
			return standalone.Serve(c.Context(), s, d, p.stdout)
		},
	}
}

func (p *program) migrate() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the databases up to date, as serve does on its own.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.build(c.Context(), false, func(*standalone.Gatehouse) error {
				return p.print(map[string]bool{"migrated": true}, "The databases are up to date.")
			})
		},
	}
}

func (p *program) checkConfig() *cobra.Command {
	return &cobra.Command{
		Use: "check-config", Short: "Say what is wrong with the settings, or show them.", Args: none,
		RunE: func(*cobra.Command, []string) error {
			s, err := standalone.Load(p.environ, p.dev)
			if err != nil {
				return err
			}
			if problems := s.Insecure(); len(problems) > 0 {
				return fmt.Errorf("%w:\n  %s", standalone.ErrInsecure, strings.Join(problems, "\n  "))
			}
			settings := config.Redacted(s)
			lines := []string{"The settings are fine."}
			for _, name := range slices.Sorted(maps.Keys(settings)) {
				lines = append(lines, name+"="+settings[name])
			}
			return p.print(settings, strings.Join(lines, "\n"))
		},
	}
}

func (p *program) settings() *cobra.Command {
	return &cobra.Command{
		Use: "settings", Short: "Print the table of all settings, in Markdown.", Args: none,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(p.stdout, config.Table(&standalone.Settings{}))
			return err
		},
	}
}

func (p *program) version() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version.", Args: none,
		RunE: func(*cobra.Command, []string) error {
			return p.print(map[string]string{"version": app.Version()}, "gatehouse "+app.Version())
		},
	}
}

// start loads the settings and starts logging, metrics and tracing.
func (p *program) start(ctx context.Context, logs io.Writer) (*standalone.Settings, standalone.Deps, func(), error) {
	s, err := standalone.Load(p.environ, p.dev)
	if err != nil {
		return nil, standalone.Deps{}, nil, err
	}
	o, shutdown, err := obs.New(ctx, obs.Options{
		Service: "gatehouse", Version: app.Version(), LogLevel: s.LogLevel, LogFormat: s.LogFormat, LogWriter: logs,
	})
	if err != nil {
		return nil, standalone.Deps{}, nil, err
	}
	end := func() {
		if err := shutdown(context.WithoutCancel(ctx)); err != nil {
			o.Logger.WarnContext(ctx, "the last spans may be lost", "error", err)
		}
	}
	return s, standalone.Deps{Obs: o, Clock: clockwork.NewRealClock()}, end, nil
}

// with builds Gatehouse without serving it and hands it to do. It works beside
// a running server: they share the databases, which on PostgreSQL have to be there.
func (p *program) with(ctx context.Context, do func(*standalone.Gatehouse) error) error {
	return p.build(ctx, true, do)
}

func (p *program) build(ctx context.Context, existing bool, do func(*standalone.Gatehouse) error) (err error) {
	s, d, shutdown, err := p.start(ctx, p.stderr)
	if err != nil {
		return err
	}
	defer shutdown()
	d.Existing = existing
	if !p.dev && s.RootKey == "" {
		return usageError{errors.New("GATEHOUSE_ROOT_KEY (or GATEHOUSE_ROOT_KEY_FILE) is not set; add --dev if the server runs with it")}
	}
	group := app.NewGroup(app.GroupOptions{Logger: d.Obs.Logger, Clock: d.Clock})
	defer func() { err = errors.Join(err, group.Close(ctx)) }()
	g, err := standalone.New(ctx, s, d, group)
	if err != nil {
		return err
	}
	return do(g)
}

// print shows a result as asked for.
func (p *program) print(result any, text string) error {
	if p.output == "json" {
		e := json.NewEncoder(p.stdout)
		e.SetIndent("", "  ")
		return e.Encode(result)
	}
	_, err := fmt.Fprintln(p.stdout, text)
	return err
}

// describe is an error for the operator: a fault in words instead of ids.
func describe(err error) string {
	var f *fault.Fault
	if !errors.As(err, &f) {
		return err.Error()
	}
	texts, loadErr := i18n.New()
	if loadErr != nil {
		return err.Error()
	}
	lines := []string{texts.Text(i18n.English, f.Message.ID, f.Message.Args)}
	for field, messages := range f.Fields {
		for _, m := range messages {
			lines = append(lines, "  "+field+": "+texts.Text(i18n.English, m.ID, m.Args))
		}
	}
	if f.ID != "" {
		lines = append(lines, "  the log has more under "+f.ID)
	}
	return strings.Join(lines, "\n")
}

// choose is what a command does that is only a group of commands.
func choose(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("there is no command %q; `%s --help` lists them", args[0], c.CommandPath())}
	}
	return c.Help()
}

// because says in words what a fault means for this command.
func because(err error, kind fault.Kind, words string) error {
	if fault.Is(err, kind) {
		return errors.New(words)
	}
	return err
}

func none(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("unexpected argument %q", args[0])}
	}
	return nil
}

func one(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("give exactly one %s", what)}
		}
		return nil
	}
}
