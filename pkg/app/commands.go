package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/mtls"
)

// commands builds the command line: serve, which is also what happens without
// a command, migrate, check-config, version and help.
func (p *program) commands() *cobra.Command {
	name := p.service.Name
	root := &cobra.Command{
		Use:               name,
		Short:             "Gatehouse's " + name + " service",
		Args:              cobra.NoArgs,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE: func(c *cobra.Command, _ []string) error {
			if only, err := c.Flags().GetBool("check-config"); err == nil && only {
				return p.checkConfig()
			}
			if only, err := c.Flags().GetBool("version"); err == nil && only {
				return p.version()
			}
			return p.serve(c.Context())
		},
	}
	root.Flags().Bool("check-config", false, "the same as the command check-config")
	root.Flags().BoolP("version", "v", false, "the same as the command version")
	add := func(use, short string, run func(*cobra.Command) error) {
		root.AddCommand(&cobra.Command{
			Use: use, Short: short, Args: cobra.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error { return run(c) },
		})
	}
	add("serve", "Run the service until SIGTERM (the default)", func(c *cobra.Command) error { return p.serve(c.Context()) })
	if p.service.Migrations != nil {
		add("migrate", "Bring the database up to date and exit", func(c *cobra.Command) error { return p.migrate(c.Context()) })
	}
	add("check-config", "Check the settings, print them without secrets and exit", func(*cobra.Command) error { return p.checkConfig() })
	root.AddCommand(p.doctor())
	add("healthcheck", "Ask the running service whether it is ready, for containers without a shell", func(c *cobra.Command) error { return p.healthcheck(c.Context()) })
	add("version", "Print the version and exit", func(*cobra.Command) error { return p.version() })
	p.describeSettings(root)
	return root
}

// describeSettings puts the table of settings, which are not flags, into the
// help of the program itself.
func (p *program) describeSettings(root *cobra.Command) {
	help := root.HelpFunc()
	root.SetHelpFunc(func(c *cobra.Command, args []string) {
		help(c, args)
		if c != root {
			return
		}
		_, _ = fmt.Fprintf(c.OutOrStdout(), "\nSettings are environment variables:\n\n%s", config.Table(p.service.Settings)) // as cobra: nobody to tell
	})
}

func (p *program) version() error {
	if _, err := fmt.Fprintln(p.stdout, versionLine(p.service.Name)); err != nil {
		return errors.Join(failure{exitFailed}, err)
	}
	return nil
}

// checkConfig looks at the settings and at the files they name.
func (p *program) checkConfig() error {
	base, err := p.service.load(p.environ, toServe)
	if err != nil {
		return p.misconfigured(err)
	}
	if problems := unusable(base); len(problems) > 0 {
		return p.misconfigured(&config.Error{Problems: problems})
	}
	values := config.Redacted(p.service.Settings)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, err := fmt.Fprintf(p.stdout, "%s=%s\n", name, values[name]); err != nil {
			return errors.Join(failure{exitFailed}, err)
		}
	}
	return nil
}

// unusable are settings that are well formed and name something that is not.
func unusable(base *Base) []string {
	var problems []string
	if files, ok := base.files(); ok {
		identity, err := mtls.Load(files, nil)
		if err != nil {
			problems = append(problems, "GATEHOUSE_TLS_*: "+err.Error())
		} else {
			_ = identity.Close() // always nil
		}
	}
	if _, transport, err := base.Consul.client(); err != nil {
		problems = append(problems, err.Error())
	} else if transport != nil {
		transport.CloseIdleConnections()
	}
	return problems
}
