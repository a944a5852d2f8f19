//! An area that somebody drew, or a territory: rings of places, and what lies in them.
//!
//! [`super::Filter`] asks. Even-odd rule, so that a ring within a ring is a hole, whatever their direction. Edges are straight on
//! the map of degrees, as GeoJSON has them; an area does not cross the date line.

/// Rings of `(lat, lon)` in degrees, each closed by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    rings: Vec<Vec<(f64, f64)>>,
    /// West, south, east, north.
    bbox: [f64; 4],
}

/// Corners that an area may have: a territory's border as people walked it, and no more work a document than that.
pub const CORNERS: usize = 2_000;

impl Area {
    /// An area of rings; `None` where one has fewer than three corners or leaves the Earth, or where there are too many.
    #[must_use]
    pub fn new(rings: Vec<Vec<(f64, f64)>>) -> Option<Self> {
        let corners = || rings.iter().flatten();
        let on_earth = |(lat, lon): &(f64, f64)| lat.abs() <= 90.0 && lon.abs() <= 180.0;
        if rings.is_empty() || rings.iter().any(|ring| ring.len() < 3) || corners().count() > CORNERS || !corners().all(on_earth)
        {
            return None;
        }
        let everything_out = [180.0, 90.0, -180.0, -90.0];
        let bbox = corners().fold(everything_out, |[west, south, east, north], (lat, lon)| {
            [lon.min(west), lat.min(south), lon.max(east), lat.max(north)]
        });
        Some(Self { rings, bbox })
    }

    /// Reads `lon lat,lon lat,…;lon lat,…`: rings after `;`, places after `,`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let place = |text: &str| {
            let (lon, lat) = text.trim().split_once(' ')?;
            Some((lat.trim().parse().ok()?, lon.trim().parse().ok()?))
        };
        let ring = |text: &str| text.split(',').map(place).collect::<Option<Vec<_>>>();
        Self::new(text.split(';').map(ring).collect::<Option<Vec<_>>>()?)
    }

    /// Whether a place lies in it.
    #[must_use]
    pub fn contains(&self, (lat, lon): (f64, f64)) -> bool {
        let [west, south, east, north] = self.bbox;
        if lon < west || lon > east || lat < south || lat > north {
            return false;
        }
        // How many edges lie east of the place, at its latitude.
        let crossings = self.rings.iter().flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1))).filter(|(a, b)| {
            let spans = (a.0 > lat) != (b.0 > lat);
            spans && lon < (b.1 - a.1) * (lat - a.0) / (b.0 - a.0) + a.1
        });
        crossings.count() % 2 == 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hole_is_not_inside() {
        let area = Area::parse("0 0,10 0,10 10,0 10;4 4,6 4,6 6,4 6").expect("two rings");
        assert!(area.contains((2.0, 2.0)) && area.contains((5.0, 3.0)));
        assert!(!area.contains((5.0, 5.0)) && !area.contains((11.0, 5.0)) && !area.contains((5.0, -1.0)));
    }

    #[test]
    fn what_is_no_area_is_refused() {
        for wrong in ["", "0 0,1 1", "0 0,1 1,x y", "0 0,1 1,200 0", "0 0,1 1,0 91", "0,0,1,1", "0 0,1 1,1 NaN"] {
            assert_eq!(Area::parse(wrong), None, "{wrong}");
        }
        assert!(Area::new(vec![vec![(0.0, 0.0); CORNERS + 1]]).is_none());
    }

    proptest! {
        /// A convex area holds what lies left of all its edges; the even-odd rule must agree.
        #[test]
        fn in_a_triangle_it_agrees_with_the_sides_of_its_edges(
            corners in prop::array::uniform3((-80.0..80.0_f64, -170.0..170.0_f64)), place in (-80.0..80.0_f64, -170.0..170.0_f64),
        ) {
            let side = |a: (f64, f64), b: (f64, f64)| (b.1 - a.1) * (place.0 - a.0) - (b.0 - a.0) * (place.1 - a.1);
            let sides = [side(corners[0], corners[1]), side(corners[1], corners[2]), side(corners[2], corners[0])];
            prop_assume!(sides.iter().all(|side| side.abs() > 1e-6));
            let inside = sides.iter().all(|side| *side > 0.0) || sides.iter().all(|side| *side < 0.0);
            prop_assert_eq!(Area::new(vec![corners.to_vec()]).expect("a triangle").contains(place), inside);
        }
    }
}
