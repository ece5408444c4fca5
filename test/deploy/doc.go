// Package deploy tests what Gatehouse is deployed and watched with: the compose
// file, alert rules, dashboards and runbooks.
package deploy
