// Package mtls is how the services prove to each other who they are: mutual TLS
// 1.3 with certificates of one private authority.
//
// A service's identity is a DNS name in its certificate that ends in
// [Domain]: accounts.gatehouse.internal is the service "accounts". The names
// and addresses under which a process is reached do not matter, so a
// certificate serves every replica.
//
// The files are read again when they change, without a restart. New files that
// cannot be used are logged, and the last good ones stay in use. To replace the
// authority, first add the new one to every CA file, then issue new
// certificates, and then remove the old one.
//
// Connections that are open at that time stay open. Sessions are not resumed:
// each connection is verified against the authorities of its moment.
package mtls
