//! Makes small maps for the browser's stories: `make_map FOLDER` puts one of each form there.

use std::path::Path;

use maloca_tests::maps;

fn main() {
    let folder = std::env::args().nth(1).expect("the folder to put the maps into");
    let at = |name: &str| Path::new(&folder).join(name);
    maps::pmtiles(&at("Satélite.pmtiles"), &maps::pictures(0..=8), None);
    maps::pmtiles(&at("protomaps.pmtiles"), &maps::land(maps::PROTOMAPS, 0..=8), Some(maps::PROTOMAPS));
    maps::mbtiles(&at("openmaptiles.mbtiles"), &maps::land(maps::OPENMAPTILES, 0..=8), Some(maps::OPENMAPTILES));
    maps::smp(&at("comapeo.smp"), &maps::land(maps::PROTOMAPS, 0..=8));
}
