package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/services/standalone"
)

func (p *program) backup() *cobra.Command {
	return &cobra.Command{
		Use: "backup DIR", Short: "Copy the embedded databases into a new folder, while the server runs.",
		Long: "The root key is not in it: keep that elsewhere, for neither is of use without the other.", Args: one("folder"),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := standalone.Load(p.environ, p.dev)
			if err != nil {
				return err
			}
			files, err := s.Backup(c.Context(), args[0])
			if err != nil {
				return err
			}
			return p.print(map[string][]string{"files": files}, strings.Join(files, "\n"))
		},
	}
}
