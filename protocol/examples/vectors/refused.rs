//! 200 lines that must be refused, with the code: every code at least three times.
//!
//! A line is a list of parts to be joined: a text, `{"hex": …}` for bytes that may be no text, `{"repeat": …, "times": …}` for long ones.

use maloca_protocol::keys::Context;
use maloca_protocol::{DeviceKey, DocId, Draft, Refusal, RevisionId, canonical, revision};
use serde_json::{Value, json};

fn key() -> DeviceKey {
    DeviceKey::from_seed([5; 32])
}

/// A sound revision, to be spoilt.
fn sound(number: usize) -> Value {
    let mut draft = Draft::new("observation", DocId::from_source("refused", &number.to_string()), 1_795_000_000_000);
    draft.set.insert("n".into(), number.into());
    draft.to_value(&key().id())
}

/// The line of a revision, with right id and signature whatever it says.
fn line(rev: &Value) -> String {
    let bytes = canonical::canonical(rev);
    let id = RevisionId(*blake3::hash(&bytes).as_bytes());
    let sig = key().sign(Context::Revision, &id.0);
    String::from_utf8(revision::envelope(&id, &bytes, &sig)).expect("canonical JSON is text")
}

struct Cases(Vec<Value>);

impl Cases {
    fn raw(&mut self, code: Refusal, parts: Value) {
        let whole = join(&parts);
        assert_eq!(revision::check(&whole).err(), Some(code), "{parts}");
        self.0.push(json!({ "line": parts, "code": code.code() }));
    }

    fn text(&mut self, code: Refusal, text: &str) {
        self.raw(code, json!([text]));
    }

    /// A sound revision with one member replaced.
    fn with(&mut self, code: Refusal, member: &str, value: Value) {
        let mut rev = sound(self.0.len());
        rev[member] = value;
        self.text(code, &line(&rev));
    }

    fn without(&mut self, code: Refusal, member: &str) {
        let mut rev = sound(self.0.len());
        if let Value::Object(members) = &mut rev {
            members.remove(member);
        }
        self.text(code, &line(&rev));
    }

    /// A sound line with one text in it replaced.
    fn spoilt(&mut self, code: Refusal, from: &str, to: &str) {
        let sound = line(&sound(self.0.len()));
        assert!(sound.contains(from), "{from}");
        self.text(code, &sound.replacen(from, to, 1));
    }
}

/// The bytes of a line.
pub(crate) fn join(parts: &Value) -> Vec<u8> {
    let mut whole = Vec::new();
    for part in parts.as_array().into_iter().flatten() {
        match (part.as_str(), part["hex"].as_str(), part["repeat"].as_str()) {
            (Some(text), ..) => whole.extend_from_slice(text.as_bytes()),
            (_, Some(hex), _) => whole.extend(data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex")),
            (_, _, Some(text)) => {
                whole.extend_from_slice(text.repeat(part["times"].as_u64().unwrap_or(0) as usize).as_bytes());
            }
            _ => {}
        }
    }
    whole
}

pub(crate) fn file() -> Value {
    use Refusal as R;
    let mut cases = Cases(Vec::new());
    let c = &mut cases;
    for hex in ["ff", "c080", "eda080", "f8888080", "80", "c3"] {
        c.raw(R::NotUtf8, json!(["{\"id\":\"", { "hex": hex }, "\"}"]));
    }
    for text in ["", " ", "{", "nul", "NaN", "{\"a\":NaN}", "[1,]", "{'a':1}", "{} {}", "\u{feff}{}", "01", "+1"] {
        c.text(R::NotJson, text);
    }
    for to in ["\"n\":1,\"n\":1,\"x\":", "\"n\":1,\"\\u006e\":2,\"x\":", "\"x\":{\"y\":1,\"y\":2},\"n\":"] {
        c.spoilt(R::DuplicateKey, "\"n\":", to);
    }
    for from in ["{\"id\":", "\"v\":1"] {
        let twice = if from.starts_with('{') { "{\"id\":\"\",\"id\":" } else { "\"v\":1,\"v\":1" };
        c.spoilt(R::DuplicateKey, from, twice);
    }
    for escape in ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\udbffx", "\\ud83d\\ud83d"] {
        c.spoilt(R::LoneSurrogate, "\"n\":", &format!("\"s\":\"{escape}\",\"n\":"));
    }
    for levels in [31, 40, 100, 1_000, 100_000] {
        let parts =
            json!(["{\"rev\":{\"set\":{\"n\":", { "repeat": "[", "times": levels }, { "repeat": "]", "times": levels }, "}}}"]);
        c.raw(R::TooDeep, parts);
    }
    for number in ["1e20", "9007199254740992", "-9007199254740992", "1e400", "-1e400", "123456789012345678901234567890", "1e16"] {
        c.spoilt(R::NumberRange, "\"n\":", &format!("\"x\":{number},\"n\":"));
    }
    for (text, times) in [("x", 262_200), ("\u{e9}", 131_200), ("x", 600_000), ("\\u0078", 262_200)] {
        c.raw(R::TooBig, too_big(c.0.len(), text, times));
    }
    for text in ["1", "null", "\"x\"", "[]", "{}", "{\"id\":1,\"rev\":{},\"sig\":2}"] {
        c.text(R::BadEnvelope, text);
    }
    c.spoilt(R::BadEnvelope, "\"sig\":\"", "\"sig\":\"=");
    c.spoilt(R::BadEnvelope, "\"sig\":\"", "\"gis\":\"");
    c.spoilt(R::BadEnvelope, "{\"id\":\"", "{\"id\":\"X");
    c.spoilt(R::BadEnvelope, "\"rev\":", "\"ver\":");
    for v in [json!(2), json!(3), json!(1_000), json!(9_007_199_254_740_991_u64)] {
        c.with(R::TooNew, "v", v);
    }
    for v in [json!(0), json!(-1), json!("1"), json!(1.5), Value::Null, json!([1])] {
        c.with(R::BadVersion, "v", v);
    }
    for member in ["v", "kind", "doc", "parents", "author", "created_at"] {
        c.without(R::MissingMember, member);
    }
    for kind in [json!(""), json!("x".repeat(65)), json!(1), Value::Null, json!(["observation"])] {
        c.with(R::BadKind, "kind", kind);
    }
    for doc in [
        "",
        "0193E2F1-0000-7000-8000-00000000000A",
        "0193e2f100007000800000000000000a",
        "{0193e2f1-0000-7000-8000-00000000000a}",
        "x",
    ] {
        c.with(R::BadDoc, "doc", doc.into());
    }
    c.with(R::BadDoc, "doc", 7.into());
    for parents in
        [json!({}), Value::Null, json!("x"), json!(["x"]), json!([1]), json!(["AB".repeat(32)]), json!(["ab".repeat(31)])]
    {
        c.with(R::BadParents, "parents", parents);
    }
    for count in [33, 34, 64, 100] {
        c.with(R::TooManyParents, "parents", hashes(count).into());
    }
    for (count, at) in [(2, 0), (3, 1), (32, 30)] {
        let mut parents = hashes(count);
        parents[count - 1] = parents[at].clone();
        c.with(R::DuplicateParent, "parents", parents.into());
    }
    for author in [json!(""), json!("ab".repeat(31)), json!("AB".repeat(32)), json!(7), Value::Null, json!(["ab".repeat(32)])] {
        c.with(R::BadAuthor, "author", author);
    }
    for time in [
        "2026-11-21T05:28:00Z",
        "2026-02-30T00:00:00.000Z",
        "2026-11-21 05:28:00.000Z",
        "2026-11-21T24:00:00.000Z",
        "2026-11-21T05:28:00.000+00:00",
        "2026-13-01T00:00:00.000Z",
        "2026-11-21T05:28:60.000Z",
        "2023-02-29T00:00:00.000Z",
        "",
    ] {
        c.with(R::BadTime, "created_at", time.into());
    }
    c.with(R::BadTime, "created_at", 1_795_000_000_000_i64.into());
    for set in [json!([]), Value::Null, json!("x"), json!(1), json!(false)] {
        c.with(R::BadSet, "set", set);
    }
    for unset in [json!({}), Value::Null, json!("n"), json!([1]), json!(["x", "x"]), json!([null])] {
        c.with(R::BadUnset, "unset", unset);
    }
    for unset in [json!(["n"]), json!(["x", "n"]), json!(["n", "x"])] {
        c.with(R::SetAndUnset, "unset", unset);
    }
    attachments(c);
    for detach in [json!({}), Value::Null, json!("x"), json!(["x"]), json!([1]), json!(["AB".repeat(32)])] {
        c.with(R::BadDetach, "detach", detach);
    }
    for deleted in [json!(1), json!("true"), Value::Null, json!([])] {
        c.with(R::BadDeleted, "deleted", deleted);
    }
    for (from, to) in [
        ("\"n\":", "\"m\":"),
        ("\"v\":1", "\"u\":0,\"v\":1"),
        ("observation", "observatioN"),
        ("\"parents\":[]", "\"parents\":[],\"z\":[]"),
    ] {
        c.spoilt(R::WrongId, from, to);
    }
    while c.0.len() < 200 {
        bad_signature(c);
    }
    json!({
        "about": "Each line must be refused with this code. A line is its parts joined: a text, {hex}, or {repeat, times}.",
        "refused": cases.0,
    })
}

fn too_big(number: usize, text: &str, times: usize) -> Value {
    let mut rev = sound(number);
    rev["set"]["n"] = "MARK".into();
    let whole = line(&rev);
    let (before, after) = whole.split_once("MARK").expect("the mark");
    json!([before, { "repeat": text, "times": times }, after])
}

fn hashes(count: usize) -> Vec<String> {
    (0..count).map(|n| blake3::hash(&n.to_be_bytes()).to_hex().to_string()).collect()
}

fn photo(hash: &str) -> Value {
    json!({ "hash": hash, "name": "a.jpg", "type": "image/jpeg", "size": 1 })
}

fn attachments(c: &mut Cases) {
    use Refusal as R;
    let hash = "ab".repeat(32);
    for (member, value) in [
        ("hash", json!("x")),
        ("name", json!(1)),
        ("name", json!("x".repeat(256))),
        ("type", Value::Null),
        ("size", json!(-1)),
        ("size", json!(1.5)),
        ("size", json!("1")),
        ("taken_at", json!(7)),
    ] {
        let mut bad = photo(&hash);
        bad[member] = value;
        c.with(R::BadAttachment, "attach", json!([bad]));
    }
    c.with(R::BadAttachment, "attach", json!({}));
    for count in [65, 66, 100] {
        c.with(R::TooManyAttachments, "attach", hashes(count).iter().map(|hash| photo(hash)).collect());
        c.with(R::TooManyAttachments, "detach", hashes(count).into());
    }
    c.with(R::DuplicateAttachment, "attach", json!([photo(&hash), photo(&hash)]));
    c.with(R::DuplicateAttachment, "detach", json!([hash, hash]));
    let mut both = sound(c.0.len());
    both["attach"] = json!([photo(&hash)]);
    both["detach"] = json!([hash]);
    c.text(R::DuplicateAttachment, &line(&both));
}

/// A sound line with a signature that is not its author's over it.
fn bad_signature(c: &mut Cases) {
    let number = c.0.len();
    let mut rev = sound(number);
    if number.is_multiple_of(2) {
        rev["author"] = DeviceKey::from_seed([6; 32]).id().to_string().into();
        c.text(Refusal::BadSignature, &line(&rev));
    } else {
        let bytes = canonical::canonical(&rev);
        let id = RevisionId(*blake3::hash(&bytes).as_bytes());
        let sig = key().sign(Context::Receipt, &id.0);
        let text = String::from_utf8(revision::envelope(&id, &bytes, &sig)).expect("canonical JSON is text");
        c.text(Refusal::BadSignature, &text);
    }
}
