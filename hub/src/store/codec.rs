//! Sealed values: every stored value carries a check, because ordinary reads of the database verify none.
//!
//! ```text
//! value   = marker(1) payload check(8)
//! marker  = format of the payload within its table, 1 today
//! check   = first 8 bytes of BLAKE3(table name, 0, key length u32, key, marker, payload)
//! ```
//!
//! The table's name and the key are part of the check, so that a value that turns up at another place is noticed too.
//! A reader refuses what does not fit; it never guesses. `store` alone calls this.

/// A value that is not what was written: bit rot, or a program that is too old.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The check does not fit.
    #[error("a stored value of table {table} is damaged (key {key})")]
    Check {
        /// The table.
        table: &'static str,
        /// The key, hex.
        key: String,
    },
    /// The check fits, but this program cannot read the payload.
    #[error("a stored value of table {table} is of an unknown form (key {key})")]
    Form {
        /// The table.
        table: &'static str,
        /// The key, hex.
        key: String,
    },
}

const MARKER: u8 = 1;
const CHECK: usize = 8;

fn check(table: &str, key: &[u8], body: &[u8]) -> [u8; CHECK] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(table.as_bytes());
    hasher.update(&[0]);
    hasher.update(&(key.len() as u32).to_be_bytes());
    hasher.update(key);
    hasher.update(body);
    let mut check = [0; CHECK];
    check.copy_from_slice(&hasher.finalize().as_bytes()[..CHECK]);
    check
}

/// Seals a payload for its place.
pub(super) fn seal(table: &str, key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(payload.len() + 1 + CHECK);
    value.push(MARKER);
    value.extend_from_slice(payload);
    let check = check(table, key, &value);
    value.extend_from_slice(&check);
    value
}

/// The payload, if the seal is whole.
pub(super) fn open<'a>(table: &'static str, key: &[u8], value: &'a [u8]) -> Result<&'a [u8], Damage> {
    let damaged = || Damage::Check { table, key: hex(key) };
    let (body, seal) = value.split_at_checked(value.len().wrapping_sub(CHECK)).ok_or_else(damaged)?;
    if check(table, key, body) != seal {
        return Err(damaged());
    }
    match body.split_first() {
        Some((&MARKER, payload)) => Ok(payload),
        _ => Err(Damage::Form { table, key: hex(key) }),
    }
}

/// A key for a message.
pub(super) fn hex(key: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&key[..key.len().min(48)])
}

/// Writes a row's fields one after the other; numbers big endian, texts and byte strings after their length.
#[derive(Default)]
pub(super) struct Enc(Vec<u8>);

impl Enc {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn u8(mut self, n: u8) -> Self {
        self.0.push(n);
        self
    }

    pub(super) fn u32(self, n: u32) -> Self {
        self.raw(&n.to_be_bytes())
    }

    pub(super) fn u64(self, n: u64) -> Self {
        self.raw(&n.to_be_bytes())
    }

    pub(super) fn i64(self, n: i64) -> Self {
        self.raw(&n.to_be_bytes())
    }

    pub(super) fn f64(self, n: f64) -> Self {
        self.raw(&n.to_be_bytes())
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn text(self, text: &str) -> Self {
        self.u32(text.len() as u32).raw(text.as_bytes())
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads what [`Enc`] wrote. `None` anywhere means that the form is unknown.
pub(super) struct Dec<'a>(&'a [u8]);

impl<'a> Dec<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn raw(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.raw(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[n]| n)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    pub(super) fn f64(&mut self) -> Option<f64> {
        self.array().map(f64::from_be_bytes)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        let len = self.u32()? as usize;
        String::from_utf8(self.raw(len)?.to_vec()).ok()
    }

    pub(super) const fn rest(&mut self) -> &'a [u8] {
        let rest = self.0;
        self.0 = &[];
        rest
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_noticed_and_so_is_a_wrong_place() {
        let sealed = seal("log-1", b"key", b"payload");
        assert_eq!(open("log-1", b"key", &sealed), Ok(&b"payload"[..]));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open("log-1", b"key", &flipped).is_err(), "bit {bit}");
        }
        assert!(open("ids-1", b"key", &sealed).is_err());
        assert!(open("log-1", b"kez", &sealed).is_err());
        for len in 0..sealed.len() {
            assert!(open("log-1", b"key", &sealed[..len]).is_err());
        }
    }
}
