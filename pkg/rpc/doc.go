// Package rpc carries typed calls between the services.
//
// A remote method is one value, a [Route], named once in pkg/api. The same
// value mounts the method on a [Server] ([Handle]) and calls it ([Call])
// through a [Conn]. There are two kinds of Conn, and a caller cannot tell them
// apart: [Dial] reaches the instances of a service over HTTP/JSON, and
// [Server.Local] runs the same chain in this process without encoding.
//
//	caller ─ Call ─ deadline ─┬─ Dial:  retry ─ balancer ─ breaker ─ HTTP ─┐
//	                          └─ Local ──────────────────────────────────── ┴─ trace ─ measure ─ admit ─ recover ─ method
//
// Failures are faults (package fault) on either way. What is not a fault
// becomes Internal and is logged where it happened.
package rpc
