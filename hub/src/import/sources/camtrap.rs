//! Camtrap DP 1.0: a folder with deployments.csv, media.csv and observations.csv. Each observation is one; its place is that of its
//! deployment, and its photos are those of its media row, or of its event, whose files are in the folder.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use maloca_protocol::{DocId, time};
use serde_json::{Map, Value, json};

use super::{Failure, Out, inside, name_of};

/// Reads a package.
pub(super) fn read(folder: &Path, out: &mut Out<'_>) -> Result<(), Failure> {
    let places = places(folder)?;
    let media = Media::read(folder, out)?;
    let source = name_of(folder);
    let mut seen = std::collections::HashSet::new();
    for_each(folder, "observations.csv", |number, row| {
        let id = row.get("observationID").unwrap_or_default();
        if id.is_empty() {
            return out.fault(format!("observations.csv, line {number}: there is no observationID; the row was not taken"));
        }
        let doc = DocId::from_source(&source, id);
        if !seen.insert(doc) {
            return out.fault(format!("observations.csv, line {number}: {id} is there twice; the row was not taken"));
        }
        let filled = row.cells().filter(|(_, cell)| !cell.is_empty());
        let mut set: Map<String, Value> = filled.map(|(name, cell)| (name.to_owned(), cell.into())).collect();
        let deployment = row.get("deploymentID").unwrap_or_default();
        match places.get(deployment) {
            Some(place) => set.extend(place.clone()),
            None => {
                out.fault(format!("observations.csv, line {number}: there is no deployment {deployment:?}; {id} has no place"))?;
            }
        }
        if let Some(start) = row.get("eventStart").and_then(instant) {
            set.insert("observed_at".into(), time::format_millis(start.as_millisecond()).into());
        }
        let category = row.get("observationType").filter(|kind| !kind.is_empty()).unwrap_or("unclassified");
        set.insert("category".into(), category.into());
        out.item(doc, set, media.of(row, deployment))
    })
}

/// By deployment: the location and the place's name, as an observation has them.
fn places(folder: &Path) -> Result<HashMap<String, Map<String, Value>>, Failure> {
    let mut places = HashMap::new();
    for_each(folder, "deployments.csv", |_, row| {
        let number = |name: &str| row.get(name).and_then(|cell| cell.trim().parse::<f64>().ok());
        let mut set = Map::new();
        if let (Some(lat), Some(lon)) = (number("latitude"), number("longitude")) {
            let mut location = json!({ "lat": lat, "lon": lon, "source": "import" });
            if let Some(accuracy) = number("coordinateUncertainty") {
                location["accuracy_m"] = accuracy.into();
            }
            set.insert("location".into(), location);
        }
        if let Some(name) = row.get("locationName").filter(|name| !name.is_empty()) {
            set.insert("locationName".into(), name.into());
        }
        places.insert(row.get("deploymentID").unwrap_or_default().to_owned(), set);
        Ok(())
    })?;
    Ok(places)
}

/// The media whose files are here.
struct Media {
    files: Vec<PathBuf>,
    by_id: HashMap<String, usize>,
    /// By deployment: when, which event if the package says so, and which file; in the order of time.
    by_deployment: HashMap<String, Vec<(Timestamp, String, usize)>>,
}

impl Media {
    fn read(folder: &Path, out: &mut Out<'_>) -> Result<Self, Failure> {
        let mut media = Self { files: Vec::new(), by_id: HashMap::new(), by_deployment: HashMap::new() };
        for_each(folder, "media.csv", |number, row| {
            let Some(path) = file_of(folder, row) else { return Ok(()) };
            let at = media.files.len();
            media.files.push(path);
            if let Some(id) = row.get("mediaID") {
                media.by_id.insert(id.to_owned(), at);
            }
            match row.get("timestamp").and_then(instant) {
                Some(taken) => {
                    let event = row.get("eventID").unwrap_or_default().to_owned();
                    let deployment = row.get("deploymentID").unwrap_or_default().to_owned();
                    media.by_deployment.entry(deployment).or_default().push((taken, event, at));
                }
                None => out.fault(format!("media.csv, line {number}: the timestamp is none, so the file belongs to no event"))?,
            }
            Ok(())
        })?;
        for list in media.by_deployment.values_mut() {
            list.sort();
        }
        Ok(media)
    }

    /// The files of an observation: that of its media row, else those of its event.
    fn of(&self, row: &Row<'_>, deployment: &str) -> Vec<PathBuf> {
        if let Some(id) = row.get("mediaID").filter(|id| !id.is_empty()) {
            return self.by_id.get(id).map(|at| self.files[*at].clone()).into_iter().collect();
        }
        let Some(list) = self.by_deployment.get(deployment) else { return Vec::new() };
        let event = row.get("eventID").unwrap_or_default();
        let (start, end) = (row.get("eventStart").and_then(instant), row.get("eventEnd").and_then(instant));
        let belongs = |taken: Timestamp, of: &str| {
            if of.is_empty() { start.zip(end).is_some_and(|(start, end)| start <= taken && taken <= end) } else { of == event }
        };
        let of_event = list.iter().filter(|(taken, of, _)| belongs(*taken, of));
        of_event.map(|(_, _, at)| self.files[*at].clone()).collect()
    }
}

/// The file of a media row, if it is in the folder: under `media/` by its name, or where its path says.
fn file_of(folder: &Path, row: &Row<'_>) -> Option<PathBuf> {
    let named = row.get("fileName").filter(|name| !name.is_empty()).map(|name| format!("media/{name}"));
    let path = row.get("filePath").filter(|path| !path.is_empty() && !path.contains("://")).map(str::to_owned);
    named.into_iter().chain(path).find_map(|relative| inside(folder, &relative).ok())
}

/// A moment; without a time zone it is taken for UTC.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// One row of a table, by the names of its columns.
struct Row<'a> {
    columns: &'a HashMap<String, usize>,
    names: &'a csv::StringRecord,
    cells: &'a csv::StringRecord,
}

impl Row<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.cells.get(*self.columns.get(name)?)
    }

    fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().zip(self.cells)
    }
}

/// Calls `each` for every row of a table, with its line number.
fn for_each(folder: &Path, table: &str, mut each: impl FnMut(u64, &Row<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    let path = folder.join(table);
    let file = File::open(&path).map_err(|error| format!("{} is no Camtrap DP folder: {table}: {error}", folder.display()))?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let mut names = reader.headers()?.clone();
    if let Some(first) = names.get(0).and_then(|first| first.strip_prefix('\u{feff}')) {
        let rest = names.iter().skip(1);
        names = std::iter::once(first).chain(rest).collect();
    }
    let columns: HashMap<String, usize> = names.iter().enumerate().map(|(at, name)| (name.to_owned(), at)).collect();
    let mut cells = csv::StringRecord::new();
    while reader.read_record(&mut cells).map_err(|error| format!("{}: {error}", path.display()))? {
        let number = cells.position().map_or(0, csv::Position::line);
        each(number, &Row { columns: &columns, names: &names, cells: &cells })?;
    }
    Ok(())
}
