//! Problem details (RFC 9457): what went wrong, what to do next, and whether trying again can help.
//!
//! The hub's `api/error` makes them, the client reads them. A `code` is stable: programs and translations
//! rest on it, the sentence may be bettered at any time. Codes are never reused for another meaning.

use serde::{Deserialize, Serialize};

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI that names the kind of problem; made of the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here and what to do, as a sentence.
    pub detail: String,
    /// Stable name of the kind of problem.
    pub code: String,
    /// Whether the same request may succeed later, with nobody changing it.
    pub retry: bool,
}

impl Problem {
    /// A problem with the title and the `type` that belong to its code.
    #[must_use]
    pub fn new(status: u16, code: &str, retry: bool, detail: impl Into<String>) -> Self {
        let title = code.replace('_', " ");
        Self { kind: format!("urn:maloca:problem:{code}"), title, status, detail: detail.into(), code: code.into(), retry }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.detail, self.code)
    }
}

impl std::error::Error for Problem {}

macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident => $code:literal, $sentence:literal;)*) => {
        /// Why a revision or a line of a batch is refused, as a rule of its own bytes and nothing else.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Refusal { $($(#[$doc])* #[doc = $sentence] $variant,)* }

        impl Refusal {
            /// Every refusal there is, in the order of this page.
            pub const ALL: &[Refusal] = &[$(Refusal::$variant,)*];

            /// The stable name.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Refusal::$variant => $code,)* }
            }

            /// What is wrong, as a sentence.
            #[must_use]
            pub const fn sentence(self) -> &'static str {
                match self { $(Refusal::$variant => $sentence,)* }
            }
        }
    };
}

refusals! {
    NotUtf8 => "not_utf8", "The line is not UTF-8 text.";
    NotJson => "not_json", "The line is not a JSON value.";
    DuplicateKey => "duplicate_key", "An object has the same key twice.";
    LoneSurrogate => "lone_surrogate", "A text holds half of a surrogate pair, which is no character.";
    TooDeep => "too_deep", "The value is nested deeper than 32 levels.";
    NumberRange => "number_range", "A number is not finite, or is an integer beyond 2^53 - 1.";
    TooBig => "too_big", "The revision is larger than 256 KiB.";
    BadEnvelope => "bad_envelope", "The line is not an object with id, rev and sig.";
    TooNew => "too_new", "The revision is of a newer version; keep it until this hub has been updated.";
    BadVersion => "bad_version", "The member v is not 1.";
    MissingMember => "missing_member", "One of v, kind, doc, parents, author, created_at is missing.";
    BadKind => "bad_kind", "The member kind is not a text of 1 to 64 bytes.";
    BadDoc => "bad_doc", "The member doc is not a UUID, lower-case and with hyphens.";
    BadParents => "bad_parents", "The member parents is not a list of revision ids.";
    TooManyParents => "too_many_parents", "There are more than 32 parents.";
    DuplicateParent => "duplicate_parent", "A parent is named twice.";
    BadAuthor => "bad_author", "The member author is not a public key.";
    BadTime => "bad_time", "A time is not of the form 2026-11-21T05:28:00.000Z, or no such day exists.";
    BadSet => "bad_set", "The member set is not an object.";
    BadUnset => "bad_unset", "The member unset is not a list of distinct names.";
    SetAndUnset => "set_and_unset", "A property is both set and unset.";
    BadAttachment => "bad_attachment", "An attachment lacks hash, name, type or size, or one of them is malformed.";
    TooManyAttachments => "too_many_attachments", "More than 64 media are attached, or more than 64 detached.";
    DuplicateAttachment => "duplicate_attachment", "The same media is named twice, or attached and detached at once.";
    BadDetach => "bad_detach", "The member detach is not a list of media hashes.";
    BadDeleted => "bad_deleted", "The member deleted is not true or false.";
    WrongId => "wrong_id", "The id is not the hash of the revision.";
    BadSignature => "bad_signature", "The signature is not the author's over this id.";
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.sentence())
    }
}

impl std::error::Error for Refusal {}
