package cli

import (
	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/services/standalone"
)

// wait keeps a container alive in which commands are run, as an image without a shell
// has nothing else that does.
func (p *program) wait() *cobra.Command {
	return &cobra.Command{
		Use: "wait", Short: "Do nothing until told to end, for containers in which commands are run.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := standalone.Load(p.environ, p.dev); err != nil {
				return err // now, and not at the first command
			}
			<-c.Context().Done()
			return nil
		},
	}
}
