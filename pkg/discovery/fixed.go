package discovery

import (
	"slices"

	"github.com/go-kit/kit/sd"
)

// Fixed yields the same host:port addresses for ever.
func Fixed(addresses ...string) sd.Instancer { return fixed(slices.Clone(addresses)) }

type fixed []string

// Register implements sd.Instancer. Each subscriber has its own copy, because
// go-kit's sort what they are given; sd.FixedInstancer hands out the one slice.
func (f fixed) Register(ch chan<- sd.Event) { ch <- sd.Event{Instances: slices.Clone(f)} }

// Deregister implements sd.Instancer.
func (fixed) Deregister(chan<- sd.Event) {}

// Stop implements sd.Instancer.
func (fixed) Stop() {}
