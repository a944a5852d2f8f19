//! An area that somebody drew, or a territory: polygons, and what lies in one of them.
//!
//! [`super::Filter`] asks. Within a polygon the even-odd rule holds, so that a ring within a ring is a hole, whatever their direction;
//! what lies in two polygons lies in the area, for territories of neighbours overlap. Edges are straight on the map of degrees, as
//! GeoJSON has them; an area does not cross the date line.

/// Rings of `(lat, lon)` in degrees, each closed by itself.
type Polygon = Vec<Vec<(f64, f64)>>;

/// Polygons on Earth.
#[derive(Debug, Clone, PartialEq)]
pub struct Area {
    polygons: Vec<Polygon>,
    /// West, south, east, north.
    bbox: [f64; 4],
}

/// Corners that an area may have: a territory's border as people walked it, and no more work a document than that.
pub const CORNERS: usize = 2_000;

impl Area {
    /// An area of polygons, each of rings; `None` where a ring has fewer than three corners or leaves the Earth, or where there are
    /// too many corners.
    #[must_use]
    pub fn new(polygons: Vec<Polygon>) -> Option<Self> {
        let corners = || polygons.iter().flatten().flatten();
        let on_earth = |(lat, lon): &(f64, f64)| lat.abs() <= 90.0 && lon.abs() <= 180.0;
        let is_shape = |polygon: &Polygon| !polygon.is_empty() && polygon.iter().all(|ring| ring.len() >= 3);
        let is_area = !polygons.is_empty() && polygons.iter().all(is_shape);
        if !is_area || corners().count() > CORNERS || !corners().all(on_earth) {
            return None;
        }
        let everything_out = [180.0, 90.0, -180.0, -90.0];
        let bbox = corners().fold(everything_out, |[west, south, east, north], (lat, lon)| {
            [lon.min(west), lat.min(south), lon.max(east), lat.max(north)]
        });
        Some(Self { polygons, bbox })
    }

    /// Reads `lon lat,lon lat,…;lon lat,…|lon lat,…`: polygons after `|`, their rings after `;`, places after `,`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let place = |text: &str| {
            let (lon, lat) = text.trim().split_once(' ')?;
            Some((lat.trim().parse().ok()?, lon.trim().parse().ok()?))
        };
        let ring = |text: &str| text.split(',').map(place).collect::<Option<Vec<_>>>();
        let polygon = |text: &str| text.split(';').map(ring).collect::<Option<Vec<_>>>();
        Self::new(text.split('|').map(polygon).collect::<Option<Vec<_>>>()?)
    }

    /// How many corners it has.
    #[must_use]
    pub fn corners(&self) -> usize {
        self.polygons.iter().flatten().map(Vec::len).sum()
    }

    /// West, south, east, north in degrees.
    #[must_use]
    pub const fn bbox(&self) -> [f64; 4] {
        self.bbox
    }

    /// Whether a place lies in it.
    #[must_use]
    pub fn contains(&self, (lat, lon): (f64, f64)) -> bool {
        let [west, south, east, north] = self.bbox;
        if lon < west || lon > east || lat < south || lat > north {
            return false;
        }
        self.polygons.iter().any(|polygon| {
            // How many edges lie east of the place, at its latitude.
            let crossings = polygon.iter().flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1))).filter(|(a, b)| {
                let spans = (a.0 > lat) != (b.0 > lat);
                spans && lon < (b.1 - a.1) * (lat - a.0) / (b.0 - a.0) + a.1
            });
            crossings.count() % 2 == 1
        })
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
    fn what_lies_in_two_polygons_lies_in_the_area() {
        let area = Area::parse("0 0,10 0,10 10,0 10|5 0,15 0,15 10,5 10;11 4,13 4,13 6,11 6").expect("two polygons");
        for inside in [(2.0, 2.0), (2.0, 7.0), (2.0, 12.0)] {
            assert!(area.contains(inside), "{inside:?}");
        }
        assert!(!area.contains((5.0, 12.0)) && !area.contains((2.0, 16.0)));
        assert_eq!((area.corners(), area.bbox()), (12, [0.0, 0.0, 15.0, 10.0]));
    }

    #[test]
    fn what_is_no_area_is_refused() {
        for wrong in [
            "",
            "0 0,1 1",
            "0 0,1 1,x y",
            "0 0,1 1,200 0",
            "0 0,1 1,0 91",
            "0,0,1,1",
            "0 0,1 1,1 NaN",
            "0 0,1 0,1 1|",
            "0 0,1 0,1 1|2 2,3 3",
        ] {
            assert_eq!(Area::parse(wrong), None, "{wrong}");
        }
        assert!(Area::new(vec![vec![vec![(0.0, 0.0); CORNERS + 1]]]).is_none());
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
            prop_assert_eq!(Area::new(vec![vec![corners.to_vec()]]).expect("a triangle").contains(place), inside);
        }
    }
}
