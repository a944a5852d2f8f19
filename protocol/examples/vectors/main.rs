//! Writes the conformance vectors, `protocol/vectors/*.json`, the same bytes each time:
//! `cargo run --release -p maloca-protocol --features client --example vectors`.
//!
//! A second implementation runs them; `tests/vectors.rs` holds this one against what is committed.

use std::path::Path;

use serde_json::Value;

mod histories; // the merge
mod outbox; // the outbox
mod refused; // lines that must be refused
mod signatures; // edge cases of ZIP 215
#[path = "../../tests/common/script.rs"]
mod script;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    std::fs::create_dir_all(&folder)?;
    for (part, file) in histories::files().iter().enumerate() {
        write(&folder, &format!("histories-{}.json", part + 1), file)?;
    }
    write(&folder, "refused.json", &refused::file())?;
    write(&folder, "signatures.json", &signatures::file())?;
    write(&folder, "outbox.json", &outbox::file())
}

/// One line an item, so that a change shows as a small difference.
fn write(folder: &Path, name: &str, file: &Value) -> std::io::Result<()> {
    let mut text = String::from("{\n");
    let members: Vec<String> = file
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| {
            let value = match value {
                Value::Array(items) => {
                    let lines: Vec<String> = items.iter().map(Value::to_string).collect();
                    format!("[\n{}\n]", lines.join(",\n"))
                }
                other => other.to_string(),
            };
            format!("\"{key}\": {value}")
        })
        .collect();
    text.push_str(&members.join(",\n"));
    text.push_str("\n}\n");
    println!("{name}: {} bytes", text.len());
    std::fs::write(folder.join(name), text)
}

/// A generator that gives the same numbers for ever: what libraries give may change with their versions.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    fn one_in(&mut self, sides: usize) -> bool {
        self.roll(sides) == 0
    }

    fn of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())].clone()
    }
}
