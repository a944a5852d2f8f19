//! Messages that a community added: `<data>/languages/<code>.json`, one flat object of texts each.
//!
//! The page falls back to Spanish, then English, for what a file does not say. A file's own name for its language is its
//! message `language.name`.

use std::path::Path;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::ApiError;
use super::body::{Json, Named};
use crate::hub::Hub;

/// The largest file that is read.
const BYTES: u64 = 1024 * 1024;

/// A language that was added.
#[derive(Serialize)]
struct Language {
    code: String,
    name: String,
}

/// The languages that were added.
#[derive(Serialize)]
pub(super) struct Languages {
    languages: Vec<Language>,
}

/// `GET /languages`
pub(super) async fn list(State(hub): State<Hub>) -> Result<Json<Languages>, ApiError> {
    let folder = hub.data.join("languages");
    let languages = tokio::task::spawn_blocking(move || {
        let Ok(entries) = std::fs::read_dir(&folder) else { return Vec::new() };
        let mut languages: Vec<Language> = entries
            .filter_map(|entry| {
                let code = entry.ok()?.file_name().to_str()?.strip_suffix(".json")?.to_owned();
                let messages = read(&folder, &code)?;
                let name = messages.get("language.name").and_then(Value::as_str).unwrap_or(&code).to_owned();
                Some(Language { code, name })
            })
            .collect();
        languages.sort_by(|a, b| a.code.cmp(&b.code));
        languages
    });
    Ok(Json(Languages { languages: languages.await.map_err(ApiError::bug)? }))
}

/// `GET /languages/{code}.json`
pub(super) async fn one(State(hub): State<Hub>, Named(file): Named<String>) -> Result<Response, ApiError> {
    let code = file.strip_suffix(".json").unwrap_or_default().to_owned();
    let folder = hub.data.join("languages");
    let read = tokio::task::spawn_blocking(move || read(&folder, &code)).await.map_err(ApiError::bug)?;
    let messages = read.ok_or_else(|| ApiError::not_found("language"))?;
    Ok(([(header::CACHE_CONTROL, "no-cache")], Json(messages)).into_response())
}

/// A code is letters, digits and hyphens, so that no path can hide in it.
fn read(folder: &Path, code: &str) -> Option<Map<String, Value>> {
    if code.is_empty() || code.len() > 35 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return None;
    }
    let path = folder.join(format!("{code}.json"));
    if std::fs::metadata(&path).ok()?.len() > BYTES {
        return None;
    }
    match serde_json::from_slice(&std::fs::read(&path).ok()?) {
        Ok(Value::Object(messages)) => Some(messages),
        _ => {
            tracing::warn!(file = %path.display(), "this language file is not one JSON object of texts, and is passed over");
            None
        }
    }
}
