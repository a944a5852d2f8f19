//! Names that every drive and every system can hold, made from a stranger's text.
//!
//! [`super::bundle`] names folders and media files with it. It promises: only `[a-z0-9_.-]`, at most [`LONGEST`] characters,
//! no name that DOS keeps for devices, no dot at either end, and no ending that a computer in town would run as a program.

use maloca_protocol::MediaHash;

/// The longest name. FAT allows 255, but every folder around it and every tool in town wants its share.
pub const LONGEST: usize = 60;

/// Digits of the hash in a media file's name.
const HASH_DIGITS: usize = 8;

/// Digits where another media begins with the same eight: as many as leave no doubt.
const MANY_HASH_DIGITS: usize = 40;

/// The longest part that a category takes of a media file's name.
const CATEGORY: usize = 15;

/// What media may end in. Anything else becomes `bin`: a stranger chose the name, and the office double-clicks.
const ENDINGS: &[&str] = &[
    "jpg", "jpeg", "png", "gif", "webp", "heic", "heif", "avif", "tif", "tiff", "bmp", "dng", "mp3", "m4a", "aac", "ogg", "oga",
    "opus", "wav", "flac", "amr", "3gp", "mp4", "m4v", "mov", "webm", "mkv", "avi", "pdf", "txt", "csv", "json", "gpx", "kml",
];

/// Endings by media type, for names that have none.
const BY_TYPE: &[(&str, &str)] = &[
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/heic", "heic"),
    ("image/avif", "avif"),
    ("image/tiff", "tif"),
    ("audio/mpeg", "mp3"),
    ("audio/mp4", "m4a"),
    ("audio/ogg", "ogg"),
    ("audio/opus", "opus"),
    ("audio/wav", "wav"),
    ("audio/flac", "flac"),
    ("audio/amr", "amr"),
    ("video/3gpp", "3gp"),
    ("video/mp4", "mp4"),
    ("video/quicktime", "mov"),
    ("video/webm", "webm"),
    ("application/pdf", "pdf"),
    ("text/plain", "txt"),
];

/// A stranger's text as a part of a name, at most `longest` characters; empty where nothing of it can be kept.
#[must_use]
pub fn safe(text: &str, longest: usize) -> String {
    let mut name = String::with_capacity(longest.min(text.len()));
    for c in text.chars() {
        if name.len() >= longest {
            break;
        }
        match c {
            'a'..='z' | '0'..='9' | '_' | '.' => name.push(c),
            'A'..='Z' => name.push(c.to_ascii_lowercase()),
            _ => match latin(c) {
                Some(letters) => name.push_str(letters),
                // One hyphen for a run of what has no letter here.
                None if name.ends_with('-') => {}
                None => name.push('-'),
            },
        }
    }
    name.truncate(longest);
    let trimmed = name.trim_matches(['.', '-', '_']);
    let stem = trimmed.split('.').next().unwrap_or_default();
    if !is_reserved(stem) {
        return trimmed.to_owned();
    }
    let mut name = format!("x-{trimmed}");
    name.truncate(longest);
    name.trim_end_matches(['.', '-', '_']).to_owned()
}

/// Names that DOS, and so Windows, keeps for devices, with any ending.
fn is_reserved(stem: &str) -> bool {
    matches!(stem, "con" | "prn" | "aux" | "nul")
        || stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt")).is_some_and(|n| n.len() == 1 && n != "0")
            && stem.ends_with(|c: char| c.is_ascii_digit())
}

/// The letters that a Latin letter with a sign is written with where there are no signs.
fn latin(c: char) -> Option<&'static str> {
    Some(match c {
        'á' | 'à' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'Á' | 'À' | 'Â' | 'Ã' | 'Ä' | 'Å' | 'Ā' | 'Ă' | 'Ą' => "a",
        'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' | 'ẽ' | 'É' | 'È' | 'Ê' | 'Ë' | 'Ē' | 'Ę' | 'Ě' | 'Ẽ' => "e",
        'í' | 'ì' | 'î' | 'ï' | 'ī' | 'ĩ' | 'ı' | 'ɨ' | 'Í' | 'Ì' | 'Î' | 'Ï' | 'Ī' | 'Ĩ' | 'İ' | 'Ɨ' => "i",
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ő' | 'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ö' | 'Ø' | 'Ō' | 'Ő' => "o",
        'ú' | 'ù' | 'û' | 'ü' | 'ū' | 'ũ' | 'ů' | 'ű' | 'Ú' | 'Ù' | 'Û' | 'Ü' | 'Ū' | 'Ũ' | 'Ů' | 'Ű' => "u",
        'ý' | 'ÿ' | 'ỹ' | 'Ý' | 'Ÿ' | 'Ỹ' => "y",
        'ñ' | 'ń' | 'ň' | 'Ñ' | 'Ń' | 'Ň' => "n",
        'ç' | 'ć' | 'č' | 'Ç' | 'Ć' | 'Č' => "c",
        'š' | 'ś' | 'ş' | 'Š' | 'Ś' | 'Ş' => "s",
        'ž' | 'ź' | 'ż' | 'Ž' | 'Ź' | 'Ż' => "z",
        'ł' | 'Ł' => "l",
        'ř' | 'Ř' => "r",
        'ť' | 'Ť' => "t",
        'đ' | 'ď' | 'ð' | 'Đ' | 'Ď' | 'Ð' => "d",
        'ğ' | 'Ğ' => "g",
        'ß' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'þ' | 'Þ' => "th",
        _ => return None,
    })
}

/// The ending of a media file, by its name, else by its type.
#[must_use]
pub fn ending(name: &str, media_type: &str) -> &'static str {
    let said = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let known = said.and_then(|said| ENDINGS.iter().find(|known| **known == said).copied());
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    known.or_else(|| BY_TYPE.iter().find(|(of, _)| *of == essence).map(|(_, ending)| *ending)).unwrap_or("bin")
}

/// A media file's name: `20261121_logging_img-0042_1a2b3c4d.jpg`.
///
/// `date` is `yyyymmdd`. `is_like_another` says that another media's hash begins with the same digits; then so much of the
/// hash is written that names differ all the same.
#[must_use]
pub fn media(date: &str, category: &str, name: &str, media_type: &str, hash: &MediaHash, is_like_another: bool) -> String {
    let ending = ending(name, media_type);
    let digits = hash.to_string();
    if is_like_another {
        return format!("{date}_{}.{ending}", &digits[..MANY_HASH_DIGITS]);
    }
    let own = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let category = safe(category, CATEGORY);
    let fixed = date.len() + HASH_DIGITS + ending.len() + 3;
    let room = (LONGEST - fixed).saturating_sub(category.len() + 1);
    // A dot inside the stem would look like an ending.
    let own = safe(own, room).replace('.', "-");
    let mut whole = date.to_owned();
    for part in [category.replace('.', "-").as_str(), own.trim_end_matches('-'), &digits[..HASH_DIGITS]] {
        if !part.is_empty() {
            whole.push('_');
            whole.push_str(part);
        }
    }
    format!("{whole}.{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_sound(name: &str) -> bool {
        name.len() <= LONGEST
            && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.' | '-'))
            && !name.starts_with('.')
            && !name.ends_with('.')
            && !is_reserved(name.split('.').next().unwrap_or_default())
    }

    #[test]
    fn people_can_read_them() {
        let hash = MediaHash([0x1a; 32]);
        assert_eq!(safe("Río Huallaga / Ñahuin", 60), "rio-huallaga-nahuin");
        assert_eq!(safe("São João", 60), "sao-joao");
        assert_eq!(safe("CON", 60), "x-con");
        assert_eq!(safe("com1.txt", 60), "x-com1.txt");
        assert_eq!(safe("com10", 60), "com10");
        assert_eq!(safe("../../etc/passwd", 60), "etc-passwd");
        assert_eq!(safe("🦜", 60), "");
        assert_eq!(media("20261121", "Tala", "IMG_0042.JPG", "image/jpeg", &hash, false), "20261121_tala_img_0042_1a1a1a1a.jpg");
        assert_eq!(media("20261121", "", "run me.exe", "image/png", &hash, false), "20261121_run-me_1a1a1a1a.png");
        assert_eq!(media("20261121", "", "", "", &hash, false), "20261121_1a1a1a1a.bin");
        assert_eq!(media("20261121", "x", "y.jpg", "", &hash, true).len(), 8 + 1 + 40 + 4);
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_sound_name(category in ".{0,40}", name in ".{0,80}", kind in ".{0,20}", hash: [u8; 32], like: bool) {
            let named = media("20261121", &category, &name, &kind, &MediaHash(hash), like);
            prop_assert!(is_sound(&named), "{named}");
            prop_assert!(named.contains(&MediaHash(hash).to_string()[..8]));
        }

        #[test]
        fn a_safe_text_stays_as_it_is(text in ".{0,80}", longest in 4_usize..60) {
            let once = safe(&text, longest);
            prop_assert!(once.is_empty() || is_sound(&once), "{once}");
            prop_assert!(once.len() <= longest);
            let twice = safe(&once, longest);
            prop_assert_eq!(&twice, &once);
        }
    }
}
