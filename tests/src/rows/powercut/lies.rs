//! Row `powercut-lies`: the negative controls of `powercut`, in a machine that is really cut. Each takes a planted bug, which must be
//! noticed, and by the check that is meant; one that goes unnoticed fails the row. A row of its own, since it needs the machine.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::RngExt as _;

use super::{Lie, TOOLS, refusal, with};
use crate::rows::{Row, Run};

/// The row.
pub static ROW: Row = Row {
    name: "powercut-lies",
    what: "planted bugs that a power cut must bring to light, each noticed",
    short: 0,
    mark: 30,
    chunk: 3,
    lan: Some(TOOLS),
    run: each_is_noticed,
};

/// What is planted, and what must be said of it.
const PLANTED: [(Lie, &str); 3] = [
    (Lie::AckOnSend, "acknowledged revisions are gone"),
    (Lie::NoSync, "acknowledged revisions are gone"),
    (Lie::NoFolderSync, "No such file or directory"),
];

/// Cuts that a planted bug gets to show itself.
const CUTS: u64 = 30;

fn each_is_noticed(run: &mut Run) {
    if let Some(why) = refusal() {
        run.skipped = Some(why);
        return;
    }
    for (lie, what) in PLANTED.into_iter().cycle().take(usize::try_from(run.count).expect("a small count")) {
        let mut planted = Run::new(run.random.random(), CUTS);
        let noticed = catch_unwind(AssertUnwindSafe(|| with(&mut planted, lie)));
        let Err(panic) = noticed else { panic!("{lie:?} went unnoticed in {CUTS} cuts (seed {})", planted.seed) };
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        assert!(text.contains(what), "{lie:?} was noticed for another reason: {text} (seed {})", planted.seed);
        run.done += 1;
        run.count("cuts withstood before", planted.done);
    }
}
