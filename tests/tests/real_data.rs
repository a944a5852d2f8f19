//! The main job on real data: a camera-trap package goes through real sockets to the real binary, out again by export, and is
//! held against the CSV files that it came from: every observation once, its place right, each photo byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use maloca_tests::hub::{CODE, TestHub, folder, maloca};
use maloca_tests::skip;

type Row = BTreeMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(path).expect("a CSV file");
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    reader.deserialize().map(|row| row.expect("a row")).collect()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn real_observations_arrive_once_and_leave_as_they_were() {
    let shared = std::env::var_os("MALOCA_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let package = shared.join("data/camtrap-dp");
    if !package.join("observations.csv").is_file() {
        return skip(
            "real_data",
            "the camera-trap package is not here; MALOCA_SHARED names the folder that holds data/camtrap-dp",
        );
    }
    let (data, device, drive) = (folder(), folder(), folder());
    let hub = TestHub::start(data.path());
    let port = hub.port().to_string();
    // No address is given: the device asks on loopback by multicast, and the hub answers.
    let sent = maloca(
        ["send", "--interface", "lo", "--port", &port, "--code", CODE, "--device"]
            .iter()
            .map(std::ffi::OsStr::new)
            .chain([device.path().as_os_str(), package.as_os_str()]),
    );
    assert!(sent.status.success(), "{}{}", String::from_utf8_lossy(&sent.stdout), String::from_utf8_lossy(&sent.stderr));
    let exported =
        maloca(["export".as_ref(), "--data".as_ref(), data.path().as_os_str(), "--to".as_ref(), drive.path().as_os_str()]);
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let bundle =
        std::fs::read_dir(drive.path().join("Maloca")).expect("a folder").next().expect("a bundle").expect("an entry").path();

    let places: BTreeMap<String, (f64, f64)> = rows(&package.join("deployments.csv"))
        .into_iter()
        .map(|row| {
            (
                row["deploymentID"].clone(),
                (row["latitude"].parse().expect("a number"), row["longitude"].parse().expect("a number")),
            )
        })
        .collect();
    let given = rows(&package.join("observations.csv"));
    let mut found: BTreeMap<String, Row> = BTreeMap::new();
    for row in rows(&bundle.join("data/observations.csv")) {
        let before = found.insert(row["set.observationID"].clone(), row);
        assert!(before.is_none(), "an observation is there twice");
    }
    assert_eq!((given.len(), found.len()), (549, 549));
    for row in &given {
        let id = &row["observationID"];
        let out = found.get(id).unwrap_or_else(|| panic!("the observation {id} is missing"));
        let place = (out["lat"].parse::<f64>().expect("a number"), out["lon"].parse::<f64>().expect("a number"));
        assert_eq!(place, places[&row["deploymentID"]], "{id}");
        for name in ["scientificName", "count", "eventStart", "lifeStage", "behavior", "mediaID"] {
            let there = out.get(&format!("set.{name}")).map(String::as_str).unwrap_or_default();
            assert_eq!(there, row[name], "{id}: {name}");
        }
    }

    let photos: BTreeSet<Vec<u8>> =
        files_below(&package.join("media")).iter().map(|path| std::fs::read(path).expect("a photo")).collect();
    let copied = files_below(&bundle.join("data/media"));
    assert_eq!((photos.len(), copied.len()), (10, 10));
    assert_eq!(copied.iter().map(|path| std::fs::read(path).expect("a photo")).collect::<BTreeSet<_>>(), photos);
    let named: BTreeSet<PathBuf> = found
        .values()
        .filter(|row| !row["media"].is_empty())
        .flat_map(|row| serde_json::from_str::<Vec<PathBuf>>(&row["media"]).expect("a list of paths"))
        .map(|path| bundle.join(path))
        .collect();
    assert_eq!(named, copied.into_iter().collect(), "each photo is named by an observation");
    let checked = maloca(["verify".as_ref(), bundle.as_os_str()]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    assert!(hub.stop().success());
    let checked = maloca(["verify".as_ref(), data.path().as_os_str()]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
