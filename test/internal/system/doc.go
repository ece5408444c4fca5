// Package system starts whole Gatehouses for tests, and plays the people and
// apps that use them.
//
// A test written against a [System] runs on every shape: all services in one
// process ([Standalone]) and each in a process of its own ([Cluster]). It sees
// nothing but the public origin and the development mailbox.
package system
