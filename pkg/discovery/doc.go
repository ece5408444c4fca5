// Package discovery finds the instances of a service and makes this process one
// of them, either through Consul or from a fixed list. Both are go-kit's
// sd.Instancer; nothing outside this package knows the difference.
package discovery
