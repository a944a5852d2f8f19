//! Drawn photos: sky, hills, a river, trees. No captions, no people; each different, all plausible at a glance.
//!
//! Drawn with whole numbers and plain arithmetic, so that the same seed gives the same bytes everywhere.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use super::Dice;

const WIDTH: u32 = 960;
const HEIGHT: u32 = 720;

/// Good enough that the grain of the picture costs what a phone's photo costs.
const QUALITY: u8 = 90;

type Colour = [f64; 3];

/// Draws a scene as JPEG.
pub(super) fn draw(seed: u64, category: &str) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut image = RgbImage::new(WIDTH, HEIGHT);
    let horizon = 0.3 + dice.part() * 0.2;
    sky_and_ground(&mut image, &mut dice, horizon, category);
    river(&mut image, &mut dice, horizon, category);
    let trees = if category == "logging" { 6 } else { 14 } + dice.below(8);
    let mut feet: Vec<f64> = (0..trees).map(|_| horizon + 0.02 + dice.part() * (0.9 - horizon)).collect();
    // The far ones first, so that the near ones stand before them.
    feet.sort_by(f64::total_cmp);
    for foot in feet {
        let size = 0.08 + (foot - horizon) * 0.7;
        if category == "logging" && dice.below(3) > 0 {
            stump(&mut image, &mut dice, foot, size);
        } else {
            tree(&mut image, &mut dice, foot, size);
        }
    }
    grain(&mut image, &mut dice);
    let mut bytes = Vec::new();
    // Memory does not refuse to be written, and the size is one that JPEG holds.
    if let Err(error) = JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&image) {
        tracing::error!(%error, "a demo photo could not be encoded");
    }
    bytes
}

fn mix(a: Colour, b: Colour, part: f64) -> Colour {
    let part = part.clamp(0.0, 1.0);
    std::array::from_fn(|at| a[at] + (b[at] - a[at]) * part)
}

fn put(image: &mut RgbImage, x: f64, y: f64, colour: Colour) {
    if x >= 0.0 && y >= 0.0 && x < f64::from(WIDTH) && y < f64::from(HEIGHT) {
        image.put_pixel(x as u32, y as u32, Rgb(colour.map(|part| part.clamp(0.0, 255.0) as u8)));
    }
}

/// A line of hills: a sum of triangle waves, which need no sine, whose last digit differs between machines.
fn wave(x: f64, phase: f64) -> f64 {
    let triangle = |t: f64| (t - t.floor() - 0.5).abs() * 4.0 - 1.0;
    triangle(x * 1.3 + phase) * 0.5 + triangle(x * 3.1 + phase * 2.0) * 0.3 + triangle(x * 7.7 + phase * 3.0) * 0.2
}

fn sky_and_ground(image: &mut RgbImage, dice: &mut Dice, horizon: f64, category: &str) {
    let evening = dice.part();
    let top = mix([70.0, 130.0, 205.0], [60.0, 60.0, 120.0], evening);
    let low = mix([190.0, 215.0, 235.0], [245.0, 170.0, 110.0], evening);
    let hills = mix([60.0, 95.0, 85.0], [70.0, 60.0, 90.0], evening);
    let green = mix([55.0, 105.0, 40.0], [90.0, 120.0, 55.0], dice.part());
    let ground = if matches!(category, "farm" | "logging") { mix(green, [130.0, 90.0, 55.0], 0.6) } else { green };
    let phase = dice.part() * 10.0;
    for x in 0..WIDTH {
        let across = f64::from(x) / f64::from(WIDTH);
        let ridge = horizon - 0.05 + wave(across, phase) * 0.05;
        for y in 0..HEIGHT {
            let down = f64::from(y) / f64::from(HEIGHT);
            let colour = if down < ridge {
                mix(top, low, down / horizon)
            } else if down < horizon {
                mix(hills, low, 0.2)
            } else {
                mix(mix(ground, low, 0.25), mix(ground, [20.0, 30.0, 10.0], 0.4), (down - horizon) / (1.0 - horizon))
            };
            put(image, f64::from(x), f64::from(y), colour);
        }
    }
}

fn river(image: &mut RgbImage, dice: &mut Dice, horizon: f64, category: &str) {
    if category != "water" && dice.below(3) == 0 {
        return;
    }
    let water = mix([90.0, 130.0, 150.0], [150.0, 115.0, 75.0], dice.part());
    let (bend, wide, phase) = ((dice.part() - 0.5) * 0.8, 0.1 + dice.part() * 0.25, dice.part() * 9.0);
    let from = dice.part();
    for y in (horizon * f64::from(HEIGHT)) as u32..HEIGHT {
        let near = (f64::from(y) / f64::from(HEIGHT) - horizon) / (1.0 - horizon);
        let middle = from + bend * near * near + wave(near * 0.7, phase) * 0.04 * near;
        let half = 0.01 + wide * near;
        for x in ((middle - half) * f64::from(WIDTH)) as i64..((middle + half) * f64::from(WIDTH)) as i64 {
            let glint = wave(x as f64 / 300.0 + near * 9.0, phase + near * 31.0);
            put(image, x as f64, f64::from(y), mix(water, [225.0, 235.0, 240.0], 0.15 + glint * 0.15));
        }
    }
}

fn tree(image: &mut RgbImage, dice: &mut Dice, foot: f64, size: f64) {
    let (x, y, high) = (dice.part() * f64::from(WIDTH), foot * f64::from(HEIGHT), size * f64::from(HEIGHT));
    trunk(image, x, y, high * 0.6, high * 0.05);
    let leaf = mix([30.0, 75.0, 25.0], [85.0, 130.0, 50.0], dice.part());
    for _ in 0..5 {
        let (across, up) = (x + (dice.part() - 0.5) * high * 0.4, y - high * (0.55 + dice.part() * 0.35));
        blob(image, across, up, high * (0.14 + dice.part() * 0.12), mix(leaf, [15.0, 40.0, 10.0], dice.part() * 0.5));
    }
}

fn stump(image: &mut RgbImage, dice: &mut Dice, foot: f64, size: f64) {
    let (x, y, high) = (dice.part() * f64::from(WIDTH), foot * f64::from(HEIGHT), size * f64::from(HEIGHT));
    trunk(image, x, y, high * 0.12, high * 0.09);
    blob(image, x, y - high * 0.12, high * 0.08, [205.0, 165.0, 110.0]);
}

fn trunk(image: &mut RgbImage, x: f64, foot: f64, high: f64, half: f64) {
    for up in 0..high as i64 {
        for across in -(half as i64)..=half as i64 {
            let shade = across as f64 / half.max(1.0);
            put(image, x + across as f64, foot - up as f64, mix([95.0, 70.0, 50.0], [50.0, 35.0, 25.0], shade * 0.5 + 0.5));
        }
    }
}

fn blob(image: &mut RgbImage, x: f64, y: f64, radius: f64, colour: Colour) {
    let reach = radius as i64;
    for down in -reach..=reach {
        for across in -reach..=reach {
            if (down * down + across * across) as f64 <= radius * radius {
                let light = (across - down) as f64 / (radius * 2.0);
                put(image, x + across as f64, y + down as f64, mix(colour, [215.0, 225.0, 160.0], light * 0.3));
            }
        }
    }
}

/// The noise of a small sensor, without which a photo would not weigh what photos weigh.
fn grain(image: &mut RgbImage, dice: &mut Dice) {
    for pixel in image.pixels_mut() {
        let noise = dice.next();
        for (at, part) in pixel.0.iter_mut().enumerate() {
            let off = ((noise >> (at * 8)) & 0x1f) as i16 - 16;
            *part = (i16::from(*part) + off).clamp(0, 255) as u8;
        }
    }
}
