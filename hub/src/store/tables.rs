//! The tables of `hub.redb`, each named with the number of its format.
//!
//! All have bytes for keys and sealed bytes (see [`super::codec`]) for values, so that reading, checking and rebuilding
//! are the same for all. The log is the truth; tables marked *derived* can be rebuilt from it. Numbers in keys are big
//! endian, so that their order is the order of bytes.

use redb::TableDefinition;

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// A table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum T { $($(#[$doc])* $name,)* }

        impl T {
            /// All tables, in the order of this page.
            pub const ALL: &[T] = &[$(T::$name,)*];

            /// The table's name on disk; part of each value's seal.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(T::$name => $text,)* }
            }
        }
    };
}

tables! {
    /// `name` → JSON: format, project, epoch, where the folder was, settings.
    Meta = "meta-1";
    /// `seq u64` → [`super::rows::Entry`]: the feed itself.
    Log = "log-1";
    /// `revision 32` → [`super::rows::Place`]: where each kept revision is. Derived.
    Ids = "ids-1";
    /// `least key 40` → [`super::ordered::Bucket`]: kept revisions, in quarantine too, in the order in which hubs compare them. Derived.
    Ordered = "ordered-1";
    /// `least key 40` → [`super::ordered::Sum`] of the bucket of this key. Derived.
    OrderedSums = "ordered-sums-1";
    /// `author 32, revision 32` → [`super::rows::Entry`]: valid revisions of authors who are not members.
    Quarantine = "quarantine-1";
    /// `doc 16` → [`super::rows::DocRow`]. Derived.
    Docs = "docs-1";
    /// `doc 16` → the merged document, canonical JSON, where it has more than one revision. Derived.
    Merged = "merged-1";
    /// `last seq u64` → [`super::rows::Summary`] of the document that this entry changed last. Derived.
    ByReceived = "by-received-1";
    /// `observed at i64 with its sign flipped, last seq u64` → nothing. Derived.
    ByObserved = "by-observed-1";
    /// `author 32` → [`super::rows::AuthorRow`]: counts and fingerprint. Derived.
    Authors = "authors-1";
    /// `media 32, author 32` → [`super::rows::Attached`]: who attached it, as what. Derived.
    Attached = "attached-1";
    /// `author 32, media 32` → [`super::rows::Attached`], of media that are not here. Derived.
    Wanted = "wanted-1";
    /// `media 32, doc 16` → nothing: which documents attach it. Derived.
    Refs = "refs-1";
    /// `media 32` → [`super::rows::MediaRow`].
    Media = "media-1";
    /// `device 32` → [`super::rows::Standing`]: member or revoked. Derived from revisions of hubs.
    Members = "members-1";
    /// `doc 16` → nothing: documents of which a revision is of the kind `preset`, whoever wrote it. Derived.
    Presets = "presets-1";
    /// `device 32` → JSON: name, when paired, what it told last.
    Devices = "devices-1";
    /// `hub 32` → JSON: another hub that this one calls: name, address, pinned key, token.
    Hubs = "hubs-1";
    /// `begin i64 with its sign flipped, device 32` → JSON: a contact of the last 90 days.
    Contacts = "contacts-1";
    /// `BLAKE3 of a bearer token 32` → device 32.
    Tokens = "tokens-1";
    /// `device 32, BLAKE3 of source and its own id 32` → JSON: what the plain door knows of the item.
    Sources = "sources-1";
    /// `upload id 16` → JSON: an unfinished upload.
    Uploads = "uploads-1";
    /// `verified at u64, bundle 16` → JSON: an export, and what of the feed is in it.
    Ledger = "ledger-1";
    /// `identity of a filesystem` → [`super::Spans`]: what of the feed is there, verified. Derived from the ledger.
    Carried = "carried-1";
    /// `BLAKE3 of a session's cookie 32` → JSON: a manager's session.
    Sessions = "sessions-1";
}

impl T {
    pub(super) const fn definition(self) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
        TableDefinition::new(self.name())
    }
}
