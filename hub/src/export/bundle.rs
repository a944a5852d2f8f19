//! The layout of a bundle: names, manifests and tag files of a BagIt 1.0 folder (RFC 8493) with SHA-256. No disk is touched.
//!
//! ```text
//! <to>/Maloca/20261121_0528_tarapoto_full_1/
//!   bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt
//!   README.txt  README.html         in four languages
//!   signature/tagmanifest-sha256.json   the hub's, over the tag manifest
//!   data/observations.json          flat merged documents, conflicts included
//!   data/observations.geojson
//!   data/observations.csv
//!   data/observations.xlsx          a workbook
//!   data/observations.gpkg          a GeoPackage: a layer with its table and its style
//!   data/open-in-QGIS.qgs           a project of QGIS that shows it, with the photos
//!   data/attachments.csv            which file belongs to which observation
//!   data/datapackage.json           what the columns of the tables hold, for programs
//!   data/revisions.ndjson           every kept revision with its signature
//!   data/custody.ndjson             when each record and file came, and who carried it
//!   data/devices.json               who has joined, by name; not in a part
//!   data/media.csv                  every media file with its BLAKE3 hash, in the order of the manifest
//!   data/missing.csv                media that are attached and not in this bundle, and why
//!   data/media/2026-11/20261121_logging_img-0042_1a2b3c4d.jpg
//!   data/media/2026-11_2/…          a month's folder holds 10,000 files
//! and where somebody asked for them:
//!   data/observations.kmz           for Google Earth and the like
//!   data/observations.gpx           for GPS devices
//!   data/shapefile/observations.{shp,shx,dbf,prj,cpg}  fields.csv
//! ```
//!
//! A part has `part` in its name where this has `full`, the same files, and in them what its filter let through: those documents, all
//! revisions of theirs that were admitted, and the media that they have. One with `new` has so the documents that its drive lacked a
//! revision or a file of, what is in quarantine, who is a member, and the categories.
//!
//! While it is written its name is `.maloca-partial-<16 digits of the hub's id>-<8 random ones>`: a name that nobody else
//! makes, so that the hub that left one behind may remove it. [`super::write`] writes what is laid out here, [`super::check`]
//! reads it back.

use maloca_protocol::{DeviceId, time};
use serde::{Deserialize, Serialize};

use super::Done;
use super::names;
use super::part;
use super::scope::Scope;

/// What of a hub a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything.
    #[default]
    Full,
    /// What its drive did not have yet.
    New,
    /// What a filter let through.
    Part,
}

impl Kind {
    /// Its word in names and in `bag-info.txt`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::New => "new",
            Self::Part => "part",
        }
    }

    /// Reads what `Maloca-Bundle` says; what is not known is taken for no more than a part.
    #[must_use]
    pub fn read(said: &str) -> Self {
        let word = said.split(' ').next().unwrap_or_default();
        [Self::Full, Self::New].into_iter().find(|kind| kind.word() == word).unwrap_or(Self::Part)
    }
}

/// The folder on a drive in which all bundles are.
pub const FOLDER: &str = "Maloca";

/// Files in one folder of media: FAT has room for some 11,000 long names.
pub const FOLDER_FILES: u32 = 10_000;

/// The manifest of the payload.
pub const MANIFEST: &str = "manifest-sha256.txt";
/// The manifest of the tag files.
pub const TAG_MANIFEST: &str = "tagmanifest-sha256.txt";
/// The declaration.
pub const BAGIT: &str = "bagit.txt";
/// What the declaration says.
pub const BAGIT_TEXT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// What the bundle is.
pub const INFO: &str = "bag-info.txt";
/// For people.
pub const README: &str = "README.txt";
/// The same as a page.
pub const README_PAGE: &str = "README.html";
/// All revisions.
pub const REVISIONS: &str = "data/revisions.ndjson";
/// When each record came, and by which way.
pub const CUSTODY: &str = "data/custody.ndjson";
/// The list of media files.
pub const MEDIA_LIST: &str = "data/media.csv";
/// Columns of [`MEDIA_LIST`].
pub const MEDIA_COLUMNS: &[&str] = &["file", "blake3", "size", "type", "name", "doc"];
/// A project of QGIS that shows the observations.
pub const QGIS_PROJECT: &str = "data/open-in-QGIS.qgs";
/// What the tables hold.
pub const DATA_PACKAGE: &str = "data/datapackage.json";
/// Which file belongs to which observation.
pub const ATTACHMENT_LIST: &str = "data/attachments.csv";
/// Columns of [`ATTACHMENT_LIST`]; `file` is empty where it is not in the bundle.
pub const ATTACHMENT_COLUMNS: &[&str] = &["doc", "file", "blake3", "name", "type", "size", "taken_at"];
/// The list of media that are not there.
pub const MISSING_LIST: &str = "data/missing.csv";
/// Columns of [`MISSING_LIST`].
pub const MISSING_COLUMNS: &[&str] = &["doc", "blake3", "name", "type", "size", "reason"];
/// The folder of media.
pub const MEDIA: &str = "data/media";

/// Day and minute of a time, UTC, as they stand in names: `20261121`, `0528`.
#[must_use]
pub fn stamp(millis: i64) -> (String, String) {
    let text = time::format_millis(millis);
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (digits[..8].to_owned(), digits[8..12].to_owned())
}

/// The folder name of a bundle; `n` counts from 1 what is made by the same hub in the same minute.
#[must_use]
pub fn folder_name(at: i64, hub_name: &str, kind: Kind, n: u32) -> String {
    let (day, minute) = stamp(at);
    let hub = match names::safe(&hub_name.replace('.', "-"), 30) {
        empty if empty.is_empty() => "hub".to_owned(),
        name => name,
    };
    format!("{day}_{minute}_{hub}_{}_{n}", kind.word())
}

/// The beginning of the names under which this hub writes unfinished bundles.
#[must_use]
pub fn partial_prefix(hub: &DeviceId) -> String {
    format!(".maloca-partial-{}-", &hub.to_string()[..16])
}

/// Whether a name is that of an unfinished bundle of this hub.
#[must_use]
pub fn is_our_partial(name: &str, hub: &DeviceId) -> bool {
    name.strip_prefix(&partial_prefix(hub)).is_some_and(|rest| rest.len() == 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The folder of a media file, without a line end: `data/media/2026-11` or `data/media/2026-11_2`.
#[must_use]
pub fn month_folder(month: (i16, i8), part: u16) -> String {
    let (year, month) = month;
    if part < 2 { format!("{MEDIA}/{year:04}-{month:02}") } else { format!("{MEDIA}/{year:04}-{month:02}_{part}") }
}

/// Year and month of a time, UTC.
#[must_use]
pub fn month(millis: i64) -> (i16, i8) {
    let text = time::format_millis(millis);
    (text[..4].parse().unwrap_or(1970), text[5..7].parse().unwrap_or(1))
}

/// A line of a manifest. Paths of ours hold nothing that would have to be escaped.
#[must_use]
pub fn manifest_line(sha256: &[u8; 32], path: &str) -> String {
    format!("{}  {path}\n", data_encoding::HEXLOWER.encode(sha256))
}

/// Reads a line of a manifest: digest and path. `None` where it is no such line, or its path leads out of the bundle.
#[must_use]
pub fn read_manifest_line(line: &str) -> Option<([u8; 32], String)> {
    let (digest, path) = line.split_once([' ', '\t'])?;
    let digest = data_encoding::HEXLOWER_PERMISSIVE.decode(digest.as_bytes()).ok()?.try_into().ok()?;
    let path = path.trim_start_matches([' ', '\t', '*']).replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%");
    is_inside(&path).then_some((digest, path))
}

/// Whether a path of a manifest stays inside its bundle.
#[must_use]
pub fn is_inside(path: &str) -> bool {
    !path.is_empty() && !path.contains(['\\', '\0']) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Files that systems strew over drives: they are junk, and no damage.
#[must_use]
pub fn is_junk(name: &str) -> bool {
    matches!(name, ".DS_Store" | "Thumbs.db" | "desktop.ini" | ".directory" | ".Spotlight-V100" | ".Trashes" | ".fseventsd")
        || name.starts_with("._")
}

/// What a bundle says of its origin.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The hub's name.
    pub hub_name: String,
    /// The hub's id, the project, the epoch of the feed: hex.
    pub hub: String,
    /// See `hub`.
    pub project: String,
    /// See `hub`.
    pub epoch: String,
}

/// `bag-info.txt`.
#[must_use]
pub fn info(origin: &Origin, scope: &Scope, done: &Done, payload_bytes: u64, payload_files: u64) -> String {
    let (day, _) = stamp(done.at);
    let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let mut lines = vec![
        ("Source-Organization", plain(&origin.hub_name)),
        ("Bagging-Date", format!("{}-{}-{}", &day[..4], &day[4..6], &day[6..])),
        ("Payload-Oxum", format!("{payload_bytes}.{payload_files}")),
        ("External-Identifier", data_encoding::HEXLOWER.encode(&done.bundle)),
        ("Bag-Software-Agent", format!("Maloca {}", env!("CARGO_PKG_VERSION"))),
        ("Maloca-Bundle", format!("{} 1", scope.kind().word())),
        ("Maloca-Project", origin.project.clone()),
        ("Maloca-Hub", origin.hub.clone()),
        ("Maloca-Epoch", origin.epoch.clone()),
        ("Maloca-Head", done.head.to_string()),
        ("Maloca-Chain", data_encoding::HEXLOWER.encode(&done.chain)),
        ("Maloca-Made-At", time::format_millis(done.at)),
        ("Maloca-Observations", done.observations.to_string()),
        ("Maloca-Revisions", done.revisions.to_string()),
        ("Maloca-Media", done.media.to_string()),
        ("Maloca-Media-Missing", done.missing.to_string()),
    ];
    if let Scope::Part(part) = scope {
        lines.push(("Maloca-Filter", part.exact()));
        lines.push(("Maloca-Filter-Words", part.words(&part::ENGLISH)));
    }
    lines.iter().map(|(label, value)| format!("{label}: {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders() {
        let at = time::parse_millis("2026-11-21T05:28:00.000Z").unwrap();
        assert_eq!(folder_name(at, "Malóca Tarapoto No. 1", Kind::Full, 2), "20261121_0528_maloca-tarapoto-no-1_full_2");
        assert_eq!(folder_name(at, "🦜", Kind::New, 1), "20261121_0528_hub_new_1");
        assert!(folder_name(at, &"x".repeat(200), Kind::Part, 4_000_000_000).len() <= names::LONGEST);
        assert_eq!(month_folder(month(at), 1), "data/media/2026-11");
        assert_eq!(month_folder(month(at), 2), "data/media/2026-11_2");
    }

    #[test]
    fn an_unfinished_bundle_of_another_hub_is_not_ours() {
        let (ours, theirs) = (DeviceId([1; 32]), DeviceId([2; 32]));
        let name = format!("{}0123abcd", partial_prefix(&ours));
        assert!(is_our_partial(&name, &ours) && !is_our_partial(&name, &theirs));
        assert!(!is_our_partial(&format!("{name}x"), &ours) && !is_our_partial("20261121_0528_a_full_1", &ours));
    }

    #[test]
    fn manifest_lines_are_read_as_written_and_never_lead_out() {
        let line = manifest_line(&[7; 32], "data/a.txt");
        assert_eq!(read_manifest_line(line.trim_end()), Some(([7; 32], "data/a.txt".into())));
        let digest = "07".repeat(32);
        for bad in ["../a", "/etc/passwd", "data//a", "data/../../a", "data\\..\\a", ""] {
            assert_eq!(read_manifest_line(&format!("{digest}  {bad}")), None, "{bad}");
        }
    }
}
