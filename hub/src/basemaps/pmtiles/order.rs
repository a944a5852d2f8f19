//! The number of a tile: zoom by zoom, and within a zoom along a Hilbert curve, so that what is near on the map is near in the file.

use super::TilePlace;

/// The number of a tile.
pub(super) fn number(TilePlace { z, x, y }: TilePlace) -> u64 {
    // All tiles of the zooms before.
    let before = ((1_u64 << (2 * u32::from(z))) - 1) / 3;
    let (mut x, mut y) = (u64::from(x), u64::from(y));
    let (mut along, mut half) = (0, (1_u64 << z) / 2);
    while half > 0 {
        let (right, low) = (u64::from(x & half > 0), u64::from(y & half > 0));
        along += half * half * ((3 * right) ^ low);
        (x, y) = (x & (half - 1), y & (half - 1));
        if low == 0 {
            if right == 1 {
                (x, y) = (half - 1 - x, half - 1 - y);
            }
            (x, y) = (y, x);
        }
        half /= 2;
    }
    before + along
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_has_its_number_and_neighbours_follow_each_other() {
        for z in 0..=6_u8 {
            let wide = 1_u32 << z;
            let mut places: Vec<(u64, u32, u32)> = (0..wide)
                .flat_map(|x| (0..wide).map(move |y| (x, y)))
                .map(|(x, y)| (number(TilePlace::new(z, x, y).unwrap()), x, y))
                .collect();
            places.sort_unstable();
            let first = (4_u64.pow(z.into()) - 1) / 3;
            for (index, window) in places.windows(2).enumerate() {
                assert_eq!(window[0].0, first + index as u64);
                assert_eq!(window[0].1.abs_diff(window[1].1) + window[0].2.abs_diff(window[1].2), 1);
            }
        }
        // As the specification counts.
        let of = |z, x, y| number(TilePlace::new(z, x, y).unwrap());
        assert_eq!([of(0, 0, 0), of(1, 0, 0), of(1, 0, 1), of(1, 1, 1), of(1, 1, 0), of(2, 0, 0)], [0, 1, 2, 3, 4, 5]);
        assert_eq!(of(12, 3423, 1763), 19_078_479);
    }
}
