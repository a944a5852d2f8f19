//! GeoJSON: each feature of a collection is an observation. A Point is its `location`, its properties are properties, and the
//! paths of a property `media` are its photos.
//!
//! Of what CoMapeo and Mapeo write, `$id` is the feature's id where it has no other, `$createdAt` (`$created`) is when it was observed, and
//! `attachment_1`, … (`$photos`) name photos, which lie in a folder beside the file once its ZIP is unpacked.
//!
//! `sources` calls [`read`]. It promises: a feature whose `id` is a UUID in canonical lower-case form names the document itself, so
//! that several devices can speak of one observation; any other id is the source's own, and without one the content decides.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use maloca_protocol::{DocId, canonical, time};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};

use super::{Failure, Out, folders_in, name_of, named};

/// Reads a file.
pub(super) fn read(path: &Path, out: &mut Out<'_>) -> Result<(), Failure> {
    let file = File::open(path).map_err(|error| format!("cannot open {}: {error}", path.display()))?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut features = Features {
        source: name_of(path),
        beside: folders_in(folder),
        folder: folder.to_owned(),
        seen: HashSet::new(),
        alike: HashMap::new(),
        number: 0,
        out,
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, file));
    Collection(&mut features)
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| format!("{} is no GeoJSON FeatureCollection: {error}", path.display()).into())
}

struct Features<'a, 'b> {
    source: String,
    folder: PathBuf,
    /// Folders in that one, where photos may lie that are named without a path.
    beside: Vec<PathBuf>,
    seen: HashSet<DocId>,
    /// How often a feature without an id has come, by its hash: two that are alike are two.
    alike: HashMap<[u8; 16], u32>,
    number: u64,
    out: &'a mut Out<'b>,
}

/// The collection, of which no more than one feature is in memory.
struct Collection<'a, 'b, 'c>(&'a mut Features<'b, 'c>);

impl<'de> DeserializeSeed<'de> for Collection<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collection<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object with `type` FeatureCollection and `features`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            if name == "features" {
                members.next_value_seed(List(&mut *self.0))?;
                found = true;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(A::Error::missing_field("features")) }
    }
}

struct List<'a, 'b, 'c>(&'a mut Features<'b, 'c>);

impl<'de> DeserializeSeed<'de> for List<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(feature) = items.next_element::<Value>()? {
            self.0.take(feature).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

impl Features<'_, '_> {
    fn take(&mut self, feature: Value) -> Result<(), Failure> {
        self.number += 1;
        let number = self.number;
        let Value::Object(mut feature) = feature else {
            return self.out.fault(format!("feature {number} is no object"));
        };
        let peers = feature.get("properties").and_then(|properties| properties.get("$id")).and_then(Value::as_str);
        let own_id = match (feature.get("id"), peers) {
            (Some(Value::String(id)), _) => id.clone(),
            (Some(Value::Number(id)), _) => id.to_string(),
            (_, Some(id)) => id.to_owned(),
            _ => self.id_by_content(&feature),
        };
        // A peer's id is the same in each of its exports, whose names hold the day.
        let source = if peers == Some(own_id.as_str()) && is_peers(&own_id) { PEERS } else { &self.source };
        let doc = own_id.parse().unwrap_or_else(|_| DocId::from_source(source, &own_id));
        if !self.seen.insert(doc) {
            return self.out.fault(format!("feature {number} has the id {own_id} of an earlier one, and was not taken"));
        }
        let mut set = match feature.remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => Map::new(),
        };
        let media = self.media(number, &mut set)?;
        if !set.contains_key("observed_at") {
            let said = ["$createdAt", "$created"].into_iter().find_map(|name| set.get(name)?.as_str()?.parse::<Timestamp>().ok());
            set.extend(said.map(|at| ("observed_at".to_owned(), time::format_millis(at.as_millisecond()).into())));
        }
        match feature.remove("geometry") {
            None | Some(Value::Null) => {}
            Some(geometry) => match location(&geometry) {
                Some(location) => drop(set.insert("location".into(), location)),
                // A line or an area is kept as it is, so that nothing is lost.
                None => drop(set.insert("geometry".into(), geometry)),
            },
        }
        self.out.item(doc, set, media)
    }

    fn id_by_content(&mut self, feature: &Map<String, Value>) -> String {
        let hash = blake3::hash(&canonical::canonical(&Value::Object(feature.clone())));
        let mut short = [0; 16];
        short.copy_from_slice(&hash.as_bytes()[..16]);
        let before = self.alike.entry(short).or_default();
        *before += 1;
        format!("{}.{before}", hash.to_hex())
    }

    /// Takes what names photos out of the properties: `media` and `$photos` where they are lists of texts, and those of `attachment_1`, … that name a file.
    fn media(&mut self, number: u64, set: &mut Map<String, Value>) -> Result<Vec<PathBuf>, Failure> {
        let mut names = Vec::new();
        for name in ["media", "$photos"] {
            let is_list = set.get(name).and_then(Value::as_array).is_some_and(|list| list.iter().all(Value::is_string));
            if let Some(Value::Array(list)) = is_list.then(|| set.remove(name)).flatten() {
                names.extend(list);
            }
        }
        let mut media = Vec::with_capacity(names.len());
        for relative in names.iter().filter_map(Value::as_str) {
            match named(&self.folder, &self.beside, relative) {
                Ok(path) if media.contains(&path) => {}
                Ok(path) => media.push(path),
                Err(why) => self.out.fault(format!("feature {number}: a photo was not taken: {why}"))?,
            }
        }
        for name in (1..).map(|n| format!("attachment_{n}")).take_while(|name| set.contains_key(name)).collect::<Vec<_>>() {
            let Some(value) = set.remove(&name) else { continue };
            match value.as_str().map(|relative| named(&self.folder, &self.beside, relative)) {
                // What a peer could not export stands there as nothing.
                None if value.is_null() => {}
                Some(Ok(path)) if media.contains(&path) => {}
                Some(Ok(path)) => media.push(path),
                // Somebody else's property may be called so: nothing of it is lost.
                None => drop(set.insert(name, value)),
                Some(Err(why)) => {
                    set.insert(name, value);
                    self.out.fault(format!("feature {number}: a photo was not taken: {why}"))?;
                }
            }
        }
        Ok(media)
    }
}

/// What documents are named by that have an id of Mapeo or CoMapeo.
const PEERS: &str = "mapeo";

/// Whether an id is one of those that Mapeo and CoMapeo draw, 8 or 32 random bytes in hex, which stand for one observation everywhere.
fn is_peers(id: &str) -> bool {
    matches!(id.len(), 16 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A Point's `location`.
fn location(geometry: &Value) -> Option<Value> {
    if geometry.get("type")?.as_str()? != "Point" {
        return None;
    }
    let position = geometry.get("coordinates")?.as_array()?;
    let (lon, lat) = (position.first()?.as_f64()?, position.get(1)?.as_f64()?);
    let mut location = json!({ "lat": lat, "lon": lon, "source": "import" });
    if let Some(altitude) = position.get(2).and_then(Value::as_f64) {
        location["altitude_m"] = altitude.into();
    }
    Some(location)
}

#[cfg(test)]
mod tests {
    use super::super::Read;
    use super::*;

    fn features(text: &str) -> (Vec<super::super::Item>, Vec<String>, bool) {
        let (items, faults, done) = super::super::tests::all("walk.geojson", text.as_bytes());
        (items, faults, done.is_ok())
    }

    #[test]
    fn points_properties_and_photos_come_through() {
        let text = r#"{"type":"FeatureCollection","name":"x","features":[
            {"type":"Feature","id":7,"geometry":{"type":"Point","coordinates":[-76.36,-6.48,333]},
             "properties":{"category":"logging","media":["a.jpg","a.jpg","../b.jpg","/etc/passwd"]}},
            {"type":"Feature","id":7,"geometry":null,"properties":{}},
            {"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[1,1]]},"properties":null},
            {"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[1,1]]},"properties":null}]}"#;
        let (items, faults, good) = features(text);
        assert!(good);
        assert_eq!(items.len(), 3);
        assert_eq!(items[0].set["location"], json!({"lat":-6.48,"lon":-76.36,"altitude_m":333.0,"source":"import"}));
        assert_eq!(items[0].set["category"], "logging");
        assert_eq!(items[0].media.len(), 1);
        assert_eq!(items[0].doc, DocId::from_source("walk", "7"));
        assert_ne!(items[1].doc, items[2].doc, "two features that are alike are two");
        assert_eq!(faults.len(), 3, "{faults:?}");
        let again = features(text).0;
        assert!(items.iter().zip(&again).all(|(a, b)| a.doc == b.doc && a.set == b.set));
    }

    #[test]
    fn what_comapeo_writes_is_read_with_its_photos() {
        let folder = tempfile::tempdir().unwrap();
        let photos = folder.path().join("CoMapeo_Village_Media_2026_11_21");
        std::fs::create_dir(&photos).unwrap();
        std::fs::write(photos.join("af31_original.jpg"), b"a photo").unwrap();
        let path = folder.path().join("CoMapeo_Village_Obsvns_2026_11_21.geojson");
        let text = r#"{"type": "FeatureCollection","features": [
            {"type":"Feature","properties":{"$id":"9c1f","$createdAt":"2026-11-20T10:00:00.123Z","$categoryId":"77","type":"mining",
             "attachment_1":"af31_original.jpg","attachment_2":null},"$comapeo":{"docId":"9c1f"},
             "geometry":{"type":"Point","coordinates":[-76.36,-6.48]}}]}"#;
        std::fs::write(&path, text).unwrap();
        let mut items = Vec::new();
        super::super::each(&path, &mut |read| {
            let Read::Item(item) = read else { panic!("{read:?}") };
            items.push(*item);
            Ok(())
        })
        .unwrap();
        let [item] = items.as_slice() else { panic!("{items:?}") };
        assert_eq!(item.media, [std::fs::canonicalize(photos.join("af31_original.jpg")).unwrap()]);
        assert_eq!((&item.set["observed_at"], &item.set["type"]), (&json!("2026-11-20T10:00:00.123Z"), &json!("mining")));
        assert!(!item.set.contains_key("attachment_1") && !item.set.contains_key("attachment_2"));
        assert_eq!(item.doc, DocId::from_source("CoMapeo_Village_Obsvns_2026_11_21", "9c1f"));
    }

    #[test]
    fn a_peers_observation_is_the_same_in_each_of_its_exports() {
        let id = "9c1f".repeat(16);
        let read = |name: &str, id: &str| {
            let feature = json!({ "type": "Feature", "properties": { "$id": id } });
            let text = json!({ "type": "FeatureCollection", "features": [feature] }).to_string();
            super::super::tests::all(name, text.as_bytes()).0[0].doc
        };
        assert_eq!(read("CoMapeo_2026_11_21.geojson", &id), read("CoMapeo_2026_11_22.geojson", &id));
        assert_ne!(read("a.geojson", "7"), read("b.geojson", "7"), "anybody may count from one");
    }

    #[test]
    fn a_property_that_only_looks_like_a_photo_stays() {
        let properties =
            json!({ "attachment_1": "a.jpg", "attachment_2": null, "attachment_3": 7, "attachment_4": "the bridge" });
        let text = json!({ "features": [{ "type": "Feature", "properties": properties }] }).to_string();
        let (items, faults, _) = features(&text);
        assert_eq!((items[0].media.len(), faults.len()), (1, 1), "{faults:?}");
        let left = json!({ "attachment_3": 7, "attachment_4": "the bridge" });
        assert_eq!(serde_json::Value::Object(items[0].set.clone()), left);
    }

    #[test]
    fn a_uuid_names_the_document_itself() {
        let id = "0193e2f1-0000-7000-8000-00000000000a";
        let feature = |id: &str| json!({ "type": "FeatureCollection", "features": [{ "type": "Feature", "id": id }] });
        assert_eq!(features(&feature(id).to_string()).0[0].doc.to_string(), id);
        let other = id.to_uppercase();
        assert_eq!(features(&feature(&other).to_string()).0[0].doc, DocId::from_source("walk", &other));
    }

    #[test]
    fn what_is_no_collection_is_said() {
        assert!(!features("[]").2);
        assert!(!features("{\"type\":\"FeatureCollection\"}").2);
        assert!(!features("{\"features\":[]} x").2);
        assert!(features("{\"features\":[]}").2);
    }
}
