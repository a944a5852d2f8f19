//! A picture of cost against size: panels of lines, both axes in powers of ten, readable on light and on dark pages.
//!
//! `scale` draws with it. Lines are told apart by the name at their end and by their dashes, not by colour alone.

use std::fmt::Write as _;

/// A line and its name.
#[derive(Debug, Clone)]
pub struct Line {
    /// Shown at its end.
    pub name: &'static str,
    /// Size and cost, both above nought.
    pub points: Vec<(f64, f64)>,
}

/// Lines that share an axis.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What the axis is of, with its unit.
    pub title: &'static str,
    /// The lines.
    pub lines: Vec<Line>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 26.0;

/// Names closer than this would be written over each other.
const APART: f64 = 15.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#222}.title{font-weight:600}.axis{stroke:#888;stroke-opacity:.35}\
     .l{fill:none;stroke-width:2}.c0{stroke:#0b6e4f}.c1{stroke:#b3541e;stroke-dasharray:7 3}.c2{stroke:#2456a6;stroke-dasharray:2 3}\
     .c3{stroke:#8a2b6b;stroke-dasharray:9 3 2 3}\
     @media(prefers-color-scheme:dark){text{fill:#e6e6e6}.c0{stroke:#4fd1a1}.c1{stroke:#f0a06a}.c2{stroke:#8ab4ff}.c3{stroke:#e58acb}}";

/// Panels below each other, over one axis of sizes.
#[must_use]
pub fn plot(below: &str, panels: &[Panel]) -> String {
    let height = HEIGHT * panels.len() as f64 + 24.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Cost against size\">\
         <style>{STYLE}</style>\n"
    );
    for (n, panel) in panels.iter().enumerate() {
        draw(&mut svg, panel, HEIGHT * n as f64);
    }
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">{below}</text>\n</svg>", height - 8.0);
    svg
}

fn draw(svg: &mut String, panel: &Panel, above: f64) {
    let all = || panel.lines.iter().flat_map(|line| &line.points);
    let (first, last) = decades(all().map(|point| point.0));
    let (low, high) = decades(all().map(|point| point.1));
    let x = |size: f64| LEFT + (size.log10() - first) / (last - first) * (WIDTH - LEFT - RIGHT);
    let y = |cost: f64| above + HEIGHT - BOTTOM - (cost.log10() - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
    let _ = writeln!(svg, "<text class=\"title\" x=\"{LEFT}\" y=\"{}\">{}</text>", above + 20.0, panel.title);
    for power in low as i32..=high as i32 {
        let at = y(10_f64.powi(power));
        let _ = writeln!(
            svg,
            "<path class=\"axis\" d=\"M{LEFT} {at:.1}H{:.1}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            short(power)
        );
    }
    for power in first as i32..=last as i32 {
        let at = x(10_f64.powi(power));
        let _ = writeln!(
            svg,
            "<path class=\"axis\" d=\"M{at:.1} {:.1}V{:.1}\"/><text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            above + TOP,
            above + HEIGHT - BOTTOM,
            above + HEIGHT - BOTTOM + 16.0,
            short(power)
        );
    }
    // Names go from the highest end to the lowest, so that those in each other's way move down in order.
    let mut ends: Vec<(usize, f64)> =
        panel.lines.iter().map(|line| line.points.last().map_or(0.0, |end| y(end.1))).enumerate().collect();
    ends.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut before = f64::NEG_INFINITY;
    for (n, end) in ends {
        let line = &panel.lines[n];
        let path: Vec<String> = line.points.iter().map(|(size, cost)| format!("{:.1} {:.1}", x(*size), y(*cost))).collect();
        before = end.max(before + APART);
        let _ = writeln!(
            svg,
            "<path class=\"l c{n}\" d=\"M{}\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            path.join("L"),
            WIDTH - RIGHT + 8.0,
            before + 4.0,
            line.name
        );
    }
}

/// The powers of ten around some values, at least one apart.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| *value > 0.0)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value.log10()), high.max(value.log10())));
    if low > high {
        return (0.0, 1.0);
    }
    (low.floor(), high.ceil().max(low.floor() + 1.0))
}

fn short(power: i32) -> String {
    match power {
        6 => "1 M".into(),
        3..=5 => format!("{} k", 10_u32.pow(power.unsigned_abs() - 3)),
        0..=2 => 10_u32.pow(power.unsigned_abs()).to_string(),
        _ => format!("1e{power}"),
    }
}
