//! A part of what is here: just those observations that a filter lets through, with their media and their revisions.
//!
//! `api/admin/exports` makes one of what the page asks; [`super::run`] writes it, [`super::bundle`] and [`super::readme`] name it. It
//! promises: a bundle says in words and for programs what was asked; whoever finds it cannot take it for everything. That it counts for
//! what is in it and for nothing else is the business of [`super::ledger`].

use std::collections::BTreeMap;

use maloca_protocol::time;
use serde_json::Value;

use crate::query::{Filter, Has};

/// What was asked, by the names of the API's query string.
pub type Asked = BTreeMap<String, String>;

/// Which observations are wanted, and how that was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Which they are.
    pub filter: Filter,
    /// The same as it was asked.
    pub asked: Asked,
    /// What people call the device that [`Filter::person`] names.
    pub person: Option<String>,
}

impl Part {
    /// What was asked, as JSON on one line: for programs.
    #[must_use]
    pub fn exact(&self) -> String {
        Value::from_iter(self.asked.clone()).to_string()
    }

    /// What was asked, for lists of exports: of an area only how many `corners` it has, as a border may take 40 KB.
    #[must_use]
    pub fn brief(&self) -> Asked {
        let mut brief = self.asked.clone();
        if let Some(area) = &self.filter.within {
            brief.remove("within");
            brief.insert("corners".into(), area.corners().to_string());
        }
        brief
    }

    /// What was asked, in words of a language: everything that must be so, after each other.
    #[must_use]
    pub fn words(&self, language: &Words) -> String {
        let mut said: Vec<String> = Vec::new();
        let Filter { from, to, category, person, has, bbox, within, exported, q, .. } = &self.filter;
        let plain = |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        said.extend(category.as_ref().map(|category| match category.as_str() {
            "" => language.no_category.to_owned(),
            name => format!("{} \"{}\"", language.category, plain(name)),
        }));
        said.extend(person.map(|id| {
            let name = self.person.clone().unwrap_or_else(|| id.to_string());
            format!("{} {}", language.person, plain(&name))
        }));
        said.extend(from.map(|at| format!("{} {}", language.from, minute(at))));
        said.extend(to.map(|at| format!("{} {}", language.to, minute(at))));
        said.extend(has.iter().map(|has| {
            let word = match has {
                Has::Media => language.media,
                Has::Conflict => language.conflict,
                Has::Location => language.location,
                Has::Incomplete => language.incomplete,
            };
            word.to_owned()
        }));
        said.extend(exported.as_ref().map(|(yes, _)| (if *yes { language.on_drive } else { language.not_on_drive }).to_owned()));
        said.extend(q.as_ref().map(|q| format!("{} \"{}\"", language.text, plain(q))));
        let degrees = |[west, south, east, north]: [f64; 4]| format!("{west:.5} {south:.5} {east:.5} {north:.5}");
        said.extend(bbox.map(|bbox| format!("{} ({})", language.bbox, degrees(bbox))));
        said.extend(within.as_ref().map(|area| format!("{} ({}; {})", language.area, area.corners(), degrees(area.bbox()))));
        said.join("; ")
    }
}

fn minute(at: i64) -> String {
    format!("{} UTC", time::format_millis(at)[..16].replace('T', " "))
}

/// How a language says what may be asked.
#[derive(Debug)]
pub struct Words {
    category: &'static str,
    no_category: &'static str,
    person: &'static str,
    from: &'static str,
    to: &'static str,
    media: &'static str,
    conflict: &'static str,
    location: &'static str,
    incomplete: &'static str,
    on_drive: &'static str,
    not_on_drive: &'static str,
    text: &'static str,
    bbox: &'static str,
    area: &'static str,
}

/// Spanish.
pub const SPANISH: Words = Words {
    category: "categoría",
    no_category: "sin categoría",
    person: "registradas por",
    from: "observadas desde",
    to: "observadas antes de",
    media: "con foto, audio o video",
    conflict: "con un conflicto",
    location: "con un lugar",
    incomplete: "incompletas",
    on_drive: "que ya estaban en un disco",
    not_on_drive: "que todavía no estaban en un disco",
    text: "que contienen el texto",
    bbox: "dentro del rectángulo oeste, sur, este, norte",
    area: "dentro de un área de tantas esquinas, entre oeste, sur, este, norte",
};

/// Portuguese.
pub const PORTUGUESE: Words = Words {
    category: "categoria",
    no_category: "sem categoria",
    person: "registradas por",
    from: "observadas desde",
    to: "observadas antes de",
    media: "com foto, áudio ou vídeo",
    conflict: "com um conflito",
    location: "com um lugar",
    incomplete: "incompletas",
    on_drive: "que já estavam em um disco",
    not_on_drive: "que ainda não estavam em um disco",
    text: "que contêm o texto",
    bbox: "dentro do retângulo oeste, sul, leste, norte",
    area: "dentro de uma área de tantos cantos, entre oeste, sul, leste, norte",
};

/// English.
pub const ENGLISH: Words = Words {
    category: "category",
    no_category: "without a category",
    person: "recorded by",
    from: "observed from",
    to: "observed before",
    media: "with a photo, sound or video",
    conflict: "with a conflict",
    location: "with a place",
    incomplete: "incomplete",
    on_drive: "that were on a drive already",
    not_on_drive: "that were not on a drive yet",
    text: "that contain the text",
    bbox: "inside the box west, south, east, north",
    area: "inside an area of so many corners, between west, south, east, north",
};

/// French.
pub const FRENCH: Words = Words {
    category: "catégorie",
    no_category: "sans catégorie",
    person: "notées par",
    from: "observées à partir de",
    to: "observées avant",
    media: "avec photo, son ou vidéo",
    conflict: "avec un conflit",
    location: "avec un lieu",
    incomplete: "incomplètes",
    on_drive: "qui étaient déjà sur un disque",
    not_on_drive: "qui n'étaient pas encore sur un disque",
    text: "qui contiennent le texte",
    bbox: "dans le rectangle ouest, sud, est, nord",
    area: "dans une zone de tant de sommets, entre ouest, sud, est, nord",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Area;

    #[test]
    fn words_say_all_that_was_asked() {
        let filter = Filter {
            category: Some("tala\n".into()),
            from: time::parse_millis("2026-11-01T05:00:00.000Z"),
            has: vec![Has::Media],
            within: Area::parse("-77 -7,-76 -7,-76 -6"),
            q: Some("río".into()),
            ..Filter::default()
        };
        let asked = Asked::from([("within".into(), "-77 -7,-76 -7,-76 -6".into()), ("q".into(), "río".into())]);
        let part = Part { filter, asked, person: None };
        assert_eq!(
            part.words(&ENGLISH),
            "category \"tala \"; observed from 2026-11-01 05:00 UTC; with a photo, sound or video; that contain the text \"río\"; \
             inside an area of so many corners, between west, south, east, north (3; -77.00000 -7.00000 -76.00000 -6.00000)"
        );
        assert_eq!(part.exact(), r#"{"q":"río","within":"-77 -7,-76 -7,-76 -6"}"#);
        assert_eq!(part.brief(), Asked::from([("corners".into(), "3".into()), ("q".into(), "río".into())]));
    }
}
