//! Strict JSON in, canonical JSON out (RFC 8785, JCS).
//!
//! Called wherever bytes of a stranger become a value: envelopes, batches, imports. It promises that whatever it lets
//! through has one canonical form that every implementation agrees on: keys are unique, numbers are doubles without
//! surprises, texts are whole, nesting is bounded. What it refuses, it refuses by name.

use std::io;

use serde::Serialize as _;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::ser::Formatter;
use serde_json::{Map, Number, Value};

use crate::limits;
use crate::problem::Refusal;

/// Parses one JSON value under the limits of [`limits`].
///
/// # Errors
/// The first rule that the bytes break.
pub fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    parse_to_depth(bytes, limits::DEPTH)
}

/// As [`parse`], with another limit of depth: an envelope is one level around its revision.
///
/// # Errors
/// The first rule that the bytes break.
pub fn parse_to_depth(bytes: &[u8], depth: usize) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|_| Refusal::NotUtf8)?;
    // serde_json has a depth limit of its own (128), which would speak first for some inputs; ours counts as it goes.
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { levels: depth }.deserialize(&mut deserializer).map_err(|error| refusal_of(&error))?;
    deserializer.end().map_err(|_| Refusal::NotJson)?;
    Ok(value)
}

/// The canonical form of a value that came through [`parse`] or was built from such values.
///
/// # Panics
/// Never for such values: all their numbers are finite and all their texts whole.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    if !has_plain_keys(value) {
        return canonical_of(value);
    }
    // A map of JSON is sorted by the bytes of its keys already, so nothing needs to be gathered and sorted: half of the cost.
    let mut bytes = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Short);
    value.serialize(&mut serializer).expect("a parsed value has finite numbers and whole texts");
    bytes
}

/// Whether all keys sort by their bytes as they do by UTF-16, which RFC 8785 asks for: all do that have nothing beyond U+DFFF.
fn has_plain_keys(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.iter().all(|(key, value)| key.bytes().all(|byte| byte < 0xee) && has_plain_keys(value)),
        Value::Array(items) => items.iter().all(has_plain_keys),
        _ => true,
    }
}

/// Writes numbers as RFC 8785 does; serde_json's own form of texts is the same.
struct Short;

impl Short {
    fn write<W: ?Sized + io::Write>(writer: &mut W, number: f64) -> io::Result<()> {
        writer.write_all(ryu_js::Buffer::new().format_finite(number).as_bytes())
    }
}

impl Formatter for Short {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: f64) -> io::Result<()> {
        Self::write(writer, number)
    }

    fn write_i64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: i64) -> io::Result<()> {
        Self::write(writer, number as f64)
    }

    fn write_u64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: u64) -> io::Result<()> {
        Self::write(writer, number as f64)
    }
}

/// The canonical form of one of this crate's own types.
///
/// # Panics
/// Where a type serialises to something that is no JSON, which a test of that type would show.
pub fn canonical_of<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("our own types are JSON")
}

/// Judges a number by the double that it is read as, so that canonical form is stable: `1.0` is the integer 1.
///
/// # Errors
/// [`Refusal::NumberRange`] where it is not finite or is an integer that doubles do not hold exactly.
pub fn check_number(number: f64) -> Result<(), Refusal> {
    if !number.is_finite() || (number.fract() == 0.0 && number.abs() > limits::INTEGER_MAX) {
        return Err(Refusal::NumberRange);
    }
    Ok(())
}

// serde's errors carry text only, so our refusals travel through it under this mark.
const MARK: &str = "maloca refusal ";

fn marked<E: de::Error>(refusal: Refusal) -> E {
    E::custom(format_args!("{MARK}{}", refusal.code()))
}

fn refusal_of(error: &serde_json::Error) -> Refusal {
    let text = error.to_string();
    if let Some(rest) = text.strip_prefix(MARK) {
        let code = rest.split(' ').next().unwrap_or_default();
        if let Some(refusal) = Refusal::ALL.iter().find(|refusal| refusal.code() == code) {
            return *refusal;
        }
    }
    if text.contains("surrogate") || text.contains("unexpected end of hex escape") {
        Refusal::LoneSurrogate
    } else if text.contains("number out of range") {
        Refusal::NumberRange
    } else if text.contains("recursion limit") {
        Refusal::TooDeep
    } else {
        Refusal::NotJson
    }
}

/// A visitor like serde_json's own for [`Value`], but one that counts the levels that are left, keeps keys unique and judges numbers.
struct Strict {
    levels: usize,
}

impl Strict {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        self.levels.checked_sub(1).map(|levels| Self { levels }).ok_or_else(|| marked(Refusal::TooDeep))
    }
}

impl<'de> DeserializeSeed<'de> for &Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Strict { levels: self.levels }.deserialize(deserializer)
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        check_number(value as f64).map_err(marked)?;
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        check_number(value as f64).map_err(marked)?;
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        check_number(value).map_err(marked)?;
        // An integral double becomes an integer, so that 1.0 and 1 are one value also to `==`.
        if value.fract() == 0.0 {
            return Ok((value as i64).into());
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| marked(Refusal::NumberRange))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(&inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(marked(Refusal::DuplicateKey));
            }
            let value = members.next_value_seed(&inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let number = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            (-1e6..1e6).prop_map(Value::from),
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            number,
            "\\PC*|[\u{0}-\u{ff}]*".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let key = "[a-c]{0,3}|\\PC{0,3}|[\u{d000}-\u{d7ff}\u{e000}-\u{ffff}\u{10000}-\u{10fff}]{1,2}|[\u{0}-\u{20}]";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map(key, inner, 0..6).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_short_way_comes_to_the_same(value in values()) {
            prop_assert_eq!(canonical(&value), canonical_of(&value));
        }
    }

    fn refused(text: &str) -> Refusal {
        parse(text.as_bytes()).expect_err(text)
    }

    #[test]
    fn refuses_by_name() {
        assert_eq!(refused("{\"a\":1,\"a\":2}"), Refusal::DuplicateKey);
        assert_eq!(refused("{\"a\":1,\"\\u0061\":2}"), Refusal::DuplicateKey);
        assert_eq!(refused("1e20"), Refusal::NumberRange);
        assert_eq!(refused("9007199254740992"), Refusal::NumberRange);
        assert_eq!(refused("-9007199254740993"), Refusal::NumberRange);
        assert_eq!(refused("123456789012345678901234567890"), Refusal::NumberRange);
        assert_eq!(refused("1e400"), Refusal::NumberRange);
        assert_eq!(refused("NaN"), Refusal::NotJson);
        assert_eq!(refused("\"\\ud800\""), Refusal::LoneSurrogate);
        assert_eq!(refused("\"\\ud800\\u0041\""), Refusal::LoneSurrogate);
        assert_eq!(refused("\"\\udc00\""), Refusal::LoneSurrogate);
        assert_eq!(refused("[1] 2"), Refusal::NotJson);
        assert_eq!(refused(""), Refusal::NotJson);
        assert_eq!(parse(b"\"\xff\""), Err(Refusal::NotUtf8));
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(deep(32).as_bytes()).is_ok());
        assert_eq!(refused(&deep(33)), Refusal::TooDeep);
        assert_eq!(refused(&deep(100_000)), Refusal::TooDeep);
    }

    #[test]
    fn numbers_are_the_doubles_they_are_read_as() {
        for (given, expected) in [
            ("1.0", "1"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("9007199254740991", "9007199254740991"),
            ("0.1", "0.1"),
            ("1e-7", "1e-7"),
            ("5e-324", "5e-324"),
            ("333333333.33333329", "333333333.3333333"),
            ("0.000001", "0.000001"),
            ("1e-400", "0"),
        ] {
            let value = parse(given.as_bytes()).expect(given);
            assert_eq!(String::from_utf8(canonical(&value)).unwrap(), expected, "{given}");
        }
        assert_eq!(parse(b"1.0"), parse(b"1"));
        assert_eq!(parse(b"-0"), parse(b"0"));
    }

    #[test]
    fn keys_are_sorted_by_utf16() {
        let value = parse("{\"\u{e000}\":1,\"\u{1f600}\":2,\"a\":3}".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(canonical(&value)).unwrap(), "{\"a\":3,\"\u{1f600}\":2,\"\u{e000}\":1}");
    }
}
