//! The values of tus 1.0's headers, as strangers write them.
//!
//! The hub's `api/media/tus` reads them; the fuzz target `upload` does, too. Nothing here believes a number or a name.

/// A value of `Upload-Metadata`: pairs of a key and base64, separated by commas. `None` where the key is not there, or what is
/// under it is no text.
#[must_use]
pub fn metadata(header: &str, key: &str) -> Option<String> {
    let value = header.split(',').find_map(|pair| pair.trim().strip_prefix(key)?.strip_prefix(' '))?;
    String::from_utf8(data_encoding::BASE64.decode(value.trim().as_bytes()).ok()?).ok()
}

/// A length or an offset: decimal digits and nothing else. (The standard's parser takes a sign, which no length has.)
#[must_use]
pub fn number(header: &str) -> Option<u64> {
    let text = header.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
