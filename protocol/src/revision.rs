//! A revision: one immutable, signed change to a document.
//!
//! Devices build and sign them, intake checks them, the merge reads them. It promises that a [`ValidRevision`] can only
//! come out of [`check`] or [`Draft::sign`]: its id is the hash of its canonical bytes, its shape is sound, its
//! signature is its author's. Members that this version does not know stay in the canonical bytes, unharmed.
//!
//! An envelope is one line of NDJSON, the canonical form of `{"id":…,"rev":{…},"sig":…}`. A reader accepts any JSON
//! that means the same, and ignores members of the envelope that it does not know; what it writes is always canonical.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::canonical;
use crate::ids::{DeviceId, DocId, MediaHash, RevisionId};
use crate::keys::{self, Context, DeviceKey, Sig};
use crate::problem::Refusal;
use crate::time;

mod shape;

/// A media file that a revision attaches. `size` is a claim until the hub holds the media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The hash of its bytes.
    pub hash: MediaHash,
    /// The file's name as its author knew it; a stranger's text, never used as a path.
    pub name: String,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was taken, by the device's own clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub taken_at: Option<String>,
}

/// What the merge and the hub need to know of a revision; read out of the canonical bytes, never written back.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// What sort of document it changes: `observation`, `preset`, `member`, …
    pub kind: String,
    /// The document.
    pub doc: DocId,
    /// The revisions that this one was made upon.
    pub parents: Vec<RevisionId>,
    /// Who made it.
    pub author: DeviceId,
    /// When, by the author's own clock, in milliseconds since 1970.
    pub created_at: i64,
    /// Properties written.
    pub set: Map<String, Value>,
    /// Properties removed.
    pub unset: Vec<String>,
    /// Media attached.
    pub attach: Vec<Attachment>,
    /// Media detached.
    pub detach: Vec<MediaHash>,
    /// Whether the document is deleted as of this revision.
    pub deleted: bool,
}

/// A revision whose id, shape and signature have been checked.
///
/// Invariant: `id` is the hash of `canonical`, `content` is what `canonical` says, `sig` is its author's.
#[derive(Debug, Clone, PartialEq)]
pub struct ValidRevision {
    id: RevisionId,
    sig: Sig,
    canonical: Box<[u8]>,
    content: Content,
}

impl ValidRevision {
    /// The hash of the canonical bytes.
    #[must_use]
    pub const fn id(&self) -> RevisionId {
        self.id
    }

    /// The author's signature.
    #[must_use]
    pub const fn sig(&self) -> &Sig {
        &self.sig
    }

    /// The revision's canonical form, which is what is stored, sent and hashed.
    #[must_use]
    pub const fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// What it says.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// The envelope in canonical form, without a line end.
    #[must_use]
    pub fn envelope(&self) -> Vec<u8> {
        envelope(&self.id, &self.canonical, &self.sig)
    }

    /// A revision from bytes that were checked before they were stored. The hash is checked again, since disks rot; the
    /// signature is not, since the hash vouches for the bytes it was checked over.
    ///
    /// # Errors
    /// [`Refusal::WrongId`] where the bytes are not those that were stored.
    pub fn from_stored(id: RevisionId, canonical: &[u8], sig: Sig) -> Result<Self, Refusal> {
        if blake3::hash(canonical).as_bytes() != &id.0 {
            return Err(Refusal::WrongId);
        }
        let value = canonical::parse(canonical)?;
        Ok(Self { id, sig, canonical: canonical.into(), content: shape::content(value)? })
    }
}

/// Joins the parts of an envelope; all three are canonical already, and `id` < `rev` < `sig`.
#[must_use]
pub fn envelope(id: &RevisionId, canonical: &[u8], sig: &Sig) -> Vec<u8> {
    let mut line = Vec::with_capacity(canonical.len() + 180);
    line.extend_from_slice(b"{\"id\":\"");
    line.extend_from_slice(id.to_string().as_bytes());
    line.extend_from_slice(b"\",\"rev\":");
    line.extend_from_slice(canonical);
    line.extend_from_slice(b",\"sig\":\"");
    line.extend_from_slice(sig.to_string().as_bytes());
    line.extend_from_slice(b"\"}");
    line
}

/// A revision of sound shape and right id, whose signature nobody has looked at yet.
#[derive(Debug, Clone)]
pub struct Unverified(ValidRevision);

/// Reads one line: JSON, limits, shape, id; everything but the signature.
///
/// # Errors
/// The first rule that the line breaks.
pub fn read(line: &[u8]) -> Result<Unverified, Refusal> {
    if line.len() > crate::limits::LINE_BYTES {
        return Err(Refusal::TooBig);
    }
    let Value::Object(mut envelope) = canonical::parse_to_depth(line, crate::limits::DEPTH + 1)? else {
        return Err(Refusal::BadEnvelope);
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned).ok_or(Refusal::BadEnvelope);
    let id: RevisionId = text(envelope.get("id"))?.parse().map_err(|_| Refusal::BadEnvelope)?;
    let sig = Sig::parse(&text(envelope.get("sig"))?).ok_or(Refusal::BadEnvelope)?;
    let rev = envelope.remove("rev").filter(Value::is_object).ok_or(Refusal::BadEnvelope)?;
    let canonical = canonical::canonical(&rev);
    if canonical.len() > crate::limits::REVISION_BYTES {
        return Err(Refusal::TooBig);
    }
    let content = shape::content(rev)?;
    if blake3::hash(&canonical).as_bytes() != &id.0 {
        return Err(Refusal::WrongId);
    }
    Ok(Unverified(ValidRevision { id, sig, canonical: canonical.into(), content }))
}

impl Unverified {
    /// What it would be, were its signature good.
    #[must_use]
    pub const fn claimed(&self) -> &ValidRevision {
        &self.0
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// [`Refusal::BadSignature`].
    pub fn verify(self) -> Result<ValidRevision, Refusal> {
        let revision = self.0;
        if keys::verify(&revision.content.author, Context::Revision, &revision.id.0, &revision.sig) {
            Ok(revision)
        } else {
            Err(Refusal::BadSignature)
        }
    }
}

/// Checks one line entirely.
///
/// # Errors
/// The first rule that the line breaks.
pub fn check(line: &[u8]) -> Result<ValidRevision, Refusal> {
    read(line)?.verify()
}

/// Checks the signatures of many at once, in the order given; much faster than one by one.
#[must_use]
pub fn verify_many(revisions: Vec<Unverified>) -> Vec<Result<ValidRevision, Refusal>> {
    let verdicts = {
        let claims: Vec<keys::Claim<'_>> =
            revisions.iter().map(|Unverified(r)| (&r.content.author, &r.id.0[..], &r.sig)).collect();
        keys::verify_many(Context::Revision, &claims)
    };
    revisions
        .into_iter()
        .zip(verdicts)
        .map(|(Unverified(revision), good)| if good { Ok(revision) } else { Err(Refusal::BadSignature) })
        .collect()
}

/// A revision in the making: what a device or hub wants to say, before it is frozen by its signature.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Sort of document.
    pub kind: String,
    /// The document.
    pub doc: DocId,
    /// The revisions that this one is made upon.
    pub parents: Vec<RevisionId>,
    /// The author's clock, milliseconds since 1970.
    pub created_at: i64,
    /// Properties written.
    pub set: Map<String, Value>,
    /// Properties removed.
    pub unset: Vec<String>,
    /// Media attached.
    pub attach: Vec<Attachment>,
    /// Media detached.
    pub detach: Vec<MediaHash>,
    /// Whether the document is deleted as of this revision.
    pub deleted: bool,
    /// Members beyond those of version 1, such as a hub's `by`. A name of version 1 in here is overwritten.
    pub extra: Map<String, Value>,
}

impl Draft {
    /// An empty first revision of a document.
    #[must_use]
    pub fn new(kind: impl Into<String>, doc: DocId, created_at: i64) -> Self {
        Self {
            kind: kind.into(),
            doc,
            parents: Vec::new(),
            created_at,
            set: Map::new(),
            unset: Vec::new(),
            attach: Vec::new(),
            detach: Vec::new(),
            deleted: false,
            extra: Map::new(),
        }
    }

    /// The JSON object. Empty members are left out, but `parents` and `set`, which every reader expects.
    #[must_use]
    pub fn to_value(&self, author: &DeviceId) -> Value {
        let mut rev = self.extra.clone();
        let mut put = |name: &str, value: Value| rev.insert(name.to_owned(), value);
        put("v", 1.into());
        put("kind", self.kind.clone().into());
        put("doc", self.doc.to_string().into());
        put("parents", self.parents.iter().map(ToString::to_string).collect());
        put("author", author.to_string().into());
        put("created_at", time::format_millis(self.created_at).into());
        put("set", Value::Object(self.set.clone()));
        if !self.unset.is_empty() {
            put("unset", self.unset.clone().into());
        }
        if !self.attach.is_empty() {
            put("attach", serde_json::to_value(&self.attach).expect("attachments are JSON"));
        }
        if !self.detach.is_empty() {
            put("detach", self.detach.iter().map(ToString::to_string).collect());
        }
        if self.deleted {
            put("deleted", true.into());
        }
        Value::Object(rev)
    }

    /// Freezes the draft: canonical form, id, signature. The result is held to the same rules as a stranger's.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn sign(&self, key: &DeviceKey) -> Result<ValidRevision, Refusal> {
        let canonical = canonical::canonical(&self.to_value(&key.id()));
        if canonical.len() > crate::limits::REVISION_BYTES {
            return Err(Refusal::TooBig);
        }
        // Parsed again, so that depth, numbers and texts of `set` meet the same judge as everybody's.
        let content = shape::content(canonical::parse(&canonical)?)?;
        let id = RevisionId(*blake3::hash(&canonical).as_bytes());
        Ok(ValidRevision { id, sig: key.sign(Context::Revision, &id.0), canonical: canonical.into(), content })
    }
}

/// Fewer than this a thread are signed faster than a thread is begun.
const SIGNED_BY_A_THREAD: usize = 8;

/// Freezes many drafts at once, in the order given, on all cores: a signature takes longer than all else that a device does to send.
#[must_use]
pub fn sign_many(drafts: &[&Draft], key: &DeviceKey) -> Vec<Result<ValidRevision, Refusal>> {
    let sign = |drafts: &[&Draft]| drafts.iter().map(|draft| draft.sign(key)).collect::<Vec<_>>();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = drafts.len().div_ceil(threads).max(SIGNED_BY_A_THREAD);
    let mut shares = drafts.chunks(share);
    let own = shares.next().unwrap_or_default();
    std::thread::scope(|scope| {
        let others: Vec<_> = shares.map(|share| scope.spawn(move || sign(share))).collect();
        let mut signed = sign(own);
        for other in others {
            signed.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        signed
    })
}
