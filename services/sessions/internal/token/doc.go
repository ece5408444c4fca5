// Package token writes and reads session tokens: JSON Web Tokens (RFC 7519) in
// compact serialisation, signed with the service's rotating keys.
//
// A token is read in the order that keeps an attacker's text away from
// everything but the parser: shape, algorithm, key by its id, signature, and
// only then the claims. The algorithm is the key's, whatever the header says
// (RFC 8725 sections 2.1 and 3.1); no header names or carries a key.
package token
