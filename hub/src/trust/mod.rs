//! Who is trusted, and why: the hub's keys, joining, members, sessions.

pub mod authority; // what phones trust, so that their browsers take the page for a secure one
pub mod identity; // the hub's keys, and whether this folder is still at home
pub mod members; // what the hubs of the project say of a device
pub mod nonces; // what keeps a signed request from being sent twice
pub mod pairing; // codes that let devices join
pub mod session; // bearer tokens, and the manager's link and cookie
pub mod tls; // the certificate, bound to the hub's key

/// 32 random bytes as 43 characters of base64url: for tokens that nobody types.
#[must_use]
pub fn random_token() -> String {
    let bytes: [u8; 32] = rand::random();
    data_encoding::BASE64URL_NOPAD.encode(&bytes)
}

/// What is stored of a token: who reads the data folder cannot use it, and comparing it takes the same time always.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    *blake3::hash(token.as_bytes()).as_bytes()
}
