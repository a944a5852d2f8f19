//! What went wrong with something that goes on by itself, as a page and the command line show it.
//!
//! Exports and imports of [`crate::export::jobs`] and [`crate::import::jobs`] end with one. It promises a stable name, for programs and for
//! pages that say it in their own language, and one sentence that says what to do.

use serde::Serialize;

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trouble {
    code: &'static str,
    detail: String,
}

impl Trouble {
    /// What an error means, under its stable name.
    #[must_use]
    pub fn new(code: &'static str, error: &dyn std::error::Error) -> Self {
        Self { code, detail: sentence(error) }
    }
}

/// An error as a sentence: they are written without a capital and without an end.
#[must_use]
pub fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
