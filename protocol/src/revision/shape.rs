//! The shape of a revision: which members there are, and what each must look like. The meaning of `set` is never judged.
//!
//! [`super::read`] calls this. It promises that the verdict is a function of the value alone, so that all hubs agree.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Attachment, Content};
use crate::ids::{DeviceId, DocId, MediaHash, RevisionId};
use crate::limits;
use crate::problem::Refusal;
use crate::time;

/// Reads a revision out of its JSON value.
pub(super) fn content(value: Value) -> Result<Content, Refusal> {
    let Value::Object(mut rev) = value else { return Err(Refusal::BadEnvelope) };
    version(&rev)?;
    let kind = text(rev.get("kind"), Refusal::BadKind)?;
    if kind.is_empty() || kind.len() > limits::KIND_BYTES {
        return Err(Refusal::BadKind);
    }
    let doc: DocId = text(rev.get("doc"), Refusal::BadDoc)?.parse().map_err(|_| Refusal::BadDoc)?;
    let parents = parents(rev.get("parents").ok_or(Refusal::MissingMember)?)?;
    let author: DeviceId = text(rev.get("author"), Refusal::BadAuthor)?.parse().map_err(|_| Refusal::BadAuthor)?;
    let created_at = time::parse_millis(text(rev.get("created_at"), Refusal::BadTime)?).ok_or(Refusal::BadTime)?;
    let kind = kind.to_owned();
    let unset = rev.get("unset").map_or(Ok(Vec::new()), unset)?;
    let attach = rev.get("attach").map_or(Ok(Vec::new()), attach)?;
    let detach = rev.get("detach").map_or(Ok(Vec::new()), detach)?;
    let deleted = rev.get("deleted").map_or(Ok(false), |value| value.as_bool().ok_or(Refusal::BadDeleted))?;
    let set = match rev.remove("set") {
        None => Map::new(),
        Some(Value::Object(set)) => set,
        Some(_) => return Err(Refusal::BadSet),
    };
    if unset.iter().any(|name| set.contains_key(name)) {
        return Err(Refusal::SetAndUnset);
    }
    let attached: HashSet<_> = attach.iter().map(|attachment| attachment.hash).collect();
    if attached.len() != attach.len() || detach.iter().any(|hash| attached.contains(hash)) {
        return Err(Refusal::DuplicateAttachment);
    }
    Ok(Content { kind, doc, parents, author, created_at, set, unset, attach, detach, deleted })
}

/// Version first: of a newer one nothing else is known, so nothing else is judged.
fn version(rev: &Map<String, Value>) -> Result<(), Refusal> {
    match rev.get("v").ok_or(Refusal::MissingMember)?.as_i64() {
        Some(1) => Ok(()),
        Some(newer) if newer > 1 => Err(Refusal::TooNew),
        _ => Err(Refusal::BadVersion),
    }
}

fn text(value: Option<&Value>, refusal: Refusal) -> Result<&str, Refusal> {
    value.ok_or(Refusal::MissingMember)?.as_str().ok_or(refusal)
}

fn parents(value: &Value) -> Result<Vec<RevisionId>, Refusal> {
    let list = value.as_array().ok_or(Refusal::BadParents)?;
    if list.len() > limits::PARENTS {
        return Err(Refusal::TooManyParents);
    }
    let parents: Vec<RevisionId> =
        list.iter().map(|id| id.as_str().and_then(|id| id.parse().ok()).ok_or(Refusal::BadParents)).collect::<Result<_, _>>()?;
    let distinct: HashSet<_> = parents.iter().collect();
    if distinct.len() == parents.len() { Ok(parents) } else { Err(Refusal::DuplicateParent) }
}

fn unset(value: &Value) -> Result<Vec<String>, Refusal> {
    let list = value.as_array().ok_or(Refusal::BadUnset)?;
    let names: Vec<String> =
        list.iter().map(|name| name.as_str().map(str::to_owned).ok_or(Refusal::BadUnset)).collect::<Result<_, _>>()?;
    let distinct: HashSet<_> = names.iter().collect();
    if distinct.len() == names.len() { Ok(names) } else { Err(Refusal::BadUnset) }
}

fn attach(value: &Value) -> Result<Vec<Attachment>, Refusal> {
    let list = value.as_array().ok_or(Refusal::BadAttachment)?;
    if list.len() > limits::ATTACHMENTS {
        return Err(Refusal::TooManyAttachments);
    }
    list.iter().map(|item| attachment(item).ok_or(Refusal::BadAttachment)).collect()
}

fn attachment(value: &Value) -> Option<Attachment> {
    let hash = value.get("hash")?.as_str()?.parse().ok()?;
    let name = value.get("name")?.as_str()?.to_owned();
    let media_type = value.get("type")?.as_str()?.to_owned();
    let size = value.get("size")?.as_u64()?;
    let taken_at = match value.get("taken_at") {
        None => None,
        Some(taken) => Some(taken.as_str()?.to_owned()),
    };
    let sound = name.len() <= limits::NAME_BYTES
        && media_type.len() <= limits::NAME_BYTES
        && taken_at.as_ref().is_none_or(|taken| taken.len() <= limits::NAME_BYTES);
    sound.then_some(Attachment { hash, name, media_type, size, taken_at })
}

fn detach(value: &Value) -> Result<Vec<MediaHash>, Refusal> {
    let list = value.as_array().ok_or(Refusal::BadDetach)?;
    if list.len() > limits::ATTACHMENTS {
        return Err(Refusal::TooManyAttachments);
    }
    let hashes: Vec<MediaHash> =
        list.iter().map(|id| id.as_str().and_then(|id| id.parse().ok()).ok_or(Refusal::BadDetach)).collect::<Result<_, _>>()?;
    let distinct: HashSet<_> = hashes.iter().collect();
    if distinct.len() == hashes.len() { Ok(hashes) } else { Err(Refusal::DuplicateAttachment) }
}
