//! Row `rot`: bits flip, bytes change, sectors and pages turn to zeros, files are cut short; in the database, in media, in keys.
//!
//! No wrong byte may be served: whatever is shown is what it was before. And `maloca verify` must notice, unless every answer is still
//! the same: then what rotted was of no use, and it is counted apart, not among the faults. Control: answers that are compared with
//! those of another hub.
//!
//! What an answer may do is lack something: a row whose own key rotted is not found, though its neighbours are. Such answers are
//! counted, and the hub must have noticed the rot in its database by then, so that its page says that something may be lacking.

use std::collections::BTreeSet;
use std::path::PathBuf;

use axum::body::Body;
use bytes::Bytes;
use maloca_hub::store::FILE;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::Value;

use super::power::{alone, in_halves};
use super::{Row, Run};
use crate::sim::disk::{Lies, SimDisk};
use crate::sim::hub::{Answer, SimHub, faults, request, start_if_it_can};
use crate::sim::life::Life;

/// The row.
pub static ROW: Row = Row {
    name: "rot",
    what: "rotten bytes in database, media and keys, all detected, no wrong byte served",
    short: 2_000,
    mark: 100_000,
    chunk: 2_000,
    lan: None,
    run: |run| in_halves(run, |half| rotten(half, false)),
};

/// Faults that are tried on one hub before another one is made.
const A_HUB: u64 = 250;

/// The row; `planted` compares with what another hub would say.
///
/// # Panics
/// When something wrong is served, or not noticed.
pub fn rotten(run: &mut Run, planted: bool) {
    while run.done < run.count {
        let seed = run.random.random();
        alone(one_hub(run, seed, planted));
    }
}

async fn one_hub(run: &mut Run, seed: u64, planted: bool) {
    let disk = SimDisk::new(seed, Lies::default());
    let mut life = Life::new(StdRng::seed_from_u64(seed), false);
    let hub = SimHub::start(&disk).await.expect("a first start");
    life.live(&hub, 120).await;
    let mut sound = answers(&hub, &life).await;
    drop(hub);
    disk.kill();
    assert!(sound.iter().all(|answer| answer.said.is_some()), "a sound hub answers: {sound:?}");
    if planted {
        sound.rotate_left(1);
    }
    let until = (run.done + A_HUB).min(run.count);
    while run.done < until {
        let rotten = disk.copy(life.random.random());
        let what = spoil(&rotten, &mut life.random);
        // Serving notes what it notices, so verify looks at a copy of its own.
        let looked_at = rotten.copy(0);
        let start = start_if_it_can(&rotten).await;
        let (served, noticed) = match &start {
            Ok(hub) => (answers(hub, &life).await, hub.hub.store.rotten_places() > 0),
            Err(_) => (Vec::new(), true),
        };
        drop(start);
        let mut lacking = 0;
        for (before, after) in sound.iter().zip(&served) {
            if after.said.is_none() || before.said == after.said {
                continue;
            }
            assert!(only_lacks(before, after), "{what}: {} is answered wrongly: {}", after.path, difference(before, after));
            lacking += 1;
        }
        assert!(
            lacking == 0 || noticed || !what.contains(FILE),
            "{what}: {lacking} answers lack something, and the hub noticed nothing"
        );
        run.count("rotten databases that the running hub noticed", u64::from(noticed && what.contains(FILE)));
        let found = faults(&looked_at);
        if found.is_empty() {
            assert!(sound == served, "{what}: not noticed by verify, and yet answers fail or lack something");
            run.count("more in bytes of no use", 1);
        } else {
            run.done += 1;
            run.count("answers that lacked something", lacking);
        }
    }
}

/// An answer: status and body; nothing for a refusal to answer, which is no wrong answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    path: String,
    said: Option<(u16, Bytes)>,
}

/// What the hub says of everything.
async fn answers(hub: &SimHub, life: &Life) -> Vec<Said> {
    let mut all = Vec::new();
    if let Some(device) = life.model.devices.first() {
        // Asked first: what turns out to be spoilt is rightly missing from then on.
        let question = serde_json::json!({ "hashes": life.model.photos.keys().collect::<Vec<_>>() }).to_string();
        let answer = hub.ask(request("POST", "/media/missing", &device.token).body(question.into()).expect("a request")).await;
        all.push(said("/media/missing".to_owned(), answer));
    }
    let mut paths = vec!["/changes?limit=1000".to_owned(), "/observations?limit=500".to_owned()];
    let docs = life.model.revisions.values().map(|(revision, _)| revision.content().doc);
    paths.extend(docs.collect::<BTreeSet<_>>().iter().map(|doc| format!("/observations/{doc}")));
    paths.extend(life.model.photos.keys().map(|hash| format!("/media/{hash}")));
    for path in paths {
        let answer = hub.manager("GET", &path, Body::empty()).await;
        all.push(said(path, answer));
    }
    all
}

/// Whether an answer differs from the sound one only by what is not in it.
fn only_lacks(before: &Said, after: &Said) -> bool {
    let (Some((_, before)), Some((status, after))) = (&before.said, &after.said) else { return false };
    // What is not found: the thing itself, or the token of whoever asks, who then has to join again.
    if matches!(status, 401 | 404) {
        return true;
    }
    // A photo whose row is not found is shown as not here yet.
    let read = |bytes: &Bytes| {
        serde_json::from_str::<Value>(&String::from_utf8_lossy(bytes).replace("\"held\":false", "\"held\":true")).ok()
    };
    let (Some(before), Some(after)) = (read(before), read(after)) else { return false };
    let list = |answer: &Value, name: &str| answer[name].as_array().cloned();
    if let (Some(before), Some(after)) = (list(&before, "missing"), list(&after, "missing")) {
        // Asking for a photo again that is here costs time and harms nothing.
        return before.iter().all(|hash| after.contains(hash));
    }
    if lacks_only_names(&before, &after) {
        return true;
    }
    // A hub that does not find its own introduction introduces itself again.
    let is_own = |item: &Value| item["rev"]["kind"] == "hub";
    ["entries", "observations"].into_iter().any(|name| {
        let (Some(before), Some(after)) = (list(&before, name), list(&after, name)) else { return false };
        after.iter().all(|item| before.iter().any(|known| lacks_only_names(known, item)) || is_own(item))
    })
}

/// Whether two answers are the same, but for people whose names are not found: their devices' rows are gone, their records are not.
fn lacks_only_names(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let fits = |name: &String, value: &Value| {
                let is_name = name == "person" && value.is_null();
                before.get(name).is_some_and(|known| is_name || lacks_only_names(known, value))
            };
            before.len() == after.len() && after.iter().all(|(name, value)| fits(name, value))
        }
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(known, value)| lacks_only_names(known, value))
        }
        _ => before == after,
    }
}

/// Where two answers part.
fn difference(before: &Said, after: &Said) -> String {
    let (Some((_, before)), Some((_, after))) = (&before.said, &after.said) else { return String::new() };
    let at = before.iter().zip(after).take_while(|(a, b)| a == b).count().saturating_sub(120);
    let part = |bytes: &Bytes| String::from_utf8_lossy(&bytes[at..bytes.len().min(at + 300)]).into_owned();
    format!("{}\ninstead of {}", part(after), part(before))
}

fn said(path: String, answer: Answer) -> Said {
    let said = match answer.status {
        0 | 500..600 => None,
        status => Some((status, answer.body)),
    };
    Said { path, said }
}

/// Spoils something; says what.
fn spoil(disk: &SimDisk, random: &mut StdRng) -> String {
    let files: Vec<(PathBuf, usize)> = disk.list().into_iter().filter(|(_, len)| *len > 0).collect();
    let database = files.iter().position(|(path, _)| path.ends_with(FILE)).expect("a database");
    let media: Vec<usize> = (0..files.len()).filter(|n| files[*n].0.starts_with("/data/media")).collect();
    let file = match random.random_range(0..10) {
        0..=6 => database,
        7 | 8 if !media.is_empty() => media[random.random_range(0..media.len())],
        _ => random.random_range(0..files.len()),
    };
    let (path, len) = &files[file];
    let at = random.random_range(0..*len);
    let kind = random.random_range(0..10);
    let (mut what, bit) = (String::new(), random.random_range(0..8));
    let mut noise = [0; 16];
    random.fill_bytes(&mut noise);
    disk.rot(path, |bytes| match kind {
        0..=4 => {
            bytes[at] ^= 1 << bit;
            what = format!("bit {bit} of byte {at} of {}", path.display());
        }
        5 | 6 => {
            let end = (at + noise.len()).min(bytes.len());
            bytes[at..end].copy_from_slice(&noise[..end - at]);
            what = format!("bytes {at} to {end} of {}", path.display());
        }
        7 | 8 => {
            let size = if kind == 7 { 512 } else { 4096 };
            let from = at / size * size;
            let end = (from + size).min(bytes.len());
            bytes[from..end].fill(0);
            what = format!("zeros from {from} to {end} of {}", path.display());
        }
        _ => {
            bytes.truncate(at);
            what = format!("{} cut to {at} of {len} bytes", path.display());
        }
    });
    what
}
