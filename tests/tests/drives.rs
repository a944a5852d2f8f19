//! Which drives are offered for what, with mounts in a namespace of the test's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use maloca_tests::hub::{TestHub, folder, maloca};
use maloca_tests::lan::in_a_lan;
use maloca_tests::manager::Manager;

fn mount(words: &[&str]) {
    assert!(Command::new("mount").args(words).status().expect("mount starts").success(), "mount {words:?}");
}

#[test]
fn a_locked_drive_offers_its_maps_and_takes_no_copy() {
    in_a_lan("a_locked_drive_offers_its_maps_and_takes_no_copy", &["mount"], |_| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(two_drives());
    });
}

async fn two_drives() {
    let (data, drive) = (folder(), folder());
    fs::write(drive.path().join("river.mbtiles"), "a map, for whoever only looks at names").expect("a file");
    mount(&["-t", "tmpfs", "none", "/mnt"]);
    for name in ["open", "locked"] {
        let at = Path::new("/mnt").join(name);
        fs::create_dir(&at).expect("a folder");
        mount(&["--bind", drive.path().to_str().expect("a path"), at.to_str().expect("a path")]);
    }
    mount(&["-o", "remount,bind,ro", "/mnt/locked"]);

    let hub = TestHub::start(data.path());
    let manager = Manager::of(&hub);
    let found = manager.get("/admin/basemaps/found").await;
    let maps: Vec<&str> = found["maps"].as_array().expect("a list").iter().filter_map(|map| map["path"].as_str()).collect();
    assert!(maps.contains(&"/mnt/locked/river.mbtiles") && maps.contains(&"/mnt/open/river.mbtiles"), "{found}");
    let places = manager.get("/admin/places").await;
    assert!(places["needed_bytes"].as_u64() > Some(0) && places["places"][0]["size_bytes"].is_u64(), "{places}");
    let places: Vec<&str> = places["places"].as_array().expect("a list").iter().filter_map(|one| one["path"].as_str()).collect();
    assert!(places.contains(&"/mnt/open") && !places.contains(&"/mnt/locked"), "{places:?}");

    // Whoever asks at the terminal sees both, and which of them takes nothing.
    let said = String::from_utf8_lossy(&maloca([Path::new("drives"), Path::new("--data"), data.path()]).stdout).into_owned();
    let drives: Vec<&str> = said.lines().filter(|line| line.contains("free of")).collect();
    assert!(drives.len() == 2 && said.contains("A copy of everything takes about"), "{said}");
    assert_eq!(drives.iter().filter(|line| line.contains("can only be read")).count(), 1, "{said}");
}
