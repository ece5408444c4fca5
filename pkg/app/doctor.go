package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gatehouse-id/gatehouse/pkg/api"
	"github.com/gatehouse-id/gatehouse/pkg/config"
	"github.com/gatehouse-id/gatehouse/pkg/doctor"
)

// doctorTimeout is for each check.
const doctorTimeout = 10 * time.Second

// doctor looks at what this service needs from outside, and changes nothing.
func (p *program) doctor() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "doctor", Short: "Look at what the service needs, and say what is wrong", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return p.misconfigured(&config.Error{Problems: []string{`--output must be "text" or "json"`}})
			}
			checks, err := p.checks()
			if err != nil {
				return p.misconfigured(err)
			}
			results := doctor.Run(c.Context(), doctorTimeout, checks...)
			text := doctor.Text(results)
			if output == "json" {
				encoded, err := json.MarshalIndent(results, "", "  ")
				if err != nil {
					return errors.Join(failure{exitFailed}, err)
				}
				text = string(encoded)
			}
			if _, err := fmt.Fprintln(p.stdout, text); err != nil {
				return errors.Join(failure{exitFailed}, err)
			}
			if doctor.Worst(results) == doctor.Failure {
				return failure{exitFailed}
			}
			return nil
		},
	}
	c.Flags().StringVar(&output, "output", "text", "how results are printed: text or json")
	return c
}

func (p *program) checks() ([]doctor.Check, error) {
	base, err := p.service.load(p.environ, toServe)
	if err != nil {
		return nil, err
	}
	var checks []doctor.Check
	if p.service.Migrations != nil && base.DatabaseURL != "" {
		checks = append(checks, doctor.Database(doctor.DatabaseOptions{
			Service: p.service.Name, URL: base.DatabaseURL, Migrations: p.service.Migrations,
		}))
	}
	if files, ok := base.files(); ok {
		checks = append(checks, doctor.Certificate(files, p.service.Name))
	}
	client, _, err := base.Consul.client()
	if err != nil {
		return nil, err
	}
	if client != nil {
		checks = append(checks, doctor.Consul(client, p.service.Name, api.Gateway, api.Accounts, api.Sessions, api.OAuth, api.Mail))
	}
	if p.service.Checks != nil {
		checks = append(checks, p.service.Checks()...)
	}
	return checks, nil
}
