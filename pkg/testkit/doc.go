// Package testkit is what the tests of all modules share: both databases,
// a clock that stands still, keys and certificates.
//
// A package whose tests use a database ends its PostgreSQL server with
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
package testkit
