package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/doctor"
	"github.com/gatehouse-id/gatehouse/services/standalone"
)

var errUnwell = errors.New("something has to be done")

func (p *program) doctor() *cobra.Command {
	var timeout time.Duration
	c := &cobra.Command{
		Use: "doctor", Short: "Look at settings, databases, keys, mail server and public URL, and say what is wrong.",
		Long: "It changes nothing and sends no mail. The exit code is 1 if a check failed; warnings leave it at 0.", Args: none,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := standalone.Load(p.environ, p.dev)
			if err != nil {
				return err
			}
			results := doctor.Run(c.Context(), timeout, s.Checks()...)
			if err := p.print(results, doctor.Text(results)); err != nil {
				return err
			}
			if doctor.Worst(results) == doctor.Failure {
				return errUnwell
			}
			return nil
		},
	}
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "how long each check may take")
	return c
}
