//! Stories of the office in town: what map programs find in a bundle, by the readers on which they stand.
#![allow(clippy::large_futures, reason = "a story's future lives once")]
#![expect(clippy::unwrap_used, reason = "a story that cannot go on shall stop there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use maloca_hub::export::also::Also;
use maloca_hub::export::part::{Asked, Part};
use maloca_hub::export::scope::What;
use maloca_hub::export::{self, Done, Wish, check};
use maloca_hub::hub::{Hub, Options};
use maloca_hub::intake::{Door, take_in};
use maloca_hub::query::Filter;
use maloca_hub::query::presets::{PRESET, preset_doc};
use maloca_hub::store::WriterThread;
use maloca_protocol::revision::Attachment;
use maloca_protocol::{DocId, Draft, MediaHash};
use maloca_tests::judges;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const SEEN: usize = 20;
const WITH_PLACE: usize = 15;

/// What somebody wrote who means no harm to spreadsheets alone.
const ACCENTED: &str = "Quebrada Ñahui: <b>árbol</b> & 'más', \"大\"";

const HUB: &str = "Río <Mayo> & Tarapoto";

/// A hub with categories, observations, a photo and a track.
async fn hub(folder: &Path) -> (Hub, WriterThread) {
    let mut options = Options::new(folder.join("data"));
    options.name = Some(HUB.into());
    let (hub, writer) = Hub::open(options).await.unwrap();
    let photo: Vec<u8> = (0..50_000_u32).map(|at| at as u8).collect();
    let mut drafts = Vec::new();
    let preset = json!({ "key": "tala", "name": { "es": "Tala & <quema>", "en": "Logging" }, "color": "#B3261E" });
    drafts.push((PRESET, preset_doc("tala"), preset));
    for n in 0..SEEN {
        let notes = match n {
            1 => ACCENTED.to_owned(),
            2 => format!("x{}", "ñ".repeat(300)),
            _ => format!("nota {n}"),
        };
        let mut set = json!({ "category": if n % 2 == 0 { "tala" } else { "zorro" }, "notes": notes, "tree": { "height_m": n as f64 / 2.0 },
            "observed_at": "2026-11-21T00:28:00-05:00" });
        if n < WITH_PLACE {
            set["location"] = json!({ "lat": -6.5 + n as f64 / 100.0, "lon": -76.25, "altitude_m": 300 });
        }
        drafts.push(("observation", DocId::from_source("office", &n.to_string()), set));
    }
    let points = json!([{ "lat": -6.5, "lon": -76.25, "at": "2026-11-21T05:00:00Z" }, { "lat": -6.6, "lon": -76.3 }]);
    drafts.push(("track", DocId::from_source("office", "walk"), json!({ "name": "Límite sur", "points": points })));
    let mut lines = Vec::new();
    for (kind, doc, set) in drafts {
        let mut draft = Draft::new(kind, doc, 1_790_000_000_000);
        draft.set = set.as_object().cloned().unwrap();
        if draft.set.get("notes").is_some_and(|notes| notes == ACCENTED) {
            let name = "IMG 1.JPG".into();
            let (hash, size) = (MediaHash::of(&photo), photo.len() as u64);
            draft.attach.push(Attachment { hash, name, media_type: "image/jpeg".into(), size, taken_at: None });
        }
        lines.extend(draft.sign(&hub.key).unwrap().envelope());
        lines.push(b'\n');
    }
    let arrival = hub.arrival(hub.id(), None);
    take_in(&hub.store, &hub.rules, arrival, Door::Trusted, lines.into()).await.unwrap();
    let upload = hub.uploads.begin(hub.id(), Some(MediaHash::of(&photo)), photo.len() as u64, 0);
    let stream = futures_util::stream::iter([Ok::<_, std::io::Error>(bytes::Bytes::from(photo))]);
    hub.uploads.receive(&upload, false, 0, stream, arrival).await.unwrap();
    (hub, writer)
}

async fn export(hub: &Hub, to: &Path, what: What, also: impl IntoIterator<Item = Also>) -> Done {
    let wish = Wish { what, also: also.into_iter().collect(), ..to.to_owned().into() };
    let done = export::export(hub, wish, CancellationToken::new(), |_| ()).await.unwrap();
    let mut faults = Vec::new();
    check::bundle(&done.path, true, &mut |fault| faults.push(fault.to_string()), &mut |_| Ok(())).unwrap();
    assert_eq!(faults, Vec::<String>::new());
    done
}

fn files(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// The layer of this name.
fn layer<'a>(layers: &'a Value, name: &str) -> &'a Value {
    layers.as_array().unwrap().iter().find(|layer| layer["name"] == name).unwrap_or_else(|| panic!("no {name} in {layers}"))
}

fn row(layer: &Value, is_it: impl Fn(&Value) -> bool) -> &Value {
    layer["rows"].as_array().unwrap().iter().find(|row| is_it(row)).unwrap_or_else(|| panic!("not found in {layer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_opens_as_a_project_and_each_photo_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _writer) = hub(folder.path()).await;
    let done = export(&hub, folder.path(), What::Everything, []).await;
    let data = files(&done.path.join("data"));
    assert!(data.contains("open-in-QGIS.qgs") && !data.contains("observations.kmz") && !data.contains("shapefile"), "{data:?}");
    assert!(fs::read_to_string(done.path.join("README.html")).unwrap().contains("href=\"data/open-in-QGIS.qgs\""));
    // Anywhere else it is the same.
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&done.path, &elsewhere).unwrap();
    let Some(told) = judges::of_project(&elsewhere) else { return };
    assert_eq!(told["title"], HUB);
    let (project, style) = (&told["project"], &told["style"]);
    let signs = project["signs"].as_array().unwrap();
    assert_eq!(signs[0], json!(["tala", "Tala & <quema>", "179,38,30,255"]));
    assert_eq!((signs.len(), &signs[1][0], &signs[1][1], &signs[2][0]), (3, &json!("zorro"), &json!("zorro"), &json!("")));
    assert_eq!(style["signs"], project["signs"]);
    assert_eq!((&project["widget"], &style["widget"]), (&json!("ExternalResource"), &json!("ExternalResource")));
    // By the project's folder, and by the layer's.
    assert_eq!((&project["storage"], &style["storage"]), (&json!("1"), &json!("2")));
    assert_eq!(told["photos"].as_array().unwrap().len(), 1);
    println!("the project and the style are read, and the photo is found");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_programs_read_what_was_asked_for_besides() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _writer) = hub(folder.path()).await;
    let done = export(&hub, folder.path(), What::Everything, Also::ALL).await;
    let readme = fs::read_to_string(done.path.join("README.html")).unwrap();
    for also in Also::ALL {
        assert!(done.path.join(also.path()).is_file() && readme.contains(&format!("href=\"{}\"", also.path())), "{also}");
    }
    let parts = ["cpg", "dbf", "prj", "shp", "shx"].map(|ending| format!("observations.{ending}"));
    assert_eq!(files(&done.path.join("data/shapefile")), parts.into_iter().chain(["fields.csv".into()]).collect());

    // Which field stands for which column, and what was lost.
    let list = fs::read(done.path.join("data/shapefile/fields.csv")).unwrap();
    let mut list = csv::Reader::from_reader(list.strip_prefix(b"\xef\xbb\xbf").unwrap());
    let fields: Vec<csv::StringRecord> = list.records().map(Result::unwrap).collect();
    let of = |column: &str| fields.iter().find(|field| &field[1] == column).unwrap().iter().collect::<Vec<_>>();
    assert_eq!(of("notes"), ["notes", "notes", "text", "254", "1"]);
    assert_eq!(of("set.tree.height_m"), ["tree_heigh", "set.tree.height_m", "number", "24", "0"]);
    judges::by_frictionless(&done.path, SEEN, 5);

    let paths = Also::ALL.map(|also| done.path.join(also.path()));
    let Some(told) = judges::rows_by_gdal(&paths) else { return };
    let [kmz, gpx, shapefile] = [&told[0], &told[1], &told[2]];

    let placemarks = &kmz[0];
    assert_eq!(placemarks["rows"].as_array().unwrap().len(), WITH_PLACE);
    let first = row(placemarks, |row| row["at"] == json!([-76.25, -6.49]));
    let html = first["description"].as_str().or(first["Description"].as_str()).unwrap();
    assert!(html.contains("Ñahui: &lt;b&gt;árbol&lt;/b&gt; &amp; ") && html.contains("大"), "{html}");

    let waypoints = layer(gpx, "waypoints");
    assert_eq!((waypoints["rows"].as_array().unwrap().len(), &waypoints["crs"]), (WITH_PLACE, &json!("EPSG:4326")));
    let first = row(waypoints, |row| row["at"] == json!([-76.25, -6.49]));
    assert!(first["desc"].as_str().unwrap().starts_with(ACCENTED), "{first}");
    assert_eq!((&first["name"], &first["ele"], &first["type"]), (&json!("zorro 2026-11-21"), &json!(300.0), &json!("zorro")));
    assert!(first["time"].as_str().unwrap().starts_with("2026-11-21T05:28:00"), "{first}");
    assert!(waypoints["rows"].as_array().unwrap().iter().any(|row| row["sym"] == "Flag, Red" && row["type"] == "Tala & <quema>"));
    let tracks = layer(gpx, "tracks");
    assert_eq!((tracks["rows"].as_array().unwrap().len(), &tracks["rows"][0]["name"]), (1, &json!("Límite sur")));
    assert_eq!(layer(gpx, "track_points")["rows"].as_array().unwrap().len(), 2);

    let table = &shapefile[0];
    assert_eq!((&table["crs"], &table["geometry"]), (&json!("EPSG:4326"), &json!("Point")));
    assert_eq!(table["rows"].as_array().unwrap().len(), SEEN);
    let places = table["rows"].as_array().unwrap().iter().filter(|row| row["at"].is_array()).count();
    assert_eq!(places, WITH_PLACE, "one without a place is in the table all the same");
    let first = row(table, |row| row["notes"] == ACCENTED);
    assert_eq!((&first["at"], &first["tree_heigh"], &first["category"]), (&json!([-76.25, -6.49]), &json!(0.5), &json!("zorro")));
    let long = row(table, |row| row["notes"].as_str().is_some_and(|text| text.starts_with("xñ")));
    assert_eq!(long["notes"], format!("x{}", "ñ".repeat(126)));
    println!("GDAL reads the KMZ, the GPX and the Shapefile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_has_them_too_and_no_tracks() {
    let folder = tempfile::tempdir().unwrap();
    let (hub, _writer) = hub(folder.path()).await;
    let asked = Asked::from([("category".to_owned(), "zorro".to_owned())]);
    let filter = Filter { category: Some("zorro".into()), ..Filter::default() };
    let part = Part { filter, asked, person: None };
    let done = export(&hub, folder.path(), What::Part(part), Also::ALL).await;
    assert_eq!(done.observations, SEEN as u64 / 2);
    let gpx = fs::read_to_string(done.path.join(Also::Gpx.path())).unwrap();
    assert_eq!((gpx.matches("<wpt ").count(), gpx.matches("<trk>").count()), (7, 0));
    let table = fs::read(done.path.join("data/shapefile/observations.dbf")).unwrap();
    assert_eq!(u32::from_le_bytes(table[4..8].try_into().unwrap()), SEEN as u32 / 2);

    // And where there is nothing at all.
    let nobody = Filter { category: Some("nobody".into()), ..Filter::default() };
    let part = Part { filter: nobody, asked: Asked::from([("category".to_owned(), "nobody".to_owned())]), person: None };
    let done = export(&hub, folder.path(), What::Part(part), Also::ALL).await;
    let paths = Also::ALL.map(|also| done.path.join(also.path()));
    assert_eq!(done.observations, 0);
    let Some(told) = judges::rows_by_gdal(&paths[2..]) else { return };
    assert_eq!(told[0][0]["rows"], json!([]));
}
