//! Signatures at the edge, with ZIP 215's verdict: small-order points in author and R, encodings that are not canonical, s beyond
//! the group's order, and plain good and bad ones.

use maloca_protocol::keys::{self, Context, Sig};
use maloca_protocol::{DeviceId, DeviceKey};
use serde_json::{Value, json};

/// All encodings of the eight points of small order that ZIP 215 accepts: eight canonical ones, six that are not.
const SMALL_ORDER: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

/// The order of the group, least significant byte first.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

fn bytes(hex: &str) -> [u8; 32] {
    data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex").try_into().expect("32 bytes")
}

pub(crate) fn file() -> Value {
    let mut cases = Vec::new();
    let mut add = |about: &str, author: DeviceId, message: &[u8], sig: Sig| {
        cases.push(json!({
            "about": about,
            "author": author,
            "message": data_encoding::HEXLOWER.encode(message),
            "sig": sig,
            "valid": keys::verify(&author, Context::Revision, message, &sig),
        }));
    };
    let message = *blake3::hash(b"any revision").as_bytes();
    for author in SMALL_ORDER {
        for r in SMALL_ORDER {
            let mut sig = [0; 64];
            sig[..32].copy_from_slice(&bytes(r));
            add("small order in author and R, s = 0", DeviceId(bytes(author)), &message, Sig(sig));
        }
    }
    for seed in 1..=10 {
        let key = DeviceKey::from_seed([seed; 32]);
        let message = *blake3::hash(&[seed]).as_bytes();
        let good = key.sign(Context::Revision, &message);
        add("good", key.id(), &message, good);
        add("for another purpose", key.id(), &message, key.sign(Context::Receipt, &message));
        add("another message", key.id(), blake3::hash(b"other").as_bytes(), good);
        add("another author", DeviceKey::from_seed([seed + 100; 32]).id(), &message, good);
        add("s beyond the order", key.id(), &message, Sig(beyond(good.0)));
        for at in [0, 31, 32, 63] {
            let mut bad = good.0;
            bad[at] ^= 1 << (seed % 8);
            add("one bit of R or s is another", key.id(), &message, Sig(bad));
        }
        for r in &SMALL_ORDER[..4] {
            let mut sig = good.0;
            sig[..32].copy_from_slice(&bytes(r));
            add("small order in R alone", key.id(), &message, Sig(sig));
        }
    }
    let mut no_point = [2; 32];
    no_point[31] = 0;
    add("the author may be no point of the curve", DeviceId(no_point), &message, Sig([0; 64]));
    json!({
        "about": "message and author are hex; what is signed is \"maloca revision 1\\n\" and the message's bytes; valid is ZIP 215's verdict",
        "signatures": cases,
    })
}

/// The same signature with the group's order added to s: true as an equation, and refused, or every signature had a twin.
fn beyond(mut sig: [u8; 64]) -> [u8; 64] {
    let mut carry = 0_u16;
    for (byte, more) in sig[32..].iter_mut().zip(bytes(ORDER)) {
        let sum = u16::from(*byte) + u16::from(more) + carry;
        *byte = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    sig
}
