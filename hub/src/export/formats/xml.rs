//! Texts in XML: whatever people wrote stands there as a text and never as markup.
//!
//! [`super::qgis`], [`super::kmz`] and [`super::gpx`] write every text of people through it. It promises: what a reader of XML gets is the
//! text as it was, but for the few characters that XML 1.0 cannot hold at all, in whose place stands the sign for a letter that is lost.

/// A text for an element or an attribute in double quotes.
#[must_use]
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // Readers make spaces of these in attributes, and of the last one a line end everywhere.
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use quick_xml::events::Event;

    /// A text as XML can hold it.
    pub(in super::super) fn holdable(text: &str) -> String {
        let is_lost = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
        text.chars().map(|c| if is_lost(c) { '\u{fffd}' } else { c }).collect()
    }

    /// An element: its name, its attributes and the text right inside it.
    pub(in super::super) type Element = (String, Vec<(String, String)>, String);

    /// What a reader that is not ours finds. It panics where the document is not well-formed.
    pub(in super::super) fn read(xml: &str) -> Vec<Element> {
        let mut reader = quick_xml::Reader::from_str(xml);
        let (mut found, mut open): (Vec<Element>, Vec<usize>) = (Vec::new(), Vec::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::End(_) => drop(open.pop().unwrap()),
                event @ (Event::Start(_) | Event::Empty(_)) => {
                    let is_open = matches!(event, Event::Start(_));
                    let (Event::Start(tag) | Event::Empty(tag)) = event else { unreachable!() };
                    let name = tag.name().as_ref().to_owned();
                    let attributes = tag.attributes().map(|attribute| {
                        let attribute = attribute.unwrap();
                        // As every reader does it with what was not escaped.
                        let value = attribute.value.replace(['\t', '\n', '\r'], " ");
                        let key = attribute.key.as_ref().to_owned();
                        (key, quick_xml::escape::unescape(&value).unwrap().into_owned())
                    });
                    found.push((name, attributes.collect(), String::new()));
                    if is_open {
                        open.push(found.len() - 1);
                    }
                }
                Event::Text(text) => {
                    if let Some(at) = open.last() {
                        found[*at].2.push_str(&text.replace("\r\n", "\n").replace('\r', "\n"));
                    }
                }
                Event::GeneralRef(entity) => {
                    let one = quick_xml::escape::unescape(&format!("&{};", &*entity)).unwrap().into_owned();
                    found[*open.last().unwrap()].2.push_str(&one);
                }
                _ => {}
            }
        }
        assert!(open.is_empty());
        found
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>(), other in "[\\x00-\\x20<>&\"'\\]a-zé🦜\u{fffe}\u{ffff}]{0,20}") {
            for text in [text, other] {
                let xml = format!("<a b=\"{0}\">{0}</a>", escaped(&text));
                let read = read(&xml);
                prop_assert_eq!(read.len(), 1);
                prop_assert_eq!(&read[0].1[0].1, &holdable(&text));
                prop_assert_eq!(&read[0].2, &holdable(&text));
            }
        }
    }
}
