//! What the row of power cuts must notice: planted bugs, in a machine that is really cut. The row itself is `make torture`'s.
//! Skipped, visibly, where there is no user-mode-linux.

use std::panic::{AssertUnwindSafe, catch_unwind};

use maloca_tests::lan;
use maloca_tests::rows::Run;
use maloca_tests::rows::powercut::{self, Lie};

/// Cuts with a planted bug, which must be noticed, and by the check that is meant.
fn notices(test: &str, what: &str, lie: Lie) {
    if let Some(why) = powercut::refusal() {
        return maloca_tests::skip(test, &why);
    }
    let said = lan::inside(test, &[powercut::TOOLS, &["cc"]].concat(), || {
        let mut run = Run::new(rand::random(), 30);
        let noticed = catch_unwind(AssertUnwindSafe(|| powercut::with(&mut run, lie)));
        let Err(panic) = noticed else { panic!("a planted bug went unnoticed (seed {})", run.seed) };
        let text = panic.downcast_ref::<String>().map_or("", String::as_str);
        assert!(text.contains(what), "noticed for another reason: {text} (seed {})", run.seed);
        println!("noticed after {} cuts that were withstood", run.done);
    });
    let _ = said.map(|said| print!("{said}"));
}

#[test]
fn an_answer_before_the_commit() {
    notices("an_answer_before_the_commit", "acknowledged revisions are gone", Lie::AckOnSend);
}

#[test]
fn a_hub_that_never_makes_anything_durable() {
    notices("a_hub_that_never_makes_anything_durable", "acknowledged revisions are gone", Lie::NoSync);
}

#[test]
fn a_hub_that_never_makes_names_durable() {
    notices("a_hub_that_never_makes_names_durable", "No such file or directory", Lie::NoFolderSync);
}
