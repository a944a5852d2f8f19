//! Made-up observations around Tarapoto, with drawn photos: the same for the same seed, on every machine.
//!
//! `cli/demo` shows a hub with them, tests and benches are fed by them. Nobody's real data is in here.

mod scene; // drawn photos

use serde_json::{Map, Value, json};

use maloca_protocol::time;

/// How much is made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// From which everything else follows.
    pub seed: u64,
    /// Simulated devices.
    pub devices: usize,
    /// Observations of all devices together.
    pub observations: usize,
    /// Photos of all observations together.
    pub photos: usize,
}

/// A made-up photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Photo {
    /// Its file name, as a phone would give it.
    pub name: String,
    /// JPEG.
    pub bytes: Vec<u8>,
    /// When it was taken, as revisions write times.
    pub taken_at: String,
}

/// A made-up observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// Which device made it, from 0.
    pub device: usize,
    /// Its own id, distinct within a plan.
    pub own_id: String,
    /// The device's clock when it was recorded, milliseconds since 1970.
    pub created_at: i64,
    /// Its properties.
    pub set: Map<String, Value>,
    /// Its photos.
    pub photos: Vec<Photo>,
}

/// Who carries the devices.
const PEOPLE: &[&str] = &["Rosa", "Wilmer", "Ninfa", "Elías", "Marilú", "Segundo", "Luz", "Adriano"];

/// Names of the devices of a plan.
pub fn devices(plan: Plan) -> impl Iterator<Item = String> {
    (0..plan.devices).map(|n| match PEOPLE.get(n) {
        Some(name) => (*name).to_owned(),
        None => format!("{} {}", PEOPLE[n % PEOPLE.len()], n / PEOPLE.len() + 1),
    })
}

/// Rivers and paths near Tarapoto that monitors walk: name, latitude, longitude, metres above the sea.
const PLACES: &[(&str, f64, f64, f64)] = &[
    ("Quebrada Ahuashiyacu", -6.4578, -76.3011, 520.0),
    ("Río Cumbaza", -6.4381, -76.3867, 390.0),
    ("Río Mayo", -6.5563, -76.4702, 280.0),
    ("Río Huallaga, Shapaja", -6.5797, -76.2627, 210.0),
    ("Cerro Escalera", -6.4103, -76.2891, 940.0),
    ("Chazuta", -6.5741, -76.1375, 190.0),
    ("San Roque de Cumbaza", -6.3859, -76.4389, 610.0),
    ("Lamas, Wayku", -6.4257, -76.5216, 790.0),
];

/// What is seen: category, by its key in the set that the pages know (`webui/src/lib/categories/defaults.ts`), and notes.
const SEEN: &[(&str, &[&str])] = &[
    ("logging", &["Tocones frescos, tres árboles.", "Se oye motosierra al otro lado.", "Tablas amontonadas junto al camino."]),
    ("animal", &["Huellas de sachavaca en el barro.", "Grupo de monos, cinco con crías.", "Un tucán cantando."]),
    ("water", &["Agua turbia después de la lluvia.", "Peces muertos en la orilla.", "El manantial tiene agua clara."]),
    ("farm", &["Chacra nueva dentro del límite.", "Quema reciente, todavía caliente.", "Cacao con buena carga."]),
    ("boundary", &["El hito está en su lugar.", "Hito movido unos veinte metros.", "Trocha limpia hasta el río."]),
    ("heritage", &["Árbol grande donde se reúnen.", "Camino antiguo de los abuelos."]),
];

const SPECIES: &[&str] = &["shihuahuaco", "cedro", "caoba", "tornillo", "capirona", "lupuna", "cumala"];

/// 2026-06-01, when the first day of a plan begins.
const FIRST_DAY: i64 = 1_780_272_000_000;

/// Numbers that follow from a seed (SplitMix64): small, and the same in every version of this program.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`, which is not 0.
    pub(crate) const fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// From 0 to 1.
    pub(crate) fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Makes a plan's observations up, one at a time. Each rests on the seed and its own number alone.
pub fn generate(plan: Plan) -> impl Iterator<Item = Made> {
    (0..plan.observations).map(move |n| one(plan, n))
}

/// Which device makes observation `n`, without drawing its photos.
#[must_use]
pub fn device_of(plan: Plan, n: usize) -> usize {
    Dice::new(dice_of(plan, n).next()).below(plan.devices.max(1))
}

const fn dice_of(plan: Plan, n: usize) -> Dice {
    Dice::new(plan.seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(n as u64))
}

/// Makes observation `n` of a plan up.
#[must_use]
pub fn one(plan: Plan, n: usize) -> Made {
    let mut dice = dice_of(plan, n);
    let (place, lat, lon, height) = *dice.of(PLACES);
    let (category, notes) = *dice.of(SEEN);
    // Walks of a day, in daylight: 6 to 17 o'clock in Peru, which is five hours behind.
    let day = (n * 40 / plan.observations.max(1)) as i64;
    let created_at = FIRST_DAY + day * 86_400_000 + (11 * 3600 + dice.below(11 * 3600) as i64) * 1000;
    let near = |dice: &mut Dice, degrees: f64| (dice.part() - 0.5) * degrees;
    let rounded = |degrees: f64| (degrees * 1e6).round() / 1e6;
    let mut set = Map::new();
    let mut put = |name: &str, value: Value| set.insert(name.to_owned(), value);
    put("category", category.into());
    put("notes", (*dice.of(notes)).into());
    put("place", place.into());
    put("observed_at", time::format_millis(created_at).into());
    // One in twelve has no place: under thick leaves a phone finds none.
    if dice.below(12) > 0 {
        let (lat, lon) = (rounded(lat + near(&mut dice, 0.04)), rounded(lon + near(&mut dice, 0.04)));
        let (accuracy, altitude) = (3 + dice.below(30), (height + near(&mut dice, 80.0)).round());
        put("location", json!({ "lat": lat, "lon": lon, "accuracy_m": accuracy, "altitude_m": altitude, "source": "gps" }));
    }
    match category {
        "logging" => {
            let (species, count) = (*dice.of(SPECIES), 1 + dice.below(6));
            put("tree", json!({ "species": species, "count": count }));
        }
        "animal" => drop(put("count", (1 + dice.below(9)).into())),
        "water" => drop(put("turbid", (dice.below(2) == 0).into())),
        _ => {}
    }
    let photos = photos_of(plan, n).map(|number| photo(plan, number, category, created_at)).collect();
    let device = device_of(plan, n);
    Made { device, own_id: format!("demo-{}-{n}", plan.seed), created_at, set, photos }
}

/// The numbers of the photos of an observation: all photos, spread evenly over all observations.
fn photos_of(plan: Plan, n: usize) -> std::ops::Range<usize> {
    let all = plan.observations.max(1);
    n * plan.photos / all..(n + 1) * plan.photos / all
}

fn photo(plan: Plan, number: usize, category: &str, at: i64) -> Photo {
    let seed = plan.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number as u64).wrapping_add(0xf0f0_f0f0);
    let bytes = scene::draw(seed, category);
    Photo { name: format!("IMG_{:04}.jpg", number + 1), bytes, taken_at: time::format_millis(at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const PLAN: Plan = Plan { seed: 1, devices: 4, observations: 40, photos: 12 };

    #[test]
    fn the_same_seed_makes_the_same_and_another_does_not() {
        let first: Vec<Made> = generate(PLAN).collect();
        assert_eq!(first, generate(PLAN).collect::<Vec<_>>());
        assert_ne!(first[0], generate(Plan { seed: 2, ..PLAN }).next().unwrap());
        assert_eq!(first.len(), PLAN.observations);
        assert!(first.iter().all(|made| made.device < PLAN.devices));
        assert_eq!(first.iter().map(|made| &made.own_id).collect::<BTreeSet<_>>().len(), PLAN.observations);
        assert!((1..PLAN.devices).all(|device| first.iter().any(|made| made.device == device)));
    }

    #[test]
    fn every_photo_is_a_picture_of_its_own() {
        let photos: Vec<Photo> = generate(PLAN).flat_map(|made| made.photos).collect();
        assert_eq!(photos.len(), PLAN.photos);
        assert_eq!(photos.iter().map(|photo| &photo.bytes).collect::<BTreeSet<_>>().len(), PLAN.photos);
        for photo in &photos {
            assert!(image::load_from_memory(&photo.bytes).is_ok());
            assert!(photo.bytes.len() > 50_000, "{}", photo.bytes.len());
        }
    }
}
