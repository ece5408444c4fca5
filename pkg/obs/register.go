package obs

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers c, or gives the equal collector that is registered
// already: in one process several services share a registry. Without a registry it
// is c.
func Register[C prometheus.Collector](reg prometheus.Registerer, c C) C {
	if reg == nil {
		return c
	}
	err := reg.Register(c)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing
		}
	}
	if err != nil {
		panic(err) // two different collectors of one name: a mistake in the code
	}
	return c
}
