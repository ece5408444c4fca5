// Package input brings what people type into the one form that the service
// keeps and compares, and says which rules it breaks.
//
// Everything that reaches the database has been through here: PostgreSQL
// refuses invalid UTF-8 and NUL, which would otherwise look like our fault.
package input
