//! Ten characters for the name of each column: `[a-z0-9_]`, a letter first, no two alike.

use std::collections::BTreeSet;

use super::super::super::names;

/// The longest name.
const LONGEST: usize = 10;

/// The short names of columns, in their order; one that is taken gets a number at its end.
pub(super) fn short<'a>(columns: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    columns
        .map(|column| {
            let plain = begin(column.strip_prefix("set.").unwrap_or(column));
            let numbered = (2_u32..).map(|n| {
                let number = format!("_{n}");
                format!("{}{number}", &plain[..plain.len().min(LONGEST - number.len())])
            });
            let free = std::iter::once(plain.clone()).chain(numbered).find(|name| !taken.contains(name)).unwrap_or_default();
            taken.insert(free.clone());
            free
        })
        .collect()
}

fn begin(column: &str) -> String {
    let letters: String = names::safe(column, LONGEST).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if letters.starts_with(|c: char| c.is_ascii_lowercase()) {
        return letters;
    }
    let mut name = format!("f_{letters}");
    name.truncate(LONGEST);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_short_and_tell_what_they_stand_for() {
        let columns = [
            "doc",
            "location_source",
            "set.tree.height_m",
            "set.tree.height_cm",
            "set.doc",
            "set.año",
            "set.",
            "set.7",
            "set.村",
        ];
        let names = ["doc", "location_s", "tree_heigh", "tree_hei_2", "doc_2", "ano", "f_", "f_7", "f__2"];
        assert_eq!(short(columns.into_iter()), names);
    }

    proptest! {
        #[test]
        fn no_two_are_alike(columns in proptest::collection::vec("[a-cé.]{0,12}|.{0,4}", 0..300)) {
            let names = short(columns.iter().map(String::as_str));
            let distinct: BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), columns.len());
            for name in &names {
                prop_assert!((1..=LONGEST).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_lowercase()), "{}", name);
                prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{}", name);
            }
        }
    }
}
