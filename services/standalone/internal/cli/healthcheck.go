package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/app"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

func (p *program) healthcheck() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck", Short: "Ask the running server whether it is ready, for containers without a shell.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := standalone.Load(p.environ, p.dev)
			if err != nil {
				return err
			}
			if s.DebugListen == "" {
				return usageError{errors.New("GATEHOUSE_DEBUG_LISTEN is not set: there is nobody to ask")}
			}
			if err := app.AskReady(c.Context(), s.DebugListen); err != nil {
				return err
			}
			return p.print(map[string]bool{"ready": true}, "The server is ready.")
		},
	}
}
