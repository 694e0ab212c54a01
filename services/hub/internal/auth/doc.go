// Package auth says who a caller is and what it may do, by the token that it
// bears: a JSON Web Token (RFC 7519), signed with a key that the hub knows.
//
// The key is a secret that hub and issuer share, the public half of a pair, or
// a set of public keys that the issuer serves (JWKS). What signs a token is
// settled by the key and never by the token: a secret goes with HS256 only, a
// public key with the algorithms of its kind, so that neither "none" nor a
// public key taken for a secret gets anybody in.
//
// # Time
//
// A token must say when it expires (exp): one that never does could not be
// taken back. It counts until that moment, and not a second longer, since a
// stream ends then too. A token that is not valid yet (nbf) is taken up to
// half a minute early, for the sake of clocks that differ.
//
// # Grants
//
// The claims publish and subscribe are patterns of topics, a list or a single
// one; without them a token lets nobody do anything. sub names the subject.
// Tokens without it are all of one subject, the empty one.
//
// # Secrecy
//
// No error of this package holds anything of a token, nor of a key.
package auth
