//! Which drives are offered for what, with mounts in a namespace of the test's own.

use std::fs;
use std::path::Path;
use std::process::Command;

use maloca_tests::hub::{TestHub, folder};
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
    let places: Vec<&str> = places["places"].as_array().expect("a list").iter().filter_map(|one| one["path"].as_str()).collect();
    assert!(places.contains(&"/mnt/open") && !places.contains(&"/mnt/locked"), "{places:?}");
}
